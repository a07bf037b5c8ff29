"""Comparing two runs: what a person must learn is which answers broke, and whether it is chance."""

import json
from dataclasses import replace

import pytest

from qa.compare import compare
from qa.golden import GoldenReport, Record
from qa.goldenset import GoldenError

RIGHT = Record(
    key="q", question="q", expected=("a",), got="a", best="a", confidence=0.9, em=1.0, f1=1.0,
    best_em=1.0, citation=None, citation_right={}, rank=1, passage="a", margin=None, seconds=0.1,
    passed=True,
)  # fmt: skip
WRONG = replace(
    RIGHT, got="b", best="b", em=0.0, f1=0.0, best_em=0.0, rank=4, passed=False, stage="not_read"
)
REFUSED = replace(RIGHT, expected=(), got=None, best_em=0.0, rank=None, confidence=0.1)


def run(created, **records):
    named = [replace(record, key=key, question=key) for key, record in records.items()]
    return GoldenReport("golden.yaml", created, tuple(named))


def test_differences_flips_and_what_only_one_run_has():
    monday = run("monday", stays=RIGHT, breaks=RIGHT, mends=WRONG, gone=RIGHT, none=REFUSED)
    said = replace(REFUSED, got="x", em=0.0, f1=0.0, passed=False, stage="not_refused")
    friday = run("friday", stays=RIGHT, breaks=WRONG, mends=RIGHT, new=RIGHT, none=said)
    found = compare(monday, friday)
    assert [flip.after.key for flip in found.broken] == ["breaks", "none"]
    assert [flip.after.key for flip in found.mended] == ["mends"]
    assert (found.only_first, found.only_second) == (("gone",), ("new",))
    # Of the three shared answerable pairs one broke and one was mended.
    exact = found.differences["exact_match"]
    assert (exact.value, exact.n, exact.p) == (0, 3, 1)
    assert found.differences["refused"].value == -1
    assert found.differences["passed"].value == pytest.approx(-1 / 4)
    # (0.9 − 1)² = 0.01 and (0.9 − 0)² = 0.81 change places; (0.1 − 0)² stays
    assert found.differences["brier"].value == pytest.approx(0)


def test_the_text_names_each_flip_with_both_answers():
    found = compare(run("monday", a=RIGHT, b=WRONG), run("friday", a=WRONG, b=RIGHT))
    text = found.text()
    assert text.startswith("monday → friday\n")
    assert "1 broken\n  a\n      “a” → “b”  (not read)" in text
    assert "1 mended\n  b\n      “b” → “a”  (not read)" in text
    assert json.loads(json.dumps(found.to_dict()))["flips"][0]["after"]["key"] == "a"


def test_another_wrong_answer_is_no_flip_but_is_told():
    other = replace(WRONG, got=None, stage="refused")
    found = compare(run("monday", a=WRONG), run("friday", a=other))
    assert found.flips == ()
    assert "1 lost otherwise\n  a\n      “b” → refused  (refused)" in found.text()


def test_what_was_not_asked_is_not_taken_for_a_refusal():
    # A misprint in the question looked like a refusal that was mended, or broke nothing.
    unasked = replace(REFUSED, passed=False, stage="not_asked")
    found = compare(run("monday", a=REFUSED), run("friday", a=unasked))
    assert found.differences["refused"].value == -1
    assert "1 broken\n  a\n      refused → not asked  (not asked)" in found.text()


def test_a_question_asked_twice_is_compared_with_its_own_kind():
    twice = GoldenReport("golden.yaml", "monday", (RIGHT, WRONG))
    turned = GoldenReport("golden.yaml", "friday", (RIGHT, RIGHT))
    found = compare(twice, turned)
    assert (len(found.mended), len(found.broken)) == (1, 0)


def test_runs_with_nothing_in_common_cannot_be_compared():
    with pytest.raises(GoldenError, match=r"no question in common; compare two runs over one"):
        compare(run("monday", a=RIGHT), run("friday", b=RIGHT))


def test_what_the_runs_were_asked_of_is_told_where_it_differs():
    # "Was it the documents or the settings?" is the first question about an answer that broke.
    monday, friday = run("monday", a=RIGHT), run("friday", a=WRONG)
    about = {"generation": 4, "documents": 3, "settings": {"passages": 12, "threads": 0}}
    later = {**about, "generation": 5, "settings": {"passages": 20, "threads": 0}}
    found = compare(replace(monday, about=about), replace(friday, about=later))
    assert found.changed == {"generation": (4, 5), "passages": (12, 20)}
    assert found.text().startswith("monday → friday\ngeneration: 4 → 5\npassages: 12 → 20\n")


def test_a_known_failure_says_so_in_its_review():
    known = replace(WRONG, known_failure={"reason": "a picture", "since": "2026-01-31"})
    assert "known  to fail since 2026-01-31: a picture" in known.review()
