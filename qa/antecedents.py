"""What "he", "it", "they" and "there" stand for, looked up in the turns before.

The order of preference follows centering (Grosz, Joshi & Weinstein 1995): what a question was about
stays the topic, its subject before its object; what it asked for, once answered, becomes one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from qa.answer import Answer
from qa.wording import (
    AUXILIARY,
    BE,
    DETERMINERS,
    HAVE,
    PREPOSITIONS,
    PRONOUNS,
    Frame,
    base,
    function_word,
    gerund,
    is_participle,
    is_verb,
    listed,
    noun_phrases,
    parse,
    past,
    words_of,
)

_TURNS = 3  # how far back people refer
_LONGEST = 7  # words of an answer that still names something
_NOT_A_PERSON = listed(
    """
    academy act agency airport alliance army assembly association authority avenue bank battle
    beach board bridge building bureau canal cartel castle cathedral center centre charter
    church city club college commission committee company confederation constitution corporation
    council country county court department district edict empire federation festival force
    forces foundation gallery government group hall highway hospital house institute island
    kingdom lake law league library massacre ministry movement mountain museum navy ocean office
    organisation organization palace panel parliament park party peninsula president's province
    reformation region republic revolution river road room school sea senate service society
    state states station street system team theatre times tower town treaty union university
    valley village war water
    """
)
_LINKS = listed(
    """
    de del della der di du el la le van von of the and al bin ibn y
    """
)
_PLACES = listed(
    """
    city country town place state county region village area island
    """
)
_PLURALS = listed("people men women children police")
_PERIODS = re.compile(
    r"(?i)\b(?:\d{3,4}|january|february|march|april|may|june|july|august|september|october"
    r"|november|december|century|year|day|month)\b"
)
_PERIOD_FIRST = re.compile(rf"(?i)\d|(?:the |early |late |mid-?)*{_PERIODS.pattern[4:]}")
_OFFICE = re.compile(
    r"(?i)^(?:the|its|their) (?:[\w-]+ )*[\w-]*(?:ent|er|or|ist|man|king|queen|pope)$"
)
_ROLE = re.compile(r"(?i)^the (?:[\w-]+ )*?([\w-]+) (?:of|in|for|at) (.+)$")


def recent(history: Sequence[Answer]) -> Iterator[tuple[Answer, Frame]]:
    """Yield the last turns with the parts of their questions, newest first."""
    for turn in reversed(history[-_TURNS:]):
        yield turn, parse(turn.understood) or Frame("", "", "", "", turn.understood)


def named(text: str | None) -> str | None:
    """Return an answer as a phrase to be put into a question, or None when it names nothing.

    Quotation marks, a leading preposition and what follows a comma go; "a cartel" was one among
    others when it was first mentioned and is "the cartel" afterwards.
    """
    if not text or re.search(r"[.!?][”\"']?$", text.strip()) and len(text.split()) > 3:
        return None
    words = text.strip(" \t\n\"'“”‘’,;:()").split()
    while len(words) > 1 and words[0].lower() in PREPOSITIONS:
        words = words[1:]
    if not words or len(words) > _LONGEST or re.fullmatch(r"[\W\d]+", "".join(words)):
        return None
    if {word.lower() for word in words} & (AUXILIARY | {"who", "that", "which"}):
        return None  # a whole clause
    if words[0].lower() in ("a", "an") and len(words) > 1:
        words[0] = "the"
    return " ".join(words)


def person_like(text: str) -> bool:
    """Tell whether a phrase looks like a person's name."""
    words = text.split()
    if not 0 < len(words) <= 6 or re.search(r"\d", text) or words[0].lower() in DETERMINERS:
        return False
    if any(word.lower().rstrip(",") in _NOT_A_PERSON for word in words):
        return False
    return all(word[0].isupper() or word.lower() in _LINKS for word in words)


def asks_for(frame: Frame, *kinds: str) -> bool:
    """Tell whether a question's asking phrase holds one of these words."""
    return any(word in kinds for word in frame.asks.lower().split())


def person(history: Sequence[Answer]) -> str | None:
    """Return whom "he" or "she" is."""
    for turn, frame in recent(history):
        answer = named(turn.text)
        if answer and asks_for(frame, "who", "whom", "whose"):
            name = _behind_office(answer)
            if name:
                return _name_in(name) or name
        elif answer and person_like(answer) and asks_for(frame, "which", "what"):
            known = _person_of(frame)
            return known or answer
        found = _person_of(frame)
        if found:
            return found
    return None


def _behind_office(answer: str) -> str | None:
    """Return the person of an answer: "Secretary of State Marco Rubio" → "Marco Rubio"."""
    words = answer.split()
    bodies = [i for i, word in enumerate(words) if word.lower() in _NOT_A_PERSON]
    if not bodies:
        return answer
    behind = words[bodies[-1] + 1 :]
    name = len(behind) > 1 and all(word[0].isupper() for word in behind)
    return " ".join(behind) if name else None


def _name_in(text: str) -> str | None:
    """Return the name at the end of a phrase: "his friend Jean Calvin" → "Jean Calvin"."""
    found = re.search(
        r"(?:[A-Z][\w.’'-]*\s+(?:(?:de|von|van|of|the|el|la)\s+)*)*[A-Z][\w.’'-]*$", text
    )
    return found.group() if found else None


def _person_of(frame: Frame) -> str | None:
    """Return the likeliest person that a question names."""
    for part in (frame.subject, frame.rest, frame.noun):
        words = part.split()
        for begin, end in noun_phrases(part):
            if begin and words[begin - 1].lower() in ("in", "at", "from", "to", "near", "into"):
                continue
            phrase = " ".join(words[begin:end])
            owner = re.match(r"(.+?)['’]s\b", phrase)
            if person_like(owner.group(1) if owner else phrase):
                return owner.group(1) if owner else phrase
    if asks_for(frame, "who") and frame.auxiliary in BE and _ROLE.match(frame.subject):
        return frame.subject
    if _OFFICE.match(frame.subject) and not set(frame.subject.lower().split()) & _NOT_A_PERSON:
        return frame.subject
    bare = frame.subject.split()
    if 0 < len(bare) <= 2 and frame.subject.islower() and not any(map(function_word, bare)):
        return frame.subject  # a name typed in small letters
    return None


def thing(history: Sequence[Answer]) -> str | None:
    """Return what "it" is."""
    for turn, frame in recent(history):
        found = _thing(named(turn.text), frame)
        if found:
            return found
    return None


def _thing(answer: str | None, frame: Frame) -> str | None:
    if answer and (plural(answer) or _PERIOD_FIRST.match(answer)):
        answer = None
    topic = re.sub(r"^the (?:name|title) of ", "", frame.subject) or first_object(frame)
    if asks_for(frame, "what", "which"):
        copula = frame.auxiliary in BE and not frame.verb
        asked = not frame.subject or person_like(frame.subject) or (copula and _entity(answer))
        if asked and answer:
            return answer
        if person_like(frame.subject):
            topic = first_object(frame)
    elif asks_for(frame, "who") and frame.auxiliary in BE and not frame.verb:
        role = _ROLE.match(frame.subject)
        topic = role.group(2) if role else ""
    elif person_like(frame.subject) and first_object(frame):
        topic = first_object(frame)
    return topic if topic and topic.lower() not in PRONOUNS else answer


def _entity(answer: str | None) -> bool:
    return bool(answer) and (str(answer)[0].isupper() or str(answer).split()[0] == "the")


def first_object(frame: Frame) -> str:
    """Return the first thing named behind the verb, with what hangs on it by "of" or "in"."""
    words = frame.rest.split()
    for begin, end in noun_phrases(frame.rest):
        if _PERIODS.search(" ".join(words[begin:end])):
            continue
        while end < len(words) - 1 and words[end].lower() == "of":
            end = next((e for b, e in noun_phrases(frame.rest) if b == end + 1), len(words))
        return " ".join(words[begin:end])
    return ""


def group(history: Sequence[Answer]) -> str | None:
    """Return who or what "they" are; a person or an organisation may be meant too."""
    for turn, frame in recent(history):
        answer = named(turn.text)
        asked = asks_for(frame, "who", "whom", "what", "which", "whose")
        if plural(frame.subject):
            return frame.subject
        if answer and asked and plural(answer):
            return answer
        counted = _counted(frame)
        if counted and frame.noun != "people":
            return counted
        if plural(first_object(frame)):
            return first_object(frame)
        others = [phrase for phrase in _phrases(frame.rest) if plural(phrase)]
        if others:
            return others[0]
        found = counted or (answer if asked else None) or _body(frame.subject)
        if found and found.lower() not in PRONOUNS:
            return found
    return None


def _body(subject: str) -> str:
    """Return a subject that is called "they" though singular: a name, or a body of people."""
    words = subject.split()
    several = bool(words) and (words[-1][0].isupper() or words[-1].lower() in _NOT_A_PERSON)
    return subject if several else ""


def _phrases(text: str) -> list[str]:
    words = text.split()
    return [" ".join(words[begin:end]) for begin, end in noun_phrases(text)]


def plural(phrase: str) -> bool:
    """Tell whether a phrase is likely plural by its head: the last word before a preposition."""
    words = phrase.split()
    head = next(
        (i for i, word in enumerate(words) if i and word.lower() in PREPOSITIONS), len(words)
    )
    if not words or re.search(r"['’]s$", words[head - 1]):
        return False
    last = words[head - 1].lower()
    joined = " and " in f" {' '.join(words[:head])} "
    return (
        joined
        or last in ("people", "men", "women", "children")
        or bool(re.search(r"[^su'’i]s$", last))
    )


def _counted(frame: Frame) -> str | None:
    """Return what a question counts or picks from, with what it says of it.

    "How many sermons did Luther preach in Lent?" → "the sermons that Luther preached in Lent".
    """
    noun = frame.noun
    if not plural(noun) or not asks_for(frame, "many", "which", "what"):
        return None
    if not frame.subject and not frame.auxiliary:
        return f"the {noun} that {frame.verb} {frame.rest}".strip()
    if not frame.subject:
        said = frame.auxiliary in BE and (not frame.verb or is_participle(frame.verb))
        return " ".join(["the", noun, frame.verb, frame.rest] if said else ["the", noun]).strip()
    verb = past(frame.verb) if frame.auxiliary.lower() == "did" else frame.verb
    kept = frame.auxiliary if frame.auxiliary.lower() not in ("do", "does", "did") else ""
    return " ".join(
        part for part in ("the", noun, "that", frame.subject, kept, verb, frame.rest) if part
    )


def place(history: Sequence[Answer]) -> str | None:
    """Return where "there" is."""
    for turn, frame in recent(history):
        answer = named(turn.text)
        if answer and (asks_for(frame, "where") or set(frame.noun.lower().split()) & _PLACES):
            return answer
        words = words_of(turn.understood)
        for begin, end in noun_phrases(turn.understood):
            phrase = " ".join(words[begin:end])
            where = begin and words[begin - 1].lower() in ("in", "at", "near", "inside", "on")
            if where and not _PERIODS.search(phrase):
                return phrase
        if frame.subject and frame.subject[0].isupper() and not person_like(frame.subject):
            return frame.subject
        names = [p for p in _phrases(frame.subject) + _phrases(frame.rest) if p[:1].isupper()]
        if names and not asks_for(frame, "who"):
            return names[-1]
    return None


def deed(history: Sequence[Answer]) -> str | None:
    """Return what was done in the last turn: "Who issued the edict?" → "issuing the edict"."""
    for _, frame in recent(history[-1:]):
        verb = frame.verb.lower()
        passive = frame.auxiliary in BE | HAVE
        if not verb or passive or verb in AUXILIARY or not (is_verb(verb) or frame.subject):
            return None
        return f"{gerund(base(verb))} {frame.rest}".strip()
    return None


FINDERS: dict[str, Callable[[Sequence[Answer]], str | None]] = {
    **dict.fromkeys(("he", "him", "his", "she", "her"), person),
    **dict.fromkeys(("it", "its"), thing),
    **dict.fromkeys(("they", "them", "their"), group),
    "there": place,
}
