"""Questions made unanswerable by swapping: in the question, in the passage, and in both."""

import random
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.train.swaps import Swaps
from tests.train_fakes import example


def asking(*examples):
    """Swaps that change questions alone."""
    return Swaps(examples, inside=0.0)


def test_a_swapped_name_makes_the_question_unanswerable_by_its_own_passage():
    asked = example("Who designated the Sinaloa cartel?", "Rubio designated it.", "Rubio")
    other = example("Who saw Lerwick?", "Rubio designated it.", "it")
    found = asking(asked, other).find(asked, random.Random(0))
    assert found.question == "Who designated the Lerwick cartel?"
    assert found.answers == () and found.relevant


@pytest.mark.parametrize(
    ("asked", "swapped"),
    [
        ("who saw the oldest part?", "youngest"),
        ("Who was hurt on monday?", r"(tues|wednes|thurs|fri|satur|sun)day"),
        ("which city is it in 1708?", r"\b(16|17)\d\d\b"),
        ("how tall in feet is it?", "miles|kilometers|meters|inches"),
        ("did Scotland beat Wales?", "did Wales beat Scotland"),
    ],
)
def test_a_word_is_swapped_for_one_that_asks_of_something_else(asked, swapped):
    plain = example(asked, "Ann did.", "Ann")
    question = asking(plain).find(plain, random.Random(1)).question
    assert re.search(swapped, question), question


def test_the_word_that_names_the_answers_kind_is_left_alone():
    # "Which river" and "which lake" may have one answer: no negative comes of that.
    plain = example("which river is it?", "It is the Rhine.", "Rhine")
    assert asking(plain).find(plain, random.Random(0)) is None


def test_a_question_with_nothing_to_swap_gives_no_negative():
    plain = example("who did it?", "Ann did.", "Ann")
    assert asking(plain).find(plain, random.Random(0)) is None


def test_names_whose_order_says_nothing_are_not_exchanged():
    plain = example("what did Scotland and Wales share?", "It was a king.", "king")
    assert asking(plain).find(plain, random.Random(0)) is None


def test_a_word_is_swapped_for_one_of_like_ending_that_the_passage_is_asked_about():
    asked = example("who painted it?", "Ann painted it. Bob repaired it.", "Ann")
    other = replace(asked, question="who repainted or financed it?")
    found = asking(asked, other).find(asked, random.Random(0))
    assert found.question in {"who repainted it?", "who financed it?"}


@pytest.mark.parametrize("asked", ["Who was there?", "which man did it?", "How many are they?"])
def test_a_negated_question_asks_of_the_opposite(asked):
    plain = example(asked, "Ann did.", "Ann")
    question = Swaps([plain], negated=1.0).find(plain, random.Random(0)).question
    assert re.search("n't|never", question) and len(question) > len(asked)
    assert Swaps([plain], negated=0.0).find(plain, random.Random(0)) is None


# In the passage --------------------------------------------------------------------------------


def within(asked, seed=0):
    return Swaps([asked], negated=0.0, inside=1.0).find(asked, random.Random(seed))


@pytest.mark.parametrize(
    ("question", "passage", "changed"),
    [
        (
            "what fell in 1708?",
            "The bell fell in 1708. It rang.",
            r"The bell fell in (?!1708)\d+\.",
        ),
        ("who saw the oldest part?", "The bell saw the oldest part.", "saw the youngest part"),
        ("who met on monday?", "The bell met on Monday.", "met on (tue|wed|thu|fri|sat|sun)"),
    ],
)
def test_the_passage_is_changed_where_it_answers_and_the_question_stays(question, passage, changed):
    """Or a reader would learn that odd questions have no answer, and people ask odd ones."""
    asked = example(question, passage, "bell")
    found = within(asked)
    assert found.question == question and found.answers == () and found.relevant
    assert re.search(changed, found.context), found.context


def test_a_name_is_changed_throughout_its_passage_second_mentions_included():
    asked = example("who hired Ann Lee?", "Bob hired Ann Lee, and Cy Dun saw Lee.", "Bob")
    assert within(asked).context == "Bob hired Cy Dun, and Cy Dun saw Dun."


def test_a_word_that_stands_in_another_sentence_is_changed_in_the_question():
    # "The most" of another sentence is not what was asked: without it the answer would stand.
    asked = example("who ran the most?", "Ann ran far. Most of them slept.", "Ann")
    found = within(asked)
    assert found.context == asked.context and found.question == "who ran the least?"


def test_a_part_of_a_word_is_not_a_word():
    asked = example("what fell in 17?", "The bell fell in 1708, not in 17.", "bell")
    assert within(asked).context.startswith("The bell fell in 1708, not in ")


# In both ---------------------------------------------------------------------------------------


def test_with_a_name_swapped_on_both_sides_the_answer_stands():
    asked = example("who saw Lerwick?", "In Lerwick, which Lerwick men call home: Ann.", "Ann")
    other = example("who saw Upper Thurso?", "Bob did.", "Bob")
    found = Swaps([other]).both(asked, random.Random(0))
    assert found.question == "who saw Upper Thurso?"
    assert found.context == "In Upper Thurso, which Upper Thurso men call home: Ann."
    assert [found.context[start:end] for start, end in found.answers] == ["Ann"]


def test_an_answer_that_holds_the_name_is_left_alone():
    asked = example("who saw Lerwick?", "The Lerwick men did.", "Lerwick men")
    other = example("who saw Thurso?", "Bob did.", "Bob")
    assert Swaps([other]).both(asked, random.Random(0)) is None


def test_a_name_that_the_passage_lacks_cannot_be_swapped_in_both():
    asked = example("who saw Lerwick?", "Ann saw it.", "Ann")
    assert Swaps([asked]).both(asked, random.Random(0)) is None


@given(
    st.lists(st.sampled_from(["Ann Lee", "Lee", "İl Ü", "saw", "it", ".", "1708"]), max_size=9),
    st.integers(0, 10**6),
)
def test_swapping_moves_no_answer_off_its_words(words, seed):
    context = " ".join([*words, "Bob", *words])
    asked = example("who saw Ann Lee and İl Ü?", context, "Bob")
    other = example("who saw New York?", "Bob did.", "Bob")
    found = Swaps([asked, other]).both(asked, random.Random(seed))
    assert found is None or [found.context[a:b] for a, b in found.answers] == ["Bob"]
