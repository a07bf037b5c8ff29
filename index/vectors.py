"""Unit vectors in, the nearest ones out: the `VectorIndex` protocol and the exact FAISS index.

Similarity is the cosine, higher is better, everywhere. A library of `QUANTISED_FROM` passages or
more is searched by `index.quantised` instead, which keeps the same file on disk.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from index.errors import LibraryCorrupt
from index.store import index_command

if TYPE_CHECKING:
    from faiss import Index

# IndexFlatIP as FAISS writes it: fourcc, d, ntotal, two fillers, is_trained, metric, length.
HEADER = struct.Struct("<4siqqq?iQ")
_FILLER = 1 << 20


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


class FaissIndex:
    """An exact inner-product index (FAISS `IndexFlatIP`), in memory."""

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
            return nothing(len(queries))
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
        check_header(data[: HEADER.size], len(data), count=count, dim=dim, path=path)
        import faiss

        loaded = cls.__new__(cls)
        loaded.dim = dim
        loaded._index = faiss.deserialize_index(np.frombuffer(data, dtype=np.uint8))
        return loaded


class Unread:
    """Stored vectors that are opened when they are first needed: not for a search."""

    def __init__(self, open: Callable[[], VectorIndex], count: int, dim: int) -> None:
        """Keep what opens them.

        Args:
            open: Opens and verifies them.
            count: How many there are.
            dim: Length of each.
        """
        self.dim = dim
        self._count = count
        self._open = lru_cache(maxsize=1)(open)

    def __len__(self) -> int:
        """Return the number of vectors."""
        return self._count

    def search(
        self, queries: NDArray[np.float32], k: int, allowed: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return similarities and row numbers, each of shape (number of queries, up to k)."""
        return self._open().search(queries, k, allowed)

    def reconstruct(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the vectors of these rows, shape (number of rows, dim)."""
        return self._open().reconstruct(rows)


def nothing(queries: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return what a search among no rows finds."""
    return np.zeros((queries, 0), dtype=np.float32), np.zeros((queries, 0), dtype=np.int64)


def write_exact(path: Path, blocks: Iterable[NDArray[np.float32]], count: int, dim: int) -> None:
    """Write vectors as FAISS would write an `IndexFlatIP` of them, one block at a time in memory.

    Args:
        path: A file that is not there yet; only its owner will be able to read it.
        blocks: Unit vectors, shape (any number, dim), in the order of their rows.
        count: Vectors in all blocks together.
        dim: Their length.

    Raises:
        ValueError: The blocks hold another number of vectors.
        OSError: The disk is full or failing.
    """
    written = 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(HEADER.pack(b"IxFI", dim, count, _FILLER, _FILLER, True, 0, count * dim))
        for block in blocks:
            file.write(np.ascontiguousarray(block, dtype="<f4").data)
            written += len(block)
    if written != count:
        raise ValueError(f"{path}: found {written:,} vectors, expected {count:,}")


def check_header(header: bytes, size: int, *, count: int, dim: int, path: Path) -> None:
    """Refuse a file that is no exact index of so many vectors.

    Args:
        header: Its first bytes.
        size: Bytes of the whole file.
        count: Vectors expected.
        dim: Dimension expected.
        path: The file, for the message.

    Raises:
        LibraryCorrupt: The header promises anything else.
    """
    found = HEADER.unpack_from(header) if len(header) >= HEADER.size else None
    good = (
        found is not None
        and found[0] == b"IxFI"
        and found[1:3] == (dim, count)
        and found[7] * 4 == size - HEADER.size == count * dim * 4
    )
    if not good:
        raise LibraryCorrupt(
            f"{path}: the FAISS header does not hold {count} vectors of dimension {dim} in "
            f"{size:,} bytes; run: {index_command(path, rebuild=True)}"
        )
