"""Which stage lost an answer: found by asking each stage for the right passage in turn.

```
not indexed     no indexed passage holds the answer         → loader, chunker, or a stale library
not retrieved   it stands too deep in the search results    → embedder, full text, fusion
not read        the reader marks other words in it          → reader
not chosen      the reader marked it, another place won     → fusion of passages
refused         it came first and was still refused         → calibration
not refused     nothing answers, and something was said     → calibration
```

The right passage is one that holds an acceptable answer and lies where the pair says (document,
page, quote). Short answers such as a year stand in many passages; a pair that should be found in
one certain place names it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from qa.answer import Answer, Citation
from qa.evaluate import exact_match, normalize
from qa.goldenset import Pair

if TYPE_CHECKING:
    from index.library import Library
    from index.search import Passage, Snapshot
    from qa.reader import PassageReader

Stage = Literal["not_indexed", "not_retrieved", "not_read", "not_chosen", "refused", "not_refused"]
STAGES: tuple[Stage, ...] = (
    "not_indexed", "not_retrieved", "not_read", "not_chosen", "refused", "not_refused",
)  # fmt: skip
RANKED = 100
"""Passages that are searched for the right one's rank, of every question."""
SEARCHED = 10_000
"""Passages that are searched for it when the question was lost."""


@dataclass(frozen=True, slots=True)
class Found:
    """Where the right passage stands in the search results.

    Attributes:
        rank: 1-based.
        passage: The passage.
    """

    rank: int
    passage: Passage


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Why a pair was lost.

    Attributes:
        stage: The first stage that went wrong.
        detail: One sentence for a person.
        margin: The reader's log-odds for its best span in the right passage; above 0 it answers.
    """

    stage: Stage
    detail: str
    margin: float | None = None


class Places:
    """Knows, for one generation of a library, whether a passage or citation is the right one."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.records = {record.name: record for record in snapshot.documents()}

    def find(self, pair: Pair, question: str, depth: int) -> Found | None:
        """Search for the first right passage among `depth`."""
        for rank, passage in enumerate(self.snapshot.search(question, depth), start=1):
            if self.is_right(passage, pair):
                return Found(rank, passage)
        return None

    def is_right(self, passage: Passage, pair: Pair) -> bool:
        """Tell whether a passage holds an acceptable answer where the pair says."""
        here = (passage.document, passage.start, passage.end)
        return self.holds(here, pair.answers) and all(self.checks(*here, pair).values())

    def holds(self, place: tuple[str, int, int], answers: Sequence[str]) -> bool:
        """Tell whether a stretch of a document holds one of `answers`, as whole words."""
        document, start, end = place
        text = f" {normalize(self.snapshot.document(document).text[start:end])} "
        return any(f" {normalize(answer)} " in text for answer in answers)

    def checks(self, document: str, start: int, end: int, pair: Pair) -> dict[str, bool]:
        """Return, for each place that the pair asks for, whether a stretch of text is there."""
        found: dict[str, bool] = {}
        if pair.document is not None:
            found["document"] = self._same(document, pair.document)
        if pair.page is not None:
            stored = self.snapshot.document(document)
            first, last = stored.page_at(start), stored.page_at(max(start, end - 1))
            found["page"] = first is not None and first <= pair.page <= (last or first)
        if pair.quote is not None:
            text = self.snapshot.document(document).text
            found["quote"] = any(
                start < match.end() and match.start() < end
                for match in re.finditer(spaced(pair.quote), text)
            )
        return found

    def _same(self, found: str, expected: str) -> bool:
        """Tell whether two names stand for one content: copies of a file are cited by one name."""
        return self._original(found) == self._original(expected)

    def _original(self, name: str) -> str:
        record = self.records.get(name)
        return (record.alias_of if record else None) or name


def spaced(quote: str) -> str:
    """Return a pattern that finds a quote whatever its white space is: PDFs break lines."""
    return r"\s+".join(re.escape(word) for word in quote.split())


def diagnose(
    pair: Pair,
    answer: Answer,
    *,
    library: Library,
    places: Places,
    reader: PassageReader | None,
    passages: int,
    found: Found | None,
    citation_right: Mapping[str, bool],
) -> Diagnosis:
    """Find the stage that lost a pair.

    Args:
        pair: What was expected.
        answer: What came back.
        library: Asked what changed on disk when the answer is not indexed.
        places: Of the generation that answered.
        reader: Reads the right passage again; None leaves the reader's part to the citations.
        passages: How many passages are read for a question.
        found: The right passage, as far as it is among the first results.
        citation_right: What the pair asks of the citation, and whether it is so.
    """
    if pair.unanswerable:
        cited = answer.citations[0].sentence if answer.citations else ""
        detail = (
            f"nothing answers this; given with confidence {answer.confidence:.2f} from “{cited}”"
        )
        return Diagnosis("not_refused", detail)
    found = found or places.find(pair, answer.understood, min(len(places.snapshot), SEARCHED))
    if found is None:
        return Diagnosis("not_indexed", _why_not_indexed(pair, library, places))
    if found.rank > passages:
        return Diagnosis(
            "not_retrieved", f"the right passage stood at rank {found.rank}; {passages} are read"
        )
    return _after_retrieval(pair, answer, reader, found, citation_right)


def _after_retrieval(
    pair: Pair,
    answer: Answer,
    reader: PassageReader | None,
    found: Found,
    citation_right: Mapping[str, bool],
) -> Diagnosis:
    wrong = [name for name, right in citation_right.items() if not right]
    if answer.text is not None and exact_match(answer.text, pair.answers) and wrong:
        return Diagnosis("not_chosen", f"the right words, cited from another {wrong[0]}")
    request = (answer.understood, [found.passage.text])
    spans = reader.read_many([request])[0] if reader else []
    margin = spans[0].score if spans else None
    marked = spans[0].text if spans else None
    best = best_citation(answer)
    if best is not None and exact_match(best.quote, pair.answers):
        detail = f"“{best.quote}” came first with confidence {answer.confidence:.2f}"
        return Diagnosis("refused", detail, margin)
    if marked is None and not any(exact_match(c.quote, pair.answers) for c in _places(answer)):
        return Diagnosis("not_read", "the reader marked nothing in the right passage", margin)
    if marked is not None and not exact_match(marked, pair.answers):
        detail = f"in the right passage the reader marks “{marked}” ({margin:+.2f})"
        return Diagnosis("not_read", detail, margin)
    winner = f"“{best.quote}” of {best.place}" if best else "nothing"
    return Diagnosis("not_chosen", f"the reader marked it, but {winner} came first", margin)


def best_citation(answer: Answer) -> Citation | None:
    """Return the place that came first: the answer's, or the rejected one of a refusal."""
    return next(iter(_places(answer)), None)


def _places(answer: Answer) -> tuple[Citation, ...]:
    return answer.citations or (answer.refusal.nearest if answer.refusal else ())


def _why_not_indexed(pair: Pair, library: Library, places: Places) -> str:
    """Say what is missing: the document, its newest content, its text, or a chunk of it."""
    names = [pair.document] if pair.document else list(places.records)
    changes = library.sync(dry_run=True)
    pending = {*changes.added, *changes.changed, *(new for _, new in changes.moved)}
    stale = sorted(pending & set(names) if pair.document else pending)
    for name in names:
        record = places.records.get(name)
        if record is None:
            if not stale:
                return f"{name} is not among the library's {len(places.records)} documents"
        elif record.status == "failed":
            if pair.document:
                return f"{name} could not be read: {record.reason}"
        elif _text_holds(places, name, pair):
            return f"the stored text of {name} has the answer, but none of its chunks"
    if stale:
        return f"the library is stale: {', '.join(stale[:3])} changed on disk; run: citespan index"
    where = pair.document or "any document"
    return f"no acceptable answer stands in the stored text of {where}"


def _text_holds(places: Places, name: str, pair: Pair) -> bool:
    end = len(places.snapshot.document(name).text)
    return places.holds((name, 0, end), pair.answers)
