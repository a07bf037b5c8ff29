"""Where a page draws a table, its rows have cells; text and lists stay as they are."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.columns import cells_of, columns_at
from index.formats.columns import with_tabs
from index.search import Passage
from qa.tables import views

WIDTH, HEIGHT, SPACE = 5.0, 7.0, 3.0


def page(*lines, down=0):
    """Return text and boxes; a line is `(left, words)` pieces, of letters 5 points wide.

    All lines but the first are moved down by some points.
    """
    text, boxes = "", []
    for number, line in enumerate(lines):
        if number:
            text += "\n"
            boxes.append((0, 0, 0, 0))
        bottom = 800 - 12 * number - (down if number else 0)
        for at, (left, words) in enumerate(line):
            if at:
                text += " "
                boxes.append((0, 0, 0, 0))
            for letter in words:
                step = SPACE if letter == " " else WIDTH
                text += letter
                boxes.append(
                    (0, 0, 0, 0) if letter == " " else (left, bottom, left + step, bottom + HEIGHT)
                )
                left += step
    return text, np.array(boxes, dtype=np.float32).reshape(-1, 4)


def cells(*lines, down=0):
    """Return the page's lines as they are indexed."""
    text, boxes = with_tabs(*page(*lines, down=down))
    assert len(text) == len(boxes)
    return text.split("\n")


STAFF = (
    [(0, "Name"), (100, "Office"), (180, "Salary")],
    [(0, "Ann Lee"), (100, "Oslo"), (185, "56,250")],
    [(0, "Bob Ray"), (100, "Lima"), (180, "117,900")],
)


def test_a_table_has_cells_and_the_text_around_it_none():
    around = [(0, "The salaries of those who work here are told below.")]
    assert cells(around, *STAFF, around) == [
        around[0][1],
        "Name\tOffice\tSalary",
        "Ann Lee\tOslo\t56,250",
        "Bob Ray\tLima\t117,900",
        around[0][1],
    ]


def test_a_row_with_nothing_in_a_column_keeps_its_other_cells_below_their_names():
    rows = [
        [(0, "Cy Fox"), (180, "61,000")],
        [(100, "Rome"), (180, "1,708")],
        [(0, "Di Orr"), (100, "Bonn")],
    ]
    assert cells(*STAFF, *rows)[3:] == ["Cy Fox\t\t61,000", "\tRome\t1,708", "Di Orr\tBonn\t"]


def test_a_name_that_is_wider_than_its_column_is_a_cell_of_its_own():
    names = [(0, "Name"), (40, "Start of work"), (112, "Salary")]
    rows = [[(0, "Ann"), (40, "1998"), (117, "56,250")] for _ in range(12)]
    assert cells(names, *rows)[:2] == ["Name\tStart of work\tSalary", "Ann\t1998\t56,250"]


def test_a_title_over_several_columns_does_not_join_them():
    title = [(0, "2022"), (85, "Those of the north and south")]
    rows = [[(0, "Ann Lee"), (100, "Oslo"), (180, "5,250")] for _ in range(12)]
    assert cells(*rows[:6], title, *rows[6:])[5:8] == [
        "Ann Lee\tOslo\t5,250",
        "2022\tThose of the north and south\t",
        "Ann Lee\tOslo\t5,250",
    ]


def test_what_is_printed_at_the_head_of_a_page_is_no_row_of_the_table_below():
    head = [(0, "12"), (100, "Annual report")]
    assert cells(head, *STAFF, down=40)[:2] == ["12 Annual report", "Name\tOffice\tSalary"]


def test_two_lines_are_no_table_of_two_columns():
    lines = [[(0, "Dear Ann"), (200, "4 May")], [(0, "Thank you"), (200, "Oslo")]]
    assert cells(*lines) == ["Dear Ann 4 May", "Thank you Oslo"]


@pytest.mark.parametrize(
    "lines",
    [
        # Spaces are wide in justified lines, and stand where they will.
        [[(0, "they"), (27, "were"), (56, "seen"), (84, "at"), (101, "sea")],
         [(0, "nobody"), (39, "knew"), (67, "where"), (100, "to")],
         [(0, "and"), (22, "asked"), (55, "those"), (88, "who")],
         [(0, "lived"), (33, "by"), (51, "it"), (66, "all"), (89, "day")]],
        # Two columns of text.
        [[(0, "the boats that were out at"), (200, "and nobody in the town knew")]] * 6,
        # A list with its marks.
        [[(0, f"{number}."), (40, "Butter the bread")] for number in range(1, 8)],
        [[(0, "•"), (40, "Salt")] for _ in range(5)],
        # Contents, with dots up to the page.
        [[(0, "Boats"), *((at, ".") for at in range(60, 95, 10)), (100, f"{page}")]
         for page in range(9)],
        # Terms and what they mean.
        [[(0, "Agreement"), (90, "what both of us have signed on the day that is told below")]] * 5,
    ],
)  # fmt: skip
def test_text_and_lists_have_no_cells(lines):
    assert not any("\t" in line for line in cells(*lines))


def test_a_table_with_cells_of_several_lines_is_left_as_text():
    """Its lines are pieces of rows: told apart by tabs, they would be rows of the wrong cells."""
    text, boxes = page(*STAFF, *STAFF[1:])
    lines = text.split("\n")
    # The last line stands beside the one before it: the second cell of that row, set afterwards.
    start = len(text) - len(lines[-1])
    boxes[start:, [1, 3]] += 12 * (boxes[start:, [3]] > 0)
    assert with_tabs(text, boxes)[0] == text


def test_two_tables_with_white_space_between_them_are_apart():
    text, boxes = page(*STAFF, *STAFF)
    start = sum(len(line) + 1 for line in text.split("\n")[:3])
    boxes[start:, [1, 3]] -= 40 * (boxes[start:, [3]] > 0)
    table = "Name\tOffice\tSalary\nAnn Lee\tOslo\t56,250\nBob Ray\tLima\t117,900"
    changed, moved = with_tabs(text, boxes)
    assert changed == f"{table}\n\n{table}" and len(moved) == len(changed)


def test_an_abbreviation_does_not_end_a_cell():
    """Its full stop is narrow: the gap behind it, from ink to ink, is wider than others."""
    rows = [[(0, "Dr."), (19.4, "Lee of Oslo"), (120, "No."), (139.4, "7")] for _ in range(4)]
    assert cells(*rows)[0] == "Dr. Lee of Oslo\tNo. 7"


def test_lines_of_a_thousand_words_are_looked_at_in_bounded_time():
    lines = [[(at * 12, "ab") for at in range(1000)] for _ in range(10)]
    begin = time.perf_counter()
    assert len(cells(*lines)) == 10
    assert time.perf_counter() - begin < 5


def test_a_line_that_runs_from_right_to_left_is_left_alone():
    text, boxes = page(*STAFF)
    assert (
        with_tabs(text, boxes[:, [2, 1, 0, 3]] * np.array([-1, 1, -1, 1], dtype=np.float32))[0]
        == text
    )


@pytest.mark.parametrize(
    ("head", "body"), [("{}", "{}"), ("<thead>{}</thead>", "<tbody>{}</tbody>")]
)
def test_cells_of_a_web_page_stand_below_their_names(read, head, body):
    """Ann's age was answered with her salary; below a head that is marked up nothing had a name."""
    rows = "".join(
        f"<tr><td>{name}</td><td>{salary}</td><td>{age}</td></tr>"
        for name, salary, age in [("Ann Lee", 50000, 31), ("Bob Ray", 61000, 17)]
    )
    document = read(
        f"<table>{head}{body}</table>".format(
            "<tr><th></th><th>Salary</th><th>Age</th></tr>", rows
        ).encode(),
        "a.html",
    )
    assert columns_at(document, document.text.index("Bob")).names == ("", "Salary", "Age")
    whole = Passage("a.html", 0, len(document.text), document.text, 1.0, 0.3, 2.0, None, None)
    (row,) = views("How old is Ann Lee? What is her age?", whole)
    assert row.text == "Ann Lee. Salary: 50000, Age: 31."


places = st.lists(
    st.lists(
        st.tuples(st.integers(0, 400), st.text("ab1 .", min_size=1, max_size=12).map(str.strip)),
        min_size=1,
        max_size=6,
    ),
    max_size=8,
)


@given(places)
def test_whatever_a_page_is_like_its_words_and_their_boxes_stay(lines):
    text, boxes = page(*([(left, words) for left, words in line if words] for line in lines))
    changed, moved = with_tabs(text, boxes)
    inked, still = (
        np.array([not letter.isspace() for letter in one], dtype=bool) for one in (text, changed)
    )
    assert "".join(text.split()) == "".join(changed.split())
    unparted = [line for line in changed.split("\n") if line.strip()]
    assert len(unparted) == len([line for line in text.split("\n") if line.strip()])
    np.testing.assert_array_equal(boxes[inked], moved[still])
    assert not moved[[letter == "\t" for letter in changed]].any()


def test_an_escaped_bar_is_part_of_its_cell():
    """Shifted by one, a default was answered with half of the option's name."""
    row = "| `a\\|b` | 5 | size |"
    assert [words for _, words in cells_of(row)] == ["`a\\|b`", "5", "size"]
    assert all(row[start : start + len(words)] == words for start, words in cells_of(row))
    assert [words for _, words in cells_of("| a | b\\| |")] == ["a", "b\\|"]
