"""Pure: an `Answer` as highlighted pieces, as plain text and as safe HTML.

Everything that reaches a page goes through `escape`, or `attribute` where the page's script reads
it: document text, file names and questions are other people's words, and the page's HTML components
show what they are given.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from qa.answer import Answer, Citation

if TYPE_CHECKING:
    from index.sync import Progress, SyncReport

Kind = Literal["plain", "sentence", "other", "near", "quote"]

# Where marks lie over each other the later kind in this order is shown.
STRENGTH: dict[Kind, int] = {"plain": 0, "sentence": 1, "near": 2, "other": 3, "quote": 4}

# The page's templates are JavaScript template strings; their special characters never need to
# reach one as themselves.
TEMPLATE_CHARACTERS = {ord("{"): "&#123;", ord("}"): "&#125;", ord("$"): "&#36;", ord("`"): "&#96;"}

# Control characters (all but tab and newline) can drive a terminal; bidirectional overrides can
# make a file name read as another one.
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200e\u200f]")

REFUSAL_HEADINGS = {
    "nothing_retrieved": "Nothing here is about that",
    "not_answered": "The documents do not say",
    "conflicting": "The documents disagree",
}


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of characters to be shown as `kind`.

    Attributes:
        start: First character.
        end: One past the last character.
        kind: How it is shown.
    """

    start: int
    end: int
    kind: Kind


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text shown in one way; pieces joined give the text back."""

    text: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Confidence:
    """A calibrated probability in words.

    Attributes:
        level: 1 (unsure) to 4 (very likely right), for a meter of four bars.
        words: A few words.
        odds: The same as a count that needs no percentages.
    """

    level: int
    words: str
    odds: str


def visible(text: str) -> str:
    """Return `text` with control and direction-override characters as U+FFFD, length kept."""
    return UNSEEN.sub("\ufffd", text)


def escape(text: str) -> str:
    """Return `text` safe to stand in HTML, in an element or a quoted attribute."""
    return html.escape(visible(text), quote=True).translate(TEMPLATE_CHARACTERS)


def attribute(text: str) -> str:
    """Return `text` for a quoted attribute that the page's script reads: it has it back exactly.

    A name with a character that `escape` makes visible would else be the name of nothing.
    """
    # A carriage return as itself is read as a line feed.
    plain = html.escape(text, quote=True).translate(TEMPLATE_CHARACTERS)
    return plain.replace("\r", "&#13;")


def pieces(text: str, marks: Iterable[Mark], start: int = 0, end: int | None = None) -> list[Piece]:
    """Cut `text[start:end]` into pieces by the strongest mark that covers each character.

    Args:
        text: The whole text that the marks' offsets count in.
        marks: May overlap, nest, and reach beyond the stretch.
        start: First character of the stretch.
        end: One past its last character; the text's end when None.
    """
    end = len(text) if end is None else end
    inside = [mark for mark in marks if mark.start < end and mark.end > start]
    cuts = {start, end}
    for mark in inside:
        cuts.update((max(mark.start, start), min(mark.end, end)))
    edges = sorted(cuts)
    result: list[Piece] = []
    for left, right in zip(edges, edges[1:], strict=False):
        kinds: list[Kind] = [m.kind for m in inside if m.start <= left and m.end >= right]
        kind = max(kinds, key=STRENGTH.__getitem__) if kinds else "plain"
        if result and result[-1].kind == kind:
            result[-1] = Piece(result[-1].text + text[left:right], kind)
        else:
            result.append(Piece(text[left:right], kind))
    return result


def sentence_pieces(citation: Citation, kind: Kind = "quote") -> list[Piece]:
    """Return the citation's sentence with its quote marked as `kind`."""
    offset = citation.sentence_start
    mark = Mark(citation.start - offset, citation.end - offset, kind)
    return pieces(citation.sentence, [mark])


def pieces_html(parts: Sequence[Piece], first_id: str | None = None) -> str:
    """Return the pieces as HTML: marks as `<mark>`, sentences as `<span class="sentence">`.

    Args:
        parts: The pieces.
        first_id: Given to the first quote, so that a page can scroll to it.
    """
    result = []
    for piece in parts:
        text = escape(piece.text)
        if piece.kind == "plain":
            result.append(text)
        elif piece.kind == "sentence":
            result.append(f'<span class="cs-sentence">{text}</span>')
        else:
            target = ""
            if first_id and piece.kind in ("quote", "near"):
                target, first_id = f' id="{escape(first_id)}"', None
            result.append(f'<mark class="cs-{piece.kind}"{target}>{text}</mark>')
    return "".join(result)


def confidence(probability: float) -> Confidence:
    """Put a calibrated probability, 0..1, into words a layman understands."""
    probability = min(max(probability, 0.0), 1.0)
    hundred = round(probability * 100)
    if hundred > 98:
        odds = "answers like this are right more than 98 times in 100"
    elif hundred >= 90:
        odds = f"answers like this are right about {hundred} times in 100"
    elif hundred >= 5:
        odds = f"answers like this are right about {max(round(probability * 10), 1)} times in 10"
    else:
        odds = "answers like this are hardly ever right"
    for floor, level, words in (
        (0.9, 4, "Very likely right"),
        (0.7, 3, "Probably right"),
        (0.5, 2, "More likely right than wrong"),
    ):
        if probability >= floor:
            return Confidence(level, words, odds)
    return Confidence(1, "Unsure: check the quote", odds)


def one_line(text: str) -> str:
    """Return `text` with every run of white space as one space."""
    return re.sub(r"\s+", " ", text)


def citation_text(citation: Citation, opening: str = "[", closing: str = "]") -> str:
    """Return the sentence with its quote between `opening` and `closing`, on one line."""
    parts = [
        f"{opening}{piece.text}{closing}" if piece.kind == "quote" else piece.text
        for piece in sentence_pieces(citation)
    ]
    return visible(one_line("".join(parts))).strip()


def quote_with_reference(citation: Citation) -> str:
    """Return what a person pastes elsewhere: the sentence in quotation marks, and its place."""
    sentence = visible(one_line(citation.sentence)).strip()
    return f"“{sentence}” ({visible(citation.place)})"


def refusal_heading(reason: str) -> str:
    """Return the short heading for a refusal's reason."""
    return REFUSAL_HEADINGS.get(reason, "No answer")


def instead_words(question: str) -> str:
    """Return one line that offers another question after a refusal."""
    return f"They do answer: {visible(one_line(question))}"


def answer_text(answer: Answer) -> str:
    """Return the answer as plain text of a few lines, without colour."""
    lines: list[str] = []
    if answer.text is not None:
        lines.append(visible(one_line(answer.text)))
        sure = confidence(answer.confidence)
        lines.append(f"{sure.words} ({sure.odds}).")
        shown = (*answer.citations, *answer.rivals)
    else:
        refusal = answer.refusal
        lines.append(refusal_heading(refusal.reason if refusal else ""))
        if refusal and refusal.reason != "not_answered":
            lines.append(visible(refusal.message))
        shown = refusal.nearest if refusal else ()
    if answer.note:
        lines.append(visible(answer.note))
    for citation in shown:
        lines += ["", citation_text(citation), f"    {visible(citation.place)}"]
    if answer.refusal and answer.refusal.instead:
        lines += ["", instead_words(answer.refusal.instead)]
    return "\n".join(lines)


def count(number: int, thing: str) -> str:
    """Return `1 document`, `2 documents`."""
    return f"{number:,} {thing}" + ("" if number == 1 else "s")


def progress_words(progress: Progress) -> str:
    """Return one line on how far a sync is."""
    if progress.stage == "reading":
        return f"Reading documents: {progress.documents:,} of {progress.documents_total:,}"
    left = "" if progress.seconds_left is None else f", about {progress.seconds_left:.0f} s left"
    return f"Preparing passages: {progress.chunks:,} of {progress.chunks_total:,}{left}"


def report_words(report: SyncReport) -> str:
    """Return one line on what a sync did."""
    counts = (
        (len(report.added), "added"),
        (len(report.changed), "changed"),
        (len(report.moved), "moved"),
        (len(report.removed), "removed"),
        (len(report.failed), "not readable"),
    )
    said = [f"{number:,} {what}" for number, what in counts if number]
    return f"Done: {', '.join(said)}." if said else "Done: nothing had changed."
