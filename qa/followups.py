"""Follow-up questions, spelled out from the conversation so far.

Three rules, tried in this order; each gives None when it does not apply or is not sure:

* a bare "and when?" asks the previous question again with another phrase that asks,
* a fragment, "what about X?" or "and in 1950?", asks it again with a part swapped,
* words that stand for something before ("he", "it", "there", "that") are replaced by it.

A question that stands on its own is returned as it is: a wrong guess costs more than a missing one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from qa.answer import Answer
from qa.antecedents import (
    FINDERS,
    asks_for,
    first_object,
    named,
    person_like,
    plural,
    recent,
)
from qa.pronouns import resolve
from qa.swaps import swap
from qa.wording import (
    AUXILIARY,
    BE,
    DEGREES,
    DETERMINERS,
    HAVE,
    PREPOSITIONS,
    QUESTION_WORDS,
    Frame,
    base,
    function_word,
    is_participle,
    is_verb,
    listed,
    parse,
    words_of,
)

_LEAD = re.compile(
    r"(?i)^(?:(?:and|but|so|or|ok|okay|also|then|well|thanks|thank you|great|good|right|hm+|oh|ah"
    r"|yes|no|i see)\b[\s,.!:;-]*)+"
)
_OPENS = re.compile(r"(?i)\b(?:and|but|so|or|then)[\s,.!:;-]*$")
_ABOUT = re.compile(r"(?i)^(?:what|how) about\s+(.+)$")
_JOINS = re.compile(r"(?i)\b(?:and|but|or)[\s,]*$")
# "when did that happen", "why did he do that", "where was that": the event of the turn before.
_EVENT = re.compile(
    r"(?i)^(.+?) (?:(?:did|does|do|has|have|will|would|is|was) (?:that|this|it|he|she|they)"
    r" (?:happen(?:ed|ing)?|occur(?:red)?|take place|(?:do|done|doing|say|said)"
    r" (?:that|this|it|so))"
    r"|(?:is|was|were) (?:that|this)(?: so)?)$"
)
_PERIODS = listed("year years month day date century decade time season age")
_WHERES = listed("city country town place state county region room building street")
_LOOSE = listed("exactly precisely though again there so then")
_LONGEST_FRAGMENT = 8  # words


def understand(question: str, history: Sequence[Answer]) -> str:
    """Return the question as it is searched and read.

    Args:
        question: The question as asked, in normal form.
        history: Earlier answers, oldest first; of the last few, what was understood and the
            answer's text are looked at.

    Returns:
        The question spelled out; one that stands on its own as it is, less an "And" before it.
    """
    lead = _LEAD.match(question)
    body = question[lead.end() :] if lead else question
    if not words_of(body):
        return question
    # With its lead no later turn could take it apart.
    opened = lead and _OPENS.search(lead.group()) and parse(body)
    alone = body[0].upper() + body[1:] if opened else question
    if not history:
        return alone
    joined = bool(lead and _JOINS.search(lead.group().rstrip(" ,.!:;-")))
    spelled = _bare(body, history) or _fragment(body, joined, history)
    spelled = spelled or resolve(body, history) or _hung(body, history)
    if spelled is None:
        return alone
    spelled = re.sub(r"(?<!\b[A-Za-z])[?!. ]+$|[?! ]+$", "", " ".join(spelled.split())) + "?"
    return spelled[0].upper() + spelled[1:]


# Ellipsis --------------------------------------------------------------------------------------


def _bare(text: str, history: Sequence[Answer]) -> str | None:
    """Spell out a question that is nothing but a phrase that asks: "when?", "in which year?"."""
    event = _EVENT.match(" ".join(words_of(text)))
    words = words_of(event.group(1) if event else text)
    if not _only_asks(words):
        return None
    words = [word for word in words if word.lower() not in ("there", "so", "then")]
    turn, frame = next(recent(history))
    asks, hung = " ".join(words), ""
    if len(words) == 2 and words[1].lower() in PREPOSITIONS | {"as"}:  # "who with?"
        asks, hung = words[0], words[1]
    if [word.lower() for word in words] == ["how", "many"]:
        noun = _countable(turn, frame)
        if noun is None:
            return None
        asks, words = f"how many {noun}", ["how", "many", noun]
        if not frame.asks:
            return f"{asks} {frame.auxiliary.lower()} {frame.verb} {frame.rest}"
    if _same_role(words, frame):
        rest = turn.understood[len(frame.asks) :] if frame.asks else ""
        return f"{asks} {rest}" if rest else None
    if _noun_after(words) in words_of(turn.understood.lower()):
        return None  # "what cartel?" wants the cartel described
    if words[0].lower() in ("who", "whom", "whose") and not hung:
        passive = frame.auxiliary in BE and frame.subject and frame.verb
        if not passive:
            return None
        asks = "By whom"
    return _asked_again(asks, frame, turn.text, hung)


def _countable(turn: Answer, frame: Frame) -> str | None:
    """Return what a bare "how many?" counts."""
    for noun in (frame.noun, named(turn.text) or "", "" if frame.asks else frame.subject):
        if plural(noun):
            words = noun.split()
            return " ".join(words[1:] if words[0].lower() in DETERMINERS else words)
    return None


def _only_asks(words: Sequence[str]) -> bool:
    lower = [word.lower() for word in words]
    if lower and lower[0] in PREPOSITIONS | {"as"}:
        lower = lower[1:]
    if not lower or lower[0] not in QUESTION_WORDS or lower in (["what"], ["which"]):
        return bool(len(words) > 1 and lower == ["what"])
    rest = [word for word in lower[1:] if word not in _LOOSE]
    if not rest:
        return True
    if lower[0] == "how" and rest[0] in DEGREES:
        nouns = rest[1:] if rest[0] in ("many", "much") else []
        return len(rest) == 1 or _noun_only(nouns)
    if lower[0] in ("which", "what", "whose"):
        return (_noun_only(rest) and len(rest) == 1) or (len(rest) == 1 and rest[0] in PREPOSITIONS)
    return len(rest) == 1 and (rest[0] in PREPOSITIONS or rest[0] in ("as", "else"))


def _noun_after(words: Sequence[str]) -> str:
    """Return the noun of a phrase that asks, empty when it has none."""
    last = words[-1].lower()
    return "" if function_word(last) or last in DEGREES else last


def _noun_only(words: Sequence[str]) -> bool:
    plain = not any(function_word(word) or is_verb(word) for word in words)
    return 0 < len(words) <= 2 and plain


def _same_role(words: Sequence[str], frame: Frame) -> bool:
    """Tell whether the phrase takes the place of the one that asked before.

    "How many households?" after "How many people lived there?" does; "when?" does not.
    """
    new, old = words[0].lower(), frame.asks.lower().split()[:1]
    noun = words[-1].lower() if len(words) > 1 else ""
    if noun in _PERIODS or noun in _WHERES or words[0].lower() in PREPOSITIONS:
        return [new] == old and "when" not in old
    if new in ("which", "what", "how") and len(words) > 1 and noun not in PREPOSITIONS:
        return bool(old) and (
            old[0] == new or (new == "how" and old[0] in ("which", "what", "who"))
        )
    return [new] == old and len(words) > 1 and noun == "else"


def _asked_again(asks: str, frame: Frame, answer: str | None, hung: str = "") -> str | None:
    """Return the question of a frame with `asks` before it, its own asking phrase answered."""
    known = named(answer)
    if not (frame.subject or frame.verb):
        return None
    if frame.subject:
        parts = [asks, frame.auxiliary.lower(), frame.subject, frame.verb, frame.rest, hung]
        if frame.auxiliary in BE and not frame.verb and known and asks_for(frame, "who"):
            parts[2:4] = [known, frame.subject]
        elif frame.verb.lower() in ("say", "do", "claim") and asks_for(frame, "what"):
            parts[3] += " that"
        return " ".join(part for part in parts if part)
    counted = asks_for(frame, "many", "much")
    doer = frame.noun if counted else known
    doer = doer or (f"the {frame.noun}" if frame.noun else "they")
    if frame.auxiliary:
        return f"{asks} {frame.auxiliary} {doer} {frame.verb} {frame.rest} {hung}"
    verb = base(frame.verb)
    helper = "did"
    if frame.verb.lower() == verb and not frame.verb.endswith("ed"):
        helper = "do" if counted else "did"
    elif frame.verb.endswith("s"):
        helper = "does"
    return f"{asks} {helper} {doer} {verb} {frame.rest} {hung}"


# Fragments -------------------------------------------------------------------------------------


def _fragment(text: str, joined: bool, history: Sequence[Answer]) -> str | None:
    """Spell out "what about X?", "and X?" and "in 1950?"."""
    words = words_of(text)
    about = _ABOUT.match(" ".join(words))
    piece = about.group(1) if about else " ".join(words)
    parts = piece.split()
    prepositional = parts[0].lower() in PREPOSITIONS
    if not (about or joined or prepositional) or len(parts) > _LONGEST_FRAGMENT:
        return None
    lower = {part.lower() for part in parts}
    asking = lower & (AUXILIARY | QUESTION_WORDS)
    predicate = any(is_verb(part) and not is_participle(part) for part in parts[1:])
    if asking or (predicate and not about) or all(map(function_word, parts)):
        return None
    if len(parts) == 1 and parts[0].lower() in FINDERS:
        found = FINDERS[parts[0].lower()](history)
        return f"What about {found}" if found else None
    return swap(history[-1].understood, piece)


# Nothing said but what was done ----------------------------------------------------------------


def _hung(text: str, history: Sequence[Answer]) -> str | None:
    """Hang "who was killed?" on what the turn before was about."""
    frame = parse(text)
    if frame is None or frame.subject or frame.rest or not frame.verb:
        return None
    counted = frame.noun in ("", "people") or frame.verb == "used"
    if frame.auxiliary not in BE | HAVE or not is_participle(frame.verb) or not counted:
        return None
    _, before = next(recent(history))
    topic = before.subject or first_object(before)
    if not topic or person_like(topic):
        return None
    return f"{text.rstrip('?!. ')} in {topic}"
