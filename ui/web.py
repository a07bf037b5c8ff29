"""The page: a chat beside the document it quotes from, served on this machine only."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import gradio as gr
import uvicorn
from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from gradio.events import api
from gradio.utils import get_upload_folder

from index.documents import MAX_FILE_BYTES
from index.errors import CitespanError, QuestionError
from ui import panes, sheet
from ui.chat import wrap
from ui.gate import AT_ONCE, Busy, Gate, Question, ask
from ui.guard import App, Guard, check_exposure, is_loopback, listen
from ui.rest import UNREADABLE, route, unfit
from ui.rooms import Rooms, private_assistant
from ui.shelf import drop_zone
from ui.tab import Tab
from ui.wiring import Parts, line_of, wire

if TYPE_CHECKING:
    from socket import socket

    from qa.assistant import Assistant

log = logging.getLogger(__name__)

HERE = Path(__file__).resolve().parent
SEED = "000_d339585c7434496a.txt"
EXAMPLES = (
    "Who designated the cartel?",
    "How many people have been killed?",
    "What did Rubio say about the cartel?",
    "When did the military campaign start?",
    "How many ships were sunk?",
)
SANS = ("system-ui", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")
# Events of the page that Gradio takes in, beside the questions that have a place.
EVENTS = 40
# Connections, of which each takes a file; one more is told that the server is busy.
CONNECTIONS, FILES = 4096, 8192
# Seconds between two looks into the empty queue.
LOOK_FOR_WORK = 0.01
# Seconds after which what was uploaded and not taken is deleted.
KEPT_UPLOADS = 3600


def examples_for(assistant: Assistant) -> Sequence[str]:
    """Return questions to offer: those about the bundled article, where it is what is asked."""
    names = [record.name for record in assistant.library.documents()]
    return EXAMPLES if any(Path(name).name == SEED for name in names) else ()


def build(rooms: Rooms, gate: Gate) -> gr.Blocks:
    """Return the page.

    Args:
        rooms: Say who asks which library.
        gate: What questions go through.
    """
    page = gr.Blocks(
        title="Citespan",
        analytics_enabled=False,
        fill_height=True,
        fill_width=True,
        delete_cache=(KEPT_UPLOADS, KEPT_UPLOADS),
    )
    with page:
        # What is shown at first is nobody's; the library comes with the page's first event.
        state = gr.State(Tab())
        head = pane(panes.header(0), "cs-header")
        with gr.Row(elem_id="cs-main"):
            with gr.Column(elem_id="cs-chat"):
                talk = pane(wrap(""), "cs-conversation")
                scope = pane("", "cs-scope")
                box = question_box()
            with gr.Column(elem_id="cs-source"):
                source = pane(sheet.document_empty(), "cs-document")
        with gr.Column(elem_id="cs-library"):
            picker = pane("", "cs-picker")
            zone = pane(drop_zone(), "cs-zone")
            books = pane("", "cs-books")
        wire(rooms, Parts(state, head, box, talk, source, scope, picker, zone, books), gate)
        api(endpoint(rooms, gate), api_name="ask", concurrency_limit=None, concurrency_id="ask")
    # The gate says who waits: Gradio hands it every question at once, and bounds what is left.
    most = 2 * gate.places + EVENTS
    page.queue(max_size=most, default_concurrency_limit=AT_ONCE)
    page._queue.max_thread_count = most
    # By default Gradio sums up all events with pandas after each of them.
    page._queue.ANAYLTICS_CACHE_FREQUENCY = sys.maxsize
    # Gradio looks for work a thousand times a second, 6 % of a core while nobody asks.
    page._queue.sleep_when_free = LOOK_FOR_WORK
    return page


def pane(value: str, elem_id: str) -> gr.HTML:
    """Return a part of the page that is all our own markup, with the page's script."""
    script = (HERE / "page.js").read_text(encoding="utf-8")
    return gr.HTML(
        value, elem_id=elem_id, js_on_load=script, apply_default_css=False, padding=False
    )


def question_box() -> gr.Textbox:
    """Return where the question is typed."""
    return gr.Textbox(
        label="Your question",
        show_label=False,
        placeholder="Ask about your documents",
        elem_id="cs-question",
        submit_btn="Ask",
        lines=1,
        max_lines=5,
        autofocus=True,
        container=False,
    )


def endpoint(rooms: Rooms, gate: Gate) -> Any:
    """Return the one public function of the page's API."""

    async def answer(
        question: str, request: gr.Request, library: str = "", instead: bool = False
    ) -> dict[str, Any]:
        """Ask the documents a question; the answer is a quote with its place, or a refusal.

        Args:
            question: One question, at most 1,000 characters.
            request: Given by the server: whose library is asked.
            library: Name of a library; the one that is served when empty.
            instead: After a refusal, look up to two seconds for a question that is answered.

        Returns:
            `text` (the quote, or null), `confidence` (0..1), `citations` (document, page,
            heading, start, end, quote, sentence, place, …), `rivals` (the same, of sources that
            say otherwise), `refusal` (reason, message, nearest, instead), `unsaid` (words of the
            question that no document has), `note`.
        """
        try:
            room = await run_in_threadpool(rooms.asked, request, library)
            if room is None:
                raise gr.Error(f"There is no library {library!r}.", print_exception=False)
            asked = Question(room.chat.assistant, question, instead=instead)
            found = [stage async for stage in ask(gate, line_of(request), asked) if stage]
        except (QuestionError, Busy) as error:
            raise gr.Error(str(error), print_exception=False) from None
        except CitespanError as error:
            log.error("a question could not be answered: %s", error)
            raise gr.Error(UNREADABLE, print_exception=False) from None
        assert found[-1].answer is not None
        return found[-1].answer.to_dict()

    return answer


def theme() -> gr.themes.Base:
    """Return a plain theme with the system's own fonts; `page.css` does the rest."""
    return gr.themes.Base(primary_hue="emerald", font=list(SANS), font_mono=list(MONO))


def application(
    assistant: Assistant,
    *,
    host: str = "127.0.0.1",
    auth: Sequence[tuple[str, str]] | None = None,
    private: Callable[[str], Assistant] | None = None,
) -> App:
    """Return the page as an ASGI application, behind its guard.

    Args:
        assistant: Answers the questions.
        host: The address that is listened on.
        auth: (name, password) pairs that may log in; None asks for no login.
        private: Opens each login's own assistant; None where all share one.

    Raises:
        CitespanError: `host` is not of this machine only, and no login was asked for.
    """
    check_exposure(host, bool(auth))
    received = Path(assistant.settings.home).expanduser() / "received"
    received.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.environ["GRADIO_TEMP_DIR"] = str(received)
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    gate = Gate(assistant.settings.places)
    rooms = Rooms(assistant, Path(get_upload_folder()), examples_for, private if auth else None)
    app.post("/ask")(route(rooms, gate, auth or ()))
    app.add_exception_handler(RequestValidationError, unfit)
    gr.mount_gradio_app(
        app,
        build(rooms, gate),
        path="/",
        server_name=host,
        auth=list(auth) if auth else None,
        show_error=False,
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        mcp_server=False,
        ssr_mode=False,
        pwa=False,
        max_file_size=MAX_FILE_BYTES,
        theme=theme(),
        css_paths=[HERE / "page.css"],
    )
    return Guard(app, local_only=is_loopback(host))


def server_config(app: App) -> uvicorn.Config:
    """Return how the page is served: questions stay out of the log, connections are bounded."""
    return uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
        limit_concurrency=CONNECTIONS,
    )


def allow_files() -> None:
    """Raise the limit of open files, often 1,024, as far as the system lets: one a connection."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft < FILES:
            most = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def serve(
    assistant: Assistant,
    host: str = "127.0.0.1",
    port: int = 7860,
    auth: Sequence[tuple[str, str]] | None = None,
    bound: socket | None = None,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve the page until interrupted.

    Args:
        assistant: Answers the questions.
        host: Address to listen on.
        port: Port; 0 takes any free one.
        auth: (name, password) pairs that may log in; None asks for no login.
        bound: A socket from `guard.listen`, when the address was taken beforehand.
        ready: Called with the page's address before it is served.

    Raises:
        CitespanError: A public address without a login, or one that cannot be had.
    """
    check_exposure(host, bool(auth))
    allow_files()
    bound = bound or listen(host, port)
    private = partial(private_assistant, assistant)
    app = application(assistant, host=host, auth=auth, private=private)
    if ready:
        name = f"[{host}]" if ":" in host and not host.startswith("[") else host
        ready(f"http://{name}:{bound.getsockname()[1]}/")
    Thread(target=warm_up, args=[assistant], name="citespan-warm-up", daemon=True).start()
    # The server has shut down by then; to be interrupted is how it ends.
    with suppress(KeyboardInterrupt):
        uvicorn.Server(server_config(app)).run(sockets=[bound])


def warm_up(assistant: Assistant) -> None:
    """Load the embedder and run the reader once, before the first question needs them."""
    try:
        assistant.library.search("first words", 1)
        assistant.reader.read_many([("first words", ["A first passage."])])
    except CitespanError as error:
        log.warning("the first question will tell: %s", error)
