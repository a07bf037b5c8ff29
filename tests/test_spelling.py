"""Slips in a question are mended where that cannot change what is asked, and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.config import Settings
from qa.spelling import common_words, slips, spelled

TEXTS = [
    "Nicolas Maduro leads Venezuela with Venezuelan force.",
    "Marco Rubio spoke in the Caribbean.",
]
COMMON = frozenset(["the", "leader", "of", "what", "is", "job", "who", "boat", "with", "leads"])


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("whos the leader of venezula", "who's the leader of Venezuela"),
        ("wich leader is in the carribean", "which leader is in the Caribbean"),
        ("what is marco rubios job", "what is marco Rubio's job"),
        ("who leads venezeula?", "who leads Venezuela?"),
        # One letter from "Venezuela", two from "Venezuelan".
        ("the venezula of what leader", "the Venezuela of what leader"),
        # Several of a thing, and a file's name: no slips.
        ("what is with leaders of venezula", "what is with leaders of Venezuela"),
        ("what is venezula.docx", "what is venezula.docx"),
    ],
)
def test_a_slip_is_mended_by_the_passages(typed, meant):
    assert spelled(typed, TEXTS, COMMON) == meant


@pytest.mark.parametrize(
    "typed",
    [
        "Who is Madura?",  # a name with a capital is another person
        "what is the boat",  # a word that the reader knows
        "what is the xylophone",  # like nothing that was found
        "who leads in spok",  # "spoke" differs by one, and so does "spook" below
    ],
)
def test_what_may_be_meant_as_it_stands_is_left(typed):
    assert spelled(typed, [*TEXTS, "A spook."], COMMON) == typed


def test_a_mended_question_needs_no_mending():
    once = spelled("whos the leader of venezula", TEXTS, COMMON)
    assert spelled(once, TEXTS, COMMON) == once


letters = st.text("abcd", min_size=1, max_size=6)


@given(letters, st.integers(0, 6), st.sampled_from("abcd"))
def test_one_slip_counts_as_one_in_either_direction(word, at, letter):
    at = min(at, len(word))
    added = word[:at] + letter + word[at:]
    assert slips(added, word) == slips(word, added) == 1
    changed = word[:at] + letter + word[at + 1 :]
    assert slips(changed, word) == (changed != word)
    swapped = word[:at] + word[at : at + 2][::-1] + word[at + 2 :]
    assert slips(swapped, word) == (swapped != word)


@given(letters, letters)
def test_slips_are_the_same_both_ways_and_at_least_the_difference_in_length(one, other):
    assert slips(one, other) == slips(other, one) >= abs(len(one) - len(other))


@given(st.text(max_size=60), st.lists(st.text(max_size=30), max_size=3))
def test_any_question_comes_back_with_its_words_in_place(question, texts):
    assert len(spelled(question, texts, frozenset()).split()) == len(question.split())


def test_the_reader_knows_common_words_and_no_slips():
    known = common_words(Settings().weights / "tokenizer.json")
    assert "which" in known and "hemisphere" in known and "wich" not in known


def test_without_a_vocabulary_only_the_passages_are_known(tmp_path):
    assert common_words(tmp_path / "none.json") == frozenset()
