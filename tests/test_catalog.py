"""The catalog gives back what was stored, and its lexical search never reads question syntax."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index import catalog as catalog_module
from index.bm25 import Statistics, Words, chunk_vector, exact, question_vector
from index.catalog import Catalog, CatalogWriter, FileRecord, telling_words
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
    assert telling_words("Who is it?") == ["who", "is", "it"]
    assert telling_words("Who guards it?") == ["guards"]
    assert telling_words("?!… ") == []
    assert catalog.search("?!…", 5) == {}


def test_a_name_whose_accents_have_no_letter_of_their_own_is_found(tmp_path):
    """ "İ" in lower case is an i and a mark, at which the name was cut: its chunks had no score."""
    texts = ["Ekrem İmamoğlu was elected.", "Ibadan lies in Ọ̀yọ́ State.", "Nothing of the kind."]
    writer = CatalogWriter(tmp_path / "catalog.sqlite")
    places = [(0, 1, bytes([at])) for at in range(3)]
    writer.add_document(Document("a", "".join(texts), "a" * 64, "text"), places, texts)
    writer.close()
    named = Catalog(tmp_path / "catalog.sqlite")
    words, statistics = Words(), Statistics(named)
    counts = words.count(texts)
    for question, row in [("Who is İmamoğlu?", 0), ("who is imamoglu", 0), ("Ọ̀yọ́?", 1)]:
        found = named.search(question, 3)
        assert list(found) == [row]
        stored, length = chunk_vector(counts[row]), sum(counts[row].values())
        asked = question_vector(question, words, statistics)
        assert exact(asked, stored, length, statistics.mean) == pytest.approx(found[row])
    # Marks that FTS5 knows nothing of, and marks alone, are no reason to find nothing else.
    assert list(named.search("\u0345 \u0301 x\u0336y elected", 3)) == [0]


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
    assert len(telling_words(" ".join(f"word{n}" for n in range(200_000)))) == 64


WORDS = {"rare": 3, "seldom": 5, "usual": 30, "common": 60}


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """Return a catalog of 100 chunks; "rare" is in the first 3, "seldom" in the first 5, …."""
    texts = [" ".join(word for word, n in WORDS.items() if at < n) + f" n{at}" for at in range(100)]
    texts[99] = "rare and nothing else that anybody would ask for"
    writer = CatalogWriter(tmp_path / "catalog.sqlite")
    document = Document("a", " ".join(texts), "a" * 64, "text")
    writer.add_document(document, [(0, 1, bytes([at])) for at in range(100)], texts)
    writer.close()
    return tmp_path / "catalog.sqlite"


def test_in_a_large_library_the_rarest_words_find_and_the_others_count(many, monkeypatch):
    everything = Catalog(many).search("rare seldom usual common", 100)
    assert len(everything) == 61
    monkeypatch.setattr(catalog_module, "_MOST_MATCHES", 10)
    monkeypatch.setattr(catalog_module, "_COMMON", 1.0)
    found = Catalog(many).search("rare seldom usual common", 100)
    # The rows with a rare word, each with the score that all words give it, in the same order.
    assert list(found) == [row for row in everything if row in {0, 1, 2, 3, 4, 99}]
    for row in (0, 1, 2, 3, 4, 99):
        assert found[row] == pytest.approx(everything[row])
    assert Catalog(many).search("rare usual", 2, among=[1, 40, 99]) == {
        row: pytest.approx(Catalog(many).search("rare usual", 100)[row]) for row in (1, 99)
    }


def test_a_question_of_common_words_alone_is_answered_by_the_rarest_of_them(many, monkeypatch):
    monkeypatch.setattr(catalog_module, "_MOST_MATCHES", 10)
    monkeypatch.setattr(catalog_module, "_COMMON", 0.1)
    assert set(Catalog(many).search("usual common", 100)) == set(range(30))


def test_words_that_nothing_says_take_no_part(many, monkeypatch):
    monkeypatch.setattr(catalog_module, "_MOST_MATCHES", 10)
    assert set(Catalog(many).search("zebra seldom", 100)) == set(range(5))
    assert Catalog(many).search("zebra quagga", 100) == {}


def test_a_library_below_the_limit_is_searched_by_every_word(many, monkeypatch):
    monkeypatch.setattr(catalog_module, "_MOST_MATCHES", 100)
    monkeypatch.setattr(Catalog, "_matches", None)
    assert len(Catalog(many).search("rare common", 100)) == 61
