"""After a refusal: a question near the one asked that the documents do answer.

Candidates are the question itself without the names that the nearest passage never mentions ("Who
designated the Sinaloa cartel?" → "Who designated the cartel?"), and questions that the rules of
`qa.suggest` make of the nearest passages' sentences. One is offered only after it was asked, and
answered from where it came.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from qa.candidates import same, stems
from qa.suggest import propose

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from index.filters import Filter
    from qa.answer import Answer, Citation
    from qa.assistant import Assistant

    Filters = Filter | Mapping[str, Any] | None

TRIES = 3
_WORD = re.compile(r"\w+")
# Names or numbers that only narrow the noun after them: "the Sinaloa cartel", "a 1999 treaty".
_NARROWED = re.compile(
    r"\b(?P<before>(?i:the|an?|this|that|these|those|which|what|how many))"
    r"(?P<names>(?: (?:[A-Z][\w’'.-]*|\d+))+)(?= [a-z])",
)
# A line's label or a passage of speech makes a question that nobody would think of asking.
_ODD = frozenset({"label", "speech"})


def instead(assistant: Assistant, answer: Answer, filters: Filters, seconds: float) -> str | None:
    """Return a question that was asked and answered, or None.

    Args:
        assistant: Who is asked.
        answer: A refusal.
        filters: As the refused question was asked.
        seconds: No question is asked that would, as slow as the refused one, end after this time.
    """
    due = time.monotonic() + seconds
    tried = {_plain(answer.question), _plain(answer.understood)}
    tries = 0
    for question, expected in _candidates(assistant, answer):
        if _plain(question) in tried:
            continue
        if tries == TRIES or time.monotonic() + answer.seconds.get("total", 0.0) > due:
            break
        tried.add(_plain(question))
        tries += 1
        given = assistant.ask(question, filters=filters)
        if given.text is not None and (expected is None or same(given.text, expected)):
            return question
    return None


def _plain(question: str) -> str:
    return " ".join(question.casefold().split())


def _candidates(assistant: Assistant, answer: Answer) -> Iterator[tuple[str, str | None]]:
    """Yield questions, likeliest first, each with the answer that it must get (None: any)."""
    nearest = answer.refusal.nearest if answer.refusal else ()
    if not nearest:
        return
    broader = without_missing(answer.understood, _passage(assistant, nearest[0])[0])
    if broader is not None:
        yield broader, None
    asked = stems(answer.understood)
    first_word = _plain(answer.understood).partition(" ")[0]
    found: list[tuple[float, str, str]] = []
    for cited in nearest:
        text, start = _passage(assistant, cited)
        document = replace(
            assistant.library.document(cited.document), text=text, pages=(), headings=()
        )
        for proposal in propose(document):
            if proposal.kind in _ODD:
                continue
            here = (start + proposal.start, start + proposal.end)
            own = here[0] < cited.end and cited.start < here[1]
            words = stems(proposal.question)
            shared = len(words & asked) / max(1, len(words))
            if shared or own:
                alike = proposal.question.lower().startswith(f"{first_word} ")
                found.append((-shared - own - 0.5 * alike, proposal.question, proposal.answer))
    for _, question, expected in sorted(found):
        yield question, expected


def _passage(assistant: Assistant, cited: Citation) -> tuple[str, int]:
    """Return the whole sentences of a citation's passage, and where they start."""
    from index.chunks import sentence_around

    text = assistant.library.document(cited.document).text
    start, end = sentence_around(text, cited.passage_start, cited.passage_end)
    return text[start:end], start


def without_missing(question: str, text: str) -> str | None:
    """Return the question without narrowing names that a text never mentions; None without any."""
    words = {word.casefold() for word in _WORD.findall(text)}

    def drop(match: re.Match[str]) -> str:
        named = {word.casefold() for word in _WORD.findall(match["names"])}
        return match["before"] if not named & words else match[0]

    broader = _NARROWED.sub(drop, question)
    return broader if broader != question else None
