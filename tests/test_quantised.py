"""A large library's index finds nearly what an exact search finds, and gives exact similarities."""

from __future__ import annotations

import resource
import struct
import threading
from pathlib import Path

import numpy as np
import pytest

from index import quantised
from index.errors import LibraryCorrupt
from index.quantised import QuantisedIndex, check_lists, write
from index.verify import check
from tests.index_fakes import answers, open_library
from tests.index_fakes import write as write_files

COUNT, DIM = 6000, 32


def texts_like(rows: int, seed: int) -> np.ndarray:
    """Return unit vectors around 60 subjects, as texts lie around theirs."""
    random = np.random.default_rng(seed)
    subjects = np.random.default_rng(1).normal(size=(60, DIM))
    vectors = subjects[random.integers(60, size=rows)] + 0.8 * random.normal(size=(rows, DIM))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


VECTORS, QUERIES = texts_like(COUNT, 2), texts_like(100, 3)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make some thousands of vectors many, and a search of a sixth of the lists a usual one."""
    monkeypatch.setattr(quantised, "QUANTISED_FROM", 1000)
    monkeypatch.setattr(quantised, "_FEW", 100)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("large")
    exact, index = folder / "vectors.faiss", folder / "quantised.faiss"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quantised, "QUANTISED_FROM", 1000)
        write(exact, index, np.array_split(VECTORS, 5), COUNT, DIM)
    return exact, index


@pytest.fixture
def index(files: tuple[Path, Path]) -> QuantisedIndex:
    return QuantisedIndex(*files, count=COUNT, dim=DIM)


def exact(queries: np.ndarray, k: int, allowed: np.ndarray | None = None) -> np.ndarray:
    rows = np.arange(COUNT) if allowed is None else allowed
    return rows[np.argsort(-(queries @ VECTORS[rows].T), axis=1)[:, :k]]


def recall(found: np.ndarray, true: np.ndarray) -> float:
    both = [len(set(f) & set(t)) for f, t in zip(found.tolist(), true.tolist(), strict=True)]
    return sum(both) / true.size


def test_nearly_all_of_the_nearest_are_found_best_first(index):
    scores, rows = index.search(QUERIES, 10)
    assert rows.shape == scores.shape == (100, 10)
    assert recall(rows, exact(QUERIES, 10)) >= 0.95
    assert (np.diff(scores, axis=1) <= 0).all()


def test_similarities_are_exact_although_the_index_is_not(index):
    scores, rows = index.search(QUERIES, 10)
    true = np.einsum("qd,qkd->qk", QUERIES, VECTORS[rows])
    np.testing.assert_allclose(scores, true, atol=1e-6)


def test_vectors_come_back_to_the_bit_so_that_a_sync_can_use_them_again(index):
    rows = np.array([5999, 0, 17, 17], dtype=np.int64)
    np.testing.assert_array_equal(index.reconstruct(rows), VECTORS[rows])
    assert index.reconstruct(np.zeros(0, dtype=np.int64)).shape == (0, DIM)


@pytest.mark.parametrize("count", [1, 7, 99])
def test_few_allowed_rows_are_searched_exactly(index, count):
    allowed = np.linspace(0, COUNT - 1, count).astype(np.int64)
    scores, rows = index.search(QUERIES, 10, allowed)
    np.testing.assert_array_equal(rows, exact(QUERIES, 10, allowed))
    assert scores.shape == (100, min(10, count))


@pytest.mark.parametrize("count", [200, 1000, 5000])
def test_many_allowed_rows_are_found_as_well_as_all_rows_are(index, count):
    allowed = np.sort(np.random.default_rng(4).permutation(COUNT)[:count]).astype(np.int64)
    _, rows = index.search(QUERIES, 10, allowed)
    assert np.isin(rows, allowed).all()
    assert recall(rows, exact(QUERIES, 10, allowed)) >= 0.95


def test_rows_far_from_the_question_are_found_when_they_alone_are_allowed(index):
    allowed = np.sort(np.argsort(VECTORS @ QUERIES[0])[:200]).astype(np.int64)
    _, rows = index.search(QUERIES[:1], 50, allowed)
    np.testing.assert_array_equal(rows, exact(QUERIES[:1], 50, allowed))


def test_asking_for_more_than_the_nearest_lists_hold_gives_it(index):
    scores, rows = index.search(QUERIES[:2], COUNT + 1)
    assert scores.shape == (2, COUNT)
    np.testing.assert_array_equal(np.sort(rows, axis=1), np.tile(np.arange(COUNT), (2, 1)))


def test_nobody_asking_or_nothing_allowed_finds_nothing(index):
    assert index.search(QUERIES[:0], 10)[1].shape == (0, 0)
    assert index.search(QUERIES[:3], 10, np.zeros(0, dtype=np.int64))[1].shape == (3, 0)


def test_many_threads_find_what_one_finds(index):
    alone = index.search(QUERIES, 10)[1]
    found: dict[int, np.ndarray] = {}

    def ask(at: int) -> None:
        for _ in range(5):
            found[at] = np.concatenate([index.search(q[None], 10)[1] for q in QUERIES[:20]])

    threads = [threading.Thread(target=ask, args=(at,)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all((found[at] == alone[:20]).all() for at in range(4))


def test_the_same_vectors_give_the_same_files_however_they_are_cut_into_blocks(files, tmp_path):
    again = tmp_path / "vectors.faiss", tmp_path / "quantised.faiss"
    write(*again, [VECTORS], COUNT, DIM)
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in files]
    assert [path.stat().st_mode & 0o777 for path in again] == [0o600, 0o600]


def test_both_files_are_mapped_and_not_read_into_memory(files):
    index = QuantisedIndex(*files, count=COUNT, dim=DIM)
    index.search(QUERIES, 10)
    mapped = Path("/proc/self/maps").read_text()
    assert all(str(path) in mapped for path in files)
    # The rows are those of the map itself; a copy would own its memory.
    assert not index._exact.flags.owndata and not index._exact.flags.writeable


def test_few_vectors_get_no_quantised_file(tmp_path):
    path, beside = tmp_path / "vectors.faiss", tmp_path / "quantised.faiss"
    write(path, beside, [VECTORS[:999]], 999, DIM)
    assert path.exists() and not beside.exists()
    write(tmp_path / "more.faiss", beside, [VECTORS[:1000]], 1000, DIM)
    assert beside.exists()


def test_a_library_that_says_one_thing_a_thousand_times_is_searched_too(tmp_path):
    same = np.tile(VECTORS[:1], (1500, 1))
    same[700:] = VECTORS[1]
    paths = tmp_path / "vectors.faiss", tmp_path / "quantised.faiss"
    write(*paths, [same], 1500, DIM)
    scores, rows = QuantisedIndex(*paths, count=1500, dim=DIM).search(VECTORS[:2], 800)
    np.testing.assert_allclose(scores[1], 1, atol=1e-6)
    assert set(rows[1].tolist()) == set(range(700, 1500))


@pytest.mark.parametrize("missing", [1, 100, 50_000])
def test_a_full_disk_is_an_error_of_the_disk_and_no_index_is_kept(files, tmp_path, missing):
    """FAISS raised what nobody took for a full disk, or only printed that the end is missing.

    Then the library's next generation was one that every command refuses to read.
    """
    limit, hard = files[1].stat().st_size - missing, resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    exact = quantised._map_exact(files[0], COUNT, DIM)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(OSError, match=r"File too large|no whole index"):
            quantised._write_quantised(exact, tmp_path / "quantised.faiss")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


LISTS = round(2 * COUNT**0.5)
_CODES = 53 + 45 + LISTS * DIM * 4 + 9  # where the scalar quantiser begins
FORGED = {
    "another kind": (0, "<4s", b"IwFl"),
    "dimension": (4, "<i", 2**30),
    "vectors": (8, "<q", 2**50),
    "not trained": (32, "<?", False),
    "lists": (37, "<Q", 2**50),
    "centroids": (53 + 8, "<q", 2**50),
    "length of the centroids": (53 + 37, "<Q", 2**60),
    "a direct map": (_CODES - 9, "<B", 1),
    "length of the direct map": (_CODES - 8, "<Q", 2**60),
    "length of the ranges": (_CODES + 28, "<Q", 2**60),
    "bytes a code": (_CODES + 20, "<Q", 2**40),
    "lists of codes": (_CODES + 36 + 2 * DIM * 4 + 13, "<Q", 2**40),
    "length of the sizes": (_CODES + 36 + 2 * DIM * 4 + 33, "<Q", 2**60),
    "a size": (_CODES + 36 + 2 * DIM * 4 + 41, "<Q", 2**63),
}


@pytest.mark.parametrize("field", FORGED)
def test_a_forged_length_never_reaches_faiss(files, tmp_path, field, monkeypatch):
    at, kind, value = FORGED[field]
    data = bytearray(files[1].read_bytes())
    assert bytes(data[at : at + struct.calcsize(kind)]) != struct.pack(kind, value)
    struct.pack_into(kind, data, at, value)
    forged = tmp_path / "quantised.faiss"
    forged.write_bytes(data)
    monkeypatch.setattr("faiss.read_index", None)
    with pytest.raises(LibraryCorrupt, match=r"quantised\.faiss: the FAISS header does not hold 6"):
        QuantisedIndex(files[0], forged, count=COUNT, dim=DIM)


@pytest.mark.parametrize("length", [0, 40, 300, -1])
def test_a_truncated_file_is_refused(files, tmp_path, length):
    cut = tmp_path / "quantised.faiss"
    cut.write_bytes(files[1].read_bytes()[:length])
    with pytest.raises(LibraryCorrupt, match="the FAISS header does not hold"):
        check_lists(cut, count=COUNT, dim=DIM)


def test_a_file_that_is_gone_is_named(files, tmp_path):
    with pytest.raises(LibraryCorrupt, match=r"quantised\.faiss: cannot be read"):
        QuantisedIndex(files[0], tmp_path / "quantised.faiss", count=COUNT, dim=DIM)


def words(count: int) -> dict[str, str | bytes]:
    """Return files of a chunk each, most of them of other words."""
    kinds = ("apple bridge", "copper", "dragon engine", "engine copper apple", "bridge dragon")
    return {f"{at:03}.txt": f"Note {at}: {kinds[at % 5]} {at}." for at in range(count)}


def test_a_library_that_grows_and_shrinks_past_the_limit_answers_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(quantised, "QUANTISED_FROM", 60)
    monkeypatch.setattr(quantised, "_FEW", 5)
    folder, home = write_files(tmp_path / "documents", words(50)), tmp_path / "home"
    library = open_library(folder, home)
    library.sync()
    small = answers(library)
    assert not list(library.folder.rglob("quantised.faiss"))

    write_files(folder, words(70))
    library.sync()
    assert isinstance(library.snapshot().vectors, QuantisedIndex)
    assert library.verify()
    monkeypatch.setattr(quantised, "QUANTISED_FROM", 1000)
    fresh = open_library(folder, tmp_path / "other")
    fresh.sync()
    assert not isinstance(fresh.snapshot().vectors, QuantisedIndex)
    assert answers(library) == answers(fresh) == answers(open_library(folder, home))

    for at in range(50, 70):
        (folder / f"{at:03}.txt").unlink()
    library.sync()
    assert answers(library) == small
    assert not list(library.folder.rglob("quantised.faiss"))


def test_nothing_is_embedded_again_when_a_library_becomes_large(tmp_path, monkeypatch):
    folder, home = write_files(tmp_path / "documents", words(50)), tmp_path / "home"
    library = open_library(folder, home)
    library.sync()
    # As a library of an older version: as large as this, without the index.
    monkeypatch.setattr(quantised, "QUANTISED_FROM", 40)
    old = open_library(folder, home)
    before = answers(old)
    old.sync()
    assert not isinstance(old.snapshot().vectors, QuantisedIndex)
    (folder / "049.txt").unlink()
    old.sync()
    assert isinstance(old.snapshot().vectors, QuantisedIndex)
    assert not any("Note" in text for text in old._made.encoded)  # type: ignore[union-attr]
    assert {a[1] for a in answers(old)} == {a[1] for a in before} - {"049.txt"}


@pytest.mark.parametrize("name", ["vectors.faiss", "quantised.faiss"])
def test_a_changed_byte_is_refused_and_a_rebuild_mends_it(tmp_path, monkeypatch, name):
    monkeypatch.setattr(quantised, "QUANTISED_FROM", 40)
    folder, home = write_files(tmp_path / "documents", words(50)), tmp_path / "home"
    with open_library(folder, home) as library:
        library.sync()
        path = next(library.folder.rglob(name))
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(LibraryCorrupt, match=rf"{name}: its checksum is not the one stored"):
        open_library(folder, home).snapshot()
    mended = open_library(folder, home)
    assert mended.verify(repair=True)
    assert isinstance(mended.snapshot().vectors, QuantisedIndex)


def test_verifying_notices_an_index_of_other_vectors(tmp_path, monkeypatch):
    monkeypatch.setattr(quantised, "QUANTISED_FROM", 40)
    library = open_library(write_files(tmp_path / "documents", words(50)), tmp_path / "home")
    library.sync()
    assert library.verify()
    # The exact vectors of this library, and an index of others.
    vectors = library.snapshot().vectors
    assert isinstance(vectors, QuantisedIndex)
    paths = tmp_path / "vectors.faiss", tmp_path / "quantised.faiss"
    other = np.random.default_rng(5).normal(size=(50, vectors.dim)).astype(np.float32)
    write(*paths, [other / np.linalg.norm(other, axis=1, keepdims=True)], 50, vectors.dim)
    vectors._index = QuantisedIndex(*paths, count=50, dim=vectors.dim)._index
    monkeypatch.setattr(quantised, "_CANDIDATES", 2)
    found = list(check(library.snapshot()))
    assert len(found) == 1
    assert "of 50 are not found" in found[0]
