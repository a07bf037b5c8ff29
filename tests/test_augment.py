"""What training makes of the data: negatives, questions as typed or on abbreviations, passages."""

import random
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.train.abbreviations import abbreviations, written_out
from qa.train.augment import Negatives, as_typed, epoch
from qa.train.padding import SINGLE, padded
from qa.train.swaps import Swaps
from tests.train_fakes import FIRST, example

# Negatives and noise ---------------------------------------------------------------------------


def test_a_negative_is_a_like_passage_without_the_answer():
    asked = example("who built the copper bridge ?", "Ann built the copper bridge.", "Ann")
    like = example("x", "The copper bridge fell. Nobody knows who built it.", "bridge")
    same = example("x", "The copper bridge, said ann, is mine.", "bridge")
    far = example("x", "Rain all day.", "Rain")
    found = Negatives([asked, like, same, far]).find(asked, random.Random(0))
    assert (found.context, found.answers, found.relevant) == (like.context, (), False)


@given(st.text(max_size=80), st.integers(0, 10**6))
def test_a_question_as_typed_is_never_lost(question, seed):
    typed = as_typed(question, random.Random(seed))
    assert bool(typed.strip(" ?")) == bool(question.strip(" ?")) or not typed


def typed_as(question):
    return {as_typed(question, random.Random(seed)) for seed in range(300)}


def test_question_words_are_mistyped_too():
    # "wich cartel is this about" was refused at a confidence of 0.11.
    assert "wich cartel is it?" in typed_as("Which cartel is it?")
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


def test_an_epoch_also_asks_with_a_name_changed_on_both_sides():
    asked = example("Who saw Lerwick?", "Ann saw Lerwick.", "Ann")
    other = example("Who saw Thurso?", "Bob saw Thurso.", "Bob")
    made = epoch(
        [(asked, 1.0)], Negatives([asked]), Swaps([other]), 4, irrelevant=0, swapped=0, renamed=1.0
    )
    assert [one.context for one in made] == ["Ann saw Thurso.", "Ann saw Lerwick."]
    assert all(one.answers == ((0, 3),) for one in made)


def test_an_epoch_also_asks_with_a_condition_more():
    asked = example("Who saw it?", "Ann saw it in Thurso.", "Ann")
    tools = Negatives([asked]), Swaps([asked])
    made = epoch([(asked, 1.0)], *tools, seed=4, irrelevant=0, swapped=0, renamed=0, conditioned=1)
    assert [one.written for one in made] == ["Who saw it in Thurso?", "Who saw it?"]
    assert [one.answers for one in made] == [((0, 3),)] * 2


def test_how_a_question_is_typed_does_not_tell_whether_it_has_an_answer():
    # Negatives kept their marks and their spelling once: a reader learnt to answer whatever had
    # none, "where will the talks take place" with 0.97.
    asked = example("Who saw Lerwick burning in 1708", "Ann saw Lerwick burning in 1708.", "Ann")
    other = example("Who saw Thurso burning in 1807", "Bob saw Thurso burning in 1807.", "Bob")
    tools = Negatives([asked, other]), Swaps([asked, other])
    pairs = [(asked, 400.0), (other, 400.0)]
    made = epoch(pairs, *tools, seed=4, irrelevant=0.5, swapped=0.5, renamed=0)
    assert all(one.question.endswith("?") for one in made)
    for kind in (
        [one for one in made if one.answers],
        [one for one in made if one.relevant and not one.answers],
        [one for one in made if not one.relevant],
    ):
        changed = sum(one.question != one.written for one in kind) / len(kind)
        assert len(kind) > 200 and 0.2 < changed < 0.4


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


# Passages around single sentences ---------------------------------------------------------------


def sentence(text, *answers):
    return replace(example("who", text, *answers), title=sorted(SINGLE)[0])


def test_a_single_sentence_is_put_among_like_ones_that_do_not_hold_its_answer():
    asked = sentence("Ann built the copper bridge.", "Ann")
    like = sentence("The copper bridge fell.", "bridge")
    same = sentence("The copper bridge was Ann's.", "bridge")
    far = sentence("Rain all day.", "Rain")
    found = {padded([(one, 1.0) for one in (asked, like, same, far)], seed)[0] for seed in range(9)}
    assert {one.context for one, weight in found} == {
        "Ann built the copper bridge. The copper bridge fell.",
        "The copper bridge fell. Ann built the copper bridge.",
    }
    assert all(
        [one.context[start:end] for start, end in one.answers] == ["Ann"] for one, _ in found
    )


def test_paragraphs_stay_as_they_are_and_questions_on_one_sentence_share_a_passage():
    whole = example("who", "Ann built the copper bridge.", "Ann")
    asked = [sentence("Bob built the copper bridge.", "Bob"), sentence("A copper bridge.", "A")]
    pairs = [(whole, 1.0), (asked[0], 1.0), (replace(asked[0], question="whom"), 0.5)]
    found = padded([*pairs, (asked[1], 1.0)])
    assert found[0] == (whole, 1.0)
    assert found[1][0].context == found[2][0].context != asked[0].context
    assert [weight for _, weight in found] == [1.0, 1.0, 0.5, 1.0]


@given(st.lists(st.text("aAb. é", min_size=1, max_size=12), max_size=6, unique=True), st.data())
def test_padding_moves_no_answer_off_its_words(texts, data):
    pairs = []
    for text in texts:
        start = data.draw(st.integers(0, len(text) - 1))
        span = (start, data.draw(st.integers(start + 1, len(text))))
        pairs.append((replace(sentence(text), answers=(span,)), 1.0))
    for (before, _), (after, _) in zip(pairs, padded(pairs), strict=True):
        assert before.context in after.context
        ((one, two),) = before.answers
        ((start, end),) = after.answers
        assert after.context[start:end] == before.context[one:two]
