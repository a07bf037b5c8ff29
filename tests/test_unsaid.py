"""A word that the documents do not say is named, and only one that they truly do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.unsaid import content_words, names, unsaid_words


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Who designated the Sinaloa cartel?", ["designated", "Sinaloa", "cartel"]),
        ("how many ppl died so far", ["died"]),
        ("What's Maduro's job?", ["Maduro", "job"]),
        ("Why doesn't the U.S. pay 1,000.50 dollars?", ["U.S.", "pay", "1,000.50", "dollars"]),
        ("is the re-opened under_pass 12 m long?", ["opened", "pass", "12"]),
        ("Cartel, cartel or CARTEL?", ["CARTEL"]),
        ("what is it?", []),
        ("Wer wohnt in 東京?", ["Wer", "wohnt"]),
    ],
)
def test_words_that_only_ask_are_not_told_and_names_stay_whole(question, expected):
    assert content_words(question) == expected


def test_names_and_numbers_are_told_apart_from_other_words():
    question = "Sinaloa or Jalisco: which cartel sank 12 ships?"
    # The first word has a capital in every question.
    assert names(question, content_words(question)) == ["Jalisco", "12"]
    shouted = "WHO SANK THE SHIPS?"
    assert names(shouted, content_words(shouted)) == []


def test_the_sentence_is_one_that_can_be_checked():
    assert unsaid_words(["Sinaloa"]) == "“Sinaloa” stands nowhere in the documents."
    assert unsaid_words(["ships", "sunk"], filtered=True) == (
        "“ships” and “sunk” stand nowhere in the documents that were asked."
    )
    assert unsaid_words(["a", "b", "c", "d", "e", "f"]) == (
        "“a”, “b”, “c”, “d” and 2 more of its words stand nowhere in the documents."
    )


@given(st.text(max_size=60))
def test_every_word_told_stands_in_the_question(question):
    told = content_words(question)
    assert all(word in question for word in told)
    assert set(names(question, told)) <= set(told)
