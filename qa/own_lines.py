"""A document's own lines as the answer to a question about it, or that it has none: `of_itself`."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from qa.answer import Answer, Citation
from qa.citing import cited
from qa.clauses import clause
from qa.document_lines import told
from qa.document_questions import A_FILE, ANY_PAPER, DocumentQuestion, Matter
from qa.wording import PREPOSITIONS, function_word

if TYPE_CHECKING:
    from index.documents import Document
    from index.filters import Filter
    from index.search import Snapshot

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
# Characters in which a document tells what it is and of whom: "This lease of the Oslo office …".
_BEGINNING = 500
_WORD = re.compile(r"[^\W_]{2,}")
_LEAD = re.compile(r"^(?:the|this|that|my|our|your) (?:(?:file|document) )?")
_BEFORE = re.compile(rf"^.* (?:{'|'.join(sorted(PREPOSITIONS))}) ")
_QUOTES = "\"'“”„«»‘"


@dataclass(frozen=True, slots=True)
class OfItself:
    """What a document says of itself, where a question asks for that.

    Attributes:
        question: What is asked.
        document: Name of the document that is asked about; None where it is not known.
        several: Whether it may be one of several.
        missing: The file name that is asked about, where no document has it; else empty.
        copies: The names of all files with its content, of which one is cited.
        citation: Where it says so; None where it does not.
        confidence: How often such lines say what was asked, 0..1; 0 without a citation.
        note: A remark for the person who asked, or None.
    """

    question: DocumentQuestion
    document: str | None
    several: bool = False
    missing: str = ""
    copies: tuple[str, ...] = ()
    citation: Citation | None = None
    confidence: float = 0.0
    note: str | None = None

    def said_in(self, document: str, sentence: str) -> bool:
        """Tell whether a sentence of a document, as a reader found it, may say what is asked.

        Readers take any name for the author's: of 300 passages without such lines the shipped one
        answers 15 to 36 % (`python -m tests.benchmarks.document_questions`).
        """
        if self.missing:
            return False
        if self.question.matter == "clause":
            return not self.several
        says, _ = _SAYS[self.question.matter]
        if not self.question.certain:
            return True
        elsewhere = self.document is not None and document not in self.copies
        return not elsewhere and re.search(says, sentence, re.IGNORECASE) is not None

    @property
    def silence(self) -> str:
        """One sentence that tells why it is not answered."""
        if self.missing:
            return f"No document that is searched is called “{self.missing}”."
        if self.several:
            return "Several documents may be meant: ask about one by its file name, or filter."
        _, asked = _SAYS[self.question.matter]
        return f"No line of {self.document} says {asked}."


def of_itself(
    question: DocumentQuestion,
    snapshot: Snapshot,
    wanted: Filter | None = None,
    history: Sequence[Answer] = (),
) -> OfItself | None:
    """Return where the document that is asked about says what is asked of it.

    None where the words call no document: what they stand for may be told of in the text.

    Args:
        question: What is asked.
        snapshot: Where the documents are.
        wanted: Which of them may answer; all when None.
        history: Earlier answers, oldest first: the document cited last is meant, of several.
    """
    contents: dict[str, list[str]] = {}
    for file in snapshot.documents():
        if file.status != "failed" and (
            wanted is None or wanted.accepts(file.name, file.format or "", file.modified)
        ):
            contents.setdefault(file.alias_of or file.name, []).append(file.name)
    copies = list(contents.values())
    words = question.document
    typed = _typed(words, copies)
    if not typed and A_FILE.fullmatch(words):
        # "The foreword of book.txt" is a thing that is told of in a file.
        inside = _typed(_BEFORE.sub("", words), copies)
        return None if inside else OfItself(question, None, missing=_bare(words))
    name = _meant(typed, copies, history)
    if question.matter == "clause":
        names = typed or _with_parts(words, name, copies, snapshot)
        return _clause(question, snapshot, names) if names else None
    if name is None:
        return OfItself(question, None, several=True)
    itself = OfItself(question, name, copies=next(tuple(one) for one in copies if name in one))
    document = snapshot.document(name)
    if not (question.certain or _is_called(document, words)):
        return itself
    found = told(document, question.matter)
    if found is None:
        return itself
    return _cited(itself, document, found.place, found.by)


def _with_parts(
    words: str, name: str | None, copies: Sequence[Sequence[str]], snapshot: Snapshot
) -> list[str]:
    """Return the documents that may have the clause; none where none is called so.

    Args:
        words: What the document is called, if anything.
        name: The document that may be meant by "this", as far as that is known.
        copies: The names of all that may answer, by content.
        snapshot: Where they are.
    """
    names = [one[0] for one in copies]
    if not words or ANY_PAPER.fullmatch(words) or ANY_PAPER.fullmatch(f"the {words}"):
        return [name] if name else names
    # "The lease" is not the contract that was spoken of last, nor the only one there is.
    alone = len(names) == 1
    some = names[:_MOST_DOCUMENTS]
    return [one for one in some if _is_described(snapshot.document(one), words, alone)]


def _clause(question: DocumentQuestion, snapshot: Snapshot, names: Sequence[str]) -> OfItself:
    """Return the one place among documents that has the number that is asked for."""
    places = []
    for name in names[:_MOST_DOCUMENTS]:
        document = snapshot.document(name)
        place = clause(document.text, *question.part)
        if place is not None:
            places.append((document, place))
    if len(places) != 1 or len(names) > _MOST_DOCUMENTS:
        return OfItself(question, None, several=bool(places))
    [(document, place)] = places
    return _cited(OfItself(question, document.name), document, place, "line")


def _cited(itself: OfItself, document: Document, place: tuple[int, int], by: str) -> OfItself:
    confidence = _CONFIDENCE[by]
    citation = cited(document, *place, math.log(confidence / (1 - confidence)))
    return replace(itself, citation=citation, confidence=confidence, note=_NOTES[by])


def _is_called(document: Document, words: str) -> bool:
    """Tell whether a document is itself what words call it: "the report" of an "Annual report"."""
    called = words.split()[-1]
    first = next(filter(str.strip, document.text.split("\n")), "").strip(" #*_:").lower()
    parts = re.findall(r"[^\W\d_]+", PurePosixPath(document.name).stem.lower())
    return called in parts or first.endswith(called) or first.startswith(called)


def _is_described(document: Document, words: str, alone: bool) -> bool:
    """Tell whether all words fit a document's name or beginning: of "the NATO treaty" both.

    Args:
        document: The document.
        words: The words.
        alone: Whether it is the only one; of several it must be itself what they call it.
    """
    stem = PurePosixPath(document.name).stem
    said = set(_WORD.findall(f"{stem} {document.text[:_BEGINNING]}".lower()))
    asked = [word for word in _WORD.findall(words) if not function_word(word)]
    fits = bool(asked) and said.issuperset(asked)
    return fits and (alone or _is_called(document, words))


def _bare(words: str) -> str:
    """Return the name of a file without what is put before and around it."""
    return _LEAD.sub("", words).strip(_QUOTES)


def _typed(words: str, copies: Sequence[Sequence[str]]) -> list[str]:
    """Return the files that are called by their names, one of each content."""
    asked = {words, _bare(words)} - {""}
    found = (
        [name for name in names if asked & {name.lower(), PurePosixPath(name).name.lower()}]
        for names in copies
    )
    return [names[0] for names in found if names]


def _meant(
    typed: Sequence[str], copies: Sequence[Sequence[str]], history: Sequence[Answer]
) -> str | None:
    """Return the document that is typed, else the only one, else the one that was cited last."""
    if typed:
        return typed[0] if len(typed) == 1 else None
    if len(copies) == 1:
        return copies[0][0]
    latest = (turn.citations[0].document for turn in reversed(history) if turn.citations)
    return next((name for name in latest if any(name in names for names in copies)), None)
