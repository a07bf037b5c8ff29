"""The fit of which candidate comes first, on questions whose right choice can be seen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.ranking import fit_choice


def question(*candidates, right):
    """A question of candidates `(near, easy)`, the `right`th of them the one to choose."""
    rows = [{"near": float(near), "easy": float(easy)} for near, easy in candidates]
    return rows, [at == right for at in range(len(rows))]


# What is right is nearer, but not always; how easy a question is its candidates share.
QUESTIONS = [
    question((2, 9), (1, 9), right=0),
    question((0, 0), (3, 0), right=1),
    question((1, 5), (2, 5), (0, 5), right=1),
    question((1, 7), (0, 7), right=1),
]


def test_only_what_parts_the_candidates_of_one_question_counts():
    """If this fails, a passage comes first because its question is easy, not because it answers."""
    weights = fit_choice(["near", "easy"], QUESTIONS)
    assert weights["near"] > 0.3
    assert weights["easy"] == pytest.approx(0, abs=1e-6)


def test_the_more_often_the_nearer_one_is_right_the_more_it_counts():
    always = fit_choice(["near"], QUESTIONS[:3] * 5)["near"]
    mostly = fit_choice(["near"], QUESTIONS * 5)["near"]
    assert always > mostly > 0


def test_odds_of_three_to_one_are_found():
    # Of 40 pairs with a difference of 1 the nearer is right in 30: a weight of log 3.
    made = [question((1, 0), (0, 0), right=0)] * 30 + [question((1, 0), (0, 0), right=1)] * 10
    assert fit_choice(["near"], made, ridge=1e-9)["near"] == pytest.approx(1.0986, abs=1e-3)


def test_a_weight_of_the_wrong_sign_is_left_out():
    weights = fit_choice(["near", "easy"], QUESTIONS, against=["near"])
    assert "near" not in weights


def test_questions_without_a_choice_teach_nothing():
    none, all_right = question((1, 0), (2, 0), right=7), question((1, 0), right=0)
    assert fit_choice(["near"], [none, all_right]) == {}
    assert fit_choice(["near"], [*QUESTIONS, none, all_right]) == fit_choice(["near"], QUESTIONS)


@given(st.lists(st.floats(-100, 100), min_size=4, max_size=4))
def test_what_all_candidates_of_a_question_share_changes_nothing(shifts):
    moved = [
        ([{"near": row["near"] + shift} for row in rows], right)
        for (rows, right), shift in zip(QUESTIONS, shifts, strict=True)
    ]
    # The ridge sees standardised values, so it is kept out of this.
    plain = fit_choice(["near"], QUESTIONS, ridge=1e-9)["near"]
    assert fit_choice(["near"], moved, ridge=1e-9)["near"] == pytest.approx(plain, rel=1e-2)
