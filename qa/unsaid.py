"""Words of a question that are found nowhere in the documents: a reason to doubt, or to refuse.

"Who designated the Sinaloa cartel?" is refused by a reader's judgement, which nobody can check.
That no document says "Sinaloa" can be checked, so it is told. It decides nothing: people ask in
other words than documents are written in.

It must not be told falsely. A word counts as said where anything like it stands: another form of
it, a longer word that begins as it does, its letters with hyphens, dots or line ends between them,
or a document's name. The texts themselves are looked through, not the index.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from qa.wording import (
    ADVERBS,
    AUXILIARY,
    CONJUNCTIONS,
    DEGREES,
    DETERMINERS,
    PREPOSITIONS,
    PRONOUNS,
    QUESTION_WORDS,
    forms,
    listed,
)

if TYPE_CHECKING:
    from index.filters import Filter
    from index.search import Snapshot

MOST_CHUNKS = 5000
"""Chunks of a library, about 5 million characters, beyond which nothing is looked up."""
_MOST_WORDS = 12
_MOST_TOLD = 4
_CLITIC = re.compile(r"(?i)\b\w+n['’´`]t\b|['’´`](?:s|re|ve|ll|d|m)\b")
_LETTER = r"(?:[^\W_]|[\u0300-\u036f])"
_WORD = re.compile(
    rf"[^\W\d_](?:\.[^\W\d_])+\.?|\d+(?:[.,]\d+)*{_LETTER}*|{_LETTER}+(?:[-‐‑'’ʼ]{_LETTER}+)*"
)
# They stand in questions of every kind, and say little of what is asked for; or are written in
# figures as often as not.
_LIGHT = listed(
    """
    say says said saying tell tells told call calls called name names named mean means stand take
    takes took taken make makes made give gives gave given get gets got go goes went gone come comes
    came put use used want wants happen happens happened happening like kind type way thing things
    people ppl person someone anyone something anything doing done been being cannot yes no ok
    please thanks place more less other another both same all very so such just regarding concerning
    explain list describe mention show document documents article articles text passage passages
    file files whos whats wheres whens hows cant wont dont doesnt didnt isnt arent wasnt werent
    hasnt havent hadnt couldnt wouldnt shouldnt e.g i.e a.m p.m pm
    january february march april may june july august september october november december
    monday tuesday wednesday thursday friday saturday sunday today yesterday tomorrow
    """
)
_CLOSED = (
    AUXILIARY | DETERMINERS | PREPOSITIONS | CONJUNCTIONS | ADVERBS | PRONOUNS | QUESTION_WORDS
    | DEGREES | _LIGHT
)  # fmt: skip
_PLURALS = """
    child children, man men, woman women, foot feet, tooth teeth, mouse mice, goose geese,
    criterion criteria, phenomenon phenomena, medium media, index indices, matrix matrices,
    life lives, wife wives, knife knives, leaf leaves, half halves, thief thieves, wolf wolves,
    shelf shelves, person persons
"""
_PLURAL = {word: pair for pair in (line.split() for line in _PLURALS.split(",")) for word in pair}
_COUNTED = """one two three four five six seven eight nine ten eleven twelve thirteen fourteen
    fifteen sixteen seventeen eighteen nineteen twenty""".split()  # noqa: SIM905
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


def content_words(question: str) -> list[str]:
    """Return the words of a question that name what it is about, as typed, each once.

    Words of other scripts than the Latin one are left out: many are not parted by spaces, or
    change with their case and their particles.
    """
    words = _WORD.findall(_CLITIC.sub(" ", question))
    kept = (word for word in words if _tells(word))
    return list({word.casefold(): word for word in kept}.values())[:_MOST_WORDS]


def _tells(word: str) -> bool:
    letters = sum(char.isalnum() for char in word)
    if letters < 2 or (letters == 2 and word.islower()) or word.lower().rstrip(".") in _CLOSED:
        return False
    return all(
        char in "0123456789" or unicodedata.name(char, "").startswith(("LATIN", "COMBINING"))
        for char in word
        if char.isalnum()
    )


def names(question: str, words: Sequence[str]) -> list[str]:
    """Return those of the words that are names or numbers.

    The first word's capital is no sign, nor is any where all words have one.
    """
    found = _WORD.search(question)
    first = found.group() if found else ""
    longer = re.findall(r"\b[^\W\d_]{4,}", question)
    titled = question.upper() == question or (
        len(longer) > 2 and all(word[0].isupper() for word in longer)
    )
    return [
        word
        for word in words
        if any(char.isdigit() for char in word)
        or (word[0].isupper() and not titled and word != first)
    ]


class Said:
    """What the documents of one snapshot say; made for looking words up in it.

    Args:
        snapshot: Whose documents.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._folded: dict[str, str] = {}

    def unsaid(self, words: Sequence[str], filters: Filter | None = None) -> list[str]:
        """Return those of the words that are found in no document, nor anything like them.

        Args:
            words: Words, numbers or abbreviations.
            filters: Only documents that meet this are looked through, when given.

        Returns:
            None of them where the library is larger than `MOST_CHUNKS`.
        """
        left = list(words)
        if not left or not 0 < len(self.snapshot) <= MOST_CHUNKS:
            return []
        for text in self._texts(filters):
            left = [word for word in left if not says(text, word)]
            if not left:
                break
        return left

    def _texts(self, filters: Filter | None) -> Iterator[str]:
        for file in self.snapshot.documents():
            if file.format is None or file.alias_of is not None and filters is None:
                continue
            if filters and not filters.accepts(file.name, file.format, file.modified):
                continue
            if file.name not in self._folded:
                text = self.snapshot.document(file.name).text
                self._folded[file.name] = folded(f"{file.name}\n{text}")
            yield self._folded[file.name]

    def sentence(self, unsaid: Sequence[str], filters: Filter | None = None) -> str:
        """Return what to tell of words that `unsaid` returned; empty when there are none."""
        if not unsaid:
            return ""
        partly = ("no text layer", "attachments not read")
        unread = sum(
            file.status == "failed" or any(part in (file.reason or "") for part in partly)
            for file in self.snapshot.documents()
        )
        return unsaid_words(unsaid, filtered=filters is not None, unread=unread)


def folded(text: str) -> str:
    """Return the words of a text in small letters without accents, a space around each."""
    if not text.isascii():
        text = _MARKS.sub("", unicodedata.normalize("NFKD", text.translate(_FOLDED)))
    return f" {_APART.sub(' ', text.casefold()).strip()} "


def says(text: str, word: str) -> bool:
    """Tell whether a folded text has a word, or anything that might be it; see the module."""
    parts = folded(word).split()
    whole = "".join(parts)
    if whole[:1].isdigit():
        return _says_number(text, word, parts)
    if any(f" {other} " in text for other in _like(word.casefold())):
        return True
    if len(whole) >= _LEAST_STEM:
        if any(f" {stem}" in text for stem in (*_stems(whole), " ".join(parts))):
            return True
    elif any(f" {form} " in text for form in _inflected(whole)):
        return True
    if len(whole) > _LEAST_STEM or any(char.isdigit() for char in whole):
        joined = text.replace(" ", "")
        if any(stem in joined for stem in _stems(whole) if len(stem) > _LEAST_STEM):
            return True
        if whole in joined:
            return True
    elif any(f" {part} " in text for part in _parted(whole)):
        return True
    # "Maduro-led" is no new word where "Maduro" and "led" are said.
    longer = [part for part in parts if len(part) > 2]
    return len(parts) > 1 and bool(longer) and all(says(text, part) for part in longer)


def _says_number(text: str, word: str, parts: list[str]) -> bool:
    digits = re.sub(r"\D", "", re.match(r"[\d.,]*", word)[0])  # type: ignore[index]
    forms = {digits, " ".join(parts)}
    if len(parts) > 1:
        forms.add(digits.rstrip("0"))
    if any(f" {form}" in text for form in forms if form):
        return True
    if digits.isdecimal() and 0 < int(digits[:6]) <= len(_COUNTED):
        return f" {_COUNTED[int(digits[:6]) - 1]} " in text
    return any(form in text.replace(" ", "") for form in forms if len(form) > 3)


def _like(word: str) -> Iterator[str]:
    """Yield other forms of a verb, noun or small number that do not begin alike."""
    for form in (*forms(word), *_PLURAL.get(word, ())):
        yield from _inflected(form)
    if word in _COUNTED:
        yield str(_COUNTED.index(word) + 1)


def _stems(word: str) -> list[str]:
    """Return what longer or other forms of a word begin with, the word among them."""
    cut = (word[: -len(ending)] for ending in _ENDINGS if word.endswith(ending))
    return [word, *(stem for stem in cut if len(stem) >= _LEAST_STEM)]


def _inflected(short: str) -> Iterator[str]:
    """Yield the regular forms of a word, where what begins as it does may be anything."""
    yield from (short + ending for ending in ("", "s", "es", "d", "ed", "ing"))
    if short.endswith("y"):
        yield from (short[:-1] + ending for ending in ("ies", "ied"))


def _parted(short: str) -> Iterator[str]:
    """Yield a short word as two ("wi fi"), and as an abbreviation with dots ("u s")."""
    for at in range(1, len(short)):
        yield f"{short[:at]} {short[at:]}"
    yield " ".join(short)


def unsaid_words(words: Sequence[str], *, filtered: bool = False, unread: int = 0) -> str:
    """Return one sentence that tells which words are found nowhere.

    Args:
        words: At least one word.
        filtered: Whether only some of the documents were asked.
        unread: Files that could not be read, or not all of them.
    """
    told = [f"“{word}”" for word in words[:_MOST_TOLD]]
    if len(words) > _MOST_TOLD:
        told.append(f"{len(words) - _MOST_TOLD} more words of the question")
    verb = "was" if len(words) == 1 else "were"
    listing = told[0] if len(told) == 1 else f"{', '.join(told[:-1])} and {told[-1]}"
    place = "the documents that were searched" if filtered else "the documents"
    could_not = f" ({unread:,} could not be read in full)" if unread else ""
    return f"{listing} {verb} found nowhere in {place}{could_not}."
