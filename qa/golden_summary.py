"""The figures of a golden run by name, the table that shows them, and the thresholds they meet."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qa import evaluate
from qa.diagnosis import STAGES
from qa.evaluate import Measure
from qa.golden_formats import GoldenError

if TYPE_CHECKING:
    from qa.golden import Record

RECALL_AT = (1, 3, 5, 10, 20, 50, 100)
LOWER_IS_BETTER = ("calibration_error", "brier", "aurc", "seconds", "wrongly_refused", "lost_at")

LABELS = {
    "exact_match": "answered pairs: exact match",
    "f1": "answered pairs: F1",
    "wrongly_refused": "answered pairs: refused wrongly",
    "refused": "unanswerable pairs: refused",
    "overall_exact_match": "all pairs: exact match",
    "overall_f1": "all pairs: F1",
    "passed": "all pairs: passed (answer and place)",
    "mrr": "right passage: mean reciprocal rank",
    "calibration_error": "confidence: calibration error (ECE)",
    "brier": "confidence: Brier score",
    "aurc": "confidence: area under risk–coverage",
}


def summarize(records: Sequence[Record]) -> dict[str, Measure]:
    """Return every figure by name; a figure that has nothing to be computed over is left out.

    Confidence is judged over all pairs by the span that came first, given or refused: it is right
    when it is an accepted answer, a word more or less (`evaluate.acceptable`), and never for an
    unanswerable pair.
    """
    interval = evaluate.bootstrap_interval
    figures: dict[str, Measure] = {}

    def average(name: str, values: Sequence[float]) -> None:
        if values:
            figures[name] = interval(evaluate.mean, values)

    answered = [record for record in records if not record.unanswerable]
    average("exact_match", [r.em for r in answered])
    average("f1", [r.f1 for r in answered])
    average("wrongly_refused", [float(r.refused) for r in answered])
    average("refused", [float(r.refused) for r in records if r.unanswerable])
    average("overall_exact_match", [r.em for r in records])
    average("overall_f1", [r.f1 for r in records])
    average("passed", [float(r.passed) for r in records])
    for k in RECALL_AT:
        average(f"recall_at_{k}", [float(r.rank is not None and r.rank <= k) for r in answered])
    average("mrr", [1 / r.rank if r.rank else 0.0 for r in answered])
    for place in ("document", "page", "quote"):
        named = [r.citation_right[place] for r in answered if r.got and place in r.citation_right]
        average(f"citation_{place}", [float(right) for right in named])
    figures |= _confidence_figures(records)
    figures |= _latency_figures(records)
    for stage, count in Counter(r.stage for r in records if r.stage).items():
        figures[f"lost_at_{stage}"] = Measure(count, count, count, len(records))
    return figures


def _confidence_figures(records: Sequence[Record]) -> dict[str, Measure]:
    if not records:
        return {}
    confidence = np.array([r.confidence for r in records])
    right = np.array([r.best_right for r in records])
    statistics: dict[str, Callable[..., float]] = {
        "calibration_error": evaluate.calibration_error,
        "brier": evaluate.brier_score,
        "aurc": evaluate.area_under_risk_coverage,
        "coverage_at_80": partial(evaluate.coverage_at_accuracy, accuracy=0.8),
        "coverage_at_90": partial(evaluate.coverage_at_accuracy, accuracy=0.9),
    }
    return {
        name: evaluate.bootstrap_interval(statistic, confidence, right)
        for name, statistic in statistics.items()
    }


def _latency_figures(records: Sequence[Record]) -> dict[str, Measure]:
    seconds = np.array([r.seconds for r in records if r.asked])
    return {
        f"seconds_p{q}": evaluate.bootstrap_interval(partial(_quantile, q=q / 100), seconds)
        for q in (50, 90, 99)
        if seconds.size
    }


def _quantile(values: evaluate.Floats, q: float) -> float:
    return float(np.quantile(values, q))


def label(name: str) -> str:
    """Return a figure's name for a person."""
    known = LABELS.get(name)
    if known:
        return known
    head, _, tail = name.rpartition("_")
    if name.startswith("recall_at_"):
        return f"right passage: among the first {tail}"
    if name.startswith("citation_"):
        return f"citation: right {tail}"
    if name.startswith("coverage_at_"):
        return f"confidence: coverage at {tail} % accuracy"
    if name.startswith("seconds_"):
        return f"seconds a question: {tail[1:]} % are faster"
    return name.replace("_", " ") if head else name


def table(figures: Mapping[str, Measure]) -> str:
    """Return the figures as lines of text: name, value, 95 % interval, number of pairs."""
    width = max((len(label(name)) for name in figures), default=0)
    lines = [f"{'':{width}}   value   95 % interval      n"]
    for name, m in figures.items():
        if name.startswith("lost_at_"):
            lines.append(f"{label(name):{width}}  {m.value:6.0f}")
        else:
            lines.append(
                f"{label(name):{width}}  {m.value:6.3f}   {m.low:.3f} – {m.high:.3f}  {m.n:5d}"
            )
    return "\n".join(lines)


def thresholds(pyproject: Path | str = "pyproject.toml") -> dict[str, float]:
    """Return the table `[tool.citespan.eval]` of a pyproject file; empty when there is none.

    ```toml
    [tool.citespan.eval]
    exact_match = 0.9        # at least
    calibration_error = 0.1  # at most
    ```

    Raises:
        GoldenError: The file is not TOML, or a threshold is not a number.
    """
    path = Path(pyproject)
    if not path.is_file():
        return {}
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise GoldenError(f"{path}: not valid TOML: {error}") from error
    found = data.get("tool", {}).get("citespan", {}).get("eval", {})
    for name, value in found.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise GoldenError(
                f"{path}: [tool.citespan.eval] {name} must be a number, found {value!r}"
            )
    return {name: float(value) for name, value in found.items()}


def below(figures: Mapping[str, Measure], limits: Mapping[str, float]) -> list[str]:
    """Return one sentence for each limit that is not met; errors and times are upper limits.

    Raises:
        GoldenError: A limit is set for a figure that does not exist.
    """
    missed = []
    # A stage that lost nothing has no figure.
    losses = {f"lost_at_{stage}" for stage in STAGES}
    for name, limit in limits.items():
        measure = figures.get(name)
        if measure is None and name in losses:
            continue
        if measure is None:
            known = sorted(losses if name.startswith("lost_at_") else figures)
            raise GoldenError(f"no figure `{name}` in this run; found {', '.join(known)}")
        upper = name.startswith(LOWER_IS_BETTER)
        if measure.value > limit if upper else measure.value < limit:
            side = "above" if upper else "below"
            missed.append(f"{name} {measure.value:.3f} is {side} the threshold {limit:g}")
    return missed
