"""Texts that one library has embedded already, embedded no second time for another."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from index.library import Library
from qa.assistant import embedder_of
from qa.config import Settings


class KnownVectors:
    """An embedder that takes the vectors which a library holds, and makes only the others.

    Attributes:
        name: The embedder's.
    """

    def __init__(self, library: Library, settings: Settings) -> None:
        """Keep the library whose vectors are used, and the settings' embedder.

        Raises:
            WeightsMissing: There is no such embedder.
        """
        self.name = settings.embedder
        self._library = library
        self._embedder = embedder_of(settings)

    @property
    def dim(self) -> int:
        """Return the length of a vector."""
        manifest = self._library.snapshot().manifest
        if manifest and manifest.chunks and manifest.embedder == self.name:
            return manifest.dim
        return self._embedder.dim

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors, shape (number of texts, dim), float32."""
        # A question is one text, and hardly ever a passage.
        known = self._known(texts) if len(texts) > 1 else {}
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        if missing:
            known |= dict(zip(missing, self._embedder.encode(missing), strict=True))
        if not texts:
            return np.zeros((0, self.dim), dtype=np.float32)
        return np.stack([known[text] for text in texts])

    def _known(self, texts: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        snapshot = self._library.snapshot()
        manifest, catalog, vectors = snapshot.manifest, snapshot.catalog, snapshot.vectors
        if manifest is None or catalog is None or vectors is None or manifest.embedder != self.name:
            return {}
        # As the library names its chunks: the sha256 of their text.
        wanted = {hashlib.sha256(text.encode()).digest(): text for text in texts}
        rows = {wanted[sha]: row for row, sha in catalog.chunk_hashes() if sha in wanted}
        found = vectors.reconstruct(np.array(list(rows.values()), dtype=np.int64))
        return dict(zip(rows, found, strict=True))
