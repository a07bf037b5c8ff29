"""PDF through pypdfium2: text by page, and the box of every character.

pypdfium2 is not safe to use from several threads; it runs in the parser process only.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pypdfium2  # type: ignore[import-untyped]
import pypdfium2.raw as pdfium  # type: ignore[import-untyped]
from numpy.typing import NDArray

from index.content import Content, ContentBuilder
from index.errors import UnreadableDocument

# PDFium marks a hyphen that it takes for one of a broken word with this character.
_BROKEN_WORD = "\x02"
MAX_PAGES = 20_000


@dataclass(frozen=True, slots=True)
class PageText:
    """Canonical text of one page, and a box for each of its characters.

    Attributes:
        text: Canonical text.
        boxes: Left, bottom, right, top in points of the page's user space, shape (number of
            characters, 4); zeros where a character has none (spaces PDFium adds).
    """

    text: str
    boxes: NDArray[np.float32]


def load_pdf(data: bytes, name: str) -> Content:
    """Read the text layer page by page.

    Raises:
        UnreadableDocument: Encrypted, broken, or scanned without a text layer.
    """
    builder = ContentBuilder()
    with _open(data, name) as pdf:
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
    with _open(data, name) as pdf:
        return _read_page(pdf, number - 1)


def _open(data: bytes, name: str) -> pypdfium2.PdfDocument:
    try:
        pdf = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise UnreadableDocument(f"{name}: encrypted; save it without a password") from error
        raise UnreadableDocument(f"{name}: broken PDF ({error})") from error
    if len(pdf) > MAX_PAGES:
        raise UnreadableDocument(f"{name}: {len(pdf):,} pages, expected at most {MAX_PAGES:,}")
    return pdf


def _read_page(pdf: pypdfium2.PdfDocument, number: int) -> PageText:
    try:
        page = pdf[number]
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
    boxes = np.array([characters[at][1] for at in origins], dtype=np.float32).reshape(-1, 4)
    lead = len(text) - len(text.lstrip("\n"))
    return PageText(text.strip("\n"), boxes[lead : len(text.rstrip("\n"))])


def _characters(
    textpage: pypdfium2.PdfTextPage,
) -> Iterator[tuple[str, tuple[float, float, float, float]]]:
    """Yield every character of a page with its box."""
    raw = textpage.raw
    left, right, bottom, top = (pdfium.c_double() for _ in range(4))
    high = 0
    for at in range(textpage.count_chars()):
        code = pdfium.FPDFText_GetUnicode(raw, at)
        if 0xD800 <= code < 0xDC00:
            high = code
            continue
        if 0xDC00 <= code < 0xE000:
            code = 0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00) if high else 0xFFFD
        high = 0
        box = (0.0, 0.0, 0.0, 0.0)
        if pdfium.FPDFText_GetCharBox(raw, at, left, right, bottom, top):
            box = (left.value, bottom.value, right.value, top.value)
        yield chr(code) if code <= 0x10FFFF else "\ufffd", box


def _join(characters: list[tuple[str, tuple[float, float, float, float]]]) -> list[tuple[str, int]]:
    """Drop what is no text: line ends become one, words broken at a line end are whole again.

    Returns:
        Characters with the number of the one on the page that they come from.
    """
    kept: list[tuple[str, int]] = []
    skip_line_end = False
    for at, (character, _) in enumerate(characters):
        if character == _BROKEN_WORD or character == "\u00ad":
            skip_line_end = True
        elif character in "\r\n":
            if not skip_line_end and character == "\n":
                kept.append(("\n", at))
        elif character >= " " and not "\x7f" <= character <= "\x9f" or character == "\t":
            skip_line_end = False
            kept.append((character, at))
    return kept


def _normalise(characters: list[tuple[str, int]]) -> tuple[str, list[int]]:
    """Compose base letters with the marks after them; return the text and where each is from."""
    text: list[str] = []
    origins: list[int] = []
    at = 0
    while at < len(characters):
        end = at + 1
        while end < len(characters) and _joins(characters[end][0]):
            end += 1
        composed = unicodedata.normalize("NFC", "".join(c for c, _ in characters[at:end]))
        sources = [source for _, source in characters[at:end]]
        text.append(composed)
        origins.extend(sources[min(n, len(sources) - 1)] for n in range(len(composed)))
        at = end
    return "".join(text), origins


def _joins(character: str) -> bool:
    """Tell whether a character may compose with the one before it (marks and Korean jamo)."""
    return unicodedata.combining(character) != 0 or "\u1161" <= character <= "\u11c2"
