"""Each login's library holds the shared documents and its own, and no one else's."""

from __future__ import annotations

import asyncio
import os
import re
import threading
from functools import partial
from pathlib import Path

import gradio as gr
import numpy as np
import pytest

import qa
from index.errors import LibraryError
from qa.config import Settings
from tests.index_fakes import WordEmbedder, write
from ui import web
from ui.gate import Gate
from ui.rooms import Rooms, named_assistant, private_assistant
from ui.shelf import Shelf


def test_what_one_login_uploads_another_does_not_have(tmp_path):
    papers = tmp_path / "papers"
    papers.mkdir()
    (papers / "shared.txt").write_text("The harbour of Lerwick was founded in 1708.")
    received = tmp_path / "received"
    received.mkdir()
    shared = qa.open(papers, settings=Settings(home=tmp_path / "home"))
    ada, bob = (private_assistant(shared, name) for name in ("ada", "../bob"))
    sent = received / "mine.txt"
    sent.write_text("The lighthouse was lit in 1858.")
    *_, view = Shelf(ada, received).add([{"path": str(sent), "name": "mine.txt"}])
    assert "Done: 1 added." in view

    def names(assistant) -> set[str]:
        return {Path(record.name).name for record in assistant.library.documents()}

    assert names(ada) == {"shared.txt", "mine.txt"}
    assert names(bob) == names(shared) == {"shared.txt"}
    assert ada.ask("When was the lighthouse lit?").text == "1858"
    assert "mine.txt" not in str(bob.ask("When was the lighthouse lit?").to_dict())
    homes = {Path(one.settings.home) for one in (ada, bob)}
    assert all(home.parent == tmp_path / "home" / "users" for home in homes)
    assert len(homes) == 2
    # Opened again, it is the same library.
    assert names(private_assistant(shared, "ada")) == {"shared.txt", "mine.txt"}


class Asked:
    """A request of a login."""

    session_hash = ""

    def __init__(self, username: str = "") -> None:
        self.username = username


@pytest.fixture
def words(monkeypatch):
    """The embedder of every library: words counted by hand."""
    made = WordEmbedder("all-minilm-l6-v2-int8")
    for module in ("qa.assistant", "ui.known"):
        monkeypatch.setattr(f"{module}.embedder_of", lambda settings: made)
    return made


@pytest.fixture
def shared(tmp_path, words):
    papers = write(tmp_path / "papers", {"a.txt": "The apple bridge. " * 200, "b.txt": "A dragon."})
    return qa.open(papers, settings=Settings(home=tmp_path / "home"))


def test_a_document_that_is_shared_is_embedded_once(shared, words):
    before = list(words.encoded)
    assert len(before) > 2
    ada = private_assistant(shared, "ada")
    assert words.encoded == before
    question = "Where is the apple bridge?"
    found = [one.text for one in ada.library.search(question)]
    assert found == [one.text for one in shared.library.search(question)]
    same = [one.library.snapshot() for one in (ada, shared)]
    rows = np.arange(len(same[0]))
    assert (same[0].vectors.reconstruct(rows) == same[1].vectors.reconstruct(rows)).all()
    write(tmp := shared.settings.home / "more", {"mine.txt": "A copper engine."})
    ada.library.add(tmp)
    assert words.encoded[len(before) :] == [question, question, "A copper engine."]


def test_what_was_removed_from_the_shared_library_is_quoted_to_no_login(shared):
    shared.library.remove("b.txt")
    ada = private_assistant(shared, "ada")
    # Its file is left where it is, and is not read in again.
    *_, view = Shelf(ada, Path("received")).resync()
    assert "b.txt" not in view
    assert [record.name for record in ada.library.documents()] == ["a.txt"]
    assert {found.document for found in ada.library.search("Where is the dragon?")} == {"a.txt"}


@pytest.mark.parametrize("file", ["left", "deleted", "put back"])
def test_what_is_removed_later_is_taken_out_before_a_login_asks_again(shared, tmp_path, file):
    rooms = Rooms(shared, tmp_path, lambda assistant: (), partial(private_assistant, shared))
    sent = write(tmp_path / "received", {"mine.txt": "A copper engine."})
    room = rooms(Asked("ada"))
    chat = room.chat
    list(Shelf(chat.assistant, sent).add([{"path": str(sent / "mine.txt"), "name": "mine.txt"}]))
    everything = ["a.txt", "b.txt", "uploaded/mine.txt"]
    assert rooms(Asked("ada")).chat.names() == everything
    *_, quoting = chat.ask("What is there?", chat.empty(), ["b.txt"])
    assert chat.resume(quoting.identity).turns
    path = tmp_path / "papers" / "b.txt"
    shared.library.remove("b.txt")
    if file != "left":
        path.unlink()
    assert rooms(Asked("ada")).chat.names() == ["a.txt", "uploaded/mine.txt"]
    assert not chat.resume(quoting.identity).turns, "a kept conversation quotes it still"
    if file == "put back":
        path.write_text("A dragon.")
    list(rooms(Asked("ada")).shelf.resync())
    assert rooms(Asked("ada")).chat.names() == ["a.txt", "uploaded/mine.txt"]


def test_a_file_that_was_away_when_it_was_removed_is_taken_out_when_it_comes_back(shared, tmp_path):
    rooms = Rooms(shared, tmp_path, lambda assistant: (), partial(private_assistant, shared))
    (tmp_path / "papers" / "b.txt").unlink()
    room = rooms(Asked("ada"))
    shared.library.remove("b.txt")
    assert rooms(Asked("ada")).chat.names() == ["a.txt"]
    write(tmp_path / "papers", {"b.txt": "A dragon."})
    list(room.shelf.resync())
    assert rooms(Asked("ada")).chat.names() == ["a.txt"]


def test_a_file_that_a_login_has_by_another_name_is_taken_out_too(tmp_path, words):
    papers = write(tmp_path / "papers", {"b.txt": "A bridge.", "deep/b.txt": "A dragon."})
    shared = qa.open(papers / "deep", settings=Settings(home=tmp_path / "home"))
    # A folder inside the other one: it counts once where both are opened at the same time.
    shared.library.add(papers)
    shared.library.remove("b.txt")
    assert "papers/b.txt" in {record.name for record in shared.library.documents()}
    ada = private_assistant(shared, "ada")
    assert [record.name for record in ada.library.documents()] == ["b.txt"]


def test_what_a_login_uploaded_stays_when_another_file_of_its_name_is_removed(shared, tmp_path):
    rooms = Rooms(shared, tmp_path, lambda assistant: (), partial(private_assistant, shared))
    sent = write(tmp_path / "received", {"mine.txt": "A copper engine."})
    own = rooms(Asked("ada")).chat.assistant
    list(Shelf(own, sent).add([{"path": str(sent / "mine.txt"), "name": "mine.txt"}]))
    shared.library.add(write(tmp_path / "other" / "uploaded", {"mine.txt": "Not hers."}))
    shared.library.remove("uploaded/mine.txt")
    assert rooms(Asked("ada")).chat.names() == ["a.txt", "b.txt", "uploaded/mine.txt"]


@pytest.mark.parametrize("login", ["", "ada"])
def test_the_library_that_is_served_is_asked_by_its_name_too(tmp_path, words, login):
    papers = write(tmp_path / "papers", {"a.txt": "The apple bridge."})
    served = qa.open(papers, name="papers", settings=Settings(home=tmp_path / "home"))
    private = partial(private_assistant, served) if login else None
    rooms = Rooms(served, tmp_path, lambda assistant: (), private)
    who = Asked(login)
    assert rooms.asked(who, "papers") is rooms.asked(who, "") is rooms(who)
    for name in ("paper", "PAPERS", "../papers", None, 7, ["papers"]):
        assert rooms.asked(who, name) is None
    asked = web.endpoint(rooms, Gate())
    assert asyncio.run(asked("Where is it?", who, library="papers"))["question"] == "Where is it?"
    with pytest.raises(gr.Error, match="no library 'none'"):
        asyncio.run(asked("Where is it?", who, library="none"))
    if not login:
        # Or its documents would be joined by a folder for uploads.
        with pytest.raises(LibraryError, match="expected a new name"):
            rooms.make(who, "papers")


def test_a_logins_own_library_is_asked_by_its_name_before_the_served_one(tmp_path, words):
    papers = write(tmp_path / "papers", {"a.txt": "The apple bridge."})
    served = qa.open(papers, name="papers", settings=Settings(home=tmp_path / "home"))
    private = partial(private_assistant, served)
    rooms = Rooms(served, tmp_path, lambda assistant: (), private)
    made = rooms.make(Asked("ada"), "papers")
    assert made.chat.names() == [] and rooms.asked(Asked("ada"), "papers") is made
    assert rooms.asked(Asked("bob"), "papers").chat.names() == ["a.txt"]


def test_libraries_are_made_chosen_and_kept_apart(shared, tmp_path):
    rooms = Rooms(shared, tmp_path, lambda assistant: ())
    request = Asked()
    assert rooms.choice(request) == [("", "papers")]
    made = rooms.make(request, "contracts")
    assert made.library == "contracts" and made.chat.names() == []
    (tmp_path / "x.txt").write_text("A copper engine.")
    *_, view = made.shelf.add([{"path": str(tmp_path / "x.txt"), "name": "x.txt"}])
    assert (
        '<li data-state="indexed"><bdi>x.txt</bdi><span class="cs-state">Ready</span></li>' in view
    )
    assert made.chat.names() == ["x.txt"]
    assert rooms.choice(request) == [("", "papers"), ("contracts", "contracts")]
    assert rooms(request, "contracts") is made
    assert rooms(request).chat.names() == ["a.txt", "b.txt"]
    # Another server finds it again; removing deletes the copy that was uploaded.
    again = Rooms(shared, tmp_path, lambda assistant: ())(request, "contracts")
    assert again.chat.names() == ["x.txt"]
    kept = tmp_path / "home" / "uploads" / "@contracts" / "uploaded" / "x.txt"
    assert kept.is_file()
    assert "its uploaded copy deleted" in again.shelf.remove("x.txt")
    assert not kept.exists() and again.chat.names() == []


@pytest.mark.parametrize("name", ["", "../x", "a/b", "x" * 65, "-x", "contracts"])
def test_a_library_of_no_fit_name_or_a_taken_one_is_not_made(shared, tmp_path, name):
    rooms = Rooms(shared, tmp_path, lambda assistant: ())
    rooms.make(Asked(), "contracts")
    before = sorted((tmp_path / "home").rglob("*"))
    with pytest.raises(LibraryError, match="expected a"):
        rooms.make(Asked(), name)
    assert sorted((tmp_path / "home").rglob("*")) == before


@pytest.mark.parametrize("name", ["nothing", "../papers", None, 7, ["contracts"]])
def test_a_name_that_is_no_library_gives_the_first_one(shared, tmp_path, name):
    rooms = Rooms(shared, tmp_path, lambda assistant: ())
    assert rooms(Asked(), name) is rooms(Asked())


def test_a_login_sees_its_own_libraries_only(shared, tmp_path):
    rooms = Rooms(shared, tmp_path, lambda assistant: (), partial(private_assistant, shared))
    named_assistant(shared, "everyones", make=True)
    rooms.make(Asked("ada"), "adas")
    assert [name for name, _ in rooms.choice(Asked("ada"))] == ["", "adas"]
    assert [name for name, _ in rooms.choice(Asked("bob"))] == [""]
    assert rooms(Asked("bob"), "adas") is rooms(Asked("bob"))
    assert rooms(Asked("bob"), "everyones") is rooms(Asked("bob"))
    rooms.make(Asked("bob"), "adas")
    assert rooms(Asked("ada"), "adas") is not rooms(Asked("bob"), "adas")


def test_a_login_that_opens_slowly_keeps_no_other_waiting(shared, tmp_path):
    slow = threading.Event()

    def private(name):
        if name == "ada":
            assert slow.wait(20), "bob was kept waiting"
        return private_assistant(shared, name)

    rooms = Rooms(shared, tmp_path, lambda assistant: (), private)
    opening = threading.Thread(target=rooms, args=[Asked("ada")])
    opening.start()
    rooms(Asked("bob"))
    slow.set()
    opening.join(20)
    assert not opening.is_alive()


def test_each_file_that_was_sent_is_told_of(shared, tmp_path):
    rooms = Rooms(shared, tmp_path / "received", lambda assistant: ())
    received = write(
        tmp_path / "received",
        {"good.txt": "A copper engine.", "bad.txt": bytes(range(256)) * 8, "tool.exe": "MZ"},
    )
    files = [{"path": str(received / name), "name": name} for name in os.listdir(received)]
    first, *_, last = rooms(Asked()).shelf.add(files)
    assert first.count("Being read") == 2
    states = re.findall(r'<li data-state="(\w+)"><bdi>([\w.]+)</bdi><span [^>]*>([\w ]+)<', last)
    assert sorted(states[:2]) == [
        ("failed", "bad.txt", "Not read"),
        ("failed", "tool.exe", "Not taken"),
    ]
    assert states[2] == ("indexed", "good.txt", "Ready")
