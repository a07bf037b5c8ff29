"""After a refusal: the question offered instead is one that was asked, and answered."""

from __future__ import annotations

import pytest

from qa.answer import Answer
from qa.assistant import Assistant
from qa.calibration import Calibration, Logistic
from qa.offers import TRIES, without_missing
from qa.reader import Reader
from tests.index_fakes import open_library, write
from tests.reader_fakes import WordRun, word_tokenizer

# Margin -3.1 (start and end), and 4 for a sentence with every content word of the question: such
# a question is answered, one with a word that the sentence lacks is refused.
COVERED = Calibration(
    Logistic(0, {"margin": 1.0, "coverage": 4.0}), Logistic(0, {"score": 1.0}), threshold=0.5
)
BRIDGE = "The apple bridge was opened by Ann, in 1708. Later it was shut."


@pytest.fixture
def make(tmp_path):
    def assistant(text=BRIDGE, scores=None) -> Assistant:
        library = open_library(write(tmp_path / "papers", {"a.txt": text}), tmp_path / "home")
        library.sync()
        reader = Reader(WordRun(scores or {"Ann": -1.55}), word_tokenizer())
        return Assistant(library, reader, COVERED)

    return assistant


@pytest.mark.parametrize(
    ("asked", "offered"),
    [
        ("Who sank the apple bridge?", "Who was the apple bridge opened by?"),
        ("Who opened the Roman apple bridge?", "Who opened the apple bridge?"),
    ],
)
def test_a_question_that_is_answered_is_offered_with_the_refusal(make, asked, offered):
    assistant = make()
    refused = assistant.ask(asked)
    assert refused.refusal.instead is None, "the refusal itself must not wait"
    found = assistant.instead(refused)
    assert found.refusal.instead == offered
    assert found.refusal.nearest == refused.refusal.nearest
    assert assistant.ask(offered).text == "Ann"
    assert found.to_dict()["refusal"]["instead"] == offered


def test_what_would_be_refused_too_is_not_offered(make):
    assistant = make(scores={"Ann": -9.0})
    refused = assistant.ask("Who sank the apple bridge?")
    assert assistant.instead(refused).refusal.instead is None


def test_an_answer_needs_nothing_instead(make):
    assistant = make()
    answer = assistant.ask("Who opened the apple bridge?")
    assert assistant.instead(answer) is answer


def test_looking_is_bounded_in_questions_and_in_time(make, monkeypatch):
    many = " ".join(f"The {thing} bridge was opened by Ann." for thing in ("old", "new", "far"))
    assistant = make(f"{many} The apple bridge was opened by Ann.", scores={"Ann": -9.0})
    refused = assistant.ask("Who sank the apple bridge?")
    asked: list[str] = []

    def ask(question: str, **options: object) -> Answer:
        asked.append(question)
        return refused

    monkeypatch.setattr(assistant, "ask", ask)
    assistant.instead(refused)
    assert len(asked) == TRIES
    assistant.instead(refused, seconds=0.0)
    assert len(asked) == TRIES


@pytest.mark.parametrize(
    ("question", "text", "broader"),
    [
        ("Who named the Sinaloa cartel?", "The cartel was named.", "Who named the cartel?"),
        ("Who named the Sinaloa cartel?", "The Sinaloa cartel was named.", None),
        ("How many 1999 treaties were signed?", "Treaties.", "How many treaties were signed?"),
        ("What did Colombia say?", "Nothing.", None),
        ("Who leads the United Nations?", "Nothing.", None),
    ],
)
def test_only_names_that_narrow_a_noun_are_left_out(question, text, broader):
    assert without_missing(question, text) == broader


def test_the_sample_article_offers_what_it_does_say(seed_assistant):
    refused = seed_assistant.ask("Who designated the Sinaloa cartel?")
    offered = seed_assistant.instead(refused, seconds=60).refusal.instead
    assert offered == "Who designated the cartel?"
    assert seed_assistant.ask(offered).text == "U.S. State Department"
