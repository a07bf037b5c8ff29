"""Chunks and sentences are places in the text, exact to the character, and lose none of it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.chunks import sentence_around, sentence_spans, split
from tests.index_fakes import patient

# Few different letters, so that chunks repeat: the case in which searching for a chunk finds the
# wrong place. Beside them what Unicode makes difficult.
ALPHABET = "aab .\n\té́🍎🇩🇪’”?！中"
TEXTS = st.text(st.sampled_from(ALPHABET), max_size=400)
MIXED = TEXTS | st.text(max_size=300)


def uncovered(text: str, spans: list[tuple[int, int]]) -> str:
    kept = list(text)
    for start, end in spans:
        kept[start:end] = " " * (end - start)
    return "".join(kept).strip()


@settings(patient, max_examples=300)
@given(MIXED, st.integers(1, 60), st.data())
def test_chunks_stand_where_they_say_and_leave_nothing_out(text, size, data):
    overlap = data.draw(st.integers(0, size - 1))
    chunks = split(text, size, overlap)
    assert all(text[c.start : c.end] == c.text for c in chunks)
    assert all(0 < len(c.text) <= size for c in chunks)
    assert uncovered(text, [(c.start, c.end) for c in chunks]) == ""
    starts = [c.start for c in chunks]
    assert starts == sorted(set(starts))


def test_a_piece_that_begins_as_the_one_before_it_is_not_lost():
    # The first piece is "  a ", of which the overlap "a " begins the second.
    assert [(c.start, c.text) for c in split("  a ?", 4, 2)] == [(2, "a ?")]


def test_paragraphs_then_sentences_are_kept_whole():
    text = "One is short.\n\nTwo is longer. It has two sentences.\n\nThree."
    assert [c.text for c in split(text, 40, 0)] == [
        "One is short.",
        "Two is longer. It has two sentences.",
        "Three.",
    ]
    assert [c.text for c in split(text, 25, 0)][1:3] == ["Two is longer.", "It has two sentences."]


def test_neighbours_share_whole_sentences_up_to_the_overlap():
    text = "Aaaa aaaa. Bbbb bbbb. Cccc cccc. Dddd dddd."
    assert [c.text for c in split(text, 22, 11)] == [
        "Aaaa aaaa. Bbbb bbbb.",
        "Bbbb bbbb. Cccc cccc.",
        "Cccc cccc. Dddd dddd.",
    ]


def test_an_overlap_as_large_as_a_chunk_is_refused():
    with pytest.raises(ValueError, match="chunk_overlap: found 50, expected 0 to 49"):
        split("text", 50, 50)


@settings(patient, max_examples=200)
@given(MIXED)
def test_sentences_are_in_order_trimmed_apart_and_complete(text):
    spans = sentence_spans(text)
    assert all(text[start:end].strip() == text[start:end] != "" for start, end in spans)
    assert all(before[1] <= after[0] for before, after in zip(spans, spans[1:], strict=False))
    assert uncovered(text, spans) == ""


@settings(patient, max_examples=200)
@given(MIXED.filter(str.strip), st.data())
def test_the_sentence_around_a_span_holds_the_span_and_is_made_of_whole_sentences(text, data):
    spans = sentence_spans(text)
    first = data.draw(st.sampled_from(spans))
    start = data.draw(st.integers(first[0], first[1] - 1))
    end = data.draw(st.integers(start + 1, min(len(text), start + 20)))
    touched = [span for span in spans if span[0] < end and span[1] > start]
    found = sentence_around(text, start, end)
    assert found == (min(start, touched[0][0]), max(end, touched[-1][1]))


def test_abbreviations_do_not_end_a_sentence():
    text = "The U.S. State Department, led by Mr. Rubio, spoke. Nobody answered."
    at = text.index("State")
    start, end = sentence_around(text, at, at + 5)
    assert text[start:end] == "The U.S. State Department, led by Mr. Rubio, spoke."


def test_a_sentence_wrapped_over_lines_is_one_sentence():
    text = "This sentence was wrapped\nby hand at a narrow width\nand ends here. Next."
    assert [text[s:e] for s, e in sentence_spans(text)] == [text[:-6], "Next."]


def test_headings_list_items_and_lines_that_were_not_wrapped_stand_alone():
    byline = "Credited from: AA"
    paragraph = "The ministry said on Monday that " + "very " * 40 + "little had changed."
    text = f"{byline}\n{paragraph}\n# Heading\nBody one\n- item one\n- item two\n"
    assert [text[s:e] for s, e in sentence_spans(text)] == [
        byline,
        paragraph,
        "# Heading",
        "Body one",
        "- item one",
        "- item two",
    ]


def test_a_sentence_in_a_large_text_is_found_without_reading_all_of_it():
    text = "A line of the log that ends here.\n" * 200_000
    started = time.perf_counter()
    start, end = sentence_around(text, 3_400_002, 3_400_006)
    assert text[start:end] == "A line of the log that ends here."
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize(
    "text",
    ["a" * 200_000, " " * 200_000, "a. " * 60_000, "\n" * 200_000, "." * 200_000 + "a"],
    ids=["letters", "spaces", "sentences", "lines", "dots"],
)
def test_hostile_texts_are_cut_in_bounded_time(text):
    started = time.perf_counter()
    chunks = split(text)
    assert uncovered(text, [(c.start, c.end) for c in chunks]) == ""
    assert time.perf_counter() - started < 20
