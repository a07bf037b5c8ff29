"""HTML through selectolax: the main text, block by block, without scripts and page furniture."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

from index.content import Content, ContentBuilder
from index.formats.plain import decode

_SKIPPED = frozenset(
    ["script", "style", "noscript", "template", "svg", "math", "nav", "aside", "footer", "form"]
    + ["button", "select", "textarea", "iframe", "object", "head", "dialog", "canvas"]
)
_BLOCKS = frozenset(
    ["address", "article", "blockquote", "body", "caption", "dd", "details", "div", "dl", "dt"]
    + ["fieldset", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr"]
    + ["html", "li", "main", "ol", "p", "pre", "section", "summary", "table", "tbody", "tfoot"]
    + ["thead", "tr", "ul"]
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


def load_html(data: bytes, name: str) -> Content:
    """Read an HTML file."""
    declared = _CHARSET.search(data[:2048])
    encoding = declared[1].decode("ascii").lower() if declared else None
    text, found, note = decode(data, name, _WEB_NAMES.get(encoding or "", encoding))
    builder = ContentBuilder()
    add_html(builder, text)
    return builder.build(note, found)


def add_html(builder: ContentBuilder, source: str) -> None:
    """Append the text of an HTML document to what is being built."""
    tree = LexborHTMLParser(_CLOSED_AT_ONCE.sub(r"<\1\2></\1>", source))
    mains = tree.css(_MAIN)
    top = mains[0] if len(mains) == 1 else tree.body
    if top is not None:
        _Walk(builder).walk(top)


class _Walk:
    """Goes through a tree without recursion: nesting is as deep as a hostile file likes."""

    def __init__(self, builder: ContentBuilder) -> None:
        self._builder = builder
        self._words: list[str] = []
        self._gap = "\n\n"

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
            elif tag not in _SKIPPED and not tag.startswith(("-", "!", "_")):
                self._open(node, tag, stack)
        self._flush()

    def _open(self, node: LexborNode, tag: str, stack: list[tuple[LexborNode | None, str]]) -> None:
        if tag == "pre":
            self._flush()
            self._builder.add(node.text(deep=True))
            return
        if tag == "br":
            self._words.append("\n")
            return
        if tag in _BLOCKS:
            self._flush()
            if tag == "li":
                self._words.append("- ")
        stack.append((None, tag))
        children = []
        child = node.child
        while child is not None:
            children.append(child)
            child = child.next
        stack.extend((child, "") for child in reversed(children))

    def _close(self, tag: str) -> None:
        if tag in {"td", "th"}:
            self._words.append("\t")
        elif tag == "tr" or tag == "li":
            self._flush()
            self._gap = "\n"
        elif len(tag) == 2 and tag[0] == "h" and tag[1] in "123456":
            words = self._take()
            self._builder.add_heading(words, int(tag[1]))
            self._gap = "\n\n"
        elif tag in _BLOCKS:
            self._flush()
            self._gap = "\n\n"

    def _flush(self) -> None:
        words = self._take()
        if words and words != "-":
            self._builder.add(words, self._gap)
            self._gap = "\n\n"

    def _take(self) -> str:
        lines = "".join(self._words).split("\n")
        self._words.clear()
        return "\n".join(_tidy(line) for line in lines).strip()


def _tidy(line: str) -> str:
    cells = [re.sub(" +", " ", cell).strip() for cell in line.split("\t")]
    return "\t".join(cells).strip()
