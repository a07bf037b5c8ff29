"""Proof that a generation is whole: nothing orphaned, every span resolves, every text is whose."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from index.context import searched_texts
from index.errors import LibraryLocked, LibraryUnwritable
from index.search import Snapshot
from index.store import Store
from index.vectors import VectorIndex

_UNIT_TOLERANCE = 1e-3
_BLOCK = 16_384
_SOUGHT = 100


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What a check of the stored library found.

    Attributes:
        documents: Documents checked.
        chunks: Chunks checked.
        problems: One sentence each; empty when the library is sound.
        repaired: What was wrong before it was built again from the files.
    """

    documents: int
    chunks: int
    problems: tuple[str, ...] = ()
    repaired: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Tell whether the library is sound."""
        return not self.problems


def inspect(snapshot: Snapshot, store: Store) -> VerifyReport:
    """Check a generation that was just loaded, and that nothing else lies in its folder."""
    manifest = snapshot.manifest
    if manifest is None:
        return VerifyReport(0, 0)
    problems = list(check(snapshot))
    # While another process writes, what it is building is no leftover; and on a disk that is
    # read-only nobody can write, nor can a leftover be removed.
    with contextlib.suppress(LibraryLocked, LibraryUnwritable), store.lock():
        if store.current() == manifest:
            found = store.leftovers(manifest)
            problems += [f"{path}: no part of the library" for path in found]
    return VerifyReport(manifest.documents, manifest.chunks, tuple(problems))


def remove_leftovers(store: Store) -> None:
    """Remove what is no part of the current generation.

    Raises:
        LibraryLocked: Another process is writing.
        LibraryUnwritable: The folder cannot be written.
    """
    with store.lock():
        manifest = store.current()
        for path in store.leftovers(manifest) if manifest else ():
            path.unlink(missing_ok=True)


def check(snapshot: Snapshot) -> Iterator[str]:
    """Yield one sentence a problem; checksums have been verified when the snapshot was loaded."""
    if snapshot.catalog is None or snapshot.vectors is None or snapshot.manifest is None:
        return
    yield from _check_counts(snapshot)
    yield from _check_documents(snapshot)
    yield from _check_vectors(snapshot)
    for (found,) in snapshot.catalog.rows("PRAGMA integrity_check"):
        if found != "ok":
            yield f"catalog: {found}"


def _check_counts(snapshot: Snapshot) -> Iterator[str]:
    assert snapshot.catalog is not None and snapshot.vectors is not None
    assert snapshot.manifest is not None
    expected = list(range(snapshot.manifest.chunks))
    if len(snapshot.vectors) != len(expected):
        yield f"vectors: found {len(snapshot.vectors)}, expected {len(expected)}"
    for table, statement in (
        ("chunks", "SELECT id FROM chunks ORDER BY id"),
        ("full text index", "SELECT id FROM lexical_docsize ORDER BY id"),
    ):
        rows = [row for (row,) in snapshot.catalog.rows(statement)]
        if rows != expected:
            yield f"{table}: found {len(rows)} rows, expected exactly 0 to {len(expected) - 1}"


def _check_documents(snapshot: Snapshot) -> Iterator[str]:
    """Check that every document belongs to a file and every chunk is its document's text."""
    assert snapshot.catalog is not None
    names = snapshot.catalog.names()
    for row in snapshot.catalog.document_rows().values():
        if row not in names:
            yield f"document {row}: its file is gone but its text is stored"
            continue
        document = snapshot.catalog.document(row, names[row][0])
        chunks = snapshot.catalog.chunks_of(row)
        texts = searched_texts(document, [(chunk.start, chunk.end) for chunk in chunks])
        for chunk, text in zip(chunks, texts, strict=True):
            if hashlib.sha256(text.encode()).digest() != chunk.sha256:
                yield f"{document.name}: characters {chunk.start} to {chunk.end} are not its chunk"
    for (row,) in snapshot.catalog.rows(
        "SELECT document FROM chunks WHERE document NOT IN (SELECT id FROM documents)"
    ):
        yield f"chunks of document {row}: the document is not stored"


def _check_vectors(snapshot: Snapshot) -> Iterator[str]:
    assert snapshot.vectors is not None
    count = len(snapshot.vectors)
    wrong: list[int] = []
    for begin in range(0, count, _BLOCK):
        rows = np.arange(begin, min(begin + _BLOCK, count), dtype=np.int64)
        lengths = np.linalg.norm(snapshot.vectors.reconstruct(rows), axis=1)
        wrong += rows[np.abs(lengths - 1) > _UNIT_TOLERANCE].tolist()
    if wrong:
        yield f"vectors: {len(wrong)} are not of unit length, the first is row {wrong[0]}"
    if count and not wrong:
        yield from _check_found(snapshot.vectors)


def _check_found(vectors: VectorIndex) -> Iterator[str]:
    """Check, for some rows, that searching for a vector finds it, or its equal."""
    rows = np.linspace(0, len(vectors) - 1, min(len(vectors), _SOUGHT)).astype(np.int64)
    best, _ = vectors.search(vectors.reconstruct(rows), 1)
    lost = rows[best[:, 0] < 1 - _UNIT_TOLERANCE]
    if len(lost):
        yield f"vectors: {len(lost)} of {len(rows)} are not found, the first is row {lost[0]}"
