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
from qa.candidates import decide, gather, prospects
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
# A passage makes an answer with log-odds of minus what the best margin so far lacks to 0.
REFUSES = replace(STOPS, refusing=Stopping(Logistic(0, {"short": -1.0}), limit=0.08))
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
    return len(last.read)


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


def test_without_a_rule_for_it_a_refusal_has_read_everything(make):
    assistant, windows = make({"Ann": -2.0})
    assert assistant.ask(ASKED).refusal.reason == "not_answered" and len(windows) == 6


def test_a_question_that_nothing_will_answer_is_refused_early(make):
    # Margin -4, so that 4 are lacking: 0.018 each, 0.072 over the 4 left.
    assistant, windows = make({"Ann": -2.0}, REFUSES)
    assert assistant.ask(ASKED).refusal.reason == "not_answered" and len(windows) == 2


def test_what_is_nearly_answered_is_read_on(make):
    # Margin -1: a chance of 0.27 each; Bob stands in a passage that the search puts behind.
    assistant, windows = make({"Ann": -0.5, "Bob": 5.0}, REFUSES)
    assert assistant.ask(ASKED).text == "Bob" and len(windows) > 2


def test_the_higher_the_threshold_the_more_is_lacking(make):
    # Margin -2, chances of 0.12 each; at a threshold of 0.9 another 2.2 are lacking: 0.015 each.
    assert read_by(make({"Ann": -1.0}, REFUSES)[0]) == 6
    assert read_by(make({"Ann": -1.0}, replace(REFUSES, threshold=0.9))[0]) == 2


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
    del stored["stopping"], stored["refusing"]
    assistant, windows = make({"Ann": 5.0}, Calibration.from_dict(stored))
    assert assistant.ask(ASKED).text == "Ann" and len(windows) == 6
    alone = replace(REFUSES, stopping=None)
    assert read_by(make({"Ann": -2.0}, alone)[0]) == 6


def test_who_wants_every_source_has_everything_read(make):
    assistant, windows = make({"Ann": 5.0}, REFUSES, read_all=True)
    assert assistant.ask(ASKED).text == "Ann" and len(windows) == 6
    assistant, windows = make({"Ann": -2.0}, REFUSES, read_all=True)
    assert assistant.ask(ASKED).text is None and len(windows) == 6


def test_a_rule_is_read_back_as_it_was_saved(tmp_path):
    for calibration in (STOPS, REFUSES):
        calibration.save(tmp_path / "calibration.json")
        assert Calibration.load(tmp_path / "calibration.json") == calibration


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


def test_sources_that_contradict_each_other_are_read_to_their_end():
    # The fourth decides which of the first two is right; the rule expects nothing of it.
    hopeless = replace(REFUSES, refusing=Stopping(Logistic(-20, {}), limit=0.5))
    made = reading(["83 4", "90 4", "Bob -9", "90 5", "Eve -9"], hopeless, [1.0] * 5)
    first = [item for item in made.candidates if item.span.passage < 2]
    assert decide(first, hopeless).conflicting
    assert made.read[:4] == [0, 1, 2, 3] and made.candidates[0].span.text == "90"


margins = st.floats(-9, 9).map(lambda value: f"{value:.2f}")
texts = st.lists(
    st.tuples(st.sampled_from(["Ann", "Bob", "83", "90"]), margins).map(" ".join), max_size=9
)


@given(texts, st.floats(0, 3))
def test_a_rule_that_never_stops_finds_what_reading_all_finds(given_texts, weight):
    rule = Stopping(Logistic(0, {"needed": -weight, "echo": 1.0}), limit=-1.0)
    early = Stopping(Logistic(0, {"needed": -weight, "short": -1.0}), limit=-1.0)
    ranking = Logistic(0, {"margin": 1.0, "retrieval": 4.0})
    whole = replace(PLAIN, ranking=ranking)
    made = reading(given_texts, replace(whole, stopping=rule, refusing=early))
    [spans] = TextReader().read_many([("who", given_texts)])
    assert made.candidates == gather("who", spans, made.passages, whole, 1000)
    assert sorted(made.read) == list(range(len(given_texts)))


@given(texts, st.floats(0, 1))
def test_no_passage_is_read_twice_and_without_a_rule_refusals_read_all(given_texts, limit):
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


def with_refusals(count=80):
    """As many more questions, of which a tenth is answered, by the last passage.

    Which those are can be told: there the first passage comes near to an answer.
    """
    made = cases(count)
    for number in range(count):
        late = number % 10 == 0
        margins = [-0.2 if late else -5.0, -4.0, -4.0, 6.0 if late else -6.0]
        made.append(asked_of(number, margins, "Kim" if late else None))
    return made


def asked_of(number, margins, answer):
    """A case of its own: four passages, of which the first three rank alike."""
    words = ["Ann", "Bob", "Eve", "Kim"]
    passages = [passage(f"r{number}-{at}", words[at], 1 - at / 100) for at in range(4)]
    spans = [
        Span(at, 0, 3, words[at], margin, margin, 0.0, 0.0) for at, margin in enumerate(margins)
    ]
    pair = Pair(f"refused {number}", (answer,) if answer else ())
    found = gather("who", spans, passages, PLAIN, 1000)
    return Case(pair, tuple(found), tuple(prospects("who", passages, 1000)))


def test_a_fitted_rule_reads_less_and_keeps_the_answers():
    fitted = stop_fitting.fit(cases(), PLAIN)
    assert fitted.stopping is not None
    weights = fitted.stopping.chance.weights
    assert all(weights.get(name, 0.0) <= 0 for name in ("needed", "behind", "lead"))
    found = stop_fitting.effect(cases(), fitted)
    assert found is not None
    assert (found.answers, found.changed, found.lost) == (80, 0, 0)
    assert found.read < 4


def test_a_fitted_rule_for_refusals_reads_less_and_misses_no_answer():
    fitted = stop_fitting.fit(with_refusals(), PLAIN)
    assert fitted.refusing is not None
    assert all(weight <= 0 for weight in fitted.refusing.chance.weights.values())
    found = stop_fitting.effect(with_refusals(), fitted)
    assert found is not None
    assert (found.answers, found.refusals, found.missed) == (88, 72, 0)
    assert found.refusals_read < 4
    without = stop_fitting.effect(with_refusals(), replace(fitted, refusing=None))
    assert without is not None and without.refusals_read == 4


def test_a_careless_rule_is_made_stricter_or_dropped_for_other_pairs():
    careless = replace(PLAIN, stopping=Stopping(Logistic(-4, {"behind": -10.0}), limit=0.5))
    found = stop_fitting.effect(cases(), careless)
    assert found is not None and found.changed == 20
    kept = stop_fitting.keep(careless, cases(), PLAIN)
    assert kept.stopping is not None and kept.stopping.limit < 0.05
    assert kept.stopping.chance == careless.stopping.chance
    blind = Stopping(Logistic(-20, {}), limit=0.5)
    assert stop_fitting.keep(replace(PLAIN, stopping=blind), cases(), PLAIN) == PLAIN
    assert stop_fitting.keep(PLAIN, cases(), careless) == PLAIN


def test_a_rule_that_would_refuse_what_is_answered_is_dropped_alone():
    fitted = stop_fitting.fit(with_refusals(), PLAIN)
    blind = replace(fitted, refusing=Stopping(Logistic(-20, {}), limit=0.5))
    found = stop_fitting.effect(with_refusals(), blind)
    assert found is not None and found.missed == 8
    kept = stop_fitting.keep(blind, with_refusals(), PLAIN)
    assert (kept.stopping, kept.refusing) == (fitted.stopping, None)
    assert stop_fitting.keep(fitted, with_refusals(), PLAIN) == fitted


def test_too_few_cases_fit_no_rule():
    # A chance that was seen three times is a guess: then everything is read.
    assert stop_fitting.fit(cases(12), PLAIN) == PLAIN
    assert stop_fitting.fit([replace(case, prospects=()) for case in cases()], PLAIN) == PLAIN


def test_a_librarys_own_calibration_keeps_rules_that_keep_its_answers():
    shipped = stop_fitting.fit(with_refusals(), PLAIN)
    own = refit(with_refusals(), shipped, "160 pairs").calibration
    for kept, rule in ((own.stopping, shipped.stopping), (own.refusing, shipped.refusing)):
        assert kept is not None and rule is not None
        assert kept.chance == rule.chance and kept.limit <= rule.limit
    found = stop_fitting.effect(with_refusals(), own)
    assert found is not None and found.keeps_answers and found.misses_few
    without = refit(with_refusals(), PLAIN, "160 pairs").calibration
    assert (without.stopping, without.refusing) == (None, None)


def test_the_rules_are_shown_with_what_their_features_mean():
    shown = describe(STOPS)
    assert "that a passage which is not read yet has something to say" in shown
    assert "to be taken" in shown and "once answered, reading stops at 0.05" in shown
    assert "every passage is read before a refusal" in shown
    assert "confidence so far lacks" in describe(REFUSES)
    assert "with no answer, reading stops at 0.08" in describe(REFUSES)
    assert describe(PLAIN).endswith("every passage is read")


def test_a_kept_case_fits_as_the_case_it_was():
    back = [Case.from_dict(json.loads(json.dumps(case.to_dict()))) for case in cases()]
    assert stop_fitting.fit(back, PLAIN) == stop_fitting.fit(cases(), PLAIN)
