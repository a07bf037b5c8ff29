"""The catalog gives back what was stored, and its lexical search never reads question syntax."""

from __future__ import annotations

import stat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.catalog import Catalog, CatalogWriter, FileRecord, match_expression
from index.content import Heading, Page, Rows
from index.documents import Document
from tests.index_fakes import patient

TEXTS = ["The dragon guards copper.", "A bridge of iron.", "Running engines and dragons, dragons."]


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    path = tmp_path_factory.mktemp("catalog") / "catalog.sqlite"
    writer = CatalogWriter(path)
    for name, text in zip("abc", TEXTS, strict=True):
        document = Document(name, text, name * 64, "text", encoding="utf-8")
        row = writer.add_document(document, [(0, len(text), name.encode())], [text])
        writer.add_file(FileRecord(name, len(text), 1, 2, 3, name * 64, row, None))
    writer.add_file(FileRecord("alias", 9, 1, 2, 3, "a" * 64, 0, None))
    writer.add_file(FileRecord("broken", 9, 1, 2, 0, None, None, "encrypted"))
    writer.close()
    opened = Catalog(path)
    yield opened
    opened.close()


def test_only_the_owner_can_read_the_file(tmp_path):
    CatalogWriter(tmp_path / "catalog.sqlite").close()
    assert stat.S_IMODE((tmp_path / "catalog.sqlite").stat().st_mode) == 0o600


def test_a_document_comes_back_as_it_was(tmp_path):
    document = Document(
        "x.md",
        "é🍎 text\n" * 100,
        "f" * 64,
        "markdown",
        pages=(Page(1, 0, 5), Page(2, 5, 9)),
        headings=(Heading("One", 1, 0, 3),),
        rows=(Rows(5, 9, 3, "Sheet"),),
        encoding="utf-8",
        note="a remark",
    )
    writer = CatalogWriter(tmp_path / "c")
    row = writer.add_document(document, [], [])
    writer.close()
    assert Catalog(tmp_path / "c").document(row, "x.md") == document
    with pytest.raises(KeyError, match="7"):
        Catalog(tmp_path / "c").document(7, "x.md")


def test_names_of_one_content_are_kept_together_the_first_is_cited(catalog):
    assert catalog.names() == {0: ("a", "alias"), 1: ("b",), 2: ("c",)}
    assert catalog.files()["broken"].reason == "encrypted"


def test_words_are_found_in_any_form_and_the_better_match_comes_first(catalog):
    found = catalog.search("Which dragon runs the engine?", 10)
    assert list(found) == [2, 0]
    assert found[2] > found[0] >= 0


def test_scores_of_given_rows_are_those_of_the_whole_search(catalog):
    everything = catalog.search("dragon copper bridge", 10)
    assert catalog.search("dragon copper bridge", 10, among=[0, 1]) == {
        row: score for row, score in everything.items() if row in (0, 1)
    }


def test_a_question_of_question_words_only_still_searches_them(catalog):
    assert match_expression("Who is it?") == '"who" OR "is" OR "it"'
    assert match_expression("Who guards it?") == '"guards"'
    assert match_expression("?!… ") == ""
    assert catalog.search("?!…", 5) == {}


@pytest.mark.parametrize(
    "question",
    ['"', "dragon AND", "NEAR(dragon copper)", "text:dragon", "dragon*", "-dragon", "^dragon", "("],
)
def test_search_syntax_in_a_question_is_only_words(catalog, question):
    found = catalog.search(question, 10)
    assert set(found) == ({0, 2} if "dragon" in question else set())


@settings(patient, max_examples=200)
@given(st.text(max_size=200))
def test_no_question_breaks_the_search(catalog, question):
    assert all(score >= 0 for score in catalog.search(question, 10).values())


def test_a_megabyte_of_words_is_cut_to_a_bounded_query():
    expression = match_expression(" ".join(f"word{n}" for n in range(200_000)))
    assert expression.count(" OR ") == 63
