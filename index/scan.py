"""Which files a library is made of, by name, with what the file system says of each."""

from __future__ import annotations

import errno
import itertools
import os
import stat
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from index.errors import LibraryError
from index.ignore import IgnoreRules
from index.shelf import is_home

# What a name below a root says when there is nothing for us: it is gone since it was read, we may
# not look, no path is long enough, or links lead in a circle. Any other failure is the disk's, and
# must not read as "deleted".
_ABSENT = (
    *(errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM),
    *(errno.ENAMETOOLONG, errno.ELOOP),
)
# The latest time in ns that a catalog holds, of the year 2262; a file may have any.
_LATEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Root:
    """A folder or a file that a library is made of; `label` comes before its documents' names."""

    path: Path
    label: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A file on disk: where to read it, and what the file system says of it (times in ns, 64 bits).

    A place is a string: making a path of each took longer than looking at the file, and of a
    folder that has not changed none is read.
    """

    place: str
    size: int
    mtime_ns: int
    ctime_ns: int

    @property
    def path(self) -> Path:
        """Where to read it."""
        return Path(self.place)


def resolve(paths: Path | str | Sequence[Path | str]) -> tuple[Path, ...]:
    """Return absolute paths, without repeats and without what a given folder holds anyway.

    Raises:
        LibraryError: A path does not exist, or none is given.
    """
    given = [paths] if isinstance(paths, (str, Path)) else list(paths)
    if not given:
        raise LibraryError("documents: found no path, expected a folder or a file")
    found: dict[Path, None] = {}
    for path in given:
        try:
            resolved = Path(path).expanduser().resolve(strict=True)
        except (OSError, ValueError, RuntimeError) as error:
            raise LibraryError(
                f"{path}: found nothing there, expected a folder or a file of documents; "
                "give a path that exists: citespan index PATH"
            ) from error
        found[resolved] = None
    return tuple(path for path in found if not any(parent in found for parent in path.parents))


def holds(folder: Path, path: Path) -> bool:
    """Tell whether a scan of the folder comes to a path: nothing hidden, ignored or a home on it.

    Raises:
        LibraryError: The folder's ignore rules cannot be read.
    """
    if not path.is_relative_to(folder):
        return False
    between = path.relative_to(folder).parts
    rules = IgnoreRules(folder) if between else None
    for depth, part in enumerate(between, start=1):
        place = folder.joinpath(*between[:depth])
        name = "/".join(between[:depth])
        ignored = rules is not None and rules.ignores(name, folder=os.path.isdir(place))
        if part.startswith(".") or ignored or is_home(place):
            return False
    return True


def label(paths: Sequence[Path]) -> tuple[Root, ...]:
    """Give every root the label that keeps names apart: none for a folder that comes first.

    Names stay as they are when roots are added at the end.
    """
    taken: set[str] = set()
    roots: list[Root] = []
    for path in paths:
        label = "" if not roots and os.path.isdir(path) else path.name or "root"
        if label in taken:
            # Before the name, so that a file keeps its suffix.
            label = _free(label, taken)
        taken.add(label)
        roots.append(Root(path, label))
    return tuple(roots)


def scan(roots: Sequence[Root], without: Path | None = None) -> dict[str, Entry]:
    """Return every file under the roots by document name, in order of name.

    Hidden files and folders are left out, what `.citespanignore` says, and homes of libraries: what
    Citespan itself writes is no document. A symbolic link is followed only when it leads to a file
    inside the same folder; a link to a folder is not. An earlier root inside a later one is
    found once, as the earlier.

    Args:
        roots: Where to look.
        without: A folder that is left out even when its home is a root itself.

    Raises:
        LibraryError: A root is gone or cannot be read, or a folder fails to be listed, which must
            not read as "every document was deleted".
    """
    found: dict[str, Entry] = {}
    earlier: set[str] = set()
    for root in roots:
        if is_folder(root.path):
            before = f"{_printable(root.label)}/" if root.label else ""
            for name, entry in _walk(root.path, IgnoreRules(root.path), without, earlier):
                full = before + name
                found[_free(full, found) if full in found else full] = entry
        else:
            described = _describe(os.fspath(root.path))
            if described:
                found[_free(_printable(root.label), found)] = described
        earlier.add(os.fspath(root.path))
    return dict(sorted(found.items()))


def is_folder(root: Path) -> bool:
    """Tell whether a root is a folder.

    Raises:
        LibraryError: It is gone, or cannot be looked at.
    """
    try:
        return stat.S_ISDIR(os.stat(root).st_mode)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise LibraryError(
            f"{root}: found nothing there any more, expected the documents of this "
            "library; bring the folder back (is its disk mounted?) or index another path"
        ) from error
    except OSError as error:
        raise _unread(root, error) from error


def _unread(path: Path | str, error: OSError) -> LibraryError:
    return LibraryError(
        f"{path}: cannot be read ({error.strerror}), expected documents of this library; what was "
        "indexed before still answers; allow the reading (chmod u+rx), or see to its disk, and run "
        "the command again"
    )


def _free(name: str, taken: Container[str]) -> str:
    """Return the name, or one beside it when a folder of the first root is called like a root."""
    numbered = (f"~{number}/{name}" for number in itertools.count(2))
    return name if name not in taken else next(one for one in numbered if one not in taken)


def _walk(
    root: Path, rules: IgnoreRules, without: Path | None, earlier: Container[str]
) -> Iterator[tuple[str, Entry]]:
    """Yield names and entries below the root, but not those of earlier roots.

    Every question looks through the folder first, so that names are put together from strings:
    paths that are taken apart again made up half of the time.
    """
    folders = [] if without and root.is_relative_to(without) else [(root, "")]
    while folders:
        top, above = folders.pop()
        for child in _children(top, is_root=not above):
            name = above + _printable(child.name)
            folder = child.is_dir(follow_symlinks=False)
            if child.name.startswith(".") or rules.ignores(name, folder=folder):
                continue
            if child.path in earlier:
                continue
            if folder:
                path = Path(child.path)
                if path != without and not is_home(path):
                    folders.append((path, f"{name}/"))
                continue
            place = child.path
            if child.is_symlink():
                place = os.path.realpath(place)
                path = Path(place)
                if not path.is_relative_to(root) or (without and path.is_relative_to(without)):
                    continue
            entry = _describe(place)
            if entry:
                yield name, entry


def _children(folder: Path, *, is_root: bool) -> list[os.DirEntry[str]]:
    try:
        return list(os.scandir(folder))
    except OSError as error:
        if is_root or error.errno not in _ABSENT:
            raise _unread(folder, error) from error
        return []


def _describe(place: str) -> Entry | None:
    try:
        found = os.lstat(place)
    except OSError as error:
        if error.errno not in _ABSENT:
            raise _unread(place, error) from error
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return Entry(place, found.st_size, _kept(found.st_mtime_ns), _kept(found.st_ctime_ns))


def _kept(ns: int) -> int:
    return ns if -_LATEST < ns < _LATEST else max(-_LATEST, min(ns, _LATEST))


def _printable(name: str) -> str:
    """Return a name that is valid Unicode; bytes that are not UTF-8 are spelled out."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
