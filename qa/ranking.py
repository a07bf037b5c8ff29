"""Fit which candidate comes first: by the choice within a question, the conditional logit.

A regression on single candidates asks "is this span right?" and spends its weights on telling easy
questions from hard ones, which moves all of a question's candidates alike. Which passage comes
first is decided among the candidates of one question only, so that is what is fitted here
(McFadden 1974, "Conditional logit analysis of qualitative choice behavior").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from qa.calibration import RANKING, Logistic, fit_logistic, fit_signed
from qa.candidates import Candidate
from qa.evaluate import acceptable

if TYPE_CHECKING:
    from qa.fitting import Case

# Candidates of one question that the ranking learns from; the tail is all alike.
_LEARNT_FROM = 12
# A larger value speaks against the answer.
AGAINST = ("missing",)

Values = NDArray[np.float64]
# One question: the features of its candidates, and which of them should come first.
Question = tuple[Sequence[Mapping[str, float]], Sequence[bool]]


def fit_ranking(cases: Sequence[Case], known: Logistic | None, ridge: float) -> Logistic:
    """Fit which candidate comes first, and how its score says whether it is right.

    Few pairs say little of which passage to choose, nearly all of them choosing the same: a ranking
    that is known already is moved by what every candidate says of it instead.

    Args:
        cases: Questions with their candidates.
        known: What is known already, which the ridge draws to; None fits by choice.
        ridge: Penalty on the squared standardised weights.

    Raises:
        ValueError: No candidate is right, or all are.
    """
    rows, right = [], []
    for case in cases:
        strongest = sorted(case.candidates, key=lambda item: -item.span.margin)[:_LEARNT_FROM]
        for item in strongest:
            matches = acceptable(item.span.text, case.pair.answers)
            if not (matches and _elsewhere(case, item)):
                rows.append(item.features)
                right.append(matches)
    if known is None:
        asked = [one for case in cases if (one := _choice(case))]
        weights = fit_choice(RANKING, asked, against=AGAINST, ridge=ridge)
        scores = [{"choice": Logistic(0.0, weights).log_odds(row)} for row in rows]
        scale = fit_logistic(["choice"], scores, right)
        factor = scale.weights["choice"]
        if factor > 0:
            scaled = {name: round(factor * weight, 5) for name, weight in weights.items()}
            return Logistic(scale.bias, scaled)
    return fit_signed(RANKING, rows, right, against=AGAINST, ridge=ridge, towards=known)


def _choice(case: Case) -> Question | None:
    """Return a question's candidates, and which of them stand in a passage that answers it.

    Which span of a passage comes first its margin says; the passage is what is chosen. The answer's
    words in another document than the one asked of may be right or chance: such passages teach
    nothing and are left out.
    """
    own: set[int] = set()
    other: set[int] = set()
    for item in case.candidates:
        if acceptable(item.span.text, case.pair.answers):
            (other if _elsewhere(case, item) else own).add(item.span.passage)
    kept = [item for item in case.candidates if item.span.passage not in other - own]
    if not own:
        return None
    return [item.features for item in kept], [item.span.passage in own for item in kept]


def _elsewhere(case: Case, item: Candidate) -> bool:
    return case.pair.document not in (None, item.place[0])


def fit_choice(
    names: Sequence[str],
    questions: Sequence[Question],
    against: Sequence[str] = (),
    ridge: float = 1.0,
) -> dict[str, float]:
    """Fit weights that put the right ones of each question's candidates first.

    The chance that a right one comes first is the sum over the right ones of exp(w·x), as a share
    of the sum over all. A feature whose weight would have the wrong sign is left out, the furthest
    first, unless it is the last one, as in `calibration.fit_signed`.

    Args:
        names: The features; a larger value speaks for the candidate.
        questions: Those without a right candidate, or without a wrong one, teach nothing.
        against: The features of which a larger value speaks against it.
        ridge: Penalty on the squared standardised weights.

    Returns:
        The weights; empty when no question teaches anything.
    """
    taught = [(rows, right) for rows, right in questions if any(right) and not all(right)]
    if not taught:
        return {}
    table = np.array([[row[name] for name in names] for rows, _ in taught for row in rows])
    spread = table.std(axis=0)
    spread[spread < 1e-9] = 1.0
    right = np.array([one for _, flags in taught for one in flags], dtype=bool)
    starts = np.cumsum([0, *(len(rows) for rows, _ in taught[:-1])])
    sign = np.array([-1.0 if name in against else 1.0 for name in names])
    kept = np.arange(len(names))
    while True:
        solved = _solve((table / spread)[:, kept], right, starts, ridge)
        worst = int(np.argmin(solved * sign[kept]))
        if solved[worst] * sign[kept][worst] >= 0 or len(kept) == 1:
            break
        kept = np.delete(kept, worst)
    weights = solved / spread[kept]
    return {names[int(at)]: float(weight) for at, weight in zip(kept, weights, strict=True)}


def _solve(
    design: Values, right: NDArray[np.bool_], starts: NDArray[np.int64], ridge: float
) -> Values:
    """Minimise the negative log-likelihood and the ridge by damped Newton steps."""
    sizes = np.diff(np.append(starts, len(design)))

    def shares(scores: Values) -> tuple[Values, Values]:
        """Return each candidate's share of its question, and the log of each question's sum."""
        top = np.repeat(np.maximum.reduceat(scores, starts), sizes)
        raised = np.exp(scores - top)
        total = np.add.reduceat(raised, starts)
        return raised / np.repeat(total, sizes), np.log(total) + top[starts]

    def parts(weights: Values) -> tuple[float, Values, Values]:
        """Return the loss, and the shares among all candidates and among the right ones."""
        scores = design @ weights
        of_all, whole = shares(scores)
        of_right, good = shares(np.where(right, scores, -1e9))
        loss = float((whole - good).sum() + ridge * (weights**2).sum() / 2)
        return loss, of_all, of_right

    weights = np.zeros(design.shape[1])
    loss, of_all, of_right = parts(weights)
    for _ in range(200):
        slope = design.T @ (of_right - of_all) - ridge * weights
        means = np.add.reduceat(design * of_all[:, None], starts)
        # The right ones' spread is left out: the curve is then never too flat for a step.
        curve = (design * of_all[:, None]).T @ design - means.T @ means
        change = np.linalg.solve(curve + ridge * np.eye(len(weights)), slope)
        tried = parts(weights + change)
        while tried[0] > loss and np.abs(change).max() > 1e-9:
            change = change / 2
            tried = parts(weights + change)
        if np.abs(change).max() < 1e-7:
            break
        weights = weights + change
        loss, of_all, of_right = tried
    return weights
