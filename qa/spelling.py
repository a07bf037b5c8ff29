"""A question's slips mended by the passages that were found for it: "wich", "venezula", "whos".

A reader learns from well-spelt text, and one missing letter can cost it the answer. A word is
mended only where that cannot change what is asked: it is typed in lower case (a name with a capital
is meant as it stands: Smyth is not Smith), neither the passages nor the reader know it, and one
word of the passages differs from it by a slip, or two in a long word, and by less than any other.
The mended question is shown as what was understood.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Container, Sequence
from functools import lru_cache
from pathlib import Path

from qa.wording import QUESTION_WORDS

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_SHORT = {
    "whos": "who's", "whats": "what's", "wats": "what's", "wat": "what", "wheres": "where's",
    "hows": "how's", "whens": "when's", "ppl": "people", "govt": "government",
}  # fmt: skip
_LEAST_LETTERS, _LONG = 4, 8


def spelled(question: str, passages: Sequence[str], common: Container[str]) -> str:
    """Return the question with its slips mended; the question itself when there are none.

    Args:
        question: The question.
        passages: Texts found for it.
        common: Words that are no slips, in lower case.
    """
    forms = Counter(word for text in passages for word in _WORD.findall(text))
    lower: dict[str, str] = {}
    for form, _ in forms.most_common():
        lower.setdefault(form.lower(), form)

    def mended(found: re.Match[str]) -> str:
        word = found.group()
        if word in lower or not word.islower() or _in_a_name(question, *found.span()):
            return word
        if word in _SHORT:
            return _SHORT[word]
        if len(word) < _LEAST_LETTERS or word in common or not word.isalpha():
            return word
        if word.endswith("s") and word[:-1] in lower:
            known = lower[word[:-1]]
            # "rubios" is Rubio's; "invoices" are several.
            return f"{known}'s" if known[0].isupper() else word
        if not question[: found.start()].strip():
            asking = [asker for asker in QUESTION_WORDS if _alike(word, asker)]
            if len(asking) == 1:
                return asking[0]
        like = [known for known in lower if len(known) >= _LEAST_LETTERS and _alike(word, known)]
        away = {known: slips(word, known) for known in like}
        nearest = [known for known in like if away[known] == min(away.values())]
        return lower[nearest[0]] if len(nearest) == 1 else word

    return _WORD.sub(mended, question)


def _in_a_name(question: str, start: int, end: int) -> bool:
    """Tell whether a word is part of a file's name, or of an address: a dot joins it to another."""
    before, behind = question[max(0, start - 2) : start], question[end : end + 2]
    return bool(re.fullmatch(r"\w\.", before) or re.fullmatch(r"\.\w", behind))


def slips(typed: str, meant: str) -> int:
    """Return how many letters were left out, added, changed, or swapped with a neighbour.

    The distance of Damerau 1964, "A technique for computer detection and correction of spelling
    errors", with no letter touched twice (optimal string alignment).
    """
    before: list[int] = []
    row = list(range(len(meant) + 1))
    for i, letter in enumerate(typed, start=1):
        last, before, row = before, row, [i]
        for j, other in enumerate(meant, start=1):
            least = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == meant[j - 2] and typed[i - 2] == other:
                least = min(least, last[j - 2] + 1)
            row.append(least)
    return row[-1]


def _alike(typed: str, meant: str) -> bool:
    """Tell whether a word may be a slip for another: one slip, or two in a long word."""
    most = 2 if len(typed) >= _LONG else 1
    # The first letter is seldom the wrong one, and leaving out the others is quick.
    if typed[0] != meant[0] or abs(len(typed) - len(meant)) > most:
        return False
    return 0 < slips(typed, meant) <= most


@lru_cache(maxsize=4)
def common_words(tokenizer: Path) -> frozenset[str]:
    """Return the words that a reader's tokenizer knows as a whole; none when it cannot be told.

    Args:
        tokenizer: The reader's `tokenizer.json`.
    """
    try:
        vocabulary = json.loads(tokenizer.read_text(encoding="utf-8"))["model"]["vocab"]
    except (OSError, KeyError, ValueError):
        return frozenset()
    return frozenset(word for word in vocabulary if word.isalpha())
