"""Fit a calibration from golden pairs asked over a library; see `qa/calibration.py`.

```python
cases = fitting.collect(golden.load("golden.yaml"), assistant)
calibration = fitting.fit(cases)
```
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from qa.calibration import CONFIDENCE, RANKING, Calibration, Logistic, fit_signed, probability
from qa.candidates import Candidate, confidence_features, gather
from qa.evaluate import calibration_error, coverage_at_accuracy, f1

if TYPE_CHECKING:
    from qa.assistant import Assistant
    from qa.goldenset import GoldenSet, Pair

# Candidates of one question that the ranking learns from; the tail is all alike.
_LEARNT_FROM = 12
_FOLDS = 5


@dataclass(frozen=True, slots=True)
class Case:
    """A golden pair with every candidate that the reader found for it.

    Attributes:
        pair: The question and its acceptable answers.
        candidates: In any order; their scores are those of the calibration at hand.
    """

    pair: Pair
    candidates: tuple[Candidate, ...]


def collect(
    golden: GoldenSet,
    assistant: Assistant,
    progress: Callable[[int, int], None] | None = None,
) -> list[Case]:
    """Ask every pair and keep the candidates, before anything is decided."""
    snapshot = assistant.library.snapshot()
    cases = []
    for number, pair in enumerate(golden.pairs, start=1):
        passages = snapshot.search(pair.question, assistant.settings.passages)
        texts = [passage.text for passage in passages]
        spans = assistant.reader.read_many([(pair.question, texts)])[0]
        candidates = gather(pair.question, spans, passages, assistant.calibration, len(snapshot))
        cases.append(Case(pair, tuple(candidates)))
        if progress:
            progress(number, len(golden))
    return cases


def fit(cases: Sequence[Case], fitted_on: str, target_accuracy: float | None = None) -> Calibration:
    """Fit ranking, confidence and threshold.

    Args:
        cases: At least some answered and some unanswerable ones.
        fitted_on: What the cases are, for people.
        target_accuracy: Accuracy that the answers given must reach, 0..1; when None the
            threshold is that of the best mean F1, refusals counted as SQuAD 2.0 does: the middle
            of the thresholds within half a standard error of it.

    Raises:
        ValueError: Too few cases of either kind.
    """
    fitted = Calibration(ranking=_ranking(cases), fitted_on=fitted_on)
    ranked = [_ranked(case, fitted) for case in cases]
    held = [case for case in ranked if case.candidates]
    rows = [confidence_features(case.candidates) for case in held]
    right = [_right(case) for case in held]
    confidence = fit_signed(CONFIDENCE, rows, right, against=("missing",), ridge=2.0)
    fitted = replace(fitted, confidence=confidence)
    return replace(fitted, threshold=_threshold(held, fitted, target_accuracy))


def cross_validated(cases: Sequence[Case], fitted_on: str) -> dict[str, float]:
    """Return ECE, mean F1 and coverage of calibrations that never saw what they are measured on.

    Folds are by document, so that a passage's questions stay together.
    """
    names = sorted({case.pair.document or case.pair.question for case in cases})
    fold = {name: number % _FOLDS for number, name in enumerate(names)}
    confidences: list[float] = []
    right: list[float] = []
    overlaps: list[float] = []
    for number in range(_FOLDS):
        inside = [fold[case.pair.document or case.pair.question] == number for case in cases]
        fitted = fit([c for c, held in zip(cases, inside, strict=True) if not held], fitted_on)
        for case in (c for c, held in zip(cases, inside, strict=True) if held):
            ranked = _ranked(case, fitted)
            chance = confidence_of(ranked.candidates, fitted)
            text = ranked.candidates[0].span.text if ranked.candidates else None
            confidences.append(chance)
            right.append(_right(ranked))
            overlaps.append(f1(text if chance >= fitted.threshold else None, case.pair.answers))
    return {
        "calibration_error": calibration_error(confidences, right),
        "f1": float(np.mean(overlaps)),
        "coverage_at_80": coverage_at_accuracy(confidences, right, 0.8),
        "coverage_at_90": coverage_at_accuracy(confidences, right, 0.9),
    }


def confidence_of(candidates: Sequence[Candidate], calibration: Calibration) -> float:
    """Return the probability that the first candidate is right; 0 without any."""
    if not candidates:
        return 0.0
    return probability(calibration.confidence.log_odds(confidence_features(candidates)))


def _ranking(cases: Sequence[Case]) -> Logistic:
    """Fit which candidate is right.

    The answer's words in another document than the one asked of may be right or chance: those
    candidates teach nothing and are left out.
    """
    rows, right = [], []
    for case in cases:
        strongest = sorted(case.candidates, key=lambda item: -item.span.margin)[:_LEARNT_FROM]
        for item in strongest:
            matches = bool(case.pair.answers) and f1(item.span.text, case.pair.answers) > 0.5
            elsewhere = case.pair.document not in (None, item.place[0])
            if matches and elsewhere:
                continue
            rows.append(item.features)
            right.append(float(matches))
    return fit_signed(RANKING, rows, right, against=("missing",), ridge=2.0)


def _ranked(case: Case, calibration: Calibration) -> Case:
    scored = [
        replace(item, score=calibration.ranking.log_odds(item.features)) for item in case.candidates
    ]
    scored.sort(key=lambda item: (-item.score, item.place))
    return Case(case.pair, tuple(scored))


def _right(case: Case) -> float:
    """Whether the first candidate is an acceptable answer, a word more or less.

    Word for word would be stricter than the people who wrote the answers down: they agree with
    each other on the words in 4 of 5 cases, and on the place nearly always.
    """
    if not case.pair.answers or not case.candidates:
        return 0.0
    return float(f1(case.candidates[0].span.text, case.pair.answers) > 0.5)


def _threshold(
    cases: Sequence[Case], calibration: Calibration, target_accuracy: float | None
) -> float:
    confidences = np.array([confidence_of(case.candidates, calibration) for case in cases])
    if target_accuracy is not None:
        right = np.array([_right(case) for case in cases])
        order = np.argsort(-confidences, kind="stable")
        accuracy = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
        reached = np.flatnonzero(accuracy >= target_accuracy)
        return float(confidences[order][reached[-1]]) if len(reached) else 1.0
    values = [_values(case) for case in cases]
    grid = np.linspace(0.05, 0.95, 181)
    gained = np.array([np.where(confidences >= at, *np.transpose(values)).tolist() for at in grid])
    means = gained.mean(axis=1)
    error = gained[means.argmax()].std() / np.sqrt(len(cases))
    # The curve is flat and its peak an accident of the sample: take the middle of the plateau.
    plateau = grid[means >= means.max() - error / 2]
    return round(float((plateau.min() + plateau.max()) / 2), 4)


def _values(case: Case) -> tuple[float, float]:
    """Return the F1 of answering with the first candidate, and that of refusing."""
    if not case.pair.answers:
        return 0.0, 1.0
    return f1(case.candidates[0].span.text, case.pair.answers), 0.0
