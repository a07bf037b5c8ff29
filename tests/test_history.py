"""Kept conversations: found again as they were, closed to others, gone when they are deleted."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from index.errors import LibraryCorrupt
from qa.config import Settings
from tests.ui_fakes import FakeAssistant, document
from ui import history
from ui.chat import Chat, Conversation
from ui.history import History
from ui.wiring import look_further


def talk(chat: Chat, *questions: str) -> Conversation:
    conversation = chat.empty()
    for question in questions:
        *_, conversation = chat.ask(question, conversation)
    return conversation


def test_a_conversation_is_there_again_after_a_restart_and_goes_on():
    assistant = FakeAssistant(offers={"how deep is it?": "How many boats are there?"})
    chat = Chat(assistant)
    before = talk(chat, "When was the harbour founded?", "How deep is it?")
    chat.offer(before)
    chat.keep(before)
    again = Chat(FakeAssistant())
    resumed = again.resume(before.identity)
    assert resumed.turns == chat.settled(before).turns
    assert resumed.selected == (1, 0)
    assert again.show(resumed) == chat.show(replace(before, selected=(1, 0)))
    *_, after = again.ask("How many boats are there?", resumed)
    assert [len(kept) for kept in again.assistant.histories] == [2]
    assert after.identity == before.identity
    (listed,) = again.history.listed(9)
    assert (listed.title, listed.questions) == ("When was the harbour founded?", 3)


def refused(meanwhile) -> tuple[Chat, Conversation, dict[str, str] | None]:
    """A refusal, for which another question is found after what `meanwhile` does to the talk."""

    class Slow(FakeAssistant):
        def instead(self, answer, filters=None, seconds=2.0):
            meanwhile(chat, conversation)
            return super().instead(answer, filters, seconds)

    chat = Chat(Slow(offers={"how deep is it?": "How many boats are there?"}))
    conversation = talk(chat, "How deep is it?")
    return chat, conversation, look_further(chat, conversation)


def test_what_was_asked_while_another_question_was_looked_for_is_kept():
    later = []

    def ask(chat: Chat, conversation: Conversation) -> None:
        later.extend(chat.ask("When was the harbour founded?", conversation))

    chat, before, found = refused(ask)
    assert found == {"asked": "How deep is it?", "text": "How many boats are there?"}
    kept = Chat(FakeAssistant()).resume(before.identity)
    assert [turn.question for turn in kept.turns] == [
        "How deep is it?",
        "When was the harbour founded?",
    ]
    assert kept.turns == chat.settled(later[-1]).turns
    assert kept.turns[0].answer.refusal.instead == "How many boats are there?"


def test_a_conversation_deleted_while_another_question_was_looked_for_stays_deleted(home):
    chat, before, found = refused(lambda chat, conversation: chat.forget(conversation.identity))
    assert found is not None
    assert not chat.resume(before.identity).turns
    assert list((home / "conversations" / "fake").iterdir()) == []


@pytest.mark.parametrize("every", [False, True])
def test_a_conversation_deleted_while_it_is_answered_stays_deleted(home, every):
    chat = Chat(FakeAssistant())
    before = talk(chat, "When was the harbour founded?")
    stages = chat.ask("How many boats are there?", before)
    next(stages)
    chat.forget(None if every else before.identity)
    *_, after = stages
    assert after.turns[-1].answer is not None
    assert list((home / "conversations" / "fake").iterdir()) == []
    other = talk(chat, "How many boats are there?")
    assert chat.resume(other.identity).turns


def test_a_question_found_is_kept_with_its_refusal():
    _, before, _ = refused(lambda chat, conversation: None)
    (turn,) = Chat(FakeAssistant()).resume(before.identity).turns
    assert turn.answer.refusal.instead == "How many boats are there?"


def test_what_is_kept_is_closed_to_other_users(home):
    chat = Chat(FakeAssistant())
    talk(chat, "When was the harbour founded?")
    folder = home / "conversations" / "fake"
    (path,) = folder.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


def test_deleting_one_leaves_the_others_and_deleting_all_leaves_none(home):
    chat = Chat(FakeAssistant())
    first = talk(chat, "When was the harbour founded?")
    second = talk(chat, "How many boats are there?")
    chat.forget(first.identity)
    assert not chat.resume(first.identity).turns
    assert chat.resume(second.identity).turns
    chat.forget(None)
    assert list((home / "conversations" / "fake").iterdir()) == []


def test_nothing_is_kept_where_it_is_not_wanted(home):
    chat = Chat(FakeAssistant(settings=Settings(keep_conversations=False)))
    conversation = talk(chat, "When was the harbour founded?")
    assert not (home / "conversations").exists()
    assert conversation.identity not in chat.show(conversation)
    assert not chat.resume(conversation.identity).turns


def test_a_document_that_is_gone_leaves_no_quotes_behind(home):
    assistant = FakeAssistant()
    chat = Chat(assistant)
    talk(chat, "Who designed the lighthouse?")
    mixed = talk(chat, "When was the harbour founded?", "Who designed the lighthouse?")
    assistant.documents = (document("harbour.txt", assistant.documents[0].text),)
    chat.prune()
    (path,) = (home / "conversations" / "fake").iterdir()
    assert path.stem == mixed.identity
    assert "lights.txt" not in path.read_text() and "1708" in path.read_text()
    # The same when the server starts after the document has gone.
    assistant.documents = ()
    Chat(assistant)
    assert list((home / "conversations" / "fake").iterdir()) == []


@pytest.mark.parametrize("then", ["asked", "judged"])
def test_a_page_that_is_open_writes_no_quote_of_a_removed_document_back(home, then):
    assistant = FakeAssistant()
    chat = Chat(assistant)
    open_page = talk(chat, "When was the harbour founded?", "Who designed the lighthouse?")
    assistant.documents = assistant.documents[:1]
    chat.prune()
    if then == "asked":
        *_, after = chat.ask("How many boats are there?", open_page)
    else:
        after = chat.judge(open_page, 0, "right", None)
    assert len(after.turns) > 1
    (path,) = (home / "conversations" / "fake").iterdir()
    assert "lights.txt" not in path.read_text() and "1708" in path.read_text()


def test_nothing_is_kept_of_a_library_that_cannot_be_read_and_the_talk_goes_on(home, caplog):
    chat = Chat(FakeAssistant())
    conversation = talk(chat, "When was the harbour founded?")

    class Gone(FakeAssistant):
        @property
        def library(self):
            raise LibraryCorrupt("catalog.db: truncated")

    chat.assistant = Gone()
    chat.keep(conversation)
    assert "could not be kept" in caplog.text


@pytest.mark.parametrize(
    "identity", ["../../etc/passwd", "", None, 7, "0" * 16, "0" * 15, ["0" * 16]]
)
def test_a_name_that_is_none_opens_nothing(tmp_path, identity):
    assert History(tmp_path).load(identity) == ()


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"turns": [1]}', '{"turns": [{"question": "q", "answer": {}}]}', "\x00"],
)
def test_a_damaged_file_is_passed_over(tmp_path, text, caplog):
    kept = History(tmp_path)
    (tmp_path / f"{'a' * 16}.json").write_text(text)
    assert kept.load("a" * 16) == ()
    assert kept.listed(5) == []
    kept.prune(set())


def test_offsets_that_are_none_are_not_shown(tmp_path):
    kept = History(tmp_path)
    conversation = talk(Chat(FakeAssistant()), "When was the harbour founded?")
    kept.keep("a" * 16, conversation.turns)
    path = tmp_path / f"{'a' * 16}.json"
    path.write_text(path.read_text().replace('"start": ', '"start": "x', 1).replace(",", '",', 1))
    assert kept.load("a" * 16) == ()


def test_the_oldest_go_when_there_are_too_many(tmp_path, monkeypatch):
    monkeypatch.setattr(history, "MOST", 3)
    kept = History(tmp_path)
    turns = talk(Chat(FakeAssistant()), "When was the harbour founded?").turns
    for number in range(5):
        kept.keep(f"{number:016x}", turns)
        os.utime(tmp_path / f"{number:016x}.json", (number, number))
    kept.keep(f"{9:016x}", turns)
    assert [one.identity for one in kept.listed(9)] == [f"{n:016x}" for n in (9, 4, 3)]


def test_a_disk_that_is_full_does_not_stop_the_conversation(monkeypatch, caplog):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(history.os, "replace", full)
    conversation = talk(Chat(FakeAssistant()), "When was the harbour founded?")
    assert conversation.turns[0].answer.text == "1708"
    assert "could not be kept" in caplog.text
