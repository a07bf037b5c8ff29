"""Questions given one condition more: what stands with the answer, and what stands elsewhere."""

import random
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from qa.train.conditions import one_condition_more
from tests.train_fakes import example

PASSAGE = (
    "Ann built a bridge in Thurso. It was long. Nobody paid. "
    "Bob came home during the Crimean War, late in 1854."
)


def asked_of(question, answer, passage=PASSAGE):
    """Every question and its answers that the seeds give."""
    plain = example(question, passage, answer)
    made = (one_condition_more(plain, random.Random(seed)) for seed in range(60))
    return {(one.question, bool(one.answers)) for one in made if one is not None}


def test_a_condition_that_stands_with_the_answer_leaves_it_and_one_from_elsewhere_does_not():
    assert asked_of("Who built a bridge?", "Ann") == {
        ("Who built a bridge in Thurso?", True),
        ("Who built a bridge during the Crimean War?", False),
        ("Who built a bridge in 1854?", False),
    }


def test_a_condition_takes_the_place_of_the_one_that_was_asked_with():
    assert ("Who built a bridge in 1854?", False) in asked_of("Who built a bridge in 1790?", "Ann")
    # "at 1790 in 1854" would be asked by nobody.
    assert not any("1854" in one for one, _ in asked_of("Who built a bridge after 1790?", "Ann"))


def test_no_condition_that_says_nothing_or_leaves_it_open_is_added():
    # When it was is what is asked: a year beside it would tell, or be in its way.
    assert not any("1854" in one for one, _ in asked_of("When was a bridge built?", "Ann"))
    # Beside the answer's sentence a condition often still holds.
    near = "Ann built a bridge. It stands in Thurso."
    assert asked_of("Who built a bridge?", "Ann", near) == set()
    # A place that the passage names again may be where everything happened.
    topic = "Ann built a bridge. It was long. Bob came home in Thurso. He left Thurso soon."
    assert asked_of("Who built a bridge?", "Ann", topic) == set()
    # Of two years in one sentence, which is the answer's cannot be told.
    years = "Ann built a bridge in 1790 and died in 1854."
    assert asked_of("Who built a bridge?", "Ann", years) == set()
    # Half a phrase says something else: "in the Northern" of "in the Northern and Western isles".
    half = "Ann built a bridge in the Northern and Western isles."
    assert asked_of("Who built a bridge?", "Ann", half) == set()
    assert asked_of("Who was a bridge built by?", "Ann") == set()
    assert (
        one_condition_more(replace(example("Who?", PASSAGE), answers=()), random.Random(0)) is None
    )


PIECES = ["Ann saw it in Thurso. ", "Bob, in 1854, ", "in the ", "Wick. ", "é", "?", "1790 ", "\n"]


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=9), st.data(), st.integers(0, 99))
def test_whatever_the_passage_its_answers_are_kept_or_dropped_whole(pieces, data, seed):
    passage = "".join(pieces)
    start = data.draw(st.integers(0, len(passage) - 1))
    span = (start, data.draw(st.integers(start + 1, len(passage))))
    plain = replace(example("Who was it?", passage), answers=(span,))
    made = one_condition_more(plain, random.Random(seed))
    if made is not None:
        assert made.context == passage and made.answers in ((span,), ())
        assert made.question != plain.question
