"""Confidence: fitted, saved, read back, and honest about what it was fitted on."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from index.errors import ModelError, WeightsMissing
from qa.calibration import Calibration, Logistic, fit_logistic, fit_signed, probability
from qa.evaluate import acceptable
from qa.fitting import (
    Case,
    collect,
    cross_fitted,
    cross_validated,
    fit,
    measure,
    outcome,
    with_threshold,
)
from qa.goldenset import Pair
from tests.golden_fakes import harbour
from tests.test_candidates import PLAIN, gather, passage, span


def test_log_odds_add_up_feature_by_feature():
    assert Logistic(0.5, {"margin": 2.0, "dense": -1.0}).log_odds(
        {"margin": 3.0, "dense": 0.5, "unused": 9.0}
    ) == pytest.approx(6.0)


@pytest.mark.parametrize(("log_odds", "chance"), [(0, 0.5), (800, 1.0), (-800, 0.0)])
def test_probability_of_any_log_odds(log_odds, chance):
    assert probability(log_odds) == pytest.approx(chance)


def test_a_fit_recovers_the_chances_it_was_shown():
    # x = 0 is right 1 time in 4, x = 1 is right 3 times in 4.
    rows = [{"x": 0.0}] * 400 + [{"x": 1.0}] * 400
    right = [1, 0, 0, 0] * 100 + [1, 1, 1, 0] * 100
    fitted = fit_logistic(["x"], rows, right, ridge=1e-6)
    assert probability(fitted.log_odds({"x": 0.0})) == pytest.approx(0.25, abs=0.01)
    assert probability(fitted.log_odds({"x": 1.0})) == pytest.approx(0.75, abs=0.01)


def test_a_feature_that_never_varies_gets_no_weight():
    rows = [{"x": float(i % 2), "same": 7.0} for i in range(40)]
    fitted = fit_logistic(["x", "same"], rows, [i % 2 for i in range(40)])
    assert fitted.weights["same"] == pytest.approx(0.0)


def test_a_fit_on_one_kind_only_is_refused():
    with pytest.raises(ValueError, match="found 3 right answers of 3, expected some of each kind"):
        fit_logistic(["x"], [{"x": 1.0}] * 3, [1, 1, 1])


def test_a_weight_keeps_the_sign_that_its_meaning_asks_for():
    # "echo" says what "x" says, with a slip that a free fit would hold against it.
    rows = [{"x": float(i % 2), "echo": float(i % 2) + 0.3 * (i % 3)} for i in range(60)]
    right = [float(i % 2 and i % 3 < 2) for i in range(60)]
    assert fit_logistic(["x", "echo"], rows, right).weights["echo"] < 0
    assert fit_signed(["x", "echo"], rows, right).weights.keys() == {"x"}
    assert fit_signed(["x", "echo"], rows, right, against=["echo"]).weights["echo"] < 0


def test_what_is_known_counts_the_less_the_more_cases_there_are():
    # The cases say that x is right in 3 of 4; what is known says that x tells nothing.
    def fitted(times):
        rows = [{"x": 0.0}] * 4 * times + [{"x": 1.0}] * 4 * times
        right = [1, 0, 0, 0] * times + [1, 1, 1, 0] * times
        return fit_logistic(["x"], rows, right, ridge=25, towards=Logistic(0, {"x": 0.0}))

    few, many = fitted(5), fitted(500)
    free = math.log(3) - math.log(1 / 3)
    assert 0 < few.weights["x"] < 0.5 * free
    assert many.weights["x"] == pytest.approx(free, rel=0.05)


def test_a_known_weight_stays_where_the_cases_say_nothing_of_it():
    rows = [{"x": float(i % 2), "same": 7.0} for i in range(40)]
    known = Logistic(0, {"x": 0.0, "same": 0.3})
    fitted = fit_logistic(["x", "same"], rows, [i % 2 for i in range(40)], 25, towards=known)
    assert fitted.weights["same"] == pytest.approx(0.3)


def test_a_case_can_stand_for_several():
    rows = [{"x": 0.0}] * 4 + [{"x": 1.0}] * 4
    right = [1, 0, 0, 0, 1, 1, 1, 0]
    once = fit_logistic(["x"], [*rows, rows[0], rows[0]], [*right, 1, 1])
    counted = fit_logistic(["x"], rows, right, counts=[3, 1, 1, 1, 1, 1, 1, 1])
    assert probability(counted.log_odds({"x": 0})) == pytest.approx(
        probability(once.log_odds({"x": 0})), abs=0.02
    )


@pytest.mark.parametrize(
    ("got", "answer", "right"),
    [
        ("212 boats", "212", 1),
        ("the U.S. State Department", "State Department", 1),
        ("17 November 2025", "16 November 2025", 0),  # two words of three are the same
        ("November 2025", "16 November 2025", 1),
        ("", "1708", 0),
        (None, "1708", 0),
    ],
)
def test_an_answer_is_right_a_word_more_or_less_but_not_with_another_number(got, answer, right):
    assert acceptable(got, (answer,)) == right
    assert acceptable(got, ()) == 0


def test_a_calibration_is_read_back_as_it_was_saved(tmp_path):
    made = Calibration(
        Logistic(0.5, {"margin": 1.25}), Logistic(-1.0, {"score": 0.5}), 0.42, "40 pairs"
    )
    made.save(tmp_path / "calibration.json")
    assert Calibration.load(tmp_path / "calibration.json") == made


def test_a_missing_calibration_names_its_command(tmp_path):
    with pytest.raises(WeightsMissing, match=r"calibration\.json not found in .*make calibrate"):
        Calibration.load(tmp_path / "calibration.json")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("{", "found no JSON"),
        ("{}", "'ranking'"),
        (
            json.dumps({"ranking": {"bias": 0, "weights": {"luck": 1}}}),
            r"found features \['luck'\], expected some of",
        ),
    ],
)
def test_a_broken_calibration_says_what_is_wrong(tmp_path, content, found):
    path = tmp_path / "calibration.json"
    path.write_text(content)
    with pytest.raises(ModelError, match=found):
        Calibration.load(path)


def cases(count=120, seed=0):
    """Pairs whose right span has the higher margin 9 times in 10; every third is unanswerable."""
    rng = np.random.default_rng(seed)
    made = []
    for number in range(count):
        answerable = number % 3 > 0
        strong, weak = rng.normal(4, 1), rng.normal(-2, 1)
        right, wrong = (strong, weak) if rng.random() < 0.9 else (weak, strong)
        spans = [span(0, "Bob", wrong if answerable else weak)]
        if answerable:
            spans.append(span(1, "Ann", right))
        documents = [passage("wrong.txt"), passage(f"{number}.txt")]
        pair = Pair(f"who {number}", ("Ann",) if answerable else (), f"{number}.txt")
        made.append(Case(pair, tuple(gather("who", spans, documents, PLAIN, 100))))
    return made


def test_a_fit_learns_to_answer_and_to_refuse():
    fitted = fit(cases(), "made pairs")
    figures = cross_validated(cases(seed=1))
    assert fitted.ranking.weights["margin"] > 0
    assert 0 < fitted.threshold < 1
    assert figures["f1"] > 0.85
    assert figures["calibration_error"] < 0.12


def test_no_case_is_measured_by_a_calibration_that_saw_it():
    # Every second answer is right, whatever its scores: a calibration that has seen the cases knows
    # a little of them, and 0.25 is the Brier score of one that knows nothing.
    made = [case for case in cases(150, seed=3) if case.pair.answers]
    pairs = [replace(c.pair, answers=("Ann",) if i % 2 else ("Eve",)) for i, c in enumerate(made)]
    tossed = [Case(pair, case.candidates) for pair, case in zip(pairs, made, strict=True)]
    fitted = fit(tossed, "x")
    seen = measure([outcome(case, fitted) for case in tossed])
    unseen = measure(cross_fitted(tossed))
    assert seen["brier"] < 0.245 < unseen["brier"]


def mean_confidence(made, calibration):
    return np.mean([outcome(case, calibration).confidence for case in made])


def test_confidence_follows_the_share_of_questions_without_an_answer():
    made = cases(150)
    sure = [mean_confidence(made, fit(made, "x", unanswerable=share)) for share in (0.1, 0.6)]
    assert sure[0] - sure[1] > 0.03
    natural = mean_confidence(made, fit(made, "x"))
    same = mean_confidence(made, fit(made, "x", unanswerable=1 / 3))
    assert natural == pytest.approx(same)


def test_a_case_is_read_back_as_it_was_kept():
    case = cases(3)[1]
    back = Case.from_dict(json.loads(json.dumps(case.to_dict())))
    calibration = fit(cases(), "x")
    assert outcome(back, calibration).confidence == pytest.approx(
        outcome(case, calibration).confidence, abs=1e-4
    )
    assert back.pair.answers == case.pair.answers


def test_pairs_without_enough_documents_are_spread_by_question():
    # A golden set about one article must not leave a fold with everything, and four with nothing.
    made = [Case(replace(case.pair, document=None), case.candidates) for case in cases()]
    assert len(cross_fitted(made)) == 120


def test_a_target_accuracy_moves_the_threshold_up():
    loose, strict = fit(cases(), "x", target_accuracy=0.5), fit(cases(), "x", target_accuracy=0.99)
    assert strict.threshold > loose.threshold


def asked(score, *, right=False, answerable=True):
    """A case whose only span is given with log-odds `score`; see PLAIN."""
    answers = ("Ann",) if right else ("Eve",) if answerable else ()
    pair = Pair(f"who {score}", answers, "a.txt")
    return Case(pair, tuple(gather("who", [span(0, "Ann", score)], [passage("a.txt")], PLAIN, 100)))


def test_of_thresholds_that_cannot_be_told_apart_the_middle_one_is_fitted():
    """If this fails, chance decides whether a plain question is answered or refused."""
    # Wrong answers have confidence 0.12, right ones 0.88: every threshold between is as good.
    made = [asked(2.0 if n % 3 else -2.0, right=n % 3 > 0, answerable=n % 3 > 0) for n in range(60)]
    assert with_threshold(PLAIN, made).threshold == pytest.approx(0.5, abs=0.01)


def honest(**lucky):
    """Of 20 questions at each log-odds as many are right as confidence says; others have none."""
    made = []
    for score in np.linspace(-2.5, 2.5, 11):
        right = lucky.get(f"at_{score:g}", round(20 * probability(score)))
        made += [asked(score, right=n < right, answerable=n < right) for n in range(20)]
    return made


def test_the_threshold_stands_where_answering_begins_to_gain():
    assert with_threshold(PLAIN, honest()).threshold == pytest.approx(0.5, abs=0.06)


def test_a_run_of_bad_luck_moves_the_threshold_little():
    # Six right of twenty at confidence 0.62, where twelve were due: F1 itself now is best beyond.
    found = with_threshold(PLAIN, honest(**{"at_0.5": 6})).threshold
    assert 0.5 <= found < 0.6


def test_a_wrong_answer_costs_no_f1_where_a_refusal_is_as_wrong():
    # Questions that have another answer say nothing of whether to refuse.
    lost = [asked(score) for score in np.linspace(-2.5, 2.5, 11) for _ in range(20)]
    expected = with_threshold(PLAIN, honest()).threshold
    assert with_threshold(PLAIN, honest() + lost).threshold == pytest.approx(expected)


def test_where_every_answer_gains_all_are_given():
    made = [asked(score, right=True) for score in (-1.0, 0.0, 1.0)]
    assert with_threshold(PLAIN, made).threshold < probability(-1.0)


def test_what_is_fitted_to_is_what_is_answered(tmp_path):
    # Otherwise confidence would be fitted to other passages or another question than the user's.
    table = {"when was the harbour founded?": ("1708", 2.0), "and when was it lit?": ("1858", 1.0)}
    assistant = harbour(tmp_path, table)
    pairs = [
        Pair("when was  the harbour founded?", ("1708",)),
        Pair("when was the harbour founded?", ("1708",), filter={"documents": ["light*"]}),
        Pair("and when was it lit?", ("1858",), history=("who designed the lighthouse?",)),
        Pair("?", ("1708",)),
    ]
    made = [outcome(case, assistant.calibration) for case in collect(pairs, assistant)]
    first = assistant.ask(pairs[0].question)
    filtered = assistant.ask(pairs[1].question, filters=pairs[1].filter)
    earlier = assistant.ask(pairs[2].history[0])
    follow_up = assistant.ask(pairs[2].question, history=[earlier])
    answers = [first, filtered, follow_up]
    assert [item.confidence for item in made] == [*(one.confidence for one in answers), 0.0]
    assert [item.answered for item in made] == [*map(bool, answers), False]
    assert [item.right for item in made][:2] == [1.0, 0.0]
