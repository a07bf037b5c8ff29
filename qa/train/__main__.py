"""`python -m qa.train --data FOLDER`: from the data folder to the reader's weights, resumable."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import asdict, fields
from pathlib import Path

from qa.config import PACKAGE
from qa.train.loop import Plan

_DESCRIPTION = """Train the reader. Stopped and started again with the same --run folder it goes on
from its last checkpoint; finished, it exports int8 weights, fits the score and writes the card."""


def main(argv: list[str] | None = None) -> int:
    """Parse the arguments, train, export; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m qa.train", description=_DESCRIPTION)
    parser.add_argument("--data", type=Path, required=True, help="folder of the reading data")
    parser.add_argument("--run", type=Path, default=Path("runs/reader"), help="checkpoints, log")
    parser.add_argument("--out", type=Path, default=PACKAGE / "weights", help="finished weights")
    parser.add_argument(
        "--start",
        type=Path,
        help="folder of a BERT reader, or of one that this command made before "
        "(default: the wheel's cross-encoder)",
    )
    parser.add_argument(
        "--begin", type=Path, nargs="+", default=[], help="runs whose mean to begin from"
    )
    parser.add_argument(
        "--teacher", type=Path, help="run of a teacher to learn from (qa.train.teach)"
    )
    parser.add_argument(
        "--wheels", type=Path, default=Path("runs/wheels"), help="what the teacher set out from"
    )
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--dev", type=int, default=200, help="dev questions in each evaluation")
    parser.add_argument(
        "--export-only", action="store_true", help="export the last checkpoint as it is"
    )
    parser.add_argument(
        "--mix",
        type=Path,
        nargs="+",
        default=[],
        help="runs of the same start, or finished readers",
    )
    for field in fields(Plan):
        kind = type(field.default)
        parser.add_argument(f"--{field.name}", type=kind, default=field.default)
    options = parser.parse_args(argv)
    if argv is None:
        keep_memory("qa.train")
    plan = Plan(**{field.name: getattr(options, field.name) for field in fields(Plan)})
    _train(options, plan)
    return 0


def keep_memory(command: str) -> None:
    """Start again with an allocator that keeps freed memory.

    A step's large tensors would otherwise go back to the kernel and be cleared again at the next
    step, a fifth of its time. glibc reads these settings only at the start of a process.
    """
    settings = {"MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "8589934592"}
    if not settings.keys() <= os.environ.keys():
        os.execve(  # noqa: S606
            sys.executable,
            [sys.executable, "-m", command, *sys.argv[1:]],
            os.environ | settings,
        )


def _train(options: argparse.Namespace, plan: Plan) -> None:
    """Load, train, export. Imports are here so that `--help` needs no torch."""
    import torch

    from qa.reader_files import MODEL_FILE
    from qa.train import (
        abbreviations,
        about,
        average,
        calibrate,
        card,
        data,
        export,
        padding,
        score,
        start,
        teacher,
        written,
    )
    from qa.train.loop import Run, precision
    from qa.train.model import ReaderModel

    torch.set_num_threads(options.threads)
    torch.manual_seed(plan.seed)
    network = start.from_cross_encoder(start.cross_encoder_folder())
    if options.start and (options.start / MODEL_FILE).is_file():
        network = start.from_shipped(options.start)
    elif options.start:
        network = start.from_folder(options.start, relevance=network)
    begun = average.begin(network, options.begin) if options.begin else []
    taught_by = None
    if options.teacher and not options.export_only:
        taught_by = teacher.from_run(options.teacher, teacher.start_folder(options.wheels))
    tokenizer = start.tokenizer()

    def evaluate(trained: ReaderModel) -> dict[str, float]:
        with precision():
            return score.measure(trained, tokenizer, options.data, options.dev)

    halves = [
        [] if options.export_only else data.load(options.data, late=late) for late in (False, True)
    ]
    asked = [] if options.export_only else written.questions(halves[0])
    pairs, late = (
        about.added(abbreviations.added(padding.padded([*half, *added])))
        for half, added in zip(halves, (asked, written.latest(asked, plan.fresh)), strict=True)
    )
    run = Run(network, tokenizer, pairs, plan, options.run, evaluate, late, taught_by)
    trained = run.averaged_model() if options.export_only else run.train()
    shares = {source.name: (source.weight, source.late) for source in data.SOURCES}
    made = {
        "start": start.described(options.start),
        "steps": run.step,
        "plan": asdict(plan),
        "shares": shares,
        "written": written.described(),
    }
    if begun:
        made["begun_from"] = begun
    if options.teacher:
        made["teacher"] = f"{teacher.NAME} with heads of its own (`python -m qa.train.teach`)"
    if options.mix:
        made["mixed_with"] = average.mix(trained, options.mix)
    export.export(trained, tokenizer, options.data, options.out, made)
    calibrate.calibrate(options.data, options.out)
    card.write(options.out, options.run)


if __name__ == "__main__":
    sys.exit(main())
