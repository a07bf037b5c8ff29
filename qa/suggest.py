"""Question/answer pairs proposed from the documents, for a person to accept: no language model.

A sentence of a plain shape says what it can be asked: "The lighthouse was designed by David
Stevenson." answers "Who was the lighthouse designed by?". `propose` finds such sentences, labelled
lines ("Opens: 7:30"), abbreviations and headings that are questions; `suggest` asks each proposal
and says what came back; `to_yaml` writes a golden set in which the confirmed ones count and the
others stand as remarks, to be mended or dropped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import TYPE_CHECKING, Literal

import yaml

from index.errors import QuestionError
from qa.candidates import same
from qa.evaluate import exact_match
from qa.goldenset import Pair

if TYPE_CHECKING:
    from index.documents import Document
    from qa.answer import Answer
    from qa.assistant import Assistant

Verdict = Literal["confirmed", "elsewhere", "otherwise", "refused"]
_WORDS: dict[Verdict, str] = {
    "confirmed": "answered so, from this sentence",
    "elsewhere": "answered so, from another place",
    "otherwise": "answered otherwise",
    "refused": "refused",
}


@dataclass(frozen=True, slots=True)
class Proposal:
    """A question that a place of a document answers.

    Attributes:
        question: The question.
        answer: Words of the document.
        document: Its name.
        start: First character of the sentence or line that answers.
        end: One past its last character.
        kind: The rule that found it.
    """

    question: str
    answer: str
    document: str
    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A proposal, and what came back when it was asked."""

    proposal: Proposal
    verdict: Verdict
    got: str | None
    confidence: float

    @property
    def pair(self) -> Pair:
        """Return the pair as it would stand in a golden set.

        A confirmed answer that is worded a little longer or shorter is acceptable too.
        """
        p = self.proposal
        answers: tuple[str, ...] = (p.answer,)
        if self.verdict == "confirmed" and self.got and not exact_match(self.got, answers):
            answers += (" ".join(self.got.split()),)
        return Pair(p.question, answers, document=p.document)


# Rules -----------------------------------------------------------------------------------------

# Words that begin sentences and are no names.
_NO_NAME = (
    r"(?!(?:The|An?|It|He|She|They|We|I|You|This|That|These|Those|There|His|Her|Its|Their|Our|My|"
    r"When|While|After|Before|As|Since|Although|Though|If|In|On|At|By|For|From|With|Of|To|Both|"
    r"Each|Some|Many|Most|One|And|But|Or|So|Then|Also|Here|Not|\w+ing)\b)"
)
_CAPITAL = r"[A-Z][\w’'&-]*(?:\.[A-Z]\b\.?)*"
_NAME = rf"{_NO_NAME}{_CAPITAL}(?: (?:(?:of|the|de|la|los|del|van|von|for) )*{_CAPITAL})*"
_THING = (
    rf"(?:(?:[Tt]he|[Aa]n?|[Ee]very|[Ee]ach) [\w’'-]+"
    rf"(?: (?!(?:was|were|is|are|has|have|had)\b)[\w’'-]+){{0,4}}|{_NAME})"
)
_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
)
_DATE = rf"(?:(?:\d{{1,2}} )?{_MONTH}(?: \d{{1,2}})?(?:,? \d{{4}})?|1\d{{3}}|20\d{{2}})"
_DONE = (
    r"(?:(?:first|\w+ly) )?(?:\w+ed|built|made|written|led|held|begun|drawn|given|taken|sold|"
    r"bought|won|lost|lit|set|shot|sung|known|thrown|sent|spoken|chosen|driven)"
)
_SAID = r"(?:said|stated|indicated|added|told|wrote|explained|warned|noted|announced|declared)"
_MORE = r"(?P<more>(?: (?!by\b|in\b|on\b)[\w’'-]+){0,4}?)"
_END = r"(?=[.,;:]|$| and | but | which | that )"
_BASE = {
    "opens": "open", "closes": "close", "starts": "start", "begins": "begin", "ends": "end",
    "has": "have", "contains": "contain", "includes": "include", "employs": "employ",
    "covers": "cover", "have": "have", "contain": "contain", "include": "include",
}  # fmt: skip
_PERSON = re.compile(
    r"\b\w*(?:er|or|ist|ian|king|queen|chief|president|woman|man)\b", re.IGNORECASE
)
_VAGUE = re.compile(
    r"\b(?:it|its|he|his|him|she|her|they|their|them|this|that|these|those|there|which|we|our|us|"
    r"i|my|you|your|also|then|other|others|however|respectively|following)\b",
    re.IGNORECASE,
)
# Where the rest of a clause begins to lean on what was said before it.
_LEANING = re.compile(r" (?:that|which|who|where|when|while|because|\w+ (?:this|these|those|it))\b")
_DANGLING = re.compile(r" (?:[A-Z]|to|of|in|on|at|by|for|with|from|and|or|as|the|an?|than)$")

Made = tuple[str, str]
Rule = tuple[str, re.Pattern[str], Callable[[re.Match[str]], Made]]


def _by(m: re.Match[str]) -> Made:
    return f"Who {m['aux']} {_inside(m['thing'])} {m['done']}{m['more']} by?", m["answer"]


def _when(m: re.Match[str]) -> Made:
    return f"When {m['aux']} {_inside(m['thing'])} {m['done']}{m['more']}?", m["answer"]


def _hour(m: re.Match[str]) -> Made:
    return f"When does {_inside(m['thing'])} {_BASE[m['does']]}?", m["answer"]


def _where(m: re.Match[str]) -> Made:
    return f"Where {m['aux']} {_inside(m['thing'])} {m['done']}?", m["answer"]


def _count(m: re.Match[str]) -> Made:
    return f"How many {m['noun']} {_alone(m['rest'])}?", m["answer"]


def _amount(m: re.Match[str]) -> Made:
    word = "does" if m["has"].endswith("s") else "do"
    return f"How many {m['noun']} {word} {_inside(m['thing'])} {_BASE[m['has']]}?", m["answer"]


def _define(m: re.Match[str]) -> Made:
    word = "Who" if _PERSON.search(m["answer"].split(" of ")[0]) else "What"
    # "What was the result?" could be asked of any document.
    plain = m["thing"].lower().startswith("the ") and m["thing"].count(" ") == 1
    question = "" if plain else f"{word} {m['aux']} {_inside(m['thing'])}?"
    return question, _alone(m["answer"])


def _role(m: re.Match[str]) -> Made:
    return f"Who is the {m['role']}?", m["answer"]


def _did(m: re.Match[str]) -> Made:
    rest = _alone(m["rest"])
    return f"Who {m['did']} {rest}?" if len(rest) >= 8 else "", m["answer"]


def _speech(m: re.Match[str]) -> Made:
    return f"Who said “{m['quote']}”?", m["answer"]


def _rule(kind: str, pattern: str, make: Callable[[re.Match[str]], Made]) -> Rule:
    return kind, re.compile(pattern), make


_START = r"^(?:(?:In|On|At|After|Since|During|With)\b[^,]{3,60}, )?"
_PASSIVE = rf"{_START}(?P<thing>{_THING}) (?P<aux>was|were|is|are) "
_NUMBER = r"(?P<answer>\d[\d,.]*\d|\d)"
_RULES: tuple[Rule, ...] = (
    _rule(
        "speech",
        rf"[“\"](?P<quote>[^”\"“]{{20,160}}?),?[”\"],? (?P<answer>{_NAME}) {_SAID}\b",
        _speech,
    ),
    _rule("agent", rf"{_PASSIVE}(?P<done>{_DONE}){_MORE} by (?P<answer>{_NAME}){_END}", _by),
    _rule("date", rf"{_PASSIVE}(?P<done>{_DONE}){_MORE} (?:in|on) (?P<answer>{_DATE})\b", _when),
    _rule(
        "hour",
        rf"{_START}(?P<thing>{_THING}) (?P<does>opens|closes|starts|begins|ends) at "
        r"(?P<answer>\d{1,2}(?::\d\d)?(?: ?[ap]\.?m\b\.?)?)",
        _hour,
    ),
    _rule(
        "place",
        rf"{_PASSIVE}(?P<done>located|situated|based|held|born|buried) (?:in|at|on|near) "
        rf"(?P<answer>(?:the )?{_NAME}){_END}",
        _where,
    ),
    _rule(
        "amount",
        rf"{_START}(?P<thing>{_THING}) (?P<has>has|have|contains?|includes?|employs|covers) "
        rf"{_NUMBER} (?P<noun>(?:[a-z-]+ )?[a-z]+s"
        r"(?: of [a-z]+(?: (?!an?\b|per\b|and\b|in\b)[a-z]+)?)?)\b",
        _amount,
    ),
    _rule(
        "number",
        rf"(?:^|(?<= )){_NUMBER} (?P<noun>(?:[a-z-]+ )?[a-z]+s) "
        r"(?P<rest>(?:are|were|have|had|live|lived|work|worked) [^,.;:]{3,80})(?=[.,;])",
        _count,
    ),
    _rule(
        "definition",
        rf"{_PASSIVE}(?P<answer>(?:an?|the) [a-z][\w’'-]*(?: [\w’'-]+){{1,9}}?){_END}",
        _define,
    ),
    _rule(
        "role",
        rf"(?P<answer>{_NO_NAME}{_CAPITAL}(?: {_CAPITAL})+), the "
        r"(?P<role>[a-z][\w’'-]*(?: [\w’'-]+){0,6}?)(?=[.,;])",
        _role,
    ),
    _rule(
        "act",
        rf"{_START}(?P<answer>(?:[Tt]he )?{_NAME}) (?P<did>[a-z]+ed|won|led|wrote|built|made) "
        r"(?P<rest>[^.,;:“”\"]{8,100})(?=[.,;])",
        _did,
    ),
)
_SHORT = re.compile(r"((?:[\w’'-]+ ){2,8})\(([A-Z]{2,8})\)")
_LABEL = re.compile(r"^[-*•\s]*(?P<label>[A-Z][\w’'-]*(?: [\w’'-]+){0,3}): +(?P<value>\S.{0,79})$")


def _inside(thing: str) -> str:
    """Return a noun phrase as it stands inside a sentence."""
    head, _, rest = thing.partition(" ")
    return f"{head.lower()} {rest}" if head in {"The", "A", "An", "Every", "Each"} else thing


def _alone(rest: str) -> str:
    """Return the part of a clause that can be understood without the text around it."""
    cut = _LEANING.split(rest, maxsplit=1)[0]
    while (shorter := _DANGLING.sub("", cut)) != cut:
        cut = shorter
    return cut


def propose(document: Document) -> Iterator[Proposal]:
    """Yield what the rules find in a document, in its order; one proposal a sentence or line."""
    from index.chunks import sentence_spans

    for start, end in sentence_spans(document.text):
        first_line = document.text[start:end].partition("\n")[0]
        if _LABEL.match(first_line):  # a line of its own, that no full stop parts from the next
            start += len(first_line)
        sentence = " ".join(document.text[start:end].split())
        found = _of_sentence(sentence) if 20 <= len(sentence) <= 300 else None
        if found:
            kind, question, answer = found
            yield Proposal(question, answer, document.name, start, end, kind)
    for match in re.finditer(r"^.*$", document.text, re.MULTILINE):
        label = _LABEL.match(match[0])
        if label and not label["value"].endswith((":", ",", ";")):
            yield Proposal(
                f"{label['label']}?", label["value"].strip().rstrip("."), document.name,
                match.start(), match.end(), "label",
            )  # fmt: skip


def _of_sentence(sentence: str) -> tuple[str, str, str] | None:
    """Return kind, question and answer of the first rule that fits a sentence."""
    short = _SHORT.search(sentence)
    if short and (meaning := _spelled_out(short[1].split(), short[2])):
        return "abbreviation", f"What does {short[2]} stand for?", meaning
    for kind, pattern, make in _RULES:
        match = pattern.search(sentence)
        if not match:
            continue
        question, answer = make(match)
        asked = question.partition(" ")[2]
        # "Who was it built by?" asks nothing by itself, nor does a question that is its answer.
        plain = kind == "speech" or not _VAGUE.search(asked)
        if asked and plain and not same(asked, answer):
            return kind, question, answer.rstrip(".")
    return None


def _spelled_out(words: Sequence[str], short: str) -> str | None:
    """Return the last words whose initials are the abbreviation's letters."""
    chosen = words[-len(short) :]
    initials = "".join(word[0].upper() for word in chosen)
    return " ".join(chosen) if initials == short else None


def _of_headings(document: Document, assistant: Assistant) -> Iterator[tuple[Proposal, Answer]]:
    """Yield headings that are questions, when their own section answers them."""
    starts = [*(heading.start for heading in document.headings), len(document.text)]
    for heading, end in zip(document.headings, starts[1:], strict=True):
        if not heading.text.rstrip().endswith("?"):
            continue
        answer = _asked(heading.text, assistant)
        cited = answer.citations[0] if answer and answer.citations else None
        if (
            answer
            and cited
            and cited.document == document.name
            and heading.end <= cited.start < end
        ):
            place = (cited.sentence_start, cited.sentence_end)
            yield (
                Proposal(heading.text.strip(), cited.quote, document.name, *place, "heading"),
                answer,
            )


# Asking ----------------------------------------------------------------------------------------


def _asked(question: str, assistant: Assistant) -> Answer | None:
    """Return the answer; None for what is no question, as a heading "???", or longer than one."""
    try:
        return assistant.ask(question)
    except QuestionError:
        return None


def suggest(
    assistant: Assistant,
    limit: int = 20,
    progress: Callable[[int, int], None] | None = None,
) -> list[Suggestion]:
    """Propose pairs from the library's documents, in turn, and ask each of them.

    Args:
        assistant: Whose library is searched, and who is asked.
        limit: Most suggestions.
        progress: Called with (done, limit) after each question.
    """
    snapshot = assistant.library.snapshot()
    names = [record.name for record in snapshot.documents() if record.status == "indexed"]
    suggestions: list[Suggestion] = []
    seen: set[str] = set()
    for proposal, answer in islice(_in_turn(names, assistant), limit * 3):
        if len(suggestions) == limit:
            break
        if proposal.question.lower() in seen:
            continue
        seen.add(proposal.question.lower())
        given = answer or _asked(proposal.question, assistant)
        if given is None:
            continue
        suggestions.append(
            Suggestion(proposal, _verdict(proposal, given), given.text, given.confidence)
        )
        if progress:
            progress(len(suggestions), limit)
    return suggestions


def _in_turn(
    names: Sequence[str], assistant: Assistant
) -> Iterator[tuple[Proposal, Answer | None]]:
    """Yield proposals, one of each document after the other, eight documents at a time."""

    def of(name: str) -> Iterator[tuple[Proposal, Answer | None]]:
        document = assistant.library.document(name)
        yield from _of_headings(document, assistant)
        for proposal in propose(document):
            yield proposal, None

    for first in range(0, len(names), 8):
        for row in zip_longest(*(of(name) for name in names[first : first + 8])):
            yield from (found for found in row if found)


def _verdict(proposal: Proposal, answer: Answer) -> Verdict:
    if answer.text is None:
        return "refused"
    if not same(answer.text, proposal.answer):
        return "otherwise"
    cited = answer.citations[0]
    inside = cited.document == proposal.document and (
        cited.start < proposal.end and proposal.start < cited.end
    )
    return "confirmed" if inside else "elsewhere"


def to_yaml(suggestions: Sequence[Suggestion]) -> str:
    """Return a golden set: the confirmed pairs, then the others as remarks with what came back."""
    good = [s for s in suggestions if s.verdict == "confirmed"]
    rest = [s for s in suggestions if s.verdict != "confirmed"]
    lines = [
        "# Proposed from the documents. Keep what a reader would ask, add every acceptable answer,",
        "# and add questions that the documents do not answer (unanswerable: true).",
        *(_entry(suggestion) for suggestion in good),
    ]
    if rest:
        lines.append("\n# Not confirmed: an error of the proposal, or of the answer.")
    for suggestion in rest:
        got = f": {' '.join(suggestion.got.split())}" if suggestion.got else ""
        lines.append(f"\n# {_WORDS[suggestion.verdict]}{got} ({suggestion.confidence:.2f})")
        lines.append("\n".join(f"# {line}" for line in _entry(suggestion).strip().splitlines()))
    return "\n".join(lines) + "\n"


def _entry(suggestion: Suggestion) -> str:
    pair = suggestion.pair
    row = {"question": pair.question, "answers": list(pair.answers), "document": pair.document}
    text = yaml.safe_dump([row], allow_unicode=True, sort_keys=False, width=10_000)
    return "\n" + text.rstrip()
