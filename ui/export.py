"""A conversation as Markdown, as JSON, and as one web page that needs nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Literal

from qa.answer import Answer, Citation
from ui.render import (
    confidence,
    escape,
    one_line,
    pieces_html,
    refusal_heading,
    sentence_pieces,
    visible,
)

Format = Literal["markdown", "json", "html"]
NAMES: dict[Format, tuple[str, str]] = {
    "markdown": ("conversation.md", "text/markdown"),
    "json": ("conversation.json", "application/json"),
    "html": ("conversation.html", "text/html"),
}

STYLE = """
:root { color-scheme: light dark; --ink: #1b201d; --soft: #56605a; --paper: #fff; --mark: #ffe07a; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8ece8; --soft: #a3ada6; --paper: #151916; --mark: #e8c24d; }
}
body { max-width: 42rem; margin: 3rem auto; padding: 0 1rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.6 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font: 600 1.5rem Georgia, serif; } h2 { margin: 2.5rem 0 .5rem; font-size: 1rem;
  font-weight: 500; color: var(--soft); }
.answer { margin: 0 0 .4rem; font: 500 1.6rem/1.35 Georgia, serif; }
.small { margin: 0 0 1rem; color: var(--soft); font-size: .9rem; }
blockquote { margin: 1rem 0; padding-left: 1rem; border-left: 3px solid var(--mark);
  font-family: Georgia, serif; }
mark { padding: 0 .1em; border-radius: 2px; background: var(--mark); color: #17140a; }
mark.cs-near { border-bottom: 2px dashed currentColor; background: none; color: inherit; }
"""


def shown(answer: Answer) -> tuple[Citation, ...]:
    """Return the places that belong to an answer or a refusal."""
    return answer.refusal.nearest if answer.refusal else (*answer.citations, *answer.rivals)


def to_json(answers: Sequence[Answer]) -> str:
    """Return the answers as JSON, whole."""
    data = {"format": 1, "answers": [answer.to_dict() for answer in answers]}
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


def markdown_escape(text: str) -> str:
    """Return `text` on one line, with what Markdown or HTML would take for markup escaped."""
    return re.sub(r"([\\`*_{}\[\]()#+!|<>~&$])", r"\\\1", visible(one_line(text)).strip())


def markdown_quote(citation: Citation) -> list[str]:
    """Return a citation as a block quote: its sentence with the quote in bold, and its place."""
    parts = [
        f"**{markdown_escape(piece.text)}**"
        if piece.kind == "quote"
        else re.sub(r"\S(?:.*\S)?", lambda found: markdown_escape(found[0]), one_line(piece.text))
        for piece in sentence_pieces(citation)
    ]
    return ["> " + "".join(parts).strip(), ">", f"> — {markdown_escape(citation.place)}", ""]


def to_markdown(answers: Sequence[Answer]) -> str:
    """Return the answers as Markdown, each with its quotes and their places."""
    lines = ["# Conversation with Citespan", ""]
    for answer in answers:
        lines += [f"## {markdown_escape(answer.question)}", ""]
        if answer.text is not None:
            sure = confidence(answer.confidence)
            lines += [f"**{markdown_escape(answer.text)}**", "", f"{sure.words}: {sure.odds}.", ""]
        elif answer.refusal is not None:
            lines += [f"*{refusal_heading(answer.refusal.reason)}.*", ""]
            if answer.refusal.nearest:
                lines += ["Nearest passages:", ""]
        if answer.note:
            lines += [markdown_escape(answer.note), ""]
        for citation in shown(answer):
            lines += markdown_quote(citation)
    return "\n".join(lines)


def answer_html(answer: Answer) -> str:
    """Return one answer as a section of a web page."""
    parts = [f"<section><h2><bdi>{escape(answer.question)}</bdi></h2>"]
    if answer.text is not None:
        sure = confidence(answer.confidence)
        parts.append(f'<p class="answer"><mark>{escape(answer.text)}</mark></p>')
        parts.append(f'<p class="small">{sure.words}: {sure.odds}</p>')
    elif answer.refusal is not None:
        parts.append(f'<p class="answer">{escape(refusal_heading(answer.refusal.reason))}</p>')
    if answer.note:
        parts.append(f'<p class="small">{escape(answer.note)}</p>')
    kind: Literal["near", "quote"] = "near" if answer.refusal else "quote"
    for citation in shown(answer):
        sentence = pieces_html(sentence_pieces(citation, kind))
        place = escape(citation.place)
        parts.append(f'<blockquote>{sentence}<p class="small"><bdi>{place}</bdi></p></blockquote>')
    return "".join([*parts, "</section>"])


def to_html(answers: Sequence[Answer]) -> str:
    """Return the answers as one web page: no script, nothing fetched."""
    body = "".join(answer_html(answer) for answer in answers)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Conversation with Citespan</title><style>{STYLE}</style></head>"
        f"<body><h1>Conversation with Citespan</h1>{body}</body></html>\n"
    )


def export(answers: Sequence[Answer], form: Format) -> dict[str, str]:
    """Return a file to save: its `name`, its `type`, its `text`."""
    make = {"markdown": to_markdown, "json": to_json, "html": to_html}[form]
    name, kind = NAMES[form]
    return {"name": name, "type": kind, "text": make(answers)}
