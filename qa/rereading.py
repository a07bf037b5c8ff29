"""What is read twice: the sentences that an answer was found in, with their neighbours alone.

What else a passage says draws a reader to a wrong span, or away from the right one. So the best
sentences are read once more without it, and the logits of both readings are averaged, as those of
several models are in an ensemble (Hansen and Salamon 1990); here it is one model that sees the same
words in two ways. Figures are in docs/reader.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from index.chunks import sentence_around
from qa.spans import Window, overlap

if TYPE_CHECKING:
    from qa.reader import Span
    from qa.reader_files import Logits

SENTENCES = 2
"""Sentences of a passage that are read again, at most; of a third one .1 points more are right."""
# Spans with less are not the answer whatever a second reading says of them; log-odds.
_LEAST_SCORE = -3.0

Place = tuple[int, int]


class Sentence(NamedTuple):
    """A sentence to read again: its characters in the passage, and those with its neighbours."""

    own: Place
    shown: Place


def sentences(text: str, spans: Sequence[Span], most: int) -> Iterator[Sentence]:
    """Yield the sentences of the best spans.

    Args:
        text: The passage.
        spans: What was found in it, best first.
        most: Most sentences.
    """
    seen: list[Place] = []
    for span in spans:
        if span.score < _LEAST_SCORE or len(seen) == most:
            return
        own = sentence_around(text, span.start, span.end)
        if not any(overlap(own, other) for other in seen):
            seen.append(own)
            yield Sentence(own, with_neighbours(text, own))


def with_neighbours(text: str, own: Place) -> Place:
    """Return a sentence with the one before it and the one behind it."""
    start, end = own
    before = len(text[:start].rstrip())
    if before:
        start = sentence_around(text, before - 1, before)[0]
    behind = len(text) - len(text[end:].lstrip())
    if behind < len(text):
        end = sentence_around(text, behind, behind + 1)[1]
    return start, end


def tokens_within(offsets: Sequence[Place], place: Place) -> Window:
    """Return the tokens that lie within a place.

    Args:
        offsets: First and last (exclusive) character of each token, in order.
        place: Characters.
    """
    within = [
        at for at, (start, end) in enumerate(offsets) if place[0] <= start and end <= place[1]
    ]
    return Window(within[0], within[-1] + 1) if within else Window(0, 0)


def averaged(again: Logits, first: Logits, offset: int, shift: int, tail: int) -> Logits:
    """Return the mean of two readings' logits on the tokens that both saw.

    Args:
        again: Logits of the narrower window, which the result has the shape of.
        first: Logits of the wider one, which has the same question.
        offset: Position of the first passage token in either window.
        shift: Tokens by which the narrower one begins later in the passage.
        tail: Tokens behind the passage in either.
    """
    shared = again[0].shape[1] - offset - tail
    places = [*range(offset), *range(offset + shift, offset + shift + shared), *range(-tail, 0)]
    start, end, relevance, answerability = again
    half = np.float32(0.5)
    return (
        half * (start + first[0][:, places]),
        half * (end + first[1][:, places]),
        half * (relevance + first[2]),
        half * (answerability + first[3]),
    )
