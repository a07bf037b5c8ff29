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

# Lines and characters looked at, from either end; first lines on which a byline without a colon,
# or a date alone, is the document's.
_FIRST_LINES, _LAST_LINES, _CHARACTERS, _TOP = 40, 12, 4000, 10
# Characters of a line; words of a value, of a sentence, and of what may stand beside a value.
_LONGEST_LINE, _LONGEST_VALUE, _LEAST_SENTENCE, _MOST_BESIDE = 160, 18, 8, 8

_CAPITAL = r"[^\W\d_a-zß-öø-ÿ]"
_MONTH = (
    "(?i:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?"
    r"|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\b\.?"
)
_DAY = "(?:(?i:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day|DAY)?,? )?"
_TIME = r"\d{1,2}[:.]\d{2}(?::\d{2})?(?: ?[APap]\.?[Mm]\b\.?)?(?: ?(?:[+-]\d{4}|[A-Z]{2,4}\b))?"
_DATE = (
    rf"(?:{_TIME},? )?{_DAY}(?:\d{{1,2}}(?:st|nd|rd|th)? (?:of )?{_MONTH},? \d{{4}}\b"
    rf"|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?\b|{_MONTH},? \d{{4}}\b"
    r"|\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?:T[\d:.]+Z?)?(?!\w)"
    # "1.7.12" is a version more often than a date.
    r"|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}\b|\d{1,2}/\d{1,2}/\d{2}\b)"
    rf"(?:,? (?:at )?{_TIME})?"
)
_NAME = (
    rf"{_CAPITAL}[\w.'’-]*(?: (?:(?:de|del|della|di|da|van|von|der|den|la|le|al|bin|ibn) )*"
    rf"{_CAPITAL}[\w.'’-]*){{0,4}}"
)
# Behind a comma alone stands a post or a paper as often as another name.
_NAMES = rf"{_NAME}(?:(?:, {_NAME})*,? (?:and|&) {_NAME})?"
# A value runs to the end of its line, or to what parts it from the next one.
_LINE = r"\S.*?(?=\s*(?:[|·•\t]|$))"
_REST = r"\S.*?(?=\s*(?:[|·•;\t]|\s[-–—]\s|$))"
_COLON = r"\s*\**\s*[:–—]\s*\**\s*"
# What a line may have behind a value that no colon stands before.
_TAIL = r"(?=\s*(?:$|[,;|·•–—(-]))(?P<tail>[^\t]*)$"

_AUTHORS = "authors?|writer|byline|reporter|correspondent"
_WRITTEN = "(?:written|authored|prepared|compiled|drafted|submitted) by|(?:reporting|story|text) by"
_CREDITS = "credits?(?: to| from)?|credited (?:from|to)|courtesy(?: of)?"
_SOURCES = "source|publisher|publication|newspaper|(?:news )?agency|journal"
_PUBLISHED = (
    "(?:originally |first )?published (?:by|in(?= the ))|issued by|released by|taken from"
    "|reprinted from|provided by"
)
_DATED = (
    "(?:publication |issue |release |invoice |effective |meeting |report |statement |filing )?date"
    "|date of (?:publication|issue)|dated|published(?: on| at)?|issued(?: on)?|posted(?: on)?"
    "|released(?: on)?|sent|created(?: on)?"
)
_UPDATED = (
    "(?:last )?(?:updated|modified|revised|changed|edited)(?: on| at)?|last (?:update|change)"
)
_RECORDS = "minutes|agenda|transcript|summary|record|report|notes|letter|memo(?:randum)?"
_AGENCIES = "Reuters|AP|AFP|UPI|AA|ANSA|EFE|TASS|Xinhua|Bloomberg"

# "LONDON (Reuters) —", before the first sentence.
_DATELINE = (
    rf"(?:{_CAPITAL}[^a-z()\n]{{1,40}}\((?P<v>{_CAPITAL}[\w .&'-]{{1,30}})\)"
    rf"|{_CAPITAL}[\w .,'’-]{{1,40}}\((?P<w>{_AGENCIES})\))\s*[-–—]"
)
# Nothing but a date, with a place or a paper.
_DATE_ALONE = rf"(?P<lead>[^.!?:\t]{{0,30}}?)(?<![\w.])(?P<v>{_DATE})(?P<tail>[^:\t]{{0,30}})$"
_BY = rf"By{_COLON}(?P<v>{_REST})"
_BYLINE = rf"(?:By|BY)\s+(?P<v>{_NAMES}){_TAIL}"
_BYLINE_ALONE = rf"by\s+(?P<v>{_NAMES})$"
_TITLE = rf"(?i:title|headline|subject|re)\s*\**\s*:\**\s*(?P<v>{_LINE})"
_SENDER = rf"(?i:from|sender){_COLON}(?P<v>{_REST})"
_RECIPIENT = rf"(?i:to|addressed to|attention|attn){_COLON}(?P<v>{_LINE})"

# The value is group `v` (or `w`); the first pattern that a line of the document fits.
_LINES: dict[Matter, tuple[str, ...]] = {
    "author": (
        rf"(?i:{_AUTHORS}|{_WRITTEN}){_COLON}(?P<v>{_LINE})",
        _BY,
        rf"(?={_CAPITAL})(?i:{_WRITTEN})\s+(?P<v>{_NAMES}){_TAIL}",
        _BYLINE,
        _BYLINE_ALONE,
    ),
    "recipient": (_RECIPIENT,),
    "credit": (
        rf"(?i:{_CREDITS}){_COLON}(?P<v>{_REST})",
        rf"(?={_CAPITAL})(?i:credited (?:from|to)|courtesy of)\s+(?P<v>{_NAMES}){_TAIL}",
    ),
    "source": (
        rf"(?i:{_SOURCES}|{_PUBLISHED}){_COLON}(?P<v>{_REST})",
        rf"(?={_CAPITAL})(?i:{_PUBLISHED})\s+(?P<v>(?:[Tt]he )?{_NAME}){_TAIL}",
        _DATELINE,
    ),
    "date": (
        rf"(?i:{_DATED}){_COLON}['\"]?(?P<v>{_DATE})",
        rf"(?={_CAPITAL})(?i:{_DATED})\s+(?P<v>{_DATE})(?P<tail>[^\t]*)$",
        rf"(?i:{_RECORDS})\b[^.!?:\t]{{0,60}}? (?:(?i:of|on|dated) )?(?P<v>{_DATE})$",
        _DATE_ALONE,
    ),
    "update": (
        rf"(?i:{_UPDATED}){_COLON}['\"]?(?P<v>{_DATE})",
        rf"(?={_CAPITAL})(?i:{_UPDATED})\s+(?P<v>{_DATE})(?P<tail>[^\t]*)$",
    ),
    "title": (_TITLE,),
    "topic": (),
    "clause": (),
}
_PATTERNS = {matter: [re.compile(line) for line in lines] for matter, lines in _LINES.items()}
_FROM, _TO, _CALLED = re.compile(_SENDER), re.compile(_RECIPIENT), re.compile(_TITLE)
# These count at the top only, or there and at the end; and this one on a line of running text.
_TOP_ONLY = {re.compile(line) for line in (_DATE_ALONE, _TITLE, _BY)}
_TOP_OR_END = {re.compile(line) for line in (_BYLINE, _BYLINE_ALONE)}
_BEFORE_TEXT = re.compile(_DATELINE)
# Where a document does not say what was asked for in these words, it may in those.
_ELSE: dict[Matter, tuple[Matter, ...]] = {"credit": ("author", "source"), "source": ("credit",)}

# What ends a line and no value, but not the dot of "Inc." or "Jr.".
_VALUE_END = re.compile(r"(?:[ *_,;¶]|\s#+|(?<=[a-z]{4})\.)+$")
_CALENDAR = re.compile(rf"(?:{_MONTH}|{_DAY[:-1]}|{_TIME}|[\d,./: ]|(?:st|nd|rd|th)\b)+")
# "By Hand Delivery", "By Public Transport".
_NO_AUTHORS = listed(
    """
    mail email e-mail post hand fax courier delivery transport order segment region demand
    invitation phone telephone air sea rail road train car bus foot product country category type
    date year month name age default
    """
)
_CLOSING = re.compile(
    r"(?i)(?:yours (?:sincerely|faithfully|truly)|(?:respectfully|sincerely)(?: yours| submitted)?"
    r"|(?:(?:kind|best|warm)(?:est)? )?regards|with (?:kind|best) regards|cordially),?"
)
_OF_PERSONS = re.compile(r"(?i)(?:name|by|position|signature|signed|phone|tel|e-?mail)\b[^a-z]*:")
# "Phone: …", "Date: …": a line that says what it is, and so no title.
_LABEL = re.compile(rf"[*_]*(?:{_CAPITAL}[\w ]{{0,24}}|[a-z_]{{2,20}})[*_]*:(?:\s|$)")
_MARKS = "*_#>-–•( "
_MARKS_BEHIND = re.compile(r"(?:[\s*_¶]|\s#+)+$")
_BOILERPLATE = re.compile(
    r"(?i)\W*(?:copyright\b|\(c\)|©|licen[sc]ed under|all rights reserved|spdx-|page \d+\b"
    r"|(?:for immediate release|(?:strictly )?(?:private|privileged)?(?: (?:and|&) )?confidential"
    r"|draft|(?:table of )?contents|index|readme)\W*$)"
)
# Small words that may stand beside the date on a line that is of nothing else.
_BESIDE = listed("a am and at by edition for from held in no of on pm the to version vol")
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
    top: bool
    end: bool


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
        found = _titled(document, lines)
        return found or (_beginning(document, lines) if matter == "topic" else None)
    for asked in (matter, *_ELSE.get(matter, ())):
        place = _line(document, lines, asked)
        if place is not None:
            return Told(place, "line")
    return None


def _lines(text: str) -> list[_Line]:
    """Return the first and the last lines of a text that have a word, without outer white space."""
    cut = text.find("\n", _CHARACTERS)
    begins = text[: cut if cut >= 0 else None].split("\n")[:_FIRST_LINES]
    first = list(_placed(begins, 0))
    read = sum(map(len, begins)) + len(begins)
    # Whole lines only: the end of a long one is no line.
    rest = text.find("\n", max(read - 1, len(text) - _CHARACTERS)) + 1
    ends = text[rest:].split("\n")[-_LAST_LINES:] if rest else []
    last = list(_placed(ends, len(text) - len("\n".join(ends))))
    count = len(first) + len(last)
    return [
        line._replace(top=at < _TOP, end=at >= count - _LAST_LINES)
        for at, line in enumerate([*first, *last])
    ]


def _placed(lines: Sequence[str], start: int) -> Iterator[_Line]:
    for line in lines:
        bare = line.strip()
        if any(character.isalnum() for character in bare):
            yield _Line(start + line.index(bare), bare, top=False, end=False)
        start += len(line) + 1


def _line(document: Document, lines: Sequence[_Line], matter: Matter) -> Place | None:
    """Return the value on the first line that says that it is the matter."""
    letter = document.format == "eml" or _is_letter(lines)
    if matter == "recipient" and not letter:
        return None
    if matter == "author" and letter:
        sender = _value([line for line in lines if line.top], _FROM)
        if sender is not None:
            return sender
    for pattern in _PATTERNS[matter]:
        place = _value(lines, pattern)
        if place is not None:
            return place
    return _signature(lines) if matter == "author" else None


def _value(lines: Sequence[_Line], pattern: re.Pattern[str]) -> Place | None:
    """Return the value on the first line that fits a pattern."""
    for line in lines:
        if not line.top and (pattern in _TOP_ONLY or (pattern in _TOP_OR_END and not line.end)):
            continue
        found = _matched(pattern, line.text)
        if found is None:
            continue
        group = "v" if found["v"] else "w"
        start, value = found.start(group), _VALUE_END.sub("", found[group])
        if value.endswith(")") and "(" not in value:  # "(Reporting by Ann Lee)"
            value = value[:-1]
        if value[:1] in "'\"" and value[-1:] == value[:1]:
            start, value = start + 1, value[1:-1]
        begins = value[:1].isalnum() or value[:1] in "<“[@("
        if begins and len(value.split()) <= _LONGEST_VALUE and any(map(str.isalnum, value)):
            return Place(line.start + start, line.start + start + len(value))
    return None


def _signature(lines: Sequence[_Line]) -> Place | None:
    """Return the name below "Yours sincerely,"."""
    for closing, name in pairwise(line for line in lines if line.end):
        if _CLOSING.fullmatch(closing.text) and re.fullmatch(_NAME, name.text):
            return Place(name.start, name.start + len(name.text))
    return None


def _is_letter(lines: Sequence[_Line]) -> bool:
    """Tell whether a text begins as memos and letters do: from whom, to whom, and on what."""
    top = [line.text for line in lines if line.top]
    return all(any(_matched(kind, line) for line in top) for kind in (_FROM, _TO, _CALLED))


def _matched(pattern: re.Pattern[str], line: str) -> re.Match[str] | None:
    """Match a line behind the marks that it may begin with; None for one of running text."""
    if len(line) > _LONGEST_LINE and pattern != _BEFORE_TEXT:
        return None
    found = pattern.match(line, len(line) - len(line.lstrip(_MARKS)))
    return found if found is not None and _of_nothing_else(found) else None


def _of_nothing_else(found: re.Match[str]) -> bool:
    """Tell whether a line is no sentence that happens to begin, or to have a date, as one does."""
    groups, value = found.groupdict(), found["v"] or ""
    dated = re.match(_DATE, value) is not None
    if not dated and value and _CALENDAR.fullmatch(value):  # "By Monday, 4 May"
        return False
    if dated and found.re in (_FROM, _TO):  # of a period, not of a letter
        return False
    if "tail" not in groups:
        return True
    if not dated:
        words = value.lower().split()
        shouted = len(words) == 1 and not re.fullmatch(_AGENCIES, value)
        if shouted or any(word in _NO_AUTHORS for word in words):
            return False
    lead, tail = (re.findall(r"[^\W\d_]+", groups.get(side) or "") for side in ("lead", "tail"))
    small = [word for word in (*lead, *tail) if word[0].islower() and word not in _BESIDE]
    # Of a title there is more before its date, of an event after it.
    return len(lead) <= 3 and len(tail) <= (3 if dated else _MOST_BESIDE) and not small


def _titled(document: Document, lines: Sequence[_Line]) -> Told | None:
    """Return the title: the heading above all text, what a line says it is, or the first line."""
    heading = _top_heading(document, lines)
    if heading is not None and document.headings[0].level == 1:
        return Told(heading, "title")
    near = {at for at, line in enumerate(lines) if _OF_PERSONS.match(line.text)}
    titles = [line for at, line in enumerate(lines) if not {at - 1, at + 1} & near]
    place = _value(titles, _CALLED)
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
            if words and start >= 0 and not _BOILERPLATE.match(words):
                return Place(start, start + len(words))
    return None


def _first_line(text: str, lines: Sequence[_Line]) -> Place | None:
    """Return the first line, where it stands as titles do: by itself, and no sentence."""
    end_of_text = _Line(len(text), "", top=False, end=True)
    for line, below in pairwise([*(line for line in lines if line.top), end_of_text]):
        title = _MARKS_BEHIND.sub("", line.text.lstrip(_MARKS))
        label = _LABEL.match(line.text)
        if label and len(line.text[label.end() :].split()) >= _LEAST_SENTENCE // 2:
            return None  # somebody speaks
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
        if pattern != _BEFORE_TEXT
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
