"""Rows of tables, read one by one with the names of their columns; quoted as they stand.

A reader of prose takes a table for a heap of words. "Ann Lee. Office: Oslo, Salary: 56,250." it
reads as well as a sentence. So the rows that a question is about are written so, read, and what is
found is moved back to the cell that it stands in. The others are not read, nor is a table as text.

Which rows those are is decided by their words, strictly: of a wrong row a reader tells the cell
that is asked for as gladly as of the right one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from index.context import NO_COLUMNS, Columns, cells_of, columns_of
from qa.candidates import stems
from qa.reader import PassageReader, Span
from qa.unsaid import content_words

if TYPE_CHECKING:
    from index.search import Passage

MOST_ROWS = 3
"""Rows of a passage that a question may be about; of more it tells too little."""
# Words of a cell that is running text, and of one that says more than a name or a value does: with
# such cells it may be a list of questions and answers.
_PROSE, _PHRASE = 12, 5
_NAMED = re.compile(r"(?<!^)\b[A-Z]\w+|\b\d+\b")


class _Cell(NamedTuple):
    """A cell's first character in its passage, and its words."""

    start: int
    text: str


class _Row(NamedTuple):
    columns: Columns
    cells: tuple[_Cell, ...]


@dataclass(frozen=True, slots=True)
class View:
    """A part of a passage as it is read.

    Attributes:
        text: What is read.
        places: Of each piece of the passage in it, its first character in `text`, its first
            character in the passage, and its length; what stands between them is not quoted.
        row: Whether it is a row of a table.
    """

    text: str
    places: tuple[tuple[int, int, int], ...]
    row: bool = False

    def moved(self, span: Span, passage: str) -> Span | None:
        """Return a span of the view as one of the passage; None in no piece, or several.

        One that reaches into a piece from a column's name has what it has of the piece.
        """
        touched = [
            (there + max(span.start, here) - here, there + min(span.end, here + length) - here)
            for here, there, length in self.places
            if span.start < here + length and here < span.end
        ]
        if len(touched) != 1:
            return None
        [(start, end)] = touched
        # A whole span keeps the words that the reader gave it, for the citation to be held against.
        whole = end - start == span.end - span.start
        return replace(span, start=start, end=end, text=span.text if whole else passage[start:end])


def read_passages(
    reader: PassageReader, requests: Sequence[tuple[str, Sequence[Passage]]]
) -> list[list[Span]]:
    """Read several questions, each on its own passages, and their tables by rows.

    Args:
        reader: What reads.
        requests: `(question, passages)` pairs.

    Returns:
        For each request its spans, best score first; `Span.passage` indexes its passages.
    """
    plans = [
        [(at, view) for at, passage in enumerate(passages) for view in views(question, passage)]
        for question, passages in requests
    ]
    asked = [
        (question, [view.text for _, view in plan])
        for (question, _), plan in zip(requests, plans, strict=True)
    ]
    found = []
    for (question, passages), plan, spans in zip(
        requests, plans, reader.read_many(asked), strict=True
    ):
        placed = []
        said = stems(question)
        for span in spans:
            at, view = plan[span.passage]
            moved = view.moved(span, passages[at].text)
            # What the question says of a row is what finds it, and no answer.
            if moved is not None and not (view.row and stems(moved.text) <= said):
                placed.append(replace(moved, passage=at))
        found.append(placed)
    return found


def views(question: str, passage: Passage) -> list[View]:
    """Return what is read of a passage: its text, or of one with tables the text between and rows.

    Args:
        question: The question as it is read.
        passage: The passage.
    """
    whole = View(passage.text, ((0, 0, len(passage.text)),))
    if "\t" not in passage.text and "|" not in passage.text:
        return [whole]
    texts, runs = _parts(passage.text)
    if not runs:
        return [whole]
    rows = [_view(row) for row in _chosen(question, passage, _rows(passage, runs))]
    if not rows and any(
        len(cell.text.split()) >= _PHRASE for run in runs for row in run for cell in row
    ):
        return [whole]
    text, places = "", []
    for start, end in texts:
        places.append((len(text), start, end - start))
        text += passage.text[start:end] + "\n"
    return [*rows, View(text, tuple(places))] if text.strip() else rows


def _parts(text: str) -> tuple[list[tuple[int, int]], list[list[tuple[_Cell, ...]]]]:
    """Return where running text stands, and the runs of rows between."""
    texts: list[tuple[int, int]] = []
    runs: list[list[tuple[_Cell, ...]]] = []
    start, in_table = 0, False
    for line in text.splitlines(keepends=True):
        end = start + len(line)
        cells = tuple(_Cell(start + at, cell) for at, cell in cells_of(line))
        filled = [cell.text for cell in cells if cell.text]
        row = len(filled) > 1 and all(len(cell.split()) < _PROSE for cell in filled)
        if row and in_table:
            runs[-1].append(cells)
        elif row:
            runs.append([cells])
        elif not in_table and texts and line.strip():
            texts[-1] = (texts[-1][0], end)
        elif any(map(str.isalnum, line)) or not in_table:
            texts.append((start, end))
            row = False
        else:
            row = in_table  # the rule below the names of a Markdown table
        start, in_table = end, row
    return texts, runs


def _rows(passage: Passage, runs: Iterable[Sequence[tuple[_Cell, ...]]]) -> list[_Row]:
    """Return the rows of a passage with their columns."""
    found: list[_Row] = []
    columns = passage.columns
    for run in runs:
        lines = [[cell.text for cell in row] for row in run]
        own = columns_of(lines)
        if not columns.names or (found and own.names):
            columns = own
        for row in run:
            if tuple(cell.text for cell in row) != columns.names:
                found.append(_Row(columns, row))
            # A table of two columns may as well be without names: a form.
            if len(row) == 2 and columns.names:
                found.append(_Row(NO_COLUMNS, row))
    return found


def _chosen(question: str, passage: Passage, rows: Sequence[_Row]) -> list[_Row]:
    """Return the rows that a question is about: few, or none.

    A row is one of them when it has all that the question names, and either every other word of it
    that no column is called by, or one whole cell of the row is in the question.
    """
    asked = stems(question)
    content = stems(" ".join(content_words(question)))
    around = stems(f"{passage.heading or ''} {passage.document}")
    named = stems(" ".join(_NAMED.findall(question)))
    of_rows = [[stems(cell.text) for cell in row.cells] for row in rows]
    common = Counter(stem for cells in of_rows for stem in frozenset().union(*cells))
    few = len({row.cells[0].start for row in rows}) <= MOST_ROWS
    scored = []
    for row, cells in zip(rows, of_rows, strict=True):
        told = asked & frozenset().union(*cells)
        known = told | stems(" ".join(row.columns.names)) | around
        whole = any(cell and cell <= asked for cell in cells)
        if named <= known and (few or (told and (whole or content <= known))):
            scored.append((sum(1 / common[stem] for stem in told), row))
    best = max((score for score, _ in scored), default=0.0)
    chosen = [row for score, row in scored if score >= 0.999 * best]
    places = {row.cells[0].start for row in chosen}
    if len(places) > MOST_ROWS:
        return []
    return [kept for row in chosen if (kept := _keyed(row, asked, len(places) == 1)) is not None]


def _keyed(row: _Row, asked: frozenset[str], alone: bool) -> _Row | None:
    """Return a row less what a question cannot ask of it; None where that is everything.

    "What is Ann's salary?" is not about the row of somebody whose manager Ann is: by a value that
    is not the row's own, it is asked for what is its own, "Who reports to Ann?", and that only
    where no other row has the value too.
    """
    keys, names = row.columns.keys, row.columns.names
    of_cells = [stems(cell.text) for cell in row.cells]
    told = asked & frozenset().union(*of_cells)
    own = [of_cells[at] for at in keys if at < len(of_cells)]
    if (
        not keys
        or any(words and words <= asked for words in own)
        or told <= frozenset().union(*own)
    ):
        return row
    others = (name for at, name in enumerate(names) if at not in keys)
    if not alone or any(stems(name) & asked for name in others):
        return None
    cells = (
        cell if at in keys or of_cells[at] & asked else _Cell(cell.start, "")
        for at, cell in enumerate(row.cells)
    )
    return _Row(row.columns, tuple(cells))


def _view(row: _Row) -> View:
    """Return a row as "Ann Lee. Office: Oslo, Salary: 56,250.", without names "Office: Oslo."."""
    names = row.columns.names
    text = ""
    places: list[tuple[int, int, int]] = []
    for at, cell in enumerate(row.cells):
        if not cell.text:
            continue
        if places:
            first = len(places) == 1
            text += (". " if names else ": ") if first else ", "
        if places and at < len(names) and names[at]:
            text += f"{names[at]}: "
        places.append((len(text), cell.start, len(cell.text)))
        text += cell.text
    return View(f"{text}.", tuple(places), row=True)
