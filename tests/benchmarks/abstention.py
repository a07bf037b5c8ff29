"""How well does confidence part right answers from wrong ones? Open retrieval, SQuAD 2.0 dev.

    python -m tests.benchmarks.abstention --data FOLDER [--count N] [--cases FOLDER] [--save]

Asks the questions of the v2.0 dev articles over all paragraphs of both dev files, and for the fit
those of the v2.0 train articles that no training read over all paragraphs of the train articles.
Nothing else is fitted to: the questions of v1.1 articles, all answered, are of another kind, and
with 348 of them the error on the dev ones was twice as large (docs/reader.md). Every question
with its candidates is kept as a line of `--cases`, in a folder for these weights and what is read
twice: a run that was stopped goes on where it was, and a refit is measured without asking again.

"Right" is `qa.evaluate.acceptable` of the span that comes first; what stands first for a question
without an answer is wrong. Compared are

* head: the span head's best margin over "no answer", as the network puts it out;
* raw: the reader's best `Span.score` over the same passages, nothing fitted but the reader (which
  weighs that margin and its answerability head, on other questions);
* shipped: the calibration in the weights' folder, which assumes a third without an answer;
* fitted: ranking and confidence fitted to the train articles as they are (44 % without an answer),
  with the features of the shipped one.

Last, what the rules that end reading early do to the dev questions.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import random
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np

import qa
from qa import evaluate, fitting, golden, rereading, stop_fitting
from qa.calibration import Calibration, probability
from qa.config import Settings
from qa.evaluate import Measure, acceptable, bootstrap_interval, exact_match, f1
from qa.fitting import Case
from qa.goldenset import GoldenSet, Pair
from qa.own_calibration import shipped
from qa.train.calibrate import FEATURES, TRAIN, title
from qa.train.data import FITTING_TITLES

DEV = ("squad-v2.0-dev-articles.json.gz", "squad-v1.1-dev-articles.json.gz")
STATISTICS: dict[str, Callable[..., float]] = {
    "ece": evaluate.calibration_error,
    "brier": evaluate.brier_score,
    "aurc": evaluate.area_under_risk_coverage,
    "coverage_at_80": partial(evaluate.coverage_at_accuracy, accuracy=0.8),
    "coverage_at_90": partial(evaluate.coverage_at_accuracy, accuracy=0.9),
}


@dataclass(frozen=True)
class Judged:
    """One question, judged by one way of being sure.

    Attributes:
        confidence: Probability that the first span is right.
        order: What questions are ranked by: the confidence, or the raw score.
        right: 1.0 when that span is acceptable.
        em: Exact match of what is given, 1.0 for a right refusal.
        f1: F1 of the same.
        answerable: Whether the question has an answer.
        answered: Whether something is given.
    """

    confidence: float
    order: float
    right: float
    em: float
    f1: float
    answerable: bool
    answered: bool


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.abstention")
    parser.add_argument("--data", type=Path, required=True, help="folder of the reading data")
    parser.add_argument("--count", type=int, help="random dev questions; all 2,352 when left out")
    parser.add_argument("--cases", type=Path, default=Path("runs/abstention"))
    parser.add_argument("--save", action="store_true", help="write abstention.json")
    options = parser.parse_args()
    settings = Settings()
    config = json.loads((settings.weights / "config.json").read_text(encoding="utf-8"))
    weights = config["sha256"]["reader.onnx"]
    read_with = [
        weights,
        config["score"],
        rereading.SENTENCES,
        settings.passages,
        settings.embedder,
    ]
    key = hashlib.sha256(json.dumps(read_with).encode()).hexdigest()[:12]
    dev_sets = [golden.load(options.data / name) for name in DEV]
    train_sets = [golden.load(options.data / name) for name in TRAIN]
    cases = partial(asked, settings=settings, folder=options.cases / key)
    dev = cases("dev", shuffled(dev_sets[0].pairs, options.count), documents=dev_sets)
    fit = cases("fit", for_fitting(train_sets[0]), documents=train_sets)
    figures = {"weights": weights, **compare(dev, fit, settings)}
    effect = stop_fitting.effect(dev, shipped(settings))
    figures["reading_less"] = asdict(effect) if effect else None
    sys.stdout.write(table(figures) + f"reading less, dev: {effect}\n")
    if options.save:
        path = Path(__file__).with_suffix(".json")
        path.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


# Asking ------------------------------------------------------------------------------------------


def shuffled(pairs: Sequence[Pair], count: int | None) -> list[Pair]:
    """The first `count` of the pairs in one random order: a longer run holds a shorter one."""
    order = random.Random(0).sample(list(pairs), len(pairs))
    return order[:count]


def for_fitting(squad2: GoldenSet) -> list[Pair]:
    """All questions of the articles that training leaves out."""
    return shuffled([pair for pair in squad2 if title(pair) in FITTING_TITLES], None)


def share(pairs: Sequence[Pair]) -> float:
    return sum(pair.unanswerable for pair in pairs) / len(pairs)


def asked(
    name: str,
    pairs: Sequence[Pair],
    *,
    documents: Sequence[GoldenSet],
    settings: Settings,
    folder: Path,
) -> list[Case]:
    """Return the cases of the pairs, asking those that are not kept yet."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.jsonl"
    found = kept(path)
    expected = [pair.question for pair in pairs]
    if [case.pair.question for case in found][: len(pairs)] != expected[: len(found)]:
        sys.exit(f"{path}: holds other questions, expected a run of this one; move it away")
    if len(found) < len(pairs):
        with tempfile.TemporaryDirectory() as scratch, path.open("a", encoding="utf-8") as file:
            paragraphs = Path(scratch) / "paragraphs"
            for one in documents:
                one.write_documents(paragraphs)
            home = settings.model_copy(update={"home": Path(scratch)})
            assistant = qa.open(paragraphs, settings=home)
            for number, pair in enumerate(pairs[len(found) :], start=len(found) + 1):
                [case] = fitting.collect([pair], assistant)
                file.write(json.dumps(case.to_dict(), ensure_ascii=False) + "\n")
                file.flush()
                found.append(case)
                if number % 50 == 0 or sys.stderr.isatty():
                    sys.stderr.write(f"\r{name}: {number}/{len(pairs)}")
                    sys.stderr.flush()
            assistant.library.close()
    return found[: len(pairs)]


def kept(path: Path) -> list[Case]:
    if not path.is_file():
        return []
    # A run that was killed may have left half a line.
    whole, _, half = path.read_bytes().rpartition(b"\n")
    if half:
        path.write_bytes(whole + b"\n" if whole else b"")
    return [Case.from_dict(json.loads(line)) for line in whole.splitlines()]


# Judging -----------------------------------------------------------------------------------------


def calibrated(case: Case, calibration: Calibration) -> Judged:
    ranked = fitting.rank(case, calibration)
    made = fitting.outcome(case, calibration)
    text = ranked.candidates[0].span.text if made.answered else None
    em = exact_match(text, case.pair.answers)
    return Judged(
        made.confidence, made.confidence, made.right, em, made.f1, made.answerable, made.answered
    )


def raw(case: Case, by: str = "score") -> Judged:
    """The reader's best score (or margin) alone; it answers above 0, as the reader says."""
    answers = case.pair.answers
    best = max((item.span for item in case.candidates), key=attrgetter(by), default=None)
    score = float(getattr(best, by)) if best else -math.inf
    text = best.text if best and score > 0 else None
    right = acceptable(best.text, answers) if best else 0.0
    em, overlap = exact_match(text, answers), f1(text, answers)
    sure = probability(max(score, -500.0))
    return Judged(sure, score, right, em, overlap, bool(answers), text is not None)


def compare(dev: Sequence[Case], fit: Sequence[Case], settings: Settings) -> dict[str, Any]:
    as_shipped = shipped(settings)
    fitted = fitting.fit(fit, "train articles", features=FEATURES)
    rows = {
        "head": [raw(case, "margin") for case in dev],
        "raw": [raw(case) for case in dev],
        "shipped": [calibrated(case, as_shipped) for case in dev],
        "fitted": [calibrated(case, fitted) for case in dev],
    }
    third = at_a_third(dev)
    return {
        "questions": len(dev),
        "unanswerable": round(share([case.pair for case in dev]), 4),
        "fitted_on": len(fit),
        "calibrations": {"shipped": as_shipped.fitted_on, "fitted": fitted_weights(fitted)},
        "figures": {name: figures(judged) for name, judged in rows.items()},
        "above": {
            f"{name} above {other}": {
                key: above(rows[other], rows[name], STATISTICS[key])
                for key in ("aurc", "coverage_at_80", "coverage_at_90")
            }
            for name in ("shipped", "fitted")
            for other in ("head", "raw")
        },
        "at_a_third_unanswerable": {
            "questions": len(third),
            "raw": figures([raw(case) for case in third]),
            "shipped": figures([calibrated(case, as_shipped) for case in third]),
        },
    }


def fitted_weights(calibration: Calibration) -> dict[str, Any]:
    return {
        "ranking": dict(calibration.ranking.weights),
        "confidence": dict(calibration.confidence.weights),
        "threshold": calibration.threshold,
    }


def at_a_third(cases: Sequence[Case]) -> list[Case]:
    """Leave unanswerable questions out, the last ones, until a third has no answer."""
    answerable = [case for case in cases if not case.pair.unanswerable]
    without = [case for case in cases if case.pair.unanswerable]
    return answerable + without[: len(answerable) // 2]


def figures(judged: Sequence[Judged]) -> dict[str, Any]:
    confidence = np.array([item.confidence for item in judged])
    order = np.array([item.order for item in judged])
    right = np.array([item.right for item in judged])
    found: dict[str, Measure] = {}
    for name, statistic in STATISTICS.items():
        ranked_by = confidence if name in ("ece", "brier") else order
        found[name] = bootstrap_interval(statistic, ranked_by, right)
    answerable = [item for item in judged if item.answerable]
    groups = {
        "answerable": answerable,
        "unanswerable": [item for item in judged if not item.answerable],
        "all": judged,
    }
    for name, group in groups.items():
        for key in ("em", "f1"):
            values = [getattr(item, key) for item in group]
            found[f"{name}_{key}"] = bootstrap_interval(evaluate.mean, values)
    given = [item for item in judged if item.answered]
    found["accuracy_of_answers"] = bootstrap_interval(evaluate.mean, [o.right for o in given])
    found["answered"] = bootstrap_interval(evaluate.mean, [float(o.answered) for o in judged])
    rounded = {
        name: {key: round(value, 4) for key, value in measure.to_dict().items()}
        for name, measure in found.items()
    }
    return {**rounded, "ece_of_an_honest_one": round(honest(confidence), 4)}


def honest(confidence: Any, draws: int = 200) -> float:
    """The ECE that a perfectly calibrated confidence shows on as many questions, by chance."""
    rng = np.random.default_rng(0)
    drawn = [
        evaluate.calibration_error(confidence, (rng.random(len(confidence)) < confidence) * 1.0)
        for _ in range(draws)
    ]
    return float(np.mean(drawn))


def above(
    first: Sequence[Judged], second: Sequence[Judged], statistic: Callable[..., float]
) -> dict[str, float]:
    """How far the second is above the first, on the same questions."""
    columns = [[getattr(item, key) for item in rows]
               for rows in (first, second) for key in ("order", "right")]  # fmt: skip

    def difference(order1: Any, right1: Any, order2: Any, right2: Any) -> float:
        return statistic(order2, right2) - statistic(order1, right1)

    # -inf, of questions without any candidate, would make the resampling warn.
    clipped = [np.clip(column, -1e6, 1e6) for column in columns]
    measure = bootstrap_interval(difference, *clipped)
    return {key: round(value, 4) for key, value in measure.to_dict().items()}


def table(found: dict[str, Any]) -> str:
    lines = [
        f"{found['questions']} questions, {found['unanswerable']:.0%} unanswerable; "
        f"fitted on {found['fitted_on']}"
    ]
    third = found["at_a_third_unanswerable"]
    columns = {
        **found["figures"],
        "raw, a third": third["raw"],
        "shipped, a third": third["shipped"],
    }
    lines.append(f"{'':22}" + "".join(f"{name:>24}" for name in columns))
    for name in next(iter(columns.values())):
        cells = [
            f"{cell['value']:.3f} ({cell['low']:.3f}–{cell['high']:.3f})"
            if isinstance(cell := column[name], dict)
            else f"{cell:.3f}"
            for column in columns.values()
        ]
        lines.append(f"{name:22}" + "".join(f"{cell:>24}" for cell in cells))
    for name, gains in found["above"].items():
        for key, gain in gains.items():
            interval = f"{gain['value']:+.3f} ({gain['low']:+.3f} – {gain['high']:+.3f})"
            lines.append(f"{key}, {name}: {interval}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
