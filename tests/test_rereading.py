"""Sentences are read twice: the second reading mends what the rest of a passage spoils."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from qa.reader import Reader, Span
from qa.rereading import averaged, sentences, tokens_within
from qa.spans import Window
from tests.reader_fakes import WordRun, span, word_tokenizer

FAR = "A b a when. A b b when. "  # two sentences


def shown(text: str, quotes: list[Span], most: int = 2) -> list[str]:
    return [text[slice(*sentence.shown)] for sentence in sentences(text, quotes, most)]


class DistractedRun(WordRun):
    """Likes "Bob" in a window of more than 20 tokens, and "Ann" in a shorter one."""

    def __call__(self, ids, mask, types):
        long = ids.shape[1] > 20
        self.scores = {VOCABULARY["Bob"]: 2.0 if long else -5.0, VOCABULARY["Ann"]: 1.0}
        return super().__call__(ids, mask, types)


VOCABULARY = word_tokenizer().get_vocab()


def reader(run=None, **options):
    return Reader(run or DistractedRun({}), word_tokenizer(), **options)


def test_a_sentence_is_read_again_with_the_one_before_and_the_one_behind():
    text = "One is far. Two is near. Here Ann is. Four is near. Five is far."
    assert shown(text, [span(text, "Ann")]) == ["Two is near. Here Ann is. Four is near."]
    assert shown(text, [span(text, "One")]) == ["One is far. Two is near."]
    assert shown(text, [span(text, "Five")]) == ["Four is near. Five is far."]


def test_sentences_are_read_again_best_first_and_once_each():
    text = "Here is Ann or Eve. Two is far. Three is far. Here is Bob."
    quotes = [span(text, quote) for quote in ("Bob", "Ann", "Eve", "Two")]
    assert shown(text, quotes) == ["Three is far. Here is Bob.", "Here is Ann or Eve. Two is far."]
    assert len(shown(text, quotes, most=1)) == 1


def test_nothing_is_read_again_for_what_is_no_answer():
    # Most passages that are found have none, and a second look at each would cost as much again.
    text = "Here is Ann. Here is Bob."
    assert shown(text, [span(text, "Ann", -3.5), span(text, "Bob", -4.0)]) == []


def test_tokens_are_those_that_stand_whole_in_the_sentences():
    assert tokens_within([(0, 2), (3, 5), (6, 9), (9, 10)], (3, 10)) == Window(1, 4)
    assert tokens_within([(0, 2), (3, 5)], (4, 5)) == Window(0, 0)


def test_logits_of_both_readings_are_averaged_on_the_tokens_that_both_saw():
    heads = np.array([1.0], np.float32), np.array([4.0], np.float32)
    # [CLS] q [SEP] | five tokens | [SEP], and of these the third and the fourth alone.
    wide = np.array([[0, -1, -1, 1, 2, 3, 4, 5, -9]], np.float32)
    narrow = np.array([[2, -1, -1, 5, 8, -9]], np.float32)
    start, end, relevance, answerability = averaged(
        (narrow, narrow + 2, *heads), (wide, wide, heads[1], heads[0]), offset=3, shift=2, tail=1
    )
    assert start.tolist() == [[1, -1, -1, 4, 6, -9]]
    assert end.tolist() == [[2, 0, 0, 5, 7, -8]]
    assert (relevance.tolist(), answerability.tolist()) == ([2.5], [2.5])


def test_an_answer_that_the_rest_of_the_passage_outshone_is_found_in_the_second_reading():
    text = "Here is Ann. " + FAR + "There is Bob."
    once, twice = reader(), reader(sentences=2)
    assert once.read("who", [text], best=1)[0].text == "Bob"
    best, second = twice.read("who", [text], best=2)
    # Ann has 1 + 1 both times; Bob 2 + 2, and then -5 - 5.
    assert (best.text, best.margin) == ("Ann", 2.0)
    assert (second.text, second.margin) == ("Bob", -3.0)


def test_a_sentence_beyond_the_most_keeps_its_first_reading():
    text = "Here is Ann. " + FAR + "There is Bob. " + FAR + "Here is Ann."
    found = reader(sentences=1).read("who", [text], best=3)
    assert [(one.text, one.margin) for one in found] == [("Ann", 2.0), ("Ann", 2.0), ("Bob", -3.0)]


def test_a_span_that_reaches_beyond_the_sentence_is_none_of_its_second_reading():
    # Read with its neighbours alone, the shipped reader ran one quotation into the next sentence's.
    class GreedyRun(WordRun):
        def __call__(self, ids, mask, types):
            start, end, *heads = super().__call__(ids, mask, types)
            if ids.shape[1] < 20:  # the second reading: from Ann to the end of the next sentence
                end[ids == VOCABULARY["when"]] = 9.0
            return start, end, *heads

    text = FAR * 2 + "Here Ann is. There Bob is when."
    found = reader(GreedyRun({"Ann": 1.0}), sentences=1).read("who", [text])
    assert found[0].text == "Ann"
    assert not any("Ann is. There" in one.text for one in found)


def test_the_heads_are_averaged_as_the_spans_are():
    # WordRun's relevance is the number of the window's tokens.
    text = "Here Ann is. " + FAR * 2
    [found] = reader(WordRun({"Ann": 1.0}), sentences=1).read("who", [text], best=1)
    assert (found.text, found.margin) == ("Ann", 2.0)
    # [CLS] who ? [SEP] … [SEP] are 5; four words and marks are 4, and each sentence of FAR has 5.
    assert found.relevance == ((5 + 4 + 4 * 5) + (5 + 4 + 5)) / 2
    assert found.answerability == -found.relevance


def test_a_passage_of_few_sentences_is_not_read_twice():
    run = WordRun({"Ann": 1.0})
    reader(run, sentences=2).read("who", ["Here is Ann. There is Bob."])
    assert len(run.shapes) == 1


def test_every_passage_gets_its_own_second_reading():
    texts = [
        "Here is Ann. " + FAR + "There is Bob.",
        FAR * 2,
        "Bob.",
        "Here is Ann. " + FAR + "Bob.",
    ]
    together = reader(sentences=2, workers=2).read_many([("who", texts), ("when", texts[:1])])
    assert together[0] == reader(sentences=2).read("who", texts)
    assert together[1] == reader(sentences=2).read("when", texts[:1])


words = st.sampled_from(
    ["Ann", "Bob", "a", "b.", "1708", "(a", "b)", "\n", "\n\n", "É\u0301a", "“b”.", "?"]
)


@given(st.lists(words, max_size=60).map(" ".join), st.integers(16, 60))
def test_what_is_quoted_after_a_second_reading_stands_where_it_says(text, window):
    reading = reader(sentences=2, window_tokens=window, window_stride=4)
    found = reading.read("who a", [text])
    assert all(text[one.start : one.end] == one.text for one in found)
    places = sorted(one.place for one in found)
    assert all(one[1] <= other[0] for one, other in zip(places, places[1:], strict=False))
