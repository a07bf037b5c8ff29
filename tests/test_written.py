"""Questions written to mislead: each stands on its passage, and its words give nothing away."""

from __future__ import annotations

import gzip
import json
import re

import pytest

from qa.train import written
from qa.train.data import Example

PASSAGE = "Ann Lee founded the mill in 1871. Bob Ray burnt it down."


def example(question, context=PASSAGE, answers=()):
    return Example(question, context, answers, True, "squad", "Mills")


@pytest.fixture
def file(tmp_path, monkeypatch):
    def write(*records):
        path = tmp_path / "written.jsonl.gz"
        with gzip.open(path, "wt", encoding="utf-8") as stream:
            stream.writelines(json.dumps(record) + "\n" for record in records)
        monkeypatch.setattr(written, "FILE", path)

    return write


def record(question, answer, passage=PASSAGE):
    return {"passage": written.digest(passage), "question": question, "answer": answer}


def test_a_written_question_is_asked_of_the_passage_that_it_was_written_on(file, monkeypatch):
    monkeypatch.setattr(written, "balanced", lambda examples: written.np.full(len(examples), 0.5))
    file(record("Who founded the mill?", [0, 7]), record("Who sold the mill?", None))
    given = (example("When was it founded?", answers=((28, 32),)), 1.0)
    answered, misleading = written.questions([given], weight=4.0)
    assert answered == (
        Example("Who founded the mill?", PASSAGE, ((0, 7),), True, "written", "Mills"),
        2.0,
    )
    assert misleading[0].answers == () and misleading[1] == 2.0


def test_other_data_than_they_were_written_on_is_an_error_that_says_where(file):
    file(record("Who sold the mill?", None), record("Who?", None, passage="Another passage."))
    with pytest.raises(ValueError, match="line 2: its passage is not in the reading data"):
        written.questions([(example("When?"), 1.0)])


def test_what_is_new_to_a_reader_counts_three_times_as_much_at_the_end():
    asked = [(example("Who?"), 1.5), (example("When?"), 0.3), (example("Why?"), 0.9)]
    assert [weight for _, weight in written.latest(asked, 1)] == pytest.approx([0.25, 0.05, 0.9])
    assert written.latest(asked, 0) == written.latest(asked, 3) == asked


def test_a_word_that_tells_the_kind_is_as_frequent_in_both_kinds_when_weighed():
    """Else a reader learns that what asks "how many" has no answer, and reads no further."""
    asked = [("How many", True)] * 600 + [("How many", False)] * 200
    asked += [("Which", True)] * 200 + [("Which", False)] * 600
    examples = [
        example(f"{words} mills?", f"passage {at}", () if unanswered else ((0, 1),))
        for at, (words, unanswered) in enumerate(asked)
    ]
    weights = written.balanced(examples)
    assert ((weights > 0) & (weights < 1)).all()
    sums = {
        key: sum(w for w, one in zip(weights, asked, strict=True) if one == key)
        for key in set(asked)
    }
    for words in ("How many", "Which"):
        assert sums[words, True] == pytest.approx(sums[words, False], rel=0.1)


def test_the_questions_that_are_shipped_are_whole():
    with gzip.open(written.FILE, "rt", encoding="utf-8") as stream:
        records = [json.loads(line) for line in stream]
    assert len(records) > 20_000
    kinds: dict[str, set[bool]] = {}
    for one in records:
        assert re.fullmatch("[0-9a-f]{16}", one["passage"]) and one["question"].endswith("?")
        assert one["answer"] is None or 0 <= one["answer"][0] < one["answer"][1]
        kinds.setdefault(one["passage"], set()).add(one["answer"] is None)
    # One without the other would tell by its passage.
    assert sum(kind == {True, False} for kind in kinds.values()) > 0.99 * len(kinds)
    asked = {(one["passage"], one["question"].lower()) for one in records}
    assert len(asked) == len(records)
