"""DOCX through its XML: what a person sees in it with every tracked change accepted.

Text that was inserted in a tracked change, stands in a content control, a text box, a note, a
header or a footer is text as well; what was deleted, moved away or hidden is not. python-docx,
which knows the names of styles, leaves all of the first out of its paragraphs.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from index.content import Content, ContentBuilder
from index.formats.archive import open_archive, parse_xml
from index.formats.numbering import Numbers

if TYPE_CHECKING:
    from lxml.etree import _Element  # type: ignore[import-untyped]

_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MATHS = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_CHOICE = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_P, _TABLE, _ROW, _CELL = (f"{_WORD}{name}" for name in ("p", "tbl", "tr", "tc"))
_VALUE = f"{_WORD}val"
_RUN, _BOX, _FIELD, _SYMBOL = (f"{_WORD}{name}" for name in ("r", "txbxContent", "fldChar", "sym"))
_TEXT = {f"{_WORD}t", f"{_MATHS}t"}
_MARKS = {
    f"{_WORD}tab": "\t", f"{_WORD}ptab": "\t", f"{_WORD}br": "\n", f"{_WORD}cr": "\n",
    f"{_WORD}noBreakHyphen": "-",
}  # fmt: skip
# Gone when changes are accepted, or no text at all; readings above ruby characters say them twice,
# and what only older programs show says boxes twice.
_LEFT_OUT = {
    *(f"{_WORD}{name}" for name in ("del", "moveFrom", "pPr", "rPr", "rt", "sdtPr", "tblPr")),
    f"{_CHOICE}Fallback",
}
# Parts of a formula that stand above, below or beside another.
_BEFORE_PART = {f"{_MATHS}den": "/", f"{_MATHS}sup": "^", f"{_MATHS}sub": "_", f"{_MATHS}deg": ""}
_HEADING = re.compile(r"heading (\d)", re.IGNORECASE)
_PAGE_NUMBER = re.compile(r"\W*(?:[pP]age\s)?\d{0,4}\W*(?:of\s\d+)?\W*")
# Parts of the document beside its body, in the order they are added.
_BESIDE = ("footnotes", "endnotes", "header", "footer")
# Parts with text that is not read, and what a person calls them.
_UNREAD = {"chart": "charts", "diagramData": "diagrams", "aFChunk": "embedded documents"}
_MOST_COLUMNS = 63  # of a table, in Word
# Fonts of symbols, by their codes from U+F020 on.
_GREEK = dict(
    zip(
        "ABGDEZHQIKLMNXOPRSTUFCYWabgdezhqiklmnxoprstufcyw",
        "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩαβγδεζηθικλμνξοπρστυφχψω",
        strict=True,
    )
)
_SIGNS = {0xA3: "≤", 0xB0: "°", 0xB1: "±", 0xB3: "≥", 0xB4: "×", 0xB7: "•", 0xB8: "÷", 0xB9: "≠",
          0xBB: "≈", 0xA5: "∞", 0xD6: "√"}  # fmt: skip
_DINGBATS = {0xFC: "✓", 0xFB: "✗", 0xFD: "☒", 0xFE: "☑", 0xA8: "☐", 0x6F: "☐", 0xE0: "→"}


def load_docx(data: bytes, name: str) -> Content:
    """Read paragraphs, headings and tables in their order, then notes, headers and footers."""
    open_archive(data, name).close()
    import docx

    document = docx.Document(io.BytesIO(data))
    styles = {style.style_id: style.name or "" for style in document.styles}
    builder = ContentBuilder()
    numbers = _numbers(document.part)
    _add(builder, document.element.body, lambda style: styles.get(style, ""), numbers)
    said: set[str] = set()
    for block in _beside(document.part):
        # A header is the same on the first page, on even ones and on odd ones.
        if block not in said:
            said.add(block)
            builder.add(block)
    kinds = {relation.reltype.rpartition("/")[2] for relation in document.part.rels.values()}
    unread = [called for kind, called in _UNREAD.items() if kind in kinds]
    return builder.build(note=f"not read: {', '.join(unread)}" if unread else None)


def _numbers(part: Any) -> Numbers:
    """Return what counts the document's numbered paragraphs."""
    roots = {}
    for relation in part.rels.values():
        kind = relation.reltype.rpartition("/")[2]
        if kind in ("numbering", "styles") and not relation.is_external:
            roots[kind] = parse_xml(relation.target_part.blob)
    return Numbers(roots.get("numbering"), roots.get("styles"))


def _add(
    builder: ContentBuilder,
    parent: _Element,
    style_name: Callable[[str], str],
    numbers: Numbers,
) -> None:
    begun = ""
    for block in _children(parent, {_P, _TABLE}):
        if block.tag == _TABLE:
            lines = _lines(block, numbers)
            if any(map(str.strip, lines)):
                builder.add("\n".join(lines))
            continue
        # What goes on with another paragraph has its number from that one.
        number = "" if begun else numbers.next(block)
        text = _text(block)
        text = begun + (f"{number}{text}" if text.strip() else text)
        begun = text if _goes_on(block) else ""
        if not begun:
            style = style_name(_style(block))
            heading = _HEADING.match(style)
            if heading or style == "Title":
                builder.add_heading(text, int(heading[1]) if heading else 1)
            elif text.strip():
                builder.add(text)
        for box in _boxes(block):
            _add(builder, box, style_name, numbers)
    if begun.strip():
        builder.add(begun)


def _goes_on(paragraph: _Element) -> bool:
    """Tell whether a paragraph's end was deleted, or it is a large first letter."""
    settings = paragraph.find(f"{_WORD}pPr")
    if settings is None:
        return False
    frame = settings.find(f"{_WORD}framePr")
    dropped = frame is not None and frame.get(f"{_WORD}dropCap") in ("drop", "margin")
    return dropped or settings.find(f"{_WORD}rPr/{_WORD}del") is not None


def _beside(part: Any) -> Iterator[str]:
    """Yield the text of each note, and of each header and footer that is no page number."""
    found: dict[str, list[bytes]] = {kind: [] for kind in _BESIDE}
    for relation in part.rels.values():
        kind = relation.reltype.rpartition("/")[2]
        if kind in found and not relation.is_external:
            found[kind].append(relation.target_part.blob)
    for kind, blobs in found.items():
        for blob in sorted(blobs):
            root = parse_xml(blob)
            notes = _elements(root) if kind.endswith("notes") else [root]
            for note in notes:
                text = "\n".join(filter(str.strip, map(_text, _paragraphs(note))))
                if not _PAGE_NUMBER.fullmatch(text):
                    yield text


def _elements(parent: _Element) -> Iterator[_Element]:
    """Yield the children that are shown; comments of the XML are none."""
    for child in parent:
        if isinstance(child.tag, str) and child.tag not in _LEFT_OUT:
            yield child


def _children(parent: _Element, tags: set[str]) -> Iterator[_Element]:
    """Yield the children of these tags, those inside content controls and the like among them."""
    for child in _elements(parent):
        if child.tag in tags:
            yield child
        else:
            yield from _children(child, tags)


def _paragraphs(parent: _Element) -> Iterator[_Element]:
    """Yield every paragraph inside, also in tables and text boxes."""
    for child in _elements(parent):
        if child.tag == _P:
            yield child
        yield from _paragraphs(child)


def _boxes(element: _Element) -> Iterator[_Element]:
    """Yield the contents of the text boxes of a paragraph."""
    for child in _elements(element):
        if child.tag == _BOX:
            yield child
        else:
            yield from _boxes(child)


def _style(paragraph: _Element) -> str:
    found = paragraph.find(f"{_WORD}pPr/{_WORD}pStyle")
    return "" if found is None else str(found.get(_VALUE, ""))


def _text(paragraph: _Element) -> str:
    """Return the text of a paragraph, without its text boxes and what its fields are asked."""
    parts = []
    # For each field that is open here, whether what it shows has not begun.
    asking: list[bool] = []
    for piece, field in _pieces(paragraph):
        if field == "begin":
            asking.append(True)
        elif field == "separate" and asking:
            asking[-1] = False
        elif field == "end" and asking:
            asking.pop()
        elif not any(asking):
            parts.append(piece)
    return "".join(parts)


def _pieces(element: _Element) -> Iterator[tuple[str, str]]:
    """Yield text, and the ends and middles of fields, in order."""
    for child in _elements(element):
        if child.tag in _TEXT:
            # Behind a comment of the XML the text goes on.
            yield (child.text or "") + "".join(inside.tail or "" for inside in child), ""
        elif child.tag in _MARKS:
            yield _MARKS[child.tag], ""
        elif child.tag == _SYMBOL:
            yield _symbol(child), ""
        elif child.tag == _FIELD:
            yield "", str(child.get(f"{_WORD}fldCharType", ""))
        elif child.tag in _BEFORE_PART:
            yield _BEFORE_PART[child.tag] + _bracketed(_text(child)), ""
        elif child.tag == f"{_MATHS}num":
            yield _bracketed(_text(child)), ""
        elif child.tag != _BOX and not (child.tag == _RUN and _hidden(child)):
            yield from _pieces(child)


def _bracketed(part: str) -> str:
    return part if part.isalnum() or len(part) < 2 else f"({part})"


def _hidden(run: _Element) -> bool:
    vanish = run.find(f"{_WORD}rPr/{_WORD}vanish")
    return vanish is not None and vanish.get(_VALUE, "1") not in ("0", "false", "off")


def _symbol(element: _Element) -> str:
    """Return a character of a font of symbols; U+FFFD where it is not known which one it is."""
    try:
        code = int(element.get(f"{_WORD}char", ""), 16)
    except ValueError:
        return "\ufffd"
    font = str(element.get(f"{_WORD}font", ""))
    if not 0xF020 <= code <= 0xF0FF:
        return chr(code) if 32 <= code < 0xD800 else "\ufffd"
    code -= 0xF000
    if font == "Symbol":
        return _GREEK.get(chr(code)) or _SIGNS.get(code) or (chr(code) if code < 0x7F else "\ufffd")
    return _DINGBATS.get(code, "\ufffd") if font.startswith("Wingdings") else "\ufffd"


def _lines(table: _Element, numbers: Numbers) -> list[str]:
    """Return a line a row, cells apart by tabs; a cell that goes over rows is said in each."""
    lines = []
    above: dict[int, str] = {}
    for row in _children(table, {_ROW}):
        if row.find(f"{_WORD}trPr/{_WORD}del") is not None:
            continue
        cells: list[str] = []
        column = _count(row.find(f"{_WORD}trPr/{_WORD}gridBefore"), 0)
        said: dict[int, str] = {}
        for cell in _children(row, {_CELL}):
            if cell.find(f"{_WORD}tcPr/{_WORD}cellDel") is not None:
                continue
            merged = cell.find(f"{_WORD}tcPr/{_WORD}vMerge")
            goes_on = merged is not None and merged.get(_VALUE) != "restart"
            words = _one_line(numbers.next(one) + _text(one) for one in _paragraphs(cell))
            said[column] = above.get(column, words) if goes_on else words
            # Below the name of its column, whatever cells before it go over or leave out.
            cells.extend([""] * (min(column, _MOST_COLUMNS) - len(cells)))
            cells.append(said[column])
            column += _count(cell.find(f"{_WORD}tcPr/{_WORD}gridSpan"), 1)
        above = said
        lines.append("\t".join(cells))
    return lines


def _one_line(texts: Iterable[str]) -> str:
    return " ".join(" ".join(texts).split())


def _count(element: _Element | None, otherwise: int) -> int:
    """Return a number of columns."""
    value = "" if element is None else str(element.get(_VALUE, ""))
    return int(value) if value.isdecimal() and len(value) < 5 else otherwise
