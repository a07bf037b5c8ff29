"""Words of a question that stand nowhere in the documents: an exact reason to doubt or to refuse.

"Who designated the Sinaloa cartel?" is refused by a reader's judgement, which nobody can check.
That no document says "Sinaloa" can be checked, so it is told. It decides nothing: people ask in
other words than documents are written in.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from qa.wording import (
    ADVERBS,
    AUXILIARY,
    CONJUNCTIONS,
    DEGREES,
    DETERMINERS,
    PREPOSITIONS,
    PRONOUNS,
    QUESTION_WORDS,
    listed,
)

_MOST_TOLD = 4
_CLITIC = re.compile(r"(?i)\b\w+n['’]t\b|['’](?:s|re|ve|ll|d|m)\b")
_WORD = re.compile(r"(?:[^\W\d_]\.){2,}|\d+(?:[.,]\d+)+|[^\W_]+")
# They stand in questions of every kind, and say little of what is asked for.
_LIGHT = listed(
    """
    say says said saying tell tells told call calls called name names named mean means stand take
    takes took taken make makes made give gives gave given get gets got go goes went gone come comes
    came put use used want wants happen happens happened happening let like kind type way thing
    things people ppl person someone anyone something anything doing done yes no ok please more less
    very so such just whos whats wheres whens hows document documents article articles text passage
    passages file files
    """
)
_CLOSED = (
    AUXILIARY | DETERMINERS | PREPOSITIONS | CONJUNCTIONS | ADVERBS | PRONOUNS | QUESTION_WORDS
    | DEGREES | _LIGHT
)  # fmt: skip
# Scripts whose words are not parted by spaces, or carry their particles: not looked up by word.
_UNPARTED = listed("CJK HIRAGANA KATAKANA HANGUL THAI LAO KHMER MYANMAR TIBETAN")


def content_words(question: str) -> list[str]:
    """Return the words of a question that name what it is about, as typed, each once."""
    words = _WORD.findall(_CLITIC.sub(" ", question))
    # Of two small letters are the pieces of what is written in many ways: "co-operate", "re: it".
    telling = (word for word in words if len(word) > 2 or (len(word) == 2 and not word.islower()))
    kept = (word for word in telling if word.lower() not in _CLOSED and _parted(word))
    return list({word.lower(): word for word in kept}.values())


def _parted(word: str) -> bool:
    return not any(unicodedata.name(char, "").split(" ")[0] in _UNPARTED for char in word)


def names(question: str, words: Sequence[str]) -> list[str]:
    """Return those of the words that are names or numbers; the first word's capital is no sign."""
    start = question.lstrip("\"'“‘(").split(" ", 1)[0]
    shouted = question.upper() == question
    return [
        word
        for word in words
        if any(char.isdigit() for char in word)
        or (word[0].isupper() and not shouted and not start.startswith(word))
    ]


def unsaid_words(words: Sequence[str], *, filtered: bool = False) -> str:
    """Return one sentence that tells which words stand nowhere.

    Args:
        words: At least one word.
        filtered: Whether only some of the documents were asked.
    """
    told = [f"“{word}”" for word in words[:_MOST_TOLD]]
    if len(words) > _MOST_TOLD:
        told.append(f"{len(words) - _MOST_TOLD} more of its words")
    verb = "stands" if len(words) == 1 else "stand"
    listing = told[0] if len(told) == 1 else f"{', '.join(told[:-1])} and {told[-1]}"
    asked = " that were asked" if filtered else ""
    return f"{listing} {verb} nowhere in the documents{asked}."
