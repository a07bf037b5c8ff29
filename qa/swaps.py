"""The previous question with one of its parts swapped: "what about X?", "and in 1950?"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from qa.wording import (
    AUXILIARY,
    DETERMINERS,
    PREPOSITIONS,
    QUESTION_WORDS,
    noun_phrases,
    words_of,
)

_SUPERLATIVE = re.compile(r"(?i)^(?!west$|east$)\w{2,}est$|^(?:most|least)$")
_DIRECTION = re.compile(r"(?i)^(?:north|south|east|west)(?:east|west)?$")
_NUMBER = re.compile(r"\d")
_YEAR = re.compile(r"\b(?:1\d{3}|20\d\d)(?:['’]?s)?\b")


def swap(question: str, piece: str) -> str | None:
    """Return a question with `piece` in the place of the part it is most like.

    Args:
        question: The question understood before.
        piece: A noun phrase, a phrase with a preposition, or the one followed by the other.

    Returns:
        The question, or None when it has no part like `piece`.
    """
    words = words_of(question)
    if _YEAR.fullmatch(piece) and not _YEAR.search(question):
        # It takes the place of nothing.
        return " ".join([*words, "in the" if piece.endswith("s") else "in", piece])
    parts = piece.split()
    cuts = [i for i, part in enumerate(parts) if part.lower() in PREPOSITIONS]
    first = cuts[0] if cuts else len(parts)
    if first == 0:
        return " ".join(_phrase_swapped(words, parts))
    *leading, noun = (part.lower() for part in parts[:first])
    if noun in ("one", "ones") and DETERMINERS.issuperset(leading):
        # "the one in Texas": all that is new is where.
        return " ".join(_phrase_swapped(words, parts[first:])) if first < len(parts) else None
    swapped = _noun_swapped(words, parts[:first])
    if swapped is not None and first < len(parts):
        swapped = _phrase_swapped(swapped, parts[first:])
    return " ".join(swapped) if swapped else None


def _phrase_swapped(words: list[str], parts: Sequence[str]) -> list[str]:
    """Swap the phrase with the same preposition, or hang `parts` on the question's end."""
    spans = noun_phrases(" ".join(words))
    dated = bool(_NUMBER.search(" ".join(parts)))
    best: tuple[int, int, int] | None = None
    for begin, end in spans:
        at = begin - 1
        if at < 0 or words[at].lower() not in PREPOSITIONS:
            continue
        same = words[at].lower() == parts[0].lower()
        alike = dated == bool(_NUMBER.search(" ".join(words[begin:end])))
        score = 2 * same + alike
        enough = (same and (alike or not dated)) or (dated and alike)
        if enough and (best is None or score >= best[0]):
            best = (score, at, end)
    if best is None:
        return [*words, *parts]
    return [*words[: best[1]], *parts, *words[best[2] :]]


def _noun_swapped(words: list[str], parts: Sequence[str]) -> list[str] | None:
    if parts[-1].lower() in ("one", "ones") and len(parts) > 1:
        return _modifier_swapped(words, parts)
    spans = [span for span in noun_phrases(" ".join(words)) if span[0] or len(words) < 2]
    scored = [(_alike(words[begin:end], parts), -begin, (begin, end)) for begin, end in spans]
    if not scored:
        return None
    score, _, (begin, end) = max(scored)
    if score < 1:
        return None
    old = words[begin:end]
    if _SUPERLATIVE.match(parts[-1]):  # "the wettest" of "the driest months"
        at = next((i for i, word in enumerate(old) if _SUPERLATIVE.match(word)), None)
        if at is None:
            return None
        return [*words[: begin + at], parts[-1], *words[begin + at + 1 :]]
    ending = re.search(r"['’]s?$", old[-1])
    kept = ending.group() if ending and not re.search(r"['’]s?$", parts[-1]) else ""
    return [*words[:begin], *parts[:-1], parts[-1] + kept, *words[end:]]


def _modifier_swapped(words: list[str], parts: Sequence[str]) -> list[str] | None:
    """Swap what stands before a noun: "the Filipino one" after "the Arab population"."""
    new = [part for part in parts[:-1] if part.lower() not in DETERMINERS]
    for begin, end in noun_phrases(" ".join(words)):
        at = end - 2
        inside = at >= begin and words[at].lower() not in DETERMINERS | QUESTION_WORDS
        if inside and words[at][0].isupper() == new[-1][0].isupper():
            return [*words[:at], *new, *words[at + 1 :]]
    return None


def _alike(old: Sequence[str], new: Sequence[str]) -> int:
    """Return how well one phrase takes the place of another; below 1 it does not."""
    if old[0].lower() in AUXILIARY | QUESTION_WORDS:
        return 0
    score = 1
    for kind in (_NUMBER, _SUPERLATIVE, _DIRECTION):
        there, here = (any(kind.search(word) for word in words) for words in (old, new))
        score += 3 if there and here else -3 if there != here and kind is not _DIRECTION else 0
    score += 2 if _named(old) == _named(new) else -1
    score += (old[0].lower() in DETERMINERS) == (new[0].lower() in DETERMINERS)
    score += old[-1].lower().endswith("s") == new[-1].lower().endswith("s")
    score += len(old) == len(new)
    return score + 3 * (old[-1].lower() == new[-1].lower())


def _named(words: Sequence[str]) -> bool:
    return any(word[0].isupper() for word in words)
