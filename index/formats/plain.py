"""Plain text and Markdown: the source text as it is, decoded and made canonical."""

from __future__ import annotations

import re

from index.content import Content, Heading, canonical
from index.errors import UnreadableDocument

_BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---(?=\n|\Z)", re.DOTALL)
# Control characters that no text file has; white space and the \x1b of colour codes may stand.
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_DETECTION_SAMPLE = 256 * 1024
_ASCII = bytes(range(0x80))


def load_text(data: bytes, name: str) -> Content:
    """Read plain text."""
    text, encoding, note = decode(data, name)
    return Content(canonical(text), encoding=encoding, note=note)


def load_markdown(data: bytes, name: str) -> Content:
    """Read Markdown; the canonical text is its source."""
    text, encoding, note = decode(data, name)
    text = canonical(text)
    return Content(text, headings=markdown_headings(text), encoding=encoding, note=note)


def decode(data: bytes, name: str, declared: str | None = None) -> tuple[str, str, str | None]:
    """Decode bytes of text.

    A byte order mark decides; then what the file declares; then strict UTF-8; then
    charset-normalizer, whose finding is said in the note so that it is never a silent guess.

    Args:
        data: The bytes.
        name: The document's name, for messages.
        declared: The encoding that the file itself declares, if it does.

    Returns:
        The text (not yet canonical), the encoding, and a note or None.

    Raises:
        UnreadableDocument: The bytes are not text.
    """
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            try:
                return _textual(data.decode(encoding), name), encoding.removesuffix("-sig"), None
            except UnicodeDecodeError as error:
                raise UnreadableDocument(
                    f"{name}: starts as {encoding} but breaks at byte {error.start}"
                ) from error
    for encoding in filter(None, (declared, "utf-8")):
        try:
            return _textual(data.decode(encoding), name), encoding, None
        except (UnicodeDecodeError, LookupError):
            continue
    if b"\x00" in data:
        raise UnreadableDocument(f"{name}: binary data, no text (NUL bytes found)")
    encoding, text = _detect(data, name)
    return _textual(text, name), encoding, f"encoding detected as {encoding}; not declared"


def _detect(data: bytes, name: str) -> tuple[str, str]:
    from charset_normalizer import from_bytes

    # Around what tells encodings apart: all before the first byte that is not ASCII is alike.
    first = len(data) - len(data.lstrip(_ASCII))
    start = max(0, first - _DETECTION_SAMPLE // 2)
    sample = data[start : start + _DETECTION_SAMPLE]
    if start + len(sample) < len(data):
        # At a line's end: half of a letter of several bytes fits no encoding.
        sample = sample[: sample.rfind(b"\n") + 1] or sample
    best = from_bytes(sample).best()
    if best is None:
        raise UnreadableDocument(f"{name}: binary data, no text (no encoding fits)")
    try:
        return best.encoding, data.decode(best.encoding)
    except (UnicodeDecodeError, LookupError) as error:
        raise UnreadableDocument(
            f"{name}: looks like {best.encoding} but does not decode; save it as UTF-8"
        ) from error


def _textual(text: str, name: str) -> str:
    text = text.rstrip("\x1a")  # by which DOS tells a file's end
    found = _CONTROL.search(text)
    if found:
        raise UnreadableDocument(
            f"{name}: binary data, no text (control character U+{ord(found[0]):04X} "
            f"at {found.start()})"
        )
    return text


def markdown_headings(text: str) -> tuple[Heading, ...]:
    """Return the headings of Markdown source; each spans its source lines."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark")
    # Inline markup is not looked into: only where the headings stand matters.
    parser.core.ruler.enableOnly(["normalize", "block"])
    # A YAML preamble would read as a heading underlined with dashes; its lines are kept, emptied.
    source = _FRONT_MATTER.sub(lambda found: "\n" * found[0].count("\n"), text)
    starts = [0]
    starts.extend(found.end() for found in re.finditer("\n", text))
    starts.append(len(text) + 1)
    tokens = parser.parse(source)
    headings = []
    for opening, inline in zip(tokens, tokens[1:], strict=False):
        if opening.type == "heading_open" and opening.map and inline.content.strip():
            first, last = opening.map
            start, end = starts[first], min(starts[last] - 1, len(text))
            words = " ".join(inline.content.split())
            headings.append(Heading(words, int(opening.tag[1:]), start, end))
    return tuple(headings)
