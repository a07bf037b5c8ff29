"""Which event of the page calls what, and what it shows then. No listener is a public endpoint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

from ui import panes
from ui.chat import Conversation
from ui.export import NAMES, export
from ui.rooms import Room, Rooms

AT_ONCE = 2
# Runs in the browser before the question leaves it: the question stands on the page at once.
ASK_JS = """(question, state, chosen) => {
  window.citespanAsk?.(question);
  return [question, state, window.citespanChosen?.() ?? []];
}"""
SAVE_JS = "(file) => window.citespanSave?.(file)"
QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
READY_JS = "() => { window.citespanReady = true; }"
FAILED_JS = "() => window.citespanFailed?.()"


def wire_chat(
    rooms: Rooms, state: gr.State, box: gr.Textbox, talk: gr.HTML, source: gr.HTML
) -> None:
    """Connect asking and examples."""

    def on_ask(
        question: str, conversation: Conversation, chosen: object, request: gr.Request
    ) -> Iterator[tuple[Any, ...]]:
        chat = rooms(request).chat
        if not question.strip():
            yield gr.skip(), gr.skip(), gr.skip(), gr.skip()
            return
        # Emptied once: the next question may be typed while this one is answered.
        typed: Any = ""
        for step in chat.ask(question, conversation, chosen):
            if step.turns[-1].stage == "searching":
                # The browser shows this one by itself, the moment that Enter is pressed.
                continue
            done = step.turns[-1].stage is None
            document = chat.source(step, quick=True) if done and step.selected else gr.skip()
            yield typed, step, chat.show(step), document
            typed = gr.skip()
        # A picture takes a moment; the answer does not wait for it.
        if (drawn := chat.source(step)) != document:
            yield gr.skip(), gr.skip(), gr.skip(), drawn

    def on_example(
        conversation: Conversation, event: gr.EventData, request: gr.Request
    ) -> Iterator[tuple[Any, ...]]:
        data = event._data
        yield from on_ask(str(data["text"]), conversation, data.get("chosen"), request)

    outputs = [box, state, talk, source]
    shared: dict[str, Any] = {"concurrency_limit": AT_ONCE, "concurrency_id": "ask", **QUIET}
    asked = box.submit(
        on_ask, [box, state, gr.JSON([], visible=False)], outputs, js=ASK_JS, **shared
    )
    tried = talk.example(on_example, [state], outputs, **shared)
    for event in (asked, tried):
        event.failure(None, js=FAILED_JS, api_visibility="private")


def wire_document(rooms: Rooms, state: gr.State, talk: gr.HTML, source: gr.HTML) -> None:
    """Connect citations, documents opened by themselves, and the pages of a PDF."""

    def on_cite(
        conversation: Conversation, event: gr.EventData, request: gr.Request
    ) -> tuple[Any, ...]:
        chat = rooms(request).chat
        data = event._data
        chosen = chat.select(conversation, data.get("turn"), data.get("index"))
        return chosen, chat.show(chosen), chat.source(chosen)

    def on_open(
        conversation: Conversation, event: gr.EventData, request: gr.Request
    ) -> tuple[Any, ...]:
        chat = rooms(request).chat
        opened = chat.open(conversation, event._data.get("name"))
        return opened, chat.source(opened)

    def on_page(
        conversation: Conversation, event: gr.EventData, request: gr.Request
    ) -> tuple[Any, ...]:
        chat = rooms(request).chat
        turned = chat.turn_to(conversation, event._data.get("number"))
        return turned, chat.source(turned)

    def on_text(conversation: Conversation, request: gr.Request) -> tuple[Any, ...]:
        plain = replace(conversation, as_text=True)
        return plain, rooms(request).chat.source(plain)

    talk.cite(on_cite, [state], [state, talk, source], queue=False, **QUIET)
    for event, handle in ((source.open, on_open), (source.turn, on_page), (source.plain, on_text)):
        event(handle, [state], [state, source], queue=False, **QUIET)


def wire_verdicts(rooms: Rooms, state: gr.State, talk: gr.HTML, source: gr.HTML) -> None:
    """Connect what is said of answers, saving a conversation, and starting another."""

    def on_verdict(
        conversation: Conversation, event: gr.EventData, request: gr.Request
    ) -> tuple[Any, ...]:
        chat = rooms(request).chat
        data = event._data
        judged = chat.judge(
            conversation, data.get("turn"), data.get("word"), data.get("better", "")
        )
        return judged, chat.show(judged)

    def on_restart(request: gr.Request) -> tuple[Any, ...]:
        chat = rooms(request).chat
        return Conversation(), chat.show(Conversation()), chat.source(Conversation())

    def on_save(conversation: Conversation, event: gr.EventData) -> dict[str, str] | None:
        form = event._data.get("format")
        return export(conversation.answers, form) if form in NAMES else None

    talk.verdict(on_verdict, [state], [state, talk], queue=False, **QUIET)
    talk.restart(on_restart, None, [state, talk, source], queue=False, **QUIET)
    file = gr.JSON(visible=False)
    talk.save(on_save, [state], [file], queue=False, **QUIET).then(
        None, [file], None, js=SAVE_JS, api_visibility="private"
    )


def wire_library(
    rooms: Rooms, zone: gr.HTML, books: gr.HTML, rest: Sequence[gr.HTML | gr.State]
) -> None:
    """Connect uploads, removal and syncing.

    `rest` is head, state, conversation, document, and the choice of documents.
    """
    head, state, talk, source, scope = rest

    def around(room: Room, conversation: Conversation) -> tuple[str, ...]:
        chat = room.chat
        return (
            panes.header(len(chat.names())),
            chat.show(conversation),
            chat.source(conversation),
            chat.scope(),
        )

    def follow(
        room: Room, steps: Iterator[str], conversation: Conversation
    ) -> Iterator[tuple[Any, ...]]:
        last = ""
        for last in steps:
            yield last, gr.skip(), gr.skip(), gr.skip(), gr.skip()
        yield last, *around(room, conversation)

    def on_uploaded(
        conversation: Conversation, event: gr.EventData, request: gr.Request
    ) -> Iterator[tuple[Any, ...]]:
        room = rooms(request)
        files = event._data.get("files")
        steps = room.shelf.add(files if isinstance(files, list) else [])
        yield from follow(room, steps, conversation)

    def on_resync(conversation: Conversation, request: gr.Request) -> Iterator[tuple[Any, ...]]:
        room = rooms(request)
        yield from follow(room, room.shelf.resync(), conversation)

    def on_remove(
        conversation: Conversation, event: gr.EventData, request: gr.Request
    ) -> tuple[Any, ...]:
        room = rooms(request)
        return room.shelf.remove(str(event._data["name"])), *around(room, conversation)

    def on_load(request: gr.Request) -> tuple[Any, ...]:
        room = rooms(request)
        return room.shelf.show(), *around(room, Conversation())

    def on_show(
        conversation: Conversation, event: gr.EventData, request: gr.Request
    ) -> tuple[Any, ...]:
        chat = rooms(request).chat
        opened = chat.open(conversation, event._data.get("name"))
        return opened, chat.source(opened)

    outputs = [books, head, talk, source, scope]
    # One writer at a time: the library's lock would refuse a second one.
    alone: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "library", **QUIET}
    zone.uploaded(on_uploaded, [state], outputs, **alone)
    zone.resync(on_resync, [state], outputs, **alone)
    books.remove(on_remove, [state], outputs, **alone)
    # The library may have changed since the server started, or be another one's.
    gr.on(None, on_load, None, outputs, queue=False, **QUIET).then(
        None, js=READY_JS, api_visibility="private"
    )
    books.show(on_show, [state], [state, source], queue=False, **QUIET)
