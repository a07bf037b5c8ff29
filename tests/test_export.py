"""A saved conversation reads as it did on the page, and carries nothing that runs."""

from __future__ import annotations

import json

import pytest
from markdown_it import MarkdownIt

from tests.test_render import HOSTILE, parsed
from tests.ui_fakes import FakeAssistant, document
from ui.export import export


@pytest.fixture
def answers():
    assistant = FakeAssistant()
    return [
        assistant.ask("When was the harbour founded?"),
        assistant.ask("How deep is the water?"),
    ]


def hostile_answer(payload):
    source = document(f"{payload}.txt", f"Before it. The word is {payload} and no more.")
    assistant = FakeAssistant(documents=(source,), questions={payload.lower(): payload})
    return assistant.ask(payload)


def test_markdown_says_question_answer_sentence_and_place(answers):
    text = export(answers, "markdown")["text"]
    assert "## When was the harbour founded?" in text
    assert "**1708**" in text
    assert "> The harbour of Lerwick was founded in **1708** by Dutch herring fishers." in text
    assert "> — harbour.txt" in text
    assert "*The documents do not say.*" in text


def test_a_source_that_says_otherwise_is_saved_with_its_place():
    assistant = FakeAssistant(rivals={"when was the harbour founded?": "212 boats"})
    answer = assistant.ask("When was the harbour founded?")
    assert "Today **212 boats** are" in export([answer], "markdown")["text"]
    assert '<mark class="cs-quote">212 boats</mark>' in export([answer], "html")["text"]


def test_json_gives_the_answers_back(answers):
    data = json.loads(export(answers, "json")["text"])
    assert data == {"format": 1, "answers": [answer.to_dict() for answer in answers]}


def test_the_web_page_needs_nothing_and_marks_the_quote(answers):
    text = export(answers, "html")["text"]
    tags = set(parsed(text).tags)
    assert not tags & {"script", "link", "img", "iframe", "object"}
    assert '<mark class="cs-quote">1708</mark>' in text
    assert "default-src 'none'" in text


@pytest.mark.parametrize("payload", HOSTILE)
def test_hostile_words_stay_words_in_every_format(payload):
    answer = hostile_answer(payload)
    page = parsed(export([answer], "html")["text"])
    plain = set(parsed(export([], "html")["text"]).tags)
    assert set(page.tags) - plain == {"section", "h2", "bdi", "p", "mark", "blockquote"}
    assert payload in page.data
    # Markdown, as a viewer that lets HTML through would show it.
    shown = parsed(MarkdownIt("commonmark").render(export([answer], "markdown")["text"]))
    assert set(shown.tags) == {"h1", "h2", "p", "strong", "blockquote"}
    assert payload in shown.data
