"""`python -m qa.train.calibrate --data FOLDER`: fit `calibration.json` by open retrieval.

Asks questions that the reader was not trained on over all paragraphs of the SQuAD train articles,
through the very library, reader and features that answer a user:

* the questions of the two articles of SQuAD 2.0 that training leaves out (`FITTING_TITLES`), of
  which 285 have no answer;
* further answered questions, of the SQuAD 1.1 articles that are not among the 2.0 ones, which no
  training reads either;
* as many questions again as have no answer, about what these articles do not speak of: of the
  passages of SQuADShifts (new-wiki) that training leaves out. People miss a document both ways, by
  a word and by a subject, and only the first kind was made to mislead.

The rules that say when reading may stop are fitted to the same questions. Printed are the figures
of the calibration, cross-validated, and what the rules do to these answers.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.progress import Progress

import qa
from index.errors import ModelError, WeightsMissing
from qa import fitting, golden, stop_fitting
from qa.calibration import Calibration
from qa.config import PACKAGE, Settings
from qa.goldenset import GoldenSet, Pair
from qa.train.data import FITTING_TITLES, held_out, read

TRAIN = ("squad-v2.0-train-articles.json.gz", "squad-v1.1-train-articles.json.gz")
UNANSWERABLE = 1 / 3
"""Share of questions without an answer that the confidence takes for granted of its users.

In SQuAD 2.0 it is a half, as it was built; people ask of what they expect to find.
"""
FEATURES = ("margin",)
"""What the shipped confidence weighs.

The answerability head says what the margin says: with it the Brier score of the very questions that
are fitted to is .1587, without it .1581. Agreement, lead, coverage and the ranking's score differ
from library to library (one of a single document has no other source to agree): on the dev articles
none of them helps (docs/reader.md), so only a user's own pairs may bring them in.
"""
ELSEWHERE = "squadshifts-new-wiki.json.gz"


def main() -> int:
    """Fit, save, and print what cross-validation says of it."""
    parser = argparse.ArgumentParser(prog="python -m qa.train.calibrate", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the reading data")
    parser.add_argument("--out", type=Path, default=PACKAGE / "weights")
    parser.add_argument("--count", type=int, default=1000, help="questions to ask, at most")
    options = parser.parse_args()
    calibrate(options.data, options.out, options.count)
    return 0


def calibrate(data: Path, out: Path, count: int = 1000) -> None:
    """Fit the calibration of the weights in `out` and save it there.

    Args:
        data: The data folder.
        out: The folder of the reader's weights.
        count: Questions to ask, drawn once and for all.
    """
    calibration = out / "calibration.json"
    mend(calibration)
    with Progress() as progress:
        task = progress.add_task("calibrating", total=count)
        cases = ask(
            data,
            Settings(weights=out),
            count,
            lambda done, total: progress.update(task, completed=done, total=total),
        )
    fitted = fit(cases)
    fitted.save(calibration)
    figures = fitting.cross_validated(cases, UNANSWERABLE, FEATURES)
    stopped = stop_fitting.effect(cases, fitted)
    figures |= stopped.to_dict() if stopped else {}
    sys.stdout.write(json.dumps({key: round(value, 4) for key, value in figures.items()}) + "\n")


def mend(path: Path) -> None:
    """Put a plain calibration where there is none that can be read: asking needs some one."""
    try:
        Calibration.load(path)
    except (ModelError, WeightsMissing):
        Calibration().save(path)


def ask(
    data: Path, settings: Settings, count: int, progress: Callable[[int, int], None] | None = None
) -> list[fitting.Case]:
    """Ask what fits the calibration over all paragraphs of the train articles.

    Args:
        data: The data folder.
        settings: Which reader.
        count: Questions about these articles, at most; those about others come in addition.
        progress: Called with (done, total) after each question.
    """
    sets = [golden.load(data / name) for name in TRAIN]
    pairs = drawn(fitting_pairs(*sets), count)
    pairs += elsewhere(data, sum(pair.unanswerable for pair in pairs))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "paragraphs"
        for one in sets:
            one.write_documents(folder)
        home = settings.model_copy(update={"home": Path(scratch)})
        assistant = qa.open(folder, settings=home)
        try:
            return fitting.collect(pairs, assistant, progress)
        finally:
            assistant.library.close()


def fit(cases: Sequence[fitting.Case]) -> Calibration:
    """Fit the calibration that is shipped."""
    without = sum(case.pair.unanswerable for case in cases)
    near = sum(case.pair.unanswerable and case.pair.document is not None for case in cases)
    name = (
        f"{len(cases)} questions held out from training over SQuAD train articles, {without} of "
        f"them unanswerable ({near} near misses) and counted as a third, open retrieval"
    )
    fitted = fitting.fit(cases, name, unanswerable=UNANSWERABLE, features=FEATURES)
    return stop_fitting.fit(cases, fitted)


def fitting_pairs(squad2: GoldenSet, squad1: GoldenSet) -> list[Pair]:
    """Return the pairs that no training reads."""
    trained_on = {title(pair) for pair in squad2} - FITTING_TITLES
    kept = [pair for pair in squad2 if title(pair) in FITTING_TITLES]
    return kept + [pair for pair in squad1 if title(pair) not in trained_on | FITTING_TITLES]


def elsewhere(data: Path, count: int) -> list[Pair]:
    """Draw `count` questions about passages that are not among the train articles' ones.

    No training reads them, nor their passages.
    """
    asked = [example.question for example in read(data / ELSEWHERE) if held_out(example)]
    return [Pair(one, ()) for one in random.Random(0).sample(sorted(set(asked)), count)]


def title(pair: Pair) -> str:
    """Return the article of a SQuAD pair: the folder of its paragraph."""
    return (pair.document or "").partition("/")[0]


def drawn(pairs: Sequence[Pair], count: int) -> list[Pair]:
    """Draw `count` pairs, the same ones each time, a third of them unanswerable if there are."""
    rng = random.Random(0)
    answered = [pair for pair in pairs if not pair.unanswerable]
    unanswerable = [pair for pair in pairs if pair.unanswerable]
    third = min(round(count * UNANSWERABLE), len(unanswerable))
    wanted = min(count - third, len(answered))
    return rng.sample(answered, wanted) + rng.sample(unanswerable, third)


if __name__ == "__main__":
    sys.exit(main())
