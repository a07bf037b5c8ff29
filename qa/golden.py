"""Answers tested like code: ask a golden set, and say of each lost answer which stage lost it.

```python
from qa import golden
report = golden.run(golden.load("golden.yaml"), qa.open("~/papers"))
print(report.text())                       # the table that `citespan eval` prints
report.summary()["exact_match"]            # Measure(value, low, high, n)
for record in report.lost: print(record.review())
report.save("monday.json"); golden.load_report("monday.json")
report.below({"exact_match": 0.9})         # one sentence for each threshold that is not met
```

Figures are those of `qa/evaluate.py`; what a stage is stands in `qa/diagnosis.py`; two saved runs
are compared by `qa/compare.py`.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.errors import QuestionError
from qa import diagnosis
from qa.answer import Answer
from qa.diagnosis import Places, Stage
from qa.evaluate import Measure, acceptable, exact_match, f1, word_for_word
from qa.golden_formats import GoldenError, write
from qa.golden_summary import below, summarize, table
from qa.goldenset import GoldenSet, Pair, load

if TYPE_CHECKING:
    from index.search import Passage
    from qa.assistant import Assistant

__all__ = ["GoldenError", "GoldenReport", "GoldenSet", "Pair", "Record", "load", "load_report",
           "run", "run_pair"]  # fmt: skip

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Record:
    """What became of one pair.

    Attributes:
        key: The conversation; equal in two runs over one set.
        question: The question.
        expected: Every acceptable answer; empty when it had to be refused.
        got: The answer, None when refused.
        best: The span that came first: the answer, or the rejected one of a refusal.
        confidence: Probability that `best` is right, as `best_right` tells.
        em: 1.0 when `got` is an accepted answer as SQuAD compares them.
        f1: Word overlap of `got` with the best expected answer.
        best_em: 1.0 when `best` is an accepted answer word for word, given or not.
        citation: The first citation, or the rejected place, as data; None when nothing was found.
        citation_right: For each place the pair asks for (document, page, quote), whether it is so.
        rank: 1-based rank of the right passage among the first 100, None when it is not there.
        passage: Text of the right passage (where it was found), for reading.
        margin: The reader's log-odds for its best span in the right passage; of lost pairs only.
        seconds: Wall time of the ask.
        passed: Whether the answer, its numbers and its place are right.
        stage: The stage that lost it, None when it passed.
        detail: One sentence about that.
        known_failure: Reason and date, when the pair is known to fail.
        line: Line of the golden set's file.
        note: What the person who asks is told beside the answer, or the refusal.
    """

    key: str
    question: str
    expected: tuple[str, ...]
    got: str | None
    best: str | None
    confidence: float
    em: float
    f1: float
    best_em: float
    citation: Mapping[str, Any] | None
    citation_right: Mapping[str, bool]
    rank: int | None
    passage: str | None
    margin: float | None
    seconds: float
    passed: bool
    stage: Stage | None = None
    detail: str = ""
    known_failure: Mapping[str, str] | None = None
    line: int | None = None
    note: str | None = None

    @property
    def unanswerable(self) -> bool:
        """Tell whether the question had to be refused."""
        return not self.expected

    @property
    def asked(self) -> bool:
        """Tell whether the question was asked; else it was neither answered nor refused."""
        return self.stage != "not_asked"

    @property
    def refused(self) -> bool:
        """Tell whether the question was refused."""
        return self.got is None and self.asked

    @property
    def best_right(self) -> float:
        """Return 1.0 when `best` is what confidence is the probability of, else 0.0."""
        return acceptable(self.best, self.expected)

    def review(self) -> str:
        """Return the record as a reviewer would write it, one fact a line."""
        others = f" (or {' | '.join(self.expected[1:])})" if len(self.expected) > 1 else ""
        right = f"{self.expected[0]}{others}" if self.expected else "a refusal: nothing answers it"
        got = self.got if self.got is not None else "refused"
        if self.got is None and self.best is not None:
            got += f"; nearest was “{self.best}”"
        passage = _around(self.passage, self.expected) if self.passage else ""
        given = f"{got} (confidence {self.confidence:.2f})" if self.asked else "not asked"
        lines = [("question", self.key), ("expected", right), ("got", given)]
        if self.citation:
            lines.append(("cited", f"{self.citation['place']}: “{self.citation['sentence']}”"))
        if self.note:
            lines.append(("noted", self.note))
        for name, is_right in self.citation_right.items():
            if not is_right:
                lines.append(("wrong", f"the {name} that is cited"))
        if self.expected and self.asked:
            rank = f"at rank {self.rank}: {passage}" if self.rank else "not among the first 100"
            lines.append(("right one", rank))
        if self.margin is not None:
            lines.append(("margin", f"{self.margin:+.2f} for the reader's best words there"))
        if self.stage:
            lines.append(("lost at", f"{self.stage.replace('_', ' ')}: {self.detail}"))
        if self.known_failure:
            known = self.known_failure
            lines.append(("known", f"to fail since {known['since']}: {known['reason']}"))
        return "\n".join(f"{name:>9}  {' '.join(text.split())}" for name, text in lines)


@dataclass(frozen=True)
class GoldenReport:
    """A run over a golden set.

    Attributes:
        golden: The set's path.
        created: When it ran, ISO 8601 in UTC.
        records: One a pair, in the set's order.
        about: What was asked: numbers of documents and chunks, generation, settings.
    """

    golden: str
    created: str
    records: tuple[Record, ...]
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def lost(self) -> list[Record]:
        """Return the pairs that did not pass, known failures included."""
        return [record for record in self.records if not record.passed]

    def summary(self) -> dict[str, Measure]:
        """Return every figure by name, with its 95 % bootstrap interval."""
        return dict(self._summary)

    @cached_property
    def _summary(self) -> dict[str, Measure]:
        # Resampling thousands of questions takes seconds; table, page and file share it.
        return summarize(self.records)

    def below(self, thresholds: Mapping[str, float]) -> list[str]:
        """Return one sentence for each threshold that this run does not meet.

        Raises:
            GoldenError: A threshold's name is not a figure.
        """
        return below(self.summary(), thresholds)

    def text(self) -> str:
        """Return the summary and the lost pairs for a terminal."""
        parts = [table(self.summary())]
        parts += [f"\n{self.golden}:{r.line or '?'}\n{r.review()}" for r in self.lost]
        return "\n".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """Return the run as JSON-ready data."""
        return {
            "format": FORMAT,
            "golden": self.golden,
            "created": self.created,
            "about": dict(self.about),
            "summary": {name: measure.to_dict() for name, measure in self.summary().items()},
            "records": [asdict(record) for record in self.records],
        }

    def save(self, path: Path | str) -> None:
        """Write the run as JSON.

        Raises:
            GoldenError: It cannot be written there.
        """
        write(path, json.dumps(self.to_dict(), ensure_ascii=False, indent=1) + "\n")


def load_report(path: Path | str) -> GoldenReport:
    """Read a run that was saved.

    Raises:
        GoldenError: The file is missing, or is not a saved run of this version.
    """
    try:
        data = json.loads(Path(path).expanduser().read_text(encoding="utf-8"))
        if data["format"] != FORMAT:
            raise GoldenError(
                f"{path}: saved in format {data['format']}, expected {FORMAT}; "
                "make it again with: citespan eval GOLDEN --save PATH"
            )
        records = [Record(**{**row, "expected": tuple(row["expected"])}) for row in data["records"]]
        return GoldenReport(data["golden"], data["created"], tuple(records), data["about"])
    except FileNotFoundError as error:
        raise GoldenError(f"{path}: no such file; expected a run saved by --save") from error
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise GoldenError(f"{path}: not a run saved by --save: {error!r}") from error


def run(
    golden: GoldenSet,
    assistant: Assistant,
    progress: Callable[[int, int], None] | None = None,
) -> GoldenReport:
    """Ask every question of a golden set, one after another.

    Args:
        golden: The set.
        assistant: What answers.
        progress: Called with (done, total) after each question.

    Raises:
        GoldenError: The set is itself one of the documents.
    """
    records = []
    places = Places(assistant.library.snapshot())
    refuse_itself(golden, places)
    if golden.pairs:
        # Models are loaded by the first question; nobody should take that for its latency.
        with suppress(QuestionError):
            _ask(assistant, golden.pairs[0], ())
    for done, pair in enumerate(golden, start=1):
        records.append(run_pair(pair, assistant, places))
        if progress:
            progress(done, len(golden))
    snapshot = places.snapshot
    about = {
        "documents": sum(record.status != "failed" for record in places.records.values()),
        "chunks": len(snapshot),
        "generation": snapshot.generation,
        "calibration": assistant.calibration.fitted_on,
        "settings": assistant.settings.model_dump(mode="json", exclude={"home", "weights"}),
    }
    created = datetime.now(UTC).isoformat(timespec="seconds")
    return GoldenReport(str(golden.path), created, tuple(records), about)


def refuse_itself(golden: GoldenSet, places: Places) -> None:
    """Check that a golden set is not one of the documents: it would answer its own questions.

    Raises:
        GoldenError: It is.
    """
    same_name = [
        name
        for name, record in places.records.items()
        if name.rsplit("/", 1)[-1] == golden.path.name and record.status != "failed"
    ]
    for name in same_name:
        own = hashlib.sha256(golden.path.read_bytes()).hexdigest()
        if places.snapshot.document(name).sha256 == own:
            raise GoldenError(
                f"{golden.path} is one of the documents, so that its answers would be found in "
                f"itself; move it elsewhere, or list {name} in .citespanignore"
            )


def run_pair(pair: Pair, assistant: Assistant, places: Places | None = None) -> Record:
    """Ask one question and compare what comes back.

    Args:
        pair: The question and what must come back.
        assistant: What answers.
        places: Of the library's present generation, to share between pairs.
    """
    places = places or Places(assistant.library.snapshot())
    history: tuple[Answer, ...] = ()
    try:
        for question in pair.history:
            history += (assistant.ask(question, history=history),)
        started = time.perf_counter()
        answer, retrieved, read = _ask(assistant, pair, history)
    except QuestionError as error:
        # One question that cannot be asked must not end a run of thousands.
        return _unasked(pair, str(error))
    seconds = time.perf_counter() - started
    best = diagnosis.best_citation(answer)
    place = (best.document, best.start, best.end) if best else None
    citation_right = places.checks(*place, pair) if place and not pair.unanswerable else {}
    found = None
    if not pair.unanswerable:
        found = places.first(pair, retrieved)
        found = found or places.find(pair, answer.understood, diagnosis.RANKED)
    em = exact_match(answer.text, pair.answers)
    passed = word_for_word(answer.text, pair.answers) and all(citation_right.values())
    lost = None
    if not passed:
        lost = diagnosis.diagnose(
            pair,
            answer,
            retrieved,
            read,
            library=assistant.library,
            places=places,
            reader=assistant.reader,
            found=found,
            citation_right=citation_right,
        )
    return Record(
        key=pair.key,
        question=pair.question,
        expected=pair.answers,
        got=answer.text,
        best=best.quote if best else None,
        confidence=answer.confidence,
        em=em,
        f1=f1(answer.text, pair.answers),
        best_em=exact_match(best.quote, pair.answers) if best and pair.answers else 0.0,
        citation=best.to_dict() if best else None,
        citation_right=citation_right,
        rank=found.rank if found else None,
        passage=found.passage.text if found else None,
        margin=lost.margin if lost else None,
        seconds=seconds,
        passed=passed,
        stage=lost.stage if lost else None,
        detail=lost.detail if lost else "",
        known_failure=_known(pair),
        line=pair.line,
        note=answer.note,
    )


def _unasked(pair: Pair, why: str) -> Record:
    """Return the record of a question that was not asked: it is neither answered nor refused."""
    return Record(
        key=pair.key,
        question=pair.question,
        expected=pair.answers,
        got=None,
        best=None,
        confidence=0.0,
        em=0.0,
        f1=0.0,
        best_em=0.0,
        citation=None,
        citation_right={},
        rank=None,
        passage=None,
        margin=None,
        seconds=0.0,
        passed=False,
        stage="not_asked",
        detail=why,
        known_failure=_known(pair),
        line=pair.line,
    )


def _known(pair: Pair) -> dict[str, str] | None:
    failure = pair.known_failure
    return {"reason": failure.reason, "since": str(failure.since)} if failure else None


def _ask(
    assistant: Assistant, pair: Pair, history: Sequence[Answer]
) -> tuple[Answer, Sequence[Passage], Sequence[Passage]]:
    """Return the answer, the passages found for it, and those that were read."""
    *_, last = assistant.ask_stages(pair.question, history, pair.filter)
    assert last.answer is not None
    return last.answer, last.passages, last.read


def _around(passage: str, answers: Sequence[str], most: int = 160) -> str:
    """Return the piece of a passage that an acceptable answer stands in."""
    flat = " ".join(passage.split())
    places = [flat.lower().find(answer.lower()) for answer in answers]
    at = min((place for place in places if place >= 0), default=0)
    start = max(0, min(at - most // 2, len(flat) - most))
    left, right = "…" if start else "", "…" if start + most < len(flat) else ""
    return f"“{left}{flat[start : start + most]}{right}”"
