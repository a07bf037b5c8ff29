"""Measure a model in training through the reader's own code, and fit how its heads add up."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer

from qa.calibration import fit_signed
from qa.evaluate import acceptable, exact_match, f1
from qa.reader import Reader, ScoreWeights, Span
from qa.reader_files import Floats, Ints, Run
from qa.train.data import Example, read
from qa.train.model import ReaderModel
from qa.train.teacher import TeacherModel

HEADS = ("margin", "answerability", "relevance")


def torch_run(model: ReaderModel | TeacherModel) -> Run:
    """Return the model as the reader's `run`."""

    def run(ids: Ints, mask: Ints, types: Ints) -> tuple[Floats, Floats, Floats, Floats]:
        model.eval()
        with torch.inference_mode():
            logits = model(*(torch.from_numpy(array) for array in (ids, mask, types)))
        return (
            logits.start.float().numpy(),
            logits.end.float().numpy(),
            logits.relevance.float().numpy(),
            logits.answerability.float().numpy(),
        )

    return run


def sample(path: Path, count: int, seed: int = 0) -> list[Example]:
    """Return `count` examples of a SQuAD JSON file, drawn once and for all by `seed`."""
    examples = list(read(path))
    return random.Random(seed).sample(examples, min(count, len(examples)))


def read_gold(reader: Reader, examples: Sequence[Example], chunk: int = 64) -> list[Span | None]:
    """Return the best span of each example's own passage, None where it has no word."""
    best: list[Span | None] = []
    for begin in range(0, len(examples), chunk):
        requests = [(item.question, [item.context]) for item in examples[begin : begin + chunk]]
        best.extend(found[0] if found else None for found in reader.read_many(requests, best=1))
    return best


def measure(
    model: ReaderModel | TeacherModel, tokenizer: Tokenizer, folder: Path, count: int
) -> dict[str, float]:
    """Return EM and F1 on `count` dev questions of v1.1 and of v2.0 (refusing below score 0)."""
    reader = Reader(torch_run(model), tokenizer)
    figures = {}
    for name, refuses in (("squad-v1.1", False), ("squad-v2.0", True)):
        examples = sample(folder / f"{name}-dev-articles.json.gz", count)
        matches, overlaps = [], []
        for example, span in zip(examples, read_gold(reader, examples), strict=True):
            refused = span is None or (refuses and span.score <= 0)
            text = None if refused or span is None else span.text
            gold = [example.context[start:end] for start, end in example.answers]
            matches.append(exact_match(text, gold))
            overlaps.append(f1(text, gold))
        figures[f"{name}_em"] = round(100 * float(np.mean(matches)), 2)
        figures[f"{name}_f1"] = round(100 * float(np.mean(overlaps)), 2)
    return figures


def fit_score(reader: Reader, examples: Sequence[Example]) -> ScoreWeights:
    """Fit the log-odds that the best span of a passage is right from the three heads.

    "Right" is `qa.evaluate.acceptable`, so that a boundary of one word does not count as a lie.

    Args:
        reader: The reader as exported; its own score only chooses between spans of one passage.
        examples: Answerable and unanswerable ones, none of them used to measure.
    """
    rows: list[dict[str, float]] = []
    right: list[float] = []
    for example, span in zip(examples, read_gold(reader, examples), strict=True):
        if span is None:
            continue
        gold = [example.context[start:end] for start, end in example.answers]
        rows.append({name: getattr(span, name) for name in HEADS})
        right.append(acceptable(span.text, gold))
    fitted = fit_signed(HEADS, rows, right)
    return ScoreWeights(fitted.bias, **fitted.weights)
