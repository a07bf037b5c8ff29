"""What a passage is searched by beside its own words: column names, and words that are broken.

A passage from the middle of a long table says nothing of what its columns are. Its text stays what
stands in the document; only what is embedded and what lexical search sees begins with the names.
Lexical search is given whole words as well, where line ends or soft hyphens part them.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence

from index.columns import OF_NUMBERS, ROWS_LOOKED_AT
from index.content import Rows
from index.documents import Document

_LONGEST_ROW = 4000
_LONGEST_NAMES = 300  # characters
_BREAK = r"(?:[-‐][ \t]*\n[ \t]*|\u00ad\s*)"
_BROKEN = re.compile(rf"(?<![^\W\d_])[^\W\d_]+(?:{_BREAK}[^\W\d_]+)+")
_HYPHENATED = re.compile(r"-[ \t]*\n")
# The word joiner, and the Latin ligatures.
_WITHIN_WORDS: dict[int, str | None] = {
    0x2060: None,
    **{code: unicodedata.normalize("NFKC", chr(code)) for code in range(0xFB00, 0xFB07)},
}


def searched_texts(document: Document, places: Sequence[tuple[int, int]]) -> list[str]:
    """Return passages as they are searched: those from tables below their column names.

    Args:
        document: The document.
        places: Start and end of each passage.
    """
    names = _column_names(document)
    texts = []
    for start, end in places:
        text = document.text[start:end]
        at = bisect_right(document.rows, start, key=lambda rows: rows.start) - 1
        # Between two runs stands what is no row, as the name of the next sheet.
        above = names[at] if at >= 0 and start < document.rows[at].end else None
        if above is not None and above[0] < start:
            text = f"{_shortened(document.text[slice(*above)])}\n{text}"
        texts.append(text)
    return texts


def whole_words(text: str) -> str:
    """Return a searched text with the words that it breaks behind it, for lexical search.

    Whether a hyphen at a line end belongs to the word is not told, so that the parts stay too.
    """
    if text.isascii() and not _HYPHENATED.search(text):
        return text
    text = text.translate(_WITHIN_WORDS)
    broken = [re.sub(_BREAK, "", found.group()) for found in _BROKEN.finditer(text)]
    return f"{text}\n{' '.join(broken)}" if broken else text


def _column_names(document: Document) -> list[tuple[int, int] | None]:
    """Return for each run of rows where the row stands that names its columns, or None.

    A run without such a row goes on with the names of the run before it on its sheet.
    """
    found: list[tuple[int, int] | None] = []
    before: Rows | None = None
    for rows in document.rows:
        inherited = found[-1] if before and before.sheet == rows.sheet else None
        found.append(_names_in(document.text, rows) or inherited)
        before = rows
    return found


def _names_in(text: str, rows: Rows) -> tuple[int, int] | None:
    """Return the first row of two or more cells, none of them a number, among the first rows."""
    start = rows.start
    for _ in range(ROWS_LOOKED_AT):
        limit = min(rows.end, start + _LONGEST_ROW)
        end = text.find("\n", start, limit)
        end = limit if end < 0 else end
        cells = [cell for cell in text[start:end].split("\t") if cell]
        if len(cells) > 1 and all(cell.strip(OF_NUMBERS) for cell in cells):
            return start, end
        if end == limit:
            break
        start = end + 1
    return None


def _shortened(names: str) -> str:
    """Return names apart by tabs without the last ones where there are very many."""
    if len(names) <= _LONGEST_NAMES:
        return names
    cut = names[:_LONGEST_NAMES]
    return cut.rpartition("\t")[0] or cut
