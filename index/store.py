"""The library on disk: numbered generations, one switch, one writer.

```
<library>/
├── CURRENT                     "<generation> <sha256 of its manifest>"; replaced in one step
├── lock                        held with flock while writing; a dead writer's lock vanishes
├── pending.sqlite              vectors embedded for a generation that is not finished yet
└── generations/<n>/
    ├── manifest.json           sha256 and size of the others, and what they were built with
    ├── catalog.sqlite
    ├── vectors.faiss           exact
    └── quantised.faiss         an index of the same vectors, when there are many
```

A generation is written aside as a whole, made durable, and then switched to. Whatever a crash
leaves is either the old generation or the new one. Every byte is verified from `CURRENT` down
before it is used, and nothing is ever unpickled.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from index.errors import (
    LibraryCorrupt,
    LibraryError,
    LibraryLocked,
    LibraryMismatch,
    LibraryUnwritable,
)
from index.pending import PendingVectors

SCHEMA = 2
CATALOG = "catalog.sqlite"
VECTORS = "vectors.faiss"
QUANTISED = "quantised.faiss"
# Roots added to a library that are looked for, in the command that an error names.
_ADDED = 50
_CURRENT = re.compile(r"([1-9][0-9]{0,17}) ([0-9a-f]{64})\n")


@dataclass(frozen=True, slots=True)
class StoredFile:
    """Hash and size of a stored file."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a generation was built from and with.

    Attributes:
        generation: Its number, from 1.
        schema: Version of the layout.
        embedder: Name of the embedder; empty when nothing was embedded.
        dim: Length of a vector.
        chunk_size: Longest chunk, characters.
        chunk_overlap: Characters that neighbouring chunks share, at most.
        documents: Documents stored.
        chunks: Chunks stored, and vectors.
        synced: When it was built, ISO 8601, UTC.
        name: The library's name; empty when it goes by its paths.
        roots: The folders and files it was built from.
        excluded: Names removed by hand; a sync leaves them out.
        files: The other files of the generation.
    """

    generation: int
    schema: int
    embedder: str
    dim: int
    chunk_size: int
    chunk_overlap: int
    documents: int
    chunks: int
    synced: str
    name: str
    roots: tuple[str, ...]
    excluded: tuple[str, ...]
    files: dict[str, StoredFile]

    def to_bytes(self) -> bytes:
        """Return the manifest as JSON."""
        return json.dumps(asdict(self), indent=2, sort_keys=True).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Manifest:
        """Read a manifest whose hash has been verified."""
        values = json.loads(data)
        values["roots"] = tuple(values["roots"])
        values["excluded"] = tuple(values["excluded"])
        values["files"] = {name: StoredFile(**file) for name, file in values["files"].items()}
        return cls(**values)


class Store:
    """A library's folder."""

    def __init__(self, folder: Path) -> None:
        """Make the folder when it is not there.

        Raises:
            LibraryError: It cannot be made.
        """
        self.folder = folder
        self.generations = folder / "generations"
        try:
            make_private(self.generations)
        except OSError as error:
            raise LibraryError(
                f"{folder}: found no folder that can be written ({error.strerror}), expected one "
                "for the library; set CITESPAN_HOME to a writable folder"
            ) from error

    @property
    def pending(self) -> Path:
        """Return the path of the vectors that wait for their generation."""
        return self.folder / "pending.sqlite"

    def drop_pending(self) -> None:
        """Remove the vectors that wait for their generation."""
        for path in PendingVectors.files(self.pending):
            path.unlink(missing_ok=True)

    def path(self, manifest: Manifest, name: str) -> Path:
        """Return the path of a generation's file."""
        return self.generations / str(manifest.generation) / name

    def current(self) -> Manifest | None:
        """Return the manifest of the current generation, or None when there is none yet.

        Raises:
            LibraryCorrupt: `CURRENT` or the manifest is missing or not what was written.
            LibraryMismatch: The generation was written by another version of the layout.
        """
        while True:
            pointer = self._pointer()
            if pointer is None:
                return None
            number, digest = pointer
            path = self.generations / number / "manifest.json"
            try:
                data = read_verified(path, digest, None)
                break
            except LibraryCorrupt:
                # A writer may have switched and swept between the two reads.
                if self._pointer() == pointer:
                    raise
        schema = json.loads(data).get("schema")
        if schema != SCHEMA:
            raise LibraryMismatch(
                f"{path}: found schema version {schema}, expected {SCHEMA}; {_rebuild(path)}"
            )
        return Manifest.from_bytes(data)

    def _pointer(self) -> tuple[str, str] | None:
        """Return the current generation and the hash of its manifest, as `CURRENT` has them."""
        path = self.folder / "CURRENT"
        try:
            content = path.read_bytes().decode("ascii", "replace")
        except FileNotFoundError:
            # Generations without a pointer are of a first run that ended before its switch.
            return None
        found = _CURRENT.fullmatch(content)
        if not found:
            raise LibraryCorrupt(
                f"{path}: found {content[:80]!r}, expected a generation and a sha256; "
                f"{_rebuild(path)}"
            )
        return found[1], found[2]

    def read(self, manifest: Manifest, name: str) -> bytes:
        """Return a generation's file, verified.

        Raises:
            LibraryCorrupt: It is missing, truncated or changed.
        """
        expected = manifest.files[name]
        return read_verified(self.path(manifest, name), expected.sha256, expected.size)

    def verify(self, manifest: Manifest, name: str) -> Path:
        """Return the path of a generation's file after hashing it.

        Raises:
            LibraryCorrupt: It is missing, truncated or changed.
        """
        expected = manifest.files[name]
        path = self.path(manifest, name)
        try:
            with path.open("rb") as file:
                found = StoredFile(hashlib.file_digest(file, "sha256").hexdigest(), file.tell())
        except FileNotFoundError as error:
            raise LibraryCorrupt(f"{path}: missing; {_rebuild(path)}") from error
        if found != expected:
            raise _altered(path, found.size, expected.size)
        return path

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only writer.

        Raises:
            LibraryLocked: Another process or thread is writing.
            LibraryUnwritable: The folder cannot be written, as on a disk that is read-only.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        try:
            descriptor = os.open(self.folder / "lock", flags, 0o600)
        except OSError as error:
            raise self.unwritable(error) from error
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                owner = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
                raise LibraryLocked(
                    f"{self.folder}: process {owner or 'unknown'} is writing to this library, "
                    "expected no other writer; wait for it to finish and run the command again"
                ) from error
            # Only for the message above; on a full disk there is none to read.
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            yield
        finally:
            os.close(descriptor)

    def unwritable(self, error: Exception) -> LibraryUnwritable:
        """Return what to raise for an error that writing ended with."""
        why = getattr(error, "strerror", None) or str(error)
        return LibraryUnwritable(
            f"{self.folder}: could not be written ({why}); what it held before still answers; free "
            "space on its disk, or set CITESPAN_HOME to another, and run the command again"
        )

    @contextlib.contextmanager
    def aside(self) -> Iterator[Path]:
        """Give a folder to build a generation in; it is removed unless it was committed."""
        folder = Path(tempfile.mkdtemp(prefix="building-", dir=self.generations))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def commit(self, folder: Path, manifest: Manifest) -> None:
        """Make a generation built aside the current one, durably and in one step.

        Raises:
            OSError: It could not be written; what was current is current still, unless only the
                last flush failed.
        """
        write_durably(folder / "manifest.json", manifest.to_bytes())
        for name in manifest.files:
            sync_path(folder / name)
        sync_path(folder)
        target = self.generations / str(manifest.generation)
        # Left there by a crash between the rename and the switch.
        shutil.rmtree(target, ignore_errors=True)
        fresh = self.folder / "CURRENT.new"
        digest = hashlib.sha256(manifest.to_bytes()).hexdigest()
        try:
            os.rename(folder, target)
            sync_path(self.generations)
            write_durably(fresh, f"{manifest.generation} {digest}\n".encode())
            os.replace(fresh, self.folder / "CURRENT")
        except BaseException:
            # An interrupt may come after the switch; a pointer that is damaged was not put there.
            switched = False
            with contextlib.suppress(LibraryCorrupt):
                switched = self._pointer() == (str(manifest.generation), digest)
            if not switched:
                shutil.rmtree(target, ignore_errors=True)
            fresh.unlink(missing_ok=True)
            raise
        sync_path(self.folder)

    def sweep(self, keep: Manifest) -> None:
        """Remove every generation but `keep`, and what crashes left; the lock must be held.

        Readers keep what they have opened.
        """
        for entry in self._others(keep):
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)

    def tidy(self, keep: Manifest) -> None:
        """Sweep when there is anything to sweep, nobody is writing, and the folder can be."""
        if self._others(keep):
            with contextlib.suppress(LibraryLocked, LibraryUnwritable), self.lock():
                if self.current() == keep:
                    self.sweep(keep)

    def _others(self, keep: Manifest) -> list[Path]:
        """Return generations but `keep`, and files that a finished sync would have removed."""
        others = [path for path in self.generations.iterdir() if path.name != str(keep.generation)]
        passing = (self.folder / "CURRENT.new", *PendingVectors.files(self.pending))
        return others + [path for path in passing if path.exists()]

    def leftovers(self, manifest: Manifest) -> list[Path]:
        """Return what is on disk but of no use to the library; the lock must be held."""
        folder = self.generations / str(manifest.generation)
        expected = {folder / name for name in (*manifest.files, "manifest.json")}
        # What an interrupted sync has embedded is for the next one.
        passing = PendingVectors.files(self.pending)
        expected |= {self.folder / "CURRENT", self.folder / "lock", *passing}
        return sorted(
            path for path in self.folder.rglob("*") if path.is_file() and path not in expected
        )

    def next_generation(self) -> int:
        """Return a number above every generation on disk."""
        numbers = [int(entry.name) for entry in self.generations.iterdir() if entry.name.isdigit()]
        return max(numbers, default=0) + 1


def folder_name(roots: Sequence[Path]) -> str:
    """Return a readable, unique folder name for the library of these paths."""
    slug = re.sub(r"[^a-z0-9]+", "-", roots[0].stem.lower()).strip("-")[:40] or "documents"
    paths = "\0".join(sorted(str(root) for root in roots))
    return f"{slug}-{hashlib.sha256(paths.encode('utf-8', 'surrogateescape')).hexdigest()[:12]}"


def index_command(place: Path, roots: Sequence[str] = (), *, rebuild: bool = False) -> str:
    """Return the command that brings a library up to date, or builds it anew.

    Args:
        place: The library's folder, or a path inside it.
        roots: What it is made of, those it was opened with first; none when that is not known.
        rebuild: Build it anew.
    """
    command = "citespan index --rebuild" if rebuild else "citespan index"
    parents = (path for path in (place, *place.parents) if path.parent.name == "libraries")
    name = next(parents, place).name
    if name.startswith("@"):
        return f"{command} --library {name[1:]}"
    # Roots that were added later are no part of the name that it goes by; they are few.
    firsts = (roots[:count] for count in range(len(roots), max(0, len(roots) - _ADDED), -1))
    opened = next((some for some in firsts if folder_name([*map(Path, some)]) == name), None)
    return f"{command} {shlex.join(opened)}" if opened else f"{command} with the documents' path"


def _rebuild(place: Path) -> str:
    return f"run: {index_command(place, rebuild=True)}"


def make_private(folder: Path) -> None:
    """Make a folder, and its parents, that only its owner can enter."""
    missing = [folder, *folder.parents]
    for path in reversed([path for path in missing if not path.exists()]):
        path.mkdir(mode=0o700, exist_ok=True)


def write_durably(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read, and flush it to the disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def sync_path(path: Path) -> None:
    """Flush a file or a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def describe(folder: Path) -> dict[str, StoredFile]:
    """Return hash and size of each file of a generation that is being built, by name."""
    found = {}
    for name in (CATALOG, VECTORS, QUANTISED):
        if name == QUANTISED and not (folder / name).exists():
            continue
        with (folder / name).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            found[name] = StoredFile(digest, file.tell())
    return found


def read_verified(path: Path, sha256: str, size: int | None) -> bytes:
    """Return a file's bytes after checking them.

    Raises:
        LibraryCorrupt: The file is missing, truncated or changed.
    """
    try:
        if size is not None and path.stat().st_size != size:
            raise _altered(path, path.stat().st_size, size)
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise LibraryCorrupt(f"{path}: missing; {_rebuild(path)}") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise _altered(path, len(data), size)
    return data


def _altered(path: Path, found: int, expected: int | None) -> LibraryCorrupt:
    sizes = f" (found {found:,} bytes, expected {expected:,})" if expected is not None else ""
    return LibraryCorrupt(
        f"{path}: its checksum is not the one stored for it{sizes}; {_rebuild(path)}"
    )
