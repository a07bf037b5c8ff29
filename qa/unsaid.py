"""Words of a question that are found nowhere in the documents: a reason to doubt, or to refuse.

"Who designated the Sinaloa cartel?" is refused by a reader's judgement, which nobody can check.
That no document says "Sinaloa" can be checked, so it is told. It decides nothing: people ask in
other words than documents are written in.

It must not be told falsely: a word counts as said where anything like it stands in a text or a
document's name (`qa/word_forms.py`), and the texts themselves are looked through, not the index.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from qa.word_forms import folded, says
from qa.wording import (
    ADVERBS,
    AUXILIARY,
    CALENDAR,
    CONJUNCTIONS,
    DEGREES,
    DETERMINERS,
    PREPOSITIONS,
    PRONOUNS,
    QUESTION_WORDS,
    listed,
)

if TYPE_CHECKING:
    from index.filters import Filter
    from index.search import DocumentRecord, Snapshot

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
    today yesterday tomorrow
    """
)
_CLOSED = (
    AUXILIARY | DETERMINERS | PREPOSITIONS | CONJUNCTIONS | ADVERBS | PRONOUNS | QUESTION_WORDS
    | DEGREES | CALENDAR | _LIGHT
)  # fmt: skip


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
        self._files: list[DocumentRecord] = []

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
        files = self._asked(filters)
        yield folded("\n".join(file.name for file in files))
        for file in files:
            if file.status == "failed" or (file.alias_of and filters is None):
                continue
            if file.name not in self._folded:
                self._folded[file.name] = folded(self.snapshot.document(file.name).text)
            yield self._folded[file.name]

    def _asked(self, filters: Filter | None) -> list[DocumentRecord]:
        # A snapshot stays as it is, and listing its files takes longer than looking a word up.
        self._files = self._files or self.snapshot.documents()
        return [file for file in self._files if _asked(file, filters)]

    def sentence(self, unsaid: Sequence[str], filters: Filter | None = None) -> str:
        """Return what to tell of words that `unsaid` returned; empty when there are none."""
        if not unsaid:
            return ""
        partly = ("no text layer", "not read")
        unread = sum(
            file.status == "failed" or any(part in (file.reason or "") for part in partly)
            for file in self._asked(filters)
        )
        return unsaid_words(unsaid, filtered=filters is not None, unread=unread)


def _asked(file: DocumentRecord, filters: Filter | None) -> bool:
    """Tell whether a file may be one of those that a filter means; a failed one has no format."""
    if filters is None:
        return True
    if file.format is None:
        filters = replace(filters, formats=())
    return filters.accepts(file.name, file.format or "", file.modified)


def unsaid_words(words: Sequence[str], *, filtered: bool = False, unread: int = 0) -> str:
    """Return one sentence that tells which words are found nowhere.

    Args:
        words: At least one word.
        filtered: Whether only some of the documents were asked.
        unread: Files that could not be read, or not all of them.
    """
    told = [f"“{word}”" for word in words[:_MOST_TOLD]]
    if len(words) > _MOST_TOLD:
        more = len(words) - _MOST_TOLD
        told.append(f"{more} more word{'s' if more > 1 else ''} of the question")
    verb = "was" if len(words) == 1 else "were"
    listing = told[0] if len(told) == 1 else f"{', '.join(told[:-1])} and {told[-1]}"
    place = "the text of the documents" + (" that were searched" if filtered else "")
    could_not = f" ({unread:,} could not be read in full)" if unread else ""
    return f"{listing} {verb} found nowhere in {place}{could_not}."
