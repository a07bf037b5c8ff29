"""`python -m qa.train.calibrate --data FOLDER`: fit `calibration.json` by open retrieval.

Asks questions of the SQuAD train articles over all of their paragraphs, through the very library,
reader and features that answer a user.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.progress import Progress

import qa
from qa import fitting, golden
from qa.calibration import Calibration
from qa.config import PACKAGE, Settings
from qa.goldenset import Pair

_FILE = "squad-v2.0-train-articles.json.gz"


def main() -> int:
    """Fit, save, and print what cross-validation says of it."""
    parser = argparse.ArgumentParser(prog="python -m qa.train.calibrate", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the reading data")
    parser.add_argument("--out", type=Path, default=PACKAGE / "weights")
    parser.add_argument("--count", type=int, default=700, help="questions to ask")
    options = parser.parse_args()
    calibrate(options.data, options.out, options.count)
    return 0


def calibrate(data: Path, out: Path, count: int = 700) -> None:
    """Fit the calibration of the weights in `out` and save it there.

    Args:
        data: The data folder.
        out: The folder of the reader's weights.
        count: Questions to ask, drawn once and for all.
    """
    everything = golden.load(data / _FILE)
    pairs = drawn(everything.pairs, count)
    calibration = out / "calibration.json"
    if not calibration.is_file():
        Calibration().save(calibration)
    with tempfile.TemporaryDirectory() as scratch, Progress() as progress:
        folder = everything.write_documents(Path(scratch) / "paragraphs")
        assistant = qa.open(folder, settings=Settings(home=Path(scratch), weights=out))
        task = progress.add_task("calibrating", total=len(pairs))
        cases = fitting.collect(
            replace(everything, pairs=tuple(pairs)),
            assistant,
            lambda done, _: progress.update(task, completed=done),
        )
        assistant.library.close()
    name = f"{len(pairs)} questions of {_FILE.split('.json')[0]}, open retrieval"
    fitting.fit(cases, name).save(calibration)
    figures = fitting.cross_validated(cases, name)
    sys.stdout.write(json.dumps({key: round(value, 4) for key, value in figures.items()}) + "\n")


def drawn(pairs: Sequence[Pair], count: int) -> list[Pair]:
    """Draw `count` pairs, the same ones each time, a third of them unanswerable.

    The share is what the confidence takes for granted of the questions it will meet. In the file
    it is a half, as SQuAD 2.0 was built; people ask of what they expect to find.
    """
    rng = random.Random(0)
    answered = [pair for pair in pairs if not pair.unanswerable]
    unanswerable = [pair for pair in pairs if pair.unanswerable]
    third = min(count // 3, len(unanswerable))
    wanted = min(count - count // 3, len(answered))
    return rng.sample(answered, wanted) + rng.sample(unanswerable, third)


if __name__ == "__main__":
    sys.exit(main())
