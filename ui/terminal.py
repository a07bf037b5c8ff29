"""Answers on a terminal: the quote highlighted, and nothing in a document able to drive it."""

from __future__ import annotations

from collections.abc import Sequence

import typer
from rich.console import Console
from rich.status import Status
from rich.text import Text

from qa.answer import Answer, Citation
from ui.render import (
    Piece,
    answer_text,
    confidence,
    instead_words,
    one_line,
    refusal_heading,
    sentence_pieces,
    visible,
)

HIGHLIGHT = "black on #ffe07a"
NEAR = "underline"


def reading() -> Status:
    """Return a context that shows, on a terminal, that something is being read."""
    return Console(stderr=True).status("Reading the documents")


def prompt(console: Console) -> str:
    """Return the next question; an empty one at the end of the input."""
    try:
        return console.input(Text("\n? ", "bold") if console.is_terminal else "")
    except EOFError:
        return ""


def styled(parts: Sequence[Piece]) -> Text:
    """Return pieces as terminal text, the quote highlighted; never read as markup."""
    text = Text()
    for piece in parts:
        style = {"quote": HIGHLIGHT, "near": NEAR}.get(piece.kind, "")
        text.append(visible(one_line(piece.text)), style)
    return text


def show(answer: Answer, console: Console) -> None:
    """Print an answer or a refusal: in colour on a terminal, as plain text elsewhere."""
    if not console.is_terminal:
        typer.echo(answer_text(answer))
        return
    if answer.text is not None:
        console.print(Text(f" {visible(one_line(answer.text))} ", f"bold {HIGHLIGHT}"))
        sure = confidence(answer.confidence)
        bars = "▮" * sure.level + "▯" * (4 - sure.level)
        console.print(Text.assemble((bars, "green"), f" {sure.words}", (f"  {sure.odds}", "dim")))
        show_citations(answer.citations, "quote", console)
    elif answer.refusal is not None:
        console.print(Text(refusal_heading(answer.refusal.reason), "bold"))
        console.print(Text(visible(answer.refusal.message)))
        show_citations(answer.refusal.nearest, "near", console)
        show_instead(answer, console)
    if answer.note:
        console.print(Text(visible(answer.note), "italic"))
        show_citations(answer.rivals, "quote", console)


def show_instead(answer: Answer, console: Console) -> None:
    """Print the question that a refusal offers instead, where it does."""
    if answer.refusal is not None and answer.refusal.instead:
        words = instead_words(answer.refusal.instead)
        if console.is_terminal:
            console.print()
            console.print(Text(words, "italic"))
        else:
            typer.echo(f"\n{words}")


def show_citations(citations: Sequence[Citation], kind: str, console: Console) -> None:
    """Print each citation's sentence, and its place below it."""
    for citation in citations:
        console.print()
        console.print(styled(sentence_pieces(citation, "near" if kind == "near" else "quote")))
        console.print(Text(visible(citation.place), "dim"))
