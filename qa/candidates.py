"""Candidate answers: spans with their retrieval scores, ranked; and the decision among them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qa.calibration import Calibration, probability
from qa.evaluate import normalize
from qa.reader import Span

if TYPE_CHECKING:
    from index.search import Passage

_WORD = re.compile(r"\w+")
# Capitalised words but the first one, and numbers.
_NAMED = re.compile(r"(?<!^)\b[A-Z]\w+|\b\d+\b")
_NUMBERS = re.compile(r"\d+(?:[.,]\d+)*")
# Candidates this close in log-odds are a toss-up; this far apart, one source stands above another.
_TOSS_UP = 0.35
_RIVAL = 1.5


@dataclass(frozen=True, slots=True)
class Candidate:
    """A span and what speaks for it.

    Attributes:
        span: The reader's span; `span.passage` indexes the retrieved passages.
        place: Document, and the span's characters in it.
        score: Log-odds by the calibration's ranking.
        features: The ranking features, see `calibration.RANKING`.
    """

    span: Span
    place: tuple[str, int, int]
    score: float
    features: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do with the candidates.

    Attributes:
        answered: Whether the best one is good enough to be given.
        conflicting: Whether it was refused because sources contradict each other.
        confidence: Probability that the best one is right, 0..1.
        supporting: The best one, and those elsewhere that say the same, best first.
        rivals: The best one of each source that says otherwise nearly as well.
        nearest: For a refusal: the best of each passage, best first.
    """

    answered: bool
    conflicting: bool
    confidence: float
    supporting: tuple[Candidate, ...]
    rivals: tuple[Candidate, ...]
    nearest: tuple[Candidate, ...]


def ranking_features(question: str, span: Span, passage: Passage, rank: int) -> dict[str, float]:
    """Return what the ranking weighs for one span; `rank` counts passages from 0."""
    return {
        "margin": span.margin,
        "answerability": span.answerability,
        "relevance": span.relevance,
        "retrieval": passage.score,
        "dense": passage.dense,
        "rank": 1 / (1 + rank),
        "missing": float(min(3, missing_names(question, passage.text))),
    }


def missing_names(question: str, text: str) -> int:
    """Return how many names and numbers of the question the text never mentions.

    "Who designated the Sinaloa cartel?" asked of a text without "Sinaloa" has no answer there,
    however well the rest of it fits.
    """
    words = {word.casefold() for word in _WORD.findall(text)}
    named = {name.group().casefold() for name in _NAMED.finditer(question)}
    return len(named - words)


def gather(
    question: str, spans: Sequence[Span], passages: Sequence[Passage], calibration: Calibration
) -> list[Candidate]:
    """Score each span with its passage; best first, a place found in two passages kept once."""
    best: dict[tuple[str, int, int], Candidate] = {}
    for span in spans:
        passage = passages[span.passage]
        place = (passage.document, passage.start + span.start, passage.start + span.end)
        features = ranking_features(question, span, passage, span.passage)
        score = calibration.ranking.log_odds(features)
        if place not in best or score > best[place].score:
            best[place] = Candidate(span, place, score, features)
    return sorted(best.values(), key=lambda candidate: (-candidate.score, candidate.place))


def confidence_features(candidates: Sequence[Candidate]) -> dict[str, float]:
    """Return what the confidence weighs for the best of `candidates` (at least one)."""
    best = candidates[0]
    others = [item for item in candidates if not same(item.span.text, best.span.text)]
    agreeing = {
        item.span.passage
        for item in candidates[1:]
        if item.score > 0 and same(item.span.text, best.span.text)
    } - {best.span.passage}
    return {
        "score": best.score,
        "margin": best.span.margin,
        "answerability": best.span.answerability,
        "relevance": best.span.relevance,
        "lead": min(10.0, best.score - others[0].score) if others else 10.0,
        "agreement": float(min(3, len(agreeing))),
        "dense": best.features["dense"],
        "missing": best.features["missing"],
    }


def decide(candidates: Sequence[Candidate], calibration: Calibration) -> Decision:
    """Answer with the best candidate, or refuse.

    Two sources conflict when they put different numbers forward equally well: what else differs
    in wording may well agree in fact, which a reader of spans cannot tell.
    """
    if not candidates:
        return Decision(False, False, 0.0, (), (), ())
    best = candidates[0]
    confidence = probability(calibration.confidence.log_odds(confidence_features(candidates)))
    rivals = tuple(item for item in candidates[1:] if _rival(item, best))
    tossed = [item for item in rivals if best.score - item.score < _TOSS_UP]
    enough = confidence >= calibration.threshold
    return Decision(
        answered=enough and not tossed,
        conflicting=enough and bool(tossed),
        confidence=confidence,
        supporting=_agreeing(candidates),
        rivals=_one_a_document(rivals),
        nearest=(best, *tossed) if enough and tossed else _one_a_passage(candidates),
    )


def same(one: str, other: str) -> bool:
    """Tell whether two answers say the same: equal once normalised, or one inside the other."""
    first, second = normalize(one).split(), normalize(other).split()
    if not first or not second:
        return first == second
    short, long = sorted((first, second), key=len)
    return any(long[at : at + len(short)] == short for at in range(len(long) - len(short) + 1))


def _rival(item: Candidate, best: Candidate) -> bool:
    elsewhere = item.place[0] != best.place[0]
    close = item.score > 0 and best.score - item.score < _RIVAL
    numbers = _NUMBERS.findall(best.span.text), _NUMBERS.findall(item.span.text)
    return elsewhere and close and all(numbers) and not set(numbers[0]) & set(numbers[1])


def _agreeing(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Return the best and, of other places, those that say the same and answer on their own."""
    best = candidates[0]
    kept = [best]
    for item in candidates[1:]:
        taken = any(_overlap(item.place, other.place) for other in kept)
        if not taken and item.score > 0 and same(item.span.text, best.span.text):
            kept.append(item)
    return tuple(kept)


def _overlap(one: tuple[str, int, int], other: tuple[str, int, int]) -> bool:
    return one[0] == other[0] and one[1] < other[2] and other[1] < one[2]


def _one_a_passage(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    return tuple({item.span.passage: item for item in reversed(candidates)}.values())[::-1]


def _one_a_document(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    best: dict[str, Candidate] = {}
    for item in candidates:
        best.setdefault(item.place[0], item)
    return tuple(best.values())
