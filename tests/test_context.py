"""A row deep in a table is found by what its columns are called, and quoted as it stands."""

from __future__ import annotations

import time

import pytest

from index.columns import NO_COLUMNS, columns_at, columns_over_pages
from index.content import ContentBuilder
from index.context import searched_texts, whole_words
from index.documents import Document
from tests.index_fakes import open_library, write


def table(*runs):
    """Return a document of runs of rows: (sheet, lines) each."""
    builder = ContentBuilder()
    for sheet, lines in runs:
        builder.add_rows(lines, 1, sheet)
    content = builder.build()
    return Document("t.csv", content.text, "0" * 64, "csv", rows=content.rows)


def searched(document, word):
    """Return how a passage is searched that begins at a word."""
    start = document.text.index(word)
    return searched_texts(document, [(start, start + len(word))])[0]


def test_a_row_is_searched_below_its_column_names():
    document = table((None, ["Name\tCity", "Ann\tOslo", "Bob\tBern"]))
    assert searched(document, "Bob") == "Name\tCity\nBob"
    assert searched(document, "Name") == "Name"


@pytest.mark.parametrize(
    "lines",
    [
        ["Sales of the year", "Name\tCity", "Bob\tBern"],
        ["2023\t4.5 %", "Name\tCity", "Bob\tBern"],
        ["Name\tCity\t", "1\t2", "Bob\t3"],
    ],
)
def test_titles_and_figures_above_the_names_are_passed_over(lines):
    assert searched(table((None, lines)), "Bob").splitlines()[0].split() == ["Name", "City"]


def test_a_table_of_figures_has_no_names():
    assert searched(table((None, ["1\t2", "3\t4", "5\t6"])), "5") == "5"
    assert searched(table((None, ["one", "two", "three"])), "three") == "three"


def test_rows_after_an_empty_one_go_on_with_the_names_above_but_not_on_another_sheet():
    document = table(("A", ["Name\tAge", "Ann\t30"]), ("A", ["Bob\t40"]), ("B", ["Eve\t50"]))
    assert searched(document, "Bob") == "Name\tAge\nBob"
    assert searched(document, "Eve") == "Eve"
    own = table(("A", ["Name\tAge", "Ann\t30"]), ("A", ["Town\tLand", "Bern\t4"]))
    assert searched(own, "Bern") == "Town\tLand\nBern"


def test_what_stands_between_two_sheets_has_no_columns():
    """The first passage of a second sheet was searched by the names of the first one's columns."""
    builder = ContentBuilder()
    for sheet, lines in [
        ("Staff", ["Name\tAge", "Ann\t30"]),
        ("Towns", ["Town\tLand", "Bern\tCH"]),
    ]:
        builder.add_heading(sheet, 1)
        builder.add_rows(lines, 1, sheet)
    content = builder.build()
    document = Document("t.xlsx", content.text, "0" * 64, "xlsx", rows=content.rows)
    assert searched(document, "Towns") == "Towns"
    assert columns_at(document, document.text.index("Towns")) == NO_COLUMNS
    assert searched(document, "Bern") == "Town\tLand\nBern"
    assert columns_at(document, document.text.index("Ann")).names == ("Name", "Age")


def test_text_that_is_no_table_is_searched_as_it_is():
    document = Document("a.txt", "Name\tCity\nBob\tBern", "0" * 64, "text")
    assert searched(document, "Bob") == "Bob"


def test_hundreds_of_columns_do_not_push_the_row_out():
    document = table((None, ["\t".join(f"column {n}" for n in range(500)), "Bob\t1"]))
    names, row = searched(document, "Bob").split("\n")
    assert row == "Bob"
    assert 200 < len(names) <= 300
    assert names.split("\t")[-1] == f"column {len(names.split(chr(9))) - 1}"


def test_hostile_tables_are_searched_in_bounded_time():
    wide = table((None, ["7 " * 1_000_000 + "x"]), *((None, [f"{n}\t1"]) for n in range(20_000)))
    places = [(at, at + 5) for at in range(0, len(wide.text), 200)]
    started = time.perf_counter()
    assert len(searched_texts(wide, places)) == len(places)
    assert time.perf_counter() - started < 5


def test_row_five_hundred_is_found_by_its_column_and_quoted_exactly(tmp_path, home):
    rows = [f"item {n},{n * 7}" for n in range(1000)]
    files = {"parts.csv": "\n".join(["dragon,copper", *rows]), "a.txt": "Of item 500, elsewhere."}
    library = open_library(write(tmp_path / "d", files), home)
    library.sync()
    best = library.search("How much copper has item 500?", k=3)[0]
    assert "item 500\t3500" in best.text
    assert "copper" not in best.text
    assert best.text == library.document("parts.csv").text[best.start : best.end]
    # Of "dragon" and "copper", which are all that the embedder knows here, one was asked for.
    assert best.dense == pytest.approx(0.5**0.5)
    assert library.verify(), library.verify().problems


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("Military opera-\ntions, drug- \n  related", "operations drugrelated"),
        ("opera\u00ad\ntions de\u00adsig\u00adnated", "operations designated"),
        ("inter-\ngovern-\nmental", "intergovernmental"),
    ],
)
def test_broken_words_are_searched_whole_and_in_parts(text, whole):
    assert whole_words(text) == f"{text}\n{whole}"


def test_ligatures_are_searched_as_letters_and_other_text_as_it_is():
    assert whole_words("o\ufb03ces o\u2060f") == "offices of"
    for text in ("1-\n2, well-known - \nthings", "é-è\nÉtat"):
        assert whole_words(text) == text


def test_a_broken_word_is_found_by_its_whole_one_and_quoted_as_it_stands(tmp_path):
    files = {f"{n}.txt": f"Nothing of interest, number {n}." for n in range(20)}
    folder = write(tmp_path / "d", {**files, "a.txt": "An un\u00addis\u00adturbed gar-\nden."})
    library = open_library(folder, tmp_path / "home")
    library.sync()
    for word in ("undisturbed", "garden"):
        found = library.snapshot().search(word, 1)[0]
        assert found.lexical > 0 and found.text == "An un\u00addis\u00adturbed gar-\nden."
    assert library.verify().problems == ()


def pages(*texts):
    builder = ContentBuilder()
    for text in texts:
        builder.add_page(text)
    content = builder.build()
    return Document("a.pdf", content.text, "0" * 64, "pdf", pages=content.pages)


TOP = "Staff\nName\tOffice\tAge\nAnn\tOslo\t31\nBob\tLima\t17"


@pytest.mark.parametrize(
    ("foot", "head"),
    [("", ""), ("\n- 1 -", ""), ("", "Annual report\n"), ("\nHarbour office\n1", "Report\n2026\n")],
)
def test_a_table_goes_on_over_the_end_of_a_page_and_what_is_printed_there(foot, head):
    document = pages(TOP + foot, f"{head}Cy\tRome\t21\nDi\tBonn\t44")
    row = document.text.index("Cy\t")
    names = ("Name", "Office", "Age")
    assert columns_at(document, row).names == names
    assert columns_at(document, document.text.index("Di\t")).names == names
    start = document.text.index("Ann")
    [(offset, columns)] = columns_over_pages(document, start, len(document.text))
    assert (start + offset, columns.names) == (row, names)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.html", "Staff\nName\tOffice\tAge\nAnn\tOslo\t31\n\nEnd\tof\tit"),
        ("a.md", "| Name | Office | Age |\n|---|:--|--:|\n| Ann | Oslo | 31 |\n\nMore."),
        ("a.pdf", TOP),
        ("a.pdf", f"{TOP}\nCy\tRome\t21\nThese\tare\tall"),
    ],
)
def test_a_passage_that_begins_with_the_first_row_below_the_names_has_them(name, text):
    """A question for Ann's office was answered with no cell, or with that of another column."""
    document = Document(name, text, "0" * 64, "text")
    columns = columns_at(document, text.rindex("\n", 0, text.index("Ann")) + 1)
    assert columns.names == ("Name", "Office", "Age")
    assert columns_at(document, text.index("Name")) == NO_COLUMNS


@pytest.mark.parametrize(
    ("above", "below"),
    [
        (TOP, "Rome\t21\nBonn\t44"),  # another table, of two columns
        (TOP + "\nThese are all.\nNobody else\nworks here.", "Cy\tRome\t21\nDi\tBonn\t44"),
        (TOP, "Table 2. Boats\nElla\tBergen\t21\nMary\tOslo\t44"),
        (TOP, "Boat\tHarbour\tLength\nElla\tBergen\t21\nMary\tOslo\t44"),
        (TOP, "Those who left\nin the year before\nare these\nCy\tRome\t21"),
    ],
)
def test_another_table_on_the_next_page_does_not_get_its_names(above, below):
    document = pages(above, below)
    row = document.pages[1].start + below.index("21") - 5
    assert columns_at(document, row).names != ("Name", "Office", "Age")
    assert columns_over_pages(document, 0, len(document.text)) == ()
