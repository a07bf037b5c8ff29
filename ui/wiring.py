"""Which event of the page calls what, and what it shows then. No listener is a public endpoint."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

import gradio as gr
from fastapi.concurrency import run_in_threadpool

from index.errors import CitespanError, LibraryError
from ui import panes
from ui.chat import Chat, Conversation
from ui.export import NAMES, export
from ui.gate import Gate, ask
from ui.rooms import Room, Rooms

log = logging.getLogger(__name__)

# Runs in the browser before the question leaves it: the question stands on the page at once.
ASK_JS = """(question, state, chosen) => {
  window.citespanAsk?.(question);
  return [question, state, window.citespanChosen?.() ?? []];
}"""
# What this tab was on before it was loaded again.
LOAD_JS = "() => [window.citespanKept?.() ?? {}]"
SAVE_JS = "(file) => window.citespanSave?.(file)"
OFFER_JS = "(offer) => window.citespanOffer?.(offer)"
QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
_OFFERING = Lock()
READY_JS = "() => { window.citespanReady = true; }"
FAILED_JS = "() => window.citespanFailed?.()"
NOT_OPENED = "This library cannot be opened now. The server’s log has the details."
NOT_MADE = (
    "No library was made: its name must be new, begin with a letter or a digit, and have letters, "
    "digits, dots, dashes and underscores only."
)


@dataclass(frozen=True, slots=True)
class Parts:
    """The page's parts that events fill.

    Attributes:
        state: The conversation.
        head: The page's head.
        box: Where the question is typed.
        talk: The conversation pane.
        source: The document pane.
        scope: The choice of documents.
        picker: The choice of libraries.
        zone: Where files are dropped.
        books: The table of documents.
    """

    state: gr.State
    head: gr.HTML
    box: gr.Textbox
    talk: gr.HTML
    source: gr.HTML
    scope: gr.HTML
    picker: gr.HTML
    zone: gr.HTML
    books: gr.HTML


def wire(rooms: Rooms, parts: Parts, gate: Gate) -> None:
    """Connect every event of the page."""
    wire_chat(rooms, parts, gate)
    wire_document(rooms, parts)
    wire_verdicts(rooms, parts)
    wire_library(rooms, parts)
    wire_choice(rooms, parts)


def room_of(rooms: Rooms, request: gr.Request, conversation: Conversation) -> Room:
    """Return the room that a conversation is in; the first one when that is gone."""
    try:
        return rooms(request, conversation.library)
    except CitespanError as error:
        if not conversation.library:
            raise
        log.error("a library cannot be opened: %s", error)
        return rooms(request)


def look_further(chat: Chat, conversation: Conversation) -> dict[str, str] | None:
    """Look for a question that is answered, and keep the one found with the conversation."""
    found = chat.offer(conversation)
    if found is not None:
        # Looking took a while: the conversation may have gone on since, or been deleted.
        chat.keep_offers(conversation.identity)
    return found


def line_of(request: gr.Request) -> str:
    """Return whose line a question waits in: a login's, or else a tab's."""
    return str(request.username or request.session_hash or "")


async def answering(
    gate: Gate, chat: Chat, question: str, conversation: Conversation, chosen: object, who: str
) -> AsyncGenerator[tuple[Any, ...], None]:
    """Ask; yield what the box, the conversation, its pane and the document's become."""
    # In threads, as a disk may be slow: every page is served by this one loop.
    asking = await run_in_threadpool(chat.begin, question, conversation, chosen)
    # Emptied once: the next question may be typed while this one is answered.
    typed: Any = ""
    try:
        async with aclosing(ask(gate, who, asking.question)) as stages:
            async for stage in stages:
                if stage is None:
                    # Gradio sees whether the page is still there whenever it is handed a step.
                    yield gr.skip(), gr.skip(), gr.skip(), gr.skip()
                    continue
                step = await run_in_threadpool(asking.step, stage)
                # The browser shows the first stage by itself, the moment Enter is pressed, and
                # the last comes with its document.
                if stage.name == "reading":
                    yield typed, step, chat.show(step), gr.skip()
                    typed = gr.skip()
    except Exception as error:
        step = asking.failed(error)
    document: Any = gr.skip()
    if step.selected:
        document = await run_in_threadpool(chat.source, step, quick=True)
    yield typed, step, chat.show(step), document
    # A picture takes a moment; the answer does not wait for it.
    drawn = await run_in_threadpool(chat.source, step)
    if drawn != document:
        yield gr.skip(), gr.skip(), gr.skip(), drawn


def wire_chat(rooms: Rooms, parts: Parts, gate: Gate) -> None:
    """Connect asking and examples."""

    async def on_ask(
        question: str, conversation: Conversation, chosen: object, request: gr.Request
    ) -> AsyncGenerator[tuple[Any, ...], None]:
        if not question.strip():
            yield gr.skip(), gr.skip(), gr.skip(), gr.skip()
            return
        chat = (await run_in_threadpool(room_of, rooms, request, conversation)).chat
        steps = answering(gate, chat, question, conversation, chosen, line_of(request))
        async with aclosing(steps):
            async for step in steps:
                yield step

    async def on_example(
        conversation: Conversation, event: gr.EventData, request: gr.Request
    ) -> AsyncGenerator[tuple[Any, ...], None]:
        data = event._data
        async with aclosing(
            on_ask(str(data["text"]), conversation, data.get("chosen"), request)
        ) as steps:
            async for step in steps:
                yield step

    def on_done(conversation: Conversation, request: gr.Request) -> dict[str, str] | None:
        # One at a time: nobody waits for it, and the questions need the processor.
        if gate.waiting or not _OFFERING.acquire(blocking=False):
            return None
        try:
            return look_further(room_of(rooms, request, conversation).chat, conversation)
        finally:
            _OFFERING.release()

    state, talk = parts.state, parts.talk
    outputs = [parts.box, state, talk, parts.source]
    # A question asked before the last one is wholly done waits for it; by default it would be lost.
    waiting = {"trigger_mode": "always_last", "concurrency_limit": None}
    shared: dict[str, Any] = {**waiting, "concurrency_id": "ask", **QUIET}
    asked = parts.box.submit(
        on_ask, [parts.box, state, gr.JSON([], visible=False)], outputs, js=ASK_JS, **shared
    )
    tried = talk.example(on_example, [state], outputs, **shared)
    offer = gr.JSON(visible=False)
    for event in (asked, tried):
        event.failure(None, js=FAILED_JS, api_visibility="private")
        # Not through the queue: as it ends there, Gradio's client may close the stream that the
        # next question's answer is to come by.
        event.success(on_done, [state], [offer], queue=False, **QUIET).then(
            None, [offer], None, js=OFFER_JS, api_visibility="private"
        )


def wire_document(rooms: Rooms, parts: Parts) -> None:
    """Connect citations, documents opened by themselves, and the pages of a PDF."""

    def on_cite(
        conversation: Conversation, event: gr.EventData, request: gr.Request
    ) -> tuple[Any, ...]:
        chat = room_of(rooms, request, conversation).chat
        data = event._data
        chosen = chat.select(conversation, data.get("turn"), data.get("index"))
        return chosen, chat.show(chosen), chat.source(chosen)

    def on_open(
        conversation: Conversation, event: gr.EventData, request: gr.Request
    ) -> tuple[Any, ...]:
        chat = room_of(rooms, request, conversation).chat
        opened = chat.open(conversation, event._data.get("name"))
        return opened, chat.source(opened)

    def on_page(
        conversation: Conversation, event: gr.EventData, request: gr.Request
    ) -> tuple[Any, ...]:
        chat = room_of(rooms, request, conversation).chat
        turned = chat.turn_to(conversation, event._data.get("number"))
        return turned, chat.source(turned)

    def on_text(conversation: Conversation, request: gr.Request) -> tuple[Any, ...]:
        plain = replace(conversation, as_text=True)
        return plain, room_of(rooms, request, conversation).chat.source(plain)

    state, talk, source = parts.state, parts.talk, parts.source
    talk.cite(on_cite, [state], [state, talk, source], queue=False, **QUIET)
    for event, handle in ((source.open, on_open), (source.turn, on_page), (source.plain, on_text)):
        event(handle, [state], [state, source], queue=False, **QUIET)


def wire_verdicts(rooms: Rooms, parts: Parts) -> None:
    """Connect what is said of answers, and conversations saved, begun, gone on with, deleted."""

    def on_verdict(
        conversation: Conversation, event: gr.EventData, request: gr.Request
    ) -> tuple[Any, ...]:
        chat = room_of(rooms, request, conversation).chat
        data = event._data
        judged = chat.judge(
            conversation, data.get("turn"), data.get("word"), data.get("better", "")
        )
        return judged, chat.show(judged)

    def on_restart(conversation: Conversation, request: gr.Request) -> tuple[Any, ...]:
        chat = room_of(rooms, request, conversation).chat
        return shown(chat.empty(), chat)

    def on_resume(
        conversation: Conversation, event: gr.EventData, request: gr.Request
    ) -> tuple[Any, ...]:
        chat = room_of(rooms, request, conversation).chat
        return shown(chat.resume(event._data.get("identity")), chat)

    def on_forget(
        conversation: Conversation, event: gr.EventData, request: gr.Request
    ) -> tuple[Any, ...]:
        chat = room_of(rooms, request, conversation).chat
        chat.forget(event._data.get("identity"))
        return shown(chat.empty(), chat)

    def shown(conversation: Conversation, chat: Chat) -> tuple[Any, ...]:
        return conversation, chat.show(conversation), chat.source(conversation)

    def on_save(
        conversation: Conversation, event: gr.EventData, request: gr.Request
    ) -> dict[str, str] | None:
        form = event._data.get("format")
        chat = room_of(rooms, request, conversation).chat
        return export(chat.settled(conversation).answers, form) if form in NAMES else None

    state, talk, source = parts.state, parts.talk, parts.source
    talk.verdict(on_verdict, [state], [state, talk], queue=False, **QUIET)
    for event, handle in (
        (talk.restart, on_restart),
        (talk.resume, on_resume),
        (talk.forget, on_forget),
    ):
        event(handle, [state], [state, talk, source], queue=False, **QUIET)
    file = gr.JSON(visible=False)
    talk.save(on_save, [state], [file], queue=False, **QUIET).then(
        None, [file], None, js=SAVE_JS, api_visibility="private"
    )


def around(room: Room, conversation: Conversation) -> tuple[str, ...]:
    """Return what a change of the library shows anew: head, both panes, choice of documents."""
    chat = room.chat
    return (
        panes.header(len(chat.names()), room.library),
        chat.show(conversation),
        chat.source(conversation),
        chat.scope(),
    )


def whole(
    rooms: Rooms, request: gr.Request, room: Room, conversation: Conversation, problem: str = ""
) -> tuple[Any, ...]:
    """Return the conversation, the library's view, what is around it, the choice of libraries."""
    picker = panes.libraries(rooms.choice(request), room.library, problem)
    return conversation, room.shelf.show(), *around(room, conversation), picker


def wire_library(rooms: Rooms, parts: Parts) -> None:
    """Connect uploads, removal and syncing."""

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
        room = room_of(rooms, request, conversation)
        files = event._data.get("files")
        steps = room.shelf.add(files if isinstance(files, list) else [])
        yield from follow(room, steps, conversation)

    def on_resync(conversation: Conversation, request: gr.Request) -> Iterator[tuple[Any, ...]]:
        room = room_of(rooms, request, conversation)
        yield from follow(room, room.shelf.resync(), conversation)

    def on_remove(
        conversation: Conversation, event: gr.EventData, request: gr.Request
    ) -> tuple[Any, ...]:
        room = room_of(rooms, request, conversation)
        return room.shelf.remove(str(event._data["name"])), *around(room, conversation)

    def on_show(
        conversation: Conversation, event: gr.EventData, request: gr.Request
    ) -> tuple[Any, ...]:
        chat = room_of(rooms, request, conversation).chat
        opened = chat.open(conversation, event._data.get("name"))
        return opened, chat.source(opened)

    state, books = parts.state, parts.books
    outputs = [books, parts.head, parts.talk, parts.source, parts.scope]
    # One writer at a time: the library's lock would refuse a second one.
    alone: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "library", **QUIET}
    parts.zone.uploaded(on_uploaded, [state], outputs, **alone)
    parts.zone.resync(on_resync, [state], outputs, **alone)
    books.remove(on_remove, [state], outputs, **alone)
    books.show(on_show, [state], [state, parts.source], queue=False, **QUIET)


def wire_choice(rooms: Rooms, parts: Parts) -> None:
    """Connect choosing and making a library, and what a page shows when it is loaded."""

    def switched(
        conversation: Conversation, request: gr.Request, to: Callable[[], Room], problem: str
    ) -> tuple[Any, ...]:
        try:
            room = to()
            return whole(rooms, request, room, room.chat.empty())
        except LibraryError as error:
            log.error("a library was not made or opened: %s", error)
            here = room_of(rooms, request, conversation)
            return whole(rooms, request, here, conversation, problem)

    def on_choose(
        conversation: Conversation, event: gr.EventData, request: gr.Request
    ) -> tuple[Any, ...]:
        name = event._data.get("library")
        return switched(conversation, request, lambda: rooms(request, name), NOT_OPENED)

    def on_make(
        conversation: Conversation, event: gr.EventData, request: gr.Request
    ) -> tuple[Any, ...]:
        name = "-".join(str(event._data.get("name", "")).split())
        return switched(conversation, request, lambda: rooms.make(request, name), NOT_MADE)

    def on_load(kept: object, request: gr.Request) -> tuple[Any, ...]:
        before = kept if isinstance(kept, dict) else {}
        wanted = before.get("library")
        empty = Conversation(library=wanted if isinstance(wanted, str) else "")
        room = room_of(rooms, request, empty)
        return whole(rooms, request, room, room.chat.resume(before.get("conversation")))

    outputs = [
        parts.state, parts.books, parts.head, parts.talk, parts.source, parts.scope, parts.picker,
    ]  # fmt: skip
    parts.picker.choose(on_choose, [parts.state], outputs, queue=False, **QUIET)
    parts.picker.make(on_make, [parts.state], outputs, queue=False, **QUIET)
    # The library may have changed since the server started, or be another one's.
    gr.on(
        None, on_load, [gr.JSON({}, visible=False)], outputs, js=LOAD_JS, queue=False, **QUIET
    ).then(None, js=READY_JS, api_visibility="private")
