r"""What a loader makes of a file's bytes: canonical text with its pages, headings and cells.

Canonical text is what every offset in Citespan counts in: Unicode NFC, line ends as `\n`. It is
made once and stored; nothing later rewrites it.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Page:
    """One page (or slide): 1-based number, and its characters of the canonical text."""

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
class Rows:
    """Table rows, one a line, cells apart by tabs: numbered from `first` line by line.

    Attributes:
        start: First character of the first row.
        end: One past the last character of the last row.
        first: 1-based number of the first row in its sheet.
        sheet: Name of the sheet, or None where the format has none.
    """

    start: int
    end: int
    first: int
    sheet: str | None


@dataclass(frozen=True, slots=True)
class Content:
    """Canonical text and what is known of its places; a `Document` without name and hash."""

    text: str
    pages: tuple[Page, ...] = ()
    headings: tuple[Heading, ...] = ()
    rows: tuple[Rows, ...] = ()
    encoding: str | None = None
    note: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "text": self.text,
            "pages": [[p.number, p.start, p.end] for p in self.pages],
            "headings": [[h.text, h.level, h.start, h.end] for h in self.headings],
            "rows": [[r.start, r.end, r.first, r.sheet] for r in self.rows],
            "encoding": self.encoding,
            "note": self.note,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Content:
        """Return the content that `to_json` was called on."""
        return cls(
            text=data["text"],
            pages=tuple(Page(*page) for page in data["pages"]),
            headings=tuple(Heading(*heading) for heading in data["headings"]),
            rows=tuple(Rows(*rows) for rows in data["rows"]),
            encoding=data["encoding"],
            note=data["note"],
        )


@dataclass(slots=True)
class ContentBuilder:
    """Puts canonical text together block by block and keeps the places.

    Blocks end with a line end, and NFC never composes across one, so that the whole is canonical
    when each block is.
    """

    pieces: list[str] = field(default_factory=list)
    length: int = 0
    pages: list[Page] = field(default_factory=list)
    headings: list[Heading] = field(default_factory=list)
    rows: list[Rows] = field(default_factory=list)

    def add(self, text: str, gap: str = "\n\n") -> tuple[int, int]:
        """Append a block after a gap and return its place."""
        block = canonical(text).strip("\n")
        if self.length and block:
            self._put(gap)
        start = self.length
        self._put(block)
        return start, self.length

    def add_heading(self, text: str, level: int) -> None:
        """Append a heading."""
        words = " ".join(text.split())
        if words:
            start, end = self.add(words)
            self.headings.append(Heading(canonical(words), level, start, end))

    def add_page(self, text: str) -> tuple[int, int]:
        """Append a page, which may be empty."""
        start, end = self.add(text)
        self.pages.append(Page(len(self.pages) + 1, start, end))
        return start, end

    def add_rows(self, lines: list[str], first: int, sheet: str | None) -> None:
        """Append table rows, one a line; the lines hold no line ends."""
        if self.length:
            self._put("\n")
        start = self.length
        self._put(canonical("\n".join(lines)))
        self.rows.append(Rows(start, self.length, first, sheet))

    def build(self, note: str | None = None, encoding: str | None = None) -> Content:
        """Return what was put together."""
        return Content(
            text="".join(self.pieces),
            pages=tuple(self.pages),
            headings=tuple(self.headings),
            rows=tuple(self.rows),
            encoding=encoding,
            note=note,
        )

    def _put(self, text: str) -> None:
        self.pieces.append(text)
        self.length += len(text)


def canonical(text: str) -> str:
    r"""Return text as NFC with `\n` line ends."""
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
