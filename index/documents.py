r"""A file in, a `Document` out: canonical text, its pages and headings, the file's hash.

Text and Markdown are read here; every other format by `index/formats`, in a process of its own
(`index/isolation.py`), so that a hostile file can cost its own answer and nothing else.
"""

from __future__ import annotations

import hashlib
import os
import stat
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from index.content import Content, Heading, Page, Rows
from index.errors import DocumentTooLarge, UnreadableDocument, UnsupportedFormat
from index.formats.plain import load_markdown, load_text
from index.isolation import ParserProcess

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
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".pdf": "pdf",
    ".docx": "docx",
    ".pptx": "pptx",
    ".epub": "epub",
    ".csv": "csv",
    ".tsv": "csv",
    ".xlsx": "xlsx",
    ".eml": "eml",
}


@dataclass(frozen=True, slots=True)
class Document:
    r"""The canonical text of one file.

    Attributes:
        name: POSIX path inside the folder it was indexed from; the file name of a single file.
        text: Canonical text: NFC, `\n` line ends.
        sha256: Hash of the file's bytes, hexadecimal.
        format: `text`, `markdown`, `html`, `pdf`, `docx`, `pptx`, `epub`, `csv`, `xlsx` or `eml`.
        pages: In order, where the format has pages (PDF) or slides (PPTX).
        headings: In order, where the format has headings.
        rows: In order, where the format has cells.
        encoding: The encoding that was found, where the format has one.
        note: A remark for the person whose file it is ("encoding detected as …"), or None.
    """

    name: str
    text: str
    sha256: str
    format: str
    pages: tuple[Page, ...] = ()
    headings: tuple[Heading, ...] = ()
    rows: tuple[Rows, ...] = ()
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

    def cell_at(self, position: int) -> str | None:
        """Return the coordinates of the cell at `position` (`Prices!B7`, `B7`), or None."""
        at = bisect_right(self.rows, position, key=lambda rows: rows.start)
        if not at or position >= self.rows[at - 1].end:
            return None
        rows = self.rows[at - 1]
        before = self.text[rows.start : position]
        row = rows.first + before.count("\n")
        column = before.rpartition("\n")[2].count("\t")
        place = f"{_letters(column)}{row}"
        return f"{rows.sheet}!{place}" if rows.sheet else place


def load(path: Path, name: str | None = None) -> Document:
    """Read one file.

    Args:
        path: The file.
        name: The document's name; the file's name when not given.

    Raises:
        UnsupportedFormat: The suffix has no loader.
        UnreadableDocument: The file is missing, binary, broken, or has no text.
        DocumentTooLarge: The file, or what it unpacks to, is over the limit.
    """
    name = name or path.name
    format_of(name)
    return parse(read_bytes(Path(os.path.realpath(path))), name)


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
        # Not blocking, so that a pipe in the folder cannot hold up the others. The path has been
        # resolved: a link that stands there now would lead elsewhere.
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags)
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


def parse(data: bytes, name: str, parser: ParserProcess | None = None) -> Document:
    """Make a document of a file's bytes.

    Args:
        data: The file's bytes.
        name: The document's name; its suffix tells the format.
        parser: Parses other formats than text and Markdown; one of its own when not given.

    Raises:
        UnsupportedFormat: The suffix has no loader.
        UnreadableDocument: The bytes are not what the suffix promises, or hold no text.
        DocumentTooLarge: What they unpack to is over the limit.
    """
    format = format_of(name)
    content = _content(data, name, format, parser)
    if not content.text.strip():
        raise UnreadableDocument(f"{name}: no text in it")
    return Document(
        name=name,
        text=content.text,
        sha256=hashlib.sha256(data).hexdigest(),
        format=format,
        pages=content.pages,
        headings=content.headings,
        rows=content.rows,
        encoding=content.encoding,
        note=content.note,
    )


def _content(data: bytes, name: str, format: str, parser: ParserProcess | None) -> Content:
    if format == "text":
        return load_text(data, name)
    if format == "markdown":
        return load_markdown(data, name)
    if parser is not None:
        return parser.parse(data, name, format)
    with ParserProcess() as own:
        return own.parse(data, name, format)


def _letters(column: int) -> str:
    """Return the letters of a 0-based column: A to Z, then AA."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error)
