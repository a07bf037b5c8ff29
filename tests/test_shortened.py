"""Passages shortened for training: what the reader reads again must be what it learnt to read."""

import random

from hypothesis import given
from hypothesis import strategies as st

from qa.rereading import sentences
from qa.train.augment import Negatives, epoch
from qa.train.shortened import shortened
from qa.train.swaps import Swaps
from tests.reader_fakes import span
from tests.train_fakes import example

TEXT = "Ann left. The mill burned in 1708. Bob wept. Rain fell. The mill burned again. Cy came."
ASKED = example("When did the mill burn?", TEXT, "1708")


def seen(asked):
    return {shortened(asked, random.Random(seed)) for seed in range(40)}


def test_an_answer_keeps_its_sentence_and_the_two_beside_it_or_is_out_of_sight():
    contexts = {(one.context, one.answers) for one in seen(ASKED)}
    assert contexts == {
        ("Ann left. The mill burned in 1708. Bob wept.", ((29, 33),)),
        # The other sentence with the question's words, without the answer: no answer there.
        ("Rain fell. The mill burned again. Cy came.", ()),
    }


def test_it_is_the_part_that_a_reader_is_shown_again():
    (again,) = sentences(TEXT, [span(TEXT, "1708")], 1)
    assert TEXT[slice(*again.shown)] in {one.context for one in seen(ASKED)}


def test_a_question_without_an_answer_keeps_the_sentence_that_misleads():
    asked = example("When was the mill burned again by Cy?", TEXT)
    assert {one.context for one in seen(asked)} == {"Rain fell. The mill burned again. Cy came."}


def test_no_part_without_an_answer_holds_its_words():
    # "1708" stands there once more, unmarked: to call it no answer would teach a falsehood.
    text = TEXT.replace("again", "again in 1708") + " Dee ate. Fay ate."
    asked = example("When did the mill burn?", text, "1708")
    without = {one.context for one in seen(asked) if not one.answers}
    assert without == {"Cy came. Dee ate. Fay ate.", "Dee ate. Fay ate."}


def test_a_passage_of_three_sentences_is_left_as_it_is():
    assert seen(example("Who left?", "It rained. Ann left. Bob wept.", "Ann")) == {None}


@given(st.lists(st.sampled_from(["Ann left.", "Bob wept!", "1708?", "cy"]), min_size=1), st.data())
def test_answers_are_the_same_words_as_before(parts, data):
    text = " ".join(parts)
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, min(len(text), start + 12)))
    asked = example("Who left in 1708?", text)
    asked = type(asked)(asked.question, text, ((start, end),), True, "made", "one")
    one = shortened(asked, random.Random(data.draw(st.integers(0, 99))))
    assert one is None or one.context in text
    for first, last in one.answers if one else ():
        assert one.context[first:last] == text[start:end]


def test_an_epoch_shortens_the_share_that_it_is_told():
    tools = Negatives([ASKED]), Swaps([ASKED])
    made = epoch([(ASKED, 400.0)], *tools, seed=4, irrelevant=0, swapped=0, renamed=0, shorter=0.3)
    assert 0.25 < sum(len(one.context) < len(TEXT) for one in made) / 400 < 0.35
