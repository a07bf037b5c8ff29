r"""A file in, a `Document` out: canonical text, its pages and headings, the file's hash.

Canonical text is what every offset in Citespan counts in: Unicode NFC, line ends as `\n`. It is
made once, here, and stored; nothing later rewrites it.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import unicodedata
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from index.errors import DocumentError, DocumentTooLarge, UnreadableDocument, UnsupportedFormat

MAX_FILE_BYTES = 200 * 1024 * 1024
SUFFIXES = {
    "": "text",
    ".txt": "text",
    ".text": "text",
    ".log": "text",
    ".rst": "text",
    ".adoc": "text",
    ".tex": "text",
    ".md": "markdown",
    ".markdown": "markdown",
    ".mdown": "markdown",
}

_BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---(?=\n|\Z)", re.DOTALL)
# Control characters that no text file has; white space and the \x1b of colour codes may stand.
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_DETECTION_SAMPLE = 256 * 1024


@dataclass(frozen=True, slots=True)
class Page:
    """One page: 1-based number, and its characters of the canonical text."""

    number: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Heading:
    """One heading: its words, its level (1 is the highest), and its characters in the text."""

    text: str
    level: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Document:
    r"""The canonical text of one file.

    Attributes:
        name: POSIX path inside the folder it was indexed from; the file name of a single file.
        text: Canonical text: NFC, `\n` line ends.
        sha256: Hash of the file's bytes, hexadecimal.
        format: `text`, `markdown`, …
        pages: In order, where the format has pages.
        headings: In order, where the format has headings.
        encoding: The encoding that was found, where the format has one.
        note: A remark for the person whose file it is ("encoding guessed …"), or None.
    """

    name: str
    text: str
    sha256: str
    format: str
    pages: tuple[Page, ...] = ()
    headings: tuple[Heading, ...] = ()
    encoding: str | None = None
    note: str | None = None

    def page_at(self, position: int) -> int | None:
        """Return the 1-based page that character `position` stands on, or None."""
        at = bisect_right(self.pages, position, key=lambda page: page.start)
        return self.pages[at - 1].number if at else None

    def heading_at(self, position: int) -> str | None:
        """Return the nearest heading at or above character `position`, or None."""
        at = bisect_right(self.headings, position, key=lambda heading: heading.start)
        return self.headings[at - 1].text if at else None


@dataclass(frozen=True, slots=True)
class Content:
    """What a loader makes of a file's bytes; `Document` without the file's name and hash."""

    text: str
    pages: tuple[Page, ...] = ()
    headings: tuple[Heading, ...] = ()
    encoding: str | None = None
    note: str | None = None


def load(path: Path, name: str | None = None) -> Document:
    """Read one file.

    Args:
        path: The file.
        name: The document's name; the file's name when not given.

    Raises:
        UnsupportedFormat: The suffix has no loader.
        UnreadableDocument: The file is missing, binary, broken, or has no text.
        DocumentTooLarge: The file is over `MAX_FILE_BYTES`.
    """
    name = name or path.name
    format_of(name)
    return parse(read_bytes(path), name)


def format_of(name: str) -> str:
    """Return the format of a file by its suffix.

    Raises:
        UnsupportedFormat: The suffix has no loader.
    """
    suffix = PurePosixPath(name).suffix.lower()
    if suffix not in SUFFIXES:
        known = " ".join(sorted(key for key in SUFFIXES if key))
        raise UnsupportedFormat(
            f"{name}: found a {suffix!r} file, expected one of {known}; "
            "convert it to one of these, or list it in .citespanignore"
        )
    return SUFFIXES[suffix]


def read_bytes(path: Path) -> bytes:
    """Return a regular file's bytes, all of one moment.

    Raises:
        UnreadableDocument: Missing, not permitted, not a regular file, or changed while read.
        DocumentTooLarge: The file is over `MAX_FILE_BYTES`.
    """
    try:
        # Not blocking, so that a pipe in the folder cannot hold up the others.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise UnreadableDocument(f"{path.name}: could not be opened ({_reason(error)})") from error
    try:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            raise UnreadableDocument(f"{path.name}: not a regular file")
        if before.st_size > MAX_FILE_BYTES:
            raise DocumentTooLarge(
                f"{path.name}: found {before.st_size:,} bytes, expected at most "
                f"{MAX_FILE_BYTES:,}; split the file"
            )
        with open(descriptor, "rb", closefd=False) as file:
            data = file.read(before.st_size + 1)
        after = os.fstat(descriptor)
    except OSError as error:
        raise UnreadableDocument(f"{path.name}: could not be read ({_reason(error)})") from error
    finally:
        os.close(descriptor)
    if len(data) != before.st_size or before.st_mtime_ns != after.st_mtime_ns:
        raise UnreadableDocument(f"{path.name}: changed while it was being read; sync again")
    return data


def parse(data: bytes, name: str) -> Document:
    """Make a document of a file's bytes.

    Raises:
        UnsupportedFormat: The suffix has no loader.
        UnreadableDocument: The bytes are not what the suffix promises, or hold no text.
    """
    format = format_of(name)
    content = _LOADERS[format](data, name)
    if not content.text.strip():
        raise UnreadableDocument(f"{name}: no text in it")
    return Document(
        name=name,
        text=content.text,
        sha256=hashlib.sha256(data).hexdigest(),
        format=format,
        pages=content.pages,
        headings=content.headings,
        encoding=content.encoding,
        note=content.note,
    )


def canonical(text: str) -> str:
    r"""Return text as NFC with `\n` line ends."""
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))


def decode(data: bytes, name: str) -> tuple[str, str, str | None]:
    """Decode bytes of text.

    A byte order mark decides; then strict UTF-8; then charset-normalizer, whose finding is said
    in the note so that it is never a silent guess.

    Returns:
        The text (not yet canonical), the encoding, and a note or None.

    Raises:
        UnreadableDocument: The bytes are not text.
    """
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            try:
                return _textual(data.decode(encoding), name), encoding.removesuffix("-sig"), None
            except UnicodeDecodeError as error:
                raise UnreadableDocument(
                    f"{name}: starts as {encoding} but breaks at byte {error.start}"
                ) from error
    try:
        return _textual(data.decode("utf-8"), name), "utf-8", None
    except UnicodeDecodeError as error:
        if b"\x00" in data:
            raise UnreadableDocument(f"{name}: binary data, no text (NUL bytes found)") from error
    encoding, text = _detect(data, name)
    return _textual(text, name), encoding, f"encoding detected as {encoding}; not declared"


def _detect(data: bytes, name: str) -> tuple[str, str]:
    from charset_normalizer import from_bytes

    best = from_bytes(data[:_DETECTION_SAMPLE]).best()
    if best is None:
        raise UnreadableDocument(f"{name}: binary data, no text (no encoding fits)")
    try:
        return best.encoding, data.decode(best.encoding)
    except (UnicodeDecodeError, LookupError) as error:
        raise UnreadableDocument(
            f"{name}: looks like {best.encoding} but does not decode; save it as UTF-8"
        ) from error


def _textual(text: str, name: str) -> str:
    found = _CONTROL.search(text)
    if found:
        raise UnreadableDocument(
            f"{name}: binary data, no text (control character U+{ord(found[0]):04X} "
            f"at {found.start()})"
        )
    return text


def _load_text(data: bytes, name: str) -> Content:
    text, encoding, note = decode(data, name)
    return Content(canonical(text), encoding=encoding, note=note)


def _load_markdown(data: bytes, name: str) -> Content:
    content = _load_text(data, name)
    return Content(
        content.text,
        headings=markdown_headings(content.text),
        encoding=content.encoding,
        note=content.note,
    )


def markdown_headings(text: str) -> tuple[Heading, ...]:
    """Return the headings of Markdown source; each spans its source lines."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark")
    # Inline markup is not looked into: only where the headings stand matters.
    parser.core.ruler.enableOnly(["normalize", "block"])
    # A YAML preamble would read as a heading underlined with dashes; its lines are kept, emptied.
    source = _FRONT_MATTER.sub(lambda found: "\n" * found[0].count("\n"), text)
    starts = [0]
    starts.extend(found.end() for found in re.finditer("\n", text))
    starts.append(len(text) + 1)
    tokens = parser.parse(source)
    headings = []
    for opening, inline in zip(tokens, tokens[1:], strict=False):
        if opening.type == "heading_open" and opening.map and inline.content.strip():
            first, last = opening.map
            start, end = starts[first], min(starts[last] - 1, len(text))
            words = " ".join(inline.content.split())
            headings.append(Heading(words, int(opening.tag[1:]), start, end))
    return tuple(headings)


_LOADERS: dict[str, Callable[[bytes, str], Content]] = {
    "text": _load_text,
    "markdown": _load_markdown,
}


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error)


__all__ = [
    "Content",
    "Document",
    "DocumentError",
    "Heading",
    "Page",
    "canonical",
    "decode",
    "format_of",
    "load",
    "markdown_headings",
    "parse",
    "read_bytes",
]
