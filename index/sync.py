"""From the files on disk and the generation before, the next generation.

`plan` finds out what changed, by stat first and by content second. `build` writes the generation:
documents whose content is known are copied, the others are read; chunks whose text is known keep
their vector, the others are embedded while more is read. The result depends on the files alone,
not on the way there, so a library kept by many syncs answers as a fresh one does.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index import documents, quantised
from index.catalog import CatalogWriter, FileRecord
from index.chunks import split
from index.context import searched_texts, whole_words
from index.documents import Document
from index.embedder import Embedder
from index.embedding import Embedding
from index.errors import DocumentError, ParserInterrupted
from index.isolation import ParserProcess
from index.scan import Entry
from index.search import Snapshot
from index.store import CATALOG, QUANTISED, VECTORS

# A file changed this shortly before it was read may change again without a new time stamp.
_RACY_NS = 50_000_000
# Vectors that are written at a time.
_BLOCK = 8192
# A file whose parser was interrupted is read again by the next syncs, this often in all.
_MOST_TRIES = 3


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a sync is.

    Attributes:
        stage: `reading` or `embedding`.
        documents: Documents read.
        documents_total: Documents to read.
        chunks: Chunks embedded.
        chunks_total: Chunks to embed; 0 while reading.
        seconds_left: Estimate for the stage, or None.
    """

    stage: str
    documents: int
    documents_total: int
    chunks: int
    chunks_total: int
    seconds_left: float | None


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a sync did, or would do (dry run).

    Attributes:
        added: Names of new documents.
        changed: Names of documents whose content changed.
        removed: Names of documents that are gone.
        moved: (old name, new name) of documents that are elsewhere with the same content.
        unchanged: Names of the others.
        failed: (name, reason) of files that could not be read.
        generation: The generation that answers now.
        seconds: Wall time.
    """

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    moved: tuple[tuple[str, str], ...] = ()
    unchanged: tuple[str, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()
    generation: int = 0
    seconds: float = field(default=0.0, compare=False)

    def __bool__(self) -> bool:
        """Tell whether anything differed."""
        return bool(self.added or self.changed or self.removed or self.moved)


@dataclass(frozen=True, slots=True)
class Plan:
    """The state of every file, and how it differs from the generation before.

    Attributes:
        entries: What is on disk, by name.
        files: The next generation's file records; those of new content have no document yet.
        stale: Whether any record differs from the generation before.
        report: The same for a person.
    """

    entries: dict[str, Entry]
    files: dict[str, FileRecord]
    stale: bool
    report: SyncReport


@dataclass(frozen=True, slots=True)
class Built:
    """What a generation holds: numbers of documents and chunks, and the vectors' make."""

    documents: int
    chunks: int
    embedder: str
    dim: int


def plan(entries: dict[str, Entry], base: Snapshot | None) -> Plan:
    """Find out which files are not as they were, by stat first and content second."""
    before = base.catalog.files() if base and base.catalog else {}
    files = {name: _look(name, entry, before.get(name)) for name, entry in entries.items()}
    stale = files != before and _timeless(files) != _timeless(before)
    return Plan(entries, files, stale, compare(before, files))


def _timeless(files: dict[str, FileRecord]) -> list[FileRecord]:
    """Return the records without the time of reading: a second look alone changes nothing."""
    return [replace(file, read_ns=0) for file in files.values()]


def compare(before: dict[str, FileRecord], after: dict[str, FileRecord]) -> SyncReport:
    """Compare two states of a library's files."""
    good = {name: file for name, file in after.items() if file.reason is None}
    old = {name: file for name, file in before.items() if file.reason is None}
    added = [name for name in good if name not in old]
    removed = [name for name in old if name not in good]
    places: dict[str | None, list[str]] = {}
    for name in removed:
        places.setdefault(old[name].sha256, []).append(name)
    moved = []
    for name in list(added):
        origin = places.get(good[name].sha256)
        if origin:
            moved.append((origin.pop(0), name))
            added.remove(name)
            removed.remove(moved[-1][0])
    both = [name for name in good if name in old]
    return SyncReport(
        added=tuple(added),
        changed=tuple(name for name in both if good[name].sha256 != old[name].sha256),
        removed=tuple(removed),
        moved=tuple(moved),
        unchanged=tuple(name for name in both if good[name].sha256 == old[name].sha256),
        failed=tuple((name, file.reason) for name, file in after.items() if file.reason),
    )


def _look(name: str, entry: Entry, known: FileRecord | None) -> FileRecord:
    """Return the record of a file as it is now; nothing is read when stat says it is the same."""
    if known and known.sha256 and _same_stat(known, entry):
        return _try_again(known)
    seen = FileRecord(
        name=name,
        size=entry.size,
        mtime_ns=entry.mtime_ns,
        ctime_ns=entry.ctime_ns,
        read_ns=0,
        sha256=None,
        document=None,
        reason=None,
    )
    now = time.time_ns()
    try:
        documents.format_of(name)
        sha256 = hashlib.sha256(documents.read_bytes(entry.path)).hexdigest()
    except DocumentError as error:
        # Without a hash it is tried again at every sync: nothing in stat tells that it would work.
        return replace(seen, reason=_reason(error, name))
    if known and known.sha256 == sha256:
        seen = replace(seen, document=known.document, reason=known.reason, tries=known.tries)
    return _try_again(replace(seen, sha256=sha256, read_ns=now))


def _try_again(file: FileRecord) -> FileRecord:
    """Return the record as one to be read when its parser was interrupted, but not too often."""
    return replace(file, reason=None) if 0 < file.tries < _MOST_TRIES else file


def _reason(error: DocumentError, name: str) -> str:
    """Return why a file could not be read; its name is kept beside the reason, not in it."""
    reason = str(error)
    for prefix in (f"{name}: ", f"{name.rpartition('/')[2]}: "):
        reason = reason.removeprefix(prefix)
    return reason


def _same_stat(known: FileRecord, entry: Entry) -> bool:
    stored = (known.size, known.mtime_ns, known.ctime_ns)
    racy = known.read_ns - known.mtime_ns < _RACY_NS
    return not racy and stored == (entry.size, entry.mtime_ns, entry.ctime_ns)


class Builder:
    """Builds one generation in a folder of its own."""

    def __init__(
        self,
        folder: Path,
        base: Snapshot | None,
        *,
        embedder: Callable[[], Embedder],
        pending: Path,
        chunking: tuple[int, int],
        progress: Callable[[Progress], None] | None,
    ) -> None:
        """Prepare.

        Args:
            folder: Where the generation's files are written.
            base: The generation before, or None.
            embedder: Gives the embedder; called only when a new text must be embedded.
            pending: Where vectors are kept until the generation is finished.
            chunking: Chunk size and overlap, characters.
            progress: Told how far it is.
        """
        self._folder = folder
        self._base = base if base and base.manifest else None
        self._embedder = embedder
        self._pending = pending
        self._chunking = chunking
        self._progress = progress or (lambda _: None)
        self._known = (
            self._base.catalog.document_rows() if self._base and self._base.catalog else {}
        )
        self._parser = ParserProcess()
        self._hashes: list[bytes] = []
        self._embedding: Embedding | None = None
        self._rows: dict[tuple[str, str], int] = {}

    def build(self, plan: Plan) -> tuple[Built, dict[str, FileRecord]]:
        """Write the catalog and the vectors.

        Returns:
            What was built, and the final file records.
        """
        writer = CatalogWriter(self._folder / CATALOG)
        try:
            files = self._write_documents(writer, plan)
            writer.close()
        except BaseException:
            writer.abandon()
            self._stop()
            raise
        finally:
            self._parser.close()
        try:
            vectors, dim, embedder = self._vectors()
        finally:
            self._stop()
        count = len(self._hashes)
        quantised.write(self._folder / VECTORS, self._folder / QUANTISED, vectors, count, dim)
        built = Built(len(self._rows), count, embedder, dim)
        return built, files

    def _write_documents(self, writer: CatalogWriter, plan: Plan) -> dict[str, FileRecord]:
        files = {}
        started = time.monotonic()
        for number, (name, file) in enumerate(plan.files.items()):
            files[name] = self._write_file(writer, file, plan.entries[name])
            writer.add_file(files[name])
            done, total = number + 1, len(plan.files)
            left = (time.monotonic() - started) / done * (total - done)
            self._progress(Progress("reading", done, total, 0, 0, left))
        return files

    def _write_file(self, writer: CatalogWriter, file: FileRecord, entry: Entry) -> FileRecord:
        if file.reason or file.sha256 is None:
            return replace(file, document=None)
        key = (file.sha256, documents.format_of(file.name))
        if key not in self._rows:
            try:
                document = self._stored(key, file.name) or self._read(file, entry)
            except DocumentError as error:
                tries = file.tries + 1 if isinstance(error, ParserInterrupted) else 0
                reason = _reason(error, file.name)
                return replace(file, document=None, reason=reason, tries=tries)
            if document.sha256 != file.sha256:
                reason = "changed while it was being read; sync again"
                return replace(file, document=None, sha256=None, read_ns=0, reason=reason)
            self._rows[key] = self._write_document(writer, document)
        return replace(file, document=self._rows[key], tries=0)

    def _stored(self, key: tuple[str, str], name: str) -> Document | None:
        if self._base is None or self._base.catalog is None or key not in self._known:
            return None
        return self._base.catalog.document(self._known[key], name)

    def _read(self, file: FileRecord, entry: Entry) -> Document:
        return documents.parse(documents.read_bytes(entry.path), file.name, self._parser)

    def _write_document(self, writer: CatalogWriter, document: Document) -> int:
        places = self._chunk_places(document)
        texts = searched_texts(document, places)
        chunks = []
        for (start, end), text in zip(places, texts, strict=True):
            digest = hashlib.sha256(text.encode()).digest()
            self._hashes.append(digest)
            if digest not in self._kept:
                self._embed(digest, text)
            chunks.append((start, end, digest))
        return writer.add_document(document, chunks, [whole_words(text) for text in texts])

    def _chunk_places(self, document: Document) -> list[tuple[int, int]]:
        """Return the chunks of a document, from the generation before when it cut alike."""
        key = (document.sha256, document.format)
        if self._base and self._base.manifest and self._base.catalog and key in self._known:
            manifest = self._base.manifest
            if (manifest.chunk_size, manifest.chunk_overlap) == self._chunking:
                rows = self._base.catalog.chunks_of(self._known[key])
                return [(row.start, row.end) for row in rows]
        return [(chunk.start, chunk.end) for chunk in split(document.text, *self._chunking)]

    def _vectors(self) -> tuple[Iterator[NDArray[np.float32]], int, str]:
        """Return the vectors of all chunks in blocks, their length, and their embedder's name."""
        name = self._base.manifest.embedder if self._base and self._base.manifest else ""
        if self._embedding:
            embedder = self._embedding.embedder
            fresh = self._embedding.finish(self._embedded)
            return self._blocks(fresh, embedder.dim), embedder.dim, embedder.name
        if not self._hashes or self._base is None or self._base.manifest is None:
            return iter(()), 1, ""
        dim = self._base.manifest.dim
        return self._blocks({}, dim), dim, name

    def _embed(self, digest: bytes, text: str) -> None:
        if self._embedding is None:
            embedder = self._embedder()
            self._embedding = Embedding(embedder, self._pending)
        self._embedding.add(digest, text)

    def _embedded(self, count: int, total: int, seconds: float) -> None:
        read = len(self._rows)
        self._progress(Progress("embedding", read, read, count, total, seconds))

    def _stop(self) -> None:
        if self._embedding:
            self._embedding.close()

    @cached_property
    def _kept(self) -> dict[bytes, int]:
        """Rows of the vectors of the generation before, by the hashes of their texts."""
        if self._base is None or self._base.catalog is None or self._base.vectors is None:
            return {}
        return {digest: row for row, digest in self._base.catalog.chunk_hashes()}

    def _blocks(
        self, fresh: dict[bytes, NDArray[np.float32]], dim: int
    ) -> Iterator[NDArray[np.float32]]:
        """Yield the vectors of all chunks in order: those known are never in memory all at once."""
        for begin in range(0, len(self._hashes), _BLOCK):
            hashes = self._hashes[begin : begin + _BLOCK]
            block = np.empty((len(hashes), dim), dtype=np.float32)
            old = [at for at, digest in enumerate(hashes) if digest in self._kept]
            if old and self._base and self._base.vectors:
                rows = np.array([self._kept[hashes[at]] for at in old], dtype=np.int64)
                block[old] = self._base.vectors.reconstruct(rows)
            for at, digest in enumerate(hashes):
                if digest not in self._kept:
                    block[at] = fresh[digest]
            yield block
