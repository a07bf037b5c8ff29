"""The façade: a folder of documents, kept as a searchable library that stays true to it."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from index import scan, shelf
from index.documents import Document, read_bytes
from index.embedder import FORMER, Embedder, maker
from index.encoder import SHIPPED
from index.errors import LibraryCorrupt, LibraryError, LibraryLocked, LibraryMismatch
from index.fanout import FannedOut
from index.filters import Filter
from index.isolation import ParserProcess
from index.made_of import Change, made_of
from index.milvus import MilvusStore
from index.rectangles import Rectangle, rectangles
from index.search import DocumentRecord, Passage, Snapshot, load
from index.store import SCHEMA, Manifest, Store, describe, index_command
from index.sync import Builder, Plan, Progress, SyncReport, compare, plan
from index.verify import VerifyReport, inspect, remove_leftovers
from index.watch import changes


class Library:
    """Documents of one or more folders, searchable, on disk.

    Safe to use from several threads. Other processes may read while one writes.

    Attributes:
        folder: Where it is stored.
        name: Its name; empty without one.
        workers: Address of a Dask scheduler whose workers embed what a sync adds, see
            `index.fanout`; empty to embed here.
    """

    def __init__(
        self,
        folder: Path,
        roots: tuple[Path, ...],
        embedder: Embedder | Callable[[], Embedder],
        chunking: tuple[int, int],
        name: str = "",
        milvus: str = "",
    ) -> None:
        """Use `Library.open`."""
        self.folder = folder
        self.name = name
        self.workers = ""
        self._roots = roots
        self._make, self._made = maker(embedder)
        self._chunking = chunking
        self._store = Store(folder)
        self._milvus = MilvusStore(milvus, folder) if milvus else None
        self._snapshot: Snapshot | None = None
        self._loading = threading.RLock()

    @classmethod
    def open(
        cls,
        documents: Path | str | Sequence[Path | str] | None = None,
        *,
        home: Path,
        embedder: Embedder | Callable[[], Embedder],
        name: str | None = None,
        chunk_size: int = 1200,
        chunk_overlap: int = 200,
        milvus: str = "",
    ) -> Library:
        """Open the library of a folder, a file or several; it is made when it is not there.

        Nothing is read from the documents before `sync`.

        Args:
            documents: What the library is made of; may be left out for a name that exists.
            home: Where libraries are kept: each in a folder of `home/libraries`.
            name: Its name; without one it goes by its paths.
            embedder: An embedder, or what makes one when a text must be embedded.
            chunk_size: Longest chunk, characters.
            chunk_overlap: Characters that neighbouring chunks share, at most.
            milvus: Address of a Milvus that is searched in place of this machine's own index, see
                `index.milvus`; empty for none.

        Raises:
            LibraryError: A path does not exist, the library's folder cannot be made, or there is
                no library of that name.
        """
        roots = scan.resolve(documents) if documents is not None else ()
        place = shelf.folder(Path(home), roots, name)
        return cls(place, roots, embedder, (chunk_size, chunk_overlap), name or "", milvus)

    def __enter__(self) -> Library:
        """Return the library."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the library."""
        self.close()

    def snapshot(self) -> Snapshot:
        """Return the current generation, verified; it stays as it is through later syncs.

        Raises:
            LibraryCorrupt: A stored file is missing, truncated or changed.
            LibraryMismatch: It was built by another version or embedder.
        """
        with self._loading:
            manifest = self._store.current()
            held = self._snapshot
            if held is not None and held.manifest == manifest:
                return held
            self._snapshot = load(self._store, self._check_embedder, self._embedder, self._milvus)
            return self._snapshot

    def sync(
        self,
        *,
        dry_run: bool = False,
        rebuild: bool = False,
        progress: Callable[[Progress], None] | None = None,
    ) -> SyncReport:
        """Make the library what the files are now; the new generation answers at once.

        A library whose vectors are of an embedder that an earlier version shipped is built anew.

        Args:
            dry_run: Only say what would change; contents of new files are hashed, not parsed.
            rebuild: Ignore what is stored and build from the files alone.
            progress: Called with a `Progress` after each document and each batch of chunks.

        Raises:
            LibraryLocked: Another process is writing.
            LibraryCorrupt: What is stored is damaged; `rebuild=True` mends it.
            LibraryMismatch: It was built by another version or embedder; `rebuild=True` mends it.
            LibraryUnwritable: The disk is full, failing or read-only.
            LibraryError: A folder of the library is gone.
        """
        rebuild = rebuild or self._outdated()
        return self._change(Change(), progress, dry_run=dry_run, rebuild=rebuild)

    def add(
        self,
        paths: Path | str | Sequence[Path | str],
        *,
        progress: Callable[[Progress], None] | None = None,
    ) -> SyncReport:
        """Make more folders or files part of the library, and sync.

        A path inside a folder of the library that was removed by hand is taken in again.

        Args:
            paths: The folders or files.
            progress: As in `sync`.

        Raises:
            LibraryError: A path does not exist.
        """
        fresh = scan.resolve(paths)
        roots, _ = made_of(self.snapshot().manifest, self._roots, Change(fresh))
        inside = frozenset(
            name
            for name, entry in self._scan(roots).items()
            if any(entry.path.is_relative_to(path) for path in fresh)
        )
        return self._change(Change(fresh, included=inside), progress)

    def remove(self, name: str) -> SyncReport:
        """Take a document out of the library for good; its file is not touched.

        Raises:
            LibraryError: No document of that name.
        """
        base = self.snapshot()
        names = {record.name for record in base.documents()}
        if name not in names:
            raise LibraryError(
                f"{name}: found no such document in the library, expected one of {len(names)} "
                "names; run: citespan library"
            )
        return self._change(Change(excluded=frozenset({name})), None)

    def _change(
        self,
        change: Change,
        progress: Callable[[Progress], None] | None,
        *,
        dry_run: bool = False,
        rebuild: bool = False,
    ) -> SyncReport:
        started = time.monotonic()
        # Without the lock first: a library that is up to date can be used while it is written.
        base = None if rebuild else self.snapshot()
        roots, excluded = self._to_be_made_of(base, change)
        planned = self._plan(roots, excluded, base)
        if dry_run or (base and not self._stale(planned, base, roots, excluded)):
            if base and base.manifest and not dry_run:
                self._store.tidy(base.manifest)
                self._fill_milvus(base)
            generation = base.generation if base else 0
            seconds = time.monotonic() - started
            return replace(planned.report, generation=generation, seconds=seconds)
        with self._store.lock():
            held = None if rebuild else self.snapshot()
            before = (roots, excluded)
            # Read again: what others added or removed between the two looks is to stay so.
            roots, excluded = self._to_be_made_of(held, change)
            if held is not base or (roots, excluded) != before:
                planned = self._plan(roots, excluded, held)
            try:
                report = self._build(planned, held, roots, excluded, progress)
            except (OSError, sqlite3.Error) as error:
                # On a full disk, what could be made again is worth less than the space.
                with contextlib.suppress(OSError):
                    self._store.drop_pending()
                raise self._store.unwritable(error) from error
        return replace(report, seconds=time.monotonic() - started)

    def _plan(
        self, roots: tuple[Path, ...], excluded: tuple[str, ...], base: Snapshot | None
    ) -> Plan:
        entries = self._scan(roots)
        for name in excluded:
            entries.pop(name, None)
        return plan(entries, base)

    def _scan(self, roots: tuple[Path, ...]) -> dict[str, scan.Entry]:
        """Return the files on disk by name; what libraries store is never a document."""
        return scan.scan(scan.label(roots), without=self.folder.parent.resolve())

    def _stale(
        self, planned: Plan, base: Snapshot, roots: tuple[Path, ...], excluded: tuple[str, ...]
    ) -> bool:
        manifest = base.manifest
        if planned.stale or manifest is None:
            return True
        built_with = (manifest.chunk_size, manifest.chunk_overlap)
        made = (manifest.roots, manifest.excluded)
        return built_with != self._chunking or made != (_strings(roots), excluded)

    def _build(
        self,
        planned: Plan,
        base: Snapshot | None,
        roots: tuple[Path, ...],
        excluded: tuple[str, ...],
        progress: Callable[[Progress], None] | None,
    ) -> SyncReport:
        if self._milvus:
            self._milvus.client()  # or there is no point in building
        with self._store.aside() as folder:
            builder = Builder(
                folder,
                base,
                embedder=partial(self._fanned_out, base.manifest if base else None),
                pending=self._store.pending,
                chunking=self._chunking,
                progress=progress,
            )
            built, files = builder.build(planned)
            manifest = Manifest(
                generation=self._store.next_generation(),
                schema=SCHEMA,
                embedder=built.embedder,
                dim=built.dim,
                chunk_size=self._chunking[0],
                chunk_overlap=self._chunking[1],
                documents=built.documents,
                chunks=built.chunks,
                synced=datetime.now(UTC).isoformat(timespec="seconds"),
                name=self.name or (base.manifest.name if base and base.manifest else ""),
                roots=_strings(roots),
                excluded=excluded,
                files=describe(folder),
            )
            with self._in_milvus(folder, manifest, base):
                self._store.commit(folder, manifest)
        self._store.sweep(manifest)
        before = base.catalog.files() if base and base.catalog else {}
        return replace(compare(before, files), generation=manifest.generation)

    def _in_milvus(
        self, folder: Path, manifest: Manifest, base: Snapshot | None
    ) -> contextlib.AbstractContextManager[None]:
        """Write a generation to Milvus, if there is one, around its switch."""
        if self._milvus is None:
            return contextlib.nullcontext()
        held = (base.manifest, base.catalog) if base and base.manifest and base.catalog else None
        return self._milvus.switch(folder, manifest, held)

    def _fill_milvus(self, base: Snapshot) -> None:
        """Write the current generation to Milvus, if there is one that does not hold it."""
        if self._milvus is None or base.manifest is None or base.catalog is None:
            return
        if base.vectors is None or self._milvus.serves(base.manifest):
            return
        with contextlib.suppress(LibraryLocked), self._store.lock():
            if self._store.current() == base.manifest:
                self._milvus.fill((base.manifest, base.catalog), base.vectors.reconstruct)

    def verify(self, *, repair: bool = False) -> VerifyReport:
        """Check the stored library, from checksums to spans and leftovers.

        Args:
            repair: When anything is wrong, build the library again from the documents and remove
                every other file from its folder.

        Raises:
            LibraryCorrupt: A stored file is missing, truncated or changed, and is not repaired.
            LibraryMismatch: It was built by another version or embedder, and is not repaired.
        """
        try:
            report = self._inspect()
        except (LibraryCorrupt, LibraryMismatch) as error:
            if not repair:
                raise
            report = VerifyReport(0, 0, (str(error),))
        if not repair or report:
            return report
        self.sync(rebuild=True)
        remove_leftovers(self._store)
        return replace(self._inspect(), repaired=report.problems)

    def _inspect(self) -> VerifyReport:
        """Check the generation on disk, and in Milvus where that is searched."""
        snapshot = self._reloaded()
        report = inspect(snapshot, self._store)
        if self._milvus is None or snapshot.manifest is None:
            return report
        found = self._milvus.problems(snapshot.manifest)
        return replace(report, problems=(*report.problems, *found))

    def _reloaded(self) -> Snapshot:
        """Return the current generation read anew: since it was loaded the disk may differ."""
        with self._loading:
            self._snapshot = None
            return self.snapshot()

    def search(self, question: str, k: int = 12, filters: Filter | None = None) -> list[Passage]:
        """Return the `k` passages that fit a question best, best first."""
        return self.snapshot().search(question, k, filters)

    def search_many(
        self, questions: Sequence[str], k: int = 12, filters: Filter | None = None
    ) -> list[list[Passage]]:
        """Search for several questions; they are embedded in one batch."""
        return self.snapshot().search_many(questions, k, filters)

    def document(self, name: str) -> Document:
        """Return a document as it was indexed, not as its file is now.

        Raises:
            LibraryError: No document of that name was indexed.
        """
        return self.snapshot().document(name)

    def documents(self) -> list[DocumentRecord]:
        """Return what is known of every file, by name."""
        return self.snapshot().documents()

    def rectangles(self, name: str, start: int, end: int) -> list[Rectangle]:
        """Return where on its pages a PDF says characters `start` to `end`.

        Returns:
            In reading order; empty when the document is no PDF.

        Raises:
            LibraryError: No such document, or its file is not what was indexed any more.
            DocumentError: The file cannot be read.
        """
        document = self.document(name)
        if document.format != "pdf":
            return []
        with ParserProcess() as parser:
            return rectangles(document, self.source(name), start, end, parser)

    def source(self, name: str) -> bytes:
        """Return the bytes of a document's file, which are those that were indexed.

        Raises:
            LibraryError: No such document, or its file is not what was indexed any more.
            DocumentError: The file cannot be read.
        """
        sha256 = self.document(name).sha256
        roots, _ = made_of(self.snapshot().manifest, self._roots)
        entry = self._scan(roots).get(name)
        data = read_bytes(entry.path) if entry else b""
        if hashlib.sha256(data).hexdigest() != sha256:
            raise LibraryError(
                f"{name}: found another content than the one indexed, expected the same file; "
                f"run: {index_command(self.folder, _strings(roots))}"
            )
        return data

    def watch(self, stop: threading.Event | None = None) -> Iterator[SyncReport]:
        """Sync now and whenever a file changes, until `stop` is set; yield each report.

        Changes that come close together are taken in together. While another process writes, its
        end is waited for.
        """
        roots, _ = made_of(self._surviving(), self._roots)
        for root in roots:
            scan.is_folder(root)  # or there is nothing to watch
        # Watched before the first sync, or what changes during it would go unnoticed.
        first = due = True
        for changed in changes(roots, self.folder.parents[1].resolve(), stop):
            due = due or changed
            with contextlib.suppress(LibraryLocked):
                report = self.sync() if due else None
                due = False
                if report is not None and (report or first):
                    first = False
                    yield report

    def close(self) -> None:
        """Let go of the stored files; snapshots given out stay usable until they are dropped."""
        with self._loading:
            self._snapshot = None
        if self._milvus:
            self._milvus.close()

    def _embedder(self, manifest: Manifest | None) -> Embedder:
        """Return the embedder, made at the first call, if it is the one of this generation."""
        with self._loading:
            if self._made is None:
                self._made = self._make()
        if manifest is not None:
            self._check_embedder(manifest)
            self._check_dimension(manifest, self._made)
        return self._made

    def _fanned_out(self, manifest: Manifest | None) -> Embedder:
        """Return the embedder that a generation is built with."""
        embedder = self._embedder(manifest)
        return FannedOut(embedder, self.workers) if self.workers else embedder

    def _check_embedder(self, manifest: Manifest) -> None:
        """Refuse vectors of another embedder, as far as the embedder is known yet."""
        made = self._made
        if made is None or not manifest.chunks or made.name == manifest.embedder:
            return
        raise LibraryMismatch(
            f"{self.folder}: found vectors of embedder {manifest.embedder!r}, expected "
            f"{made.name!r}; run: {index_command(self.folder, manifest.roots, rebuild=True)}, or "
            f"set CITESPAN_EMBEDDER={manifest.embedder}"
        )

    def _check_dimension(self, manifest: Manifest, embedder: Embedder) -> None:
        """Refuse an embedder whose vectors cannot be compared with the stored ones."""
        if manifest.chunks and manifest.dim != embedder.dim:
            raise LibraryMismatch(
                f"{self.folder}: found vectors of dimension {manifest.dim}, expected "
                f"{embedder.dim} as embedder {embedder.name!r} makes them; run: "
                f"{index_command(self.folder, manifest.roots, rebuild=True)}"
            )

    def _outdated(self) -> bool:
        """Tell whether the vectors are of an embedder that was shipped before this one."""
        manifest = self._surviving()
        if manifest is None or not manifest.chunks or manifest.embedder not in FORMER:
            return False
        return self._embedder(None).name == SHIPPED

    def _to_be_made_of(
        self, base: Snapshot | None, change: Change
    ) -> tuple[tuple[Path, ...], tuple[str, ...]]:
        """Return roots and names removed by hand as a change leaves them.

        Args:
            base: The generation that is changed; None for a rebuild, which asks what survives.
            change: The change.

        Raises:
            LibraryError: A rebuild finds nothing that says what the library is made of.
        """
        manifest = base.manifest if base is not None else self._surviving()
        roots, excluded = made_of(manifest, self._roots, change)
        if base is None and not roots:
            raise LibraryError(
                f"{self.folder}: found nothing that says what it is made of, expected documents; "
                f"run: citespan index --rebuild --library {self.name} with their path"
            )
        return roots, excluded

    def _surviving(self) -> Manifest | None:
        """Return the manifest if it can still be read, whatever else is damaged."""
        try:
            return self._store.current()
        except LibraryError:
            return None


def _strings(paths: Sequence[Path]) -> tuple[str, ...]:
    return tuple(str(path) for path in paths)
