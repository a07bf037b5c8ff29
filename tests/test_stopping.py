"""Reading stops when no passage that is left can matter, and not before.

The fakes make the rule's figures plain: the ranking is the reader's margin, so "needed" is the best
margin, and a chance is the logistic of what the rule's weights make of it.
"""

import json
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.search import Passage
from qa import stop_fitting
from qa.assistant import Assistant
from qa.calibration import Calibration, Logistic, Stopping
from qa.candidates import gather, prospects
from qa.config import Settings
from qa.fitting import Case
from qa.goldenset import Pair
from qa.reader import Reader, Span
from qa.recalibration import describe, refit
from qa.stopping import Reading, read_all
from tests.index_fakes import open_library, write
from tests.reader_fakes import WordRun, word_tokenizer

# A passage has something to say with log-odds of minus the best margin.
RULE = Stopping(Logistic(0, {"needed": -1.0}), limit=0.05)
PLAIN = Calibration(Logistic(0, {"margin": 1.0}), Logistic(0, {"score": 1.0}), threshold=0.5)
STOPS = replace(PLAIN, stopping=RULE)
ASKED = "who opened the apple bridge?"
FILES = {
    "0.txt": "The apple bridge was opened by Ann. The bridge is of stone.",
    "1.txt": "The apple harvest was late.",
    "2.txt": "A bridge of wood.",
    "3.txt": "Bob opened a shop.",
    "4.txt": "Copper is mined here.",
    "5.txt": "The sea was calm.",
}


@pytest.fixture
def make(tmp_path):
    (tmp_path / "papers").mkdir()
    library = open_library(write(tmp_path / "papers", FILES), tmp_path / "home")
    library.sync()

    def assistant(scores, calibration=STOPS, **settings):
        run = WordRun(scores)
        made = Assistant(library, Reader(run, word_tokenizer()), calibration, Settings(**settings))
        return made, run.shapes

    return assistant


def read_by(assistant, question=ASKED):
    *_, last = assistant.ask_stages(question)
    return last.read


def test_a_sure_answer_ends_the_reading(make):
    # Margin 10: each of the 4 passages left has something to say with a chance of 0.00005.
    assistant, windows = make({"Ann": 5.0})
    answer = assistant.ask(ASKED)
    assert answer.text == "Ann" and len(windows) == 2
    everything, windows = make({"Ann": 5.0}, PLAIN)
    assert everything.ask(ASKED) == answer and len(windows) == 6


def test_an_unsure_answer_is_read_on(make):
    # Margin 1: a chance of 0.27 each.
    assistant, windows = make({"Ann": 0.5})
    assert assistant.ask(ASKED).text == "Ann" and len(windows) == 6


def test_chances_add_up_over_the_passages_left(make):
    # Margin 4: 0.018 each, 0.072 over the 4 left after the first group and 0.036 over the 2 left
    # after the second.
    assistant, windows = make({"Ann": 2.0})
    assert assistant.ask(ASKED).text == "Ann" and len(windows) == 4


def test_a_refusal_has_read_everything(make):
    assistant, windows = make({"Ann": -2.0})
    assert assistant.ask(ASKED).refusal.reason == "not_answered" and len(windows) == 6


def test_every_way_of_asking_reads_and_answers_alike(make):
    assistant, _ = make({"Ann": 2.0, "Bob": 5.0})
    questions = [ASKED, "who opened a shop?", "where is copper mined?"]
    alone = [assistant.ask(question) for question in questions]
    assert assistant.ask_many(questions) == alone
    assert [list(assistant.ask_stages(question))[-1].answer for question in questions] == alone


def test_the_stage_says_how_many_passages_were_read(make):
    assert read_by(make({"Ann": 5.0})[0]) == 2
    assert read_by(make({"Ann": -2.0})[0]) == 6


def test_a_calibration_made_before_the_rule_reads_everything(make):
    stored = asdict(PLAIN)
    del stored["stopping"]
    assistant, windows = make({"Ann": 5.0}, Calibration.from_dict(stored))
    assert assistant.ask(ASKED).text == "Ann" and len(windows) == 6


def test_who_wants_every_source_has_everything_read(make):
    assistant, windows = make({"Ann": 5.0}, read_all=True)
    assert assistant.ask(ASKED).text == "Ann" and len(windows) == 6


def test_a_rule_is_read_back_as_it_was_saved(tmp_path):
    STOPS.save(tmp_path / "calibration.json")
    assert Calibration.load(tmp_path / "calibration.json") == STOPS


# The choice of passages --------------------------------------------------------------------------


class TextReader:
    """Marks the first word of each passage with the margin that stands behind it: `Ann 2.5 …`."""

    def __init__(self):
        self.read = []

    def read_many(self, requests, best=5):
        self.read += [text for _, texts in requests for text in texts]
        return [[self._span(*item) for item in enumerate(texts)] for _, texts in requests]

    def _span(self, number, text):
        word, margin = text.split()[:2]
        score = float(margin)
        return Span(number, 0, len(word), word, score, score, 0.0, 0.0)


def passage(number, text, score):
    return Passage(f"{number}.txt", 0, len(text), text, score, 0.3, 2.0, None, None)


def reading(texts, calibration, scores=None, chunks=1000):
    passages = [
        passage(at, text, scores[at] if scores else 1 - at / 20) for at, text in enumerate(texts)
    ]
    made, reader = Reading("who", passages, calibration, chunks), TextReader()
    read_all([made], reader)
    return made


def test_a_passage_that_the_search_puts_near_is_read_before_one_far_behind():
    rule = Stopping(Logistic(0, {"behind": -100.0}), limit=0.05)
    made = reading(
        ["Ann 1", "Bob -9", "Eve -9", "Kim -9"], replace(PLAIN, stopping=rule), [1, 1, 0.99, 0.2]
    )
    assert made.read == [0, 1, 2, 3][: len(made.read)] and 2 in made.read
    far = reading(
        ["Ann 1", "Bob -9", "Eve -9", "Kim -9"], replace(PLAIN, stopping=rule), [1, 1, 0.5, 0.2]
    )
    assert far.read == [0, 1]


def test_a_source_that_holds_the_answers_words_is_read_for_its_citation():
    rule = Stopping(Logistic(-9, {"echo": 18.0}), limit=0.05)
    texts = ["Ann 4", "Bob -9", "Eve -9", "Kim -9", "Ivo -9", "Ann 3 again"]
    made = reading(texts, replace(PLAIN, stopping=rule))
    assert made.read[:3] == [0, 1, 5]
    assert [item.place[0] for item in made.candidates[:2]] == ["0.txt", "5.txt"]


def test_words_echo_only_as_whole_words():
    rule = Stopping(Logistic(-9, {"echo": 18.0}), limit=0.05)
    made = reading(["Ann 4", "Bob -9", "Anna -9"], replace(PLAIN, stopping=rule))
    assert made.read == [0, 1]


def test_two_equally_good_numbers_are_both_read():
    # The second stands behind a passage that says nothing; the search holds them all for alike.
    rule = Stopping(Logistic(0, {"behind": -10.0}), limit=0.05)
    texts = ["83 4", "Bob -9", "90 3.9", "Eve -9"]
    made = reading(texts, replace(PLAIN, stopping=rule), [1.0, 1.0, 1.0, 0.1])
    assert {item.span.text for item in made.candidates[:2]} == {"83", "90"}


margins = st.floats(-9, 9).map(lambda value: f"{value:.2f}")
texts = st.lists(
    st.tuples(st.sampled_from(["Ann", "Bob", "83", "90"]), margins).map(" ".join), max_size=9
)


@given(texts, st.floats(0, 3))
def test_a_rule_that_never_stops_finds_what_reading_all_finds(given_texts, weight):
    rule = Stopping(Logistic(0, {"needed": -weight, "echo": 1.0}), limit=-1.0)
    ranking = Logistic(0, {"margin": 1.0, "retrieval": 4.0})
    whole = replace(PLAIN, ranking=ranking)
    made = reading(given_texts, replace(whole, stopping=rule))
    [spans] = TextReader().read_many([("who", given_texts)])
    assert made.candidates == gather("who", spans, made.passages, whole, 1000)
    assert sorted(made.read) == list(range(len(given_texts)))


@given(texts, st.floats(0, 1))
def test_no_passage_is_read_twice_and_refusals_read_all(given_texts, limit):
    made = reading(given_texts, replace(STOPS, stopping=replace(RULE, limit=limit)))
    assert len(set(made.read)) == len(made.read)
    if not made.candidates or made.candidates[0].score < 0:
        assert len(made.read) == len(given_texts)


# Fitting -----------------------------------------------------------------------------------------


def cases(count=80):
    """The answer stands first; every fourth time in the third passage, close behind in the search.

    What the first passage then offers is weaker, so that an attentive rule can tell.
    """
    made = []
    for number in range(count):
        third = number % 4 == 0
        first = 2.0 if third else 5.0 + number % 3
        margins = [first, -4.0, 6.0 if third else -4.0, -5.0, -6.0, -6.0]
        scores = [1.0, 0.9, 0.95 if third else 0.6, 0.3, 0.2, 0.1]
        words = ["Ann", "Bob", "Eve", "Kim", "Ivo", "Pia"]
        passages = [passage(f"{number}-{at}", words[at], scores[at]) for at in range(6)]
        spans = [
            Span(at, 0, 3, words[at], margin, margin, 0.0, 0.0) for at, margin in enumerate(margins)
        ]
        right = 2 if third else 0
        pair = Pair(f"who {number}", (words[right],), passages[right].document)
        found = gather("who", spans, passages, PLAIN, 1000)
        made.append(Case(pair, tuple(found), tuple(prospects("who", passages, 1000))))
    return made


def test_a_fitted_rule_reads_less_and_keeps_the_answers():
    rule = stop_fitting.fit(cases(), PLAIN)
    assert rule is not None
    against = {name: rule.chance.weights.get(name, 0.0) for name in ("needed", "behind", "lead")}
    assert all(weight <= 0 for weight in against.values())
    found = stop_fitting.effect(cases(), replace(PLAIN, stopping=rule))
    assert found is not None
    assert (found.answers, found.changed, found.lost) == (80, 0, 0)
    assert found.read < 4


def test_a_careless_rule_is_made_stricter_or_dropped_for_other_pairs():
    careless = Stopping(Logistic(-4, {"behind": -10.0}), limit=0.5)
    found = stop_fitting.effect(cases(), replace(PLAIN, stopping=careless))
    assert found is not None and found.changed == 20
    kept = stop_fitting.keep(careless, cases(), PLAIN)
    assert kept is not None and kept.limit < 0.05 and kept.chance == careless.chance
    blind = Stopping(Logistic(-20, {}), limit=0.5)
    assert stop_fitting.keep(blind, cases(), PLAIN) is None
    assert stop_fitting.keep(None, cases(), PLAIN) is None


def test_too_few_cases_fit_no_rule():
    # A chance that was seen three times is a guess: then everything is read.
    assert stop_fitting.fit(cases(12), PLAIN) is None
    assert stop_fitting.fit([replace(case, prospects=()) for case in cases()], PLAIN) is None


def test_a_librarys_own_calibration_keeps_a_rule_that_keeps_its_answers():
    rule = stop_fitting.fit(cases(), PLAIN)
    shipped = replace(PLAIN, stopping=rule)
    # Every tenth pair is one that the documents do not answer.
    pairs = [
        replace(case, pair=replace(case.pair, answers=())) if at % 10 == 9 else case
        for at, case in enumerate(cases())
    ]
    own = refit(pairs, shipped, "80 pairs").calibration
    assert rule is not None and own.stopping is not None
    assert own.stopping.chance == rule.chance and own.stopping.limit <= rule.limit
    found = stop_fitting.effect(pairs, own)
    assert found is not None and found.bearable
    assert refit(pairs, PLAIN, "80 pairs").calibration.stopping is None


def test_the_rule_is_shown_with_what_its_features_mean():
    shown = describe(STOPS)
    assert "that a passage which is not read yet has something to say" in shown
    assert "to come first" in shown and "reading stops at 0.05" in shown
    assert "every passage is read" in describe(PLAIN)


def test_a_kept_case_fits_as_the_case_it_was():
    back = [Case.from_dict(json.loads(json.dumps(case.to_dict()))) for case in cases()]
    assert stop_fitting.fit(back, PLAIN) == stop_fitting.fit(cases(), PLAIN)
