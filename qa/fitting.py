"""Fit a calibration from golden pairs asked over a library; see `qa/calibration.py`.

```python
cases = fitting.collect(golden.load("golden.yaml"), assistant)
calibration = fitting.fit(cases, "golden.yaml")
```

"Right" is `qa.evaluate.acceptable` of the span that comes first, throughout. `qa/recalibration.py`
does this for a user's library and keeps the result with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from index.errors import QuestionError
from qa import evaluate
from qa.calibration import CONFIDENCE, Calibration, fit_logistic, fit_signed, probability
from qa.candidates import (
    Candidate,
    Prospect,
    candidates_of,
    confidence_features,
    decide,
    prospects,
    ranked,
)
from qa.evaluate import acceptable, f1
from qa.goldenset import Pair
from qa.ranking import AGAINST, fit_ranking
from qa.reader import Span
from qa.tables import read_passages

if TYPE_CHECKING:
    from qa.answer import Answer
    from qa.assistant import Assistant
    from qa.goldenset import GoldenSet

FOLDS = 5
# With fewer documents than this, a fold of them would be most of the questions, or none.
_LEAST_DOCUMENTS = 2 * FOLDS
_LOOSE = 2.0
# On standardised features n cases pin a weight down to about n · 0.12, 0.12 being the mean of
# p(1 − p) at the usual mix of sure and unsure answers. So a known calibration counts as 200.
_KNOWN = 25.0
# Log-odds of confidence beyond which no threshold is looked for; 0.98 and 0.02.
_FAR = 4.0


@dataclass(frozen=True, slots=True)
class Case:
    """A golden pair with every candidate that the reader found for it.

    Attributes:
        pair: The question and its acceptable answers.
        candidates: In any order; their scores are those of the calibration at hand.
        prospects: What was known of each passage before it was read, best first; empty in cases
            that were kept before there was such a thing.
    """

    pair: Pair
    candidates: tuple[Candidate, ...]
    prospects: tuple[Prospect, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the case as JSON-ready data; of the pair, what fitting needs."""
        return {
            "question": self.pair.question,
            "answers": list(self.pair.answers),
            "document": self.pair.document,
            "candidates": [
                {
                    "passage": item.span.passage,
                    "text": item.span.text,
                    "score": round(item.span.score, 5),
                    "place": list(item.place),
                    "features": _rounded(item.features),
                }
                for item in self.candidates
            ],
            "prospects": [
                {"text": item.text, "features": _rounded(item.features)} for item in self.prospects
            ],
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Case:
        """Return the case that `to_dict` described; spans stand at offset 0 of their passages."""
        candidates = []
        for item in data["candidates"]:
            features, text = item["features"], item["text"]
            heads = (features["margin"], features["answerability"], features["relevance"])
            span = Span(item["passage"], 0, len(text), text, item["score"], *heads)
            name, start, end = item["place"]
            candidates.append(Candidate(span, (name, start, end), 0.0, features))
        answers = tuple(data["answers"])
        known = (Prospect(item["features"], item["text"]) for item in data.get("prospects", ()))
        pair = Pair(data["question"], answers, data["document"])
        return cls(pair, tuple(candidates), tuple(known))


def _rounded(features: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 5) for name, value in features.items()}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a calibration makes of a case.

    Attributes:
        confidence: Probability that the first span is right, 0..1; 0 without any.
        right: 1.0 when it is.
        answered: Whether it is given.
        f1: F1 of what is given, a refusal counted as SQuAD 2.0 does.
        answerable: Whether the question has an answer.
    """

    confidence: float
    right: float
    answered: bool
    f1: float
    answerable: bool


def collect(
    golden: GoldenSet | Sequence[Pair],
    assistant: Assistant,
    progress: Callable[[int, int], None] | None = None,
) -> list[Case]:
    """Ask every pair, with its history and filter, and keep the candidates of all passages.

    Args:
        golden: The pairs.
        assistant: What they are asked of.
        progress: Called with (done, total) after each pair.
    """
    chunks = len(assistant.library.snapshot())
    cases = []
    for done, pair in enumerate(golden, start=1):
        cases.append(_case(pair, assistant, chunks))
        if progress:
            progress(done, len(golden))
    return cases


def _case(pair: Pair, assistant: Assistant, chunks: int) -> Case:
    history: tuple[Answer, ...] = ()
    try:
        for question in pair.history:
            history += (assistant.ask(question, history=history),)
        stages = assistant.ask_stages(pair.question, history, pair.filter)
        stage = next(stage for stage in stages if stage.name == "reading")
    except QuestionError:
        # One question that cannot be asked must not end a run of thousands.
        return Case(pair, ())
    understood, passages = stage.question, stage.passages
    [spans] = read_passages(assistant.reader, [(understood, passages)])
    known = prospects(understood, passages, chunks)
    found = candidates_of(understood, spans, passages, known, assistant.calibration)
    return Case(pair, tuple(ranked(found)), tuple(known))


def fit(
    cases: Sequence[Case],
    fitted_on: str,
    target_accuracy: float | None = None,
    *,
    known: Calibration | None = None,
    unanswerable: float | None = None,
    features: Sequence[str] = CONFIDENCE,
) -> Calibration:
    """Fit ranking, confidence and threshold.

    Args:
        cases: At least some answered and some unanswerable ones.
        fitted_on: What the cases are, for people.
        target_accuracy: Accuracy that the answers given must reach, 0..1; when None the
            threshold is that of the best mean F1 to be expected, refusals counted as SQuAD 2.0
            does.
        known: What is known already: counts as about 200 cases.
        unanswerable: Share of the questions to come that have no answer, 0..1, which confidence
            takes for granted; that of the cases when None.
        features: Of `CONFIDENCE`, those that may count.

    Raises:
        ValueError: Too few cases of either kind.
    """
    fitted = _fitted(cases, fitted_on, known, unanswerable, features)
    return with_threshold(fitted, cases, target_accuracy, unanswerable)


def cross_fitted(
    cases: Sequence[Case],
    target_accuracy: float | None = None,
    *,
    known: Calibration | None = None,
    unanswerable: float | None = None,
    weights: bool = True,
    features: Sequence[str] = CONFIDENCE,
) -> list[Outcome]:
    """Return the outcome of each case by a calibration that never saw it; arguments as of `fit`.

    Folds are by document, so that a passage's questions stay together, where there are enough
    documents. With `weights=False` the known weights are kept and only the threshold is fitted.

    Raises:
        ValueError: Too few cases of either kind.
    """
    numbers = folds([case.pair for case in cases])
    found: dict[int, Outcome] = {}
    for number in range(FOLDS):
        rest = [case for case, fold in zip(cases, numbers, strict=True) if fold != number]
        kept = None if weights else known
        fitted = kept or _fitted(rest, "", known, unanswerable, features)
        fitted = with_threshold(fitted, rest, target_accuracy, unanswerable)
        for at, fold in enumerate(numbers):
            if fold == number:
                found[at] = outcome(cases[at], fitted)
    return [found[at] for at in range(len(cases))]


def rank(case: Case, calibration: Calibration) -> Case:
    """Return a case with its candidates scored by a calibration's ranking, best first."""
    scored = [
        replace(item, score=calibration.ranking.log_odds(item.features)) for item in case.candidates
    ]
    scored.sort(key=lambda item: (-item.score, item.place))
    return replace(case, candidates=tuple(scored))


def outcome(case: Case, calibration: Calibration) -> Outcome:
    """Return what a calibration makes of a case."""
    return _outcome(rank(case, calibration), calibration)


def measure(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Return the figures of outcomes by name.

    `calibration_error`, `brier`, `aurc`, `coverage_at_80` and `_90` as in `qa/evaluate.py`;
    `accuracy` of the answers given; `answered` and `answered_right`: shares of the answerable
    questions; `refused_right`: share of the unanswerable ones; `f1`: mean over all.
    """
    confidence = [item.confidence for item in outcomes]
    right = [item.right for item in outcomes]
    answerable = [item for item in outcomes if item.answerable]
    rest = [item for item in outcomes if not item.answerable]
    return {
        "calibration_error": evaluate.calibration_error(confidence, right),
        "brier": evaluate.brier_score(confidence, right),
        "aurc": evaluate.area_under_risk_coverage(confidence, right),
        "coverage_at_80": evaluate.coverage_at_accuracy(confidence, right, 0.8),
        "coverage_at_90": evaluate.coverage_at_accuracy(confidence, right, 0.9),
        "accuracy": evaluate.mean([item.right for item in outcomes if item.answered]),
        "answered": evaluate.mean([item.answered for item in answerable]),
        "answered_right": evaluate.mean([item.answered * item.right for item in answerable]),
        "refused_right": evaluate.mean([not item.answered for item in rest]),
        "f1": evaluate.mean([item.f1 for item in outcomes]),
    }


def cross_validated(
    cases: Sequence[Case],
    unanswerable: float | None = None,
    features: Sequence[str] = CONFIDENCE,
) -> dict[str, float]:
    """Return `measure` of `cross_fitted`."""
    return measure(cross_fitted(cases, unanswerable=unanswerable, features=features))


def _fitted(
    cases: Sequence[Case],
    fitted_on: str,
    known: Calibration | None,
    unanswerable: float | None,
    features: Sequence[str],
) -> Calibration:
    ridge = _KNOWN if known else _LOOSE
    ranking = fit_ranking(cases, known.ranking if known else None, ridge)
    fitted = Calibration(ranking=ranking, fitted_on=fitted_on)
    held = [scored for case in cases if (scored := rank(case, fitted)).candidates]
    confidence = fit_signed(
        features,
        [confidence_features(case.candidates) for case in held],
        [_right(case) for case in held],
        against=AGAINST,
        ridge=ridge,
        counts=_counts(held, unanswerable),
        towards=known.confidence if known else None,
    )
    return replace(fitted, confidence=confidence)


def _counts(cases: Sequence[Case], unanswerable: float | None) -> NDArray[np.float64]:
    """Return how many cases each stands for, so that the wanted share has no answer."""
    without = np.array([case.pair.unanswerable for case in cases], dtype=bool)
    share = without.mean()
    if unanswerable is None or not 0 < share < 1:
        return np.ones(len(cases))
    counts: NDArray[np.float64] = np.where(
        without, unanswerable / share, (1 - unanswerable) / (1 - share)
    )
    return counts


def _right(case: Case) -> float:
    return acceptable(case.candidates[0].span.text, case.pair.answers) if case.candidates else 0.0


def _outcome(case: Case, calibration: Calibration) -> Outcome:
    decision = decide(case.candidates, calibration)
    text = case.candidates[0].span.text if decision.answered else None
    return Outcome(
        confidence=decision.confidence,
        right=_right(case),
        answered=decision.answered,
        f1=f1(text, case.pair.answers),
        answerable=not case.pair.unanswerable,
    )


def with_threshold(
    calibration: Calibration,
    cases: Sequence[Case],
    target_accuracy: float | None = None,
    unanswerable: float | None = None,
) -> Calibration:
    """Return the calibration with the threshold that suits these cases; arguments as of `fit`."""
    held = [scored for case in cases if (scored := rank(case, calibration)).candidates]
    confidences = np.array([decide(case.candidates, calibration).confidence for case in held])
    counts = _counts(held, unanswerable)
    if target_accuracy is not None:
        right = [_right(case) for case in held]
        threshold = _accurate(confidences, np.array(right), counts, target_accuracy)
    else:
        values = np.array([_values(case) for case in held]).reshape(-1, 2)
        threshold = _best_f1(confidences, values, counts)
    return replace(calibration, threshold=threshold)


def _accurate(
    confidences: NDArray[np.float64],
    right: NDArray[np.float64],
    counts: NDArray[np.float64],
    target: float,
) -> float:
    """Return the lowest threshold whose answers are accurate enough; 1 when there is none."""
    order = np.argsort(-confidences, kind="stable")
    sure = confidences[order]
    total = np.cumsum(counts[order])
    # What was right up to the furthest threshold is partly luck; what confidence expects is not.
    seen = np.cumsum((right * counts)[order]) / total
    accuracy = np.minimum(seen, np.cumsum((confidences * counts)[order]) / total)
    # No threshold parts cases of equal confidence.
    parts = np.append(np.diff(sure) < 0, True)
    reached = np.flatnonzero(parts & (accuracy >= target - 1e-12))
    if not len(reached):
        return 1.0
    last = int(reached[-1])
    following = sure[last + 1] if last + 1 < len(sure) else 0.0
    return _between(float(sure[last]), float(following))


def _between(kept: float, dropped: float) -> float:
    """Return a short number above `dropped`, and no higher than `kept`."""
    middle = round((kept + dropped) / 2, 4)
    return middle if dropped < middle <= kept else kept


def _best_f1(
    confidences: NDArray[np.float64], values: NDArray[np.float64], counts: NDArray[np.float64]
) -> float:
    """Return the threshold of the best mean F1 that a smooth curve through the cases expects.

    The curve is the chance that answering gains over refusing, a logistic regression on the
    confidence's log-odds and their square in which each case counts by what is at stake: nothing,
    where the answer is wrong and a refusal would be as well. F1 itself is flat about its peak, and
    where that stands is an accident of the sample: over halves of it this threshold strays half as
    far, and does as well or better on the other half.
    """
    grid = np.linspace(0.05, 0.95, 181)
    gains = values[:, 0] - values[:, 1]
    stakes = counts * np.abs(gains)
    staked = stakes > 0
    gaining = gains[staked] > 0
    if gaining.all() or not gaining.any():
        totals = np.array([gains[confidences >= at] @ counts[confidences >= at] for at in grid])
    else:
        kept = np.clip(confidences, probability(-_FAR), probability(_FAR))
        odds = np.log(kept / (1 - kept))
        rows = [{"odds": one, "squared": one**2} for one in odds.tolist()]
        at_stake = [row for row, counted in zip(rows, staked, strict=True) if counted]
        curve = fit_logistic(["odds", "squared"], at_stake, gaining, counts=stakes[staked])
        expected = np.array([2 * probability(curve.log_odds(row)) - 1 for row in rows]) * stakes
        totals = np.array([expected[confidences >= at].sum() for at in grid])
    return round(float(np.median(grid[totals >= totals.max() - 1e-9])), 4)


def _values(case: Case) -> tuple[float, float]:
    """Return the F1 of answering with the first candidate, and that of refusing."""
    if not case.pair.answers:
        return 0.0, 1.0
    return f1(case.candidates[0].span.text, case.pair.answers), 0.0


def folds(pairs: Sequence[Pair]) -> list[int]:
    """Return the fold, 0 to `FOLDS` − 1, of each pair.

    Pairs of one group stay together, and each kind is spread evenly.
    """
    documents = {pair.document for pair in pairs if pair.document}
    by_document = len(documents) >= _LEAST_DOCUMENTS
    groups = [(pair.document if by_document else None) or pair.key for pair in pairs]
    answered = {group for group, pair in zip(groups, pairs, strict=True) if pair.answers}

    def order(group: str) -> tuple[bool, str]:
        return group in answered, hashlib.sha256(group.encode()).hexdigest()

    fold = {group: at % FOLDS for at, group in enumerate(sorted(set(groups), key=order))}
    return [fold[group] for group in groups]
