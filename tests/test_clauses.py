"""What stands at a number is quoted whole, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.clauses import clause
from qa.document_questions import of_document

AGREEMENT = """Contents

1. Definitions ........ 2
2. Payment ........ 3

1. Definitions

1.1 “Services” means the cleaning of the
harbour offices.
1.2 “Fee” means $4,200.

2. Payment

2.1 The Client pays the Fee
(a) within ten days, and
(b) in euros.

2.2 Interest runs on late payments.

12.2 Nothing of this.

Schedule A

The harbour offices."""


@pytest.mark.parametrize(
    ("part", "number", "said"),
    [
        ("clause", "1.1", "1.1 “Services” means the cleaning of the\nharbour offices."),
        ("", "1.2", "1.2 “Fee” means $4,200."),
        ("clause", "2.2", "2.2 Interest runs on late payments."),
        (
            "section", "2",
            "2. Payment\n\n2.1 The Client pays the Fee\n(a) within ten days, and\n(b) in euros.\n\n"
            "2.2 Interest runs on late payments.",
        ),
        ("schedule", "a", "Schedule A\n\nThe harbour offices."),
        ("clause", "3", None),
        ("clause", "2.20", None),
        ("schedule", "b", None),
    ],
)  # fmt: skip
def test_what_stands_at_a_number_is_quoted_whole(part, number, said):
    place = clause(AGREEMENT, part, number)
    assert (place and AGREEMENT[slice(*place)]) == said


def test_a_number_that_two_places_have_is_told_of_neither():
    assert clause("1. Ann came.\n\n1. Bob came.", "point", "1") is None
    assert clause("Section 1. Ann.\n\nArticle 1. Bob.", "article", "1") == (17, 32)
    assert clause("## 4.2 **Fees**\n\nThey are low.", "clause", "4.2") == (3, 30)
    assert clause("# 11 The end\n\nIt ended.", "chapter", "11") == (2, 23)


@pytest.mark.parametrize(
    ("text", "part", "number"),
    [
        ("It had profits of more than\n7.3 million in the first year.", "clause", "7.3"),
        ("10. Bring a hat.\n11. Bring a towel.", "chapter", "11"),
    ],
)
def test_what_only_begins_with_the_number_is_no_clause(text, part, number):
    """It was quoted with a confidence of 0.95."""
    assert clause(text, part, number) is None
    # Nor does it make the true one one of two.
    true = f"{text}\n\n{part.title()} {number} The end"
    assert true[slice(*clause(true, part, number))].endswith("The end")


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("What does clause 4.2 say?", ("clause", "4.2")),
        ("what does section 12(b) of the contract require", ("section", "12(b)")),
        ("What is in Article IV?", ("article", "iv")),
        ("What does 4.1 provide?", ("", "4.1")),
        ("Clause 7", ("clause", "7")),
        ("Quote § 15", ("§", "15")),
        ("What is section 3 about?", ("section", "3")),
        ("Article IV?", ("article", "iv")),
        ("§iv", ("§", "iv")),
        ("Art.5", ("art.", "5")),
        # It ends with the name of a file, and asks for a part of it all the same.
        ("What does clause 4.2 of annual report.txt say?", ("clause", "4.2")),
    ],
)
def test_who_asks_for_a_clause_by_its_number_is_understood(question, part):
    asked = of_document(question)
    assert (asked.matter, asked.part) == ("clause", part)


@pytest.mark.parametrize(
    "question",
    [
        "Who signed clause 4.2?",
        "What is part of the deal?",
        "What does chapter 11 bankruptcy cost?",
        "What is the point?",
        # "S" was the number.
        "articles of impeachment",
        "Rules of the game?",
        "items of clothing",
        "What did 300 people say?",
        "How many articles are there in section 3?",
    ],
)
def test_other_questions_are_not(question):
    assert of_document(question) is None


@given(st.text(alphabet="12.a()\n Clause#", max_size=80), st.sampled_from(["1", "1.2", "a"]))
def test_a_clause_is_a_run_of_the_text(text, number):
    place = clause(text, "clause", number)
    if place is not None:
        start, end = place
        assert 0 <= start < end <= len(text)
        assert text[start:end] == text[start:end].strip()
        assert number in text[start:end].lower()
