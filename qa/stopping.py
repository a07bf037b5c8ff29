"""Which passages to read next, and when no other can matter.

Passages are read in small groups, in the order of the search. Once there is an answer, a logistic
regression (`Calibration.stopping`) says of each passage that is left how likely it has something
to say: a span that would come first or come near the first, or that says the same and would be
cited beside it. Its features are all known without reading:

```
needed   log-odds that reading would have to add to what the search says, to come first
lead     of the answer over the next best span that says otherwise
behind   retrieval score less than that of the best passage
echo     1 when the passage holds the answer's words, else 0
```

The most likely are read next, and reading stops when the chances of all that is left add up to
`Calibration.stopping.limit` or less.

While there is no answer, another one (`Calibration.refusing`) says of each passage that is left how
likely it makes one, and reading stops alike, with a refusal:

```
needed   log-odds that reading would have to add to what the search says, to answer at all
short    log-odds that the confidence so far lacks to the threshold
behind   as above
```

Sources that contradict each other are read to their end, and without the first rule everything is.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from qa.calibration import Calibration, Logistic, Stopping, probability
from qa.candidates import (
    Candidate,
    Decision,
    Prospect,
    candidates_of,
    confidence_features,
    decide,
    prospects,
    ranked,
)
from qa.evaluate import normalize
from qa.reader import PassageReader, Span
from qa.tables import read_passages

if TYPE_CHECKING:
    from index.search import Passage

# Two, as the reader runs two windows at once; more when it seems that all will be read, because
# at the end of a group one worker waits for the other.
GROUP, LARGE_GROUP = 2, 4
_MOST_SHORT = 6.0


class Reading:
    """One question's passages, as they are read.

    Args:
        question: The question as it is read.
        passages: All that were retrieved, best first.
        calibration: Scores what is found; its `stopping` says when to stop.
        chunks: Chunks in the library.

    Attributes:
        calibration: As given.
        candidates: What was found so far, best first.
        read: Indices of the passages read so far.
        following: Indices of those to read next; none when reading is over.
    """

    def __init__(
        self, question: str, passages: Sequence[Passage], calibration: Calibration, chunks: int
    ) -> None:
        self.question, self.passages, self.calibration = question, passages, calibration
        self.candidates: list[Candidate] = []
        self.read: list[int] = []
        self._prospects = prospects(question, passages, chunks)
        self.following = following(self.read, self._prospects, self.candidates, calibration)

    @property
    def request(self) -> tuple[str, list[Passage]]:
        """Return the question and the passages to read next."""
        return self.question, [self.passages[at] for at in self.following]

    def add(self, spans: Sequence[Span]) -> None:
        """Take what a reader found for `request`, and choose what to read next."""
        placed = [replace(span, passage=self.following[span.passage]) for span in spans]
        new = candidates_of(self.question, placed, self.passages, self._prospects, self.calibration)
        self.candidates = ranked([*self.candidates, *new])
        self.read = [*self.read, *self.following]
        self.following = following(self.read, self._prospects, self.candidates, self.calibration)


def read_all(readings: Sequence[Reading], reader: PassageReader) -> None:
    """Read until every reading is over, the groups of all of them together."""
    while pending := [reading for reading in readings if reading.following]:
        found = read_passages(reader, [reading.request for reading in pending])
        for reading, spans in zip(pending, found, strict=True):
            reading.add(spans)


def following(
    read: Collection[int],
    known: Sequence[Prospect],
    candidates: Sequence[Candidate],
    calibration: Calibration,
) -> list[int]:
    """Return the passages to read next, none when no other can matter.

    Args:
        read: Those that were read.
        known: What is known of each passage, best first.
        candidates: What was found in those that were read, best first.
        calibration: Scores, decides, and stops.
    """
    unread = [at for at in range(len(known)) if at not in read]
    if calibration.stopping is None or not unread:
        return unread
    decision = decide(candidates, calibration)
    # Before anything is read there is nothing to refuse by.
    rule = rule_for(decision, calibration) if read else None
    chances = chances_left(unread, known, candidates, decision, calibration) if rule else []
    if rule and sum(chances) <= rule.limit:
        return []
    if not decision.answered:
        return unread[: GROUP if len(read) < LARGE_GROUP else LARGE_GROUP]
    likeliest = sorted(zip(chances, unread, strict=True), key=lambda one: (-one[0], one[1]))
    return [at for _, at in likeliest[:GROUP]]


def rule_for(decision: Decision, calibration: Calibration) -> Stopping | None:
    """Return the rule that may end reading here; None when everything is to be read."""
    if decision.conflicting:
        return None
    return calibration.stopping if decision.answered else calibration.refusing


def chances_left(
    unread: Sequence[int],
    known: Sequence[Prospect],
    candidates: Sequence[Candidate],
    decision: Decision,
    calibration: Calibration,
) -> list[float]:
    """Return how likely each unread passage matters, by the rule for this decision.

    Args:
        unread: Those that were not read.
        known: What is known of each passage, best first.
        candidates: What was found in the others, best first.
        decision: What they come to.
        calibration: With a rule for it.
    """
    rule = rule_for(decision, calibration)
    assert rule is not None
    if decision.answered:
        rows = features(unread, known, candidates, calibration)
    else:
        rows = refusing_features(unread, known, decision, calibration)
    return [probability(rule.chance.log_odds(row)) for row in rows]


def features(
    unread: Sequence[int],
    known: Sequence[Prospect],
    candidates: Sequence[Candidate],
    calibration: Calibration,
) -> list[dict[str, float]]:
    """Return the `STOPPING` features of each unread passage, for at least one candidate."""
    best = candidates[0]
    lead = confidence_features(candidates)["lead"]
    words = normalize(best.span.text)
    rows = []
    for at in unread:
        rows.append(
            {
                "needed": best.score - _expected(calibration.ranking, known[at]),
                "lead": lead,
                "behind": -known[at].features["retrieval"],
                "echo": float(bool(words) and f" {words} " in f" {known[at].text} "),
            }
        )
    return rows


def refusing_features(
    unread: Sequence[int],
    known: Sequence[Prospect],
    decision: Decision,
    calibration: Calibration,
) -> list[dict[str, float]]:
    """Return the `REFUSING` features of each unread passage; nothing need be found yet."""
    lacking = _log_odds(calibration.threshold) - _log_odds(decision.confidence)
    short = min(_MOST_SHORT, max(0.0, lacking))
    return [
        {
            "needed": -_expected(calibration.ranking, known[at]),
            "short": short,
            "behind": -known[at].features["retrieval"],
        }
        for at in unread
    ]


def _expected(ranking: Logistic, known: Prospect) -> float:
    """Return the part of a candidate's score that is known before its passage is read."""
    parts = known.features.items()
    return ranking.bias + sum(ranking.weights.get(name, 0.0) * value for name, value in parts)


def _log_odds(chance: float) -> float:
    """Return the log-odds of a probability, kept finite."""
    chance = min(1 - 1e-6, max(1e-6, chance))
    return math.log(chance / (1 - chance))
