"""Questions that a passage does not answer, and questions as people really type them.

Of passages from retrieval that share a question's words and lack its answer (not relevant), and of
swaps or conditions (`qa.train.swaps`, `qa.train.conditions`: relevant, and still no answer).
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import replace

from qa.train.conditions import one_condition_more
from qa.train.data import Example
from qa.train.passages import FUNCTION_WORDS, Passages
from qa.train.shortened import shortened
from qa.train.swaps import Swaps
from qa.wording import as_read

_WORD = re.compile(r"\w+")
_CONTRACTED = re.compile(r"(?i)\b(who|what|where|when|how)\s+is\b")
_SAID = re.compile(
    r"(?i)^who\s(?:(?:first|also)\s)?(?:said|says|stated|states|claim(?:ed|s)|argue[ds]|believe[ds]|"
    r"thought|thinks|report(?:ed|s)|suggest(?:ed|s)|noted|announced|estimate[ds]|found)\sthat\s"
)
# Question words as they are mistyped; every one is read in full and decides what is asked.
_MISTYPED = {
    "which": ("wich", "whitch", "wihch"),
    "what": ("wat", "waht", "wht"),
    "who": ("hwo", "woh"),
    "when": ("wen", "whne"),
    "where": ("wher", "wehre"),
    "why": ("wy", "whay"),
    "how": ("hw", "howe"),
}


class Negatives:
    """Passages that retrieval returns for a question and that do not hold its answer.

    They share the question's words, and fool a reader.
    """

    def __init__(self, examples: Sequence[Example]) -> None:
        self._passages = Passages(list(dict.fromkeys(example.context for example in examples)))

    def find(self, example: Example, rng: random.Random, depth: int = 8) -> Example | None:
        """Return the example on a passage of the top `depth` that lacks each of its answers."""
        if not example.answers:
            return None
        texts = [example.context[start:end].lower() for start, end in example.answers]
        candidates = [
            context
            for context in self._passages.like(example.question, depth)
            if context != example.context and not any(text in context.lower() for text in texts)
        ]
        if not candidates:
            return None
        return replace(example, context=rng.choice(candidates), answers=(), relevant=False)


def _put(text: str, place: re.Match[str], new: str) -> str:
    return text[: place.start()] + new + text[place.end() :]


def as_typed(question: str, rng: random.Random) -> str:
    """Return the question as somebody in a hurry types it: keywords, a slip, a contraction."""
    if rng.random() < 0.5:
        question = _SAID.sub("According to whom ", question)
    if rng.random() < 0.3:
        question = _CONTRACTED.sub(lambda found: found[1] + rng.choice(("s", "'s", "’s")), question)
    draw = rng.random()
    if draw < 0.10:
        words = [word for word in _WORD.findall(question) if word.lower() not in FUNCTION_WORDS]
        asker = _WORD.match(question)
        if len(words) >= 2:
            keep = [asker.group()] if asker and rng.random() < 0.5 else []
            return " ".join(keep + [word for word in words if word not in keep])
    if draw < 0.25:
        question = _slip(question, rng)
    elif draw < 0.30:
        question = _mistyped(question, rng)
    return question


def _mistyped(question: str, rng: random.Random) -> str:
    """Mistype the first question word."""
    for place in _WORD.finditer(question):
        if wrong := _MISTYPED.get(place.group().lower()):
            return _put(question, place, rng.choice(wrong))
    return question


def _slip(question: str, rng: random.Random) -> str:
    """Drop, double or swap one letter of one longer word."""
    places = [place for place in _WORD.finditer(question) if len(place.group()) >= 5]
    if not places:
        return question
    place = rng.choice(places)
    word = place.group()
    at = rng.randrange(1, len(word) - 2)
    slips = (
        word[:at] + word[at + 1 :],
        word[:at] + word[at] + word[at:],
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
    )
    return _put(question, place, rng.choice(slips))


def epoch(
    pairs: Sequence[tuple[Example, float]],
    negatives: Negatives,
    swaps: Swaps,
    seed: int,
    irrelevant: float = 0.2,
    swapped: float = 0.2,
    renamed: float = 0.1,
    conditioned: float = 0.0,
    shorter: float = 0.0,
    limit: int | None = None,
) -> list[Example]:
    """Return one shuffled epoch: every pair by its weight, negatives, and questions as typed.

    Args:
        pairs: Examples with their weights (copies an epoch).
        negatives: Finder of passages that do not answer.
        swaps: Maker of questions without answer.
        seed: Seed of this epoch; the same seed gives the same epoch.
        irrelevant: Negatives of other passages, as a share of the answerable examples.
        swapped: Negatives by swapping, as a share of the answerable examples.
        renamed: Examples with a name swapped in question and passage, as such a share.
        conditioned: Examples whose question is tried to be given a condition more, as such a share;
            one in twelve or so can be.
        shorter: Share of all of these whose passage is shortened to what is read again.
        limit: Most examples wanted (negatives not counted), for runs shorter than an epoch.
    """
    rng = random.Random(seed)
    drawn = [
        example
        for example, weight in pairs
        for _ in range(int(weight) + (rng.random() < weight % 1))
    ]
    rng.shuffle(drawn)
    examples: list[Example] = []
    for example in drawn[:limit]:
        made: list[Example | None] = []
        if example.answers and rng.random() < irrelevant:
            made.append(negatives.find(example, rng))
        if example.answers and rng.random() < swapped:
            made.append(swaps.find(example, rng))
        if example.answers and rng.random() < renamed:
            made.append(swaps.both(example, rng))
        if example.answers and rng.random() < conditioned:
            made.append(one_condition_more(example, rng))
        for one in (*made, example):
            if one is not None:
                cut = shortened(one, rng) if rng.random() < shorter else None
                examples.append(_typed(cut or one, rng))
    # Not shuffled again: a longer run begins as a shorter one did, and goes on with what is new.
    # Batches are made of a thousand examples at a time, which parts a question from its negatives.
    return examples


def _typed(example: Example, rng: random.Random) -> Example:
    """Return the example with its question as it is typed, and then as a reader sees it.

    Those without an answer as much as the others: how a question is typed must not tell whether
    it has one.
    """
    typed = as_typed(example.question, rng)
    return replace(example, question=as_read(typed), written=as_read(example.question))
