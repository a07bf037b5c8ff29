"""A network whose logits can be told by hand, and a tokenizer of whole words."""

from __future__ import annotations

import numpy as np
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from qa.reader import Span

VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "who", "when", "Ann", "Bob", "1708", "a", "b"]


def span(text: str, quote: str, score: float = 4.0) -> Span:
    """What a reader found in a passage."""
    start = text.index(quote)
    return Span(0, start, start + len(quote), quote, score, score, 0.0, 0.0)


def word_tokenizer() -> Tokenizer:
    """One token a word or mark; words beyond `VOCABULARY` are [UNK]."""
    tokenizer = Tokenizer(WordLevel({w: i for i, w in enumerate(VOCABULARY)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    return tokenizer


class WordRun:
    """Marks the words it is told to: start and end logits `scores[word]`, "no answer" 0.

    Relevance is the number of the window's tokens; answerability is that number negated. Only
    tokens of type 1 (the passage) are marked, as a trained reader would.
    """

    def __init__(self, scores: dict[str, float]) -> None:
        self.scores = {VOCABULARY.index(word): score for word, score in scores.items()}
        self.shapes: list[tuple[int, int]] = []

    def __call__(self, ids, mask, types):
        self.shapes.append(ids.shape)
        start = np.full(ids.shape, -5.0, dtype=np.float32)
        for token, score in self.scores.items():
            start[(ids == token) & (types == 1) & (mask == 1)] = score
        start[:, 0] = 0.0
        length = mask.sum(axis=1).astype(np.float32)
        return start, start.copy(), length, -length
