"""Text in, chunks and sentences out, each as exact character offsets.

Chunks come from langchain's `RecursiveCharacterTextSplitter`: paragraphs are kept whole where they
fit, then sentences, then words. Sentences come from nupunkt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# Tried in this order: blank lines, line ends, sentence ends, spaces, anywhere. A sentence end is
# looked for once in a run of dots: from each of them, a long run would take minutes.
_SEPARATORS = [
    r"\n[ \t]*\n\s*",
    r"\n",
    r"(?<![.!?…])[.!?…]+[\"'”’»)\]]*\s+",
    r"\s+",
    "",
]
# A line this long was not wrapped by hand, so the line ends beside it end paragraphs.
_UNWRAPPED = 160
_WINDOW = 8000
_OWN_BLOCK = re.compile(r"\s*(?:#{1,6}\s|[-*+•]\s|\d{1,3}[.)]\s|\||>)")
_HEADING = re.compile(r"\s*#{1,6}\s")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Characters `start` to `end` of a text; `text` is what stands there."""

    start: int
    end: int
    text: str


def split(text: str, chunk_size: int = 1200, chunk_overlap: int = 200) -> list[Chunk]:
    """Split text into chunks of at most `chunk_size` characters.

    Every character that is not white space is in at least one chunk; neighbours share at most
    `chunk_overlap` characters.

    Raises:
        ValueError: `chunk_overlap` is not smaller than `chunk_size`.
    """
    if not 0 <= chunk_overlap < chunk_size:
        raise ValueError(
            f"chunk_overlap: found {chunk_overlap}, expected 0 to {chunk_size - 1} (chunk_size - 1)"
        )
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    splitter = RecursiveCharacterTextSplitter(
        separators=_SEPARATORS,
        is_separator_regex=True,
        keep_separator="end",
        chunk_size=chunk_size,
        chunk_overlap=chunk_overlap,
    )
    chunks = _locate(text, splitter.split_text(text), chunk_overlap)
    for chunk in chunks:
        if text[chunk.start : chunk.end] != chunk.text:
            raise AssertionError(f"chunk at {chunk.start} is not in its text")
    return chunks


def _locate(text: str, pieces: list[str], overlap: int) -> list[Chunk]:
    """Find where each piece stands.

    The splitter's own `add_start_index` takes the first match, which in repetitive text runs
    behind the true place and can leave a gap. Here the last match that leaves no gap is taken.
    """
    chunks: list[Chunk] = []
    previous_start, previous_end = -1, 0
    for piece in pieces:
        limit = _next_word(text, previous_end)
        lowest = max(previous_start + 1, previous_end - overlap)
        start = text.rfind(piece, lowest, limit + len(piece))
        if start < 0:
            start = text.rfind(piece, max(0, previous_start), limit + len(piece))
        if start < 0 or start + len(piece) <= previous_end:
            # Everything in this piece is already inside the chunk before it.
            continue
        if start == previous_start:
            # The white space that parted them was cut off: this one holds the one before it.
            chunks.pop()
        chunks.append(Chunk(start, start + len(piece), piece))
        previous_start, previous_end = start, start + len(piece)
    return chunks


def _next_word(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Return the sentences of a text as (start, end), in order, without outer white space.

    Every character that is not white space is in exactly one sentence. A sentence never crosses a
    blank line, a heading, a list item or a table row.
    """
    return [
        span
        for block_start, block_end in _blocks(text, 0, len(text))
        for span in _sentences(text, block_start, block_end)
    ]


def sentence_around(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the (start, end) of the sentence or sentences that `text[start:end]` stands in.

    Looks at the surrounding paragraphs only, so its cost does not grow with the text.
    """
    low, high = _window(text, start, end)
    inside = [
        span
        for block_start, block_end in _blocks(text, low, high)
        for span in _sentences(text, block_start, block_end)
        if span[0] < end and span[1] > start
    ]
    if not inside:
        return start, end
    return min(start, inside[0][0]), max(end, inside[-1][1])


def crosses_paragraphs(text: str, start: int, end: int) -> bool:
    """Tell whether `text[start:end]` holds the end of a paragraph (a wrapped line is none)."""
    position = text.find("\n", start, end)
    while position >= 0:
        if _breaks(text, position):
            return True
        position = text.find("\n", position + 1, end)
    return False


def _window(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the whole paragraphs around a span, cut at `_WINDOW` characters either side."""
    low = text.rfind("\n", 0, start) + 1
    while low > 0 and start - low < _WINDOW and not _breaks(text, low - 1):
        low = text.rfind("\n", 0, low - 1) + 1
    high = _line_end(text, max(start, end - 1))
    while high < len(text) and high - end < _WINDOW and not _breaks(text, high):
        high = _line_end(text, high + 1)
    return max(low, start - _WINDOW), min(high, end + _WINDOW)


def _blocks(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the paragraphs between two line boundaries."""
    block = start
    position = text.find("\n", start, end)
    while position >= 0:
        if _breaks(text, position):
            if block < position:
                yield block, position
            block = position + 1
        position = text.find("\n", position + 1, end)
    if block < end:
        yield block, end


def _breaks(text: str, newline: int) -> bool:
    """Tell whether the line end at `newline` ends a paragraph."""
    above_start = text.rfind("\n", 0, newline) + 1
    below_end = _line_end(text, newline + 1)
    if newline - above_start > _UNWRAPPED or below_end - newline > _UNWRAPPED:
        return True
    above, below = text[above_start:newline], text[newline + 1 : below_end]
    if not above.strip() or not below.strip():
        return True
    return bool(_HEADING.match(above) or _OWN_BLOCK.match(below) or "\t" in above + below)


def _line_end(text: str, position: int) -> int:
    found = text.find("\n", position)
    return len(text) if found < 0 else found


def _sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    import nupunkt

    block = text[start:end]
    for low, high in nupunkt.sent_spans(block):
        sentence = block[low:high]
        lead = len(sentence) - len(sentence.lstrip())
        if lead < len(sentence):
            yield start + low + lead, start + low + len(sentence.rstrip())
