"""Tables on a page that is drawn: cells from the places of words, told apart by tabs.

A PDF has no tables, only words at places. Rows are lines of words with wide gaps, and columns stand
where no line of a run of such lines has ink, as readers of pages see them (Nurminen 2013 finds them
alike). Words that merely happen to stand apart, as in justified text, seldom do so at one place in
line after line.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float32]
# Of an em: the least width of a gap between cells, and of a strip without ink between columns; how
# much wider a gap is than a page's spaces, and the widest of these.
_GAP, _STRIP, _WIDER, _SPACE = 0.42, 0.25, 1.7, 0.5
# Most gaps of a line, and most strips of a run, that are looked at: more is no table.
_MOST = 60
# A capital's height, of an em.
_CAPITAL = 0.7
# Dots that lead the eye from a title to its page stand at the same places in every line.
_LEADERS = ".·…_"
_RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
# Of an em, and of the usual distance between a run's lines: what parts a table from what is above.
_APART, _FARTHER = 2.5, 1.8
# Of an em: how far up the page a line stands that is of another table, and not of the same row.
_PAST = 8.0
_ROWS = 3
# Share of a run's rows that may write across a strip (titles over several columns) and that must
# have a gap there, and of their gaps that must be at strips: in text hardly any is.
_ACROSS, _PARTED, _ALIGNED = 0.1, 0.5, 0.7
# Words of a cell of running text, and share of the cells that may be such.
_LONG, _MOST_LONG = 9, 0.25
# Words of a typical cell in each of two columns of running text.
_OF_TEXT = 4
# Lines of one cell that may stand among a table's rows: what groups them, a cell's second line.
_BETWEEN = 2
_MARK = re.compile(r"[(\[]?(?:\d+(?:\.\d+)*|[a-zA-Z]|[ivxIVX]+)[.)\]:]{0,2}|[^\w\s]{1,2}")


class _Word(NamedTuple):
    """Its characters in the page's text, and its left and right edge."""

    start: int
    end: int
    left: float
    right: float


@dataclass(frozen=True, slots=True)
class _Line:
    """A line's words, its em, its lower edge, and the numbers of the words before its wide gaps."""

    words: tuple[_Word, ...]
    em: float
    bottom: float
    gaps: frozenset[int]


class _Cell(NamedTuple):
    """Numbers of its first word and the one past its last, and of its column."""

    first: int
    last: int
    column: int


class _Strip(NamedTuple):
    """What is between two columns."""

    left: float
    right: float


def with_tabs(text: str, boxes: Boxes) -> tuple[str, Boxes]:
    """Return a page's text with tabs between the cells of its tables' rows.

    Args:
        text: Lines of the page.
        boxes: Left, bottom, right, top of each character, shape (number of characters, 4); zeros
            for those that are not drawn.

    Returns:
        Text and boxes. The space between two cells became a tab; where a row has nothing in a
        column, there is one more, without a box. A line end more parts a table from another one
        right above it.
    """
    tabs: dict[int, int] = {}
    begins: set[int] = set()
    for run in _runs(_lines(text, boxes)):
        found = _tabs(run, text)
        if found and tabs:
            begins.add(text.rfind("\n", 0, run[0].words[0].start) + 1)
        tabs |= found
    if not tabs:
        return text, boxes
    characters: list[str] = []
    sources: list[int] = []
    for at, character in enumerate([*text, ""]):
        if at in begins:
            characters.append("\n")
            sources.append(-1)
        count = tabs.get(at, 0)
        if count and character == " ":
            characters.extend("\t" * count)
            sources.extend([at, *[-1] * (count - 1)])
            continue
        # Of a row that has nothing in its first columns, or in its last ones.
        characters.extend("\t" * count)
        sources.extend([-1] * count)
        if character:
            characters.append(character)
            sources.append(at)
    placed = boxes[np.maximum(sources, 0)]
    placed[np.array(sources) < 0] = 0
    return "".join(characters), placed


def _lines(text: str, boxes: Boxes) -> list[_Line | None]:
    """Return the lines of a page; None for one that is not set from left to right."""
    found: list[tuple[list[_Word], Boxes] | None] = []
    start = 0
    for line in text.split("\n"):
        words = [
            word
            for part in re.finditer(r"\S+", line)
            if (word := _word(start + part.start(), start + part.end(), boxes)) is not None
        ]
        start += len(line) + 1
        backwards = any(after.left < before.right - 1 for before, after in pairwise(words))
        if not words or backwards or _RIGHT_TO_LEFT.search(line):
            found.append(None)
            continue
        drawn = boxes[[at for word in words for at in range(word.start, word.end)]]
        found.append((words, drawn[drawn[:, 0] < drawn[:, 2]]))
    spaces = [
        (after.left - before.right) / _em(drawn)
        for words, drawn in filter(None, found)
        for before, after in pairwise(words)
    ]
    # Text has spaces of one width, and a page with no text at all is taken to have usual ones.
    usual = min(_SPACE, float(np.quantile(spaces, 0.25))) if spaces else 0.0
    least = max(_GAP, _WIDER * usual)
    return [line and _line(*line, text, least) for line in found]


def _line(words: Sequence[_Word], drawn: Boxes, text: str, least: float) -> _Line:
    """Return a line with those of its gaps that are at least so many em wide."""
    em = _em(drawn)
    gaps = [
        at
        for at, (before, after) in enumerate(pairwise(words))
        if after.left - before.right >= least * em
        and text[before.start : before.end].strip(_LEADERS)
        and text[after.start : after.end].strip(_LEADERS)
    ]
    kept = frozenset(gaps if len(gaps) <= _MOST else ())
    return _Line(tuple(words), em, float(drawn[:, 1].min()), kept)


def _em(drawn: Boxes) -> float:
    return float((drawn[:, 3] - drawn[:, 1]).max()) / _CAPITAL


def _word(start: int, end: int, boxes: Boxes) -> _Word | None:
    drawn = boxes[start:end]
    drawn = drawn[drawn[:, 0] < drawn[:, 2]]
    if not len(drawn):
        return None
    return _Word(start, end, float(drawn[:, 0].min()), float(drawn[:, 2].max()))


def _runs(lines: Sequence[_Line | None]) -> Iterator[list[_Line]]:
    """Yield the lines with wide gaps that follow one another down the page, few others between.

    Where a cell has several lines, those of the next cell begin higher up: of such a table neither
    rows nor columns are told, since its lines are pieces of rows.
    """
    run: list[_Line] = []
    apart: list[float] = []
    before: _Line | None = None
    between, broken = 0, False
    for line in [*lines, None]:
        distance = before.bottom - line.bottom if before and line else 0.0
        up = before is not None and line is not None and distance < line.em / 2
        usual = median(apart) if apart else distance
        away = not line or distance > max(_APART * line.em, _FARTHER * usual)
        if line and distance < -_PAST * line.em:
            away, up = True, False
        if away or (between > _BETWEEN and not up and not broken):
            if not broken:
                yield run
            run, apart, between, broken = [], [], 0, False
        elif not up:
            apart.append(distance)
        broken = broken or up
        if line and line.gaps:
            run.append(line)
            between = 0
        else:
            between += 1
        before = line


def _tabs(run: Sequence[_Line], text: str) -> dict[int, int]:
    """Return how many tabs stand at which places of the text, where a run of lines is a table."""
    strips = _used(run, _strips(run))
    rows = [(line, cells) for line in run if len(cells := _cells(line, strips)) > 1]
    if len(rows) < _ROWS or len(strips) > _MOST or not _is_table(run, rows, text):
        return {}
    tabs: dict[int, int] = {}
    for line, cells in rows:
        column = 0
        for cell in cells:
            start = line.words[cell.first].start
            if cell.column > column:
                tabs[start - 1 if cell.first else start] = cell.column - column
            column = cell.column
        if column < len(strips):
            tabs[line.words[-1].end] = len(strips) - column
    return tabs


def _strips(run: Sequence[_Line]) -> list[_Strip]:
    """Return where hardly a line has ink and half of them have a wide gap, from left to right."""
    spans = [_spans(line) for line in run]
    edges = np.unique([edge for inked, bare in spans for span in (*inked, *bare) for edge in span])
    if len(edges) < 2:
        return []
    ink, gap = (_count(edges, [span for both in spans for span in both[kind]]) for kind in (0, 1))
    bare = (ink <= _ACROSS * len(run)) & (gap >= max(2, _PARTED * len(run)))
    width = _STRIP * median(line.em for line in run)
    strips: list[_Strip] = []
    for at in np.flatnonzero(bare).tolist():
        left, right = float(edges[at]), float(edges[at + 1])
        if strips and strips[-1].right == left:
            left = strips.pop().left
        strips.append(_Strip(left, right))
    return [strip for strip in strips if strip.right - strip.left >= width]


def _used(run: Sequence[_Line], strips: list[_Strip]) -> list[_Strip]:
    """Leave out strips with hardly a cell between them: they are one gap, as one line shows it."""
    while strips and len(run) >= _ROWS:
        counts = Counter(cell.column for line in run for cell in _cells(line, strips))
        lone = next((at for at in range(len(strips) + 1) if counts[at] < 2), None)
        if lone is None:
            break
        del strips[max(0, lone - 1)]
    return strips


def _spans(line: _Line) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """Return from where to where a line has ink, and its wide gaps between."""
    gaps = [(line.words[at].right, line.words[at + 1].left) for at in line.gaps]
    lefts = [line.words[0].left, *(right for _, right in gaps)]
    rights = [*(left for left, _ in gaps), line.words[-1].right]
    return list(zip(lefts, rights, strict=True)), gaps


def _count(edges: NDArray[np.float64], spans: Sequence[tuple[float, float]]) -> NDArray[np.int64]:
    """Return how many spans cover each interval between neighbouring edges."""
    changes = np.zeros(len(edges), dtype=np.int64)
    for place, change in ((0, 1), (1, -1)):
        at = np.searchsorted(edges, [span[place] for span in spans])
        np.add.at(changes, at, change)
    return np.cumsum(changes)[:-1]


def _cells(line: _Line, strips: Sequence[_Strip]) -> list[_Cell]:
    """Cut a line at the strips that it leaves bare, and at wide gaps that are in one."""
    lefts = [strip.left for strip in strips]
    starts = [0]
    for at, (before, after) in enumerate(pairwise(line.words)):
        gap = after.left - before.right
        # The strips that the gap may touch: from the last one that begins left of it.
        first = max(0, bisect_right(lefts, before.right) - 1)
        for left, right in strips[first : bisect_left(lefts, after.left)]:
            bare = min(right, after.left) - max(left, before.right)
            if bare > (right - left) / 2 or (at in line.gaps and bare > gap / 2):
                starts.append(at + 1)
                break
    return [
        _Cell(first, last, bisect_left(lefts, line.words[first].left))
        for first, last in pairwise([*starts, len(line.words)])
    ]


def _is_table(
    run: Sequence[_Line], rows: Sequence[tuple[_Line, Sequence[_Cell]]], text: str
) -> bool:
    """Tell whether what stands apart in a run's rows is cells, and not running text or a list."""
    cut = sum(len(cells) - 1 for _, cells in rows)
    if cut < _ALIGNED * sum(len(line.gaps) for line in run):
        return False
    lengths: dict[int, list[int]] = {}
    for _, cells in rows:
        for cell in cells:
            lengths.setdefault(cell.column, []).append(cell.last - cell.first)
    every = [length for column in lengths.values() for length in column]
    if sum(length >= _LONG for length in every) > _MOST_LONG * len(every):
        return False
    if min(median(column) for column in lengths.values()) >= _OF_TEXT:
        return False
    # A list; with four columns it is a table whose rows are counted.
    first = (line.words[0] for line, _ in rows)
    marked = all(_MARK.fullmatch(text[one.start : one.end]) for one in first)
    return not marked or len(lengths) > 3
