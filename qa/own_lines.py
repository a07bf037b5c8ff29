"""A document's own lines as the answer to a question about it, or that it has none: `of_itself`."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from qa.answer import Answer, Citation
from qa.citing import cited
from qa.clauses import clause
from qa.document_lines import told
from qa.document_questions import ANY_PAPER, DocumentQuestion, Matter

if TYPE_CHECKING:
    from index.documents import Document
    from index.filters import Filter
    from index.search import DocumentRecord, Snapshot

# By what was found in 682 files of documentation, of which 50 lines that say what they are, 80
# titles and 40 beginnings were read.
FITTED_ON = "lines, titles and beginnings of documentation, by hand"
_CONFIDENCE = {"line": 0.95, "title": 0.9, "beginning": 0.75}
_NOTES = {
    "line": None,
    "title": "This is the title of the document.",
    "beginning": "Only quotes are given: this is how the document begins.",
}
# What a sentence has that says such a thing of its document, and what is asked, in words.
_MADE = r"wrote|written|author|byline|draft|prepared|compil|compos|penned|report(?:ed|ing) by|^by\b"
_OUT = r"publish|issued|released|posted|printed|dated?\b"
# Of a clause any sentence may.
_SAYS: dict[Matter, tuple[str, str]] = {
    "author": (rf"{_MADE}|\bsent\b|sender|\bsign", "who wrote it"),
    "recipient": (r"^to\b|dear|address|attention|recipient|receiv|\bgot\b|sent", "to whom it is"),
    "credit": (rf"credit|courtesy|source|{_MADE}", "to whom it is credited"),
    "source": (rf"source|courtesy|credit|reprint|agency|{_OUT}", "where it is from"),
    "update": (r"updat|modif|revis|chang|edit", "when it was changed"),
    "date": (rf"{_OUT}|{_MADE}|updated|created|\bsent\b|effective|signed|held", "its date"),
    "title": (r"titl|headlin|called|heading", "its title"),
    "topic": ("", "what it is about"),
}
# Documents that are looked through for the number of a clause.
_MOST_DOCUMENTS = 200


@dataclass(frozen=True, slots=True)
class OfItself:
    """What a document says of itself, where a question asks for that.

    Attributes:
        question: What is asked.
        document: Name of the document that is asked about; None where it is not known.
        several: Whether it may be one of several.
        citation: Where it says so; None where it does not.
        confidence: How often such lines say what was asked, 0..1; 0 without a citation.
        note: A remark for the person who asked, or None.
    """

    question: DocumentQuestion
    document: str | None
    several: bool = False
    citation: Citation | None = None
    confidence: float = 0.0
    note: str | None = None

    def said_in(self, document: str, sentence: str) -> bool:
        """Tell whether a sentence of a document, as a reader found it, may say what is asked.

        Readers take any name for the author's: of 300 passages without such lines the shipped one
        answers 15 to 36 % (`python -m tests.benchmarks.document_questions`).
        """
        if self.question.matter == "clause":
            return not self.several
        says, _ = _SAYS[self.question.matter]
        if not self.question.certain:
            return True
        elsewhere = self.document is not None and document != self.document
        return not elsewhere and re.search(says, sentence, re.IGNORECASE) is not None

    @property
    def silence(self) -> str:
        """One sentence that tells why it is not answered."""
        if self.several:
            return "Several documents may be meant: ask about one by its file name, or filter."
        _, asked = _SAYS[self.question.matter]
        return f"No line of {self.document} says {asked}."


def of_itself(
    question: DocumentQuestion,
    snapshot: Snapshot,
    wanted: Filter | None = None,
    history: Sequence[Answer] = (),
) -> OfItself:
    """Return where the document that is asked about says what is asked of it.

    Args:
        question: What is asked.
        snapshot: Where the documents are.
        wanted: Which of them may answer; all when None.
        history: Earlier answers, oldest first: the document cited last is meant, of several.
    """
    files = [
        file
        for file in snapshot.documents()
        if file.status == "indexed"
        and (wanted is None or wanted.accepts(file.name, file.format or "", file.modified))
    ]
    name = _meant(question.document, files, history)
    if question.matter == "clause":
        return _clause(question, snapshot, _with_parts(question, name, files, snapshot))
    if name is None:
        return OfItself(question, None, several=True)
    document = snapshot.document(name)
    if not (question.certain or _is_called(document, question.document)):
        return OfItself(question, name)
    found = told(document, question.matter)
    if found is None:
        return OfItself(question, name)
    return _cited(question, document, found.place, found.by)


def _with_parts(
    question: DocumentQuestion,
    name: str | None,
    files: Sequence[DocumentRecord],
    snapshot: Snapshot,
) -> list[str]:
    """Return the documents that may have the clause; none where the one that is named is not there.

    Args:
        question: What is asked.
        name: The document that its words stand for, as far as that is known.
        files: All that may answer.
        snapshot: Where they are.
    """
    words = question.document
    names = [name] if name else [file.name for file in files]
    if len(files) == 1 or not words or ANY_PAPER.fullmatch(words):
        return names
    called = words.split()[-1]
    if "." in called or (name and name.lower().endswith(called)):
        return [name] if name else []
    # "The lease" is not the contract that was spoken of last.
    some = [file.name for file in files[:_MOST_DOCUMENTS]]
    return [one for one in some if _is_called(snapshot.document(one), called)]


def _clause(question: DocumentQuestion, snapshot: Snapshot, names: Sequence[str]) -> OfItself:
    """Return the one place among documents that has the number that is asked for."""
    places = []
    for name in names[:_MOST_DOCUMENTS]:
        document = snapshot.document(name)
        place = clause(document.text, *question.part)
        if place is not None:
            places.append((document, place))
    if len(places) != 1 or len(names) > _MOST_DOCUMENTS:
        return OfItself(question, None, several=bool(places) or not names)
    [(document, place)] = places
    return _cited(question, document, place, "line")


def _cited(
    question: DocumentQuestion, document: Document, place: tuple[int, int], by: str
) -> OfItself:
    confidence = _CONFIDENCE[by]
    citation = cited(document, *place, math.log(confidence / (1 - confidence)))
    return OfItself(question, document.name, False, citation, confidence, _NOTES[by])


def _is_called(document: Document, words: str) -> bool:
    """Tell whether a document is itself what words call it: "the report" of an "Annual report"."""
    called = words.split()[-1]
    first = next(filter(str.strip, document.text.split("\n")), "").strip(" #*_:").lower()
    parts = re.findall(r"[^\W\d_]+", PurePosixPath(document.name).stem.lower())
    return called in parts or first.endswith(called) or first.startswith(called)


def _meant(words: str, files: Sequence[DocumentRecord], history: Sequence[Answer]) -> str | None:
    """Return the name of the document that words of a question stand for."""
    names = [file.name for file in files]
    typed = words.split()[-1] if words else ""
    called = [name for name in names if typed in (name.lower(), PurePosixPath(name).name.lower())]
    if called or "." in typed:
        return called[0] if len(called) == 1 else None
    if len(names) == 1:
        return names[0]
    latest = (turn.citations[0].document for turn in reversed(history) if turn.citations)
    return next((name for name in latest if name in names), None)
