"""Fit when reading may stop, from cases in which everything was read; see `qa/stopping.py`.

The chance is fitted to all that was read in each case: at every prefix of its passages that is
answered, whether each later passage had something to say. The limit is then the largest one with
which, asked anew, no more than `MOST_CHANGED` of the answers come out otherwise; each case is
judged by a rule that never saw its passages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from qa.calibration import STOPPING, Calibration, Logistic, Stopping, fit_signed
from qa.candidates import RIVAL, Candidate, decide, same
from qa.fitting import FOLDS, Case, folds, rank
from qa.stopping import chances_left, features, following

MOST_CHANGED = 0.01
"""Share of the answers that may be others, or refusals, for not reading on."""
MOST_LOST = 0.02
"""Share of the answers that may miss a source which reading on would have cited beside them."""
LIMITS = (0.1, 0.07, 0.05, 0.035, 0.025, 0.015, 0.01, 0.007, 0.005, 0.003)
# With fewer passages that had something to say, their chance is a guess.
_LEAST_TELLING = 8
_AGAINST = ("needed", "lead", "behind")
_RIDGE = 2.0

Row = tuple[dict[str, float], float]


@dataclass(frozen=True, slots=True)
class Effect:
    """What a rule does to the answers of some cases.

    Attributes:
        answers: Questions that are answered when everything is read.
        read: Passages read for one of those, on average.
        changed: Questions that get another answer, or one in place of a refusal, or the reverse.
        lost: Answers that miss a source which reading everything cites or names as a rival.
    """

    answers: int
    read: float
    changed: int
    lost: int

    @property
    def bearable(self) -> bool:
        """Tell whether it keeps within `MOST_CHANGED` and `MOST_LOST`."""
        most = MOST_CHANGED * self.answers, MOST_LOST * self.answers
        return self.changed <= most[0] and self.lost <= most[1]

    def to_dict(self) -> dict[str, float]:
        """Return the figures for people, shares of the answers."""
        answers = max(1, self.answers)
        return {
            "read": self.read,
            "changed": self.changed / answers,
            "sources_lost": self.lost / answers,
        }


@dataclass(frozen=True, slots=True)
class _Point:
    """A moment of reading at which there is an answer: all chances left, and what is said."""

    left: float
    read: int
    said: _Said


@dataclass(frozen=True, slots=True)
class _Said:
    """What a person sees of a decision."""

    answered: bool
    conflicting: bool
    text: str
    sources: frozenset[tuple[str, int, int]]

    def differs(self, other: _Said) -> bool:
        """Tell whether another answer is given; sources aside."""
        one, two = replace(self, sources=frozenset()), replace(other, sources=frozenset())
        return one != two


def fit(cases: Sequence[Case], calibration: Calibration) -> Stopping | None:
    """Fit the rule for a calibration.

    Args:
        cases: With prospects, everything read.
        calibration: Which answers count as given, and which span comes first.

    Returns:
        The rule; None when the cases are too few to tell, or no limit keeps the answers.
    """
    cases = [rank(case, calibration) for case in cases if case.prospects and case.candidates]
    rows = [_rows(case, calibration) for case in cases]
    chance = _chance(rows)
    if chance is None:
        return None
    numbers = folds([case.pair for case in cases])
    judged = []
    for number in range(FOLDS):
        rest = [part for part, fold in zip(rows, numbers, strict=True) if fold != number]
        unseen = [case for case, fold in zip(cases, numbers, strict=True) if fold == number]
        judged += _paths(unseen, calibration, _chance(rest) or chance)
    return _with_limit(chance, LIMITS, judged)


def keep(rule: Stopping | None, cases: Sequence[Case], calibration: Calibration) -> Stopping | None:
    """Return a known rule for another calibration, made stricter until it keeps these answers.

    Args:
        rule: As it was fitted with another calibration.
        cases: With prospects, everything read.
        calibration: The other calibration.
    """
    if rule is None:
        return None
    ranked = [rank(case, calibration) for case in cases if case.prospects and case.candidates]
    stricter = [rule.limit, *(limit for limit in LIMITS if limit < rule.limit)]
    return _with_limit(rule.chance, stricter, _paths(ranked, calibration, rule.chance))


def effect(cases: Sequence[Case], calibration: Calibration) -> Effect | None:
    """Return what a calibration's rule does to some cases; None when it has none."""
    rule = calibration.stopping
    if rule is None:
        return None
    ranked = [rank(case, calibration) for case in cases if case.prospects and case.candidates]
    return _effect(_paths(ranked, calibration, rule.chance), rule.limit)


def _rows(case: Case, calibration: Calibration) -> list[Row]:
    """Return features and label of each later passage, at each prefix that is answered."""
    rows: list[Row] = []
    count = len(case.prospects)
    by_passage = _by_passage(case)
    for read in range(1, count):
        found = [item for item in case.candidates if item.span.passage < read]
        if not found or not decide(found, calibration).answered:
            continue
        unread = range(read, count)
        values = features(unread, case.prospects, found, calibration)
        labels = [float(_tells(by_passage.get(at, ()), found[0])) for at in unread]
        rows += zip(values, labels, strict=True)
    return rows


def _tells(candidates: Sequence[Candidate], best: Candidate) -> bool:
    """Tell whether a passage comes first, comes near the first, or would be cited beside it."""
    return any(
        item.score > (min(0.0, best.score) if agrees else best.score - RIVAL)
        for item in candidates
        for agrees in [same(item.span.text, best.span.text)]
    )


def _chance(rows: Sequence[Sequence[Row]]) -> Logistic | None:
    flat = [row for part in rows for row in part]
    labels = [label for _, label in flat]
    if not _LEAST_TELLING <= sum(labels) < len(labels):
        return None
    return fit_signed(STOPPING, [row for row, _ in flat], labels, _AGAINST, _RIDGE)


def _with_limit(
    chance: Logistic, limits: Sequence[float], paths: Sequence[tuple[Sequence[_Point], _Said]]
) -> Stopping | None:
    for limit in limits:
        if _effect(paths, limit).bearable:
            return Stopping(chance, limit)
    return None


def _effect(paths: Sequence[tuple[Sequence[_Point], _Said]], limit: float) -> Effect:
    read, changed, lost, answers = 0, 0, 0, 0
    for points, whole in paths:
        stop = next((point for point in points if point.left <= limit), None)
        if whole.answered:
            answers += 1
            read += stop.read if stop else points[-1].read
        if stop is not None:
            changed += stop.said.differs(whole)
            lost += whole.answered and not whole.sources <= stop.said.sources
    return Effect(answers, read / max(1, answers), changed, lost)


def _paths(
    cases: Sequence[Case], calibration: Calibration, chance: Logistic
) -> list[tuple[list[_Point], _Said]]:
    """Return, for each case, the moments at which reading could stop, and what is said in the end.

    What is read next does not depend on the limit, so one path serves them all.
    """
    never = replace(calibration, stopping=Stopping(chance, limit=-1.0))
    return [(_path(case, never), _said(case.candidates, calibration)) for case in cases]


def _path(case: Case, never: Calibration) -> list[_Point]:
    points, read = [], list[int]()
    found: list[Candidate] = []
    while coming := following(read, case.prospects, found, never):
        read += coming
        found = [item for item in case.candidates if item.span.passage in read]
        said = _said(found, never)
        if said.answered:
            unread = [at for at in range(len(case.prospects)) if at not in read]
            left = sum(chances_left(unread, case.prospects, found, never))
            points.append(_Point(left, len(read), said))
    return points


def _said(candidates: Sequence[Candidate], calibration: Calibration) -> _Said:
    decision = decide(candidates, calibration)
    if not decision.answered:
        return _Said(False, decision.conflicting, "", frozenset())
    sources = frozenset(item.place for item in (*decision.supporting, *decision.rivals))
    return _Said(True, False, candidates[0].span.text, sources)


def _by_passage(case: Case) -> Mapping[int, list[Candidate]]:
    found: dict[int, list[Candidate]] = {}
    for item in case.candidates:
        found.setdefault(item.span.passage, []).append(item)
    return found
