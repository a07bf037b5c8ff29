"""Whether a text says a word, in whatever form or spelling of it.

Leans to yes: a word counts as said where anything like it stands. Another form of it, a longer word
that begins as it does, its letters with hyphens, dots or line ends between them, a number in words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from qa.wording import forms

_PLURALS = """
    child children, man men, woman women, foot feet, tooth teeth, mouse mice, goose geese,
    criterion criteria, phenomenon phenomena, medium media, index indices, matrix matrices,
    life lives, wife wives, knife knives, leaf leaves, half halves, thief thieves, wolf wolves,
    shelf shelves, person persons
"""
_PLURAL = {word: pair for pair in (line.split() for line in _PLURALS.split(",")) for word in pair}
_UNITS = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
    fifteen sixteen seventeen eighteen nineteen""".split()  # noqa: SIM905
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()  # noqa: SIM905
_ORDINAL = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth",
            "nine": "ninth", "twelve": "twelfth"}  # fmt: skip
# One English spelling and another, at the end of a word or in it.
_SPELT = (("our", "or"), ("is", "iz"), ("ys", "yz"), ("tre", "ter"), ("nce", "nse"), ("ogue", "og"),
          ("ll", "l"), ("mme", "m"))  # fmt: skip
_ENDINGS = (
    "ations", "ation", "ingly", "ings", "ing", "edly", "ied", "ies", "ions", "ion", "ers", "er",
    "ed", "es", "is", "al", "ly", "s", "e", "y",
)  # fmt: skip
_LEAST_STEM = 4
# Letters that Unicode does not take apart, and what is not seen inside words.
_FOLDED = str.maketrans(
    {
        "ł": "l", "Ł": "l", "ø": "o", "Ø": "o", "đ": "d", "Đ": "d", "æ": "ae", "Æ": "ae",
        "œ": "oe", "Œ": "oe", "ð": "d", "þ": "th", "ı": "i", "\u00ad": None, "\u200b": None,
        "\u200c": None, "\u200d": None, "\u2060": None, "\ufeff": None,
    }
)  # fmt: skip
_MARKS = re.compile(r"[\u0300-\u036f]+")
_APART = re.compile(r"[\W_]+")


def folded(text: str) -> str:
    """Return the words of a text in small letters without accents, a space around each."""
    if not text.isascii():
        text = _MARKS.sub("", unicodedata.normalize("NFKD", text.translate(_FOLDED)))
    return f" {_APART.sub(' ', text.casefold()).strip()} "


def says(text: str, word: str) -> bool:
    """Tell whether a folded text has a word, or anything that might be it; see the module."""
    looked_for = _looked_for(word)
    if any(form in text for form in looked_for.forms):
        return True
    if looked_for.joined:
        joined = text.replace(" ", "")
        if any(form in joined for form in looked_for.joined):
            return True
    # "Maduro-led" is no new word where "Maduro" and "led" are said.
    return bool(looked_for.parts) and all(says(text, part) for part in looked_for.parts)


class _LookedFor(NamedTuple):
    """What counts as a word: runs of a folded text, of one without spaces, or all of its parts."""

    forms: tuple[str, ...]
    joined: tuple[str, ...]
    parts: tuple[str, ...]


@lru_cache(maxsize=1024)
def _looked_for(word: str) -> _LookedFor:
    parts = folded(word).split()
    whole = "".join(parts)
    if whole[:1].isdigit():
        return _number(word, parts)
    begun = [f" {' '.join(parts)}"]
    exact: list[str] = []
    joined: list[str] = []
    for spelt in _spellings(whole):
        exact += _forms(spelt)
        stems = _stems(spelt)
        begun += [f" {stem}" for stem in stems if len(stem) >= _LEAST_STEM]
        exact += [form for stem in stems if len(stem) < _LEAST_STEM for form in _regular(stem)]
        joined += [stem for stem in stems if len(stem) > _LEAST_STEM]
    if any(char.isdigit() for char in whole):
        joined.append(whole)
    if len(whole) <= _LEAST_STEM:
        begun = [form for form in begun if len(form) > _LEAST_STEM]
        exact += [f"{whole[:at]} {whole[at:]}" for at in range(1, len(whole))]
        exact.append(" ".join(whole))
    value = _VALUES.get(" ".join(parts))
    if value is not None:
        exact += _of_value(value)
    found = [*begun, *(f" {form} " for form in exact)]
    longer = [part for part in parts if len(part) > 2] if len(parts) > 1 else []
    return _LookedFor(tuple(dict.fromkeys(found)), tuple(dict.fromkeys(joined)), tuple(longer))


def _spellings(word: str) -> list[str]:
    """Return a word in British and in American spelling, where its letters allow both."""
    found = [word]
    for british, american in _SPELT:
        for one, other in ((british, american), (american, british)):
            if one in word[2:]:
                found.append(word[:2] + word[2:].replace(one, other, 1))
    return found


def _stems(word: str) -> list[str]:
    """Return what longer or other forms of a word begin with, the word among them."""
    cut = (word[: -len(ending)] for ending in _ENDINGS if word.endswith(ending))
    return [word, *(stem for stem in cut if len(stem) > 2)]


def _forms(word: str) -> Iterator[str]:
    """Yield the forms of a verb, noun or adjective, irregular ones too."""
    for base in _bases(word):
        for form in (base, *forms(base), *_PLURAL.get(base, ())):
            yield from _regular(form)


def _bases(word: str) -> list[str]:
    """Return what a word may be a form of, the word itself first."""
    found = [word]
    for ending in ("ies", "ied", "ier", "iest", "es", "ed", "er", "est", "ing", "s", "d"):
        if not word.endswith(ending) or len(word) < len(ending) + 2:
            continue
        stem = word[: -len(ending)]
        found += [stem, f"{stem}e"]
        if ending.startswith("i"):
            found.append(f"{stem}y" if ending != "ing" else f"{stem[:-1]}ie")
        if stem[-1:] == stem[-2:-1]:
            found.append(stem[:-1])
    return found


def _regular(base: str) -> Iterator[str]:
    """Yield the regular forms of a word."""
    endings = ("", "s", "es", "d", "ed", "ing", "er", "est", "r", "st")
    yield from (base + ending for ending in endings)
    yield from (f"{base}{base[-1:]}{ending}" for ending in ("ed", "ing", "er", "est"))
    if base.endswith("y"):
        yield from (base[:-1] + ending for ending in ("ies", "ied", "ier", "iest"))
    if base.endswith("e"):
        yield from (base[:-1] + ending for ending in ("ing", "ation"))
    if base.endswith("ie"):
        yield f"{base[:-2]}ying"


def _number(word: str, parts: Sequence[str]) -> _LookedFor:
    """Return what counts as a number: its digits, however they are parted, or its name."""
    written = re.match(r"[\d.,]*", word)
    plain = written[0].strip(".,").replace(",", "") if written else ""
    digits = plain.replace(".", "")
    found = {digits, " ".join(parts), f"0{digits}"}
    if len(parts) > 1:
        found.add(digits.rstrip("0"))
    if plain.count(".") < 2 and plain.isascii() and len(plain) < 20:
        found.update(_scaled(Decimal(plain)))
    begun = tuple(f" {form}" for form in found)
    named: tuple[str, ...] = ()
    if len(digits) < 4 and digits == plain and int(digits) in range(101):
        named = tuple(f" {name} " for name in _of_value(int(digits)))
    return _LookedFor(begun + named, tuple(form for form in found if len(form) > 3), ())


def _scaled(amount: Decimal) -> Iterator[str]:
    """Yield an amount in thousands, millions and billions, and as one of them written out."""
    for zeros in (3, 6, 9):
        less = amount.scaleb(-zeros).normalize()
        if amount >= 10**zeros:
            yield f"{less:f}".replace(".", " ")
        if amount < 1000:
            yield f"{int(amount.scaleb(zeros))}"


def _of_value(value: int) -> list[str]:
    """Return a small number in figures, in words, and as an ordinal."""
    if value == 100:
        return ["100", "100th", "hundred", "hundreds", "hundredth"]
    name = _UNITS[value] if value < 20 else _TENS[value // 10 - 2]
    tens = ""
    if value > 20 and value % 10:
        tens, name = f"{name} ", _UNITS[value % 10]
    ordinal = _ORDINAL.get(name) or (f"{name[:-1]}ieth" if name.endswith("y") else f"{name}th")
    figures = [f"{value}{ending}" for ending in ("", "st", "nd", "rd", "th")]
    return [*figures, f"0{value}", f"{tens}{name}", f"{tens}{ordinal}"]


_VALUES = {
    name: value for value in range(101) for name in _of_value(value) if not name[0].isdigit()
}
