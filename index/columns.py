"""The rows and columns of tables, told from the lines of a document's text.

A row is a line whose cells are apart by tabs or by `|`. Which of a table's rows names its columns
is guessed from how it looks; a table of a PDF may go on over pages.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from index.documents import Document

ROWS_LOOKED_AT = 5
"""Rows of a table, from its first, one of which may name the columns."""
OF_NUMBERS = "0123456789 .,:/%€$£()+-"
"""What a number may be made of."""
# Runs of rows and lines above a passage, and characters of a table, that are looked through.
_RUNS_LOOKED_AT, _LINES_LOOKED_AT, _TABLE_LOOKED_AT = 50, 5000, 20_000
# Share of the leftmost column's values that differ where they are what the rows are called by.
_KEYED = 0.75
_CAPTION = re.compile(r"(?i)(?:table|tab|figure|fig|exhibit|schedule|annex)\b")
# Lines at the head or the foot of a page that are no part of a table which goes on over them.
_PRINTED = 2
_LOOKED_BELOW = 20
# Rows below one that it takes to tell whether this names the columns.
_TOLD_FROM = 3
_LONGEST_NAME = 7  # words
# An address, an amount or a question names no column.
_NO_NAME = re.compile(r"@|[€$£]\s?\d|\d\s?[€$£]|[?:]$|\d:\d\d")
_TAB = re.compile("\t")
# What parts the cells of a Markdown table; "\\|" is a bar inside a cell.
_BAR = re.compile(r"(?<!\\)\|")
_YEAR = re.compile(r"\D{0,4}(?:1[5-9]|20)\d\d(?:[/–-]\d{2,4})?\D{0,4}")


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a table.

    Attributes:
        names: Their names, as they stand in the row that has them; empty where none has.
        keys: Numbers of the columns whose values tell the rows apart: no two alike, of the leftmost
            three quarters of them different, and no numbers.
    """

    names: tuple[str, ...] = ()
    keys: tuple[int, ...] = ()


NO_COLUMNS = Columns()


def columns_at(document: Document, position: int) -> Columns:
    """Return the columns of the table that the line at a position is a row of.

    Args:
        document: The document.
        position: First character of a line.

    Returns:
        `NO_COLUMNS` in no table, and in one that begins there or whose columns have no names.
    """
    at = bisect_right(document.rows, position, key=lambda rows: rows.start) - 1
    if at < 0:
        return NO_COLUMNS if document.rows else _columns_above(document, position)
    if position >= document.rows[at].end:
        return NO_COLUMNS
    sheet = document.rows[at].sheet
    for rows in reversed(document.rows[max(0, at - _RUNS_LOOKED_AT) : at + 1]):
        if rows.sheet != sheet:
            break
        columns, start = _columns_in(document.text, rows.start, rows.end)
        if columns.names:
            return columns if start < position else NO_COLUMNS
    return NO_COLUMNS


def columns_over_pages(document: Document, start: int, end: int) -> tuple[tuple[int, Columns], ...]:
    """Return where between `start` and `end` a table goes on at the top of a page, and its columns.

    Args:
        document: The document.
        start: First character of a passage.
        end: One past the last.

    Returns:
        Lines that are rows, by their first character counted from `start`, with their columns.
    """
    if document.rows:
        return ()
    found = []
    first = bisect_right(document.pages, start, key=lambda page: page.start)
    for page in document.pages[first:]:
        if page.start >= end:
            break
        line = page.start
        for text in document.text[page.start : min(end, page.end)].split("\n")[: _PRINTED + 1]:
            if cells_of(text):
                columns = _columns_above(document, line)
                if columns.names:
                    found.append((line - start, columns))
                break
            line += len(text) + 1
    return tuple(found)


# The passages that a question finds in a long table ask for the same columns, one after another.
@lru_cache(maxsize=8)
def _columns_in(text: str, start: int, end: int) -> tuple[Columns, int]:
    """Return the columns of a run of rows, and where the row that names them begins."""
    table = _rows_of(text, start, min(end, start + _TABLE_LOOKED_AT))
    for number, (begin, _) in enumerate(table[:ROWS_LOOKED_AT]):
        columns = columns_of([cells for _, cells in table[number:]])
        if columns.names and _is_full(columns.names, table[number:]):
            return columns, begin
    return NO_COLUMNS, start


def _is_full(names: Sequence[str], table: Sequence[tuple[int, Sequence[str]]]) -> bool:
    """Tell whether a row has as many cells as most rows below it, and so is no caption."""
    counts = Counter(sum(map(bool, cells)) for _, cells in table[1:])
    [(most, _)] = counts.most_common(1)
    return sum(map(bool, names)) >= most - 1


def columns_of(rows: Sequence[Sequence[str]], *, drawn: bool = False) -> Columns:
    """Return the columns of a table's rows, the first of which may name them.

    Args:
        rows: Cells by row, the empty ones too.
        drawn: Whether the rows are lines of a drawn page, the first of which may be any row of the
            table. It names the columns only where it stands above numbers.
    """
    if len(rows) < 2:
        return NO_COLUMNS
    names = tuple(rows[0])
    below = [[row[at] for row in rows[1:] if at < len(row) and row[at]] for at in range(len(names))]
    if drawn and not any(map(_over_numbers, names, below)):
        return NO_COLUMNS
    filled = [name for name in names if name]
    # Years name columns, too, beside a name that is none or above the rows' own.
    others = filled[1:] if names[0] else filled
    if len(filled) < 2 or not (names[0].strip(OF_NUMBERS) or not names[0]):
        return NO_COLUMNS
    if not all(name.strip(OF_NUMBERS) or _YEAR.fullmatch(name) for name in others):
        return NO_COLUMNS
    if any(len(name.split()) > _LONGEST_NAME or _NO_NAME.search(name) for name in filled):
        return NO_COLUMNS
    # A year above years is one of them.
    if any(
        _YEAR.fullmatch(name) and _are_years(values)
        for name, values in zip(names, below, strict=True)
    ):
        return NO_COLUMNS
    keys = []
    for at, values in enumerate(below):
        words = any(value.strip(OF_NUMBERS) for value in values)
        # The leftmost names its rows even where two have one name.
        share = 1.0 if at else _KEYED
        if (
            len(values) > 1
            and words
            and len({value.casefold() for value in values}) >= share * len(values)
        ):
            keys.append(at)
    return Columns(names, tuple(keys))


def is_drawn(name: str) -> bool:
    """Tell whether a document's tables are only drawn, so that its cells and rows are guessed."""
    return name.lower().endswith(".pdf")


def _are_years(values: Sequence[str]) -> bool:
    """Tell whether most of some values are years."""
    told = sum(_YEAR.fullmatch(value) is not None for value in values)
    return bool(values) and told >= 0.8 * len(values)


def _over_numbers(name: str, values: Sequence[str]) -> bool:
    """Tell whether a name without a digit, or a year, stands above values with digits."""
    if not name or (re.search(r"\d", name) and not _YEAR.fullmatch(name)):
        return False
    told = sum(re.search(r"\d", value) is not None for value in values)
    return told >= max(2, 0.8 * len(values))


def cells_of(line: str) -> list[tuple[int, str]]:
    """Return where each cell of a line begins, and its words; no cells of a line that is no row."""
    line = line.rstrip("\n")
    mark, start = _TAB, 0
    if "\t" not in line:
        bare = line.strip()
        if not bare.startswith("|") or len(_BAR.findall(bare)) < 3 or not bare.strip("|:- "):
            return []
        mark, start = _BAR, line.index("|") + 1
        line = line.rstrip()
        if _BAR.search(line, len(line) - 1):
            line = line[:-1]
    cells = []
    for part in mark.split(line[start:]):
        words = part.strip()
        cells.append((start + (part.index(words) if words else 0), words))
        start += len(part) + 1
    return cells


def _columns_above(document: Document, position: int) -> Columns:
    """Return the columns of the table that the line at a position goes on with."""
    text = document.text
    first = start = line_start = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    if not cells_of(text[start : end if end >= 0 else None]):
        return NO_COLUMNS
    # Up to where the table begins; in one of which that is too far up nothing is taken for it.
    for _ in range(_LINES_LOOKED_AT):
        if start == 0:
            break
        start = text.rfind("\n", 0, start - 1) + 1
        line = text[start : first - 1]
        if not cells_of(line) and (not line.strip() or line.strip("|:-+= ")):
            above = _on_page_before(document, first)
            if above is None:
                break
            start = above
        first = start
    else:
        return NO_COLUMNS
    if first == line_start:
        return NO_COLUMNS
    end = min(line_start, first + _TABLE_LOOKED_AT)
    rows = [cells for _, cells in _rows_of(text, first, end)]
    # The first row alone does not tell whether it names the columns of those below it.
    for line in text[line_start : line_start + _TABLE_LOOKED_AT].split("\n", _TOLD_FROM)[
        :_TOLD_FROM
    ]:
        cells = [cell for _, cell in cells_of(line)]
        if len(rows) > _TOLD_FROM or not cells:
            break
        rows.append(cells)
    return columns_of(rows, drawn=is_drawn(document.name))


def _on_page_before(document: Document, position: int) -> int | None:
    """Return where the row stands that one at the top of a page goes on from; None for no such.

    Between them may stand what is printed at the foot of a page and at the head of the next.
    """
    at = bisect_right(document.pages, position, key=lambda page: page.start) - 1
    if at < 1:
        return None
    text, page, before = document.text, document.pages[at], document.pages[at - 1]
    head = [line for line in text[page.start : position].split("\n") if line.strip()]
    if len(head) > _PRINTED or any(cells_of(line) or _CAPTION.match(line) for line in head):
        return None
    below = [cells for _, cells in _rows_of(text, position, page.end)]
    if columns_of(below[:_LOOKED_BELOW], drawn=True).names:
        return None
    end = text.find("\n", position)
    columns = len(cells_of(text[position : end if end >= 0 else None]))
    start = before.end
    for _ in range(_PRINTED + 1):
        end = start
        start = max(before.start, text.rfind("\n", 0, max(0, end - 1)) + 1)
        cells = cells_of(text[start:end])
        if cells or start == before.start:
            return start if len(cells) == columns else None
    return None


def _rows_of(text: str, start: int, end: int) -> list[tuple[int, list[str]]]:
    """Return where each row among some lines begins, and its cells."""
    rows = []
    for line in text[start:end].split("\n"):
        cells = [cell for _, cell in cells_of(line)]
        if cells:
            rows.append((start, cells))
        start += len(line) + 1
    return rows
