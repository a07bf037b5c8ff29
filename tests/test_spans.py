"""Windows and decoding: a wrong index here is a wrong quote."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.spans import TokenSpan, Window, align, decode, overlap, says_something, windows

NO, LOW = 0.0, -9.0


def logits(*values):
    return np.array(values, dtype=np.float32)


def aligned(text, found):
    start = text.index(found)
    first, last = align(text, start, start + len(found))
    return text[first:last]


def every(count):
    return np.ones(count, dtype=bool)


def test_a_short_passage_is_one_window():
    assert windows(5, size=8, stride=2) == [Window(0, 5)]


def test_windows_of_a_long_passage_share_the_stride_and_end_with_it():
    assert windows(10, size=4, stride=1) == [Window(0, 4), Window(3, 7), Window(6, 10)]


def test_windows_that_never_advance_are_refused():
    with pytest.raises(ValueError, match="stride 4 found, expected 0 <= stride < window size 4"):
        windows(10, size=4, stride=4)


@given(st.integers(0, 400), st.integers(2, 60), st.data())
def test_windows_cover_every_token_and_none_is_larger_than_asked(tokens, size, data):
    stride = data.draw(st.integers(0, size - 1))
    made = windows(tokens, size, stride)
    assert {token for window in made for token in range(window.first, window.last)} == set(
        range(tokens)
    )
    assert all(window.last - window.first <= size for window in made)


def test_the_best_span_is_found_with_its_margin_over_no_answer():
    # [CLS] q [SEP] a b c: "b c" starts at 5 and ends at 4, "no answer" is worth 1 + 2.
    start = logits(1, LOW, LOW, 0, 5, 0)
    end = logits(2, LOW, LOW, 0, 0, 4)
    best = decode(start, end, 3, every(3), every(3), max_tokens=3, best=1)
    assert best == [TokenSpan(1, 2, margin=6.0)]


def test_start_and_end_are_chosen_together():
    # Apart, the best start (position 3) comes after the best end (position 1).
    start = logits(NO, 4, 0, 5)
    end = logits(NO, 6, 3, 0)
    best = decode(start, end, 1, every(3), every(3), max_tokens=3, best=1)[0]
    assert (best.first, best.last) == (0, 0)


def test_the_question_is_never_quoted():
    start, end = logits(NO, 99, 1, 1), logits(NO, 99, 1, 1)
    found = decode(start, end, 2, every(2), every(2), max_tokens=2, best=10)
    assert max(span.margin for span in found) == 2.0
    assert {(span.first, span.last) for span in found} == {(0, 0), (0, 1), (1, 1)}


def test_spans_begin_and_end_at_words():
    # "under|##stand" is one word: neither half may be quoted.
    start, end = logits(NO, 3, 9), logits(NO, 9, 3)
    found = decode(
        start, end, 1, np.array([True, False]), np.array([False, True]), max_tokens=2, best=10
    )
    assert found == [TokenSpan(0, 1, margin=6.0)]


def test_a_span_is_no_longer_than_asked():
    start, end = logits(NO, 9, 0, 0, 0), logits(NO, 0, 0, 0, 9)
    found = decode(start, end, 1, every(4), every(4), max_tokens=3, best=100)
    assert max(span.last - span.first for span in found) == 2


@given(st.integers(1, 12), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_decoding_agrees_with_trying_every_span(count, longest, seed):
    rng = np.random.default_rng(seed)
    start, end = rng.normal(size=(2, count + 2)).astype(np.float32)
    every_score = {
        (i, j): start[i + 2] + end[j + 2] - start[0] - end[0]
        for i in range(count)
        for j in range(i, min(count, i + longest))
    }
    found = decode(start, end, 2, every(count), every(count), longest, best=3)
    expected = sorted(every_score.values(), reverse=True)[:3]
    assert [span.margin for span in found] == pytest.approx(expected, abs=1e-4)
    for span in found:
        assert span.margin == pytest.approx(every_score[span.first, span.last], abs=1e-4)


@pytest.mark.parametrize(
    ("text", "found", "quote"),
    [
        ("the U.S. said", "U.S", "U.S."),
        ("He left the U.S. Then", "U.S", "U.S."),
        ("It was red. Then", "red", "red"),
        ("in naïve hope", "naï", "naïve"),
        ("a cafe\u0301 open", "cafe", "cafe\u0301"),
        ("  two  ", "  two  ", "two"),
        ("at 83 men", "83", "83"),
        ("Plan B. Next", "B", "B"),
    ],
)
def test_a_quote_is_widened_to_whole_words(text, found, quote):
    assert aligned(text, found) == quote


@pytest.mark.parametrize(
    ("text", "found", "quote"),
    [
        ("triples (a, b, c) are", "triples (a, b, c", "triples (a, b, c)"),
        ("if (time or space) ends", "time or space) ends", "(time or space) ends"),
        ('said "yes" or', '"yes', '"yes"'),
        ('it "winds up" the debate', 'winds up" the debate', '"winds up" the debate'),
        ('the "Fire of 1901" was', 'Fire of 1901"', '"Fire of 1901"'),
        ("“A” and “B” of", "“A” and “B", "“A” and “B”"),
        ("type `make run D=~/papers` there", "make run D=~/papers`", "`make run D=~/papers`"),
        ("is in `.venv` now", "`.venv", "`.venv`"),
        # The other one is not beside it.
        ("“It is bad,” he said", "“It is bad", "It is bad"),
        ("see (the UNEP) now", "UNEP)", "UNEP"),
        ("f(x) and g(y, z)", "f(x) and g(y", "f(x) and g(y"),
        # Nothing is alone here.
        ('at 9 ft 58.2" north', '9 ft 58.2"', '9 ft 58.2"'),
        ("see (x) now", "(x)", "(x)"),
        ("a ( b", "(", "("),
    ],
)
def test_a_quote_has_both_marks_of_a_pair_or_neither(text, found, quote):
    assert aligned(text, found) == quote


def test_a_quote_over_cells_has_whole_ones():
    row = "Copper wire\t1,234.50 EUR\t15.3%\t7 May\nIron"
    assert aligned(row, "EUR\t15.3%") == "15.3%"
    assert aligned(row, "15.3%\t7") == "15.3%"
    assert aligned(row, "1,234.50 EUR\t15.3%") == "1,234.50 EUR\t15.3%"
    assert aligned(row, "wire\t1,234.50 EUR\t15.3%\t7") == "1,234.50 EUR\t15.3%"
    # No cell is whole.
    assert aligned(row, "wire\t1,234.50") == "wire\t1,234.50"


@given(st.text(min_size=1) | st.text('a1 ()[]“”".`\t', min_size=1), st.data())
def test_aligning_stays_inside_the_text_and_is_done_once(text, data):
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    first, last = align(text, start, end)
    assert 0 <= first <= last <= len(text)
    assert first < last or not text[start:end].strip()
    if first < last:
        assert not text[first].isspace() and not text[last - 1].isspace()
        assert align(text, first, last) == (first, last)


def test_intervals_that_touch_do_not_overlap():
    assert overlap((0, 3), (2, 4))
    assert not overlap((0, 2), (2, 4))


@pytest.mark.parametrize(
    ("text", "found", "whole"),
    [
        (
            "plans to designate the Cartel de los Soles as one",
            "de los Soles",
            "Cartel de los Soles",
        ),
        ("at the Royal University of Oxford.", "of Oxford", "Royal University of Oxford"),
        ("by Leonardo da Vinci", "Leonardo da Vinci", "Leonardo da Vinci"),
        ("saw Ángel María de la Cruz", "de la Cruz", "Ángel María de la Cruz"),
        # No name stands before it, but what begins a sentence, or a day.
        ("It fell. But de Gaulle stayed", "de Gaulle", "de Gaulle"),
        ("In Paris de Gaulle stayed", "de Gaulle", "de Gaulle"),
        ("and on Monday von der Leyen left", "von der Leyen", "von der Leyen"),
        ("a part of Oxford", "of Oxford", "of Oxford"),
        ("it is of 1708", "of 1708", "of 1708"),
    ],
)
def test_a_name_is_not_cut_before_its_particle(text, found, whole):
    assert aligned(text, found) == whole


@pytest.mark.parametrize(
    ("text", "span", "says"),
    [
        ("the trade mark # of it", "#", False),
        ("Mr Reed rang. He would like to talk.", "He", False),
        ("Mr Reed said: “We would like to talk.”", "We", False),
        ("those who saw it burn", "it", False),
        ("Reed rang from Rome. He would", "Reed rang from Rome. He", False),
        ("They saw it burn", "They saw it", True),
        ("the film It and its book", "It", True),
        ("flown to the US by night", "US", True),
        ("Bob and Ann said so", "Bob and Ann", True),
        ("the end of World War I", "I", True),
    ],
)
def test_a_mark_or_a_pronoun_says_nothing_by_itself(text, span, says):
    start = text.index(span)
    assert says_something(text, start, start + len(span)) is says
