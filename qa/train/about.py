"""Questions about the document itself: who wrote it, when, where it is from, what it is about.

Readers of reports ask them often, and the reading data, whose passages are without their bylines
and headings, hardly has any. Lines of credit are put to its passages, and what a passage is about
is taken from where it says what its subject is, or from an answer that it names again and again.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Sequence

from qa.train.data import Example

SHARE = 0.5
"""Copies of each an epoch."""
CREDITED = 12
"""Every how many passages one has a line of credit."""
_SOURCE = "about"
# Characters in which a passage about a person says when that one lived.
_HEAD = 160

_FIRST = """Anna Maria Olga Leila Fatima Chen Yuki Priya Sofia Ingrid Amara Rosa Nadia Helen Claire
    Thomas Pablo Igor Ahmed David Kofi Hiroshi Rajesh Luca Sven Peter Omar Andrei Jean Michael"""
_LAST = """Novak Silva Tanaka Okafor Haddad Berg Moreau Rossi Kowalski Petrov Nguyen Sharma
    Keller Murphy Costa Demir Ortega Fischer Santos Walker Ito Mensah Ivanova Dubois Park Cohen
    Lindqvist Jansen Brooks Quinn"""
_CITIES = """London Nairobi Lagos Madrid Lima Oslo Ankara Delhi Boston Denver Chicago Sydney Geneva
    Warsaw Cairo Tokyo Manila Toronto Lisbon Vienna"""
_PAPERS = "Herald Times Post Tribune Courier Gazette Observer Chronicle Monitor Globe"
_KNOWN = """Reuters; Associated Press; AFP; Bloomberg; Xinhua; BBC News; Kyodo News; EFE; ANSA; DPA;
    Financial Times; El País; Der Spiegel; Al Jazeera; The Hindu; Nikkei"""
_MONTHS = """January February March April May June July August September October November
    December"""

# What a line says, by the role of each of its parts.
_LINES = (
    "By {author}",
    "By {author}, {source}",
    "by {author}",
    "Written by {author}",
    "Author: {author}",
    "{author} for {source}",
    "By {author} | {date}",
    "Source: {source}",
    "Credit: {source}",
    "Credits: {source}",
    "From: {source}",
    "Courtesy of {source}",
    "Taken from: {source}",
    "{source}, {date}",
    "{place} ({source}) —",
    "Reported by {source}, {date}",
    "Published: {date}",
    "Published on {date}",
    "Last updated {date}",
    "{place}, {date}",
    "{place} –",
)
_THIS = (
    "this",
    "this article",
    "the article",
    "this text",
    "the report",
    "this story",
    "the piece",
)
_ASKED = {
    "author": (
        "Who wrote {}?",
        "Who is the author of {}?",
        "By whom was {} written?",
        "who is {} by",
        "Whose name is on {}?",
    ),
    "source": (
        "Where is {} from?",
        "What is the source of {}?",
        "Who published {}?",
        "Which agency is {} from?",
        "To whom is {} credited?",
        "who gets the credit for {}",
    ),
    "date": (
        "When was {} published?",
        "What is the date of {}?",
        "when was {} written",
    ),
    "place": ("Where was {} reported from?", "Where was {} written?"),
}
_ASKED_TOPIC = (
    "Which {kind} is {this} about?",
    "What {kind} is {this} about?",
    "which {kind} is being discussed",
    "What is the name of the {kind} that {this} is about?",
    "Name the {kind} in question.",
)

_LEAD = re.compile(
    r"^(?:The\s)?((?:[A-Z][\w’'.-]*\s?(?:(?:of|de|the|and)\s(?=[A-Z]))?){1,5})"
    r"(?:\s?\([^)]*\))?(?:,[^,.]{1,60},)?\s?(?:is|was|are|were)\s(?:an?|the|one\sof\sthe)\s"
    r"(?:[\w’'-]+\s){0,4}?([a-z]{3,})(?=[,.;]|\s(?:of|in|from|that|which|who|by|located|and|for|"
    r"on|at|with|based|used|born)\b)"
)
_ASKS_KIND = re.compile(r"(?i)^(?:which|what)\s([a-z]{4,})\s(?:is|was|did|does|ha[sd]|[a-z]+ed)\b")
_VAGUE = """kind type name other year date month part term word thing time percentage number group
    series form member result example title first second third fourth last most common amount
    percent century decade language color"""
_NOT_NAMES = """it he she they this that there these those here what why who when where how in i we
    you one many some most"""
_PERSON = re.compile(r"\([^)]*(?:\bborn\b|\w+\s\d{1,4}\s?[–-]\s?\w+\s\w+\s\d{4})")


def added(pairs: Sequence[tuple[Example, float]]) -> list[tuple[Example, float]]:
    """Return examples with their weights, and with them questions about their passages."""
    examples = [example for example, _ in pairs]
    made = credited(examples) + topics(examples)
    return [*pairs, *((example, SHARE) for example in made)]


def credited(examples: Sequence[Example], seed: int = 0) -> list[Example]:
    """Return questions about lines of credit, put before or after every `CREDITED`th passage.

    A third of them ask for what the line does not say, or stand on the passage without a line.
    """
    rng = random.Random(seed)
    made = []
    for context in list(dict.fromkeys(example.context for example in examples))[::CREDITED]:
        parts = _parts(rng)
        line = rng.choice(_LINES)
        roles = [role for role in _ASKED if f"{{{role}}}" in line]
        asked = rng.choice(roles)
        kind = rng.random()
        if kind < 0.2:
            asked = rng.choice(list(_ASKED))
            line, roles = "", []
        elif kind < 0.33 and "date" in roles and len(roles) == 1:
            asked, roles = rng.choice(("author", "source")), []
        text, at = context, 0
        if line:
            written = line.format(**parts)
            first = rng.random() < 0.75
            text = f"{written}\n{context}" if first else f"{context}\n{written}"
            before = line.split(f"{{{asked}}}")[0].format(**parts)
            at = len(before) + (0 if first else len(context) + 1)
        question = rng.choice(_ASKED[asked]).format(rng.choice(_THIS))
        answers = ((at, at + len(parts[asked])),) if asked in roles else ()
        made.append(Example(question, text, answers, True, _SOURCE, ""))
    return made


def _parts(rng: random.Random) -> dict[str, str]:
    city, paper = rng.choice(_CITIES.split()), rng.choice(_PAPERS.split())
    initials = "".join(rng.choice("ABCDEFGIKLMNPRST") for _ in range(rng.randint(2, 4)))
    known = rng.choice([one.strip() for one in _KNOWN.split(";")])
    month, day, year = rng.choice(_MONTHS.split()), rng.randint(1, 28), rng.randint(1985, 2026)
    return {
        "author": f"{rng.choice(_FIRST.split())} {rng.choice(_LAST.split())}",
        "source": rng.choice((known, known, f"The {city} {paper}", f"{city} {paper}", initials)),
        "date": rng.choice((f"{month} {day}, {year}", f"{day} {month} {year}", f"{month} {day}")),
        "place": rng.choice((city, city.upper())),
    }


def topics(examples: Sequence[Example], seed: int = 0) -> list[Example]:
    """Return what the examples' passages are about, one question for each that it is known of.

    Asked of are the kinds that people ask of in the examples ("which city"). For every third
    passage the same is asked of one that does not speak of such a thing.
    """
    rng = random.Random(seed)
    asked = (_ASKS_KIND.match(example.question) for example in examples)
    counted = Counter(found[1].lower() for found in asked if found)
    kinds = {kind for kind, count in counted.items() if count > 1} - set(_VAGUE.split())
    known: dict[str, tuple[str, str]] = {}
    for example in examples:
        told = _lead(example.context) or _repeated(example)
        if told is not None and told[0] in kinds:
            known.setdefault(example.context, told)
    contexts = list(known)
    made = []
    for number, (context, (kind, name)) in enumerate(known.items()):
        this = rng.choice(_THIS)
        question = rng.choice(_ASKED_TOPIC).format(kind=kind, this=this)
        person = bool(_PERSON.search(context[:_HEAD]))
        if person and rng.random() < 0.5:
            question = f"Who is {this} about?"
        places = re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", context)
        answers = tuple(place.span() for place in places)
        assert answers, f"{name!r} was taken from the passage"
        made.append(Example(question, context, answers, True, _SOURCE, ""))
        if number % 3 == 0:
            other = rng.choice(contexts)
            if kind[:-1] not in other.lower() and not (person and _PERSON.search(other[:_HEAD])):
                made.append(Example(question, other, (), True, _SOURCE, ""))
    return made


def _lead(context: str) -> tuple[str, str] | None:
    """Return kind and name of what the passage says in its first words that it is about."""
    found = _LEAD.match(context)
    if found is None:
        return None
    name = found[1].strip()
    return (found[2], name) if len(name) > 2 and name.lower() not in _NOT_NAMES.split() else None


def _repeated(example: Example) -> tuple[str, str] | None:
    """Return kind and name of an answer that the passage names three times or more."""
    asked = _ASKS_KIND.match(example.question)
    if asked is None or not example.answers:
        return None
    start, end = example.answers[0]
    name = re.sub(r"^(?:the|a|an)\s", "", example.context[start:end], flags=re.IGNORECASE)
    often = len(re.findall(rf"(?<!\w){re.escape(name)}(?!\w)", example.context))
    return (asked[1].lower(), name) if name[:1].isupper() and often > 2 else None
