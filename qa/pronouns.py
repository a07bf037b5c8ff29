"""Pronouns in a question, replaced by what they stand for in the turns before.

Most of this module is there to leave pronouns alone: those that the question itself explains
("Which city changed its name?"), and those that stand for nothing ("Is it true that …?").
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from qa.answer import Answer
from qa.antecedents import FINDERS, deed, named, plural, recent, thing
from qa.wording import (
    ADVERBS,
    AUXILIARY,
    BE,
    DEGREES,
    DO,
    HAVE,
    MODAL,
    PREPOSITIONS,
    Frame,
    base,
    function_word,
    is_participle,
    is_verb,
    listed,
    parse,
    words_of,
)

_EXPLETIVES = listed(
    """
    true possible legal necessary important likely clear right wrong safe allowed
    """
)
_LIGHT = listed(
    "say do call mean happen use name know make go come be have get take place people like part"
)
_POSSESSIVES = listed("his her its their")
_SUBJECTS = listed("he she it they")
_EVENTS = listed("process event act action move attack decision practice change effort step deed")
_QUOTED = re.compile(r"[\"“«][^\"”»]*[\"”»]")


def resolve(text: str, history: Sequence[Answer]) -> str | None:
    """Return a question with its pronouns replaced by what they stand for.

    Returns:
        The question, or None when it has no pronoun, or none whose meaning is found.
    """
    if parse(text) is None and len(words_of(text)) > 4:
        return None  # a statement, or a question that begins with one: it says what it means
    masked = _QUOTED.sub(lambda quote: "¤" * len(quote.group()), text)
    found = list(re.finditer(r"[\w¤]+(?:['’.&-][\w¤]+)*", masked))
    words = [match.group() for match in found]
    pieces: list[tuple[int, int, str]] = []
    seen: list[str] = []
    for i, word in enumerate(words):
        replaced = _replacement(words, i, seen, history)
        if replaced is None:
            continue
        begin, end = found[i].span()
        if word.lower() in ("this", "that", "these", "those") and _demonstrated(words, i):
            end = found[i + 1].end()
        pieces.append((begin, end, replaced))
    for begin, end, replaced in reversed(pieces):
        text = text[:begin] + replaced + text[end:]
    return text if pieces else None


def _replacement(
    words: Sequence[str], i: int, seen: list[str], history: Sequence[Answer]
) -> str | None:
    """Return what stands for one word, or None when it is to be kept."""
    word = words[i].lower()
    if word in ("that", "this", "these", "those"):
        return _demonstrative(words, i, history)
    if word == "there":
        beside = {other.lower() for other in words[max(0, i - 1) : i + 2]} & BE
        if beside or _content(words) > 1 or _names(words):
            return None
    elif word not in FINDERS or _bound(words, i) or _expletive(words, i):
        return None
    found = FINDERS[word](history)
    if found is None:
        return None
    if word == "there":
        own = i > 0 and words[i - 1].lower() in PREPOSITIONS
        return found if own else f"in {found}"
    return _inflected(words, i, found, seen)


def _inflected(words: Sequence[str], i: int, found: str, seen: list[str]) -> str | None:
    """Return what stands for a pronoun in the pronoun's form; the second mention is kept."""
    owner = re.match(r"(.+?)['’]s (.+)$", found)
    if found in seen:
        return None
    if owner and owner.group(1) in seen:  # "Luther … Luther's sermon" → "Luther … his sermon"
        found = f"the {owner.group(2)}" if owner.group(2)[0].islower() else owner.group(2)
    seen.append(found)
    word = words[i].lower()
    follows = words[i + 1].lower() if i + 1 < len(words) else ""
    possessive = word in _POSSESSIVES and follows and (
        word != "her" or not function_word(follows)
    )  # fmt: skip
    if not possessive:
        return found
    return f"{found}'" if found.endswith("s") and found[0].islower() else f"{found}'s"


def _bound(words: Sequence[str], i: int) -> bool:
    """Tell whether the question itself names, before a pronoun, what it may stand for."""
    word, frame = words[i].lower(), parse(" ".join(words))
    before = {other.lower() for other in words[:i]}
    verbs = [j for j in range(1, i) if _does(words[j])]
    nouns = [j for j in range(i) if _noun(words, j, word)]
    asked = frame is not None and not frame.subject and bool(verbs)
    if before & _SAME.get(word, frozenset()):
        return True
    if word in _POSSESSIVES and not _object_her(words, i):
        names = [j for j in nouns if j and words[j][0].isupper()]
        acts = frame is not None and frame.auxiliary in DO | HAVE
        behind = len(frame.asks.split()) if frame is not None else 0
        acting = acts and any(j > behind for j in nouns)
        return asked or acting or bool(nouns if verbs else names)
    if i and words[i - 1].lower() in AUXILIARY:  # "did he": only a clause before can name him
        return bool(nouns and verbs and verbs[-1] > nouns[0])
    follows = words[i + 1].lower() if i + 1 < len(words) else ""
    finite = follows in AUXILIARY | ADVERBS or is_verb(follows)
    if word in _SUBJECTS and (word != "it" or finite):
        return asked or bool(nouns)
    return _object_bound(words, i, frame, verbs)


def _object_bound(words: Sequence[str], i: int, frame: Frame | None, verbs: Sequence[int]) -> bool:
    """Tell whether an object may stand for something before it.

    It is never the subject of its own clause: "What did Maduro say of him?" is of another.
    """
    fits = [j for j in range(i) if _fits(words, j, words[i].lower())]
    if not fits or frame is None or not frame.subject:
        return bool(fits)
    begin = len(frame.asks.split()) + 1
    inside = begin <= fits[0] and fits[-1] < begin + len(frame.subject.split())
    apart = {other.lower() for other in words[fits[-1] : i]} & (_CLAUSES | MODAL | {"to"})
    return not inside or bool(apart) or sum(j > fits[-1] for j in verbs) > 1


def _noun(words: Sequence[str], j: int, pronoun: str) -> bool:
    """Tell whether a word may be a noun of the pronoun's number."""
    word = words[j]
    if word.lower() in _ANYONE:
        return True
    closed = function_word(word) or word.lower() in DEGREES
    if closed or (j == 0 and word[0].isupper()) or (word.islower() and _does(word)):
        return False
    several = word.islower() and plural(word)
    return not several or pronoun in ("they", "them", "their")


def _fits(words: Sequence[str], j: int, pronoun: str) -> bool:
    """Tell whether a word may head what a pronoun behind it stands for."""
    word = words[j]
    if function_word(word) or word.lower() in DEGREES or base(word) in _LIGHT - {"people"}:
        return False
    if pronoun in ("he", "she", "him", "his", "her"):
        return word[0].isupper() or word[0] == "¤"
    if pronoun in ("they", "them", "their"):
        return j > 0 and plural(word) and not (_does(word) and not word[0].isupper())
    plain = not (_does(word) or word[0].isupper() or plural(word))
    return (j > 0 and plain) or word.isupper()


def _object_her(words: Sequence[str], i: int) -> bool:
    return words[i].lower() == "her" and (i + 1 == len(words) or function_word(words[i + 1]))


_ANYONE = listed("someone anyone everyone somebody anybody everybody each")
_SAME = {"his": listed("he"), "her": listed("she"), "its": listed("it"), "their": listed("they")}
_SAID = listed("estimated believed thought determined assumed claimed argued")
_CLAUSES = listed("that when while if because after before although though where who which and")


def _does(word: str) -> bool:
    return is_verb(word.lower()) and word.lower() not in AUXILIARY


def _expletive(words: Sequence[str], i: int) -> bool:
    """Tell whether an "it" stands for nothing: "is it true", "how long does it take to"."""
    if words[i].lower() != "it":
        return False
    lower = [word.lower() for word in words]
    before, after = lower[i - 1] if i else "", lower[i + 1 :]
    judged = bool(set(after[:2]) & (_EXPLETIVES | _SAID))
    takes = after[:1] in (["take"], ["takes"], ["took"]) and "to" in after
    plain = after[:1] in (["rain"], ["snow"], ["mean"], ["comes"]) or before in listed(
        "do makes make"
    )
    clause = bool(set(after) & {"that", "when", "if"})
    being = before in BE or after[:1] and after[0] in BE
    adjective = [word for word in after[:2] if word not in BE]
    to = bool(being and "to" in after and adjective and not is_participle(adjective[0]))
    return judged or takes or plain or clause or to


def _demonstrated(words: Sequence[str], i: int) -> bool:
    """Tell whether this or that stands before its noun: "this process"."""
    if i + 1 >= len(words):
        return False
    noun = words[i + 1].lower()
    plain = function_word(noun) or is_verb(noun) or noun in _EXPLETIVES
    return noun in ("one", "ones") or not plain


def _demonstrative(words: Sequence[str], i: int, history: Sequence[Answer]) -> str | None:
    """Return what "that", "this process" or "that one" stands for, if little else is said."""
    before = words[i - 1].lower() if i else ""
    if _names(words) or _content(words) > 1 + _demonstrated(words, i):
        return None
    if not _demonstrated(words, i):
        last = i + 1 == len(words) and before in PREPOSITIONS | BE
        judged = {word.lower() for word in words} & _EXPLETIVES
        if (before not in AUXILIARY and not last) or judged:
            return None
        return deed(history) or thing(history)
    noun = words[i + 1].lower()
    if noun in ("one", "ones"):
        return named(history[-1].text) or thing(history)
    done = deed(history)
    turn, frame = next(recent(history))
    if noun in turn.understood.lower().split():
        answer = named(turn.text)
        picked = frame.noun.lower().endswith(noun) and answer
        return answer if picked else None
    return f"the {noun} of {done}" if done and noun in _EVENTS else None


def _names(words: Sequence[str]) -> bool:
    return any(word[0].isupper() and word.lower() != "i" for word in words[1:])


def _content(words: Sequence[str]) -> int:
    """Return how many words say what a question is about."""
    kept = [
        word
        for i, word in enumerate(words)
        if not function_word(word) or (word.lower() == "us" and words[i - 1].lower() == "the")
    ]
    return sum(base(word) not in _LIGHT and word.lower() not in DEGREES for word in kept)
