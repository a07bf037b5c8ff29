"""Words that exclude each other: a sentence that says the one is no answer to who asks the other.

"How many were injured?" is near to "At least 83 have been killed" for a reader of this size. Of
79,799 questions that have an answer in the reading data, 0.02 % have a word of which the answer's
sentence has the opposite and not the word; of 1,536 that annotators of SQuAD 2.0 made to mislead,
1.5 % do in their passage (`python -m tests.benchmarks.contrasts`). The reader knows most of them:
what it answers with such a sentence all the same is taken to be seven times as likely wrong.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

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
# Of these the one often follows from the other: who sold it, and who bought it; when it begins, and
# when it ends; or they have other meanings beside: "at least", "no fewer than", "New York".
_LOOSE = listed(
    """
    first last before after old new public private most least more fewer join leave joined left
    begin end began ended start finish started stopped open close opened closed won lost win lose
    gain above below inside outside north south east west major minor early late
    """
)
_EXCLUSIVE = """
    killed dead died deaths death fatalities | injured wounded hurt injuries,
    rise rose risen increase increased grew
    | fall fell fallen decrease decreased decline declined drop dropped shrank,
    profit profits | loss losses, approved | rejected vetoed, arrived | departed
"""
# What is said of the one explains the other, or is what decides between yes and no.
_OTHERWISE = re.compile(
    r"(?i)\W*(?:why\b|(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should)\b"
    r"|what (?:has |have )?(?:caus|led|lead|made|explain|drove|drives))"
)


class Opposed(NamedTuple):
    """What means the same as a word, and what excludes it."""

    same: frozenset[str]
    opposite: frozenset[str]


def _table() -> dict[str, Opposed]:
    pairs = ([[one], [other]] for one, other in map(str.split, OPPOSITES.split(",")))
    kept = [sides for sides in pairs if not {sides[0][0], sides[1][0]} & _LOOSE]
    kept += [[side.split() for side in line.split("|")] for line in _EXCLUSIVE.split(",")]
    table: dict[str, Opposed] = {}
    for one, other in kept:
        for same, opposite in ((one, other), (other, one)):
            for word in same:
                known = table.get(word, Opposed(frozenset(), frozenset()))
                table[word] = Opposed(known.same | set(same), known.opposite | set(opposite))
    return table


_TABLE = _table()
_WORD = re.compile(r"[^\W\d_]+")


def contrasted(question: str) -> dict[str, Opposed]:
    """Return the words of a question that exclude others, none of which it has too."""
    if _OTHERWISE.match(question):
        return {}
    words = set(_WORD.findall(question.lower()))
    found = {word: _TABLE[word] for word in sorted(words & _TABLE.keys())}
    # "How many were killed or injured?" asks for either.
    return {word: known for word, known in found.items() if not known.opposite & words}


def contradicts(asked: Mapping[str, Opposed], sentence: str) -> tuple[str, str] | None:
    """Return the word asked and its opposite in a sentence that has only that, or None.

    Args:
        asked: What `contrasted` returned.
        sentence: The sentence that an answer stands in.
    """
    text = folded(sentence)
    for word, known in asked.items():
        said = next((other for other in sorted(known.opposite) if f" {other} " in text), None)
        if said and not any(says(text, same) for same in known.same):
            return word, said
    return None
