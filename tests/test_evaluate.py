"""Measures: every expected value is worked out by hand in the test, on data that fits a line."""

import math

import numpy as np
import pytest

from qa import evaluate
from qa.evaluate import (
    acceptable,
    area_under_risk_coverage,
    best_threshold,
    bootstrap_interval,
    brier_score,
    calibration_bins,
    calibration_error,
    contradict,
    coverage_at_accuracy,
    exact_match,
    f1,
    mean_reciprocal_rank,
    normalize,
    paired_difference,
    recall_at,
    risk_coverage,
    word_for_word,
)

# Answers: our figures must be comparable with the published SQuAD ones.


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The U.S. State Department", "us state department"),
        ("  an\tApple,  a pear ", "apple pear"),
        ("Theatre", "theatre"),  # an article is a word, not a beginning
        ("twenty-one", "twentyone"),  # the official script joins, it does not split
        ("Maduro’s", "maduro’s"),  # only ASCII punctuation is dropped there
        ("the", ""),
    ],
)
def test_normalising_follows_the_squad_script(text, expected):
    assert normalize(text) == expected


@pytest.mark.parametrize(
    ("got", "answers", "em", "overlap"),
    [
        ("the USS Gerald Ford", ["USS Gerald Ford"], 1, 1),
        # 2 common words of 2 got and 3 expected: 2·2 / (2 + 3)
        ("Gerald Ford", ["USS Gerald Ford"], 0, 0.8),
        # the best of several answers counts
        ("Gerald Ford", ["USS Gerald Ford", "gerald ford"], 1, 1),
        ("Florida", ["the Caribbean"], 0, 0),
        # a repeated word counts as often as both have it: 1 common of 3 and 1
        ("very very very", ["very"], 0, 0.5),
        (None, ["Florida"], 0, 0),
        ("Florida", [], 0, 0),
        (None, [], 1, 1),
        ("", [], 1, 1),
        # of which normalising leaves nothing, and still an answer where there is none to give
        ("the", [], 0, 0),
        ("A+", [], 0, 0),
        ("%", [], 0, 0),
        # a refusal is not what was expected, nor is one rating another
        (None, ["A+"], 0, 0),
        ("a+", ["A+"], 1, 1),
        ("A", ["A+"], 0, 0),
    ],
)
def test_exact_match_and_f1(got, answers, em, overlap):
    assert exact_match(got, answers) == em
    assert f1(got, answers) == pytest.approx(overlap)
    assert acceptable(got, answers) == (overlap > 0.5 and bool(answers))


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        ("3.5 %", "35 %", True),
        ("3,5 %", "35 %", True),
        ("2.50", "250", True),
        ("2.5 % of 120", "25 % of 120", True),
        ("-5 degrees", "5 degrees", True),
        ("(-$5)", "$5", True),
        ("0.125", "125", True),
        # One number, in the spelling of another language or of a table
        ("3,5 %", "3.5 %", False),
        ("83,000", "83000", False),
        ("83.000", "83,000", False),
        ("83.000,50", "83,000.5", False),
        ("−5", "-5", False),
        ("2.30", "2.3", False),
        # A dash that is no sign, and digits that are only parted otherwise
        ("2019-20", "20", False),
        ("10:30 on 5 May", "10.30 on 5 May", False),
        ("31/1/2026", "31.1.2026", False),
        ("555-1000", "5551000", False),
        ("twelve", "12", False),
    ],
)
def test_numbers_that_differ_in_their_marks_alone_contradict_each_other(one, other, apart):
    """Without the marks, 35 % was right for 3.5 %: confidence counted it, golden sets passed it."""
    assert contradict(one, other) is contradict(other, one) is apart
    if apart:
        assert acceptable(one, [other]) == 0
        assert not word_for_word(one, [other])


def test_a_golden_pair_takes_any_answer_whose_numbers_agree_and_no_words_for_a_refusal():
    assert word_for_word("83.000 boats", ["35", "83,000 boats"])
    assert word_for_word(None, ())
    assert not word_for_word("A+", ())
    assert exact_match("35 %", ["3.5 %"]) == 1  # stays as SQuAD has it


# Retrieval


def test_recall_and_reciprocal_rank():
    ranks = [1, 2, None, 4]
    assert [recall_at(ranks, k) for k in (1, 2, 3, 4)] == [0.25, 0.5, 0.5, 0.75]
    assert mean_reciprocal_rank(ranks) == pytest.approx((1 + 1 / 2 + 0 + 1 / 4) / 4)
    assert recall_at([], 5) == mean_reciprocal_rank([]) == 0


# Confidence


def test_calibration_by_hand():
    confidence, right = [0.1, 0.15, 0.9, 1.0], [0, 1, 1, 1]
    first, last = calibration_bins(confidence, right)
    assert (first.low, first.high, first.count) == (0.1, 0.2, 2)
    assert (first.confidence, first.accuracy) == pytest.approx((0.125, 0.5))
    assert (last.low, last.count) == (0.9, 2)
    assert (last.confidence, last.accuracy) == pytest.approx((0.95, 1))
    assert calibration_error(confidence, right) == pytest.approx((2 * 0.375 + 2 * 0.05) / 4)
    assert brier_score(confidence, right) == pytest.approx((0.01 + 0.7225 + 0.01 + 0) / 4)


def test_a_bin_begins_at_its_lower_end_whatever_binary_makes_of_it():
    assert [b.low for b in calibration_bins([0.3, 0.6, 0.7], [1, 1, 1])] == [0.3, 0.6, 0.7]


def test_log_odds_are_not_taken_for_probabilities():
    with pytest.raises(ValueError, match=r"0\.\.1; found -2\.\.3"):
        calibration_error([-2, 3], [0, 1])


def test_arrays_of_unlike_lengths_are_an_error_and_not_broadcast():
    with pytest.raises(ValueError, match=r"shapes \(3,\) and \(1,\)"):
        brier_score([0.1, 0.2, 0.3], [1])


# Refusing


def test_risk_coverage_by_hand():
    # From the surest: right, right, wrong, right
    confidence, right = [0.2, 0.9, 0.4, 0.8], [1, 1, 0, 1]
    coverage, risk = risk_coverage(confidence, right)
    assert coverage == pytest.approx([0.25, 0.5, 0.75, 1])
    assert risk == pytest.approx([0, 0, 1 / 3, 1 / 4])
    assert area_under_risk_coverage(confidence, right) == pytest.approx((0 + 0 + 1 / 3 + 1 / 4) / 4)
    assert coverage_at_accuracy(confidence, right, 0.75) == 1
    assert coverage_at_accuracy(confidence, right, 0.8) == 0.5
    assert coverage_at_accuracy([0.9], [0], 0.5) == 0


def test_no_threshold_parts_equal_confidences():
    # Answering "the right one of the two 0.9s" is not a thing that a threshold can do.
    coverage, risk = risk_coverage([0.9, 0.9, 0.1], [1, 0, 0])
    assert coverage == pytest.approx([2 / 3, 1])
    assert risk == pytest.approx([1 / 2, 2 / 3])
    # errors so far, spread evenly inside the pair: 0.5, 1, 2
    expected = (0.5 / 1 + 1 / 2 + 2 / 3) / 3
    assert area_under_risk_coverage([0.9, 0.9, 0.1], [1, 0, 0]) == pytest.approx(expected)
    assert area_under_risk_coverage([0.9, 0.9, 0.1], [0, 1, 0]) == pytest.approx(expected)


def test_best_threshold_by_hand():
    # Answerable at 3 (F1 1), unanswerable at 2, answerable at 1 (F1 .5): answering the first and
    # refusing the rest gives (1 + 1 + 0) / 3; answering all gives (1 + 0 + .5) / 3.
    threshold, value = best_threshold([1, 3, 2], [0.5, 1, 0], [0, 0, 1])
    assert threshold == 2.5
    assert value == pytest.approx(2 / 3)
    assert best_threshold([5, 6], [0, 0], [1, 1]) == (math.inf, 1)
    threshold, value = best_threshold([5, 6], [1, 1], [0, 0])
    assert threshold < 5
    assert value == 1


# Uncertainty


def test_an_interval_of_equal_values_has_no_width():
    assert str(bootstrap_interval(evaluate.mean, [1, 1, 1])) == "1.000 [1.000, 1.000]"


def test_a_bootstrap_interval_has_the_width_that_theory_gives():
    # The mean of 400 fair coins: standard error 0.025, so 95 % lie within about 0.049.
    coins = np.arange(400) % 2
    interval = bootstrap_interval(evaluate.mean, coins)
    assert interval.value == 0.5
    assert interval.low == pytest.approx(0.5 - 0.049, abs=0.01)
    assert interval.high == pytest.approx(0.5 + 0.049, abs=0.01)
    assert bootstrap_interval(evaluate.mean, coins) == interval  # the same again: seeded


def test_the_columns_of_a_bootstrap_are_drawn_together():
    # Drawn apart, a perfect confidence would look imperfect and the interval would have a width.
    confidence = right = np.arange(50) % 2
    interval = bootstrap_interval(brier_score, confidence, right, resamples=50)
    assert (interval.low, interval.high) == (0, 0)


def test_equal_runs_do_not_differ():
    same = paired_difference([1, 0, 1], [1, 0, 1])
    assert (same.value, same.low, same.high, same.p, same.n) == (0, 0, 0, 1, 3)


def test_the_permutation_p_value_of_five_gains_by_hand():
    # All five better: 2 of the 32 sign patterns are as extreme, so p is 1/16.
    gained = paired_difference([0] * 5 + [1] * 5, [1] * 5 + [1] * 5)
    assert gained.value == 0.5
    assert gained.p == pytest.approx(1 / 16, abs=0.01)


def test_gains_and_losses_that_cancel_are_not_significant():
    swapped = paired_difference([0, 1, 0, 1], [1, 0, 1, 0])
    assert swapped.value == 0
    assert swapped.p == 1
