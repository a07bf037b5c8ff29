"""From scores to a probability, and to answering or refusing.

Two logistic regressions over features a person can read, in `calibration.json`:

* `ranking` scores each candidate span; the best one is the answer, so that retrieval and reading
  weigh in together;
* `confidence` turns the winner's score, its lead and the agreement of other passages into the
  probability that it is right.

An answer is given when its confidence reaches `threshold`. Two more, `stopping` and `refusing`, say
when no passage that is not read yet can still matter; see `qa/stopping.py`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from index.errors import ModelError, WeightsMissing

RANKING = ("margin", "answerability", "relevance", "retrieval", "dense", "missing", "coverage")
# Not `dense`: how alike the best passages are to a question differs from library to library.
CONFIDENCE = (
    "score", "margin", "answerability", "relevance", "lead", "agreement", "missing", "coverage",
)  # fmt: skip
STOPPING = ("needed", "lead", "behind", "echo")
REFUSING = ("needed", "short", "behind")

Rows = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Logistic:
    """`log-odds = bias + Σ weights[name] · value[name]`.

    Attributes:
        bias: The constant.
        weights: One weight a feature; a feature without a weight counts nothing.
    """

    bias: float = 0.0
    weights: Mapping[str, float] = field(default_factory=dict)

    def log_odds(self, values: Mapping[str, float]) -> float:
        """Return the log-odds for one set of feature values."""
        return self.bias + sum(
            weight * values[name] for name, weight in self.weights.items() if weight
        )


@dataclass(frozen=True, slots=True)
class Stopping:
    """When reading may stop.

    Attributes:
        chance: From `STOPPING` or `REFUSING` features, the log-odds that a passage which is not
            read yet has something to say.
        limit: Reading stops when the chances of all such passages add up to this or less.
    """

    chance: Logistic
    limit: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """What decides between candidates, and between answering and refusing.

    Attributes:
        ranking: Scores a candidate from `RANKING` features.
        confidence: Scores the winner from `CONFIDENCE` features.
        threshold: Lowest confidence that is answered, 0..1.
        fitted_on: What it was fitted on, for people.
        stopping: When to stop reading once there is an answer; None reads every passage, as of a
            calibration that was made without it.
        refusing: When to stop reading while there is none; None, or a `stopping` of None, reads
            every passage before a refusal.
    """

    ranking: Logistic = field(default_factory=lambda: Logistic(0.0, {"margin": 1.0}))
    confidence: Logistic = field(default_factory=lambda: Logistic(0.0, {"score": 1.0}))
    threshold: float = 0.5
    fitted_on: str = "nothing"
    stopping: Stopping | None = None
    refusing: Stopping | None = None

    @classmethod
    def load(cls, path: Path) -> Calibration:
        """Read `calibration.json`.

        Raises:
            WeightsMissing: The file is missing.
            ModelError: It is not of the expected layout.
        """
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise WeightsMissing(
                f"{path.name} not found in {path.parent}, expected the reader's calibration there; "
                "reinstall citespan, or make it with: make calibrate"
            ) from error
        except ValueError as error:
            raise ModelError(
                f"{path.name}: found no JSON, expected a calibration; make it with: make calibrate"
            ) from error
        try:
            return cls.from_dict(stored)
        except ModelError as error:
            raise ModelError(f"{path.name}: {error}; make it with: make calibrate") from error

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Calibration:
        """Return the calibration that `dataclasses.asdict` described.

        Raises:
            ModelError: Something is missing, or of the wrong type.
        """
        try:
            return cls(
                ranking=_logistic(stored["ranking"], RANKING),
                confidence=_logistic(stored["confidence"], CONFIDENCE),
                threshold=float(stored["threshold"]),
                fitted_on=str(stored["fitted_on"]),
                stopping=_stopping(stored.get("stopping"), STOPPING),
                refusing=_stopping(stored.get("refusing"), REFUSING),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(
                f"{error}, expected ranking, confidence, threshold and fitted_on"
            ) from error

    def save(self, path: Path) -> None:
        """Write `calibration.json`."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")


def _stopping(stored: Mapping[str, Any] | None, known: Sequence[str]) -> Stopping | None:
    if stored is None:
        return None
    return Stopping(_logistic(stored["chance"], known), float(stored["limit"]))


def _logistic(stored: Mapping[str, object], known: Sequence[str]) -> Logistic:
    weights = dict(stored["weights"])  # type: ignore[call-overload]
    unknown = sorted(set(weights) - set(known))
    if unknown:
        raise ValueError(f"found features {unknown}, expected some of {list(known)}")
    return Logistic(
        float(stored["bias"]),  # type: ignore[arg-type]
        {name: float(weight) for name, weight in weights.items()},
    )


def probability(log_odds: float) -> float:
    """Return the probability for log-odds, 0..1, without overflow."""
    if log_odds >= 0:
        return 1 / (1 + math.exp(-log_odds))
    raised = math.exp(log_odds)
    return raised / (1 + raised)


def fit_logistic(
    names: Sequence[str],
    rows: Sequence[Mapping[str, float]],
    right: ArrayLike,
    ridge: float = 1.0,
    *,
    counts: ArrayLike | None = None,
    towards: Logistic | None = None,
) -> Logistic:
    """Fit a logistic regression by Newton's method.

    Features are standardised for the fit, so that the ridge means the same for each, and the
    weights are returned on the features' own scale.

    Args:
        names: The features to use.
        rows: Their values, one mapping a case.
        right: Whether each case was right, 0 or 1.
        ridge: Penalty on the squared standardised weights; the bias has none.
        counts: How many cases each one stands for; 1 when None.
        towards: The ridge draws the weights to these instead of to 0: what is known already
            counts, the less the more cases there are.

    Raises:
        ValueError: No cases, or all of them right, or none.
    """
    labels = np.asarray(right, dtype=np.float64)
    if not 0 < labels.sum() < len(labels):
        raise ValueError(
            f"found {int(labels.sum())} right answers of {len(labels)}, expected some of each kind"
        )
    table = np.array([[row[name] for name in names] for row in rows], dtype=np.float64)
    centre, spread = table.mean(axis=0), table.std(axis=0)
    spread[spread < 1e-9] = 1.0
    design = np.column_stack([np.ones(len(table)), (table - centre) / spread])
    known = towards.weights if towards else {}
    prior = np.array([0.0, *(known.get(name, 0.0) for name in names)]) * np.append(1.0, spread)
    each = np.ones(len(labels)) if counts is None else np.asarray(counts, dtype=np.float64)
    solved = _newton(design, labels, ridge, each, prior)
    weights = solved[1:] / spread
    bias = float(solved[0] - weights @ centre)
    return Logistic(
        round(bias, 5),
        {name: round(float(weight), 5) for name, weight in zip(names, weights, strict=True)},
    )


def fit_signed(
    names: Sequence[str],
    rows: Sequence[Mapping[str, float]],
    right: ArrayLike,
    against: Sequence[str] = (),
    ridge: float = 1.0,
    *,
    counts: ArrayLike | None = None,
    towards: Logistic | None = None,
) -> Logistic:
    """Fit as `fit_logistic`, each weight of the sign that its meaning asks for.

    Features that say nearly the same share a sum between them, and a fit may set one against the
    other; where they part, such a model errs with great confidence. The feature furthest on its
    wrong side is left out until none is.

    Args:
        names: The features; a larger value speaks for the answer.
        rows: As in `fit_logistic`.
        right: As in `fit_logistic`.
        against: The features of which a larger value speaks against the answer.
        ridge: As in `fit_logistic`.
        counts: As in `fit_logistic`.
        towards: As in `fit_logistic`.
    """
    kept = list(names)
    while True:
        fitted = fit_logistic(kept, rows, right, ridge, counts=counts, towards=towards)
        spread = {name: float(np.std([row[name] for row in rows])) for name in kept}
        wrong = {
            name: weight * spread[name] * (-1 if name in against else 1)
            for name, weight in fitted.weights.items()
        }
        worst = min(wrong, key=lambda name: wrong[name])
        if wrong[worst] >= 0 or len(kept) == 1:
            return fitted
        kept.remove(worst)


def _newton(design: Rows, labels: Rows, ridge: float, counts: Rows, prior: Rows) -> Rows:
    penalty = np.full(design.shape[1], ridge)
    penalty[0] = 1e-9

    def loss(weights: Rows) -> float:
        odds = design @ weights
        likelihood = counts @ (np.logaddexp(0, odds) - labels * odds)
        return float(likelihood + penalty @ (weights - prior) ** 2 / 2)

    weights = np.zeros(design.shape[1])
    for _ in range(100):
        chance = 1 / (1 + np.exp(-np.clip(design @ weights, -30, 30)))
        slope = design.T @ (counts * (labels - chance)) - penalty * (weights - prior)
        spread = counts * chance * (1 - chance)
        curve = (design * spread[:, None]).T @ design + np.diag(penalty)
        change = np.linalg.solve(curve, slope)
        # Far from the optimum a whole step can overshoot.
        while loss(weights + change) > loss(weights) and np.abs(change).max() > 1e-9:
            change = change / 2
        weights = weights + change
        if np.abs(change).max() < 1e-9:
            break
    return weights
