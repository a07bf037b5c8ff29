"""An embedder and a folder whose results a reader can predict by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, settings
from numpy.typing import NDArray

from index.library import Library

# A machine that does other work too must not make a right result a failure.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

VOCABULARY = ("apple", "bridge", "copper", "dragon", "engine")


class WordEmbedder:
    """A text becomes how often it says each word of `VOCABULARY`, scaled to unit length.

    A text that says none of them points along a direction of its own, the last one. `encoded`
    keeps every text that was ever embedded, so that a test can tell what was embedded twice.
    """

    def __init__(self, name: str = "words") -> None:
        self.name = name
        self.dim = len(VOCABULARY) + 1
        self.encoded: list[str] = []

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.encoded.extend(texts)
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        for row, text in enumerate(texts):
            vectors[row, :-1] = [text.lower().count(word) for word in VOCABULARY]
            vectors[row, -1] = not vectors[row, :-1].any()
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    """Write files, by POSIX path inside the folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def open_library(folder: Path, home: Path, embedder: WordEmbedder | None = None) -> Library:
    """Open the library of a folder with small chunks."""
    return Library.open(
        folder,
        home=home,
        embedder=embedder or WordEmbedder(),
        chunk_size=200,
        chunk_overlap=40,
    )


def answers(library: Library) -> list[tuple[object, ...]]:
    """Return what a library says about every word, for comparing two libraries."""
    return [
        (word, found.document, found.start, found.end, found.text, round(found.score, 6))
        for word in VOCABULARY
        for found in library.search(f"Where is the {word}?", k=50)
    ]
