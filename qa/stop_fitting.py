"""Fit when reading may stop, from cases in which everything was read; see `qa/stopping.py`.

The chance is fitted to all that was read in each case: at every prefix of its passages that is
answered, whether each later passage had something to say. The limit is then the largest one with
which, asked anew, no more than `MOST_CHANGED` of the answers come out otherwise; each case is
judged by a rule that never saw its passages. The rule for refusals is fitted alike, at every prefix
that is not answered: whether the answer stands in a later passage, in the end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from qa.calibration import REFUSING, STOPPING, Calibration, Logistic, Stopping, fit_signed
from qa.candidates import RIVAL, Candidate, Decision, decide, same
from qa.fitting import FOLDS, Case, folds, rank
from qa.stopping import (
    GROUP,
    chances_left,
    features,
    following,
    refusing_features,
    rule_for,
)

MOST_CHANGED = 0.01
"""Share of the answers that may be others, or refusals, for not reading on."""
MOST_LOST = 0.02
"""Share of the answers that may miss a source which reading on would have cited beside them."""
MOST_MISSED = 0.01
"""Share of the answers that may be refused for not reading on."""
LIMITS = (0.1, 0.07, 0.05, 0.035, 0.025, 0.015, 0.01, 0.007, 0.005, 0.003)
# With fewer passages that had something to say, their chance is a guess.
_LEAST_TELLING = 8
_AGAINST = ("needed", "lead", "behind", "short")
_RIDGE = 2.0

Row = tuple[dict[str, float], float]


@dataclass(frozen=True, slots=True)
class Effect:
    """What the rules do to the answers of some cases.

    Attributes:
        answers: Questions that are answered when everything is read.
        read: Passages read for one of those, on average.
        changed: Questions that get another answer, or one in place of a refusal.
        lost: Answers that miss a source which reading everything cites or names as a rival.
        refusals: Questions that are refused when everything is read.
        refusals_read: Passages read for one of those, on average.
        missed: Questions that are refused for not reading on: they have an answer, or sources that
            contradict each other.
    """

    answers: int
    read: float
    changed: int
    lost: int
    refusals: int
    refusals_read: float
    missed: int

    @property
    def keeps_answers(self) -> bool:
        """Tell whether it keeps within `MOST_CHANGED` and `MOST_LOST`."""
        return self.changed <= MOST_CHANGED * self.answers and self.lost <= MOST_LOST * self.answers

    @property
    def misses_few(self) -> bool:
        """Tell whether it keeps within `MOST_MISSED`."""
        return self.missed <= MOST_MISSED * self.answers

    def to_dict(self) -> dict[str, float]:
        """Return the figures for people, shares of the answers."""
        answers = max(1, self.answers)
        return {
            "read": self.read,
            "changed": self.changed / answers,
            "sources_lost": self.lost / answers,
            "refusals_read": self.refusals_read,
            "missed": self.missed / answers,
        }


@dataclass(frozen=True, slots=True)
class _Point:
    """A moment of reading at which it could stop: all chances left, and what is said."""

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


_Path = tuple[list[_Point], _Said]


def fit(cases: Sequence[Case], calibration: Calibration) -> Calibration:
    """Fit both rules for a calibration.

    Args:
        cases: With prospects, everything read.
        calibration: Which answers count as given, and which span comes first.

    Returns:
        The calibration with its rules; without one where the cases are too few to tell, or where no
        limit keeps the answers, and without that of refusals where there is none of answers.
    """
    ranked = _ranked(cases, calibration)
    numbers = folds([case.pair for case in ranked])
    fitted = replace(calibration, stopping=None, refusing=None)
    for kind in _KINDS:
        rows = [kind.rows(case, fitted) for case in ranked]
        chance = _chance(kind, rows)
        if chance is None:
            break
        judged = []
        for number in range(FOLDS):
            rest = [part for part, fold in zip(rows, numbers, strict=True) if fold != number]
            unseen = [case for case, fold in zip(ranked, numbers, strict=True) if fold == number]
            judged += _paths(unseen, kind.with_rule(fitted, _chance(kind, rest) or chance))
        rule = _with_limit(kind, chance, LIMITS, judged, fitted)
        if rule is None:
            break
        fitted = rule
    return fitted


def keep(shipped: Calibration, cases: Sequence[Case], calibration: Calibration) -> Calibration:
    """Return a calibration with known rules, made stricter until they keep these answers.

    Args:
        shipped: Has the rules as they were fitted with another calibration.
        cases: With prospects, everything read.
        calibration: The calibration that is to have them; its own are dropped.
    """
    ranked = _ranked(cases, calibration)
    kept = replace(calibration, stopping=None, refusing=None)
    for kind in _KINDS:
        rule = kind.rule(shipped)
        if rule is None:
            break
        stricter = [rule.limit, *(limit for limit in LIMITS if limit < rule.limit)]
        paths = _paths(ranked, kind.with_rule(kept, rule.chance))
        found = _with_limit(kind, rule.chance, stricter, paths, kept)
        if found is None:
            break
        kept = found
    return kept


def effect(cases: Sequence[Case], calibration: Calibration) -> Effect | None:
    """Return what a calibration's rules do to some cases; None when it has none."""
    if calibration.stopping is None:
        return None
    return _effect(_paths(_ranked(cases, calibration), calibration), calibration)


def _ranked(cases: Sequence[Case], calibration: Calibration) -> list[Case]:
    return [rank(case, calibration) for case in cases if case.prospects and case.candidates]


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


def _refusing_rows(case: Case, calibration: Calibration) -> list[Row]:
    """Return features and label of each later passage, at each prefix that is not answered."""
    rows: list[Row] = []
    count = len(case.prospects)
    whole = decide(case.candidates, calibration)
    telling = {item.span.passage for item in whole.supporting}
    for read in range(GROUP, count):
        found = [item for item in case.candidates if item.span.passage < read]
        decision = decide(found, calibration)
        if decision.answered or decision.conflicting:
            continue
        unread = range(read, count)
        values = refusing_features(unread, case.prospects, decision, calibration)
        said = whole.answered or whole.conflicting
        labels = [float(said and at in telling) for at in unread]
        rows += zip(values, labels, strict=True)
    return rows


def _tells(candidates: Sequence[Candidate], best: Candidate) -> bool:
    """Tell whether a passage comes first, comes near the first, or would be cited beside it."""
    return any(
        item.score > (min(0.0, best.score) if agrees else best.score - RIVAL)
        for item in candidates
        for agrees in [same(item.span.text, best.span.text)]
    )


@dataclass(frozen=True, slots=True)
class _Kind:
    """One of the two rules: where it stands, what it is fitted to, and how far it may go."""

    name: Literal["stopping", "refusing"]
    features: Sequence[str]
    rows: Callable[[Case, Calibration], list[Row]]
    bearable: Callable[[Effect], bool]

    def rule(self, calibration: Calibration) -> Stopping | None:
        return calibration.stopping if self.name == "stopping" else calibration.refusing

    def with_rule(
        self, calibration: Calibration, chance: Logistic, limit: float = -1
    ) -> Calibration:
        rule = Stopping(chance, limit)
        if self.name == "stopping":
            return replace(calibration, stopping=rule)
        return replace(calibration, refusing=rule)


# In this order: what a refusal may leave unread depends on when an answer is taken.
_KINDS = (
    _Kind("stopping", STOPPING, _rows, lambda effect: effect.keeps_answers),
    _Kind("refusing", REFUSING, _refusing_rows, lambda effect: effect.misses_few),
)


def _chance(kind: _Kind, rows: Sequence[Sequence[Row]]) -> Logistic | None:
    flat = [row for part in rows for row in part]
    labels = [label for _, label in flat]
    if not _LEAST_TELLING <= sum(labels) < len(labels):
        return None
    return fit_signed(kind.features, [row for row, _ in flat], labels, _AGAINST, _RIDGE)


def _with_limit(
    kind: _Kind,
    chance: Logistic,
    limits: Sequence[float],
    paths: Sequence[_Path],
    calibration: Calibration,
) -> Calibration | None:
    for limit in limits:
        found = kind.with_rule(calibration, chance, limit)
        if kind.bearable(_effect(paths, found)):
            return found
    return None


def _effect(paths: Sequence[_Path], calibration: Calibration) -> Effect:
    assert calibration.stopping is not None
    answering = calibration.stopping.limit
    refusing = calibration.refusing.limit if calibration.refusing else -1.0
    read: dict[bool, list[int]] = {True: [], False: []}
    changed, lost, missed = 0, 0, 0
    for points, whole in paths:
        stop = points[-1]
        for point in points:
            if point.left <= (answering if point.said.answered else refusing):
                stop = point
                break
        read[whole.answered].append(stop.read)
        if stop.said.answered:
            changed += stop.said.differs(whole)
            lost += whole.answered and not whole.sources <= stop.said.sources
        else:
            missed += stop.said.differs(whole)
    return Effect(
        answers=len(read[True]),
        read=_mean(read[True]),
        changed=changed,
        lost=lost,
        refusals=len(read[False]),
        refusals_read=_mean(read[False]),
        missed=missed,
    )


def _mean(values: Sequence[int]) -> float:
    return sum(values) / max(1, len(values))


def _paths(cases: Sequence[Case], calibration: Calibration) -> list[_Path]:
    """Return, for each case, the moments at which reading could stop, and what is said in the end.

    What is read next does not depend on the limits, so one path serves them all.
    """
    assert calibration.stopping is not None
    refusing = calibration.refusing
    never = replace(
        calibration,
        stopping=replace(calibration.stopping, limit=-1.0),
        refusing=refusing and replace(refusing, limit=-1.0),
    )
    return [(_path(case, never), _said(decide(case.candidates, calibration))) for case in cases]


def _path(case: Case, never: Calibration) -> list[_Point]:
    points, read = [], list[int]()
    found: list[Candidate] = []
    while coming := following(read, case.prospects, found, never):
        read += coming
        found = [item for item in case.candidates if item.span.passage in read]
        decision = decide(found, never)
        unread = [at for at in range(len(case.prospects)) if at not in read]
        left = math.inf if unread else 0.0
        if rule_for(decision, never):
            left = sum(chances_left(unread, case.prospects, found, decision, never))
        points.append(_Point(left, len(read), _said(decision)))
    return points


def _said(decision: Decision) -> _Said:
    if not decision.answered:
        return _Said(False, decision.conflicting, "", frozenset())
    sources = frozenset(item.place for item in (*decision.supporting, *decision.rivals))
    return _Said(True, False, decision.supporting[0].span.text, sources)


def _by_passage(case: Case) -> Mapping[int, list[Candidate]]:
    found: dict[int, list[Candidate]] = {}
    for item in case.candidates:
        found.setdefault(item.span.passage, []).append(item)
    return found
