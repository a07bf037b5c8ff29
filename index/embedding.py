"""Texts embedded in a thread of their own while documents are still being read.

Every batch is kept on disk as soon as it is embedded (`index.pending`), so that a crash costs one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import Empty, Queue

import numpy as np
from numpy.typing import NDArray

from index.embedder import Embedder
from index.errors import LibraryMismatch
from index.fanout import FannedOut, encoded
from index.pending import PendingVectors

Floats = NDArray[np.float32]

_BATCH = 64
# Batches whose texts are sorted by length together: a batch is padded to its longest.
_SORTED = 2
# Seconds between two looks at whether the thread has failed.
_LOOK = 0.2


class Embedding:
    """The texts of one sync on their way to vectors.

    Texts are added by one thread, which also calls `finish` and `close`.

    Attributes:
        embedder: What embeds them.
    """

    def __init__(self, embedder: Embedder, pending: Path) -> None:
        """Prepare; nothing is embedded yet.

        Args:
            embedder: Embeds. Workers of a cluster are called once, when all texts are there.
            pending: Where vectors are kept until the generation is finished.
        """
        self.embedder = embedder
        self._dim = embedder.dim
        self._together = None if isinstance(embedder, FannedOut) else _SORTED * _BATCH
        self._waiting: dict[bytes, str] = {}
        self._sizes: dict[bytes, int] = {}
        self._vectors: dict[bytes, Floats] = {}
        self._landed: Queue[list[bytes]] = Queue()
        self._running: list[Future[None]] = []
        self._closing = threading.Event()
        self._thread = ThreadPoolExecutor(1, "embedding")
        self._pending = self._thread.submit(PendingVectors, pending, embedder.name).result()

    def add(self, digest: bytes, text: str) -> None:
        """Have a text embedded, once.

        Args:
            digest: Hash of the text.
            text: The text.

        Raises:
            CitespanError: An earlier text could not be embedded.
        """
        if digest in self._sizes:
            return
        self._sizes[digest] = len(text)
        self._waiting[digest] = text
        if self._together and len(self._waiting) >= self._together:
            self._send()
            self._raise()

    def finish(self, progress: Callable[[int, int, float], None]) -> dict[bytes, Floats]:
        """Wait for every text; return the vectors by hash.

        Args:
            progress: Told texts embedded, texts in all, and the seconds left.

        Raises:
            CitespanError: A text could not be embedded; what was done before is kept on disk.
        """
        self._send()
        count, done, whole = 0, 0, sum(self._sizes.values())
        began = time.monotonic()
        at_first = sum(self._sizes[digest] for digest in list(self._vectors))
        while count < len(self._sizes):
            try:
                batch = self._landed.get(timeout=_LOOK)
            except Empty:
                self._raise()
                continue
            count += len(batch)
            done += sum(self._sizes[digest] for digest in batch)
            # What was embedded while reading says nothing about the pace from here.
            pace = (time.monotonic() - began) / max(1, done - at_first)
            progress(count, len(self._sizes), pace * (whole - done))
        for future in self._running:
            future.result()
        return self._vectors

    def close(self) -> None:
        """Stop after the batch at work, and close the file of vectors."""
        # With workers all batches are one task, which cannot be cancelled any more.
        self._closing.set()
        for future in self._running:
            future.cancel()
        self._thread.submit(self._pending.close).result()
        self._thread.shutdown()

    def _raise(self) -> None:
        """Forget the tasks that are done, which are the first ones; raise what one raised."""
        while self._running and self._running[0].done():
            self._running.pop(0).result()

    def _send(self) -> None:
        """Give the waiting texts to the thread, the longest first."""
        texts = sorted(self._waiting.items(), key=lambda item: len(item[1]), reverse=True)
        self._waiting = {}
        batches = [texts[at : at + _BATCH] for at in range(0, len(texts), _BATCH)]
        tasks = [[batch] for batch in batches] if self._together else [batches]
        self._running += [self._thread.submit(self._embed, task) for task in tasks if task]

    def _embed(self, batches: Sequence[Sequence[tuple[bytes, str]]]) -> None:
        """Embed what is not known from a sync that was broken off."""
        todo = []
        for batch in batches:
            found = self._pending.get([digest for digest, _ in batch], self._dim)
            self._land(found)
            left = [item for item in batch if item[0] not in found]
            todo += [left] if left else []
        texts = [[text for _, text in batch] for batch in todo]
        for at, vectors in encoded(self.embedder, texts):
            digests = [digest for digest, _ in todo[at]]
            _check(vectors, len(digests), self._dim, self.embedder.name)
            self._pending.put(digests, vectors)
            self._land(dict(zip(digests, vectors, strict=True)))
            if self._closing.is_set():
                break

    def _land(self, vectors: dict[bytes, Floats]) -> None:
        self._vectors.update(vectors)
        self._landed.put(list(vectors))


def _check(vectors: Floats, count: int, dim: int, name: str) -> None:
    if vectors.shape != (count, dim) or not np.isfinite(vectors).all():
        raise LibraryMismatch(
            f"embedder {name!r}: found vectors of shape {vectors.shape}, expected ({count}, {dim}) "
            "finite numbers; use another embedder: set CITESPAN_EMBEDDER"
        )
