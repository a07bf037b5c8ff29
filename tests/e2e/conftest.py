"""A real browser, a real `citespan serve`, and a page that must stay quiet and at home."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import sync_playwright

from qa.config import Settings
from tests.ui_fakes import FakeAssistant
from ui import guard, web

ROOT = Path(__file__).resolve().parents[2]
ARTEFACTS = ROOT / "artifacts" / "e2e"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser():
    """One Chromium for the whole run."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for path in map(shutil.which, names) if path), None)
    assert found, "no Chromium on PATH; run: scripts/chromium.sh"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield opened
        opened.close()


class Watched:
    """A browser page that remembers what it complained of and where it went."""

    def __init__(self, context, url):
        self.page = context.new_page()
        self.url = url
        self.home = url.rstrip("/")
        self.complaints: list[str] = []
        self.elsewhere: list[str] = []
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", self._dialog)
        context.on("request", self._request)

    def _console(self, message):
        if message.type == "error":
            self.complaints.append(message.text)

    def _dialog(self, dialog):
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _request(self, request):
        if not request.url.startswith((self.home, "data:", "blob:")):
            self.elsewhere.append(request.url)

    def open(self):
        self.page.goto(self.url)
        self.page.wait_for_selector("#cs-question textarea")
        self.page.wait_for_function("window.citespanReady")
        return self

    def reload(self):
        """Load the page again; that the page which is left was cut off is no error."""
        before = len(self.complaints)
        self.page.reload()
        self.page.wait_for_function("window.citespanReady")
        cut = ("AbortError", "Errored out", "Connection errored out")
        self.complaints[before:] = [
            text for text in self.complaints[before:] if not any(word in text for word in cut)
        ]

    def ask(self, question):
        """Type a question, press Enter, and wait until it is answered, refused or rejected."""
        before = self.page.locator(".cs-turn").count()
        self.page.fill("#cs-question textarea", question)
        self.page.press("#cs-question textarea", "Enter")
        self.page.wait_for_function(
            """n => {
                const turns = document.querySelectorAll('.cs-turn');
                return turns.length > n && !turns[turns.length - 1].querySelector('.cs-stage');
            }""",
            arg=before,
        )
        return self.page.locator(".cs-turn").last

    def shot(self, name):
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=ARTEFACTS / f"{name}.png")


@pytest.fixture
def visit(browser, fake_server):
    """Open a server's page; at the end, nothing may have been complained of or fetched elsewhere.

    It asks for `fake_server` so that the pages are closed before the servers are.
    """
    opened: list[tuple] = []

    def go(url, *, width=1280, height=860, scheme="light", **options) -> Watched:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            permissions=["clipboard-read", "clipboard-write"],
            **options,
        )
        context.set_default_timeout(20_000)
        watched = Watched(context, url)
        opened.append((context, watched))
        return watched.open()

    yield go
    complaints = [text for _, watched in opened for text in watched.complaints]
    elsewhere = [url for _, watched in opened for url in watched.elsewhere]
    for context, _ in opened:
        context.close()
    assert complaints == [], "the browser's console has errors"
    assert elsewhere == [], "the page asked for something from elsewhere"


@pytest.fixture(scope="session")
def citespan(tmp_path_factory):
    """Start `citespan serve` as a person does; returns a function from arguments to an address."""
    started: list[subprocess.Popen] = []

    def serve(*arguments: str) -> str:
        home = tmp_path_factory.mktemp("home")
        process = subprocess.Popen(
            [sys.executable, "-m", "ui.cli", "serve", "--port", "0", *arguments],
            cwd=ROOT,
            env={**os.environ, "CITESPAN_HOME": str(home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        said = []
        for line in process.stdout:
            said.append(line)
            if " is at http" in line:
                # What it says later must not fill the pipe.
                threading.Thread(target=process.stdout.read, daemon=True).start()
                return line.split(" is at ")[1].split()[0]
        pytest.fail(f"citespan serve stopped: {''.join(said)}")

    yield serve
    for process in started:
        process.terminate()
        process.wait(timeout=10)


@pytest.fixture(scope="session")
def seeds(citespan) -> str:
    """The address of the page over the sample article, with the shipped weights."""
    return citespan()


@pytest.fixture(scope="session")
def papers(browser, tmp_path_factory) -> Path:
    """A folder with a text, a broken text, and a PDF of two pages."""
    folder = tmp_path_factory.mktemp("papers")
    (folder / "harbour.txt").write_text("The harbour of Lerwick was founded in 1708.")
    (folder / "broken.txt").write_bytes(bytes(range(256)) * 8)
    page = browser.new_page()
    page.set_content(
        "<h1>Harbour report</h1>"
        + "<p>Some words about boats and nets.</p>" * 12
        + "<div style='break-before: page'></div><h2>The light</h2>"
        "<p>The lighthouse was lit for the first time in 1858. It was designed by David "
        "Stevenson, whose family built most of the lights of Scotland.</p>"
    )
    page.pdf(path=folder / "report.pdf", format="A4")
    page.close()
    return folder


@pytest.fixture(scope="session")
def library_address(citespan, papers) -> str:
    """The address of the page over the papers."""
    return citespan(str(papers))


def start(assistant, **options):
    """Serve an assistant from this process; returns its address and what stops it."""
    bound = guard.listen("127.0.0.1", 0)
    server = uvicorn.Server(web.server_config(web.application(assistant, **options)))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()

    def stop():
        server.should_exit = True
        thread.join(timeout=10)

    return f"http://127.0.0.1:{bound.getsockname()[1]}/", stop


@pytest.fixture(scope="session")
def plain(tmp_path_factory):
    """The address of a page over hand-written answers, for tests that leave it as it is."""
    home = tmp_path_factory.mktemp("plain-home")
    address, stop = start(FakeAssistant(settings=Settings(home=home)))
    yield address
    stop()


@pytest.fixture
def fake_server():
    """Serve a fake assistant for one test; returns a function from assistant to address."""
    stops = []

    def serve(assistant, **options) -> str:
        address, stop = start(assistant, **options)
        stops.append(stop)
        return address

    yield serve
    for stop in stops:
        stop()
