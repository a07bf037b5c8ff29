"""Files that a browser sent: checked, named safely, and put into the library's upload folder.

The upload route checks nothing but size, and what a browser says of a file (its name, where it
lies) is only what it says. So a file must lie in the upload route's own folder, be a regular file
of a kind that can be read, and gets a name without tricks.
"""

from __future__ import annotations

import re
import shutil
import stat
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from index.documents import MAX_FILE_BYTES, format_of
from index.errors import DocumentError, DocumentTooLarge, UnreadableDocument
from ui.render import UNSEEN

MAX_FILES = 2_000
MAX_FOLDERS = 8
MAX_NAME_BYTES = 120
QUOTA_BYTES = 5 * 1024**3
FORBIDDEN = re.compile(r'[<>:"|?*\\/]')


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one file that was sent.

    Attributes:
        name: Its name in the upload folder; the name it was sent with when it was refused.
        reason: Why it was refused, or None.
    """

    name: str
    reason: str | None = None


def safe_part(part: str) -> str:
    """Return one path part without control characters, tricks of other systems, or great length."""
    part = FORBIDDEN.sub("_", UNSEEN.sub("", unicodedata.normalize("NFC", part)))
    part = part.strip(" .") or "file"
    stem, dot, suffix = part.rpartition(".")
    if not dot or len(suffix) > 12:
        stem, suffix = part, ""
    ending = f".{suffix}" if suffix else ""
    room = MAX_NAME_BYTES - len(ending.encode())
    stem = stem.encode("utf-8", "replace")[:room].decode("utf-8", "ignore")
    return f"{stem}{ending}"


def safe_name(name: str) -> PurePosixPath:
    """Return a relative path, without `..`, of at most `MAX_FOLDERS` folders and a file."""
    parts = [part for part in re.split(r"[/\\]", name[:4096]) if part.strip(" .")]
    return PurePosixPath(*(safe_part(part) for part in parts[-MAX_FOLDERS - 1 :] or ["file"]))


def check(path: Path, name: PurePosixPath, received: Path) -> int:
    """Return the size of a received file that may be taken, bytes.

    Raises:
        UnreadableDocument: It does not lie where uploads are received, or is not a regular file.
        UnsupportedFormat: Its kind has no loader.
        DocumentTooLarge: It is over the limit.
    """
    try:
        found = path.lstat()
        inside = path.resolve(strict=True).is_relative_to(received.resolve(strict=True))
    except (OSError, ValueError):
        inside = False
    if not inside or not stat.S_ISREG(found.st_mode):
        raise UnreadableDocument(f"{name}: was not received as an upload; send it again")
    format_of(str(name))
    if found.st_size > MAX_FILE_BYTES:
        raise DocumentTooLarge(
            f"{name}: has {found.st_size:,} bytes, at most {MAX_FILE_BYTES:,} are read"
        )
    return found.st_size


def held(folder: Path) -> int:
    """Return how many bytes the files in a folder take."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def free_place(folder: Path, name: PurePosixPath, source: Path) -> Path:
    """Return where to put a file: its own name, or a numbered one when another file has that."""
    place = folder / name
    number = 2
    while place.exists() and place.read_bytes() != source.read_bytes():
        place = folder / name.with_name(f"{name.stem} ({number}){name.suffix}")
        number += 1
    return place


def take(files: Iterable[tuple[str, str]], received: Path, folder: Path) -> list[Sent]:
    """Move received files into the upload folder; each is taken or refused by itself.

    Equal files of one name, of two folders, are received at one place; each is taken.

    Args:
        files: (path of the received file, name it was sent with), both as the browser says.
        received: The folder in which the upload route puts files.
        folder: The library's upload folder.
    """
    result: list[Sent] = []
    moved: dict[str, Path] = {}
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    used = held(folder)
    for number, (path, said) in enumerate(files):
        name = safe_name(said)
        try:
            if number >= MAX_FILES:
                raise UnreadableDocument(f"{name}: at most {MAX_FILES:,} files are taken at once")
            source = moved.get(path, Path(path))
            size = check(source, name, folder if path in moved else received)
            if used + size > QUOTA_BYTES:
                raise DocumentTooLarge(
                    f"{name}: uploads hold {used:,} bytes, at most {QUOTA_BYTES:,}; remove some"
                )
            place = free_place(folder, name, source)
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if path not in moved:
                moved[path] = Path(shutil.move(path, place))
            elif place != source:
                shutil.copyfile(source, place)
            place.chmod(0o600)
            used += size
            result.append(Sent(place.relative_to(folder).as_posix()))
        except DocumentError as error:
            result.append(Sent(str(name), str(error)))
        except OSError as error:
            result.append(Sent(str(name), f"{name}: could not be kept ({error.strerror})"))
    return result
