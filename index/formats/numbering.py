"""The numbers that Word gives paragraphs by itself: "4.2", "(b)", "IV.".

They stand in no paragraph: each is counted from a list's definition (ECMA-376 part 1, 17.9), over
the whole document. Bullets are no numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.etree import _Element  # type: ignore[import-untyped]

_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_VALUE = f"{_WORD}val"
_LEVELS = 9
_MOST_BASES = 20
_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"),
          (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))  # fmt: skip


@dataclass(slots=True)
class _Level:
    """How one level of a list counts and is written; `%2` in `text` is the number of level 2."""

    start: int = 1
    format: str = "decimal"
    text: str = ""
    style: str = ""
    legal: bool = False
    restarts: bool = True


@dataclass(slots=True)
class _List:
    """A list's levels, and how far each has counted; None before its first paragraph."""

    levels: dict[int, _Level] = field(default_factory=dict)
    counts: list[int | None] = field(default_factory=lambda: [None] * _LEVELS)


class Numbers:
    """Counts the numbered paragraphs of one document, in their order.

    Args:
        numbering: Root of the part that defines its lists; None where it has none.
        styles: Root of its styles.
    """

    def __init__(self, numbering: _Element | None, styles: _Element | None) -> None:
        self._lists: dict[str, _List] = {}
        self._used: dict[str, tuple[str, dict[int, int]]] = {}
        self._linked: dict[str, str] = {}
        self._restarted: set[str] = set()
        self._styles: dict[str, tuple[str, str, int | None]] = {}
        if numbering is not None:
            self._read_lists(numbering)
        for style in () if styles is None else styles.iter(f"{_WORD}style"):
            number, level = _asked(style)
            base = _value(style, "basedOn")
            self._styles[str(style.get(f"{_WORD}styleId", ""))] = (base, number, level)

    def next(self, paragraph: _Element) -> str:
        """Return what stands before a paragraph, with a space; empty where nothing does."""
        number, level = self._place(paragraph)
        if number not in self._used:
            return ""
        name, starts = self._used[number]
        listed = self._lists.get(self._linked.get(name, name))
        if listed is None or level not in listed.levels:
            return ""
        self._count(listed, level, starts if number not in self._restarted else {})
        self._restarted.add(number)
        label = _written(listed, level)
        return f"{label} " if label.strip() else ""

    def _place(self, paragraph: _Element) -> tuple[str, int]:
        """Return the number of a paragraph's list, its own or its style's, and the level there."""
        number, level = _asked(paragraph)
        style = _value(paragraph, "pPr", "pStyle")
        for _ in range(_MOST_BASES):
            if number or style not in self._styles:
                break
            base, number, of_style = self._styles[style]
            if number and level is None:
                level = self._level_of(number, style) if of_style is None else of_style
            style = base
        return number, level or 0

    def _level_of(self, number: str, style: str) -> int:
        name, _ = self._used.get(number, ("", {}))
        levels = self._lists[name].levels if name in self._lists else {}
        return next((at for at, level in levels.items() if level.style == style), 0)

    def _count(self, listed: _List, level: int, starts: dict[int, int]) -> None:
        counts = listed.counts
        for at, start in starts.items():
            if at < _LEVELS:
                counts[at] = start - 1
        for above in range(level):
            if counts[above] is None and above in listed.levels:
                counts[above] = listed.levels[above].start
        before = counts[level]
        counts[level] = listed.levels[level].start if before is None else before + 1
        for below in range(level + 1, _LEVELS):
            if below in listed.levels and listed.levels[below].restarts:
                counts[below] = None

    def _read_lists(self, numbering: _Element) -> None:
        styled: dict[str, str] = {}
        asking: dict[str, str] = {}
        for abstract in numbering.iter(f"{_WORD}abstractNum"):
            levels = {}
            for level in abstract.iter(f"{_WORD}lvl"):
                at = _whole(level.get(f"{_WORD}ilvl"), 0)
                if 0 <= at < _LEVELS:
                    levels[at] = _level(level)
            name = str(abstract.get(f"{_WORD}abstractNumId", ""))
            self._lists[name] = _List(levels)
            # A list may be that of a style: "has the style" here, "is the style" there.
            if link := _value(abstract, "styleLink"):
                styled[link] = name
            if link := _value(abstract, "numStyleLink"):
                asking[name] = link
        self._linked = {name: styled[link] for name, link in asking.items() if link in styled}
        for used in numbering.iter(f"{_WORD}num"):
            starts = {}
            for change in used.iter(f"{_WORD}lvlOverride"):
                start = change.find(f"{_WORD}startOverride")
                if start is not None:
                    starts[_whole(change.get(f"{_WORD}ilvl"), 0)] = _whole(start.get(_VALUE), 1)
            number = str(used.get(f"{_WORD}numId", ""))
            self._used[number] = (_value(used, "abstractNumId"), starts)


def _level(element: _Element) -> _Level:
    legal = element.find(f"{_WORD}isLgl")
    return _Level(
        start=_whole(_value(element, "start"), 1),
        format=_value(element, "numFmt") or "decimal",
        text=_value(element, "lvlText"),
        style=_value(element, "pStyle"),
        legal=legal is not None and legal.get(_VALUE, "1") not in ("0", "false", "off"),
        restarts=_value(element, "lvlRestart") != "0",
    )


def _asked(element: _Element) -> tuple[str, int | None]:
    """Return the number of the list that a paragraph or a style asks for, and the level."""
    level = _value(element, "pPr", "numPr", "ilvl")
    return _value(element, "pPr", "numPr", "numId"), _whole(level, 0) if level else None


def _written(listed: _List, level: int) -> str:
    """Return a level's text with the numbers in it."""
    own = listed.levels[level]
    if own.format in ("bullet", "none"):
        return ""

    def number(found: re.Match[str]) -> str:
        at = int(found[1]) - 1
        count = listed.counts[at] if 0 <= at < _LEVELS else None
        if count is None or at not in listed.levels:
            return ""
        form = "decimal" if own.legal else listed.levels[at].format
        return _FORMS.get(form, str)(count)

    return re.sub(r"%([1-9])", number, own.text)


def _letters(count: int) -> str:
    """Return a, b … z, aa, bb …, as Word counts on."""
    return chr(ord("a") + (count - 1) % 26) * ((count - 1) // 26 + 1) if count > 0 else ""


def _roman(count: int) -> str:
    text = ""
    for value, letters in _ROMAN:
        text += letters * (count // value)
        count %= value
    return text


def _ordinal(count: int) -> str:
    ending = (
        "th" if count % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(count % 10, "th")
    )
    return f"{count}{ending}"


_FORMS: dict[str, Callable[[int], str]] = {
    "decimalZero": lambda count: f"{count:02}",
    "lowerLetter": _letters,
    "upperLetter": lambda count: _letters(count).upper(),
    "lowerRoman": _roman,
    "upperRoman": lambda count: _roman(count).upper(),
    "ordinal": _ordinal,
    "bullet": lambda _: "",
    "none": lambda _: "",
}


def _value(element: _Element, *path: str) -> str:
    found = element.find("/".join(f"{_WORD}{name}" for name in path))
    return "" if found is None else str(found.get(_VALUE, ""))


def _whole(value: str | None, otherwise: int) -> int:
    return int(value) if value and re.fullmatch(r"\d{1,6}", value) else otherwise
