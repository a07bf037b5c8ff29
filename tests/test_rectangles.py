"""A mark on the page covers what is quoted, and owns up where it cannot help covering more."""

from __future__ import annotations

from index.content import Page
from index.documents import Document
from index.rectangles import Rectangle, rectangles


class Pages:
    """Says the same of every page: its text, and a box for each character."""

    def __init__(self, text, boxes, read=None):
        self.document = Document("a.pdf", text, "0" * 64, "pdf", pages=(Page(1, 0, len(text)),))
        self.boxes = boxes
        self.read = text if read is None else read

    def page(self, data, name, number):
        return self.read, self.boxes

    def find(self, quote):
        start = self.document.text.index(quote)
        return rectangles(self.document, b"", start, start + len(quote), self)


def column(*lefts, bottom=0, width=4, height=10):
    """Return boxes of letters that stand on one line at these left edges."""
    return [[left, bottom, left + width, bottom + height] for left in lefts]


def box(left, bottom, right, top, exact=True):
    return Rectangle(1, left, bottom, right, top, exact)


def test_letters_of_a_line_are_one_rectangle_and_each_line_has_its_own():
    boxes = [*column(0, 5, 10), [0, 0, 0, 0], *column(0, 5, bottom=-12)]
    assert Pages("abc\nde", boxes).find("bc\nd") == [box(5, 0, 14, 10), box(0, -12, 4, -2)]


def test_what_was_indexed_before_tables_had_cells_is_marked_all_the_same():
    """An earlier version read "a b", which now is "a", a cell with nothing in it, and "b"."""
    boxes = [*column(0), [0] * 4, [0] * 4, *column(50)]
    assert Pages("a b", boxes, read="a\t\tb").find("b") == [box(50, 0, 54, 10)]
    assert Pages("a c", boxes, read="a\t\tb").find("c") == []


def test_text_from_right_to_left_is_covered_from_its_first_letter_to_its_last():
    pages = Pages("مرحبا", column(40, 35, 30, 25, 20))
    assert pages.find("مرحبا") == [box(20, 0, 44, 10)]
    assert pages.find("رح") == [box(30, 0, 39, 10)]


def test_text_that_runs_up_the_page_is_one_rectangle():
    upwards = [[0, at, 10, at + 4] for at in (0, 5, 10)]
    assert Pages("abc", upwards).find("abc") == [box(0, 0, 10, 14)]


def test_what_is_not_quoted_is_left_out_of_the_middle_of_a_line():
    """A label set in the margin stands between two words of the text, and is not quoted."""
    boxes = [*column(0, 5), [0, 0, 0, 0], *column(17, 22), *column(11)]
    assert Pages("ab cd!", boxes).find("ab cd") == [box(0, 0, 9, 10), box(17, 0, 26, 10)]


def test_letters_printed_over_one_another_are_said_to_have_no_rectangle_of_their_own():
    """As in the LaTeX logo, whose A stands inside of the box of its L."""
    boxes = [*column(0, 5), [6, 4, 8, 9], *column(10)]
    pages = Pages("xLAT", boxes)
    assert pages.find("xL") == [box(0, 0, 4, 10), box(5, 0, 9, 10, exact=False)]
    assert pages.find("xLAT") == [box(0, 0, 14, 10)]


def test_a_word_broken_at_the_end_of_a_line_is_marked_on_both():
    boxes = [*column(50, 55, 60), *column(0, 5, 10, bottom=-12), *column(15, bottom=-12)]
    assert Pages("exampl!", boxes).find("exampl") == [box(50, 0, 64, 10), box(0, -12, 14, -2)]


def test_white_space_and_letters_without_an_extent_have_no_rectangle():
    assert Pages(" \n\u200b", [[1, 1, 5, 9], [0, 0, 0, 0], [3, 3, 3, 3]]).find(" \n\u200b") == []
