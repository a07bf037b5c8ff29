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
        written: The same window with the question as it was before it was changed, for a teacher.
    """

    ids: list[int]
    passage: int
    start: int
    end: int
    relevant: bool
    written: list[int]


@dataclass(frozen=True, slots=True)
class Windows:
    """Padded token ids of `n` windows by `t` tokens, as a model reads them.

    `allowed` are the positions that may be predicted: 0 and the passage's.
    """

    ids: Tensor
    mask: Tensor
    types: Tensor
    allowed: Tensor


@dataclass(frozen=True, slots=True)
class Batch:
    """Features as tensors.

    Attributes:
        windows: What the reader reads.
        written: What a teacher reads: the same passages, so that the allowed positions of one are
            those of the other, in the same order, wherever the questions end.
        starts: Gold start positions in `windows`, shape `(n,)`; 0 where it does not answer.
        ends: Gold end positions.
        relevant: 1.0 where the passage is the question's own.
    """

    windows: Windows
    written: Windows
    starts: Tensor
    ends: Tensor
    relevant: Tensor


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
    written = question
    if example.written:
        written = tokenizer.encode(example.written, add_special_tokens=False).ids[:MAX_QUESTION]
    passage = tokenizer.encode(example.context, add_special_tokens=False)
    room = size - max(len(question), len(written)) - 3
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
    part = passage.ids[cut : cut + room]
    offset = len(question) + 2
    return Feature(
        ids=[cls, *question, sep, *part, sep],
        passage=offset,
        start=first - cut + offset if first >= 0 else 0,
        end=last - cut + offset if first >= 0 else 0,
        relevant=example.relevant,
        written=[cls, *written, sep, *part, sep],
    )


def collate(features: Sequence[Feature]) -> Batch:
    """Pad features to the longest."""
    moved = [item.passage + len(item.written) - len(item.ids) for item in features]
    return Batch(
        windows=_padded([item.ids for item in features], [item.passage for item in features]),
        written=_padded([item.written for item in features], moved),
        starts=torch.tensor([item.start for item in features]),
        ends=torch.tensor([item.end for item in features]),
        relevant=torch.tensor([float(item.relevant) for item in features]),
    )


def _padded(rows: Sequence[list[int]], passages: Sequence[int]) -> Windows:
    length = max(map(len, rows))
    ids = torch.zeros(len(rows), length, dtype=torch.long)
    mask = torch.zeros_like(ids)
    types = torch.zeros_like(ids)
    allowed = torch.zeros(len(rows), length, dtype=torch.bool)
    allowed[:, 0] = True
    for row, (tokens, passage) in enumerate(zip(rows, passages, strict=True)):
        end = len(tokens)
        ids[row, :end] = torch.tensor(tokens)
        mask[row, :end] = 1
        types[row, passage:end] = 1
        allowed[row, passage : end - 1] = True
    return Windows(ids, mask, types, allowed)


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
