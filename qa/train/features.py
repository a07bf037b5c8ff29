"""Examples to batches of tokens with gold positions."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from torch import Tensor

from qa.train.data import Example

MAX_QUESTION = 48


@dataclass(frozen=True, slots=True)
class Feature:
    """One window: `[CLS] question [SEP] passage part [SEP]`, and where the answer stands.

    Attributes:
        ids: Token ids.
        passage: Position of the first passage token.
        start: Position of the answer's first token; 0 when the window does not answer.
        end: Position of its last token; 0 when the window does not answer.
        relevant: Whether the passage is the question's own.
    """

    ids: list[int]
    passage: int
    start: int
    end: int
    relevant: bool


@dataclass(frozen=True, slots=True)
class Batch:
    """Features as padded tensors of `n` windows by `t` tokens; see `model.loss` for `allowed`."""

    ids: Tensor
    mask: Tensor
    types: Tensor
    starts: Tensor
    ends: Tensor
    relevant: Tensor
    allowed: Tensor


def feature(
    example: Example, tokenizer: Tokenizer, size: int, rng: random.Random
) -> Feature | None:
    """Turn an example into one window of at most `size` tokens.

    A passage that is too long is cut at a random place around its answer, so that the answer's
    position says nothing. One annotated answer is drawn; the first ones are the most frequent.

    Returns:
        The window, or None when the answer falls on no token or is longer than a window.
    """
    question = tokenizer.encode(example.question, add_special_tokens=False).ids[:MAX_QUESTION]
    passage = tokenizer.encode(example.context, add_special_tokens=False)
    room = size - len(question) - 3
    first = last = -1
    if example.answers:
        start, end = rng.choice(example.answers)
        inside = [index for index, (a, b) in enumerate(passage.offsets) if a < end and start < b]
        if not inside or inside[-1] - inside[0] >= room:
            return None
        first, last = inside[0], inside[-1]
    low, high = 0, max(0, len(passage.ids) - room)
    if first >= 0:
        low, high = max(0, last - room + 1), min(high, first)
    cut = rng.randint(low, high)
    cls, sep = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    assert cls is not None and sep is not None
    ids = [cls, *question, sep, *passage.ids[cut : cut + room], sep]
    offset = len(question) + 2
    return Feature(
        ids=ids,
        passage=offset,
        start=first - cut + offset if first >= 0 else 0,
        end=last - cut + offset if first >= 0 else 0,
        relevant=example.relevant,
    )


def collate(features: Sequence[Feature]) -> Batch:
    """Pad features to the longest."""
    length = max(len(item.ids) for item in features)
    ids = torch.zeros(len(features), length, dtype=torch.long)
    mask = torch.zeros_like(ids)
    types = torch.zeros_like(ids)
    allowed = torch.zeros(len(features), length, dtype=torch.bool)
    allowed[:, 0] = True
    for row, item in enumerate(features):
        end = len(item.ids)
        ids[row, :end] = torch.tensor(item.ids)
        mask[row, :end] = 1
        types[row, item.passage : end] = 1
        allowed[row, item.passage : end - 1] = True
    return Batch(
        ids=ids,
        mask=mask,
        types=types,
        starts=torch.tensor([item.start for item in features]),
        ends=torch.tensor([item.end for item in features]),
        relevant=torch.tensor([float(item.relevant) for item in features]),
        allowed=allowed,
    )


def batches(
    examples: Sequence[Example],
    tokenizer: Tokenizer,
    size: int,
    tokens: int,
    seed: int,
    window: int = 40,
) -> Iterator[Batch]:
    """Yield batches of about `tokens` tokens, in an order fixed by `seed`.

    Within `window` batches' worth of examples, neighbours in length share a batch (no work on
    padding); the batches of a window come in random order (no curriculum by length).
    """
    rng = random.Random(seed)
    share = window * max(1, tokens // 160)
    for begin in range(0, len(examples), share):
        made = (feature(item, tokenizer, size, rng) for item in examples[begin : begin + share])
        features = sorted((item for item in made if item), key=lambda item: len(item.ids))
        groups: list[list[Feature]] = [[]]
        for item in features:
            if groups[-1] and len(item.ids) * (len(groups[-1]) + 1) > tokens:
                groups.append([])
            groups[-1].append(item)
        rng.shuffle(groups)
        yield from (collate(group) for group in groups if group)
