"""The words in which a question reaches the reader."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from qa.wording import as_read


@pytest.mark.parametrize(
    ("asked", "read"),
    [
        ("According to whom are the strikes illegal?", "Who says that the strikes are illegal?"),
        ("According to whom did the war begin in May?", "Who says that the war did begin in May?"),
        # What is asked can't be told apart here, and is left in its order.
        ("According to whom is the play a Lear?", "Who says is the play a Lear?"),
        ("According to whom was it not expected?", "Who says was it not expected?"),
        ("according to who, taxes fell", "Who says taxes fell?"),
        # Nothing is left to be said, or something else is asked.
        ("According to whom?", "According to whom?"),
        ("According to whose report did it fall?", "According to whose report did it fall?"),
        ("According to which newspaper?", "According to which newspaper?"),
        ("Who fell, according to whom we asked?", "Who fell, according to whom we asked?"),
    ],
)
def test_who_says_is_read_where_a_source_is_asked_for(asked, read):
    assert as_read(asked) == read


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("who fell", "who fell?"),
        ("who fell ?? ", "who fell?"),
        ("death toll!", "death toll?"),
        ("Name the carrier.", "Name the carrier?"),
        ("What of the U.S.", "What of the U.S.?"),
        ("who said “is it so?”", "who said “is it so?”?"),
        # Nothing is asked.
        ("", ""),
        ("?", "?"),
    ],
)
def test_a_question_is_read_with_its_mark(typed, read):
    assert as_read(typed) == read


@given(st.text(max_size=60))
def test_any_other_question_is_read_as_it_is_but_for_how_it_ends(text):
    read, ends = as_read(text), " ?!.\n\t"
    assert read.rstrip(ends) == text.rstrip(ends) or text.lower().startswith("according to who")
    assert as_read(read) == read


@given(st.text(alphabet="ab U.S?!", max_size=20), st.sampled_from(["", "?", " ?", "?? ", "\n"]))
def test_how_it_ends_does_not_change_what_is_read(text, ending):
    assume(text.strip(" ?!."))
    assert as_read(text + ending) == as_read(text)
