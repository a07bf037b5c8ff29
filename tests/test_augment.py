"""What training makes of the data: negatives, questions as typed, questions on abbreviations."""

import random
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.train.abbreviations import abbreviations, written_out
from qa.train.augment import Negatives, Swaps, as_typed, epoch
from tests.train_fakes import FIRST, example

# Negatives and noise ---------------------------------------------------------------------------


def test_a_negative_is_a_like_passage_without_the_answer():
    asked = example("who built the copper bridge ?", "Ann built the copper bridge.", "Ann")
    like = example("x", "The copper bridge fell. Nobody knows who built it.", "bridge")
    same = example("x", "The copper bridge, said ann, is mine.", "bridge")
    far = example("x", "Rain all day.", "Rain")
    found = Negatives([asked, like, same, far]).find(asked, random.Random(0))
    assert (found.context, found.answers, found.relevant) == (like.context, (), False)


def test_a_swapped_name_makes_the_question_unanswerable_by_its_own_passage():
    asked = example("Who designated the Sinaloa cartel?", "Rubio designated it.", "Rubio")
    other = example("Who saw Lerwick?", "Rubio designated it.", "it")
    found = Swaps([asked, other]).find(asked, random.Random(0))
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
    question = Swaps([plain]).find(plain, random.Random(1)).question
    assert re.search(swapped, question), question


def test_the_word_that_names_the_answers_kind_is_left_alone():
    # "Which river" and "which lake" may have one answer: no negative comes of that.
    plain = example("which river is it?", "It is the Rhine.", "Rhine")
    assert Swaps([plain]).find(plain, random.Random(0)) is None


def test_a_question_with_nothing_to_swap_gives_no_negative():
    plain = example("who did it?", "Ann did.", "Ann")
    assert Swaps([plain]).find(plain, random.Random(0)) is None


def test_names_whose_order_says_nothing_are_not_exchanged():
    plain = example("what did Scotland and Wales share?", "It was a king.", "king")
    assert Swaps([plain]).find(plain, random.Random(0)) is None


def test_a_word_is_swapped_for_one_of_like_ending_that_the_passage_is_asked_about():
    asked = example("who painted it?", "Ann painted it. Bob repaired it.", "Ann")
    other = replace(asked, question="who repainted or financed it?")
    found = Swaps([asked, other]).find(asked, random.Random(0))
    assert found.question in {"who repainted it?", "who financed it?"}


@pytest.mark.parametrize("asked", ["Who was there?", "which man did it?", "How many are they?"])
def test_a_negated_question_asks_of_the_opposite(asked):
    plain = example(asked, "Ann did.", "Ann")
    question = Swaps([plain], negated=1.0).find(plain, random.Random(0)).question
    assert re.search("n't|never", question) and len(question) > len(asked)
    assert Swaps([plain], negated=0.0).find(plain, random.Random(0)) is None


@given(st.text(max_size=80), st.integers(0, 10**6))
def test_a_question_as_typed_is_never_lost(question, seed):
    typed = as_typed(question, random.Random(seed))
    assert bool(typed.strip(" ?")) == bool(question.strip(" ?")) or not typed


def typed_as(question):
    return {as_typed(question, random.Random(seed)) for seed in range(300)}


def test_question_words_are_mistyped_too():
    # "wich cartel is this about" was refused at a confidence of 0.11.
    assert "wich cartel is it" in typed_as("Which cartel is it?")
    assert not any(re.search(r"\bwich", typed) for typed in typed_as("The sandwich is whichever"))


def test_who_said_that_is_also_asked_as_according_to_whom():
    typed = typed_as("Who claims that taxes fell?")
    assert {"Who claims that taxes fell?", "According to whom taxes fell?"} <= typed
    what = typed_as("What claims that taxes fell?")
    assert not any("ccording" in typed for typed in what)


def test_an_epoch_is_the_same_for_the_same_seed_and_takes_weights_for_copies():
    pairs = [(FIRST, 2.0), (example("when", "in 1708", "1708"), 0.0)]
    tools = Negatives([FIRST]), Swaps([FIRST])
    made = epoch(pairs, *tools, seed=4, irrelevant=0, swapped=0)
    assert [one.context for one in made] == [FIRST.context] * 2
    assert made == epoch(pairs, *tools, seed=4, irrelevant=0, swapped=0)


def test_a_longer_run_begins_with_the_examples_of_a_shorter_one():
    # Or a run that goes on would read again what it has read, and never reach the rest.
    pairs = [(example("who", f"Ann was born in {year}.", "Ann"), 1.0) for year in range(1700, 1740)]
    examples = [one for one, _ in pairs]
    tools = Negatives(examples), Swaps(examples)
    short = epoch(pairs, *tools, seed=4, limit=10)
    assert epoch(pairs, *tools, seed=4, limit=30)[: len(short)] == short


# Abbreviations ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It saw the Royal Air Force (RAF) fly.", "Royal Air Force"),
        ("He joined the Bureau of Labor Statistics (BLS).", "Bureau of Labor Statistics"),
        ("A joint photographic experts group (JPEGs) met.", "joint photographic experts group"),
        # The words say something else than the letters: no answer is better than a wrong one.
        ("It saw the Royal Navy (RAF) sail.", None),
        ("The Royal and ancient Air Force (RAF) flew.", None),
        ("The Royal Air Force, a part (RAF) flew.", None),
        ("(RAF) stands alone.", None),
    ],
)
def test_an_abbreviation_is_the_initials_of_the_words_before_it(text, expected):
    short = re.search(r"\((\w+)\)", text)
    place = written_out(text, short.start(), short[1])
    assert (place and text[slice(*place)]) == expected


def test_an_abbreviation_is_asked_of_where_it_is_written_out_and_where_it_is_not():
    told = example("x", "The Royal Air Force (RAF) flew.", "flew")
    silent = example("x", "Nobody saw the RAF land.", "land")
    made = abbreviations([told, silent, told])
    assert [(one.context, one.answers) for one in made] == [
        (told.context, ((4, 19),)),
        (silent.context, ()),
    ]
    assert all("RAF" in one.question and one.relevant for one in made)


def test_a_common_abbreviation_does_not_crowd_out_the_others():
    told = example("x", "The United States (US) and the Royal Air Force (RAF) met.", "met")
    silent = [example("x", f"In {year} the US grew.", "grew") for year in range(1900, 1990)]
    without = [one for one in abbreviations([told, *silent]) if not one.answers]
    assert 0 < len(without) < 10


@given(st.text(alphabet="aAbB (&.)Ünof", max_size=60), st.integers(0, 60))
def test_what_is_written_out_stands_before_the_abbreviation(text, at):
    place = written_out(text, min(at, len(text)), "AB")
    assert place is None or 0 <= place[0] < place[1] <= at
