"""Each login's library holds the shared documents and its own, and no one else's."""

from __future__ import annotations

import os
import re
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import qa
from index.errors import LibraryError
from qa.config import Settings
from tests.index_fakes import WordEmbedder, write
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
