"""Words that exclude each other: a sentence that says the one is no answer to who asks the other.

"How many were injured?" is near to "At least 83 have been killed" for a reader of this size. Of
79,799 questions that have an answer in the reading data, 0.12 % have a word of which the answer's
sentence has the opposite and not the word; of 1,536 that annotators of SQuAD 2.0 made to mislead,
2.8 % do in their passage (`python -m tests.benchmarks.contrasts`). The reader knows most of them:
what it answers with such a sentence all the same is taken to be seven times as likely wrong.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from qa.word_forms import folded, says
from qa.wording import listed

COST = 4.0
"""What such a word costs a span's margin: a factor of seven, by the shipped calibration."""

OPPOSITES = """
    first last, before after, oldest youngest, largest smallest, highest lowest, most least,
    north south, east west, northern southern, eastern western, early late, earliest latest,
    won lost, increase decrease, increased decreased, above below, inside outside, best worst,
    longest shortest, more fewer, maximum minimum, male female, men women, begin end, began ended,
    start finish, started stopped, open close, opened closed, support oppose, supported opposed,
    allow forbid, allowed forbade, join leave, joined left, rich poor, old new, strong weak,
    public private, domestic foreign, win lose, gain lose, accept reject, accepted rejected,
    positive negative, major minor, internal external
"""
"""Pairs of which a question may have the one where its passage has the other."""
# In questions that have an answer as well: "Who ruled after Ann?" of "Ann ruled before Bob".
_LOOSE = listed("first last before after old new public private")
_EXCLUSIVE = """
    killed dead died deaths | injured wounded hurt injuries | arrested detained jailed | missing
    | rescued saved | kidnapped,
    bought purchased acquired | sold, imported imports | exported exports, hired | fired dismissed,
    rise rose risen increase increased grew
    | fall fell fallen decrease decreased decline declined drop dropped shrank,
    profit profits | loss losses, approved | rejected vetoed, arrived | departed, born | died
"""


def _table() -> dict[str, frozenset[str]]:
    groups = [[[one], [other]] for one, other in map(str.split, OPPOSITES.split(","))]
    groups += [[side.split() for side in line.split("|")] for line in _EXCLUSIVE.split(",")]
    table: dict[str, set[str]] = {}
    for sides in groups:
        for side in sides:
            others = {word for other in sides if other is not side for word in other}
            for word in side:
                table.setdefault(word, set()).update(others)
    return {word: frozenset(others) for word, others in table.items() if word not in _LOOSE}


_TABLE = _table()
_WORD = re.compile(r"[^\W\d_]+")


def contrasted(question: str) -> dict[str, frozenset[str]]:
    """Return the words of a question that have opposites, and those that it does not have too."""
    words = set(_WORD.findall(question.lower()))
    found = {word: _TABLE[word] - words for word in sorted(words & _TABLE.keys())}
    # "How many were killed or injured?" asks for either.
    return {word: others for word, others in found.items() if others == _TABLE[word]}


def contradicts(asked: Mapping[str, frozenset[str]], sentence: str) -> tuple[str, str] | None:
    """Return the word asked and its opposite in a sentence that has only that, or None.

    Args:
        asked: What `contrasted` returned.
        sentence: The sentence that an answer stands in.
    """
    text = folded(sentence)
    for word, opposites in asked.items():
        said = next((other for other in sorted(opposites) if f" {other} " in text), None)
        if said and not says(text, word):
            return word, said
    return None
