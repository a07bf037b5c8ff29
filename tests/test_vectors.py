"""FAISS finds what an exact search finds, and forged files never reach it."""

from __future__ import annotations

import resource
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from index.errors import LibraryCorrupt
from index.vectors import FaissIndex, write_exact


def stored(vectors: np.ndarray, folder: Path) -> bytes:
    """Return the exact index of these vectors as it is stored, written in three blocks."""
    path = folder / "vectors.faiss"
    path.unlink(missing_ok=True)
    write_exact(path, np.array_split(vectors, 3), len(vectors), vectors.shape[1])
    return path.read_bytes()


def unit(rows: int, dim: int = 24) -> np.ndarray:
    vectors = np.random.default_rng(rows).normal(size=(rows, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_search_equals_an_exact_search():
    vectors, queries = unit(500), unit(20)
    scores, rows = FaissIndex(vectors).search(queries, 10)
    exact = queries @ vectors.T
    order = np.argsort(-exact, axis=1)[:, :10]
    np.testing.assert_array_equal(rows, order)
    np.testing.assert_allclose(scores, np.take_along_axis(exact, order, axis=1), atol=1e-6)


def test_search_among_some_rows_equals_an_exact_search_among_them():
    vectors, queries = unit(200), unit(5)
    allowed = np.arange(0, 200, 7, dtype=np.int64)
    _, rows = FaissIndex(vectors).search(queries, 6, allowed)
    exact = queries @ vectors[allowed].T
    np.testing.assert_array_equal(rows, allowed[np.argsort(-exact, axis=1)[:, :6]])


@pytest.mark.parametrize("count", [0, 3])
def test_asking_for_more_than_there_is_gives_what_there_is(count):
    scores, rows = FaissIndex(unit(count)).search(unit(2), 10)
    assert scores.shape == rows.shape == (2, count)
    assert (rows >= 0).all()


def test_a_stored_index_is_the_same_index(tmp_path):
    vectors = unit(50)
    data = stored(vectors, tmp_path)
    loaded = FaissIndex.from_bytes(data, count=50, dim=24, path=Path("vectors.faiss"))
    rows = np.arange(50, dtype=np.int64)
    np.testing.assert_array_equal(loaded.reconstruct(rows), vectors)
    np.testing.assert_array_equal(
        loaded.search(vectors, 1)[1][:, 0],
        rows,
    )


@pytest.mark.parametrize("count", [0, 7])
def test_vectors_are_stored_as_faiss_itself_stores_them(tmp_path, count):
    import faiss

    index = faiss.IndexFlatIP(24)
    index.add(unit(count))
    assert stored(unit(count), tmp_path) == faiss.serialize_index(index).tobytes()


def test_a_block_that_is_missing_is_noticed_before_it_is_sealed(tmp_path):
    with pytest.raises(ValueError, match=r"found 3 vectors, expected 4"):
        write_exact(tmp_path / "v", [unit(3)], 4, 24)


FORGED = {
    "ntotal": (8, "<q", 2**50),
    "d": (4, "<i", 2**30),
    "length": (37, "<Q", 2**60),
    "kind": (0, "<4s", b"IwFl"),
}


@pytest.mark.parametrize("field", FORGED)
def test_a_forged_header_is_refused(field, tmp_path):
    at, kind, value = FORGED[field]
    data = bytearray(stored(unit(10), tmp_path))
    struct.pack_into(kind, data, at, value)
    with pytest.raises(LibraryCorrupt, match=r"vectors\.faiss: the FAISS header does not hold 10"):
        FaissIndex.from_bytes(bytes(data), count=10, dim=24, path=Path("vectors.faiss"))


def test_a_header_of_a_quadrillion_vectors_costs_no_memory():
    program = """
import resource, struct
from pathlib import Path
from index.errors import LibraryCorrupt
from index.vectors import FaissIndex
import faiss, numpy
index = faiss.IndexFlatIP(4)
index.add(numpy.eye(4, dtype=numpy.float32))
data = bytearray(faiss.serialize_index(index).tobytes())
struct.pack_into("<q", data, 8, 2**50)
struct.pack_into("<Q", data, 37, 2**52)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    FaissIndex.from_bytes(bytes(data), count=4, dim=4, path=Path("v"))
except LibraryCorrupt:
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 10_000, grown
    raise SystemExit(7)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30)),
    )
    assert done.returncode == 7, done.stderr


def test_a_truncated_index_is_refused(tmp_path):
    data = stored(unit(10), tmp_path)
    for length in (0, 20, len(data) - 1):
        with pytest.raises(LibraryCorrupt, match="the FAISS header does not hold"):
            FaissIndex.from_bytes(data[:length], count=10, dim=24, path=Path("v"))
