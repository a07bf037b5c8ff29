"""DOCX through its XML: what a person sees in it with every tracked change accepted.

Text that was inserted in a tracked change, stands in a content control, a text box, a note, a
header or a footer is text as well; what was deleted or moved away is not. python-docx, which knows
the names of styles, leaves all of these out of its paragraphs.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from index.content import Content, ContentBuilder
from index.formats.archive import open_archive, parse_xml

if TYPE_CHECKING:
    from lxml.etree import _Element  # type: ignore[import-untyped]

_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MATHS = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_CHOICE = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_P, _TABLE, _ROW, _CELL = (f"{_WORD}{name}" for name in ("p", "tbl", "tr", "tc"))
_BOX = f"{_WORD}txbxContent"
_TEXT = {f"{_WORD}t", f"{_MATHS}t"}
_MARKS = {
    f"{_WORD}tab": "\t", f"{_WORD}ptab": "\t", f"{_WORD}br": "\n", f"{_WORD}cr": "\n",
    f"{_WORD}noBreakHyphen": "-",
}  # fmt: skip
# Gone when changes are accepted, or no text at all; readings above ruby characters say them twice.
_LEFT_OUT = {
    *(f"{_WORD}{name}" for name in ("del", "moveFrom", "pPr", "rPr", "rt", "sdtPr", "tblPr")),
    f"{_CHOICE}Fallback",
}
_HEADING = re.compile(r"heading (\d)", re.IGNORECASE)
# Parts of the document beside its body, in the order they are added.
_BESIDE = ("footnotes", "endnotes", "header", "footer")


def load_docx(data: bytes, name: str) -> Content:
    """Read paragraphs, headings and tables in their order, then notes, headers and footers."""
    open_archive(data, name).close()
    import docx

    document = docx.Document(io.BytesIO(data))
    styles = {style.style_id: style.name or "" for style in document.styles}
    builder = ContentBuilder()
    _add(builder, document.element.body, lambda style: styles.get(style, ""))
    said: set[str] = set()
    for block in _beside(document.part):
        # A header is the same on the first page, on even ones and on odd ones.
        if block not in said:
            said.add(block)
            builder.add(block)
    return builder.build()


def _add(builder: ContentBuilder, parent: _Element, style_name: Callable[[str], str]) -> None:
    for block in _children(parent, {_P, _TABLE}):
        if block.tag == _TABLE:
            builder.add("\n".join(_lines(block)))
            continue
        text = _text(block)
        style = style_name(_style(block))
        heading = _HEADING.match(style)
        if heading or style == "Title":
            builder.add_heading(text, int(heading[1]) if heading else 1)
        elif text.strip():
            builder.add(text)
        for box in _boxes(block):
            _add(builder, box, style_name)


def _beside(part: Any) -> Iterator[str]:
    """Yield the text of each note, and of each header and footer that has a word."""
    found: dict[str, list[bytes]] = {kind: [] for kind in _BESIDE}
    for relation in part.rels.values():
        kind = relation.reltype.rpartition("/")[2]
        if kind in found and not relation.is_external:
            found[kind].append(relation.target_part.blob)
    for kind, blobs in found.items():
        for blob in sorted(blobs):
            root = parse_xml(blob)
            notes = list(root) if kind.endswith("notes") else [root]
            for note in notes:
                text = "\n".join(filter(str.strip, map(_text, note.iter(_P))))
                # A page number alone is no text.
                if any(character.isalpha() for character in text):
                    yield text


def _children(parent: _Element, tags: set[str]) -> Iterator[_Element]:
    """Yield the children of these tags, those inside content controls and the like among them."""
    for child in parent:
        if child.tag in tags:
            yield child
        elif isinstance(child.tag, str) and child.tag not in _LEFT_OUT:
            yield from _children(child, tags)


def _style(paragraph: _Element) -> str:
    found = paragraph.find(f"{_WORD}pPr/{_WORD}pStyle")
    return "" if found is None else str(found.get(f"{_WORD}val", ""))


def _text(element: _Element) -> str:
    """Return the text of a paragraph or a part of one, without its text boxes."""
    parts = []
    for child in element:
        if child.tag in _TEXT:
            parts.append(child.text or "")
        elif child.tag in _MARKS:
            parts.append(_MARKS[child.tag])
        elif isinstance(child.tag, str) and child.tag != _BOX and child.tag not in _LEFT_OUT:
            parts.append(_text(child))
    return "".join(parts)


def _boxes(element: _Element) -> Iterator[_Element]:
    """Yield the contents of text boxes; one that is stored for older programs as well, once."""
    for child in element:
        if child.tag == _BOX:
            yield child
        elif isinstance(child.tag, str) and child.tag not in _LEFT_OUT:
            yield from _boxes(child)


def _lines(table: _Element) -> list[str]:
    """Return a line a row, cells apart by tabs; a cell that goes over rows is said in each."""
    lines = []
    above: dict[int, str] = {}
    for row in _children(table, {_ROW}):
        cells: list[str] = []
        column = 0
        said: dict[int, str] = {}
        for cell in _children(row, {_CELL}):
            merged = cell.find(f"{_WORD}tcPr/{_WORD}vMerge")
            goes_on = merged is not None and merged.get(f"{_WORD}val") != "restart"
            words = " ".join(" ".join(_text(p) for p in cell.iter(_P)).split())
            said[column] = above.get(column, words) if goes_on else words
            cells.append(said[column])
            column += _width(cell)
        above = said
        lines.append("\t".join(cells))
    return lines


def _width(cell: _Element) -> int:
    """Return how many columns a cell goes over."""
    span = cell.find(f"{_WORD}tcPr/{_WORD}gridSpan")
    width = "1" if span is None else span.get(f"{_WORD}val", "1")
    return int(width) if width.isdecimal() and len(width) < 5 else 1
