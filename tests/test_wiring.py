"""The page's events without a browser: what is done while another thing is under way must stand."""

from __future__ import annotations

import asyncio
import re
import threading
from dataclasses import dataclass, field
from types import SimpleNamespace

import gradio as gr
import pytest

import qa
from qa.config import Settings
from tests.index_fakes import WordEmbedder, write
from tests.ui_fakes import FakeAssistant, FakeStage, document
from ui import web, wiring
from ui.chat import NONE_CHOSEN, Chat
from ui.gate import Gate
from ui.rooms import Room, Rooms
from ui.shelf import ELSEWHERE, Shelf
from ui.tab import Tab

ASKER = SimpleNamespace(username="", session_hash="tab")
FOUNDED, DESIGNED = "When was the harbour founded?", "Who designed the lighthouse?"


@dataclass
class Slow(FakeAssistant):
    """Reads until `release` is set."""

    release: threading.Event = field(default_factory=threading.Event)
    reading: threading.Event = field(default_factory=threading.Event)

    def ask_stages(self, question, history=(), filters=None):
        yield FakeStage("searching")
        yield FakeStage("reading", ("a passage",))
        self.reading.set()
        assert self.release.wait(20)
        yield FakeStage("answering", answer=self.ask(question, history, filters))


class Door:
    """Leads to the rooms of one test at a time: to build a page takes seconds."""

    rooms: Rooms

    def __call__(self, *given):
        return self.rooms(*given)

    def __getattr__(self, name):
        return getattr(self.rooms, name)


@pytest.fixture(scope="module")
def built():
    door = Door()
    return door, web.build(door, Gate())


class Page:
    """The events of a page, called by their names as Gradio does."""

    def __init__(self, built, rooms: Rooms) -> None:
        door, blocks = built
        door.rooms = self.rooms = rooms
        self.events = {fn.name: fn for fn in blocks.fns.values()}
        self.tab = Tab(rooms(ASKER).chat.empty())

    def do(self, what, /, **data):
        """What an event with data shows; of one that has steps, a list."""
        event = SimpleNamespace(_data=data)
        found = self.events[what].fn(self.tab, event, ASKER)
        return list(found) if hasattr(found, "__next__") else found

    def ask(self, question, meanwhile=lambda: None, chosen=None):
        """Ask, and do something while the question is read; returns the steps after that."""
        later = []

        async def go():
            done = False
            async for step in self.events["on_ask"].fn(question, self.tab, chosen, ASKER):
                if done:
                    later.append(step)
                elif not is_skipped(step[2]):
                    meanwhile()
                    self.rooms(ASKER).chat.assistant.release.set()
                    done = True

        asyncio.run(go())
        return later

    def turns(self):
        return [turn.question for turn in self.tab.conversation.turns]


def is_skipped(value) -> bool:
    return value == gr.skip()


@pytest.fixture
def page(built, tmp_path):
    """A page over an assistant that reads slowly, with a second library beside it."""
    settings = Settings(home=tmp_path)
    rooms = Rooms(Slow(settings=settings), tmp_path, lambda assistant: ())
    other = FakeAssistant((document("rail.txt", "The bridge of Forth."),), settings=settings)
    rooms._open["", "contracts"] = Room(
        "contracts", Chat(other, (), "contracts"), Shelf(other, tmp_path, name="contracts")
    )
    return Page(built, rooms)


# --- while a question is answered ---------------------------------------------------------------


def test_an_answer_leaves_another_library_that_was_chosen_meanwhile(page):
    """The next upload or removal would go to the library that the question was asked of."""
    later = page.ask(FOUNDED, lambda: page.do("on_choose", library="contracts"))
    assert page.tab.conversation.library == "contracts" and page.turns() == []
    assert all(is_skipped(shown) for step in later for shown in (step[0], *step[2:]))
    # It is kept all the same.
    (kept,) = page.rooms(ASKER).chat.history.listed(9)
    assert kept.title == FOUNDED


def test_an_answer_leaves_a_conversation_that_was_begun_meanwhile(page):
    page.ask(FOUNDED, lambda: page.events["on_restart"].fn(page.tab, ASKER))
    assert page.turns() == []


def test_an_answer_to_a_deleted_conversation_brings_nothing_back(page):
    page.rooms(ASKER).chat.assistant.release.set()
    page.ask(FOUNDED)
    page.ask(DESIGNED, lambda: page.do("on_forget", identity=None))
    assert page.turns() == [] and page.rooms(ASKER).chat.history.listed(9) == []


def test_an_answer_goes_to_its_conversation_when_that_was_taken_up_again(page):
    page.rooms(ASKER).chat.assistant.release.set()
    page.ask(FOUNDED)
    identity = page.tab.conversation.identity

    def away_and_back():
        page.events["on_restart"].fn(page.tab, ASKER)
        page.do("on_resume", identity=identity)

    page.ask(DESIGNED, away_and_back)
    assert page.turns() == [FOUNDED, DESIGNED]
    assert [turn.answer.text for turn in page.tab.conversation.turns] == ["1708", "David Stevenson"]


def test_a_verdict_given_while_the_next_question_is_answered_stands(page):
    page.ask(FOUNDED)
    page.ask(DESIGNED, lambda: page.do("on_verdict", turn=0, word="right"))
    first, second = page.tab.conversation.turns
    assert "Kept for testing" in first.kept and second.answer.text == "David Stevenson"
    kept = page.rooms(ASKER).chat.history.load(page.tab.conversation.identity)
    assert kept[0].kept == first.kept


def test_a_question_tried_while_another_is_answered_loses_and_repeats_none(page):
    """Each was put in the place of the other, or the first one was asked again."""

    def try_another():
        async def go():
            event = SimpleNamespace(_data={"text": DESIGNED})
            page.rooms(ASKER).chat.assistant.release.set()
            [step async for step in page.events["on_example"].fn(page.tab, event, ASKER)]

        other = threading.Thread(target=lambda: asyncio.run(go()))
        other.start()
        other.join(20)

    page.ask(FOUNDED, try_another)
    assert page.turns() == [FOUNDED, DESIGNED]
    assert [turn.answer.text for turn in page.tab.conversation.turns] == ["1708", "David Stevenson"]
    assert page.events["on_example"].trigger_mode == "multiple"
    kept = page.rooms(ASKER).chat.history.load(page.tab.conversation.identity)
    assert [turn.question for turn in kept] == page.turns()


def test_a_choice_of_which_nothing_is_left_asks_nothing(page):
    """All documents were asked, as if none had been chosen."""
    page.ask(FOUNDED, chosen=["gone.txt"])
    (turn,) = page.tab.conversation.turns
    assert turn.error == NONE_CHOSEN and page.rooms(ASKER).chat.assistant.asked == []


def test_a_place_that_was_opened_later_is_not_painted_over(page):
    """The pane would show another citation than the one that is marked."""
    page.rooms(ASKER).chat.assistant.release.set()
    page.ask(DESIGNED)
    chat = page.rooms(ASKER).chat
    draw = chat.source

    def source(conversation, quick=False):
        pane = draw(conversation, quick)
        if not quick and conversation.selected == (0, 0) and conversation.opened is None:
            page.do("on_cite", turn=0, index=1)
        return pane

    chat.source = source
    assert is_skipped(page.events["on_drawn"].fn(page.tab, ASKER))
    page.do("on_open", name="harbour.txt")
    *_, pane = page.do("on_cite", turn=0, index=0)
    assert is_skipped(pane) and page.tab.conversation.selected == (0, 1)
    _, _, pane = page.do("on_cite", turn=0, index=1)
    assert "lights.txt" in pane
    for name in ("on_cite", "on_open", "on_page"):
        assert page.events[name].trigger_mode == "multiple", "a second click would be lost"


# --- while a library is read --------------------------------------------------------------------


@pytest.fixture
def real(built, tmp_path, monkeypatch):
    """A page over a real library, and one named "contracts" with a document of the same name."""
    made = WordEmbedder("all-minilm-l6-v2-int8")
    for module in ("qa.assistant", "ui.known"):
        monkeypatch.setattr(f"{module}.embedder_of", lambda settings: made)
    papers = write(tmp_path / "papers", {"a.txt": "The apple bridge.", "b.txt": "A dragon."})
    shared = qa.open(papers, settings=Settings(home=tmp_path / "home"))
    rooms = Rooms(shared, tmp_path / "received", lambda assistant: ())
    room = rooms.make(ASKER, "contracts")
    received = write(tmp_path / "received", {"a.txt": "A contract."})
    list(room.shelf.add([{"path": str(received / "a.txt"), "name": "a.txt"}]))
    return Page(built, rooms)


def names(page, library=""):
    records = page.rooms(ASKER, library).chat.assistant.library.documents()
    return sorted(record.name for record in records)


def test_a_library_read_to_its_end_leaves_the_table_of_another_one(real):
    """A click on Remove in it would have been carried out in the library that is chosen."""
    steps = real.events["on_resync"].fn(real.tab, ASKER)
    assert 'data-library=""' in next(steps)
    real.do("on_choose", library="contracts")
    assert all(is_skipped(view) for view in steps)
    head, *_ = real.events["refresh"].fn(real.tab, ASKER)
    assert "contracts" in head


def test_nothing_is_removed_or_shown_of_another_library_than_the_list_was_of(real):
    """The contract's only copy would be deleted by a click on another document of its name."""
    real.do("on_choose", library="contracts")
    view = real.do("on_remove", name="a.txt", library="")
    assert ELSEWHERE.split(":")[0] in view and 'data-library="contracts"' in view
    assert names(real, "contracts") == ["a.txt"] and names(real) == ["a.txt", "b.txt"]
    assert is_skipped(real.do("on_show", name="a.txt", library="")[1])
    assert "its uploaded copy deleted" in real.do("on_remove", name="a.txt", library="contracts")
    assert names(real, "contracts") == [] and names(real) == ["a.txt", "b.txt"]


def test_an_answer_given_while_a_library_is_read_is_there_at_the_end(real):
    steps = real.events["on_resync"].fn(real.tab, ASKER)
    next(steps)
    chat = Chat(FakeAssistant(settings=real.rooms(ASKER).chat.assistant.settings))
    *_, answered = chat.ask(FOUNDED, real.tab.conversation)
    real.tab.change(lambda _: answered)
    list(steps)
    _, talk, *_ = real.events["refresh"].fn(real.tab, ASKER)
    assert FOUNDED in talk and answered.identity in talk


def test_files_go_to_the_library_that_they_were_dropped_at(real, tmp_path):
    received = write(tmp_path / "received", {"c.txt": "A copper engine."})
    files = [{"path": str(received / "c.txt"), "name": "c.txt"}]
    real.do("on_choose", library="contracts")
    steps = real.do("on_uploaded", files=files, library="", batch=3)
    assert all(is_skipped(view) for view in steps)
    assert "uploaded/c.txt" in names(real) and names(real, "contracts") == ["a.txt"]
    (view,) = real.do("on_uploaded", files=files, library="gone", batch=4)
    assert wiring.NOT_OPENED in view


def test_files_dropped_while_others_are_read_wait_and_are_told_apart(real, tmp_path):
    """They were lost without a word; the page knows its lines on them by the batch's number."""
    uploaded = real.events["on_uploaded"]
    assert (uploaded.trigger_mode, uploaded.concurrency_limit) == ("multiple", 1)
    assert real.events["on_remove"].trigger_mode == "multiple"
    received = write(tmp_path / "received", {"c.txt": "A copper engine."})
    files = [{"path": str(received / "c.txt"), "name": "c.txt"}]
    steps = real.do("on_uploaded", files=files, library="", batch=7)
    assert len(steps) > 1
    assert {re.search(r'data-batch="(\d+)"', view)[1] for view in steps} == {"7"}
