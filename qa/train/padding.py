"""Single sentences of the reading data made passages, with like sentences around them.

A quarter of `squad-train-part` are sentences without their paragraph, in which nothing stands that
could be taken for the answer. The sentences that share most words with one are often of the same
article; put around it, they make the reader choose.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from qa.train.data import Example
from qa.train.passages import Passages

SINGLE = frozenset({"squad_train_sentences10k", "squad_train_sentences_joined"})
"""Titles under which the data has sentences instead of paragraphs."""
_DEPTH = 8
_MOST = 4


def padded(pairs: Sequence[tuple[Example, float]], seed: int = 0) -> list[tuple[Example, float]]:
    """Return the examples with their weights, each single sentence in a passage of its own.

    The questions on one sentence keep one passage. No sentence is put beside it that holds the
    answer to one of them; where none is left, the sentence stays alone.
    """
    asked: dict[str, list[Example]] = defaultdict(list)
    for example, _ in pairs:
        if example.title in SINGLE:
            asked[example.context].append(example)
    sentences = Passages(list(asked))
    rng = random.Random(seed)
    places = {
        sentence: _around(sentence, examples, sentences, rng)
        for sentence, examples in asked.items()
    }
    return [
        (_placed(example, *places[example.context]) if example.title in SINGLE else example, weight)
        for example, weight in pairs
    ]


def _around(
    sentence: str, examples: Sequence[Example], sentences: Passages, rng: random.Random
) -> tuple[str, str]:
    """Return what is put before and after a sentence."""
    answers = {sentence[start:end].lower() for one in examples for start, end in one.answers}
    like = [
        other
        for other in sentences.like(sentence, _DEPTH)
        if other != sentence and not any(answer in other.lower() for answer in answers)
    ]
    chosen = rng.sample(like, min(len(like), rng.randint(1, _MOST)))
    cut = rng.randint(0, len(chosen))
    before, after = " ".join(chosen[:cut]), " ".join(chosen[cut:])
    return before + " " * bool(before), " " * bool(after) + after


def _placed(example: Example, before: str, after: str) -> Example:
    answers = tuple((start + len(before), end + len(before)) for start, end in example.answers)
    return replace(example, context=before + example.context + after, answers=answers)
