"""The page's parts without a browser: what they say, and that nothing from outside is markup."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.documents import Heading, Page
from index.errors import LibraryCorrupt
from qa.answer import Answer, Refusal
from qa.config import Settings
from tests.test_render import HOSTILE, parsed
from tests.ui_fakes import ARTICLE, FakeAssistant, cite, document
from ui import panes, render, sheet, shelf
from ui.chat import BROKEN, NONE_CHOSEN, Chat, Conversation
from ui.panes import Kept, Turn

HARBOUR = document("harbour.txt", ARTICLE)


def ask(chat: Chat, *questions: str) -> Conversation:
    conversation = Conversation()
    for question in questions:
        *_, conversation = chat.ask(question, conversation)
    return conversation


# --- the document -------------------------------------------------------------------------------


@given(st.text(alphabet="a \n", max_size=400), st.integers(0, 400), st.integers(20, 200))
def test_the_stretch_shown_holds_the_quote_and_is_bounded(text, at, size):
    at = min(at, len(text))
    start, end = sheet.stretch(text, at, size)
    assert 0 <= start <= at <= end <= len(text)
    assert end - start <= max(size, 0) or len(text) <= size


@given(st.text(alphabet="ab \n\t", max_size=200))
def test_paragraphs_hold_every_character_that_can_be_seen(text):
    found = sheet.blocks(text, 0, len(text))
    assert found == sorted(found)
    shown = "".join(text[start:end] for start, end in found)
    assert "".join(shown.split()) == "".join(text.split())


def test_a_quote_over_two_paragraphs_is_marked_in_both():
    text = "First line.\nSecond line."
    citation = cite(document("a.txt", text), "line.\nSecond")
    markup = sheet.document_pane(document("a.txt", text), citation)
    assert '<mark class="cs-quote" id="cs-target">line.</mark></p>' in markup
    assert '<p><mark class="cs-quote">Second</mark>' in markup


def test_headings_and_pages_are_told_apart_from_text():
    text = "Report\n\nBody one.\n\nBody two."
    shown = replace(
        document("a.pdf", text),
        headings=(Heading("Report", 1, 0, 6),),
        pages=(Page(1, 0, 17), Page(2, 19, 28)),
    )
    markup = sheet.document_pane(shown)
    assert '<p role="heading" aria-level="3">Report</p>' in markup
    assert '<p class="cs-page-number">Page 2</p><p>Body two.</p>' in markup


def test_a_book_is_shown_around_the_quote_and_says_what_is_left_out():
    text = "Nothing here.\n" * 20_000 + ARTICLE
    markup = sheet.document_pane(document("book.txt", text), cite(document("b", text), "1858"))
    assert len(markup) < 2 * sheet.WINDOW
    assert "characters before this" in markup
    assert ">1858</mark>" in markup


def test_a_document_that_changed_since_is_not_shown_with_a_wrong_mark():
    assistant = FakeAssistant()
    conversation = ask(Chat(assistant), "When was the harbour founded?")
    assistant.documents = (document("harbour.txt", "Founded, some say, in 1707."),)
    assert "changed or removed" in Chat(assistant).source(conversation)


# --- the conversation ---------------------------------------------------------------------------


@pytest.mark.parametrize("payload", HOSTILE)
def test_hostile_words_open_no_element(payload):
    source = document(payload, f"Before it. {payload} After it.")
    citation = replace(cite(source, payload), heading=payload)
    answer = Answer(
        payload, f"{payload}?", payload, 0.9, (citation,), note=payload, rivals=(citation,)
    )
    turn = Turn(payload, answer=answer, scope=(payload,))
    refusal = Refusal("not_answered", payload, (citation,), instead=payload)
    kept = Kept("0" * 16, payload, 1, datetime(2026, 3, 3))
    for markup in (
        panes.conversation([Turn(payload, answer=Answer(payload, payload, None, 0, (), refusal))]),
        panes.welcome([], 1, [kept]),
        panes.libraries([("", payload), (payload, payload)], payload, payload),
        panes.conversation([turn, Turn(payload, error=payload), Turn(payload, stage="reading")]),
        panes.welcome([payload], 1),
        panes.scope([payload, "b.txt"]),
        sheet.document_pane(source, citation),
        sheet.document_empty([payload]),
        sheet.document_gone(payload),
    ):
        tags = parsed(markup)
        assert not set(tags.tags) & {"script", "img", "svg", "iframe", "b", "a"}
        assert "${" not in markup and "{{" not in markup
        assert not any(name.startswith("on") for name in tags.attributes)
    assert parsed(panes.header(1, payload)).tags == parsed(panes.header(1, "x")).tags


def test_a_question_as_understood_is_shown_only_when_it_differs():
    answer = FakeAssistant().ask("When was the harbour founded?")
    same = panes.conversation([Turn("q", answer=replace(answer, understood=answer.question))])
    other = panes.conversation([Turn("q", answer=replace(answer, understood="When was it lit?"))])
    assert "Understood as" not in same
    assert "Understood as: <q>When was it lit?</q>" in other


def test_sources_beyond_the_first_few_fold_away():
    answer = FakeAssistant().ask("When was the harbour founded?")
    many = replace(answer, citations=answer.citations * 5)
    markup = panes.conversation([Turn("q", answer=many)])
    assert "<summary>2 more places</summary>" in markup
    assert markup.count('data-action="cite"') == 5


def test_a_source_that_says_otherwise_can_be_opened_and_is_told_apart():
    chat = Chat(FakeAssistant(rivals={"when was the harbour founded?": "1858"}))
    conversation = ask(chat, "When was the harbour founded?")
    markup = chat.show(conversation)
    assert "<h3>Where it says otherwise</h3>" in markup
    agreeing, _, disagreeing = markup.partition("Where it says otherwise")
    assert "founded in <mark" in agreeing and "founded in <mark" not in disagreeing
    other = chat.select(conversation, 0, 2)
    assert other.selected == (0, 2)
    shown = chat.source(other)
    assert "lights.txt" in shown and '<mark class="cs-quote" id="cs-target">1858</mark>' in shown


def test_a_conflict_shows_what_each_source_says_as_quotes():
    citation = cite(HARBOUR, "1708")
    refusal = Refusal("conflicting", "The documents disagree.", (citation, citation))
    turn = Turn("q", answer=Answer("q", "q", None, 0.9, refusal=refusal))
    markup = panes.conversation([turn])
    assert "<h3>What each source says</h3>" in markup
    assert '<mark class="cs-quote">1708</mark>' in markup
    conversation = Conversation((turn,), (0, 0))
    assert '<mark class="cs-quote"' in Chat(FakeAssistant()).source(conversation)


def test_a_question_found_after_a_refusal_is_shown_from_then_on_and_saved_with_it():
    chat = Chat(FakeAssistant(offers={"how deep is it?": "How many boats are there?"}))
    conversation = ask(chat, "How deep is it?")
    assert "They do answer" not in chat.show(conversation)
    assert chat.offer(conversation) == {
        "asked": "How deep is it?",
        "text": "How many boats are there?",
    }
    assert 'data-text="How many boats are there?"' in chat.show(conversation)
    (answer,) = chat.settled(conversation).answers
    assert answer.refusal.instead == "How many boats are there?"
    assert chat.offer(ask(chat, "When was the harbour founded?")) is None
    assert chat.offer(Conversation()) is None


# --- what is done to a conversation -------------------------------------------------------------


@pytest.mark.parametrize(
    ("turn", "index"),
    [(5, 0), (-1, 0), (0, 9), (0, -1), ("0", 0), (None, None), (0.0, 0), ([], {})],
)
def test_a_click_that_names_nothing_changes_nothing(turn, index):
    chat = Chat(FakeAssistant())
    conversation = ask(chat, "Who designed the lighthouse?")
    assert chat.select(conversation, turn, index) == conversation


def test_earlier_answers_go_along_as_history():
    assistant = FakeAssistant()
    ask(Chat(assistant), "When was the harbour founded?", "How deep is it?", "How many boats?")
    assert [len(history) for history in assistant.histories] == [0, 1, 2]


def test_an_error_of_the_library_is_told_without_its_path(caplog):
    broken = FakeAssistant(broken=LibraryCorrupt("/home/ada/lib/catalog.db: truncated"))
    conversation = ask(Chat(broken), "why?")
    assert conversation.turns[0].error == BROKEN
    assert "ada" not in Chat(broken).show(conversation)
    assert "catalog.db" in caplog.text


def test_only_documents_of_the_library_can_be_chosen():
    asked: list[object] = []

    class Asked(FakeAssistant):
        def ask(self, question, history=(), filters=None):
            asked.append(filters and filters.documents)
            return super().ask(question, history, filters)

    chat = Chat(Asked())
    for chosen in (["lights.txt", "/etc/passwd"], "lights.txt", None):
        list(chat.ask("Who designed the lighthouse?", Conversation(), chosen))
    assert asked == [("lights.txt",), None, None]
    # All documents were asked, as if none had been chosen.
    *_, refused = chat.ask("Who designed the lighthouse?", Conversation(), ["/etc/passwd"])
    assert len(asked) == 3 and refused.turns[0].error == NONE_CHOSEN


@pytest.mark.parametrize("name", ["\u200elights\x9f.txt", "a\rb\nc\td.txt", "<\"'&{}$`>.txt"])
def test_a_buttons_name_is_the_documents_own(name):
    """Of a file with a direction character in its name, each button did nothing."""
    record = FakeAssistant((document(name, ARTICLE),)).library.documents()[0]
    for markup in (shelf.row(record), panes.scope([name, "b.txt"]), sheet.document_empty([name])):
        found = parsed(markup)
        exact = [*found.values("data-name"), *found.values("value")]
        assert exact and set(exact) <= {name, "b.txt"} and name in exact
        # What is shown has no such character.
        assert not render.UNSEEN.search(found.data)


def test_a_verdict_keeps_the_choice_of_documents(tmp_path):
    """Asked again of all documents, a right refusal becomes an answer, and the pair is lost."""
    from qa.goldenset import load

    chat = Chat(FakeAssistant(settings=Settings(home=tmp_path)))
    conversation = Conversation()
    for chosen in (["lights.txt"], None, ["lights.txt"]):
        *_, conversation = chat.ask("Who designed the lighthouse?", conversation, chosen)
        conversation = chat.judge(conversation, len(conversation.turns) - 1, "right", None)
    assert conversation.turns[2].kept == "Kept for testing: 2 questions so far."
    pairs = load(tmp_path / "golden" / "fake.yaml").pairs
    assert [pair.filter for pair in pairs] == [None, {"documents": ["lights.txt"]}]


def test_a_verdict_on_a_follow_up_keeps_what_was_asked_before(tmp_path):
    from qa.goldenset import load

    class Following(FakeAssistant):
        def ask(self, question, history=(), filters=None):
            answer = super().ask(question, history, filters)
            return replace(answer, understood="When was it lit?") if history else answer

    chat = Chat(Following(settings=Settings(home=tmp_path)))
    conversation = ask(chat, "Who designed the lighthouse?", "And when?")
    judged = chat.judge(conversation, 1, "better", " 1858 ")
    assert judged.turns[1].kept == "Kept for testing: 1 question so far."
    again = chat.judge(conversation, 1, "better", "in 1858")
    assert again.turns[1].kept == "Kept for testing: 1 question so far."
    (pair,) = load(tmp_path / "golden" / "fake.yaml").pairs
    assert (pair.question, pair.history) == ("And when?", ("Who designed the lighthouse?",))
    assert pair.answers == ("in 1858",)
