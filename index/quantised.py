"""A large library's vectors: an approximate index finds candidates, the exact vectors rank them.

Two files, both mapped into memory, so that only the pages in use are resident and all of them can
be dropped by the system:

- the exact vectors, as a small library has them;
- FAISS `IndexIVFScalarQuantizer`: the vectors in about `2 √n` lists around k-means centroids (an
  inverted file), each number as one byte of its difference from the centroid. A question is
  compared with the centroids and then with the vectors of the nearest lists.

The best few of those are compared again with the exact vectors, so that what is returned is the
exact cosine; only a vector whose list was not among the nearest can be missed.

HNSW would do as well, but its graph takes longer to build, and differs with the order in which
threads add to it; product quantisation is smaller and faster still, and needs more candidates to be
ranked again, each of them a page of the disk.
"""

from __future__ import annotations

import errno
import mmap
import os
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.errors import LibraryCorrupt
from index.store import index_command
from index.vectors import HEADER, check_header, nothing, write_exact

# Fewer vectors are searched exactly, in memory, in about 6 ms.
QUANTISED_FROM = 50_000
# Vectors a list that k-means sees; FAISS warns below 39.
_TRAINING = 40
# The share of the lists that a question is compared with, and how many at least. Of the vectors of
# tests/benchmarks/scale_data.py an eighth finds .999 of the first ten among a million, in 12 ms of
# one core, a sixteenth .996 in 7 ms; among 100,000 they find .983 and .967.
_PROBED = 1 / 8
_LEAST_PROBED = 16
# Candidates compared again with the exact vectors; at least twice as many as are wanted.
_CANDIDATES = 200
# Among so few rows an exact search is as fast as any.
_FEW = 4096
_BLOCK = 16_384

_IVF = struct.Struct("<4siqqq?iQQ")  # fourcc, d, ntotal, two fillers, is_trained, metric, lists, …
_DIRECT_MAP = struct.Struct("<BQ")  # kind, length
_SCALARS = struct.Struct("<iifQQQ")  # kind, range, its argument, d, bytes a code, trained length
_LISTS = struct.Struct(
    "<Q?4sQQ4sQ"
)  # bytes a code, by residual, "ilar", lists, bytes, kind, length


class QuantisedIndex:
    """Exact vectors and an index of their quantised copies, both mapped from verified files."""

    def __init__(self, exact: Path, quantised: Path, *, count: int, dim: int) -> None:
        """Map the files; their checksums have been verified.

        Every length in their headers is checked first, so that a forged one cannot make FAISS
        allocate memory.

        Args:
            exact: The file of exact vectors.
            quantised: The approximate index of the same vectors.
            count: Vectors expected.
            dim: Dimension expected.

        Raises:
            LibraryCorrupt: A header promises anything else, or a file is gone.
        """
        import faiss

        self.dim = dim
        try:
            self._map, self._exact = _map_exact(exact, count, dim)
            check_lists(quantised, count=count, dim=dim)
            flags = faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY
            index: Any = faiss.read_index(str(quantised), flags)
        except (OSError, RuntimeError) as error:
            raise LibraryCorrupt(
                f"{quantised}: cannot be read ({error}); "
                f"run: {index_command(quantised, rebuild=True)}"
            ) from error
        self._index = index
        # Otherwise each search starts 32 threads that read ahead.
        lists: Any = faiss.downcast_InvertedLists(index.invlists)
        lists.prefetch_nthread = 0

    def __len__(self) -> int:
        """Return the number of vectors."""
        return len(self._exact)

    def search(
        self, queries: NDArray[np.float32], k: int, allowed: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return the nearest rows, of those that the index finds.

        Args:
            queries: Unit vectors, shape (number of queries, dim).
            k: Rows wanted a query.
            allowed: Only these rows, when given; few of them are searched exactly.

        Returns:
            Exact cosine similarities and row numbers, best first, shape (number of queries,
            min(k, n)).
        """
        queries = np.ascontiguousarray(queries, dtype=np.float32)
        k = min(k, len(self) if allowed is None else len(allowed))
        if k == 0 or not len(queries):
            return nothing(len(queries))
        if allowed is not None and len(allowed) <= max(_FEW, k):
            return _best(self.reconstruct(allowed), allowed, queries, k)
        probed = self._probed()
        if allowed is not None:
            # The fewer rows of a list may be found, the more lists are looked at: about as many
            # vectors are compared as without a filter.
            probed = min(self._index.nlist, -(-probed * len(self) // len(allowed)))
        found = self._candidates(queries, k, probed, self._selector(allowed))
        results = [self._ranked(query, rows, k) for query, rows in zip(queries, found, strict=True)]
        return np.concatenate([r[0] for r in results]), np.concatenate([r[1] for r in results])

    def _ranked(
        self, query: NDArray[np.float32], rows: NDArray[np.int64], k: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        rows = np.sort(rows[rows >= 0])
        return _best(self.reconstruct(rows), rows, query[None], k)

    def _probed(self) -> int:
        """Return the number of lists that a question is compared with."""
        lists = int(self._index.nlist)
        return min(lists, max(_LEAST_PROBED, round(lists * _PROBED)))

    def _candidates(
        self, queries: NDArray[np.float32], k: int, probed: int, selector: Any
    ) -> NDArray[np.int64]:
        """Return rows by approximate similarity, at least `k` a query; -1 stands for none."""
        import faiss

        make: Any = faiss.SearchParametersIVF
        parameters = make(nprobe=probed, sel=selector)
        depth = min(len(self), max(_CANDIDATES, 2 * k))
        rows: NDArray[np.int64] = self._index.search(queries, depth, params=parameters)[1]
        short = np.flatnonzero((rows >= 0).sum(axis=1) < k)
        if len(short):
            # The lists nearest to these questions hold too few: all of them hold enough.
            parameters.nprobe = self._index.nlist
            rows[short] = self._index.search(queries[short], depth, params=parameters)[1]
        return rows

    def _selector(self, allowed: NDArray[np.int64] | None) -> Any:
        """Return what lets FAISS find only these rows: one bit a row."""
        import faiss

        if allowed is None:
            return None
        make: Any = faiss.IDSelectorBitmap
        bits = np.zeros(len(self), dtype=bool)
        bits[allowed] = True
        return make(np.packbits(bits, bitorder="little"))

    def reconstruct(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the exact vectors of these rows, shape (number of rows, dim)."""
        vectors = self._exact[rows].view(np.float32)
        # The kernel maps pages around each that was read, in time the whole file. Given back, they
        # stay in its cache but are not resident here.
        self._map.madvise(mmap.MADV_DONTNEED)
        return vectors


def write(
    exact: Path, quantised: Path, blocks: Iterable[NDArray[np.float32]], count: int, dim: int
) -> None:
    """Write a library's vectors: the exact ones, and when they are many the index of them.

    In memory are one block, k-means' sample (some `80 √n` vectors) and the quantised vectors: for
    a million of 384 numbers about 1 GB. The same vectors give the same files.

    Args:
        exact: Where the exact vectors go.
        quantised: Where the index goes, if it is made.
        blocks: Unit vectors, shape (any number, dim), in the order of their rows.
        count: Vectors in all blocks together.
        dim: Their length.

    Raises:
        ValueError: The blocks hold another number of vectors.
        OSError: The disk is full or failing.
    """
    write_exact(exact, blocks, count, dim)
    if count >= QUANTISED_FROM:
        _write_quantised(_map_exact(exact, count, dim)[1], quantised)


def _write_quantised(exact: NDArray[np.uint8], path: Path) -> None:
    import faiss

    count, dim = len(exact), exact.shape[1] // 4
    lists = round(2 * count**0.5)
    quantizer = faiss.IndexFlatIP(dim)
    index: Any = faiss.IndexIVFScalarQuantizer(
        quantizer, dim, lists, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
    )
    # FAISS seeds its k-means with a constant; the sample is spread evenly over the rows.
    sample = np.linspace(0, count - 1, min(count, _TRAINING * lists)).astype(np.int64)
    index.train(exact[sample].view(np.float32))
    for begin in range(0, count, _BLOCK):
        index.add(np.asarray(exact[begin : begin + _BLOCK]).view(np.float32))
    try:
        faiss.write_index(index, str(path))
        # That the last bytes could not be written FAISS only prints.
        check_lists(path, count=count, dim=dim)
    except RuntimeError as error:
        raise OSError(errno.EIO, str(error).rpartition("failed: ")[2], str(path)) from error
    except LibraryCorrupt as error:
        raise OSError(errno.EIO, "FAISS wrote no whole index", str(path)) from error
    os.chmod(path, 0o600)


def _map_exact(path: Path, count: int, dim: int) -> tuple[mmap.mmap, NDArray[np.uint8]]:
    """Map the exact vectors as rows of bytes: floats after the header would not be aligned."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        check_header(file.read(HEADER.size), size, count=count, dim=dim, path=path)
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    # Rows are wanted here and there: reading ahead would fetch a hundred times as much.
    mapped.madvise(mmap.MADV_RANDOM)
    rows = np.frombuffer(mapped, dtype=np.uint8, offset=HEADER.size).reshape(count, 4 * dim)
    return mapped, rows


def _best(
    vectors: NDArray[np.float32], rows: NDArray[np.int64], queries: NDArray[np.float32], k: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the exact similarities and row numbers of the best `k` of these rows."""
    scores = queries @ vectors.T
    # The lower row wins between equals, as rows are in ascending order.
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(scores, order, axis=1), rows[order]


def check_lists(path: Path, *, count: int, dim: int) -> None:
    """Refuse a file that is not a scalar-quantised inverted file of so many vectors.

    Every length that FAISS would allocate by is read and compared with the file's own size.

    Args:
        path: The file.
        count: Vectors expected.
        dim: Dimension expected.

    Raises:
        LibraryCorrupt: A length is another one.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        with (
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            if size
            else memoryview(b"") as data
        ):
            try:
                good = _sound(data, size, count, dim)
            except struct.error:
                good = False
    if not good:
        raise LibraryCorrupt(
            f"{path}: the FAISS header does not hold {count} quantised vectors of dimension {dim} "
            f"in {size:,} bytes; run: {index_command(path, rebuild=True)}"
        )


def _sound(data: Any, size: int, count: int, dim: int) -> bool:
    """Tell whether the lengths in the parts of an inverted file add up to its size."""
    kind, d, total, _, _, trained, metric, lists, _ = _IVF.unpack_from(data)
    at = _IVF.size
    if (kind, d, total, trained, metric) != (b"IwSq", dim, count, True, 0) or lists > count:
        return False
    kind, d, total, _, _, _, metric, length = HEADER.unpack_from(data, at)
    at += HEADER.size + lists * dim * 4
    if (kind, d, total, metric, length) != (b"IxFI", dim, lists, 0, lists * dim):
        return False
    if _DIRECT_MAP.unpack_from(data, at) != (0, 0):
        return False
    at += _DIRECT_MAP.size
    quantiser, _, _, d, code, length = _SCALARS.unpack_from(data, at)
    at += _SCALARS.size + length * 4
    if (quantiser, d, code, length) != (0, dim, dim, 2 * dim):
        return False
    code, _, kind, held, bytes_each, form, length = _LISTS.unpack_from(data, at)
    at += _LISTS.size
    if (code, kind, held, bytes_each) != (dim, b"ilar", lists, dim):
        return False
    # All sizes, or (when most lists are empty) pairs of list and size.
    if not (form == b"full" and length == lists or form == b"sprs" and length <= 2 * lists):
        return False
    if at + 8 * length > size:
        return False
    sizes = np.frombuffer(data, dtype="<u8", count=length, offset=at).astype(np.float64)
    if form == b"sprs":
        if length % 2 or (sizes[::2] >= lists).any():
            return False
        sizes = sizes[1::2]
    return float(sizes.sum()) == count and size == at + 8 * length + count * (dim + 8)
