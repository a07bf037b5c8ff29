"""A million vectors, and a million passages, that behave like real ones.

Embedding a million real passages takes a day on two cores, so a few thousand are embedded once
and the rest are made from them: a passage vector moved part of the way towards one of its nearest
neighbours, and then by the difference of two other neighbours, which gives the noise the spread
that real texts have in each direction rather than the same in all. The noise's size is fitted, so
that as many made vectors lie as far from their nearest neighbour as the real ones do. Questions are
embedded questions, as they are.

The texts are words drawn with the frequencies that they have in the same passages.
"""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

CACHE = Path.home() / ".cache" / "citespan-bench"
FILES = (
    "squadshifts-new-wiki.json.gz",
    "squad-v1.1-dev-articles.json.gz",
    "squadshifts-reddit.json.gz",
    "squadshifts-amazon.json.gz",
)
_BLOCK = 20_000
_NEIGHBOURS = 10


@dataclass(frozen=True, slots=True)
class Real:
    """Real passages and questions about them, and the vectors of both, shape (n, dim)."""

    passages: list[str]
    questions: list[str]
    passage_vectors: NDArray[np.float32]
    question_vectors: NDArray[np.float32]


def read(data: Path, passages: int, questions: int) -> tuple[list[str], list[str]]:
    """Return passages, evenly from every file, and questions about some of them."""
    texts: list[str] = []
    asked: list[str] = []
    for name in FILES:
        articles = json.loads(gzip.decompress((data / name).read_bytes()))["data"]
        found = [p for article in articles for p in article["paragraphs"] if p["qas"]]
        take = np.linspace(0, len(found) - 1, min(len(found), passages // len(FILES)))
        chosen: list[Any] = [found[at] for at in take.astype(int)]
        texts += [paragraph["context"] for paragraph in chosen]
        step = max(1, len(chosen) * len(FILES) // questions)
        asked += [paragraph["qas"][0]["question"] for paragraph in chosen[::step]]
    return list(dict.fromkeys(texts)), asked[:questions]


def real(data: Path, passages: int, questions: int) -> Real:
    """Return real passages with their vectors, embedded once and kept."""
    texts, asked = read(data, passages, questions)
    kept = CACHE / f"scale-{len(texts)}-{len(asked)}.npz"
    if not kept.exists():
        from index.embedder import SentenceTransformerEmbedder

        embedder = SentenceTransformerEmbedder()
        CACHE.mkdir(parents=True, exist_ok=True)
        of_passages, of_questions = embedder.encode(texts), embedder.encode(asked)
        np.savez(kept, passages=of_passages, questions=of_questions)
    with np.load(kept) as vectors:
        return Real(texts, asked, vectors["passages"], vectors["questions"])


class Vectors:
    """Makes vectors like the given ones; the same seed makes the same ones."""

    def __init__(self, given: NDArray[np.float32], seed: int = 0) -> None:
        self._given = given
        self._seed = seed
        alike = given @ given.T
        np.fill_diagonal(alike, -1)
        self._near = np.argsort(-alike, axis=1)[:, :_NEIGHBOURS]
        self.nearest = float(np.median(alike.max(axis=1)))
        self.noise = self._fit()

    def _fit(self) -> float:
        """Return the noise with which so many made vectors lie as far apart as the given ones."""
        low, high = 0.0, 2.0
        for _ in range(12):
            middle = (low + high) / 2
            made = self._make(len(self._given), np.random.default_rng(self._seed), middle)
            alike = made @ made.T
            np.fill_diagonal(alike, -1)
            closer = float(np.median(alike.max(axis=1))) > self.nearest
            low, high = (middle, high) if closer else (low, middle)
        return (low + high) / 2

    def _make(self, count: int, random: np.random.Generator, noise: float) -> NDArray[np.float32]:
        given, near = self._given, self._near
        start, other = random.integers(len(given), size=(2, count))
        towards = near[start, random.integers(_NEIGHBOURS, size=count)]
        apart = near[other, random.integers(_NEIGHBOURS, size=count)]
        part = random.random((count, 1), dtype=np.float32)
        vectors: NDArray[np.float32] = given[start] + part * (given[towards] - given[start])
        vectors += np.float32(noise) * (given[other] - given[apart])
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    def blocks(self, count: int) -> Iterator[NDArray[np.float32]]:
        """Yield `count` unit vectors in blocks."""
        random = np.random.default_rng(self._seed + 1)
        for begin in range(0, count, _BLOCK):
            yield self._make(min(_BLOCK, count - begin), random, self.noise)


class Texts:
    """Makes passages of the words of given ones, each as frequent and passages as long as there."""

    def __init__(self, given: list[str], seed: int = 0) -> None:
        words = [re.findall(r"\w+", text.lower()) for text in given]
        counts = Counter(word for text in words for word in text)
        self._words = np.array(list(counts))
        shares = np.array(list(counts.values()), dtype=np.float64)
        self._upto = np.cumsum(shares / shares.sum())
        self._lengths = np.array([len(text) for text in words])
        self._random = np.random.default_rng(seed)

    def make(self, count: int) -> list[str]:
        """Return the next `count` passages."""
        lengths = self._random.choice(self._lengths, size=count)
        at = np.searchsorted(self._upto, self._random.random(int(lengths.sum())))
        words = self._words[np.minimum(at, len(self._words) - 1)].tolist()
        ends = np.cumsum(lengths).tolist()
        return [
            " ".join(words[end - length : end])
            for end, length in zip(ends, lengths.tolist(), strict=True)
        ]
