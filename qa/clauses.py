"""Clauses by their numbers: "What does clause 4.2 say?" is answered with what stands at 4.2."""

from __future__ import annotations

import re

# Characters of a quote over several paragraphs, and words of a paragraph that is a heading.
_LONGEST, _HEADING = 900, 10
_PART = (
    "clause|section|sect?\\.|article|art\\.|paragraph|para\\.?|sub-?clause|sub-?section|sub-?paragraph"
    "|§|item|point|rule|regulation|schedule|annex|appendix|exhibit|chapter|part|recital"
)
_NUMBER = r"(?P<number>\d{1,4}[a-z]?(?:\.\d{1,3})*(?:\([a-z0-9]{1,4}\))*|[ivxlc]{1,7}|[a-z])"
_TELLS = (
    "say|provide|state|require|mean|cover|deal with|contain|regulate|govern|stipulate|specify|read"
    "|prescribe|allow|forbid|concern"
)
_OF = r"(?: (?:of|in) (?P<it>.+?))?"
# "Article s" is none of "articles of faith".
_ASKED = rf"(?:the )?(?P<part>{_PART})(?: | ?(?=\d)|(?<=[§.])){_NUMBER}{_OF}"
_BARE = rf"(?P<part>)(?P<number>\d{{1,3}}(?:\.\d{{1,3}})+){_OF}"
_WAYS = [
    re.compile(way, re.IGNORECASE)
    for way in (
        rf"what (?:does|do|did) {_ASKED} (?:{_TELLS})",
        rf"what (?:does|do|did) {_BARE} (?:{_TELLS})",
        rf"what(?: is|'s| are) (?:said |stated |written )?(?:in|under|at) {_ASKED}",
        rf"what(?: is|'s) {_ASKED}(?: about)?",
        rf"(?:(?:quote|show|read|cite|give|find)(?: me)? )?{_ASKED}",
    )
]
# Parts that are called by their kind wherever they begin.
_NAMED_PARTS = frozenset(["chapter", "part", "annex", "appendix", "schedule", "exhibit", "recital"])
_LEAD = r"[ \t#*_>]*"
# A line that begins a numbered part, at any depth.
_BEGINS = re.compile(
    rf"(?i){_LEAD}(?:(?:{_PART})\s*)?"
    r"(?:\d{1,3}(?:\.\d{1,3})*[.):]?|\([a-z0-9]{1,4}\)|[ivx]+[.)])[*_]*(?:\s|$)"
)


def of_clause(question: str) -> tuple[str, str, str] | None:
    """Return the kind of part, the number and the document that a question asks for.

    Args:
        question: A question in small letters without its closing marks.

    Returns:
        The kind is empty for "What does 4.2 say?", the document for one that names none.
    """
    for way in _WAYS:
        found = way.fullmatch(question)
        if found:
            return found["part"], found["number"], found["it"] or ""
    return None


def clause(text: str, part: str, number: str) -> tuple[int, int] | None:
    """Return where a document's numbered part stands; None where no line begins so, or several do.

    A part that has only a heading is quoted with what stands below it, as far as it is short.

    Args:
        text: The document's text.
        part: The kind that is asked for.
        number: Its number.
    """
    # "A" and "IV" begin lines that are no parts as well.
    kind = rf"(?:(?:{_PART})\s*)" + ("?" if number[0].isdigit() else "")
    line = re.compile(
        rf"(?im)^{_LEAD}(?P<begin>{kind}{re.escape(number)}[*_]*(?:[.):][*_]*)?(?=\s|$))"
    )
    found = [one for one in line.finditer(text) if not _runs_on(text, one)]
    # A table of contents has every heading once more, before the number of a page.
    found = [
        one for one in found if not re.search(r"[.\s]\d+\s*$", _line(text, one.start()))
    ] or found
    if part:
        called = [one for one in found if one["begin"].lower().startswith(part.lower())]
        # What is numbered so has the word, or is a heading: a list has a 7 as well as a chapter.
        titled = [one for one in found if _line(text, one.start()).lstrip().startswith("#")]
        found = called or (titled if part.lower() in _NAMED_PARTS else found)
    if len(found) != 1:
        return None
    start = found[0].start("begin")
    end = _paragraph_end(text, start)
    if len(text[start:end].split()) <= _HEADING and not text[start:end].rstrip().endswith("."):
        end = _below(text, start, end, number)
    return start, end


def _runs_on(text: str, found: re.Match[str]) -> bool:
    """Tell whether a line goes on with the sentence before: "7.3 million dollars in"."""
    end = max(0, found.start() - 1)
    before = text[text.rfind("\n", 0, end) + 1 : end].rstrip()
    behind = _line(text, found.end()).lstrip()
    begins_low = found["begin"][:1].isdigit() and behind[:1].islower()
    ended = not before or before[-1] in ".:;" or before.startswith("#")
    return begins_low and not ended and not _BEGINS.match(before)


def _line(text: str, start: int) -> str:
    end = text.find("\n", start)
    return text[start : end if end >= 0 else None]


def _paragraph_end(text: str, start: int) -> int:
    """Return the end of the paragraph: a blank line, or the beginning of another part."""
    end = start + len(_line(text, start))
    while end < len(text):
        following = _line(text, end + 1)
        if not following.strip() or _BEGINS.match(following):
            break
        end += 1 + len(following)
    return start + len(text[start:end].rstrip())


def _below(text: str, start: int, end: int, number: str) -> int:
    """Return the end of what stands below a heading: up to the next part that is not inside it."""
    inside = re.compile(rf"(?i){_LEAD}(?:{re.escape(number)}[.(]|\([a-z0-9]{{1,4}}\)|[ivx]+[.)])")
    while True:
        begin = end + len(text[end:]) - len(text[end:].lstrip())
        if begin >= len(text):
            return end
        following = _line(text, begin)
        if following.startswith("#") or (_BEGINS.match(following) and not inside.match(following)):
            return end
        last = _paragraph_end(text, begin)
        if last - start > _LONGEST:
            return end
        end = last
