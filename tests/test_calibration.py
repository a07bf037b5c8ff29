"""Confidence: fitted, saved, read back, and honest about what it was fitted on."""

import json

import numpy as np
import pytest

from index.errors import ModelError, WeightsMissing
from qa.calibration import Calibration, Logistic, fit_logistic, fit_signed, probability
from qa.fitting import Case, cross_validated, fit
from qa.goldenset import Pair
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
    figures = cross_validated(cases(seed=1), "made pairs")
    assert fitted.ranking.weights["margin"] > 0
    assert 0 < fitted.threshold < 1
    assert figures["f1"] > 0.85
    assert figures["calibration_error"] < 0.12


def test_a_target_accuracy_moves_the_threshold_up():
    loose, strict = fit(cases(), "x", target_accuracy=0.5), fit(cases(), "x", target_accuracy=0.99)
    assert strict.threshold > loose.threshold
