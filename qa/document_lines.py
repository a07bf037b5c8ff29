r"""Where a document says who wrote it, where it is from, of when it is, its title and its topic.

Such lines stand at a document's beginning or end and say themselves what they are: "By Ann Lee",
"Source: Reuters", "5 May 2026". What has no such line is not guessed at; only a title is also taken
from where titles stand, and the topic from the title or the first sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple

from index.chunks import sentence_around
from index.documents import Document
from qa.document_questions import Matter
from qa.wording import CONJUNCTIONS, DETERMINERS, PREPOSITIONS, listed

# Lines and characters looked at, from either end; lines on which a date alone is the document's.
_FIRST_LINES, _LAST_LINES, _CHARACTERS, _FIRST_DATES = 40, 12, 4000, 10
# Characters of a line, and words of a value, a sentence, and what may stand beside a value.
_LONGEST_LINE, _LONGEST_VALUE, _LEAST_SENTENCE, _MOST_BESIDE = 160, 18, 8, 8
_ACRONYM = 6

_MONTH = (
    "(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?"
    r"|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\b\.?"
)
_DAY = "(?:(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?,? )?"
_CLOCK = (
    r"(?:,? (?:at )?\d{1,2}[:.]\d{2}(?::\d{2})?(?: ?[ap]\.?m\b\.?)?"
    r"(?: ?(?:[+-]\d{4}|[A-Z]{2,4}\b))?)?"
)
_DATE = (
    rf"{_DAY}(?:\d{{1,2}}(?:st|nd|rd|th)? (?:of )?{_MONTH},? \d{{4}}\b"
    rf"|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?\b|{_MONTH},? \d{{4}}\b"
    # "1.7.12" is a version more often than a date.
    r"|\d{4}[-/.]\d{1,2}[-/.]\d{1,2}\b|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}\b|\d{1,2}/\d{1,2}/\d{2}\b)"
    + _CLOCK
)
_NAME = (
    r"[A-Z][\w.'’-]*(?: (?:(?:de|del|della|di|da|van|von|der|den|la|le|al|bin|ibn) )*"
    r"[A-Z][\w.'’-]*){0,4}"
)
# Behind a comma alone stands a post or a paper as often as another name.
_NAMES = rf"{_NAME}(?:(?:, {_NAME})*,? (?:and|&) {_NAME})?"
# A value runs to the end of its line, or to what parts it from the next one.
_REST = r"\S.*?(?=\s*(?:[|·•;\t]|\s[-–—]\s|$))"
_COLON = r"\s*\**\s*[:–—]\s*\**\s*"

_AUTHORS = "authors?|writer|byline|reporter|correspondent"
_WRITTEN = "written by|authored by|prepared by|compiled by|drafted by|submitted by|reporting by"
_CREDITS = "credits?(?: to)?|credited (?:from|to)|courtesy(?: of)?"
_SOURCES = "source|publisher|publication|newspaper|(?:news )?agency|journal"
_PUBLISHED = (
    "(?:originally |first )?published (?:by|in)|issued by|released by|taken from|reprinted from"
    "|provided by"
)
_DATED = (
    "date|dated|published(?: on| at)?|publication date|date of (?:publication|issue)|issued(?: on)?"
    "|posted(?: on)?|released(?: on)?|release date|sent|created(?: on)?"
)
_UPDATED = "(?:last )?(?:updated|modified|revised|changed)(?: on| at)?|last (?:update|change)"

# "LONDON (Reuters) —", before the first sentence.
_DATELINE = (
    r"(?:[A-Z][A-Z .,'’-]{1,40}\((?P<v>[A-Z][\w .&'-]{1,30})\)"
    r"|[A-Z][\w .,'’-]{1,40}\((?P<w>Reuters|AP|AFP|UPI|AA|ANSA|EFE|TASS|Xinhua|Bloomberg)\))"
    r"\s*[-–—]"
)

# Nothing but a date, with a place or a paper.
_DATE_ALONE = rf"(?P<lead>[^.!?\t]{{0,50}}?)(?<![\w.])(?P<v>{_DATE})(?P<tail>[^\t]{{0,30}})$"

# The value is group `v`; the first pattern that a line of the document fits.
_LINES: dict[Matter, tuple[str, ...]] = {
    "author": (
        rf"(?=[A-Z])(?i:(?:{_AUTHORS}|{_WRITTEN}|by){_COLON})(?P<v>{_REST})",
        rf"(?=[A-Z])(?i:{_WRITTEN})\s+(?P<v>{_REST})",
        rf"(?:By|BY)\s+(?P<v>{_NAMES})(?=\s*(?:$|[,|·•–—(-]))(?P<tail>[^\t]*)$",
    ),
    "recipient": (rf"(?i:to|addressed to|attention|attn){_COLON}(?P<v>{_REST})",),
    "credit": (rf"(?i:{_CREDITS})(?:{_COLON}|\s+(?=[A-Z]))(?P<v>{_REST})",),
    "source": (
        rf"(?i:{_SOURCES}|{_PUBLISHED}){_COLON}(?P<v>{_REST})",
        rf"(?=[A-Z])(?i:{_PUBLISHED})\s+(?P<v>(?:[Tt]he )?{_NAME})",
        _DATELINE,
    ),
    "date": (
        rf"(?i:{_DATED}){_COLON}(?P<v>{_DATE})",
        rf"(?=[A-Z])(?i:{_DATED})\s+(?P<v>{_DATE})",
        _DATE_ALONE,
    ),
    "update": (
        rf"(?i:{_UPDATED}){_COLON}(?P<v>{_DATE})",
        rf"(?=[A-Z])(?i:{_UPDATED})\s+(?P<v>{_DATE})",
    ),
    "title": (rf"(?i:title|headline|subject|re)\s*\**\s*:\**\s*(?P<v>{_REST})",),
    "topic": (),
}
_PATTERNS = {matter: [re.compile(line) for line in lines] for matter, lines in _LINES.items()}
# Where a document does not say what was asked for in these words, it may in those.
_ELSE: dict[Matter, tuple[Matter, ...]] = {
    "credit": ("author", "source"),
    "source": ("credit",),
}
_SENDER = re.compile(rf"(?i:from|sender){_COLON}(?P<v>{_REST})")
# "Phone: …", "Date: …": a line that says what it is, and so no title.
_LABEL = re.compile(r"[*_]*[A-Z][\w ]{0,24}[*_]*:(?:\s|$)")
# What ends a line and no value, but not the dot of "Inc." or "Jr.".
_VALUE_END = re.compile(r"(?:[ *_,;¶#]|(?<=[a-z]{4})\.)+$")
_CALENDAR = re.compile(rf"(?:{_MONTH}|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|[\d,. ])+")
_MARKS = "*_#>-–•( "
_MARKS_BEHIND = re.compile(r"[\s*_#¶]+$")
_BOILERPLATE = re.compile(
    r"(?i)\W*(?:copyright\b|\(c\)|©|licen[sc]ed under|all rights reserved|spdx-)"
)
# Small words that may stand beside the date on a line that is of nothing else.
_BESIDE = listed("a am and at by edition for from in no of on pm the to version vol")
_UNFINISHED = DETERMINERS | PREPOSITIONS | CONJUNCTIONS


class Place(NamedTuple):
    """Characters of a document's text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Told:
    """What a document says of itself.

    Attributes:
        place: Where it says so; never empty.
        by: A `line` that says what it is, the `title`, or the `beginning` of the text.
    """

    place: Place
    by: Literal["line", "title", "beginning"]


class _Line(NamedTuple):
    start: int
    text: str


def told(document: Document, matter: Matter) -> Told | None:
    """Return where a document says something of itself; None where it does not.

    Args:
        document: The document.
        matter: What is looked for.
    """
    if document.rows:
        return None
    lines = _lines(document.text)
    if matter in ("title", "topic"):
        return _titled(document, lines) or (
            _beginning(document, lines) if matter == "topic" else None
        )
    for asked in (matter, *_ELSE.get(matter, ())):
        place = _line(document, lines, asked)
        if place is not None:
            return Told(place, "line")
    return None


def _lines(text: str) -> list[_Line]:
    """Return the first and the last lines of a text that have a word, without outer white space."""
    begins = text[:_CHARACTERS].split("\n")[:_FIRST_LINES]
    found = list(_placed(begins, 0))
    rest = max(sum(map(len, begins)) + len(begins), len(text) - _CHARACTERS)
    ends = text[rest:].split("\n")
    kept = ends[-_LAST_LINES:]
    return [*found, *_placed(kept, len(text) - len("\n".join(kept)))]


def _placed(lines: Sequence[str], start: int) -> Iterator[_Line]:
    for line in lines:
        bare = line.strip()
        if any(character.isalnum() for character in bare):
            yield _Line(start + line.index(bare), bare)
        start += len(line) + 1


def _line(document: Document, lines: Sequence[_Line], matter: Matter) -> Place | None:
    """Return the value on the first line that says that it is the matter."""
    patterns = list(_PATTERNS[matter])
    if matter == "author" and (document.format == "eml" or _memo(lines)):
        patterns.append(_SENDER)
    for pattern in patterns:
        for number, line in enumerate(lines):
            found = _matched(pattern, line.text)
            if found is None or (pattern.pattern == _DATE_ALONE and number >= _FIRST_DATES):
                continue
            group = "v" if found["v"] else "w"
            value = _VALUE_END.sub("", found[group])
            if value.endswith(")") and "(" not in value:  # "(Reporting by Ann Lee)"
                value = value[:-1]
            if len(value.split()) <= _LONGEST_VALUE and any(map(str.isalnum, value)):
                start = line.start + found.start(group)
                return Place(start, start + len(value))
    return None


def _matched(pattern: re.Pattern[str], line: str) -> re.Match[str] | None:
    """Match a line behind the marks that it may begin with; None for one of running text."""
    if len(line) > _LONGEST_LINE and pattern.pattern != _DATELINE:
        return None
    found = pattern.match(line, len(line) - len(line.lstrip(_MARKS)))
    return found if found is not None and _of_nothing_else(found) else None


def _memo(lines: Sequence[_Line]) -> bool:
    return any(found.match(line.text) for line in lines for found in _PATTERNS["recipient"])


def _of_nothing_else(found: re.Match[str]) -> bool:
    """Tell whether a line is no sentence that happens to begin, or to have a date, as one does."""
    groups = found.groupdict()
    if "tail" not in groups:
        return True
    beside = [
        word for word in re.findall(r"[^\W\d_]+", f"{groups.get('lead', '')} {groups['tail']}")
    ]
    value = found["v"]
    if "lead" not in groups and (
        _CALENDAR.fullmatch(value)  # "By Monday, 4 May"
        or (" " not in value and not (value.isupper() and len(value) < _ACRONYM))
    ):
        return False
    small = [word for word in beside if word[0].islower() and word not in _BESIDE]
    return len(beside) <= _MOST_BESIDE and not small


def _titled(document: Document, lines: Sequence[_Line]) -> Told | None:
    """Return the title: the heading above all text, what a line says it is, or the first line."""
    heading = _top_heading(document, lines)
    if heading is not None and document.headings[0].level == 1:
        return Told(heading, "title")
    place = _line(document, lines, "title")
    if place is not None:
        return Told(place, "line")
    if not document.headings:
        heading = _first_line(document.text, lines)
    return Told(heading, "title") if heading else None


def _top_heading(document: Document, lines: Sequence[_Line]) -> Place | None:
    """Return the first heading, when nothing but bylines and the like stands above it."""
    for heading in document.headings[:1]:
        above = [line for line in lines if line.start < heading.start]
        if heading.start < _CHARACTERS and not any(_sentence(line.text) for line in above):
            words = _MARKS_BEHIND.sub("", heading.text)
            start = document.text.find(words, heading.start, heading.end)
            if words and start >= 0:
                return Place(start, start + len(words))
    return None


def _first_line(text: str, lines: Sequence[_Line]) -> Place | None:
    """Return the first line, where it stands as titles do: by itself, and no sentence."""
    for line, below in pairwise([*lines, _Line(len(text), "")]):
        title = _MARKS_BEHIND.sub("", line.text.lstrip(_MARKS))
        if _says_what_it_is(line.text) or _BOILERPLATE.match(line.text) or not title[:1].isalnum():
            continue
        words = title.split()
        start, end = line.start + line.text.index(title), line.start + len(line.text)
        apart = text[end : below.start].count("\n") > 1 or _says_what_it_is(below.text)
        fits = (
            2 <= len(words) <= _LONGEST_VALUE
            and len(title) <= _LONGEST_LINE
            and not title[0].islower()
            and title[-1] not in ".,;:。！？"
            and words[-1].lower() not in _UNFINISHED
            and not below.text[:1].islower()
            and (apart or len(below.text) > 2 * len(title))
        )
        return Place(start, start + len(title)) if fits else None
    return None


def _says_what_it_is(line: str) -> bool:
    """Tell whether a line is a byline, a date or another such line."""
    return _LABEL.match(line) is not None or any(
        _matched(pattern, line) is not None
        for patterns in _PATTERNS.values()
        for pattern in patterns
        if pattern.pattern != _DATELINE
    )


def _beginning(document: Document, lines: Sequence[_Line]) -> Told | None:
    """Return the first sentence of the text."""
    for line in lines:
        if _sentence(line.text):
            # A byline above counts to the sentence where neither line is long.
            _, end = sentence_around(document.text, line.start, line.start + 1)
            if _sentence(" ".join(document.text[line.start : end].split())):
                return Told(Place(line.start, end), "beginning")
    return None


def _sentence(line: str) -> bool:
    """Tell whether a line is of running text."""
    return (
        len(line.split()) >= _LEAST_SENTENCE
        and "\t" not in line
        and (line[0].isalnum() or line[0] in "“\"'‘")
        and not _BOILERPLATE.match(line)
        and not _says_what_it_is(line)
    )
