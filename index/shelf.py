"""Many libraries under one home: where each stands, and what there is."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from index.errors import LibraryError
from index.store import Manifest, Store, folder_name

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class LibraryRecord:
    """One library of a home.

    Attributes:
        name: Its name; empty when it goes by its paths.
        folder: Where it is stored.
        manifest: What its current generation was built from and with; None when that is damaged
            or there is none yet.
        problem: Why the manifest cannot be read, or None.
        size: Bytes on disk.
    """

    name: str
    folder: Path
    manifest: Manifest | None
    problem: str | None
    size: int


def folder(home: Path, roots: Sequence[Path], name: str | None) -> Path:
    """Return the folder of a library, by name or else by its paths.

    Raises:
        LibraryError: The name cannot be one, or neither name nor paths lead to a library.
    """
    libraries = home.expanduser() / "libraries"
    if name is None:
        if not roots:
            raise LibraryError("documents: found neither paths nor a name, expected one of them")
        return libraries / folder_name(roots)
    if not _NAME.fullmatch(name):
        raise LibraryError(
            f"library {name!r}: expected a name of letters, digits, dots, dashes and underscores, "
            "at most 64"
        )
    # Folders that go by paths never hold an "@".
    place = libraries / f"@{name}"
    if not roots and not place.is_dir():
        there = ", ".join(record.name for record in libraries_of(home) if record.name) or "none"
        raise LibraryError(
            f"library {name!r}: found no such library (there: {there}), expected one that was "
            "made with documents"
        )
    return place


def is_home(path: Path) -> bool:
    """Tell whether a folder is one that libraries are kept in."""
    libraries = path / "libraries"
    # Not `Path.is_dir`, which raises for a folder that may not be entered.
    return os.path.isdir(libraries) and any(libraries.glob("*/generations"))


def libraries_of(home: Path) -> list[LibraryRecord]:
    """Return every library under a home, by folder name."""
    places = home.expanduser() / "libraries"
    found = sorted(path for path in places.iterdir() if path.is_dir()) if places.is_dir() else []
    return [_describe(path) for path in found]


def _describe(path: Path) -> LibraryRecord:
    manifest, problem = None, None
    try:
        manifest = Store(path).current()
    except LibraryError as error:
        problem = str(error)
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return LibraryRecord(
        path.name[1:] if path.name[0] == "@" else "", path, manifest, problem, size
    )
