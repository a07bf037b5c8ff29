"""Reading figures: those of the papers, and errors sorted so that one knows what to mend."""

from dataclasses import replace
from pathlib import Path

import pytest

from qa import golden, reading
from qa.golden import GoldenReport
from qa.goldenset import GoldenError, GoldenSet, Pair
from tests.golden_fakes import BOATS, LIGHT, TableReader, harbour

SET = GoldenSet(
    Path("dev.json"),
    (
        Pair("when was the harbour founded?", ("1708",), document="boats.txt"),
        Pair("how many boats are there?", ("212",), document="boats.txt"),
        Pair("Whose design is it?", ("David Stevenson",), document="light.txt"),
        Pair("what was lit?", ("The lighthouse",), document="light.txt"),
        Pair("who sank the boats?", document="boats.txt"),
        Pair("when was it sunk?", document="light.txt"),
    ),
    {"boats.txt": BOATS, "light.txt": LIGHT},
)
TABLE = {
    "when was the harbour founded?": ("1708", 3.0),
    "how many boats are there?": ("212 boats", 2.0),  # a boundary error: F1 2/3
    "Whose design is it?": ("David Stevenson", -1.0),  # right and refused
    "what was lit?": ("1858", 0.5),  # a wrong span
    "who sank the boats?": ("Lerwick", 1.0),  # answered wrongly
}


@pytest.fixture
def report():
    return reading.evaluate_reader(TableReader(TABLE), SET, batch=4)


def test_the_figures_by_hand(report):
    found = reading.figures(report, resamples=10)
    assert found["always_em"].value == pytest.approx((1 + 0 + 1 + 0) / 4)
    assert found["always_f1"].value == pytest.approx((1 + 2 / 3 + 1 + 0) / 4)
    assert found["overall_em"].value == pytest.approx((1 + 0 + 0 + 0 + 0 + 1) / 6)
    assert found["overall_f1"].value == pytest.approx((1 + 2 / 3 + 0 + 0 + 0 + 1) / 6)
    assert found["right_document_first"].value == 1


def test_the_best_threshold_is_between_the_boundary_error_and_the_wrong_answer(report):
    # Answered down to a score of 2: 1 and 2/3; both unanswerable ones refused: 1 and 1.
    best = reading.at_best_threshold(report)
    assert best.f1 == pytest.approx((1 + 2 / 3 + 0 + 0 + 1 + 1) / 6)
    assert 0.731 < best.threshold < 0.881  # the logistic of 1 and of 2


def test_the_errors_are_sorted_by_kind_and_question_word(report):
    assert reading.errors(report) == {
        "all": {
            "questions": 6,
            "boundary": 1,
            "refused wrongly": 1,
            "wrong span": 1,
            "answered wrongly": 1,
        },
        "who": {"questions": 2, "refused wrongly": 1, "answered wrongly": 1},
        "what": {"questions": 1, "wrong span": 1},
        "when": {"questions": 2},
        "how many": {"questions": 1, "boundary": 1},
    }


@pytest.mark.parametrize(
    ("question", "word"),
    [
        ("In which year did it open?", "which"),
        ("how  many ppl died", "how many"),
        ("whos the leader", "who"),
        ("What's it called?", "what"),
        ("death toll?", "other"),
        ("The show somewhat ended", "other"),  # a part of a word is not a word
    ],
)
def test_question_words(question, word):
    assert reading.question_word(question) == word


def test_an_answer_from_another_document_is_a_wrong_passage(tmp_path):
    pair = Pair("who designed the lighthouse?", ("Robert",), document="light.txt")
    assistant = harbour(tmp_path, {pair.question: ("Lerwick", 1.0)})
    record = golden.run_pair(pair, assistant)
    assert reading.kind_of(record) == "wrong passage"
    assert reading.kind_of(replace(record, got=None)) == "refused wrongly"


def test_open_retrieval_and_gold_paragraphs_give_one_sort_of_report(tmp_path):
    # The same table of figures is read off a run that had to find the paragraph.
    opened = golden.run(SET, harbour(tmp_path, TABLE))
    found = reading.figures(opened, resamples=10)
    assert found["right_document_first"].value == 1
    assert found["always_em"].value == pytest.approx(2 / 4)
    assert "(open, 6 questions)" in reading.text(opened)


def test_the_text_shows_every_row(report):
    lines = reading.text(report).splitlines()
    assert lines[0] == "dev.json (gold paragraph, 6 questions)"
    assert lines[-4].split() == ["who", "2", "0", "0", "0", "1", "1"]


def test_no_questions_give_no_figures():
    empty = GoldenReport("dev.json", "2026-01-01", ())
    assert reading.figures(empty) == {}
    assert reading.at_best_threshold(empty).f1 == 0


def test_a_set_without_paragraphs_is_named():
    plain = GoldenSet(Path("golden.yaml"), (Pair("who?", ("me",)),))
    with pytest.raises(GoldenError, match=r"golden\.yaml: “who\?” has no paragraph; .* SQuAD JSON"):
        reading.evaluate_reader(TableReader({}), plain)
