"""Unit vectors in, the nearest ones out: the `VectorIndex` protocol and the FAISS one.

Similarity is the cosine, higher is better, everywhere.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from index.errors import LibraryCorrupt

if TYPE_CHECKING:
    from faiss import Index

# IndexFlatIP as FAISS writes it: fourcc, d, ntotal, two fillers, is_trained, metric, length.
_HEADER = struct.Struct("<4siqqq?iQ")


class VectorIndex(Protocol):
    """Vectors by row number."""

    dim: int

    def __len__(self) -> int:
        """Return the number of vectors."""

    def search(
        self, queries: NDArray[np.float32], k: int, allowed: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return similarities and row numbers, each of shape (number of queries, up to k)."""

    def reconstruct(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the vectors of these rows, shape (number of rows, dim)."""

    def to_bytes(self) -> bytes:
        """Return the index as it is stored."""


class FaissIndex:
    """An exact inner-product index (FAISS `IndexFlatIP`)."""

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        """Index unit vectors, shape (number of vectors, dim); row numbers are their order."""
        import faiss

        self.dim = int(vectors.shape[1])
        self._index: Index = faiss.IndexFlatIP(self.dim)
        if len(vectors):
            self._index.add(np.ascontiguousarray(vectors, dtype=np.float32))

    def __len__(self) -> int:
        """Return the number of vectors."""
        return int(self._index.ntotal)

    def search(
        self, queries: NDArray[np.float32], k: int, allowed: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return the nearest rows.

        Args:
            queries: Unit vectors, shape (number of queries, dim).
            k: Rows wanted a query.
            allowed: Only these rows, when given.

        Returns:
            Cosine similarities and row numbers, best first, shape (number of queries, min(k, n)).
        """
        import faiss

        k = min(k, len(self) if allowed is None else len(allowed))
        if k == 0:
            empty = np.zeros((len(queries), 0))
            return empty.astype(np.float32), empty.astype(np.int64)
        options: dict[str, Any] = {}
        if allowed is not None:
            parameters: Any = faiss.SearchParameters
            options["params"] = parameters(sel=faiss.IDSelectorBatch(allowed))
        scores, rows = self._index.search(np.ascontiguousarray(queries), k, **options)
        return scores, rows

    def reconstruct(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the vectors of these rows, shape (number of rows, dim)."""
        if not len(rows):
            return np.zeros((0, self.dim), dtype=np.float32)
        vectors: NDArray[np.float32] = self._index.reconstruct_batch(rows)
        return vectors

    def to_bytes(self) -> bytes:
        """Return the index in FAISS's own format."""
        import faiss

        data: bytes = faiss.serialize_index(self._index).tobytes()
        return data

    @classmethod
    def from_bytes(cls, data: bytes, *, count: int, dim: int, path: Path) -> FaissIndex:
        """Load an index whose checksum has been verified.

        The header is checked against the manifest first, so that a forged size cannot make FAISS
        allocate memory.

        Args:
            data: The file's bytes.
            count: Vectors expected.
            dim: Dimension expected.
            path: The file, for the message.

        Raises:
            LibraryCorrupt: The header promises anything else.
        """
        _check_header(data, count, dim, path)
        import faiss

        loaded = cls.__new__(cls)
        loaded.dim = dim
        loaded._index = faiss.deserialize_index(np.frombuffer(data, dtype=np.uint8))
        return loaded


def _check_header(data: bytes, count: int, dim: int, path: Path) -> None:
    found = _HEADER.unpack_from(data) if len(data) >= _HEADER.size else None
    good = (
        found is not None
        and found[0] == b"IxFI"
        and found[1:3] == (dim, count)
        and found[7] * 4 == len(data) - _HEADER.size == count * dim * 4
    )
    if not good:
        raise LibraryCorrupt(
            f"{path}: the FAISS header does not hold {count} vectors of dimension {dim} in "
            f"{len(data):,} bytes; run: citespan index --rebuild with the documents' path"
        )
