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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from index.columns import NO_COLUMNS, Columns, cells_of, columns_of, is_drawn
from qa.candidates import named, stems
from qa.evaluate import normalize
from qa.reader import PassageReader, Span
from qa.spans import overlap
from qa.unsaid import content_words
from qa.wording import AUXILIARY, is_verb

if TYPE_CHECKING:
    from index.search import Passage

MOST_ROWS = 3
"""Rows of a passage that a question may be about; of more it tells too little."""
# Words of a cell that is running text, and of one that says more than a name or a value does: with
# such cells it may be a list of questions and answers.
_PROSE, _PHRASE = 12, 5
_HONORIFIC = re.compile(r"\b(?:Mr|Mrs|Ms|Miss|Dr|Prof|Sir|Herr|Frau|Mme|Mlle|Señora?)\b\.?")
_NUMERIC = "0123456789 .,:/%€$£()+-–—−"
_HOW_LONG = re.compile(r"(?i)\bhow long\b|\bduration\b")
# A time of day that is no duration: in the hours in which things are held, or with its half.
_CLOCK = re.compile(r"(?i)(?:0?[7-9]|1\d|2[0-3]):\d\d|\d{1,2}(?:[:.]\d\d)?\s?[ap]\.?m\.?")
_DURATION = re.compile(
    r"(?i)duration|length|\blong|\blasts?\b|\bmin(?:ute)?s?\b|\brun(?:ning|time)"
)
# Lines of these are drawn between rows.
_RULED = "|:-+= \t\n"
# "2.3", "(a)", "•", "SECTION 2", "MARLOW:": what stands before text, and no cell.
_MARK = re.compile(
    r"\d+(?:\.\d+)*[.)]?|\(?[a-zA-Z]{1,4}[.)]|[•–—*-]|§.*|[A-Z][A-Z ]+\d*:?|[A-Z][A-Z .]+:"
)


class _Cell(NamedTuple):
    """A cell's first character in its passage, and its words."""

    start: int
    text: str


class _Row(NamedTuple):
    columns: Columns
    cells: tuple[_Cell, ...]


class _Piece(NamedTuple):
    """A piece of a passage in a view: where it begins there and here, its length, its column."""

    here: int
    there: int
    length: int
    column: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """A part of a passage as it is read.

    Attributes:
        text: What is read.
        pieces: What of it stands in the passage, and where; what is between them is not quoted.
        row: Whether it is a row of a table.
        closed: Places in the passage that answer something else than the question.
    """

    text: str
    pieces: tuple[_Piece, ...]
    row: bool = False
    closed: tuple[tuple[int, int], ...] = ()

    def moved(self, span: Span, passage: str, asked: frozenset[str]) -> Span | None:
        """Return a span of the view as one of the passage; None where it is in no piece.

        One that reaches into a piece from a column's name has what it has of the piece. Of a row,
        one over several cells is the cell whose column is asked for, or else the first one.
        """
        touched = [
            piece
            for piece in self.pieces
            if span.start < piece.here + piece.length and piece.here < span.end
        ]
        if len(touched) > 1 and self.row:
            named = [piece for piece in touched if _stems(piece.column) & asked]
            touched = named if len(named) == 1 else touched[:1]
        if len(touched) != 1:
            return None
        [piece] = touched
        first = max(span.start, piece.here)
        last = min(span.end, piece.here + piece.length)
        start, end = (piece.there + at - piece.here for at in (first, last))
        if any(overlap((start, end), place) for place in self.closed):
            return None
        # A whole span keeps the words that the reader gave it, for the citation to be held against.
        whole = end - start == span.end - span.start
        return replace(
            span,
            start=start,
            end=end,
            text=span.text if whole else passage[start:end],
            row=self.pieces[0].there if self.row else None,
            column=piece.column,
        )

    @property
    def label(self) -> str:
        """What stands first in it: of a row, its name."""
        return self.text[: self.pieces[0].length]


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
        said = _stems(question)
        decides = question.split()[0].lower() in AUXILIARY if question.split() else False
        for span in spans:
            at, view = plan[span.passage]
            moved = view.moved(span, passages[at].text, said)
            # What the question says of a row is what finds it, and no answer but yes.
            if moved is None:
                continue
            words = _stems(moved.text)
            repeats = words <= said if words else _stands_in(question, moved.text)
            if view.row and not decides and repeats:
                continue
            if view.row and not _lasts(question, moved.text, f"{view.label} {moved.column}"):
                continue
            # Nor is the question itself, in a list of them.
            if normalize(moved.text) != normalize(question):
                placed.append(replace(moved, passage=at))
        found.append(placed)
    return found


def _stems(text: str) -> frozenset[str]:
    """Return `candidates.stems`, and capitals that are a little word otherwise: IT, WHO."""
    found = stems(text)
    if text.isupper() and len(text.split()) > _PHRASE:
        return found  # all of it is in capitals
    capitals = (word for word in re.findall(r"\w{2,}", text) if word.isupper())
    return found | {word for word in capitals if not stems(word)}


def _stands_in(question: str, cell: str) -> bool:
    """Tell whether a question has a cell without a content word ("A", "A+") as it stands."""
    return re.search(rf"(?<!\w){re.escape(cell.strip())}(?!\w)", question) is not None


def _lasts(question: str, cell: str, names: str) -> bool:
    """Tell whether a cell may say how long something takes, where that is asked; a clock does not.

    A reader takes 14:30 under "Time" for either.

    Args:
        question: The question.
        cell: What would be quoted.
        names: What its row and its column are called.
    """
    asked = _HOW_LONG.search(question) is not None
    return not (asked and _CLOCK.fullmatch(cell.strip()) and not _DURATION.search(names))


def views(question: str, passage: Passage) -> list[View]:
    """Return what is read of a passage: its text, or of one with tables the text between and rows.

    Args:
        question: The question as it is read.
        passage: The passage.
    """
    whole = View(passage.text, (_Piece(0, 0, len(passage.text)),))
    if "\t" not in passage.text and "|" not in passage.text:
        return [whole]
    texts, runs = _parts(passage.text)
    if not runs:
        return [whole]
    found = _rows(passage, runs)
    chosen = _chosen(question, passage, found)
    rows = [_view(row) for row in chosen]
    guessed = is_drawn(passage.document) and not any(row.columns.names for row in chosen)
    if guessed or (any(map(_tells, runs)) and not any(_tells_all(row, question) for row in chosen)):
        closed = tuple(_closed(question, passage, found)) if guessed else ()
        return [*rows, replace(whole, closed=closed)]
    text, pieces = "", []
    for start, end in texts:
        pieces.append(_Piece(len(text), start, end - start))
        text += passage.text[start:end] + "\n"
    return [*rows, View(text, tuple(pieces))] if text.strip() else rows


def _closed(question: str, passage: Passage, rows: Sequence[_Row]) -> Iterator[tuple[int, int]]:
    """Yield where rows with named columns stand that lack a thing that the question names.

    Nor does one answer that has it only as a value: "What is Ann's salary?" where Ann is a manager.
    """
    question = _HONORIFIC.sub("", question)
    asked, must = _stems(question), _stems(named(question))
    around = _stems(f"{passage.heading or ''} {passage.document}")
    for row in rows:
        if len(row.cells) < 3 or not row.columns.names:
            continue
        words = _stems(" ".join([*(cell.text for cell in row.cells), *row.columns.names]))
        if not must <= words | around or _keyed(row, asked, True) is None:
            last = row.cells[-1]
            yield row.cells[0].start, last.start + len(last.text)


def _tells(run: Sequence[tuple[_Cell, ...]]) -> bool:
    """Tell whether rows say more than names and values: a form, or questions and answers."""
    if any(len(cell.text.split()) >= _PHRASE for row in run for cell in row):
        return True
    told = [row[-1].text for row in run]
    return all(len(row) == 2 for row in run) and 2 * sum(map(_is_number, told)) < len(told)


def _tells_all(row: _Row, question: str) -> bool:
    """Tell whether a row is found by what stands on its left, and has all that a question names."""
    words = _stems(" ".join(cell.text for cell in row.cells)) | _stems(" ".join(row.columns.names))
    return bool(_stems(row.cells[0].text) & _stems(question)) and _stems(named(question)) <= words


def _parts(text: str) -> tuple[list[tuple[int, int]], list[list[tuple[_Cell, ...]]]]:
    """Return where running text stands, and the runs of rows between."""
    texts: list[tuple[int, int]] = []
    runs: list[list[tuple[_Cell, ...]]] = []
    start, before = 0, ""
    for line in text.splitlines(keepends=True):
        end = start + len(line)
        cells = tuple(_Cell(start + at, cell) for at, cell in cells_of(line))
        filled = [cell.text for cell in cells if cell.text]
        run = runs[-1] if before == "row" else []
        # A row of a table stays one however long its cells are.
        known = bool(run) and len(filled) > 2 and len(cells) == len(run[-1])
        if len(filled) > 1 and (known or not _is_text(filled)):
            if run and not _begins_anew(filled, run):
                run.append(cells)
            else:
                runs.append([cells])
            before = "row"
        elif run and line.strip() and not line.strip(_RULED):
            pass
        elif before == "text":
            texts[-1] = (texts[-1][0], end)
        elif line.strip():
            texts.append((start, end))
            before = "text"
        else:
            before = ""
        start = end
    return texts, runs


def _begins_anew(filled: Sequence[str], run: Sequence[tuple[_Cell, ...]]) -> bool:
    """Tell whether cells name the columns of a table below its caption: more, and no number."""
    return len(filled) > max(map(len, run)) and not any(map(_is_number, filled))


def _is_text(cells: Sequence[str]) -> bool:
    """Tell whether the cells of a line are running text that has tabs in it."""
    if any(len(cell.split()) >= _PROSE for cell in cells):
        return True
    first, last = cells[0], cells[-1].split()
    marked = _MARK.fullmatch(first) is not None and len(last) > 2
    return len(cells) == 2 and (marked or (len(last) > 3 and last[-1][-1] in ".?!,;"))


def _is_number(cell: str) -> bool:
    return bool(cell) and not cell.strip(_NUMERIC)


def _rows(passage: Passage, runs: Sequence[Sequence[tuple[_Cell, ...]]]) -> list[_Row]:
    """Return the rows of a passage with their columns."""
    found: list[_Row] = []
    for run in runs:
        start = passage.text.rfind("\n", 0, run[0][0].start) + 1
        goes_on = run is runs[0] and not passage.text[:start].strip(_RULED)
        columns = passage.columns if goes_on else dict(passage.turned).get(start, NO_COLUMNS)
        if not columns.names:
            cells = [[cell.text for cell in row] for row in run]
            columns = columns_of(cells, drawn=is_drawn(passage.document))
        for row in run:
            names = tuple(cell.text for cell in row) == columns.names
            if not names:
                found.append(_Row(columns, row))
            # It may as well have no names: a form, or a list.
            if columns.names and (names or len(row) == 2):
                found.append(_Row(NO_COLUMNS, row))
    return found


def _chosen(question: str, passage: Passage, rows: Sequence[_Row]) -> list[_Row]:
    """Return the rows that a question is about: few, or none.

    A row is one of them when it has all that the question names, and either one whole cell of it is
    in the question, or it alone has every other word that no column is called by.
    """
    question = _HONORIFIC.sub("", question)
    asked = _stems(question)
    content = _stems(" ".join(content_words(question)))
    around = _stems(f"{passage.heading or ''} {passage.document}")
    must = _stems(named(question))
    headings = frozenset().union(*(_stems(" ".join(row.columns.names)) for row in rows))
    in_form = frozenset().union(
        *(_stems(cell.text) for row in rows if not row.columns.names for cell in row.cells)
    )
    by_place: dict[int, frozenset[str]] = {}
    for row in rows:
        words = _stems(" ".join(cell.text for cell in row.cells))
        by_place[row.cells[0].start] = words
    common = Counter(stem for words in by_place.values() for stem in words)
    scored = []
    for row in rows:
        words = by_place[row.cells[0].start]
        # What names columns is a row for who asks for what stands on its left.
        if words <= headings and len(row.cells) > 2 and not _stems(row.cells[0].text) & asked:
            continue
        told = asked & words
        known = told | _stems(" ".join(row.columns.names)) | around
        whole = any(_is_named(cell.text, question, known) for cell in row.cells)
        only = len(by_place) == 1 and not passage.columns.names
        if must <= known | (in_form if not row.columns.names else frozenset()) and (
            only or (told and (whole or content <= known))
        ):
            # What columns are called by tells rows apart only where nothing else does.
            score = sum((0.001 if stem in headings else 1) / common[stem] for stem in told)
            if not headings and len(row.cells) == 2 and asked & _stems(row.cells[0].text):
                score += len(asked)  # a form is asked for what stands on its left
            scored.append((score, whole, row))
    best = max((score for score, _, _ in scored), default=0.0)
    chosen = [(whole, row) for score, whole, row in scored if score >= 0.999 * best]
    places = {row.cells[0].start for _, row in chosen}
    if len(places) > MOST_ROWS or (len(places) > 1 and not any(whole for whole, _ in chosen)):
        return []
    kept = (_keyed(row, asked, len(places) == 1) for _, row in chosen)
    return [row for row in kept if row is not None]


def _is_named(cell: str, question: str, known: frozenset[str]) -> bool:
    """Tell whether a question has a cell whole, and not as "a ballpoint pen" has "pen"."""
    words = _stems(cell)
    if not words or not words <= _stems(question):
        return False
    asked = re.findall(r"\w+", question)
    first = next((at for at, word in enumerate(asked) if _stems(word) & words), 0)
    before = asked[first - 1] if first else ""
    plain = not before or not content_words(before) or is_verb(before) or before[0].isupper()
    return plain or _stems(before) <= known


def _keyed(row: _Row, asked: frozenset[str], alone: bool) -> _Row | None:
    """Return a row less what a question cannot ask of it; None where that is everything.

    "What is Ann's salary?" is not about the row of somebody whose manager Ann is: by a value that
    is not the row's own, it is asked for what is its own, "Who reports to Ann?", and that only
    where no other row has the value too.
    """
    keys, names = row.columns.keys, row.columns.names
    of_cells = [_stems(cell.text) for cell in row.cells]
    told = asked & frozenset().union(*of_cells)
    own = [of_cells[at] for at in keys if at < len(of_cells)]
    by_own = any(words and words <= asked for words in own)
    if not keys or by_own or told <= frozenset().union(*own):
        return row
    others = (name for at, name in enumerate(names) if at not in keys)
    if not alone or any((_stems(name) & asked) - told for name in others):
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
    pieces: list[_Piece] = []
    for at, cell in enumerate(row.cells):
        # "Date:" of a form.
        words = cell.text.rstrip(": ") if not pieces and not names else cell.text
        if not words:
            continue
        if pieces:
            first = len(pieces) == 1
            text += (". " if names else ": ") if first else ", "
        name = names[at] if at < len(names) else ""
        text += f"{name}: " if pieces and name else ""
        pieces.append(_Piece(len(text), cell.start, len(words), name))
        text += words
    return View(f"{text}.", tuple(pieces), row=True)
