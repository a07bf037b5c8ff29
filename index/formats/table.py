"""CSV and XLSX: a row a line, cells apart by tabs, each found again by its coordinates."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from typing import Any
from zipfile import ZipFile

from index.content import Content, ContentBuilder
from index.errors import UnreadableDocument
from index.formats.archive import open_archive
from index.formats.cells import shown
from index.formats.plain import decode

_SAMPLE = 16 * 1024
_LONGEST_FIELD = 10 * 1024 * 1024
# A formula that ends its cell, or has only an empty value behind it.
_NO_RESULT = re.compile(
    rb"(?:</(?:\w+:)?f>|<(?:\w+:)?f\b[^>]*/>)\s*"
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)


def load_csv(data: bytes, name: str) -> Content:
    """Read comma, semicolon, tab or bar separated values."""
    text, encoding, note = decode(data, name)
    csv.field_size_limit(_LONGEST_FIELD)
    builder = ContentBuilder()
    try:
        rows = csv.reader(
            io.StringIO(text, newline=""), delimiter=_delimiter(text, name), skipinitialspace=True
        )
        _add(builder, (map(shown, row) for row in rows), None)
    except csv.Error as error:
        raise UnreadableDocument(f"{name}: not a table ({error})") from error
    return builder.build(note, encoding)


def _delimiter(text: str, name: str) -> str:
    """Return what stands between cells; how cells are quoted is not guessed, it is often wrong."""
    if name.lower().endswith(".tsv"):
        return "\t"
    try:
        found = csv.Sniffer().sniff(text[:_SAMPLE], delimiters=",;\t|").delimiter
    except csv.Error:
        return ","
    # "2024-01-01;1,5": of two that part every row alike the comma may be a decimal one.
    return ";" if found == "," and _parts_alike(text[:_SAMPLE], ";") else found


def _parts_alike(sample: str, delimiter: str) -> bool:
    """Tell whether a delimiter parts each row into as many cells, two or more."""
    lines = sample.splitlines(keepends=True)
    whole = lines if sample.endswith("\n") or len(sample) < _SAMPLE else lines[:-1]
    rows = csv.reader(whole, delimiter=delimiter, skipinitialspace=True)
    counts = {len(row) for row in rows if row}
    return len(counts) == 1 and counts.pop() > 1


def load_xlsx(data: bytes, name: str) -> Content:
    """Read every sheet as it shows its values; formulas give their stored result."""
    with open_archive(data, name) as archive:
        blank = _without_result(archive)
    from openpyxl import load_workbook  # type: ignore[import-untyped]

    book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    builder = ContentBuilder()
    try:
        for sheet in book.worksheets:
            # What a file declares as its extent may be a million rows of nothing.
            sheet.reset_dimensions()
            builder.add_heading(sheet.title, 1)
            rows = ((shown(cell.value, _format(cell)) for cell in row) for row in sheet)
            _add(builder, rows, sheet.title)
    finally:
        book.close()
    note = None
    if blank:
        note = f"formulas without a stored result, left blank: {blank:,}; save it in a spreadsheet"
    return builder.build(note)


def _without_result(archive: ZipFile) -> int:
    """Count formulas that only a spreadsheet could work out; programs write them so."""
    sheets = (one for one in archive.namelist() if one.startswith("xl/worksheets/"))
    return sum(
        len(_NO_RESULT.findall(archive.read(sheet))) for sheet in sheets if sheet.endswith(".xml")
    )


def _format(cell: Any) -> str:
    """Return a cell's number format; "General" where the file has no such style."""
    try:
        return str(cell.number_format)
    except (IndexError, KeyError):
        return "General"


def _add(builder: ContentBuilder, rows: Iterable[Iterable[str]], sheet: str | None) -> None:
    """Append rows; runs of rows are cut where rows are empty."""
    lines: list[str] = []
    first = 1
    for number, row in enumerate(rows, 1):
        line = "\t".join(row).rstrip()
        if line and not lines:
            first = number
        if line:
            lines.append(line)
        elif lines:
            builder.add_rows(lines, first, sheet)
            lines = []
    if lines:
        builder.add_rows(lines, first, sheet)
