"""Pure: the page's head and its conversation, as safe HTML.

Buttons carry `data-action` and plain data; `page.js` turns a click into an event. No text from
outside is put into the markup but through `render.escape`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from qa.answer import Answer, Citation
from ui.render import (
    Kind,
    attribute,
    confidence,
    count,
    escape,
    one_line,
    pieces_html,
    quote_with_reference,
    refusal_heading,
    sentence_pieces,
)

# Sources listed openly; the rest folds away.
SOURCES_SHOWN = 3

SAVING = (
    '<div class="cs-saving" role="group" aria-label="This conversation"><span>Save as</span>'
    '<button type="button" data-action="save" data-format="markdown">Markdown</button>'
    '<button type="button" data-action="save" data-format="html">Web page</button>'
    '<button type="button" data-action="save" data-format="json">JSON</button>'
    '<button type="button" data-action="restart">New conversation</button></div>'
)
STAGE_WORDS = {
    "searching": "Searching the documents",
    "reading": "Reading what was found",
    "answering": "Choosing the quote",
}


@dataclass(frozen=True, slots=True)
class Kept:
    """A conversation that is kept.

    Attributes:
        identity: Names it.
        title: Its first question.
        questions: How many were asked.
        when: When it was last added to, local time.
    """

    identity: str
    title: str
    questions: int
    when: datetime


@dataclass(frozen=True, slots=True)
class Turn:
    """One question on the page, and what is known of its answer so far.

    Attributes:
        question: As typed.
        stage: The stage it is in, or None when it is done.
        found: Passages found so far.
        answer: The answer, when there is one.
        error: One sentence for the person, when the question could not be asked.
        kept: What was done with the person's verdict on the answer, or None.
        scope: Names of the documents that were asked; empty when all were.
    """

    question: str
    stage: str | None = None
    found: int = 0
    answer: Answer | None = None
    error: str | None = None
    kept: str | None = None
    scope: tuple[str, ...] = ()

    @property
    def citations(self) -> tuple[Citation, ...]:
        """The places that can be opened: the answer's and its rivals', or a refusal's nearest."""
        if self.answer is None:
            return ()
        if self.answer.refusal is not None:
            return self.answer.refusal.nearest
        return (*self.answer.citations, *self.answer.rivals)


def welcome(examples: Sequence[str], documents: int, kept: Sequence[Kept] = ()) -> str:
    """Return the conversation's empty state: questions to try, conversations to go on with."""
    if documents == 0:
        return (
            '<div class="cs-welcome"><h2>There are no documents yet</h2>'
            "<p>Add some in the library, or start Citespan with a folder: "
            '<code>citespan serve FOLDER</code></p><button type="button" class="cs-example" '
            f'data-action="view" data-view="library">Open the library</button>{earlier(kept)}</div>'
        )
    buttons = "".join(
        f'<li><button type="button" class="cs-example" data-action="example" '
        f'data-text="{attribute(example)}">{escape(example)}</button></li>'
        for example in examples
    )
    tried = f'<h3>Try one</h3><ul class="cs-examples">{buttons}</ul>' if examples else ""
    return (
        '<div class="cs-welcome"><h2>Ask, and read it where it stands</h2>'
        "<p>Every answer is a quote from your documents, shown in its sentence and in its place. "
        f"When they do not answer, Citespan says so.</p>{tried}{earlier(kept)}</div>"
    )


def earlier(kept: Sequence[Kept]) -> str:
    """Return the conversations that are kept, each to go on with or to delete."""
    if not kept:
        return ""
    items = "".join(
        f'<li><button type="button" class="cs-resume" data-action="resume" '
        f'data-identity="{escape(one.identity)}"><span class="cs-title"><bdi>'
        f"{escape(one.title)}</bdi></span>"
        f'<span class="cs-when">{count(one.questions, "question")} · '
        f'<time datetime="{one.when:%Y-%m-%dT%H:%M}">{day_words(one.when)}</time></span></button>'
        f'<button type="button" class="cs-forget" data-action="forget" '
        f'data-identity="{escape(one.identity)}" '
        f'aria-label="Delete the conversation {escape(one.title)}">Delete</button></li>'
        for one in kept
    )
    return (
        '<section class="cs-earlier" aria-label="Earlier conversations">'
        f'<h3>Earlier conversations</h3><ul>{items}</ul><p class="cs-keeping">Kept on this machine '
        'only. <button type="button" class="cs-forget" data-action="forget">Delete all</button></p>'
        "</section>"
    )


def day_words(when: datetime) -> str:
    """Return a day as a person says it: `today, 14:05`, `3 March 2026`."""
    days = (datetime.now().date() - when.date()).days
    if days in (0, 1):
        return f"{('today', 'yesterday')[days]}, {when:%H:%M}"
    return f"{when.day} {when:%B %Y}"


def meter(probability: float) -> str:
    """Return the confidence as four bars and words."""
    sure = confidence(probability)
    bars = "".join(f'<i class="{"on" if n <= sure.level else "off"}"></i>' for n in range(1, 5))
    return (
        f'<p class="cs-confidence" data-level="{sure.level}">'
        f'<span class="cs-meter" aria-hidden="true">{bars}</span>'
        f"<strong>{sure.words}</strong> <span>{sure.odds}</span></p>"
    )


def source_card(turn: int, index: int, citation: Citation, kind: Kind, current: bool) -> str:
    """Return one citation: its sentence and its place, a button that opens it, a copy button."""
    sentence = pieces_html(sentence_pieces(citation, kind))
    copied = escape(quote_with_reference(citation))
    return (
        f'<li class="cs-source{" cs-current" if current else ""}">'
        f'<button type="button" class="cs-open" data-action="cite" data-turn="{turn}" '
        f'data-index="{index}" aria-pressed="{"true" if current else "false"}">'
        f'<span class="cs-quote">{sentence}</span>'
        f'<span class="cs-place"><span class="cs-hidden">Show in document: </span>'
        f"<bdi>{escape(citation.place)}</bdi></span></button>"
        f'<button type="button" class="cs-copy" data-action="copy" data-text="{copied}" '
        f'aria-label="Copy this quote with its reference">Copy</button></li>'
    )


def source_list(number: int, turn: Turn, selected: tuple[int, int] | None) -> str:
    """Return a turn's citations, the first few open, the rest folded; and those that disagree."""
    refusal = turn.answer.refusal if turn.answer is not None else None
    rivals = len(turn.answer.rivals) if turn.answer is not None else 0
    conflicting = refusal is not None and refusal.reason == "conflicting"
    kind: Kind = "near" if refusal is not None and not conflicting else "quote"
    cards = [
        source_card(number, index, citation, kind, selected == (number, index))
        for index, citation in enumerate(turn.citations)
    ]
    if not cards:
        return ""
    against = cards[len(cards) - rivals :]
    cards = cards[: len(cards) - rivals]
    shown, folded = cards[:SOURCES_SHOWN], cards[SOURCES_SHOWN:]
    label = "Where it stands"
    if refusal is not None:
        label = "What each source says" if conflicting else "The nearest passages"
    heading = f"<h3>{label}</h3>" if refusal is not None or against else ""
    more = (
        f"<details><summary>{count(len(folded), 'more place')}</summary>"
        f'<ol class="cs-sources">{"".join(folded)}</ol></details>'
        if folded
        else ""
    )
    disagreeing = (
        '<h3>Where it says otherwise</h3><ol class="cs-sources cs-rivals" '
        f'aria-label="Where it says otherwise">{"".join(against)}</ol>'
        if against
        else ""
    )
    return (
        f'{heading}<ol class="cs-sources" aria-label="{label}">{"".join(shown)}</ol>{more}'
        f"{disagreeing}"
    )


def answer_block(number: int, turn: Turn, selected: tuple[int, int] | None) -> str:
    """Return a finished turn's answer or refusal."""
    answer = turn.answer
    if answer is None:
        return ""
    parts = []
    if one_line(answer.understood).strip() != one_line(answer.question).strip():
        parts.append(
            f'<p class="cs-understood">Understood as: <q>{escape(answer.understood)}</q></p>'
        )
    if answer.text is not None:
        parts.append(f'<p class="cs-answer"><q>{escape(answer.text)}</q></p>')
        parts.append(meter(answer.confidence))
    elif answer.refusal is not None:
        parts.append(f'<p class="cs-refusal">{escape(refusal_heading(answer.refusal.reason))}</p>')
        if answer.refusal.reason != "not_answered":
            parts.append(f'<p class="cs-reason">{escape(answer.refusal.message)}</p>')
    if answer.note:
        parts.append(f'<p class="cs-note">{escape(answer.note)}</p>')
    if answer.refusal is not None and answer.refusal.instead:
        parts.append(
            '<p class="cs-instead">They do answer: <button type="button" data-action="example" '
            f'data-text="{attribute(answer.refusal.instead)}">{escape(answer.refusal.instead)}'
            "</button></p>"
        )
    parts.append(source_list(number, turn, selected))
    parts.append(verdict(number, turn))
    return "".join(parts)


def verdict(number: int, turn: Turn) -> str:
    """Return the buttons that tell whether an answer is right, or what became of the verdict."""
    if turn.kept is not None:
        return f'<p class="cs-kept" role="status">{escape(turn.kept)}</p>'
    given = turn.answer is not None and turn.answer.text is not None
    silent = (
        f'<button type="button" data-action="unanswerable" data-turn="{number}">'
        "The documents do not say it</button>"
        if given
        else ""
    )
    return (
        '<div class="cs-verdict" role="group" aria-label="Is this right?"><span>Is this right?'
        f'</span><button type="button" data-action="right" data-turn="{number}">Yes</button>'
        '<details><summary>No</summary><div class="cs-better"><label>What is right'
        '<input type="text" maxlength="1000" autocomplete="off"></label>'
        f'<button type="button" data-action="better" data-turn="{number}">Keep</button>{silent}'
        "</div></details></div>"
    )


def turn_html(number: int, turn: Turn, selected: tuple[int, int] | None) -> str:
    """Return one question with its answer, refusal, error or stage."""
    if turn.error is not None:
        body = f'<p class="cs-error" role="alert">{escape(turn.error)}</p>'
    elif turn.answer is not None and turn.stage is None:
        body = answer_block(number, turn, selected)
    else:
        words = STAGE_WORDS.get(turn.stage or "searching", "Working")
        found = f" · {count(turn.found, 'passage')} found" if turn.found else ""
        body = (
            f'<p class="cs-stage" role="status"><span class="cs-dots" aria-hidden="true">'
            f"<i></i><i></i><i></i></span>{words}{found}</p>"
        )
    return (
        '<article class="cs-turn"><h2 class="cs-question">'
        '<span class="cs-hidden">You asked: </span>'
        f"<bdi>{escape(turn.question)}</bdi></h2>{asked_of(turn)}"
        f'<div class="cs-reply">{body}</div></article>'
    )


def asked_of(turn: Turn) -> str:
    """Return which documents a question was asked of, when not of all."""
    if not turn.scope:
        return ""
    names = ", ".join(f"<bdi>{escape(name)}</bdi>" for name in turn.scope[:3])
    more = f" and {len(turn.scope) - 3:,} more" if len(turn.scope) > 3 else ""
    return f'<p class="cs-asked">Asked of {names}{more}</p>'


def scope(names: Sequence[str]) -> str:
    """Return where to choose the documents that are asked; nothing when there is no choice."""
    if len(names) < 2:
        return ""
    items = "".join(
        f'<li><label><input type="checkbox" value="{attribute(name)}"><bdi>{escape(name)}</bdi>'
        "</label></li>"
        for name in names
    )
    return (
        '<details class="cs-scope"><summary>Asking <strong>all documents</strong></summary>'
        f'<ul aria-label="Documents to ask">{items}</ul></details>'
    )


def conversation(turns: Sequence[Turn], selected: tuple[int, int] | None = None) -> str:
    """Return the conversation; `selected` is the (turn, citation) that the document shows."""
    inner = "".join(turn_html(n, turn, selected) for n, turn in enumerate(turns))
    done = any(turn.answer is not None for turn in turns)
    return (
        f'<div class="cs-turns" role="log" aria-label="Conversation">{inner}</div>'
        f"{SAVING if done else ''}"
    )


def libraries(choice: Sequence[tuple[str, str]], current: str, problem: str = "") -> str:
    """Return where a library is chosen or made.

    Args:
        choice: Each library's name, and the words to show for it.
        current: The name of the one that is shown.
        problem: Why the last one could not be made or opened, or nothing.
    """
    options = "".join(
        f'<option value="{escape(name)}"{" selected" if name == current else ""}>'
        f"{escape(words)}</option>"
        for name, words in choice
    )
    chosen = (
        '<label class="cs-choose">Library <select data-library aria-label="Library">'
        f"{options}</select></label>"
        if len(choice) > 1
        else ""
    )
    alert = f'<p class="cs-problem" role="alert">{escape(problem)}</p>' if problem else ""
    return (
        f'<div class="cs-libraries" data-current="{escape(current)}">{chosen}'
        f"<details{' open' if problem else ''}><summary>New library</summary>"
        '<div class="cs-make"><label>Its name<input type="text" maxlength="64" autocomplete="off" '
        'data-name></label><button type="button" data-action="make">Create</button></div>'
        f"</details>{alert}</div>"
    )


def header(documents: int, library: str = "") -> str:
    """Return the page's head: the name, what it is, which library is asked, how much it holds."""
    which = f'<span class="cs-which"><bdi>{escape(library)}</bdi></span> ' if library else ""
    return (
        '<div class="cs-brand"><h1>Cite<mark>span</mark></h1>'
        "<p>Answers in your documents’ own words</p></div>"
        '<nav class="cs-nav" aria-label="Views">'
        '<button type="button" data-action="view" data-view="ask" aria-current="page">Ask</button>'
        '<button type="button" data-action="view" data-view="library">Library '
        f'{which}<span class="cs-holds" aria-label="{count(documents, "document")}">'
        f"{documents:,}</span></button></nav>"
        '<div class="cs-tools">'
        '<button type="button" class="cs-theme" data-action="theme" '
        'aria-label="Switch between light and dark">'
        '<svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true" focusable="false">'
        '<path d="M10 2a8 8 0 1 0 0 16z" fill="currentColor"/>'
        '<circle cx="10" cy="10" r="7.2" fill="none" stroke="currentColor" stroke-width="1.6"/>'
        "</svg></button></div>"
    )
