"""From characters of a PDF's text to rectangles on its pages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.documents import Document
from index.isolation import ParserProcess

_Boxes = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A part of a page, in points of the page's user space (origin lower left, y upwards).

    Attributes:
        page: 1-based.
        left: Least x.
        bottom: Least y.
        right: Greatest x.
        top: Greatest y.
        exact: Whether the middle of no other character stands in it. Letters that are set over
            one another (the A in the LaTeX logo) have no rectangles of their own.
    """

    page: int
    left: float
    bottom: float
    right: float
    top: float
    exact: bool = True


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
        In reading order; nothing for a page whose text is not what was indexed, white space apart
        (an earlier version had no tabs between the cells of tables).

    Raises:
        DocumentError: The file cannot be read.
    """
    found: list[Rectangle] = []
    for page in document.pages:
        low, high = max(start, page.start), min(end, page.end)
        if low >= high:
            continue
        read, boxes = parser.page(data, document.name, page.number)
        text = document.text[page.start : page.end]
        every = _boxes_in(text, read, np.array(boxes, dtype=np.float64).reshape(-1, 4))
        if every is not None:
            for box, exact in _lines(text, every, low - page.start, high - page.start):
                left, bottom, right, top = box.tolist()
                found.append(Rectangle(page.number, left, bottom, right, top, exact))
    return found


def _boxes_in(text: str, read: str, boxes: _Boxes) -> _Boxes | None:
    """Return the boxes of a text's characters from those of one that is its like but for spaces."""
    if read == text:
        return boxes
    inked, known = (
        np.array([not character.isspace() for character in one], dtype=bool) for one in (text, read)
    )
    if "".join(text.split()) != "".join(read.split()):
        return None
    placed = np.zeros((len(text), 4))
    placed[inked] = boxes[known]
    return placed


def _lines(text: str, boxes: _Boxes, start: int, end: int) -> Iterator[tuple[_Boxes, bool]]:
    """Join the boxes of neighbouring characters while they stand side by side and alone.

    Args:
        text: The page's text.
        boxes: Left, bottom, right, top of each character, shape (number of characters, 4).
        start: First character wanted.
        end: One past the last.

    Yields:
        A box, shape (4,), and whether no other character has its middle in it.
    """
    drawn = (boxes[:, 0] < boxes[:, 2]) & (boxes[:, 1] < boxes[:, 3])
    others = drawn.copy()
    others[start:end] = False
    middles = (boxes[others, :2] + boxes[others, 2:]) / 2
    held: _Boxes | None = None
    for at in range(start, end):
        if text[at] == "\n" and held is not None:
            yield held, _alone(held, middles)
            held = None
        # What is not drawn: white space, and marks without an extent.
        if not drawn[at] or text[at].isspace():
            continue
        box = boxes[at]
        if held is not None:
            both = np.append(np.minimum(held[:2], box[:2]), np.maximum(held[2:], box[2:]))
            if _beside(held, box) and _alone(both, middles):
                held = both
                continue
            yield held, _alone(held, middles)
        held = box
    if held is not None:
        yield held, _alone(held, middles)


def _alone(box: _Boxes, middles: _Boxes) -> bool:
    """Tell whether none of the points, shape (n, 2), is in a box."""
    return not bool(((box[:2] <= middles) & (middles <= box[2:])).all(axis=1).any())


def _beside(held: _Boxes, box: _Boxes) -> bool:
    """Tell whether a character stands beside what is held: left or right, above or below it.

    Text runs up or down on pages that are to be turned.
    """
    gaps = np.maximum(held[:2], box[:2]) - np.minimum(held[2:], box[2:])
    (width, height), sizes = held[2:] - held[:2], box[2:] - box[:2]
    largest = 2 * max(sizes)
    in_line, in_column = -gaps[::-1] > 0.3 * np.minimum((height, width), sizes[::-1])
    if in_line and gaps[0] < 2 * max(height, sizes[1]):
        return True
    # Below a longer line stands the rest of a word that was broken at its end.
    return bool(in_column and width <= largest and gaps[1] < largest)
