"""A sentence that says the opposite of what is asked is no answer."""

import pytest

from qa.contrasts import COST, contradicts, contrasted
from qa.reader import Reader
from tests.reader_fakes import WordRun, word_tokenizer


@pytest.mark.parametrize(
    ("question", "sentence", "found"),
    [
        ("How many were injured?", "At least 83 have been killed.", ("injured", "killed")),
        ("Who rejected the plan?", "Spain approved it.", ("rejected", "approved")),
        ("What is Northern?", "Southern boundaries are hills.", ("northern", "southern")),
        ("By how much did prices fall?", "Prices rose by 3 %.", ("fall", "rose")),
        # It says both, or the question asks for either.
        ("How many were injured?", "83 were killed and 9 injured.", None),
        ("How many were injured?", "83 were killed, and injuries are not known.", None),
        ("How many were killed or injured?", "83 were killed.", None),
        # Another word for the same.
        ("How many died?", "At least 83 have been killed.", None),
        ("When did prices increase?", "Prices rose as shops shrank.", None),
        ("How many were killed?", "The death toll is 83, and 200 are injured.", None),
        # The one follows from the other, explains it, or decides between yes and no.
        ("Who bought the company?", "Smith sold the company to Acme.", None),
        ("When does the lease end?", "It shall begin in May and run until April.", None),
        ("What causes most crashes?", "Speeding causes at least half.", None),
        ("Why did unemployment rise?", "Exports fell sharply.", None),
        ("Did prices fall in May?", "Prices rose by 3 %.", None),
        # What comes after one thing comes before another.
        ("Who ruled after Ann?", "Ann ruled before Bob.", None),
        ("Who lives in New York?", "The old mayor does.", None),
        ("Who paid?", "He was killed.", None),
    ],
)  # fmt: skip
def test_what_excludes_what_is_asked_is_found(question, sentence, found):
    assert contradicts(contrasted(question), sentence) == found


def test_a_span_whose_sentence_says_the_opposite_is_worth_less():
    reader = Reader(WordRun({"1708": 3.0}), word_tokenizer())
    asked, other = (
        reader.read(f"when was it {word}", ["It was approved in 1708. Then it rained."])[0]
        for word in ("rejected", "begun")
    )
    assert (asked.text, other.text) == ("1708", "1708")
    assert asked.margin == other.margin - COST
    # Only the sentence counts.
    (far, *_) = reader.read("when was it rejected", ["It was approved. Then, in 1708, it rained."])
    assert far.margin == other.margin
