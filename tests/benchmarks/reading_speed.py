"""How fast passages are read, and what stopping early gains and costs.

    python -m tests.benchmarks.reading_speed --data FOLDER [--count N] [--threads N]
        [--calibration FILE] [--save]

First the reader alone: milliseconds a passage, one window at a time and as an ask reads (two
side by side), and its integer operations as a share of what this processor reaches in one large
multiplication, int8 (`MatMulInteger`, the kernel the reader runs on) and float32 (`MatMul`).

Then random questions of the v1.1 dev articles over all their paragraphs, each asked twice in turn:
reading as the calibration says, and reading everything. Both have the same index in memory.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import qa
from qa import golden
from qa.answer import Answer
from qa.assistant import Assistant
from qa.calibration import Calibration
from qa.config import Settings
from qa.evaluate import f1
from qa.reader import Reader
from qa.reader_files import MODEL_FILE

DEV = "squad-v1.1-dev-articles.json.gz"
TIMES = 5
# Sides of the large multiplications; the fastest one is the peak.
SIZES = (768, 1536)


@dataclass(frozen=True)
class Asked:
    """One ask: seconds by stage, passages read, the answer and what its best span is worth."""

    seconds: dict[str, float]
    read: int
    answer: Answer
    f1: float
    best_f1: float


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.reading_speed")
    parser.add_argument("--data", type=Path, required=True, help="folder of the reading data")
    parser.add_argument("--count", type=int, default=500, help="questions")
    parser.add_argument("--threads", type=int, default=0, help="0: one a core")
    parser.add_argument("--calibration", type=Path, help="in place of the shipped one")
    parser.add_argument("--save", action="store_true", help="write reading_speed.json")
    options = parser.parse_args()
    settings = Settings(threads=options.threads)
    dev = golden.load(options.data / DEV)
    figures: dict[str, Any] = {
        "machine": {"processor": platform.machine(), "cores": os.cpu_count()},
        "threads": settings.threads or os.cpu_count(),
    }
    with tempfile.TemporaryDirectory() as scratch:
        settings = settings.model_copy(update={"home": Path(scratch)})
        adaptive = qa.open(dev.write_documents(Path(scratch) / "paragraphs"), settings=settings)
        if options.calibration:
            adaptive.calibration = Calibration.load(options.calibration)
        pairs = random.Random(0).sample(dev.pairs, min(options.count, len(dev)))
        retrieved = adaptive.library.snapshot().search(pairs[0].question, settings.passages)
        texts = [passage.text for passage in retrieved]
        figures["reader"] = reader_figures(pairs[0].question, texts, settings)
        figures["asks"] = ask_figures(adaptive, pairs)
        adaptive.library.close()
    sys.stdout.write(json.dumps(figures, indent=1) + "\n")
    if options.save:
        path = Path(__file__).with_suffix(".json")
        path.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


# The reader alone --------------------------------------------------------------------------------


def reader_figures(question: str, texts: Sequence[str], settings: Settings) -> dict[str, Any]:
    threads = settings.threads or os.cpu_count() or 1
    reader, alone = (
        Reader.default(settings.model_copy(update={"threads": number})) for number in (threads, 1)
    )
    # The reader's own windows, and so the very numbers of tokens that it runs.
    tokens = windows(reader, question, texts)
    int8 = int8_per_token(settings.weights / MODEL_FILE) * sum(tokens)
    runs: dict[str, Callable[[], object]] = {
        "one": lambda: alone.read(question, texts),
        "all": lambda: reader.read(question, texts),
    }
    operations: dict[str, float] = {}
    for kind, number in (("int8", threads), ("fp32", threads), ("int8", 1)):
        for size in SIZES:
            name = f"{kind} {number} {size}"
            operations[name], runs[name] = multiplication(kind, number, size)
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    # In turn, so that what else the machine does meanwhile troubles all of them alike.
    for number in range(TIMES + 1):
        for name, run in runs.items():
            taken = timed(run)
            if number:  # the first run only warms up
                seconds[name].append(taken)
    median = {name: statistics.median(values) for name, values in seconds.items()}

    def top(kind: str, number: int) -> float:
        names = [f"{kind} {number} {size}" for size in SIZES]
        return max(operations[name] / median[name] for name in names)

    return {
        "passages": len(texts),
        "tokens_a_window": round(sum(tokens) / len(tokens), 1),
        "ms_a_passage": rounded(1000 * median["all"] / len(texts)),
        "ms_a_passage_one_thread": rounded(1000 * median["one"] / len(texts)),
        "int8_gops": rounded(int8 / median["all"] / 1e9),
        "int8_gops_one_thread": rounded(int8 / median["one"] / 1e9),
        "peak_int8_gops": rounded(top("int8", threads) / 1e9),
        "peak_int8_gops_one_thread": rounded(top("int8", 1) / 1e9),
        "peak_fp32_gflops": rounded(top("fp32", threads) / 1e9),
        "share_of_int8_peak": rounded(int8 / median["all"] / top("int8", threads)),
        "share_of_int8_peak_one_thread": rounded(int8 / median["one"] / top("int8", 1)),
        "share_of_fp32_peak": rounded(int8 / median["all"] / top("fp32", threads)),
    }


def windows(reader: Reader, question: str, texts: Sequence[str]) -> list[int]:
    """The number of tokens of each window that these texts take."""
    lengths: list[int] = []
    run = reader._run  # the one place that sees every window

    def counting(ids: Any, mask: Any, types: Any) -> Any:
        lengths.append(ids.size)
        return run(ids, mask, types)

    reader._run = counting
    reader.read(question, texts)
    reader._run = run
    return lengths


def int8_per_token(path: Path) -> int:
    """Operations of the int8 layers; a multiplication and an addition are two.

    The two heads that see one token only count as if they saw all: 0.7 % too much.
    """
    graph = onnx.load(str(path)).graph
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    layers = [shapes[node.input[1]] for node in graph.node if node.op_type == "MatMulInteger"]
    return sum(2 * rows * columns for rows, columns in layers)


def multiplication(kind: str, threads: int, size: int) -> tuple[float, Callable[[], object]]:
    """Operations of one large multiplication, and what runs it; int8 weights of 7 bits as ours."""
    rng = np.random.default_rng(0)
    if kind == "int8":
        weights: Any = rng.integers(-64, 64, (size, size), dtype=np.int8)
        given: Any = rng.integers(0, 256, (size, size), dtype=np.uint8)
        node, types = "MatMulInteger", (TensorProto.UINT8, TensorProto.INT32)
    else:
        weights = rng.standard_normal((size, size), dtype=np.float32)
        given = rng.standard_normal((size, size), dtype=np.float32)
        node, types = "MatMul", (TensorProto.FLOAT, TensorProto.FLOAT)
    graph = helper.make_graph(
        [helper.make_node(node, ["a", "b"], ["c"])],
        "peak",
        [helper.make_tensor_value_info("a", types[0], (size, size))],
        [helper.make_tensor_value_info("c", types[1], (size, size))],
        [numpy_helper.from_array(weights, "b")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return 2.0 * size**3, lambda: session.run(None, {"a": given})


# Asking ------------------------------------------------------------------------------------------


def ask_figures(adaptive: Assistant, pairs: Sequence[Any]) -> dict[str, Any]:
    whole = Assistant(
        adaptive.library,
        adaptive.reader,
        replace(adaptive.calibration, stopping=None, refusing=None),
        adaptive.settings,
    )
    for assistant in (adaptive, whole):
        assistant.ask(pairs[0].question)
    asked: dict[str, list[Asked]] = {"adaptive": [], "everything": []}
    for number, pair in enumerate(pairs):
        both = [("adaptive", adaptive), ("everything", whole)]
        for name, assistant in both if number % 2 else both[::-1]:
            asked[name].append(ask(assistant, pair))
    return {
        "questions": len(pairs),
        "limit": adaptive.calibration.stopping.limit if adaptive.calibration.stopping else None,
        **{name: of(rows) for name, rows in asked.items()},
        "same_answer": rounded(share(asked, lambda one, two: one.text == two.text)),
        "same_citations": rounded(
            share(
                asked, lambda one, two: one.citations == two.citations and one.rivals == two.rivals
            )
        ),
        "times_faster_p50": rounded(
            quantile(asked["everything"], 0.5) / quantile(asked["adaptive"], 0.5)
        ),
        "times_faster_mean": rounded(
            sum(total(row) for row in asked["everything"])
            / sum(total(row) for row in asked["adaptive"])
        ),
    }


def ask(assistant: Assistant, pair: Any) -> Asked:
    *_, last = assistant.ask_stages(pair.question)
    answer = last.answer
    assert answer is not None
    nearest = answer.citations or (answer.refusal.nearest if answer.refusal else ())
    best = nearest[0].quote if nearest else None
    return Asked(
        dict(answer.seconds),
        len(last.read),
        answer,
        f1(answer.text, pair.answers),
        f1(best, pair.answers),
    )


def of(rows: Sequence[Asked]) -> dict[str, float]:
    """Figures of one way of reading; a refusal counts F1 0, since every question has an answer."""
    answered = [row for row in rows if row.answer]
    stages = sorted({name for row in rows for name in row.seconds})
    return {
        "answered": rounded(len(answered) / len(rows)),
        "f1": rounded(statistics.fmean(row.f1 for row in rows)),
        "f1_best_span": rounded(statistics.fmean(row.best_f1 for row in rows)),
        "passages_read": rounded(statistics.fmean(row.read for row in rows)),
        "passages_read_if_answered": rounded(
            statistics.fmean(row.read for row in answered) if answered else 0.0
        ),
        "p50_ms": rounded(1000 * quantile(rows, 0.5)),
        "p95_ms": rounded(1000 * quantile(rows, 0.95)),
        **{
            f"{name}_ms": rounded(1000 * statistics.fmean(row.seconds[name] for row in rows))
            for name in stages
        },
    }


def share(asked: dict[str, list[Asked]], equal: Callable[[Answer, Answer], bool]) -> float:
    both = zip(asked["adaptive"], asked["everything"], strict=True)
    return statistics.fmean(float(equal(one.answer, two.answer)) for one, two in both)


def total(row: Asked) -> float:
    return row.seconds["total"]


def quantile(rows: Sequence[Asked], at: float) -> float:
    ordered = sorted(total(row) for row in rows)
    return ordered[round(at * (len(ordered) - 1))]


def timed(action: Callable[[], object]) -> float:
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def rounded(value: float) -> float:
    return round(value, 4)


if __name__ == "__main__":
    main()
