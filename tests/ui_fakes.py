"""A small assistant whose answers can be predicted by hand, for tests of the doors without weights.

It holds documents and a table `question → quote`. A question in the table is answered by the
first place where its quote stands; any other question is refused. `rivals` is such a table of what
another source says, and `offers` one of what to ask instead of a refused question.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace

from index.documents import Document
from index.errors import QuestionError
from index.filters import Filter
from qa.answer import Answer, Citation, Refusal
from qa.config import Settings

ARTICLE = (
    "A calm harbour\n"
    "The harbour of Lerwick was founded in 1708 by Dutch herring fishers. "
    "It lies in the lee of Bressay, which keeps the swell out. "
    "Today 212 boats are registered there.\n"
    "The lighthouse was lit for the first time in 1858. It was designed by David Stevenson, "
    "whose family built most of the lights of Scotland.\n"
    "In winter the ferry to Aberdeen takes 12 hours and 30 minutes."
)
SECOND = "Lights of the north\nBressay light was designed by David Stevenson and first lit in 1858."

QUESTIONS = {
    "when was the harbour founded?": "1708",
    "who designed the lighthouse?": "David Stevenson",
    "how many boats are there?": "212 boats",
    "how long does the ferry take?": "12 hours and 30 minutes",
}


def document(name: str, text: str) -> Document:
    """A text document as the library stores it."""
    return Document(name=name, text=text, sha256="0" * 64, format="text")


@dataclass(frozen=True)
class FakeStage:
    name: str
    passages: tuple = ()
    answer: Answer | None = None


def sentence_at(text: str, start: int, end: int) -> tuple[int, int]:
    """The stretch between full stops or line ends around a span."""
    edges = [0, *(m.end() for m in re.finditer(r"[.?!] |\n", text)), len(text)]
    left = max(e for e in edges if e <= start)
    right = min(e for e in edges if e >= end)
    right = left + len(text[left:right].rstrip())
    return left, right


def cite(source: Document, quote: str, score: float = 4.0) -> Citation:
    """A citation of the first place where the quote stands."""
    start = source.text.index(quote)
    end = start + len(quote)
    left, right = sentence_at(source.text, start, end)
    return Citation(
        document=source.name,
        page=None,
        heading=None,
        start=start,
        end=end,
        quote=quote,
        sentence=source.text[left:right],
        sentence_start=left,
        sentence_end=right,
        passage_start=0,
        passage_end=len(source.text),
        score=score,
    )


@dataclass
class FakeAssistant:
    documents: Sequence[Document] = (
        document("harbour.txt", ARTICLE),
        document("lights.txt", SECOND),
    )
    questions: dict[str, str] = field(default_factory=lambda: dict(QUESTIONS))
    confidence: float = 0.93
    asked: list[str] = field(default_factory=list)
    histories: list[tuple[Answer, ...]] = field(default_factory=list)
    broken: Exception | None = None
    offers: dict[str, str] = field(default_factory=dict)
    rivals: dict[str, str] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)

    @property
    def library(self) -> SimpleNamespace:
        by_name = {d.name: d for d in self.documents}
        return SimpleNamespace(
            name="",
            folder=Path("fake"),
            snapshot=lambda: SimpleNamespace(manifest=None, generation=1),
            document=by_name.__getitem__,
            documents=lambda: [
                SimpleNamespace(
                    name=d.name,
                    format=d.format,
                    pages=0,
                    chunks=1,
                    size=len(d.text),
                    status="indexed",
                    alias_of=None,
                    reason=None,
                )
                for d in self.documents
            ],
        )

    def ask(
        self, question: str, history: Sequence[Answer] = (), filters: Filter | None = None
    ) -> Answer:
        self.asked.append(question)
        self.histories.append(tuple(history))
        if self.broken:
            raise self.broken
        if not question.strip():
            raise QuestionError("The question is empty; ask one of at least one character.")
        if len(question) > 1000:
            raise QuestionError(
                f"The question has {len(question)} characters; at most 1000 are read. Shorten it."
            )
        quote = self.questions.get(question.strip().lower())
        allowed = [d for d in self.documents if filters is None or d.name in filters.documents]
        citations = tuple(cite(d, quote) for d in allowed if quote and quote in d.text)
        if quote is None or not citations:
            nearest = cite(self.documents[0], self.documents[0].text.split(" ")[1], score=-2.0)
            refusal = Refusal("not_answered", "No passage answers this.", (nearest,))
            return Answer(question, question, None, 0.1, (), refusal)
        other = self.rivals.get(question.strip().lower())
        rivals = tuple(cite(d, other, 3.0) for d in allowed if other and other in d.text)
        note = f"Sources disagree: another one says “{other}”." if rivals else None
        return Answer(
            question, question, quote, self.confidence, citations, note=note, rivals=rivals
        )

    def instead(self, answer: Answer, filters: Filter | None = None, seconds: float = 2) -> Answer:
        if answer.refusal is None:
            return answer
        offered = self.offers.get(answer.question.lower())
        return replace(answer, refusal=replace(answer.refusal, instead=offered))

    def ask_stages(
        self, question: str, history: Sequence[Answer] = (), filters: Filter | None = None
    ) -> Iterator[FakeStage]:
        yield FakeStage("searching")
        answer = self.ask(question, history, filters)
        yield FakeStage("reading", (ARTICLE[:20],))
        yield FakeStage("answering", answer=answer)
