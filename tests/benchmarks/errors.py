"""What kinds of errors are made, and after which question words: of cases that are kept.

    python -m tests.benchmarks.errors runs/abstention/KEY/dev.jsonl [--show N]

Reads what `python -m tests.benchmarks.abstention` keeps of the questions that it asked, and judges
them by the shipped calibration. `--show` prints errors drawn at random, for reading.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from pathlib import Path

from qa import fitting
from qa.config import Settings
from qa.evaluate import acceptable, f1
from qa.fitting import Case
from qa.own_calibration import shipped
from qa.reading import question_word
from tests.benchmarks.abstention import kept

RIGHT = ("right answer", "right refusal")
KINDS = (
    *RIGHT,
    "answered wrongly: nothing there answers",
    "refused wrongly",
    "boundary: overlaps the expected answer, is not it",
    "wrong span of the right passage",
    "wrong passage",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", type=Path, help="dev.jsonl, as the abstention benchmark keeps it")
    parser.add_argument("--show", type=int, default=0, help="errors to print")
    options = parser.parse_args()
    calibration = shipped(Settings())
    told = []
    for case in kept(options.cases):
        outcome = fitting.outcome(case, calibration)
        ranked = fitting.rank(case, calibration).candidates
        text, document = (ranked[0].span.text, ranked[0].place[0]) if ranked else ("", "")
        kind = kind_of(case, text if outcome.answered else None, document)
        told.append((kind, outcome.confidence, text, case.pair))
    counted = Counter(kind for kind, *_ in told)
    lines = ["| | questions |", "|---|---|", *(f"| {kind} | {counted[kind]} |" for kind in KINDS)]
    asked = Counter(question_word(pair.question) for *_, pair in told)
    right = Counter(question_word(pair.question) for kind, *_, pair in told if kind in RIGHT)
    lines += ["", *(f"{word} {right[word] / n:.2f} (of {n})" for word, n in asked.most_common())]
    wrong = [one for one in told if one[0] not in RIGHT]
    for kind, confidence, text, pair in random.Random(0).sample(wrong, options.show):
        expected = " / ".join(pair.answers) or "no answer"
        lines += ["", f"{pair.question}\n  {kind}: {text!r} at {confidence:.2f}, not {expected}"]
        lines.append(f"  {pair.document}")
    sys.stdout.write("\n".join(lines) + "\n")


def kind_of(case: Case, text: str | None, document: str) -> str:
    """Return one of `KINDS`; `text` is what was answered, None for a refusal."""
    answers = case.pair.answers
    if text is None:
        return "refused wrongly" if answers else "right refusal"
    if not answers:
        return "answered wrongly: nothing there answers"
    if acceptable(text, answers):
        return "right answer"
    if document != case.pair.document:
        return "wrong passage"
    return KINDS[4] if f1(text, answers) > 0 else "wrong span of the right passage"


if __name__ == "__main__":
    main()
