"""PDF through pypdfium2: text by page, and the box of every character.

What was filled into a form or typed onto a page is part of the page.

pypdfium2 is not safe to use from several threads; it runs in the parser process only.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pypdfium2  # type: ignore[import-untyped]
import pypdfium2.raw as pdfium  # type: ignore[import-untyped]
from numpy.typing import NDArray

from index.content import Content, ContentBuilder
from index.errors import UnreadableDocument
from index.formats.columns import with_tabs

# PDFium marks a hyphen that it takes for one of a broken word with this character.
_BROKEN_WORD = "\x02"
# Annotations with text of their own: fields of forms, text typed onto a page, stamps. Not those
# that say something about it, as highlights and comments do.
_ONTO_PAGES = (pdfium.FPDF_ANNOT_WIDGET, pdfium.FPDF_ANNOT_FREETEXT, pdfium.FPDF_ANNOT_STAMP)
MAX_PAGES = 20_000
_Box = tuple[float, float, float, float]
_NOWHERE: _Box = (0.0, 0.0, 0.0, 0.0)


class _Drawn(NamedTuple):
    """A character as PDFium has it: its box, and its angle in radians where that is asked for."""

    character: str
    box: _Box
    angle: float


@dataclass(frozen=True, slots=True)
class PageText:
    """Canonical text of one page, and a box for each of its characters.

    Attributes:
        text: Canonical text.
        boxes: Left, bottom, right, top in points of the page's user space, shape (number of
            characters, 4); zeros where a character has none (spaces PDFium adds, tabs between the
            cells of tables). The letters of a ligature have equal shares of its box.
    """

    text: str
    boxes: NDArray[np.float32]


def load_pdf(data: bytes, name: str) -> Content:
    """Read the text layer page by page.

    Raises:
        UnreadableDocument: Encrypted, broken, or scanned without a text layer.
    """
    builder = ContentBuilder()
    with open_pdf(data, name) as pdf:
        count = len(pdf)
        empty = 0
        for number in range(count):
            text = _read_page(pdf, number).text
            builder.add_page(text)
            empty += not text.strip()
    if count and empty == count:
        raise UnreadableDocument(
            f"{name}: scanned, no text layer on any of its {count} pages; run text recognition "
            "on it first"
        )
    return builder.build(note=f"{empty} of {count} pages have no text layer" if empty else None)


def load_page(data: bytes, name: str, number: int) -> PageText:
    """Read one page (1-based) with its boxes.

    Raises:
        UnreadableDocument: The PDF cannot be opened.
    """
    with open_pdf(data, name) as pdf:
        return _read_page(pdf, number - 1)


def open_pdf(data: bytes, name: str) -> pypdfium2.PdfDocument:
    """Open a PDF, what is filled into its forms included.

    Raises:
        UnreadableDocument: It is encrypted, broken, or of too many pages.
    """
    try:
        pdf = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise UnreadableDocument(f"{name}: encrypted; save it without a password") from error
        raise UnreadableDocument(f"{name}: broken PDF ({error})") from error
    # Before any page is opened; without it, what a form holds is not drawn.
    pdf.init_forms()
    if len(pdf) > MAX_PAGES:
        raise UnreadableDocument(f"{name}: {len(pdf):,} pages, expected at most {MAX_PAGES:,}")
    return pdf


def whole_page(pdf: pypdfium2.PdfDocument, number: int) -> pypdfium2.PdfPage:
    """Open a page (from 0) with what was filled in, typed or stamped onto it drawn into it.

    Raises:
        PdfiumError: The page is broken.
    """
    page = pdf[number]
    kinds = [_kind(page, at) for at in range(pdfium.FPDFPage_GetAnnotCount(page))]
    if any(kind in _ONTO_PAGES for kind in kinds):
        for at in reversed(range(len(kinds))):
            if kinds[at] not in _ONTO_PAGES:
                pdfium.FPDFPage_RemoveAnnot(page, at)
        # A size that is told once for many pages would be lost, for that of US letter paper.
        shown = page.get_bbox()
        page.set_mediabox(*shown)
        page.set_cropbox(*shown)
        pdfium.FPDFPage_Flatten(page, pdfium.FLAT_NORMALDISPLAY)
        page.close()
        page = pdf[number]
    return page


def _kind(page: pypdfium2.PdfPage, at: int) -> int:
    """Return the kind of a page's annotation; 0 when it cannot be told."""
    annotation = pdfium.FPDFPage_GetAnnot(page, at)
    if not annotation:
        return 0
    kind = int(pdfium.FPDFAnnot_GetSubtype(annotation))
    pdfium.FPDFPage_CloseAnnot(annotation)
    return kind


def _read_page(pdf: pypdfium2.PdfDocument, number: int) -> PageText:
    try:
        page = whole_page(pdf, number)
    except pypdfium2.PdfiumError:
        # One broken page of many: the others are still read.
        return PageText("", np.zeros((0, 4), dtype=np.float32))
    try:
        textpage = page.get_textpage()
        try:
            characters = list(_characters(textpage))
        finally:
            textpage.close()
    finally:
        page.close()
    text, origins = _normalise(_join(characters))
    boxes = np.zeros((len(text), 4), dtype=np.float32)
    for at, sources in enumerate(origins):
        boxes[at] = _around([characters[source].box for source in sources])
    _divide_glyphs(text, boxes, [characters[sources[-1]].angle for sources in origins])
    lead = len(text) - len(text.lstrip("\n"))
    return PageText(*with_tabs(text.strip("\n"), boxes[lead : len(text.rstrip("\n"))]))


def _characters(textpage: pypdfium2.PdfTextPage) -> Iterator[_Drawn]:
    """Yield every character of a page with its box."""
    raw = textpage.raw
    left, right, bottom, top = (pdfium.c_double() for _ in range(4))
    high = 0
    before = _NOWHERE
    for at in range(textpage.count_chars()):
        code = pdfium.FPDFText_GetUnicode(raw, at)
        if 0xD800 <= code < 0xDC00:
            high = code
            continue
        if 0xDC00 <= code < 0xE000:
            code = 0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00) if high else 0xFFFD
        high = 0
        box = _NOWHERE
        if pdfium.FPDFText_GetCharBox(raw, at, left, right, bottom, top):
            box = (left.value, bottom.value, right.value, top.value)
        # Only where two characters share a glyph is the direction wanted.
        angle = pdfium.FPDFText_GetCharAngle(raw, at) if box == before else 0.0
        before = box
        yield _Drawn(chr(code) if code <= 0x10FFFF else "\ufffd", box, angle)


def _around(boxes: list[_Box]) -> _Box:
    """Return the box around boxes, leaving out those without an extent."""
    drawn = [box for box in boxes if box[0] < box[2] and box[1] < box[3]]
    if len(drawn) < 2:
        return (drawn or boxes)[0]
    left, bottom, right, top = zip(*drawn, strict=True)
    return min(left), min(bottom), max(right), max(top)


def _divide_glyphs(text: str, boxes: NDArray[np.float32], angles: list[float]) -> None:
    """Give each letter of a ligature (one glyph, one box) its share of the box, in place."""
    drawn = boxes[:, 0] < boxes[:, 2]
    same = (boxes[1:] == boxes[:-1]).all(axis=1) & drawn[1:]
    end = 0
    for at in np.flatnonzero(same).tolist():
        if at < end or unicodedata.category(text[at + 1])[0] == "M":
            continue
        end = at + 2
        while end < len(text) and same[end - 1]:
            end += 1
        # PDFium counts angles clockwise: 1 is down the page. Right to left is the other way about.
        quarter = round(angles[at + 1] / (math.pi / 2)) % 4
        backwards = (quarter in (1, 2)) != (unicodedata.bidirectional(text[at]) in ("R", "AL"))
        low = quarter % 2
        edges = np.linspace(boxes[at, low], boxes[at, low + 2], end - at + 1)
        pairs = list(zip(edges, edges[1:], strict=False))
        boxes[at:end, [low, low + 2]] = pairs[::-1] if backwards else pairs


def _join(characters: list[_Drawn]) -> list[tuple[str, int]]:
    """Drop what is no text: line ends become one, words broken at a line end are whole again.

    Returns:
        Characters with the number of the one on the page that they come from.
    """
    kept: list[tuple[str, int]] = []
    skip_line_end = False
    for at, (character, _, _) in enumerate(characters):
        if character == _BROKEN_WORD or character == "\u00ad":
            skip_line_end = True
        elif character in "\r\n":
            if not skip_line_end and character == "\n":
                kept.append(("\n", at))
        elif character >= " " and not "\x7f" <= character <= "\x9f" or character == "\t":
            skip_line_end = False
            kept.append((character, at))
    return kept


def _normalise(characters: list[tuple[str, int]]) -> tuple[str, list[list[int]]]:
    """Compose base letters with the marks after them.

    Returns:
        The text, and for each of its characters the numbers of those it comes from.
    """
    text: list[str] = []
    origins: list[list[int]] = []
    at = 0
    while at < len(characters):
        end = at + 1
        while end < len(characters) and _joins(characters[end][0]):
            end += 1
        composed = unicodedata.normalize("NFC", "".join(c for c, _ in characters[at:end]))
        sources = [source for _, source in characters[at:end]]
        text.append(composed)
        if len(composed) < len(sources):
            # Which mark went into which letter is not told: each has the box of them all.
            origins.extend([sources] * len(composed))
        else:
            origins.extend([sources[min(n, len(sources) - 1)]] for n in range(len(composed)))
        at = end
    return "".join(text), origins


def _joins(character: str) -> bool:
    """Tell whether a character may compose with the one before it (marks and Korean jamo)."""
    return unicodedata.category(character)[0] == "M" or "\u1161" <= character <= "\u11c2"
