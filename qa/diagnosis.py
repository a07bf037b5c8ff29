"""Which stage lost an answer: found by asking each stage for the right passage in turn.

```
not asked       it cannot be: no word in it, or too long    → the pair
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
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from index.filters import filter_of
from qa.answer import Answer, Citation
from qa.evaluate import contradict, normalize, word_for_word
from qa.goldenset import Pair
from qa.tables import read_passages

if TYPE_CHECKING:
    from index.library import Library
    from index.search import Passage, Snapshot
    from qa.reader import PassageReader

Stage = Literal[
    "not_asked", "not_indexed", "not_retrieved", "not_read", "not_chosen", "refused", "not_refused"
]
STAGES: tuple[Stage, ...] = (
    "not_asked", "not_indexed", "not_retrieved", "not_read", "not_chosen", "refused", "not_refused",
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

    def find(self, pair: Pair, question: str, depth: int, *, filtered: bool = True) -> Found | None:
        """Search for the first right passage among `depth`, of the documents that are asked.

        Args:
            pair: Whose right passage is looked for.
            question: As it was understood.
            depth: Passages that are searched.
            filtered: Whether the pair's filter holds; else all documents are searched.
        """
        most = min(depth, len(self.snapshot))
        filters = filter_of(pair.filter) if filtered else None
        return self.first(pair, self.snapshot.search(question, most, filters))

    def first(self, pair: Pair, passages: Sequence[Passage]) -> Found | None:
        """Return the first right one of some passages."""
        for rank, passage in enumerate(passages, start=1):
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
        raw = self.snapshot.document(document).text[start:end]
        text = f" {normalize(raw)} "
        # Normalising leaves "Maduro’s" one word, and makes one of "Maduro's".
        return any(
            (
                f" {normalize(answer)} " in text
                or re.search(rf"(?i)(?<!\w)(?<!\d[.,]){spaced(answer)}(?!\w|[.,]\d)", raw)
            )
            and not contradict(answer, raw)
            for answer in answers
        )

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
    retrieved: Sequence[Passage],
    read: Collection[Passage],
    *,
    library: Library,
    places: Places,
    reader: PassageReader,
    found: Found | None,
    citation_right: Mapping[str, bool],
) -> Diagnosis:
    """Find the stage that lost a pair.

    Args:
        pair: What was expected.
        answer: What came back.
        retrieved: The passages found for it, best first.
        read: Those of them that were read.
        library: Asked what changed on disk when the answer is not indexed.
        places: Of the generation that answered.
        reader: Reads the right passages again.
        found: The right passage, as far as it is among the first results.
        citation_right: What the pair asks of the citation, and whether it is so.
    """
    if pair.unanswerable:
        cited = answer.citations[0].sentence if answer.citations else ""
        sure = f"{answer.confidence:.2f}"
        return Diagnosis(
            "not_refused", f"nothing answers this; given with confidence {sure} from “{cited}”"
        )
    right = [passage for passage in retrieved if places.is_right(passage, pair)]
    if right:
        lost = _after_retrieval(pair, answer, right, read, reader, citation_right)
        return lost or Diagnosis(
            "not_read",
            f"reading stopped after {len(read)} of {len(retrieved)} passages, before the right "
            "one; to read all: CITESPAN_READ_ALL=1",
        )
    found = found or places.find(pair, answer.understood, SEARCHED)
    if found is None and pair.filter:
        left_out = places.find(pair, answer.understood, SEARCHED, filtered=False)
        if left_out is not None:
            detail = "the right passage is in none of the documents that the filter leaves"
            return Diagnosis("not_retrieved", detail)
    if found is None and len(places.snapshot) > SEARCHED and _stored(pair, places):
        detail = f"the right passage is not among the first {SEARCHED:,}"
        return Diagnosis("not_retrieved", f"{detail}; {len(retrieved)} are read")
    if found is None:
        return Diagnosis("not_indexed", _why_not_indexed(pair, library, places))
    detail = f"the right passage stood at rank {found.rank}; {len(retrieved)} are read"
    return Diagnosis("not_retrieved", detail)


def _after_retrieval(
    pair: Pair,
    answer: Answer,
    right: Sequence[Passage],
    read: Collection[Passage],
    reader: PassageReader,
    citation_right: Mapping[str, bool],
) -> Diagnosis | None:
    """Return what lost a pair after its passage was found; None when that was not even read."""
    wrong = [name for name, is_right in citation_right.items() if not is_right]
    if answer.text is not None and word_for_word(answer.text, pair.answers) and wrong:
        return Diagnosis("not_chosen", f"the right words, cited from another {wrong[0]}")
    [spans] = read_passages(reader, [(answer.understood, right)])
    marked = [next((s for s in spans if s.passage == i), None) for i in range(len(right))]
    tops = [span for span in marked if span is not None]
    good = [span for span in tops if word_for_word(span.text, pair.answers)]
    top = max(good or tops, key=lambda span: span.score, default=None)
    margin = top.score if top else None
    best = best_citation(answer)
    if best is not None and word_for_word(best.quote, pair.answers):
        detail = f"“{best.quote}” came first with confidence {answer.confidence:.2f}"
        return Diagnosis("refused", detail, margin)
    if top is None:
        return Diagnosis("not_read", "the reader marked nothing in the right passage", margin)
    if not good:
        detail = f"in the right passage the reader marks “{top.text}” ({top.score:+.2f})"
        return Diagnosis("not_read", detail, margin)
    if not any(right[span.passage] in read for span in good):
        return None
    winner = f"“{best.quote}” of {best.place}" if best else "nothing"
    return Diagnosis("not_chosen", f"the reader marked it, but {winner} came first", margin)


def best_citation(answer: Answer) -> Citation | None:
    """Return the place that came first: the answer's, or the rejected one of a refusal."""
    return next(iter(_places(answer)), None)


def _places(answer: Answer) -> tuple[Citation, ...]:
    return answer.citations or (answer.refusal.nearest if answer.refusal else ())


def _stored(pair: Pair, places: Places) -> str | None:
    """Return the first document, of those that may be cited, whose stored text has the answer."""
    for name in [pair.document] if pair.document else places.records:
        record = places.records.get(name)
        if record and record.status != "failed":
            whole = (name, 0, len(places.snapshot.document(name).text))
            if places.holds(whole, pair.answers):
                return name
    return None


def _why_not_indexed(pair: Pair, library: Library, places: Places) -> str:
    """Say what is missing: a chunk, the newest content, the document, or its text."""
    stored = _stored(pair, places)
    if stored:
        return f"the stored text of {stored} has the answer, but none of its chunks"
    changes = library.sync(dry_run=True)
    pending = {*changes.added, *changes.changed, *(new for _, new in changes.moved)}
    stale = sorted(name for name in pending if pair.document in (None, name))
    if stale:
        return f"the library is stale: {', '.join(stale[:3])} changed on disk; run: citespan index"
    if pair.document is None:
        return "no acceptable answer stands in the stored text of any document"
    record = places.records.get(pair.document)
    if record is None:
        return f"{pair.document} is not among the library's {len(places.records)} documents"
    if record.status == "failed":
        return f"{pair.document} could not be read: {record.reason}"
    return f"no acceptable answer stands in the stored text of {pair.document}"
