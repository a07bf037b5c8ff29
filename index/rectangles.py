"""From characters of a PDF's text to rectangles on its pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from index.documents import Document
from index.isolation import ParserProcess


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A part of a page, in points of the page's user space (origin lower left, y upwards)."""

    page: int
    left: float
    bottom: float
    right: float
    top: float


def rectangles(
    document: Document, data: bytes, start: int, end: int, parser: ParserProcess
) -> list[Rectangle]:
    """Return rectangles that cover characters `start` to `end`, one for each line or part of one.

    Args:
        document: The document as it was indexed.
        data: The bytes of the same file.
        start: First character.
        end: One past the last character.
        parser: Reads the pages again.

    Returns:
        In reading order; nothing for a page whose text is not what was indexed.

    Raises:
        DocumentError: The file cannot be read.
    """
    found: list[Rectangle] = []
    for page in document.pages:
        low, high = max(start, page.start), min(end, page.end)
        if low >= high:
            continue
        text, boxes = parser.page(data, document.name, page.number)
        if text == document.text[page.start : page.end]:
            inside = boxes[low - page.start : high - page.start]
            found.extend(Rectangle(page.number, *line) for line in _lines(inside))
    return found


def _lines(boxes: Sequence[Sequence[float]]) -> Iterator[tuple[float, float, float, float]]:
    """Join the boxes of neighbouring characters as long as they stand side by side."""
    held: list[float] | None = None
    for left, bottom, right, top in boxes:
        if right <= left or top <= bottom:
            # A space that PDFium adds, or a mark without an extent.
            continue
        if held and _beside(held, left, bottom, right, top):
            held = [held[0], min(held[1], bottom), max(held[2], right), max(held[3], top)]
            continue
        if held:
            yield held[0], held[1], held[2], held[3]
        held = [left, bottom, right, top]
    if held:
        yield held[0], held[1], held[2], held[3]


def _beside(held: list[float], left: float, bottom: float, right: float, top: float) -> bool:
    """Tell whether a box goes on where the held one ends, on the same line."""
    height = max(held[3] - held[1], top - bottom)
    overlap = min(held[3], top) - max(held[1], bottom)
    same_line = overlap > 0.3 * min(held[3] - held[1], top - bottom)
    return same_line and held[2] - height < left < held[2] + 2 * height and right > held[0]
