"""The words in which a question reaches the reader."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.search import Passage
from qa.calibration import Calibration
from qa.stopping import Reading
from qa.wording import as_read


@pytest.mark.parametrize(
    ("asked", "read"),
    [
        ("According to whom are the strikes illegal?", "Who says are the strikes illegal?"),
        ("according to who, taxes fell", "Who says taxes fell"),
        # Nothing is left to be said, or something else is asked.
        ("According to whom?", "According to whom?"),
        ("According to whose report did it fall?", "According to whose report did it fall?"),
        ("According to which newspaper?", "According to which newspaper?"),
        ("Who fell, according to whom we asked?", "Who fell, according to whom we asked?"),
    ],
)
def test_who_says_is_read_where_a_source_is_asked_for(asked, read):
    assert as_read(asked) == read


@given(st.text(max_size=60))
def test_any_other_question_is_read_as_it_is(text):
    assert as_read(text) == text or text.lower().startswith("according to who")


def test_the_reader_alone_sees_the_other_wording():
    """What was understood is shown to people, in the words that they chose."""
    passage = Passage("a.txt", 0, 9, "Ann: rain", 1.0, 0.5, 1.0, None, None)
    reading = Reading("According to whom did it rain?", [passage], Calibration(), 1)
    assert reading.request == ("Who says did it rain?", ["Ann: rain"])
    assert reading.question == "According to whom did it rain?"
