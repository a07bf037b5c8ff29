"""Reading comprehension figures, as the SQuAD papers give them, with the errors sorted by kind.

Two ways to ask a SQuAD file, each giving a `GoldenReport`:

- gold paragraph: `evaluate_reader(reader, golden.load("dev.json.gz"))`; the reader alone, each
  question on the paragraph it was written for;
- open: `golden.run(golden.load("dev.json.gz"), assistant)`; all paragraphs are documents
  (`GoldenSet.write_documents`), the right one must be found first.

`figures(report)` and `errors(report)` read either; `text(report)` shows both.
"""

from __future__ import annotations

import math
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Literal

from qa.answer import Citation
from qa.evaluate import Measure, best_threshold, bootstrap_interval, exact_match, f1, mean
from qa.golden import GoldenReport, Record
from qa.golden_formats import GoldenError
from qa.goldenset import GoldenSet, Pair

if TYPE_CHECKING:
    from qa.reader import PassageReader, Span

Kind = Literal["wrong passage", "wrong span", "boundary", "refused wrongly", "answered wrongly"]
KINDS: tuple[Kind, ...] = (
    "wrong passage", "wrong span", "boundary", "refused wrongly", "answered wrongly",
)  # fmt: skip
QUESTION_WORDS = ("who", "what", "when", "where", "which", "why", "how many", "how much", "how")
_QUESTION_WORD = re.compile(
    r"\b(whom|whose|who'?s|who|what'?s|what|when|where|which|why|how(?:\s+(?:many|much))?)\b",
    re.IGNORECASE,
)
_ONE_WORD = {"whom": "who", "whose": "who", "whos": "who", "who's": "who", "whats": "what"}


def evaluate_reader(
    reader: PassageReader,
    golden: GoldenSet,
    *,
    batch: int = 16,
    progress: Callable[[int, int], None] | None = None,
) -> GoldenReport:
    """Read each question on its own paragraph; answered when the best score is above 0.

    Args:
        reader: What reads.
        golden: A set that brings its documents along (SQuAD JSON).
        batch: Questions read at once.
        progress: Called with (done, total) after each batch.

    Raises:
        GoldenError: A pair has no paragraph in the set.
    """
    records: list[Record] = []
    pairs = golden.pairs
    for first in range(0, len(pairs), batch):
        group = pairs[first : first + batch]
        requests = [(pair.question, [_context(golden, pair)]) for pair in group]
        started = time.perf_counter()
        read = reader.read_many(requests)
        seconds = (time.perf_counter() - started) / len(group)
        for pair, (_, (context,)), spans in zip(group, requests, read, strict=True):
            records.append(_record(pair, context, spans, seconds))
        if progress:
            progress(len(records), len(pairs))
    created = datetime.now(UTC).isoformat(timespec="seconds")
    return GoldenReport(str(golden.path), created, tuple(records), {"mode": "gold paragraph"})


def _context(golden: GoldenSet, pair: Pair) -> str:
    context = golden.documents.get(pair.document or "")
    if context is None:
        raise GoldenError(
            f"{golden.path}: “{pair.question}” has no paragraph; the reader alone is measured on "
            "SQuAD JSON, which brings its paragraphs along"
        )
    return context


def _record(pair: Pair, context: str, spans: Sequence[Span], seconds: float) -> Record:
    best = spans[0] if spans else None
    score = best.score if best else -math.inf
    got = best.text if best and score > 0 else None
    em = exact_match(got, pair.answers)
    name = pair.document or ""
    citation = _citation(name, context, best).to_dict() if best else None
    return Record(
        key=f"{name}: {pair.key}",
        question=pair.question,
        expected=pair.answers,
        got=got,
        best=best.text if best else None,
        confidence=1 / (1 + math.exp(-max(score, -500.0))),
        em=em,
        f1=f1(got, pair.answers),
        best_em=exact_match(best.text, pair.answers) if best and pair.answers else 0.0,
        citation=citation,
        citation_right={"document": True},
        rank=None if pair.unanswerable else 1,
        passage=None if pair.unanswerable else context,
        margin=score if best else None,
        seconds=seconds,
        passed=em == 1.0,
        stage=None if em else _stage(pair, got),
        line=pair.line,
    )


def _citation(name: str, context: str, span: Span) -> Citation:
    end = len(context)
    return Citation(
        name, None, None, span.start, span.end, span.text, context, 0, end, 0, end, span.score
    )


def _stage(pair: Pair, got: str | None) -> Literal["not_refused", "refused", "not_read"]:
    if pair.unanswerable:
        return "not_refused"
    return "refused" if got is None else "not_read"


@dataclass(frozen=True, slots=True)
class Operating:
    """The overall measure with the threshold that gives it."""

    threshold: float
    f1: float


def figures(report: GoldenReport, resamples: int = 1000) -> dict[str, Measure]:
    """Return the SQuAD figures, with 95 % intervals.

    `always_*` answers every answerable question (SQuAD 1.1); `overall_*` counts refusals as the
    run gave them (SQuAD 2.0); `right_document_first` is the share of answerable questions whose
    first place, given or rejected, is in the right document.
    """
    found: dict[str, Measure] = {}
    answerable = [r for r in report.records if not r.unanswerable]
    interval = partial(bootstrap_interval, mean, resamples=max(resamples, 1))
    if answerable:
        found["always_em"] = interval([r.best_em for r in answerable])
        found["always_f1"] = interval([f1(r.best, r.expected) for r in answerable])
        cited = [float(r.citation_right.get("document", False)) for r in answerable]
        found["right_document_first"] = interval(cited)
    if report.records:
        found["overall_em"] = interval([r.em for r in report.records])
        found["overall_f1"] = interval([r.f1 for r in report.records])
    return found


def at_best_threshold(report: GoldenReport) -> Operating:
    """Return the threshold on confidence that gives the best overall F1 (SQuAD 2.0 script)."""
    records = report.records
    threshold, value = best_threshold(
        [r.confidence for r in records],
        [0.0 if r.unanswerable else f1(r.best, r.expected) for r in records],
        [float(r.unanswerable) for r in records],
    )
    return Operating(threshold, value)


def question_word(question: str) -> str:
    """Return the first question word, "other" when there is none."""
    match = _QUESTION_WORD.search(question)
    word = " ".join(match.group(1).lower().split()) if match else "other"
    return _ONE_WORD.get(word, word.replace("'s", ""))


def kind_of(record: Record) -> Kind | None:
    """Return what sort of error a record is, None when its words are right."""
    if record.em == 1.0:
        return None
    if record.unanswerable:
        return "answered wrongly"
    if record.got is None:
        return "refused wrongly"
    if not record.citation_right.get("document", True):
        return "wrong passage"
    return "boundary" if record.f1 > 0 else "wrong span"


def errors(report: GoldenReport) -> dict[str, dict[str, int]]:
    """Return for each question word (and "all") the number of questions and of each error."""
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    for record in report.records:
        kind = kind_of(record)
        for word in ("all", question_word(record.question)):
            rows[word]["questions"] += 1
            if kind:
                rows[word][kind] += 1
    order = ("all", *QUESTION_WORDS, "other")
    return {word: dict(rows[word]) for word in order if word in rows}


def text(report: GoldenReport) -> str:
    """Return figures and errors as tables for a terminal."""
    best = at_best_threshold(report)
    lines = [
        f"{report.golden} ({report.about.get('mode', 'open')}, {len(report.records)} questions)"
    ]
    lines += [f"  {name:22} {measure}" for name, measure in figures(report).items()]
    from_on = f"answering from confidence {min(max(best.threshold, 0.0), 1.0):.3f} on"
    lines.append(f"  {'overall_f1 at best':22} {best.f1:.3f} ({from_on})")
    lines.append("  " + f"{'':9}" + "".join(f"{name:>18}" for name in ("questions", *KINDS)))
    for word, counts in errors(report).items():
        cells = "".join(f"{counts.get(name, 0):18d}" for name in ("questions", *KINDS))
        lines.append(f"  {word:9}{cells}")
    return "\n".join(lines)
