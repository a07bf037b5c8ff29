"""Questions made unanswerable, by swapping one thing that they ask or that their passage says.

* One name, number, unit or other word of the question is swapped, two names are exchanged, or the
  verb is negated, as annotators did for SQuAD 2.0 (Rajpurkar et al. 2018).
* The question stays, and that name, number or word is swapped in its passage.

With a name swapped in both the answer stands: neither an odd question nor an odd passage tells that
there is none, only that the two disagree (contrast sets, Gardner et al. 2020).
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from qa.contrasts import OPPOSITES
from qa.train.data import Example
from qa.train.passages import FUNCTION_WORDS, SENTENCE_END

_NAME = re.compile(r"(?<![.?!]\s)(?<!^)\b[A-Z][\w’'-]+(?:\s+(?:of\s+|the\s+)?[A-Z][\w’'-]+)*")
_NUMBER = re.compile(r"\b\d[\d,.]*\b")
_WORD = re.compile(r"\w+")
_PLAIN = re.compile(r"\b[a-z]{5,}\b")

_ASKING = "who what when where which why how whose whom does did is are was were in on at do can"
_ASKERS = frozenset(_ASKING.split())
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
    one: other for pair in OPPOSITES.split(",") for one, other in (pair.split(), pair.split()[::-1])
}


# Where "not" can stand so that the question asks of the opposite.
_ASKED = re.compile(
    r"(?i)\b(?:who|what|where|when|why|(?:which|what|how)\s\w+)\s"
    r"(is|are|was|were|did|does|do|could|has|have|had|would|should)\b(?!\snot)"
)
# Between these the order of two names says nothing.
_JOINED = re.compile(r"(?i)\b(?:and|or|between|with|versus|vs)\b|,")


@dataclass(frozen=True, slots=True)
class _Change:
    """One thing of a question, at `start:end` of it, and what is put in its place.

    `inside`: whether it can be changed in the passage instead, where it stands there too.
    `name`: whether it is a name, which says of what the whole passage speaks; another word counts
    only in the sentence that answers.
    """

    start: int
    end: int
    new: str
    inside: bool = False
    name: bool = False

    def of(self, question: str) -> str:
        return question[: self.start] + self.new + question[self.end :]


class Swaps:
    """Make a question unanswerable by changing one thing that it asks, or that its passage says.

    Args:
        examples: All examples: what the questions on one passage name is put for one another.
        negated: Share of the questions that are negated instead, where they can be. Small: nearly
            every question can be, and "not" alone must not come to mean "no answer".
        inside: Share of the changes made in the passage, of those that can be.
    """

    def __init__(
        self, examples: Sequence[Example], negated: float = 0.08, inside: float = 0.5
    ) -> None:
        self._negated, self._inside = negated, inside
        self._names: dict[str, list[str]] = defaultdict(list)
        self._words: dict[str, list[str]] = defaultdict(list)
        for example in examples:
            # What one passage's questions ask about replaces each other plausibly.
            self._names[example.context].extend(_names(example.question))
            self._words[example.context].extend(_plain_words(example.question))
        self._all_names = [name for names in self._names.values() for name in names]

    def find(self, example: Example, rng: random.Random) -> Example | None:
        """Return the example with one thing swapped and no answer, or None if nothing can be."""
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
            change = make(example, rng)
            if change is None or change.of(example.question) == example.question:
                continue
            if change.inside and rng.random() < self._inside:
                old = example.question[change.start : change.end]
                told = example.context if change.name else _answering(example)
                if re.search(rf"(?i)(?<!\w){re.escape(old)}(?!\w)", told):
                    context, _ = _replaced(example.context, old, change.new)
                    return replace(example, context=context, answers=())
            return replace(example, question=change.of(example.question), answers=())
        return None

    def both(self, example: Example, rng: random.Random) -> Example | None:
        """Return the example with a name swapped in question and passage alike, still answered.

        None where no name of the question stands in the passage outside the answers.
        """
        places = [
            place
            for place in _NAME.finditer(example.question)
            if place.group().lower() not in _ASKERS and place.group() in example.context
        ]
        if not places or not example.answers:
            return None
        place = rng.choice(places)
        old, new = place.group(), rng.choice(self._all_names)
        if new in example.context or new in example.question:
            return None
        question, _ = _replaced(example.question, old, new)
        context, moved = _replaced(example.context, old, new)
        answers = tuple((moved(start), moved(end)) for start, end in example.answers)
        texts = [example.context[start:end] for start, end in example.answers]
        if [context[start:end] for start, end in answers] != texts:
            return None
        return replace(example, question=question, context=context, answers=answers)

    def _swap_name(self, example: Example, rng: random.Random) -> _Change | None:
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
        return _Change(*place.span(), rng.choice(allowed), inside=True, name=True)

    def _swap_number(self, example: Example, rng: random.Random) -> _Change | None:
        places = list(_NUMBER.finditer(example.question))
        if not places:
            return None
        place = rng.choice(places)
        number = place.group().rstrip(".,")
        if number.isdigit():
            shift = rng.choice([-40, -11, -7, -3, -2, -1, 1, 2, 3, 6, 12, 50])
            new = str(max(1, int(number) + shift))
            return _Change(place.start(), place.start() + len(number), new, inside=True)
        return None

    def _swap_antonym(self, example: Example, rng: random.Random) -> _Change | None:
        places = [
            place
            for place in _WORD.finditer(example.question)
            if place.group().lower() in _ANTONYMS
        ]
        if not places:
            return None
        place = rng.choice(places)
        return _Change(*place.span(), _ANTONYMS[place.group().lower()], inside=True)

    def _swap_sibling(self, example: Example, rng: random.Random) -> _Change | None:
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
        new = new.title() if place.group().istitle() else new
        return _Change(*place.span(), new, inside=True)

    def _swap_word(self, example: Example, rng: random.Random) -> _Change | None:
        """Swap a verb, noun or adjective for one of like ending from the passage's questions."""
        places = [
            place
            for place in _PLAIN.finditer(example.question)
            if place.group() not in FUNCTION_WORDS
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
        return _Change(*place.span(), rng.choice(allowed)) if allowed else None

    def _exchange_names(self, example: Example, rng: random.Random) -> _Change | None:
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
        return _Change(one.start(), two.end(), two.group() + between + one.group())

    def _negate(self, example: Example, rng: random.Random) -> _Change | None:
        place = _ASKED.search(example.question)
        if place is None:
            return None
        return _Change(place.end(1), place.end(1), rng.choice(("n't", "n't", " never")))


def _answering(example: Example) -> str:
    """Return the sentences that hold the answers."""
    cuts = [0, *(found.end() for found in SENTENCE_END.finditer(example.context))]
    ends = [*cuts[1:], len(example.context)]
    return " ".join(
        example.context[begin:end]
        for begin, end in zip(cuts, ends, strict=True)
        if any(start < end and begin < stop for start, stop in example.answers)
    )


def _replaced(text: str, old: str, new: str) -> tuple[str, Callable[[int], int]]:
    """Return the text with `new` for every `old`, and what takes an offset of it to the new text.

    Whole words only, whatever their case; of a name of several words also its last one alone, as
    texts name people at the second mention.
    """
    forms = [(old, new)]
    if " " in old and old[0].isupper():
        forms.append((old.split()[-1], new.split()[-1]))
    either = "|".join(f"({re.escape(form)})" for form, _ in forms)
    parts: list[str] = []
    shifts: list[tuple[int, int]] = []
    at = shift = 0
    for found in re.finditer(rf"(?i)(?<!\w)(?:{either})(?!\w)", text):
        assert found.lastindex is not None
        put = forms[found.lastindex - 1][1]
        parts += [text[at : found.start()], put]
        at = found.end()
        shift += len(put) - len(found.group())
        shifts.append((at, shift))

    def moved(offset: int) -> int:
        return offset + max(((end, by) for end, by in shifts if end <= offset), default=(0, 0))[1]

    return "".join(parts) + text[at:], moved


def _plain_words(text: str) -> list[str]:
    """Return the longer words in small letters that carry meaning."""
    return [word for word in _PLAIN.findall(text) if word not in FUNCTION_WORDS]


def _names(text: str) -> list[str]:
    return [name for name in _NAME.findall(text) if name.lower() not in _ASKERS]
