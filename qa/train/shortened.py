"""Passages shortened to what the reader reads again: a sentence with its two neighbours.

`qa.rereading` shows it the sentences that it found answers in, the right one and those that only
look like it. A passage is shortened to its answer's sentence, or to the one that shares most words
with the question and has no answer; then the question has none either.
"""

from __future__ import annotations

import random
from dataclasses import replace

from index.chunks import sentence_around, sentence_spans
from qa.candidates import stems
from qa.rereading import Place, with_neighbours
from qa.spans import overlap
from qa.train.data import Example

# Share of the answered questions that are shown their answer's sentence.
_ANSWERED = 0.75


def shortened(example: Example, rng: random.Random) -> Example | None:
    """Return the example on a part of its passage, or None where nothing would be left out."""
    if example.answers and rng.random() < _ANSWERED:
        own: Place | None = sentence_around(example.context, *example.answers[0])
    else:
        own = _likest(example, rng)
    if own is None:
        return None
    begin, end = with_neighbours(example.context, own)
    if end - begin == len(example.context.strip()):
        return None
    answers = tuple(
        (first - begin, last - begin)
        for first, last in example.answers
        if begin <= first and last <= end
    )
    return replace(example, context=example.context[begin:end], answers=answers)


def _likest(example: Example, rng: random.Random) -> Place | None:
    """Return the sentence that shares most words with the question and shows no answer."""
    asked = stems(example.question)
    texts = [example.context[first:last].lower() for first, last in example.answers]
    likeness = {}
    for own in sentence_spans(example.context):
        begin, end = with_neighbours(example.context, own)
        shown = example.context[begin:end].lower()
        if any(text in shown for text in texts) or any(
            overlap((begin, end), answer) for answer in example.answers
        ):
            continue
        likeness[own] = len(asked & stems(example.context[own[0] : own[1]])) + rng.random()
    return max(likeness, key=likeness.__getitem__, default=None)
