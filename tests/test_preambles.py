"""What people say around a question is not a part of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.preambles import without_preamble


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("Could you please tell me who designated the cartel?", "who designated the cartel?"),
        ("Hi, can you tell me when it fell", "when it fell"),
        ("hello there! I'd like to know which ship came", "which ship came"),
        ("Hi could you give me the name of the carrier?", "the name of the carrier?"),
        ("I want to know the death toll", "the death toll"),
        ("Hi, I have a question. Who fell?", "Who fell?"),
        ("please tell me: how many died?", "how many died?"),
        ("Do you know what's on the roof?", "what's on the roof?"),
        ("I was wondering in which year it fell.", "in which year it fell."),
        ("So, explain why it fell", "why it fell"),
        ("According to the document, who fell?", "who fell?"),
        ("In this article what is the carrier called?", "what is the carrier called?"),
        ("Who fell, according to the article?", "Who fell?"),
        ("Can you tell me, based on these documents, who fell?", "who fell?"),
        ("tell me according to this file the name of the carrier", "the name of the carrier"),
        ("Does the document say who paid?", "who paid?"),
        ("Who fell? Thanks!", "Who fell?"),
        ("Who fell, please", "Who fell"),
        ("and could you tell me when?", "and when?"),
        ("Hi - who fell?", "who fell?"),
        ("Well—who fell?", "who fell?"),
    ],
)
def test_what_is_asked_is_left(said, asked):
    assert without_preamble(said) == asked


@pytest.mark.parametrize(
    "question",
    [
        "Who said thanks?",
        "What does please mean?",
        "Who can tell me apart from my brother?",
        "Could Trump tell who fell?",
        "Can you fly?",
        "According to Reuters, who fell?",
        "According to whom did it rain?",
        "In the report of 2019, who fell?",
        "What does the document say?",
        "Who is quoted in this article?",
        "Is it known who fell?",
        "Tell me, according to the attached report, who fell?",
        "Does the article mention the carrier?",
        "Hi Fly owns which aircraft?",
        "Well-being budget for 2024?",
        "So-called green zone: where is it?",
        "Question-and-answer session: when?",
        "hello.txt: who wrote it?",
        "please",
        "thanks!",
        "Could you tell me about the cartel?",
    ],
)
def test_what_belongs_to_a_question_stays(question):
    assert without_preamble(question) == question


@given(st.text(max_size=80).map(lambda text: " ".join(text.split())))
def test_a_question_is_never_lost(text):
    asked = without_preamble(text)
    assert asked == text or (asked in text and any(character.isalnum() for character in asked))
