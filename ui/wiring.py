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
from ui.chat import Chat
from ui.export import NAMES, export
from ui.gate import Gate, ask
from ui.rooms import Room, Rooms
from ui.shelf import ELSEWHERE
from ui.tab import Conversation, Tab

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
# An event while one of its kind is under way is done too; by default it would be lost.
DIRECT: dict[str, Any] = {"queue": False, "trigger_mode": "multiple", **QUIET}
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
        state: The tab: what conversation it is on.
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


def drawn(chat: Chat, tab: Tab, conversation: Conversation) -> Any:
    """Return the document pane; nothing when the tab shows something else there by now."""
    pane = chat.source(conversation)
    return pane if tab.conversation.view == conversation.view else gr.skip()


async def answering(
    gate: Gate, rooms: Rooms, question: str, tab: Tab, chosen: object, request: gr.Request
) -> AsyncGenerator[tuple[Any, ...], None]:
    """Ask; yield what the box, the tab, its conversation's pane and the document's become."""
    # In threads, as a disk may be slow: every page is served by this one loop.
    before = tab.conversation
    chat = (await run_in_threadpool(room_of, rooms, request, before)).chat
    asking = await run_in_threadpool(chat.begin, question, before, chosen)
    await run_in_threadpool(tab.begin, asking, before)
    # The box is emptied once: the next question may be typed while this one is answered.
    yield "", tab, gr.skip(), gr.skip()
    who = line_of(request)
    try:
        asking.check()
        async with aclosing(ask(gate, who, asking.question)) as stages:
            async for stage in stages:
                if stage is None:
                    # Gradio sees whether the page is still there whenever it is handed a step.
                    yield gr.skip(), gr.skip(), gr.skip(), gr.skip()
                    continue
                step = await run_in_threadpool(tab.follow, asking, stage)
                # The browser shows the first stage by itself, the moment Enter is pressed, and
                # the last comes with its document.
                if stage.name == "reading" and step is not None:
                    yield gr.skip(), tab, chat.show(step), gr.skip()
    except Exception as error:
        step = await run_in_threadpool(tab.follow, asking, error)
    if step is None:
        # At the end Gradio shows the last step once more: it must not be one of the page that was.
        yield gr.skip(), gr.skip(), gr.skip(), gr.skip()
        return
    document: Any = gr.skip()
    if step.selected:
        document = await run_in_threadpool(chat.source, step, quick=True)
    yield gr.skip(), tab, chat.show(step), document


def wire_chat(rooms: Rooms, parts: Parts, gate: Gate) -> None:
    """Connect asking and examples."""

    async def on_ask(
        question: str, tab: Tab, chosen: object, request: gr.Request
    ) -> AsyncGenerator[tuple[Any, ...], None]:
        if not question.strip():
            yield gr.skip(), gr.skip(), gr.skip(), gr.skip()
            return
        async with aclosing(answering(gate, rooms, question, tab, chosen, request)) as steps:
            async for step in steps:
                yield step

    async def on_example(
        tab: Tab, event: gr.EventData, request: gr.Request
    ) -> AsyncGenerator[tuple[Any, ...], None]:
        data = event._data
        async with aclosing(on_ask(str(data["text"]), tab, data.get("chosen"), request)) as steps:
            async for step in steps:
                yield step

    def on_drawn(tab: Tab, request: gr.Request) -> Any:
        # A picture takes a moment; the answer does not wait for it.
        conversation = tab.conversation
        chat = room_of(rooms, request, conversation).chat
        pane = drawn(chat, tab, conversation)
        return gr.skip() if pane == chat.source(conversation, quick=True) else pane

    def on_done(tab: Tab, request: gr.Request) -> dict[str, str] | None:
        conversation = tab.conversation
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
    # "always_last" would ask the first one of two again.
    tried = talk.example(on_example, [state], outputs, **shared | {"trigger_mode": "multiple"})
    offer = gr.JSON(visible=False)
    for event in (asked, tried):
        event.failure(None, js=FAILED_JS, api_visibility="private")
        event.success(on_drawn, [state], [parts.source], **DIRECT)
        # Not through the queue: as it ends there, Gradio's client may close the stream that the
        # next question's answer is to come by.
        event.success(on_done, [state], [offer], queue=False, **QUIET).then(
            None, [offer], None, js=OFFER_JS, api_visibility="private"
        )


def wire_document(rooms: Rooms, parts: Parts) -> None:
    """Connect citations, documents opened by themselves, and the pages of a PDF."""

    def on_cite(tab: Tab, event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
        chat = room_of(rooms, request, tab.conversation).chat
        turn, index = event._data.get("turn"), event._data.get("index")
        chosen = tab.change(lambda now: chat.select(now, turn, index))
        pane = drawn(chat, tab, chosen)
        now = tab.conversation
        same = (now.library, now.identity) == (chosen.library, chosen.identity)
        return tab, chat.show(now) if same else gr.skip(), pane

    def on_open(tab: Tab, event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
        chat = room_of(rooms, request, tab.conversation).chat
        opened = tab.change(lambda now: chat.open(now, event._data.get("name")))
        return tab, drawn(chat, tab, opened)

    def on_show(tab: Tab, event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
        room = room_of(rooms, request, tab.conversation)
        if event._data.get("library") != room.library:
            return tab, gr.skip(), room.shelf.show(ELSEWHERE)
        opened = tab.change(lambda now: room.chat.open(now, event._data.get("name")))
        return tab, drawn(room.chat, tab, opened), gr.skip()

    def on_page(tab: Tab, event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
        chat = room_of(rooms, request, tab.conversation).chat
        turned = tab.change(lambda now: chat.turn_to(now, event._data.get("number")))
        return tab, drawn(chat, tab, turned)

    def on_text(tab: Tab, request: gr.Request) -> tuple[Any, ...]:
        chat = room_of(rooms, request, tab.conversation).chat
        return tab, drawn(chat, tab, tab.change(lambda now: replace(now, as_text=True)))

    state, talk, source, books = parts.state, parts.talk, parts.source, parts.books
    talk.cite(on_cite, [state], [state, talk, source], **DIRECT)
    books.show(on_show, [state], [state, source, books], **DIRECT)
    for event, handle in ((source.open, on_open), (source.turn, on_page), (source.plain, on_text)):
        event(handle, [state], [state, source], **DIRECT)


def wire_verdicts(rooms: Rooms, parts: Parts) -> None:
    """Connect what is said of answers, and conversations saved, begun, gone on with, deleted."""

    def on_verdict(tab: Tab, event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
        chat = room_of(rooms, request, tab.conversation).chat
        turn, word = event._data.get("turn"), event._data.get("word")
        better = event._data.get("better", "")
        return tab, chat.show(tab.change(lambda now: chat.judge(now, turn, word, better)))

    def on_restart(tab: Tab, request: gr.Request) -> tuple[Any, ...]:
        chat = room_of(rooms, request, tab.conversation).chat
        return shown(tab, chat.empty(), chat)

    def on_resume(tab: Tab, event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
        chat = room_of(rooms, request, tab.conversation).chat
        return shown(tab, chat.resume(event._data.get("identity")), chat)

    def on_forget(tab: Tab, event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
        chat = room_of(rooms, request, tab.conversation).chat
        chat.forget(event._data.get("identity"))
        return shown(tab, chat.empty(), chat)

    def shown(tab: Tab, conversation: Conversation, chat: Chat) -> tuple[Any, ...]:
        tab.change(lambda _: conversation)
        return tab, chat.show(conversation), chat.source(conversation)

    def on_save(tab: Tab, event: gr.EventData, request: gr.Request) -> dict[str, str] | None:
        form = event._data.get("format")
        chat = room_of(rooms, request, tab.conversation).chat
        return export(chat.settled(tab.conversation).answers, form) if form in NAMES else None

    state, talk, source = parts.state, parts.talk, parts.source
    talk.verdict(on_verdict, [state], [state, talk], **DIRECT)
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
    rooms: Rooms, request: gr.Request, room: Room, tab: Tab, problem: str = ""
) -> tuple[Any, ...]:
    """Return the tab, the library's view, what is around it, the choice of libraries."""
    picker = panes.libraries(rooms.choice(request), room.library, problem)
    return tab, room.shelf.show(), *around(room, tab.conversation), picker


def anew(rooms: Rooms, request: gr.Request, tab: Tab) -> tuple[str, ...]:
    """Return what is around the library's view, for the conversation as it is at the end."""
    while True:
        now = tab.conversation
        shown = around(room_of(rooms, request, now), now)
        if tab.conversation is now:
            return shown


def seen(tab: Tab, room: Room, view: str) -> Any:
    """Return a library's view; nothing when the tab is on another one by now."""
    return view if tab.conversation.library == room.library else gr.skip()


def taken(
    rooms: Rooms, request: gr.Request, tab: Tab, sent: dict[str, Any]
) -> Iterator[tuple[Room, str]]:
    """Take in files that were sent, into the library that they were dropped at.

    Yields:
        The library's room and its view; when it is gone, those of the one that the tab is on.
    """
    here = room_of(rooms, request, tab.conversation)
    room = rooms.asked(request, sent.get("library", here.library))
    if room is None:
        log.error("files were sent for a library that is gone: %r", sent.get("library"))
        yield here, here.shelf.show(NOT_OPENED)
        return
    for view in room.shelf.add(sent.get("files"), sent.get("batch")):
        yield room, view


def wire_library(rooms: Rooms, parts: Parts) -> None:
    """Connect uploads, removal and syncing."""

    def on_uploaded(tab: Tab, event: gr.EventData, request: gr.Request) -> Iterator[Any]:
        for room, view in taken(rooms, request, tab, event._data):
            yield seen(tab, room, view)

    def on_resync(tab: Tab, request: gr.Request) -> Iterator[Any]:
        room = room_of(rooms, request, tab.conversation)
        for view in room.shelf.resync():
            yield seen(tab, room, view)

    def on_remove(tab: Tab, event: gr.EventData, request: gr.Request) -> Any:
        room = room_of(rooms, request, tab.conversation)
        if event._data.get("library") != room.library:
            return room.shelf.show(ELSEWHERE)
        return seen(tab, room, room.shelf.remove(str(event._data["name"])))

    def refresh(tab: Tab, request: gr.Request) -> tuple[str, ...]:
        return anew(rooms, request, tab)

    state, books = parts.state, parts.books
    outputs = [parts.head, parts.talk, parts.source, parts.scope]
    # One writer at a time: the library's lock would refuse a second one. The others wait.
    alone: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "library", **QUIET}
    every: dict[str, Any] = {"trigger_mode": "multiple", **alone}
    for changed in (
        parts.zone.uploaded(on_uploaded, [state], [books], **every),
        parts.zone.resync(on_resync, [state], [books], **alone),
        books.remove(on_remove, [state], [books], **every),
    ):
        # With the conversation as it is by then: a question may have been asked meanwhile.
        changed.then(refresh, [state], outputs, **DIRECT)


def wire_choice(rooms: Rooms, parts: Parts) -> None:
    """Connect choosing and making a library, and what a page shows when it is loaded."""

    def switched(
        tab: Tab, request: gr.Request, to: Callable[[], Room], problem: str
    ) -> tuple[Any, ...]:
        try:
            room = to()
            tab.change(lambda _: room.chat.empty())
            return whole(rooms, request, room, tab)
        except LibraryError as error:
            log.error("a library was not made or opened: %s", error)
            here = room_of(rooms, request, tab.conversation)
            return whole(rooms, request, here, tab, problem)

    def on_choose(tab: Tab, event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
        name = event._data.get("library")
        return switched(tab, request, lambda: rooms(request, name), NOT_OPENED)

    def on_make(tab: Tab, event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
        name = "-".join(str(event._data.get("name", "")).split())
        return switched(tab, request, lambda: rooms.make(request, name), NOT_MADE)

    def on_load(kept: object, request: gr.Request) -> tuple[Any, ...]:
        before = kept if isinstance(kept, dict) else {}
        wanted = before.get("library")
        empty = Conversation(library=wanted if isinstance(wanted, str) else "")
        room = room_of(rooms, request, empty)
        return whole(rooms, request, room, Tab(room.chat.resume(before.get("conversation"))))

    outputs = [
        parts.state, parts.books, parts.head, parts.talk, parts.source, parts.scope, parts.picker,
    ]  # fmt: skip
    parts.picker.choose(on_choose, [parts.state], outputs, queue=False, **QUIET)
    parts.picker.make(on_make, [parts.state], outputs, queue=False, **QUIET)
    # The library may have changed since the server started, or be another one's.
    gr.on(
        None, on_load, [gr.JSON({}, visible=False)], outputs, js=LOAD_JS, queue=False, **QUIET
    ).then(None, js=READY_JS, api_visibility="private")
