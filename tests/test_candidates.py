"""Ranking and deciding: what is answered, refused, supported and contradicted."""

from dataclasses import replace

import pytest

from index.search import Passage
from qa.calibration import Calibration, Logistic
from qa.candidates import coverage, decide, gather, missing_names, same
from qa.reader import Span

# Score = margin, confidence = score: everything below can be told by hand.
PLAIN = Calibration(Logistic(0, {"margin": 1.0}), Logistic(0, {"score": 1.0}), threshold=0.5)


def passage(document, text="text", start=0, score=0.5):
    return Passage(document, start, start + len(text), text, score, 0.3, 2.0, None, None)


def span(passage, text, margin, start=0):
    return Span(passage, start, start + len(text), text, margin, margin, 0.0, 0.0)


def decided(spans, documents, calibration=PLAIN):
    return decide(
        gather("who", spans, [passage(name) for name in documents], calibration, 100), calibration
    )


def test_the_best_span_above_the_threshold_is_answered():
    made = decided([span(0, "Ann", 1.0), span(1, "Bob", 2.0)], ["a.txt", "b.txt"])
    assert made.answered
    assert made.supporting[0].span.text == "Bob"
    assert made.confidence == pytest.approx(0.8808, abs=1e-4)


def test_a_span_below_the_threshold_is_refused_with_the_best_of_each_passage_near():
    spans = [span(0, "Ann", -1.0), span(0, "Eve", -1.5, start=9), span(1, "Bob", -2.0)]
    made = decided(spans, ["a.txt", "b.txt"])
    assert not made.answered
    assert [item.span.text for item in made.nearest] == ["Ann", "Bob"]


def test_the_best_span_of_all_is_the_nearest_whatever_else_its_passage_holds():
    # It was ordered by each passage's worst span, and the best of all could be left out.
    spans = [span(0, "Ann", -1.0), span(0, "Eve", -6.0, start=9), span(1, "Bob", -2.0)]
    made = decided([*spans, span(1, "Cy", -2.5, start=9)], ["a.txt", "b.txt"])
    assert [item.span.text for item in made.nearest] == ["Ann", "Bob"]


def test_nothing_read_is_nothing_answered():
    made = decided([], [])
    assert (made.answered, made.conflicting, made.confidence) == (False, False, 0.0)


def test_retrieval_weighs_in_as_the_calibration_says():
    calibration = Calibration(
        Logistic(0, {"margin": 1.0, "retrieval": 10.0}), Logistic(0, {"score": 1.0}), 0.5
    )
    passages = [passage("a.txt", score=0.9), passage("b.txt", score=0.1)]
    spans = [span(0, "Ann", 1.0), span(1, "Bob", 3.0)]
    assert gather("who", spans, passages, calibration, 100)[0].span.text == "Ann"


def test_retrieval_says_nothing_where_everything_was_read():
    calibration = Calibration(
        Logistic(0, {"margin": 1.0, "retrieval": 10.0}), Logistic(0, {"score": 1.0}), 0.5
    )
    passages = [passage("a.txt", score=0.9), passage("b.txt", score=0.1)]
    spans = [span(0, "Ann", 1.0), span(1, "Bob", 3.0)]
    assert gather("who", spans, passages, calibration, chunks=2)[0].span.text == "Bob"


def test_sources_that_say_the_same_are_cited_together():
    spans = [span(0, "the U.S. State Department", 3.0), span(1, "State Department", 2.0)]
    made = decided([*spans, span(2, "Rubio", 1.0)], ["a.txt", "b.txt", "c.txt"])
    assert [item.place[0] for item in made.supporting] == ["a.txt", "b.txt"]


def test_a_place_that_two_overlapping_passages_hold_is_cited_once():
    passages = [passage("a.txt", start=0), passage("a.txt", start=10)]
    spans = [span(0, "Ann", 2.0, start=12), span(1, "Ann", 3.0, start=2)]
    found = gather("who", spans, passages, PLAIN, 100)
    assert [(item.place, item.score) for item in found] == [(("a.txt", 12, 15), 3.0)]


def test_two_sources_with_different_numbers_and_equal_right_are_a_conflict():
    made = decided([span(0, "83 people", 3.0), span(1, "90 people", 2.9)], ["a.txt", "b.txt"])
    assert made.conflicting and not made.answered
    assert {item.span.text for item in made.nearest} == {"83 people", "90 people"}


@pytest.mark.parametrize(
    ("one", "other"),
    [("83,000", "83000"), ("83,000 people", "83000 residents"), ("2.30 m", "2.3 metres")],
)
def test_one_number_in_two_spellings_is_no_conflict(one, other):
    """ "The documents disagree: 83,000 and 83000" would be said of a report and its own table."""
    made = decided([span(0, one, 3.0), span(1, other, 2.9)], ["a.txt", "b.csv"])
    assert made.answered and not made.rivals


@pytest.mark.parametrize(
    ("one", "other"), [("1.000 people", "1 person"), ("192.168.1.10", "192.168.1.1")]
)
def test_what_only_looks_like_one_number_is_told_as_a_conflict(one, other):
    made = decided([span(0, one, 3.0), span(1, other, 2.9)], ["a.txt", "b.txt"])
    assert made.conflicting


@pytest.mark.parametrize(
    ("one", "other"), [("2.5 million", "25 million"), ("-5 degrees", "5 degrees")]
)
def test_sources_ten_times_apart_or_of_other_sign_are_a_conflict(one, other):
    """The second was cited beside the first, as a source that says the same."""
    made = decided([span(0, one, 3.0), span(1, other, 2.9)], ["a.txt", "b.txt"])
    assert made.conflicting and not made.answered


def test_a_source_that_denies_the_answer_is_not_cited_for_it():
    made = decided([span(0, "guilty", 3.0), span(1, "not guilty", 2.9)], ["a.txt", "b.txt"])
    assert made.answered
    assert [item.place[0] for item in made.supporting] == ["a.txt"]


@pytest.mark.parametrize(("one", "other"), [("3,5 %", "3.5 %"), ("10:30", "10.30")])
def test_a_number_as_two_languages_write_it_is_no_conflict(one, other):
    made = decided([span(0, one, 3.0), span(1, other, 2.9)], ["a.txt", "b.txt"])
    assert made.answered and not made.rivals
    assert len(made.supporting) == 2


def test_a_somewhat_weaker_number_is_named_as_a_rival_of_the_answer():
    made = decided([span(0, "83", 3.0), span(1, "90", 2.0)], ["a.txt", "b.txt"])
    assert made.answered
    assert [item.span.text for item in made.rivals] == ["90"]


def test_two_rows_that_a_question_fits_alike_are_both_told_and_none_is_refused_for_the_other():
    """Two people of one name: whoever reads one salary must learn that there is another."""
    first, other = (
        replace(span(0, "Oslo", 3.0, start=8), row=0),
        replace(span(0, "Rome", 2.9, start=28), row=20),
    )
    made = decided([first, other, replace(span(0, "1,708", 2.8, start=34), row=20)], ["a.csv"])
    assert made.answered and not made.conflicting
    assert [item.span.text for item in made.rivals] == ["Rome"]


def test_cells_of_one_row_and_rows_that_say_the_same_are_no_rivals():
    spans = [
        span(0, "Oslo", 3.0, start=8),
        span(0, "56,250", 2.9, start=14),
        span(0, "Oslo", 2.8, start=40),
    ]
    spans = [replace(one, row=row) for one, row in zip(spans, (0, 0, 30), strict=True)]
    assert not decided(spans, ["a.csv"]).rivals


def test_two_numbers_of_one_document_are_no_conflict():
    made = decided([span(0, "83", 3.0), span(0, "90", 3.0, start=20)], ["a.txt"])
    assert made.answered and not made.rivals


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        ("the U.S. State Department", "State Department", True),
        ("83", "83 individuals", True),
        ("83", "1983", False),
        ("Ann", "Anna", False),
        ("Le Monde", "Reuters", False),
        ("the", "a", True),
        ("the", "Ann", False),
        # A mark or a little word makes another answer of the same words
        ("2.5 million", "25 million", False),
        ("-5 degrees", "5 degrees", False),
        ("guilty", "not guilty", False),
        ("guilty", "wasn’t guilty", False),
        ("not guilty", "he was not guilty", True),
        ("No. 10 Downing Street", "10 Downing Street", True),
        ("10:30", "10.30", True),
        ("1.000", "1000", True),
    ],
)
def test_answers_agree_by_whole_words(one, other, agree):
    assert same(one, other) is same(other, one) is agree


def test_a_name_the_text_never_mentions_is_counted():
    text = "The State Department named the Cartel de los Soles in 2025."
    assert missing_names("Who named the Sinaloa cartel in 2025?", text) == 1
    assert missing_names("Who named the cartel in 2024?", text) == 1
    assert missing_names("Who named the Cartel de los Soles?", text) == 0


def test_coverage_counts_the_content_words_of_the_sentence_alone():
    text = "Strikes killed 83 people. Two ships sank later."
    at = text.index("83")
    assert coverage("How many people were killed?", text, at, at + 2) == 1.0
    assert coverage("How many people were injured?", text, at, at + 2) == 0.5
    assert coverage("How many ships sank?", text, at, at + 2) == 0.0
    assert coverage("how many?", text, at, at + 2) == 0.0
