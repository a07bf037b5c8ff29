"""Vectors that are embedded but not yet part of a generation, so that a crash loses none."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


class PendingVectors:
    """A small store on disk: (embedder, hash of the text) → vector, each with its checksum."""

    def __init__(self, path: Path, embedder: str) -> None:
        self._path = path
        self._embedder = embedder
        try:
            self._connection = self._open()
        except sqlite3.DatabaseError:
            # Only work that can be done again is lost.
            for file in self.files(path):
                file.unlink(missing_ok=True)
            self._connection = self._open()

    def _open(self) -> sqlite3.Connection:
        os.close(os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        connection = sqlite3.connect(self._path)
        connection.execute(
            "CREATE TABLE IF NOT EXISTS vectors (embedder TEXT, text BLOB, vector BLOB, "
            "checksum BLOB, PRIMARY KEY (embedder, text)) WITHOUT ROWID"
        )
        connection.commit()
        return connection

    def get(self, hashes: Iterable[bytes], dim: int) -> dict[bytes, NDArray[np.float32]]:
        """Return the vectors that are there and whole, by hash of their text."""
        found = {}
        for text in hashes:
            row = self._connection.execute(
                "SELECT vector, checksum FROM vectors WHERE embedder = ? AND text = ?",
                (self._embedder, text),
            ).fetchone()
            if row and len(row[0]) == dim * 4 and _checksum(row[0]) == row[1]:
                found[text] = np.frombuffer(row[0], dtype=np.float32)
        return found

    def put(self, hashes: Sequence[bytes], vectors: NDArray[np.float32]) -> None:
        """Store vectors, shape (number of hashes, dim), durably."""
        blobs = [vector.tobytes() for vector in vectors]
        with self._connection:
            self._connection.executemany(
                "INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?)",
                [
                    (self._embedder, text, blob, _checksum(blob))
                    for text, blob in zip(hashes, blobs, strict=True)
                ],
            )

    def close(self) -> None:
        """Close the file; what is in it stays."""
        self._connection.close()

    @staticmethod
    def files(path: Path) -> tuple[Path, Path]:
        """Return the files that the store may consist of."""
        return path, path.with_name(path.name + "-journal")


def _checksum(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
