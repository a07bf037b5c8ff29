"""Windows over a passage, and logits to exact character spans. Pure functions on arrays.

A window is `[CLS] question [SEP] part of the passage [SEP]`. Position 0 stands for "no answer
here" (Devlin et al. 2019, section 4.3), so a span's margin is

    start[i] + end[j] − start[0] − end[0]

the log of P(span) / P(no answer) under the reader's softmaxes.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qa.wording import CALENDAR, PRONOUNS, function_word, listed

Floats = NDArray[np.float32]

# "de los Soles": a name whose beginning stands before it.
_CUT_NAME = re.compile(
    r"(?:(?:de|del|della|di|da|do|dos|das|du|des|la|las|los|van|von|der|den|of|al|bin|ibn) )+"
    r"(?:the )?[^\W\d_a-zß-öø-ÿ]"
)
_NAME_BEFORE = re.compile(r"(?:[^\W\d_a-zß-öø-ÿ][\w'’-]* )+$")
_LONGEST_NAME = 60  # characters

# Without those that are numbers as well ("World War I").
_PRONOUNS = (PRONOUNS | listed("her his its their this these those that")) - listed("i one ones")

# "U.S" before a full stop: an abbreviation that owns the stop which follows it.
_ABBREVIATION = re.compile(r"(?:\b[^\W\d_]\.)+[^\W\d_]$")

# Marks that come in pairs. Not ‘ and ’, of which one is an apostrophe more often than not.
_PAIRS = (("(", ")"), ("[", "]"), ("“", "”"), ('"', '"'), ("`", "`"))


@dataclass(frozen=True, slots=True)
class Window:
    """Tokens `[first, last)` of a passage."""

    first: int
    last: int

    def holds(self, other: Window) -> bool:
        """Tell whether all tokens of another window, one at least, are in this one."""
        return self.first <= other.first < other.last <= self.last


@dataclass(frozen=True, slots=True)
class TokenSpan:
    """Tokens `[first, last]` (inclusive) of a passage and their margin over "no answer"."""

    first: int
    last: int
    margin: float


def windows(tokens: int, size: int, stride: int) -> list[Window]:
    """Cover `tokens` passage tokens with windows of at most `size` that share `stride` tokens.

    Args:
        tokens: Tokens in the passage.
        size: Most tokens in a window.
        stride: Tokens that neighbouring windows share; smaller than `size`.

    Returns:
        At least one window; their union is the passage.

    Raises:
        ValueError: `size` is not larger than `stride`, or `stride` is negative.
    """
    if not 0 <= stride < size:
        raise ValueError(f"stride {stride} found, expected 0 <= stride < window size {size}")
    if tokens <= size:
        return [Window(0, tokens)]
    firsts = range(0, tokens - stride, size - stride)
    return [Window(first, min(first + size, tokens)) for first in firsts]


def decode(
    start: Floats,
    end: Floats,
    offset: int,
    starts_word: NDArray[np.bool_],
    ends_word: NDArray[np.bool_],
    max_tokens: int,
    best: int,
) -> list[TokenSpan]:
    """Return the best token spans of one window, decoded jointly.

    Args:
        start: Start logits of the window, shape `(length,)`; `start[0]` is "no answer".
        end: End logits, same shape.
        offset: Position of the first passage token in the window.
        starts_word: For each passage token in the window, whether a word begins there.
        ends_word: For each passage token in the window, whether a word ends there.
        max_tokens: Most tokens in a span.
        best: Most spans to return.

    Returns:
        Spans by token of the window's passage part, best margin first; empty when the window
        holds no whole word of at most `max_tokens` tokens.
    """
    count = len(starts_word)
    null = float(start[0]) + float(end[0])
    inside = slice(offset, offset + count)
    firsts = np.where(starts_word, start[inside], -np.inf)
    lasts = np.where(ends_word, end[inside], -np.inf)
    # sums[i, d] = score of the span of d + 1 tokens that begins at token i
    padded = np.concatenate([lasts, np.full(max_tokens, -np.inf, lasts.dtype)])
    ends = np.lib.stride_tricks.sliding_window_view(padded, max_tokens)[:count]
    sums = firsts[:, None] + ends
    flat = sums.ravel()
    take = min(best, flat.size)
    if take == 0:
        return []
    order = np.argpartition(-flat, take - 1)[:take]
    order = order[np.lexsort((order, -flat[order]))]
    found = []
    for place in order.tolist():
        first, length = divmod(place, max_tokens)
        if np.isfinite(flat[place]):
            found.append(TokenSpan(first, first + length, float(flat[place]) - null))
    return found


def align(text: str, start: int, end: int) -> tuple[int, int]:
    """Widen `text[start:end]` to whole words and whole abbreviations, and trim white space.

    A tokenizer that drops accents can end a token before a combining mark, and takes "U.S." for
    four tokens: a quote that stops at "U.S" would be wrong by one character. So would one that
    opens a bracket and stops before it closes, see `_paired`, one that begins in the middle of a
    name ("de los Soles"), or has the end of one cell of a table and the beginning of the next.
    """
    start, end = _trimmed(text, start, end)
    while 0 < start < end and _joined(text[start - 1], text[start]):
        start -= 1
    while start < end < len(text) and _joined(text[end - 1], text[end]):
        end += 1
    if text[end : end + 1] == "." and _ABBREVIATION.search(text, max(start, end - 12), end):
        end += 1
    # Few spans have a mark at all, and this is done for every candidate.
    pairs = [pair for pair in _PAIRS if any(mark in text[start:end] for mark in pair)]
    if _CUT_NAME.match(text, start, end):
        start = _name_start(text, start)
    before = None
    # What stood inside stands at an edge, once what stood there is left out.
    while before != (start, end):
        before = start, end
        for opening, closing in pairs:
            start, end = _paired(text, start, end, opening, closing)
        start, end = _whole_cells(text, *_trimmed(text, start, end))
    return start, end


def says_something(text: str, start: int, end: int) -> bool:
    """Tell whether `text[start:end]` can be read by itself.

    A mark ("#") cannot, nor a pronoun ("He"), nor what ends with one that begins a sentence ("in
    Florida. He"). In capitals ("US"), or with one within a sentence ("It"), it is a name. Of 93,973
    questions that people answered in passages of the reading data, 34 at most have a pronoun for an
    answer (of 10,418 on single sentences 591).
    """
    span = text[start:end]
    if not any(character.isalnum() for character in span):
        return False
    last = span.split()[-1]
    if last.lower() not in _PRONOUNS:
        return True
    if last.istitle() and _begins_sentence(text, end - len(last)):
        return False
    return not (last == span and span.islower())


def _begins_sentence(text: str, start: int) -> bool:
    return text[:start].rstrip(" \"“'‘(")[-1:] in ("", "\n", *".!?:;")


def _name_start(text: str, start: int) -> int:
    """Return where the name begins that goes on at `start`; `start` itself where none stands there.

    The word that begins a sentence has its capital from that.
    """
    found = _NAME_BEFORE.search(text, max(0, start - _LONGEST_NAME), start)
    if found is None:
        return start
    words = found.group().lower().split()
    # The empty string, where nothing stands before, is in the other one, too.
    begins = text[: found.start()].rstrip()[-1:] in ".!?:;"
    if begins and (len(words) == 1 or function_word(words[0])):
        return start
    return start if CALENDAR & set(words) else found.start()


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _whole_cells(text: str, start: int, end: int) -> tuple[int, int]:
    """Leave out parts of cells, of a span over several; not where nothing else is in it."""
    if "\t" not in text[start:end]:
        return start, end
    first, last = start, end
    if start and text[start - 1] not in "\t\n":
        first = text.index("\t", start, end) + 1
    if end < len(text) and text[end] not in "\t\n":
        last = text.rindex("\t", start, end)
    if first >= last or not text[first:last].strip():
        return start, end
    return _trimmed(text, first, last)


def _paired(text: str, start: int, end: int, opening: str, closing: str) -> tuple[int, int]:
    """Take in the other one of a bracket or quotation mark where it stands beside the span.

    One that stands alone at an edge is left out, but not the whole span; inside it is left.
    """
    for place, opens in _alone(text, start, end, opening, closing):
        if opens and text[end : end + 1] == closing:
            end += 1
        elif not opens and start > 0 and text[start - 1] == opening:
            start -= 1
        elif opens and place == start and text[start + 1 : end].strip():
            start += 1
        elif not opens and place == end - 1 and text[start:place].strip():
            end -= 1
    return start, end


def _alone(text: str, start: int, end: int, opening: str, closing: str) -> list[tuple[int, bool]]:
    """Return where marks without their other one stand, and whether each opens."""
    opened: list[int] = []
    closed: list[int] = []
    for place in range(start, end):
        mark = text[place]
        opens = opening != closing or _opens(text, place)
        if mark == opening and opens:
            opened.append(place)
        elif mark == closing and opened:
            opened.pop()
        elif mark == closing and not _inches(text, start, place):
            closed.append(place)
    return [(place, True) for place in reversed(opened)] + [(place, False) for place in closed]


def _opens(text: str, place: int) -> bool:
    """Tell whether a straight mark opens: by what follows, or else by what stands before it."""
    before, behind = text[place - 1 : place], text[place + 1 : place + 2]
    return bool(behind) and (_word(behind) or (not before.strip() and not behind.isspace()))


def _inches(text: str, start: int, place: int) -> bool:
    """Tell whether a straight mark after a digit closes nothing that opens beside the span."""
    return (
        text[place] == '"'
        and text[place - 1 : place].isdigit()
        and text[max(0, start - 1) : start] != '"'
    )


def _joined(left: str, right: str) -> bool:
    """Tell whether two neighbouring characters belong to one word."""
    return _word(left) and _word(right)


def _word(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character).startswith("M")


def overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Tell whether two half-open intervals share a character."""
    return one[0] < other[1] and other[0] < one[1]


def within(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Tell whether a half-open interval lies in another."""
    return other[0] <= one[0] and one[1] <= other[1]
