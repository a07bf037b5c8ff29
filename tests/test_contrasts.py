"""A sentence that says the opposite of what is asked is no answer."""

import pytest

from qa.contrasts import COST, contradicts, contrasted
from qa.reader import Reader
from tests.reader_fakes import WordRun, word_tokenizer


@pytest.mark.parametrize(
    ("question", "sentence", "found"),
    [
        ("How many were injured?", "At least 83 have been killed.", ("injured", "killed")),
        ("Who won the battle?", "Spain lost it.", ("won", "lost")),
        ("What is Northern?", "Southern boundaries are hills.", ("northern", "southern")),
        ("Why did prices fall?", "Prices rose.", ("fall", "rose")),
        # It says both, or the question asks for either.
        ("How many were injured?", "83 were killed and 9 injured.", None),
        ("How many were injured?", "83 were killed, and injuries are not known.", None),
        ("How many were killed or injured?", "83 were killed.", None),
        # Another word for the same.
        ("How many died?", "At least 83 have been killed.", None),
        ("Why did prices increase?", "Prices rose.", None),
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
        reader.read(f"when was it {word}", ["It was opened in 1708. Then it rained."])[0]
        for word in ("closed", "begun")
    )
    assert (asked.text, other.text) == ("1708", "1708")
    assert asked.margin == other.margin - COST
    # Only the sentence counts.
    (far, *_) = reader.read(
        "when was it closed", ["It was opened. Then, in 1708, it rained a lot."]
    )
    assert far.margin == other.margin
