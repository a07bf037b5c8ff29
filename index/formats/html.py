"""HTML through selectolax: the main text, block by block, without scripts and page furniture."""

from __future__ import annotations

import re
from collections.abc import Collection

from selectolax.lexbor import LexborHTMLParser, LexborNode

from index.content import Content, ContentBuilder
from index.formats.plain import decode

SKIPPED = frozenset(
    ["script", "style", "noscript", "template", "svg", "math", "nav", "aside", "footer"]
    + ["button", "select", "textarea", "iframe", "object", "head", "dialog", "canvas"]
)
"""Elements that are no text of a page."""
_BLOCKS = frozenset(
    ["address", "article", "aside", "blockquote", "body", "caption", "dd", "details", "div"]
    + ["dl", "dt", "fieldset", "figcaption", "figure", "form", "h1", "h2", "h3", "h4", "h5", "h6"]
    + ["header", "hr", "html", "li", "main", "ol", "p", "pre", "section", "summary", "table"]
    + ["tr", "ul"]
)
_CHARSET = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
# XHTML, as in EPUB, may close these at once; HTML would take all that follows for their content.
_CLOSED_AT_ONCE = re.compile(
    r"<(title|script|style|iframe|textarea|noscript)\b([^<>]*)/>", re.IGNORECASE
)
# What these names mean on the web.
_WEB_NAMES = dict.fromkeys(["iso-8859-1", "latin1", "latin-1", "ascii", "us-ascii"], "cp1252")
_SPACE = re.compile(r"[ \t\r\n\f]+")
_MAIN = "main, [role=main]"
_CELLS = frozenset(["td", "th"])
_ROW_GROUPS = frozenset(["thead", "tbody", "tfoot"])
# A row with one of these in a cell lays out a page; so does one with paragraphs longer than this.
_LAID_OUT = frozenset(["table", "h1", "h2", "h3", "h4", "h5", "h6", "pre"])
_LONGEST_CELL = 1000
# Most columns that a cell goes over, and rows that it is said again in.
_MOST_COLUMNS = 63
_MOST_ROWS = 1000


def load_html(data: bytes, name: str) -> Content:
    """Read an HTML file."""
    text, encoding, note = decode_html(data, name)
    builder = ContentBuilder()
    add_html(builder, text)
    return builder.build(note, encoding)


def decode_html(data: bytes, name: str) -> tuple[str, str, str | None]:
    """Decode HTML as `index.formats.plain.decode` does text, by what its <meta> declares."""
    found = _CHARSET.search(data[:2048])
    declared = found[1].decode("ascii").lower() if found else None
    # It would not have been found in bytes of these.
    if declared and declared.startswith(("utf-16", "utf-32", "utf16", "utf32")):
        declared = "utf-8"
    return decode(data, name, _WEB_NAMES.get(declared or "", declared))


def add_html(builder: ContentBuilder, source: str, skipped: Collection[str] = SKIPPED) -> None:
    """Append the text of an HTML document to what is being built.

    Args:
        builder: What is being built.
        source: The document.
        skipped: Elements that are left out.
    """
    tree = LexborHTMLParser(_CLOSED_AT_ONCE.sub(r"<\1\2></\1>", source))
    mains = tree.css(_MAIN)
    top = mains[0] if len(mains) == 1 else tree.body
    if top is not None:
        _Walk(builder, skipped).walk(top)


class _Grid:
    """The columns of a table: where cells go over several, the others stay below their names.

    A cell that goes over rows is said in each of them, as in Word's tables.
    """

    def __init__(self) -> None:
        self._column = 0
        # By column, in how many rows to come a cell of a row above is said, and its words.
        self._above: dict[int, tuple[int, str]] = {}

    def __len__(self) -> int:
        """Return how many cells of rows above are in the next one."""
        return len(self._above)

    def start_row(self) -> None:
        self._column = 0

    def before_cell(self) -> str:
        """Return what stands before the next cell of the row."""
        said = ""
        while self._column in self._above:
            said += self._said()
        return said

    def add_cell(self, words: str, columns: int, rows: int) -> str:
        """Take in a cell with its words; return what parts it from the next one."""
        short = words if len(words) <= _LONGEST_CELL else ""
        for at in range(columns if rows > 1 else 0):
            self._above[self._column + at] = (rows - 1, "" if at else short)
        self._column += columns
        return "\t" * columns

    def end_row(self) -> str:
        """Return what stands behind the last cell of the row."""
        said = ""
        last = max(self._above, default=-1)
        while self._column <= last:
            said += self._said()
        return said

    def _said(self) -> str:
        rows, words = self._above.pop(self._column, (0, ""))
        if rows > 1:
            self._above[self._column] = (rows - 1, words)
        self._column += 1
        return f"{words}\t"


class _Walk:
    """Goes through a tree without recursion: nesting is as deep as a hostile file likes."""

    def __init__(self, builder: ContentBuilder, skipped: Collection[str]) -> None:
        self._builder = builder
        self._skipped = skipped
        self._words: list[str] = []
        self._gap = "\n\n"
        # Whether this is inside a row that is written as one line, and whether its table had a row
        # with words in two cells or more.
        self._in_row = False
        self._below_row = False
        self._grid = _Grid()
        self._outer: list[_Grid] = []
        # Where the words of the cell that is read begin, the columns that it goes over, and rows.
        self._cell = (0, 1, 1)

    def walk(self, top: LexborNode) -> None:
        # (node, None) opens a node; (None, tag) closes an element.
        stack: list[tuple[LexborNode | None, str]] = [(top, "")]
        while stack:
            node, closed = stack.pop()
            if node is None:
                self._close(closed)
                continue
            tag = node.tag or ""
            if tag == "-text":
                self._words.append(_SPACE.sub(" ", node.text_content or ""))
            elif self._is_read(tag):
                self._open(node, tag, stack)
        self._flush()

    def _open(self, node: LexborNode, tag: str, stack: list[tuple[LexborNode | None, str]]) -> None:
        if tag == "pre":
            self._flush()
            self._builder.add(self._verbatim(node))
            return
        if tag == "br":
            self._words.append(" " if self._in_row else "\n")
            return
        if tag in _BLOCKS:
            self._end_block()
            if tag == "li":
                self._words.append("- ")
        if tag == "table":
            self._below_row = False
            self._outer.append(self._grid)
            self._grid = _Grid()
        elif tag in _ROW_GROUPS:
            self._grid = _Grid()  # no cell goes over rows of another one
        elif tag == "tr":
            self._in_row = self._is_row(node)
            self._grid.start_row()
        elif tag in _CELLS and self._in_row:
            self._words.append(self._grid.before_cell())
            columns = _count(node, "colspan", _MOST_COLUMNS)
            self._cell = len(self._words), columns, _count(node, "rowspan", _MOST_ROWS)
        stack.append((None, tag))
        stack.extend((child, "") for child in reversed(_children(node)))

    def _close(self, tag: str) -> None:
        if tag == "table":
            self._grid = self._outer.pop()
        if tag in _CELLS and self._in_row:
            begin, columns, rows = self._cell
            words = _tidy("".join(self._words[begin:]))
            self._words.append(self._grid.add_cell(words, columns, rows))
        elif tag in _CELLS:
            self._words.append("\t")
        elif self._in_row and tag != "tr":
            if tag in _BLOCKS:
                self._end_block()
        elif tag == "tr" or tag == "li":
            said = self._grid.end_row() if tag == "tr" else ""
            if self._in_row:
                self._words.append(said)
            self._flush()
            self._in_row = False
            self._gap = "\n"
        elif len(tag) == 2 and tag[0] == "h" and tag[1] in "123456":
            words = self._take()
            self._builder.add_heading(words, int(tag[1]))
            self._gap = "\n\n"
        elif tag in _BLOCKS:
            self._flush()
            self._gap = "\n\n"

    def _is_read(self, tag: str) -> bool:
        return tag not in self._skipped and not tag.startswith(("-", "!", "_"))

    def _is_row(self, row: LexborNode) -> bool:
        """Tell whether a row is one of cells side by side, and not what lays out a page."""
        cells = [child for child in _children(row) if child.tag in _CELLS]
        return len(cells) + len(self._grid) > 1 and not any(map(self._is_laid_out, cells))

    def _is_laid_out(self, cell: LexborNode) -> bool:
        """Tell whether a cell has blocks that would lose their ends in a line, or is long."""
        length = breaks = 0
        stack = _children(cell)
        while stack:
            node = stack.pop()
            tag = node.tag or ""
            if tag in _LAID_OUT:
                return True
            if tag == "-text":
                length += len(_SPACE.sub(" ", node.text_content or ""))
            elif self._is_read(tag):
                breaks += tag == "br" or tag in _BLOCKS
                stack.extend(_children(node))
        return breaks > 1 and length > _LONGEST_CELL

    def _verbatim(self, top: LexborNode) -> str:
        """Return text whose line ends and spaces stand as they are."""
        parts = []
        stack = [top]
        while stack:
            node = stack.pop()
            tag = node.tag or ""
            if tag == "-text":
                parts.append(node.text_content or "")
            elif tag == "br":
                parts.append("\n")
            elif self._is_read(tag):
                stack.extend(reversed(_children(node)))
        return "".join(parts)

    def _end_block(self) -> None:
        if self._in_row:
            self._words.append(" ")
        else:
            self._flush()

    def _flush(self) -> None:
        words = self._take()
        if words.strip() and words != "-":
            self._builder.add(words, self._gap)
            self._gap = "\n\n"

    def _take(self) -> str:
        lines = "".join(self._words).split("\n")
        self._words.clear()
        words = "\n".join(_tidy(line) for line in lines)
        if not self._in_row:
            return words.strip()
        # Empty cells at the left keep the others below their names; a title or a picture's caption
        # above the first row has none.
        self._below_row = self._below_row or "\t" in words.strip()
        return words if self._below_row else words.strip()


def _tidy(line: str) -> str:
    cells = [re.sub(" +", " ", cell).strip() for cell in line.split("\t")]
    return "\t".join(cells).rstrip()


def _count(cell: LexborNode, attribute: str, most: int) -> int:
    """Return how many columns or rows a cell goes over."""
    said = (cell.attributes.get(attribute) or "").strip()
    # 0 rows are all that are left of the row group.
    counted = int(said) if said.isascii() and said.isdigit() and len(said) < 9 else 1
    return min(counted or (most if attribute == "rowspan" else 1), most)


def _children(node: LexborNode) -> list[LexborNode]:
    children = []
    child = node.child
    while child is not None:
        children.append(child)
        child = child.next
    return children
