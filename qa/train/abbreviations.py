"""Questions about abbreviations, made from passages that explain them: "the BBC (…)" written out.

Too few people asked what an abbreviation stands for in the reading data for a reader to learn it,
and readers of reports ask it often. An explanation in parentheses whose letters are the initials
of the words before it is nearly always right (Schwartz and Hearst 2003, with a stricter match).
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Sequence

from qa.train.data import Example

_EXPLAINED = re.compile(r"\(\s*(?:the\s+)?([A-Z][A-Z.&]{1,6}s?)\s*\)")
_WORD = re.compile(r"[\w’'&]+")
_LITTLE = frozenset(["of", "the", "and", "for", "in", "on", "to", "a", "de", "&"])
_ASKED = (
    "What does {} stand for?",
    "What does {} stand for?",
    "What does the abbreviation {} mean?",
    "What is {} short for?",
    "What is the full name of {}?",
)
_ASKED_BACK = (
    "What is the abbreviation of {}?",
    "What is {} abbreviated to?",
    "By which initials is {} known?",
)
SHARE = 0.5
"""Copies of each an epoch."""
# Longest expansion looked for, in characters.
_REACH = 120
# Most passages that leave one abbreviation unexplained: "US" stands in hundreds.
_UNANSWERED = 3


def added(pairs: Sequence[tuple[Example, float]]) -> list[tuple[Example, float]]:
    """Return examples with their weights, and with them what `abbreviations` makes of them."""
    made = abbreviations([example for example, _ in pairs])
    return [*pairs, *((example, SHARE) for example in made)]


def written_out(text: str, at: int, short: str) -> tuple[int, int] | None:
    """Return where the words stand that end just before `at` and whose initials are `short`.

    Little words ("of", "the") may be left out of the initials; no other word may.
    """
    letters = [letter for letter in short.rstrip("s") if letter.isalpha()]
    begin = max(0, at - _REACH)
    words = list(_WORD.finditer(text, begin, at))
    if not words or text[words[-1].end() : at].strip():
        return None
    for index in range(len(words) - 1, -1, -1):
        word = words[index].group()
        if word[0].upper() == letters[-1]:
            letters.pop()
        elif word.lower() not in _LITTLE:
            return None
        if not letters:
            return words[index].start(), words[-1].end()
    return None


def abbreviations(examples: Sequence[Example], seed: int = 0) -> list[Example]:
    """Return questions about the abbreviations in the examples' passages.

    For each one that a passage writes out, what it stands for, and for every third one how the name
    is abbreviated. For each passage that uses an abbreviation which only others write out, what it
    stands for, without an answer.
    """
    rng = random.Random(seed)
    contexts = dict.fromkeys((item.context, item.title) for item in examples)
    made: list[Example] = []
    explained: dict[str, set[str]] = {}
    for context, title in contexts:
        for found in _EXPLAINED.finditer(context):
            short = found[1]
            place = written_out(context, found.start(), short)
            if place is None:
                continue
            full = context[slice(*place)]
            explained.setdefault(short, set()).add(full.lower())
            asked = rng.choice(_ASKED).format(short)
            made.append(Example(asked, context, (place,), True, "abbreviations", title))
            if len(made) % 3 == 0:
                asked = rng.choice(_ASKED_BACK).format(full)
                made.append(Example(asked, context, (found.span(1),), True, "abbreviations", title))
    asked_of: Counter[str] = Counter()
    for context, title in contexts:
        lower = context.lower()
        for short in sorted(set(re.findall(r"\b[A-Z]{2,6}\b", context)) & explained.keys()):
            if asked_of[short] < _UNANSWERED and not any(one in lower for one in explained[short]):
                asked_of[short] += 1
                asked = rng.choice(_ASKED).format(short)
                made.append(Example(asked, context, (), True, "abbreviations", title))
                break
    return made
