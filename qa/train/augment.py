"""Questions that a passage does not answer, and questions as people really type them.

Two kinds of negative, since they teach different things:

* a passage from retrieval that shares the question's words and lacks its answer (not relevant);
* the right passage under a question with one name, number, unit or other word swapped, two names
  exchanged, or the verb negated, as annotators did for SQuAD 2.0 (Rajpurkar et al. 2018):
  relevant, and still no answer.
"""

from __future__ import annotations

import random
import re
import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from qa.train.data import Example

_NAME = re.compile(r"(?<![.?!]\s)(?<!^)\b[A-Z][\w’'-]+(?:\s+(?:of\s+|the\s+)?[A-Z][\w’'-]+)*")
_NUMBER = re.compile(r"\b\d[\d,.]*\b")
_WORD = re.compile(r"\w+")
_PLAIN = re.compile(r"\b[a-z]{5,}\b")

_ASKING = "who what when where which why how whose whom does did is are was were in on at do can"
_LITTLE = """
    a an the is are was were be been do does did of in on at to for by with from that this what
    which who whom whose when where why how it its they their there has have had
"""
_ASKERS, _FUNCTION = frozenset(_ASKING.split()), frozenset(_LITTLE.split())
_OPPOSITES = """
    first last, before after, oldest youngest, largest smallest, highest lowest, most least,
    north south, east west, northern southern, eastern western, early late, earliest latest,
    won lost, increase decrease, increased decreased, above below, inside outside, best worst,
    longest shortest, more fewer, maximum minimum, male female, men women, begin end, began ended,
    start finish, started stopped, open close, opened closed, support oppose, supported opposed,
    allow forbid, allowed forbade, join leave, joined left, rich poor, old new, strong weak,
    public private, domestic foreign, win lose, gain lose, accept reject, accepted rejected,
    positive negative, major minor, internal external
"""
# Words that can stand for one another in a question, so that one in place of another asks of
# something else and not of the same thing in other words.
_FAMILIES = """
    red blue green yellow black white brown purple orange pink
    mother father brother sister son daughter husband wife uncle cousin
    king queen prince emperor duke pope
    january february march april may june july august september october november december
    monday tuesday wednesday thursday friday saturday sunday
    spring summer autumn winter
    army navy police parliament court senate church
    president governor mayor senator minister ambassador general judge
    company university school hospital museum library bank airport
    river lake mountain island desert valley coast
    city country state village province continent
    africa asia europe australia america antarctica
    film book song album novel poem painting
    football baseball basketball hockey tennis cricket
    teacher student doctor lawyer scientist engineer artist
    one two three four five six seven eight nine ten
    first second third fourth fifth sixth
    height weight length depth width speed temperature age
    christian muslim jewish buddhist hindu catholic protestant
    french german english spanish russian chinese japanese italian
    iron copper gold silver steel oxygen hydrogen nitrogen carbon
    born married educated elected appointed buried
    killed injured wounded arrested rescued kidnapped
    soldiers civilians sailors officers workers passengers prisoners
    built destroyed sold bought renamed moved repaired
    morning afternoon evening night
    cause effect, author publisher, dog cat, cars ships, deaths injuries births
    hour day week month year decade century
    hundred thousand million billion trillion
    dollars pounds euros francs
    miles kilometers feet meters inches
    acres hectares, tons kilograms ounces, percent degrees
    hours minutes seconds days weeks months years decades centuries
"""
_SIBLINGS = {
    word: [other for other in family if other != word]
    for line in _FAMILIES.replace(",", "\n").splitlines()
    if (family := line.split())
    for word in family
}
_ANTONYMS = {
    one: other
    for pair in _OPPOSITES.split(",")
    for one, other in (pair.split(), pair.split()[::-1])
}


# Where "not" can stand so that the question asks of the opposite.
_ASKED = re.compile(
    r"(?i)\b(?:who|what|where|when|why|(?:which|what|how)\s\w+)\s"
    r"(is|are|was|were|did|does|do|could|has|have|had|would|should)\b(?!\snot)"
)
# Between these the order of two names says nothing.
_JOINED = re.compile(r"(?i)\b(?:and|or|between|with|versus|vs)\b|,")

_CONTRACTED = re.compile(r"(?i)\b(who|what|where|when|how)\s+is\b")
_SAID = re.compile(
    r"(?i)^who\s(?:(?:first|also)\s)?(?:said|says|stated|states|claim(?:ed|s)|argue[ds]|believe[ds]|"
    r"thought|thinks|report(?:ed|s)|suggest(?:ed|s)|noted|announced|estimate[ds]|found)\sthat\s"
)
# Question words as they are mistyped; every one is read in full and decides what is asked.
_MISTYPED = {
    "which": ("wich", "whitch", "wihch"),
    "what": ("wat", "waht", "wht"),
    "who": ("hwo", "woh"),
    "when": ("wen", "whne"),
    "where": ("wher", "wehre"),
    "why": ("wy", "whay"),
    "how": ("hw", "howe"),
}


class Negatives:
    """Passages that retrieval returns for a question and that do not hold its answer.

    BM25 over every passage of the training data, in SQLite FTS5: the lexical half of the
    project's own retrieval, and the half that fools a reader.
    """

    def __init__(self, examples: Sequence[Example]) -> None:
        self._contexts = list(dict.fromkeys(example.context for example in examples))
        self._table = sqlite3.connect(":memory:")
        self._table.execute("CREATE VIRTUAL TABLE passage USING fts5(text, tokenize='porter')")
        self._table.executemany(
            "INSERT INTO passage(rowid, text) VALUES (?, ?)", enumerate(self._contexts)
        )

    def find(self, example: Example, rng: random.Random, depth: int = 8) -> Example | None:
        """Return the example on a passage of the top `depth` that lacks each of its answers."""
        tokens = set(_WORD.findall(example.question.lower())) - _FUNCTION
        if not tokens or not example.answers:
            return None
        query = " OR ".join(f'"{token}"' for token in sorted(tokens))
        rows = self._table.execute(
            "SELECT rowid FROM passage WHERE passage MATCH ? ORDER BY rank LIMIT ?",
            (query, depth),
        )
        texts = [example.context[start:end].lower() for start, end in example.answers]
        candidates = [
            context
            for context in (self._contexts[row] for (row,) in rows)
            if context != example.context and not any(text in context.lower() for text in texts)
        ]
        if not candidates:
            return None
        return replace(example, context=rng.choice(candidates), answers=(), relevant=False)


class Swaps:
    """Make a question unanswerable by changing one thing that it asks.

    Args:
        examples: All examples: what the questions on one passage name is put for one another.
        negated: Share of the questions that are negated instead, where they can be. Small: nearly
            every question can be, and "not" alone must not come to mean "no answer".
    """

    def __init__(self, examples: Sequence[Example], negated: float = 0.08) -> None:
        self._negated = negated
        self._names: dict[str, list[str]] = defaultdict(list)
        self._words: dict[str, list[str]] = defaultdict(list)
        for example in examples:
            # What one passage's questions ask about replaces each other plausibly.
            self._names[example.context].extend(_names(example.question))
            self._words[example.context].extend(_plain_words(example.question))

    def find(self, example: Example, rng: random.Random) -> Example | None:
        """Return the example with a swapped question and no answer, or None if none can be."""
        makers = [
            self._swap_name,
            self._swap_number,
            self._swap_antonym,
            self._swap_sibling,
            self._swap_word,
            self._exchange_names,
        ]
        rng.shuffle(makers)
        if rng.random() < self._negated:
            makers.insert(0, self._negate)
        for make in makers:
            question = make(example, rng)
            if question is not None and question != example.question:
                return replace(example, question=question, answers=())
        return None

    def _swap_name(self, example: Example, rng: random.Random) -> str | None:
        places = [
            place
            for place in _NAME.finditer(example.question)
            if place.group().lower() not in _ASKERS
        ]
        answers = [example.context[start:end] for start, end in example.answers]
        if not places:
            return None
        place = rng.choice(places)
        names = self._names[example.context] + _names(example.context)
        allowed = [
            name
            for name in dict.fromkeys(names)
            if name not in example.question
            and place.group() not in name
            and not any(name in answer or answer in name for answer in answers)
        ]
        if not allowed:
            return None
        return _put(example.question, place, rng.choice(allowed))

    def _swap_number(self, example: Example, rng: random.Random) -> str | None:
        places = list(_NUMBER.finditer(example.question))
        if not places:
            return None
        place = rng.choice(places)
        number = place.group().rstrip(".,")
        if number.isdigit():
            shift = rng.choice([-40, -11, -7, -3, -2, -1, 1, 2, 3, 6, 12, 50])
            return _put(example.question, place, str(max(1, int(number) + shift)))
        return None

    def _swap_antonym(self, example: Example, rng: random.Random) -> str | None:
        places = [
            place
            for place in _WORD.finditer(example.question)
            if place.group().lower() in _ANTONYMS
        ]
        if not places:
            return None
        place = rng.choice(places)
        return _put(example.question, place, _ANTONYMS[place.group().lower()])

    def _swap_sibling(self, example: Example, rng: random.Random) -> str | None:
        # A word that asks for the answer's kind ("which city") may be what the answer is.
        places = [
            place
            for place in _WORD.finditer(example.question)
            if place.group().lower() in _SIBLINGS
            and not re.search(r"(?i)\b(?:which|what)\s+$", example.question[: place.start()])
        ]
        if not places:
            return None
        place = rng.choice(places)
        new = rng.choice(_SIBLINGS[place.group().lower()])
        return _put(example.question, place, new.title() if place.group().istitle() else new)

    def _swap_word(self, example: Example, rng: random.Random) -> str | None:
        """Swap a verb, noun or adjective for one of like ending from the passage's questions."""
        places = [
            place for place in _PLAIN.finditer(example.question) if place.group() not in _FUNCTION
        ]
        if not places:
            return None
        place = rng.choice(places)
        old = place.group()
        allowed = [
            word
            for word in dict.fromkeys(self._words[example.context])
            if word[-2:] == old[-2:] and word[:4] != old[:4] and word not in example.question
        ]
        return _put(example.question, place, rng.choice(allowed)) if allowed else None

    def _exchange_names(self, example: Example, rng: random.Random) -> str | None:
        """Let two names of the question change places: who did it to whom is then not told."""
        question = example.question
        places = [
            place for place in _NAME.finditer(question) if place.group().lower() not in _ASKERS
        ]
        pairs = [
            (one, two)
            for one, two in pairwise(places)
            if one.group() != two.group()
            and not _JOINED.search(question[max(0, one.start() - 8) : two.start()])
        ]
        if not pairs:
            return None
        one, two = rng.choice(pairs)
        between = question[one.end() : two.start()]
        exchanged = two.group() + between + one.group()
        return question[: one.start()] + exchanged + question[two.end() :]

    def _negate(self, example: Example, rng: random.Random) -> str | None:
        place = _ASKED.search(example.question)
        if place is None:
            return None
        at = place.end(1)
        return example.question[:at] + rng.choice(("n't", "n't", " never")) + example.question[at:]


def _plain_words(text: str) -> list[str]:
    """Return the longer words in small letters that carry meaning."""
    return [word for word in _PLAIN.findall(text) if word not in _FUNCTION]


def _names(text: str) -> list[str]:
    return [name for name in _NAME.findall(text) if name.lower() not in _ASKERS]


def _put(text: str, place: re.Match[str], new: str) -> str:
    return text[: place.start()] + new + text[place.end() :]


def as_typed(question: str, rng: random.Random) -> str:
    """Return the question as somebody in a hurry types it: no mark, keywords, a slip."""
    if rng.random() < 0.5:
        question = _SAID.sub("According to whom ", question)
    if rng.random() < 0.3:
        question = _CONTRACTED.sub(lambda found: found[1] + rng.choice(("s", "'s", "’s")), question)
    draw = rng.random()
    if draw < 0.10:
        words = [word for word in _WORD.findall(question) if word.lower() not in _FUNCTION]
        asker = _WORD.match(question)
        if len(words) >= 2:
            keep = [asker.group()] if asker and rng.random() < 0.5 else []
            return " ".join(keep + [word for word in words if word not in keep])
    if draw < 0.25:
        question = _slip(question, rng)
    elif draw < 0.30:
        question = _mistyped(question, rng)
    if draw < 0.45:
        question = question.rstrip(" ?")
    return question


def _mistyped(question: str, rng: random.Random) -> str:
    """Mistype the first question word."""
    for place in _WORD.finditer(question):
        if wrong := _MISTYPED.get(place.group().lower()):
            return _put(question, place, rng.choice(wrong))
    return question


def _slip(question: str, rng: random.Random) -> str:
    """Drop, double or swap one letter of one longer word."""
    places = [place for place in _WORD.finditer(question) if len(place.group()) >= 5]
    if not places:
        return question
    place = rng.choice(places)
    word = place.group()
    at = rng.randrange(1, len(word) - 2)
    slips = (
        word[:at] + word[at + 1 :],
        word[:at] + word[at] + word[at:],
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
    )
    return _put(question, place, rng.choice(slips))


def epoch(
    pairs: Sequence[tuple[Example, float]],
    negatives: Negatives,
    swaps: Swaps,
    seed: int,
    irrelevant: float = 0.2,
    swapped: float = 0.2,
    limit: int | None = None,
) -> list[Example]:
    """Return one shuffled epoch: every pair by its weight, negatives, and questions as typed.

    Args:
        pairs: Examples with their weights (copies an epoch).
        negatives: Finder of passages that do not answer.
        swaps: Maker of questions without answer.
        seed: Seed of this epoch; the same seed gives the same epoch.
        irrelevant: Negatives of other passages, as a share of the answerable examples.
        swapped: Negatives by swapped question, as a share of the answerable examples.
        limit: Most examples wanted (negatives not counted), for runs shorter than an epoch.
    """
    rng = random.Random(seed)
    drawn = [
        example
        for example, weight in pairs
        for _ in range(int(weight) + (rng.random() < weight % 1))
    ]
    rng.shuffle(drawn)
    examples: list[Example | None] = []
    for example in drawn[:limit]:
        if example.answers and rng.random() < irrelevant:
            examples.append(negatives.find(example, rng))
        if example.answers and rng.random() < swapped:
            examples.append(swaps.find(example, rng))
        typed = as_typed(example.question, rng)
        examples.append(replace(example, question=typed, written=example.question))
    # Not shuffled again: a longer run begins as a shorter one did, and goes on with what is new.
    # Batches are made of a thousand examples at a time, which parts a question from its negatives.
    return [example for example in examples if example is not None]
