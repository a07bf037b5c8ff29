"""Pure: the document pane: a text with its quote marked, or a PDF's page with it boxed."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from typing import TYPE_CHECKING

from qa.answer import Citation
from ui.render import Mark, attribute, count, escape, pieces, pieces_html

if TYPE_CHECKING:
    from index.documents import Document
    from ui.picture import Picture

# Characters of a document that are shown at once; a book is shown around the quote.
WINDOW = 60_000


def stretch(text: str, middle: int, size: int = WINDOW) -> tuple[int, int]:
    """Return the part of `text` to show around `middle`: at most `size` characters, whole lines."""
    if len(text) <= size:
        return 0, len(text)
    start = max(0, min(middle - size // 2, len(text) - size))
    end = min(len(text), start + size)
    if start > 0:
        line = text.find("\n", start, middle)
        start = start if line < 0 else line + 1
    if end < len(text):
        line = text.rfind("\n", max(middle, start), end)
        end = end if line < 0 else line
    return start, end


def blocks(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Cut a stretch into paragraphs: at blank lines where it has them, else at line ends."""
    part = text[start:end]
    separator = r"\n[ \t]*\n\s*" if re.search(r"\n[ \t]*\n", part) else r"\n+"
    result, left = [], start
    for gap in re.finditer(separator, part):
        if start + gap.start() > left:
            result.append((left, start + gap.start()))
        left = start + gap.end()
    if left < end:
        result.append((left, end))
    return result


def body(document: Document, marks: Sequence[Mark], middle: int) -> str:
    """Return the document's text as paragraphs, headings and page numbers, with its marks."""
    text = document.text
    start, end = stretch(text, middle)
    headings = {heading.start: heading.level for heading in document.headings}
    pages = {page.start: page.number for page in document.pages}
    parts = []
    if start > 0:
        parts.append(f'<p class="cs-elided">{count(start, "character")} before this</p>')
    target: str | None = "cs-target"
    for left, right in blocks(text, start, end):
        parts += [
            f'<p class="cs-page-number">Page {number}</p>'
            for at, number in pages.items()
            if left <= at < right
        ]
        level = next((headings[at] for at in headings if left <= at < right), None)
        shown = pieces(text, marks, left, right)
        marked = any(piece.kind in ("quote", "near") for piece in shown)
        inner = pieces_html(shown, target if marked else None)
        target = None if marked else target
        role = f' role="heading" aria-level="{min(level + 2, 6)}"' if level else ""
        parts.append(f"<p{role}>{inner}</p>")
    if end < len(text):
        parts.append(f'<p class="cs-elided">{count(len(text) - end, "character")} after this</p>')
    return "".join(parts)


def document_pane(
    document: Document,
    citation: Citation | None = None,
    others: Sequence[Citation] = (),
    near: bool = False,
) -> str:
    """Return a document with the citation's quote marked, and its sentence tinted.

    Args:
        document: The stored document.
        citation: The place to show, or None for the document's beginning.
        others: The answer's other citations; those in this document are marked faintly.
        near: Whether the quote is only what came nearest, in a refusal.
    """
    marks: list[Mark] = []
    place, middle = "", 0
    if citation is not None:
        middle = citation.start
        marks.append(Mark(citation.sentence_start, citation.sentence_end, "sentence"))
        marks.append(Mark(citation.start, citation.end, "near" if near else "quote"))
        marks += [Mark(c.start, c.end, "other") for c in others if c.document == document.name]
        where = f"page {citation.page}" if citation.page is not None else citation.heading
        place = f'<span class="cs-where"><bdi>{escape(where)}</bdi></span>' if where else ""
    tools = (
        '<span class="cs-turning"><button type="button" data-action="page" data-number="0">'
        "Show the page</button></span>"
        if document.format == "pdf"
        else ""
    )
    key = "" if citation is None else f"{citation.document}:{citation.start}:{citation.end}"
    return (
        f'<section class="cs-document" aria-label="Document" data-key="{escape(key)}">'
        f"{head(document.name, place + tools)}"
        '<div class="cs-page" tabindex="0" role="region" aria-label="Text of the document">'
        f"{body(document, marks, middle)}</div></section>"
    )


def head(title: str, more: str = "") -> str:
    """Return the pane's head: the way back on a small screen, a title, and what more there is."""
    return (
        '<header class="cs-document-head"><button type="button" class="cs-back" '
        f'data-action="back">Back to the answer</button><h2><bdi>{escape(title)}</bdi></h2>'
        f"{more}</header>"
    )


def page_pane(
    document: Document,
    number: int,
    picture: Picture,
    citation: Citation | None = None,
    near: bool = False,
) -> str:
    """Return a PDF's page as a picture with the quote boxed, and buttons to turn pages.

    Args:
        document: The stored document.
        number: The page, 1-based.
        picture: The page; its boxes are the quote's.
        citation: The place that is shown, or None.
        near: Whether the quote is only what came nearest, in a refusal.
    """
    last = len(document.pages)
    kind = "near" if near else "quote"
    boxes = "".join(
        f'<span class="cs-box cs-{kind}"{" id=cs-target" if at == 0 else ""} '
        f'style="left:{left:.3%};top:{top:.3%};width:{right - left:.3%};'
        f'height:{bottom - top:.3%}"></span>'
        for at, (left, top, right, bottom) in enumerate(picture.boxes)
    )
    tools = (
        f'<span class="cs-where">page {number:,} of {last:,}</span><span class="cs-turning">'
        f"{turning('Previous', number - 1, last)}{turning('Next', number + 1, last)}"
        '<button type="button" data-action="text">Show as text</button></span>'
    )
    key = f"{document.name}:{number}" + (f":{citation.start}" if citation else "")
    said = f"Page {number} of {document.name} as a picture. Its words can be shown as text."
    return (
        f'<section class="cs-document" aria-label="Document" data-key="{escape(key)}">'
        f"{head(document.name, tools)}"
        '<div class="cs-page cs-picture" tabindex="0" role="region" aria-label="Page of the '
        'document"><figure><img src="data:image/png;base64,'
        f'{b64encode(picture.png).decode()}" alt="{escape(said)}" '
        f'width="{picture.width}" height="{picture.height}">{boxes}</figure></div></section>'
    )


def turning(words: str, to: int, last: int) -> str:
    """Return a button that turns to a page; it is off when there is no such page."""
    off = "" if 1 <= to <= last else " disabled"
    return f'<button type="button" data-action="page" data-number="{to}"{off}>{words}</button>'


def document_empty(names: Sequence[str] = ()) -> str:
    """Return the document pane before anything is asked, with the documents to open."""
    items = "".join(
        f'<li><button type="button" data-action="open" data-name="{attribute(name)}">'
        f"<bdi>{escape(name)}</bdi></button></li>"
        for name in names
    )
    listed = f'<ul class="cs-names">{items}</ul>' if items else ""
    return (
        '<section class="cs-document cs-document-empty" aria-label="Document">'
        f"{head('The documents')}"
        '<div class="cs-page" tabindex="0" role="region" aria-label="Documents">'
        f"<p>The quote is shown here, in its document.</p>{listed}</div></section>"
    )


def document_gone(name: str) -> str:
    """Return the document pane for a citation whose document is not as it was."""
    return (
        '<section class="cs-document cs-document-empty" aria-label="Document">'
        f"{head(name)}"
        '<div class="cs-page" tabindex="0" role="region" aria-label="Text of the document">'
        "<p>This document was changed or removed after the answer was given. Ask again to see "
        "what it says now.</p></div></section>"
    )
