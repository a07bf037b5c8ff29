"""Questions with one more condition, which their answer meets or does not.

Who misleads on purpose mostly asks a passage for what it tells, under one condition that it does
not tell it of (Rajpurkar et al. 2018, "impossible condition", "mutual exclusion"): a time or place
that stands elsewhere in it. Beside them go questions with one that stands with the answer.
"""

from __future__ import annotations

import random
import re
from bisect import bisect
from dataclasses import replace

from qa.train.data import Example
from qa.train.passages import SENTENCE_END

_CONDITION = re.compile(
    r"\b(?:in|at|during|after|before|near|under|until|since)\s"
    r"(?:the\s|early\s|late\s){0,2}"
    r"(?:[A-Z][\w’'-]+(?:\s(?:of\s|of\sthe\s)?[A-Z][\w’'-]+){0,3}|[12]\d{3})"
    # Nothing of the phrase is left behind: no adjective without its noun, no range of years.
    r"(?=[.,;:)]|\s(?:and(?!\s[A-Z])|but|by|to|as|with|was|were|is|are|had|has|he|she|it|they|which|who|when|"
    r"where|while|because|that|a|an|the|his|her|their|its)\b|\s*$)"
)
_WORD = re.compile(r"\w+")
_LITTLE = "in at during after before near under until since the early late of"
_ASKS_WHEN = re.compile(r"(?i)\b(?:when|year|years|date|day|month|century|decade|how\slong)\b")
_YEAR = re.compile(r"\b[12]\d{3}\b")
_ENDS_OPEN = re.compile(r"(?i)\b(?:in|at|during|for|after|before|by|of|to|from|with|on|as)\W*$")

# Share for which a condition that is met is looked for; fewer of those are found.
_MET = 0.75
# Most characters between an answer and a condition that is taken to be its own.
_NEAR = 60


def one_condition_more(example: Example, rng: random.Random) -> Example | None:
    """Return the example with a condition at its question's end, or None where none can be put.

    About half of them stand in a sentence with the answer and leave it; the others stand once in
    the passage, in a sentence that is neither the answer's nor beside it, and leave no answer. In a
    question that has a condition of its kind, it takes the place of that one.
    """
    if not example.answers:
        return None
    met = rng.random() < _MET
    found = list(_CONDITION.finditer(example.context))
    rng.shuffle(found)
    for place in found:
        if _is_told(example, place.span()) == met and _is_new(example, place.group(), met=met):
            question = _asked(example.question, place.group())
            if question is not None:
                return replace(example, question=question, answers=example.answers if met else ())
    return None


def _is_told(example: Example, place: tuple[int, int]) -> bool | None:
    """Tell whether a condition stands in a sentence with the answer; None where that is unclear.

    Unclear is a sentence beside it, whose condition often holds on, the answer itself, and of the
    same sentence what is far off, and years where it has two.
    """
    if any(start < place[1] and place[0] < end for start, end in example.answers):
        return None
    cuts = [end.end() for end in SENTENCE_END.finditer(example.context)]
    here = bisect(cuts, place[0])
    away = [abs(here - bisect(cuts, start)) for start, _ in example.answers]
    if all(away):
        return None if min(away) == 1 else False
    near = min(max(place[0] - end, start - place[1]) for start, end in example.answers)
    begin, end = [0, *cuts][here], [*cuts, None][here]
    years = _YEAR.findall(example.context[begin:end])
    return True if near <= _NEAR and len(years) < 2 else None


def _is_new(example: Example, condition: str, *, met: bool) -> bool:
    """Tell whether the question does not name it yet and, not met, the passage names it once."""
    words = [word for word in _WORD.findall(condition) if word not in _LITTLE.split()]
    asked = set(_WORD.findall(example.question.lower()))
    if not words or any(word.lower() in asked for word in words):
        return False
    return met or all(example.context.count(word) == 1 for word in words)


def _asked(question: str, condition: str) -> str | None:
    """Put the condition at the question's end, or in the place of one of its kind."""
    dated = any(map(str.isdigit, condition))
    if dated and _ASKS_WHEN.search(question):
        return None
    for old in reversed(list(_CONDITION.finditer(question.rstrip(" ?.")))):
        if any(map(str.isdigit, old.group())) == dated:
            if old.group().split()[0] != condition.split()[0]:
                return None
            return question[: old.start()] + condition + question[old.end() :]
    stem = question.rstrip(" ?.")
    return None if _ENDS_OPEN.search(stem) else f"{stem} {condition}?"
