"""Candidate answers: spans with their retrieval scores, ranked; and the decision among them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qa.calibration import Calibration, probability
from qa.evaluate import contradict, normalize, numbers
from qa.reader import Span

if TYPE_CHECKING:
    from index.search import Passage

_WORD = re.compile(r"\w+")
# Capitalised words but the first one, and numbers.
_NAMED = re.compile(r"(?<!^)\b[A-Z]\w+|\b\d+\b")
_SUFFIX = re.compile(r"(?:ing|ed|es|s|ions?|ly)$")
_FUNCTION = frozenset(
    """
    a an the is are was were be been do does did of in on at to for by with from that this what
    which who whom whose when where why how it its they their there has have had many much and or
    as not s t
    """.split()  # noqa: SIM905
)
# "No. 10" denies nothing.
_DENIAL = re.compile(r"(?i)\b(?:not|never|cannot|\w+n['’]t|no(?!\.?\s*\d))\b")
# Candidates this close in log-odds are a toss-up; this far apart, one source stands above another.
_TOSS_UP = 0.35
RIVAL = 1.5


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

    @property
    def row(self) -> int | None:
        """First character in the document of the table's row that was read; None for text."""
        if self.span.row is None:
            return None
        return self.place[1] - self.span.start + self.span.row


@dataclass(frozen=True, slots=True)
class Prospect:
    """What is known of a retrieved passage before it is read.

    Attributes:
        features: The ranking features that do not depend on a span: `retrieval`, `dense`,
            `missing`.
        text: The passage, normalised as answers are when they are compared.
    """

    features: Mapping[str, float]
    text: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do with the candidates.

    Attributes:
        answered: Whether the best one is good enough to be given.
        conflicting: Whether it was refused because sources contradict each other.
        confidence: Probability that the best one is right, 0..1.
        supporting: The best one, and those elsewhere that say the same, best first.
        rivals: The best one of each source, and of each other row of the same table, that says
            otherwise nearly as well.
        nearest: For a refusal: the best of each passage, best first.
    """

    answered: bool
    conflicting: bool
    confidence: float
    supporting: tuple[Candidate, ...]
    rivals: tuple[Candidate, ...]
    nearest: tuple[Candidate, ...]


def prospects(question: str, passages: Sequence[Passage], chunks: int) -> list[Prospect]:
    """Return what is known of each passage before it is read.

    How far a passage's retrieval score is behind the best one's speaks against it, the more so
    the more there was to choose from: where every chunk of a small library is read, retrieval has
    chosen nothing and its scaled scores are mostly noise.

    Args:
        question: The question as it is read.
        passages: All that were retrieved.
        chunks: Chunks in the library.
    """
    chosen = max(0.0, 1 - len(passages) / chunks) if chunks else 0.0
    top = max((passage.score for passage in passages), default=0.0)
    return [
        Prospect(
            {
                "retrieval": -chosen * (top - passage.score),
                "dense": passage.dense,
                "missing": float(min(3, missing_names(question, passage.text))),
            },
            normalize(passage.text),
        )
        for passage in passages
    ]


def coverage(question: str, text: str, start: int, end: int) -> float:
    """Return the share of the question's content words in the sentence around a span, 0..1.

    A reader of this size is drawn to any number near "killed" by "how many were injured?"; that
    nobody was injured in that sentence is worth a feature of its own. By crude stems.
    """
    return _covered(stems(question), text, start, end)


def _covered(asked: frozenset[str], text: str, start: int, end: int) -> float:
    from index.chunks import sentence_around

    if not asked:
        return 0.0
    first, last = sentence_around(text, start, end)
    return len(asked & stems(text[first:last])) / len(asked)


def stems(text: str) -> frozenset[str]:
    """Return the content words of a text, cut to crude stems."""
    words = (word.lower() for word in _WORD.findall(text))
    return frozenset(_SUFFIX.sub("", word)[:6] for word in words if word not in _FUNCTION)


def named(question: str) -> str:
    """Return the names and numbers of a question: its capitalised words but the first, digits."""
    return " ".join(_NAMED.findall(question))


def missing_names(question: str, text: str) -> int:
    """Return how many names and numbers of the question the text never mentions.

    "Who designated the Sinaloa cartel?" asked of a text without "Sinaloa" has no answer there,
    however well the rest of it fits.
    """
    words = {word.casefold() for word in _WORD.findall(text)}
    return len(set(named(question).casefold().split()) - words)


def gather(
    question: str,
    spans: Sequence[Span],
    passages: Sequence[Passage],
    calibration: Calibration,
    chunks: int,
) -> list[Candidate]:
    """Score each span with its passage; best first, a place found in two passages kept once.

    Args:
        question: The question as it was read.
        spans: The reader's spans.
        passages: The passages they index.
        calibration: Whose ranking scores them.
        chunks: Chunks in the library.
    """
    known = prospects(question, passages, chunks)
    return ranked(candidates_of(question, spans, passages, known, calibration))


def candidates_of(
    question: str,
    spans: Sequence[Span],
    passages: Sequence[Passage],
    known: Sequence[Prospect],
    calibration: Calibration,
) -> list[Candidate]:
    """Score each span with its passage, in the order given; arguments as of `gather`."""
    asked = stems(question)
    found = []
    for span in spans:
        passage = passages[span.passage]
        features = {
            "margin": span.margin,
            "answerability": span.answerability,
            "relevance": span.relevance,
            **known[span.passage].features,
            "coverage": _covered(asked, passage.text, span.start, span.end),
        }
        place = (passage.document, passage.start + span.start, passage.start + span.end)
        found.append(Candidate(span, place, calibration.ranking.log_odds(features), features))
    return found


def ranked(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return candidates best first, each place kept once."""
    best: dict[tuple[str, int, int], Candidate] = {}
    for item in candidates:
        if item.place not in best or item.score > best[item.place].score:
            best[item.place] = item
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
        "missing": best.features["missing"],
        "coverage": best.features["coverage"],
    }


def decide(candidates: Sequence[Candidate], calibration: Calibration) -> Decision:
    """Answer with the best candidate, or refuse.

    Two sources conflict when they put different numbers forward equally well: what else differs
    in wording may well agree in fact, which a reader of spans cannot tell. Two rows of a table that
    a question fits alike are no contradiction: there may be two of what is asked about.
    """
    if not candidates:
        return Decision(False, False, 0.0, (), (), ())
    best = candidates[0]
    confidence = probability(calibration.confidence.log_odds(confidence_features(candidates)))
    rivals = tuple(item for item in candidates[1:] if is_rival(item, best))
    tossed = [
        item
        for item in rivals
        if item.place[0] != best.place[0] and best.score - item.score < _TOSS_UP
    ]
    enough = confidence >= calibration.threshold
    return Decision(
        answered=enough and not tossed,
        conflicting=enough and bool(tossed),
        confidence=confidence,
        supporting=_agreeing(candidates),
        rivals=_one_a_source(rivals, best),
        nearest=(best, *tossed) if enough and tossed else _one_a_passage(candidates),
    )


def same(one: str, other: str) -> bool:
    """Tell whether two answers say the same: equal once normalised, or one inside the other.

    Not when their numbers contradict each other, nor when just one of them denies something.
    """
    first, second = normalize(one).split(), normalize(other).split()
    if not first or not second:
        return first == second
    short, long = sorted((first, second), key=len)
    inside = any(long[at : at + len(short)] == short for at in range(len(long) - len(short) + 1))
    denied = [bool(_DENIAL.search(text)) for text in (one, other)]
    return inside and denied[0] == denied[1] and not contradict(one, other)


def is_rival(item: Candidate, best: Candidate) -> bool:
    """Tell whether something else is put forward nearly as well as the best.

    By another document another number, or by another row of a table anything.
    """
    if item.score <= 0 or best.score - item.score >= RIVAL:
        return False
    if same(item.span.text, best.span.text):
        return False
    if item.place[0] == best.place[0]:
        rows = {item.row, best.row}
        return item.span.column == best.span.column and len(rows - {None}) == 2
    first, second = numbers(best.span.text), numbers(item.span.text)
    return bool(first and second) and not first & second


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
    kept: dict[int, Candidate] = {}
    for item in candidates:
        kept.setdefault(item.span.passage, item)
    return tuple(kept.values())


def _one_a_source(rivals: Sequence[Candidate], best: Candidate) -> tuple[Candidate, ...]:
    kept: dict[tuple[str, int | None], Candidate] = {}
    for item in rivals:
        row = item.row if item.place[0] == best.place[0] else None
        kept.setdefault((item.place[0], row), item)
    return tuple(kept.values())
