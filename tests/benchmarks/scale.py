"""How search grows with the number of passages: time, memory and recall of FAISS index types.

    python -m tests.benchmarks.scale --sizes 10000 100000 1000000 --save

The vectors are synthetic, of 384 numbers, in clusters as texts on common subjects are; questions
are vectors of the same clusters. Each index is built in one process and, memory-mapped where FAISS
can, searched in another, one question at a time, so that the second one's memory is what searching
takes. Recall@10 is against the exact index. Time and memory grow as size to the power that is
fitted on the logarithms.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).parent
DIM, QUESTIONS, DEPTH = 384, 200, 10
_SPREAD = 0.6
_BLOCK = 50_000
# Of FAISS's factory strings; the number of lists of an IVF grows with the root of the size.
KINDS = ("Flat", "SQfp16", "SQ8", "HNSW32,Flat", "HNSW32,SQ8", "IVF{lists},Flat", "IVF{lists},SQ8")


def vectors(count: int, seed: int = 0) -> Iterator[NDArray[np.float32]]:
    """Yield unit vectors in blocks, shape (up to 50,000, 384)."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(1).normal(size=(1000, DIM)).astype(np.float32)
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    for begin in range(0, count, _BLOCK):
        size = min(_BLOCK, count - begin)
        noise = random.normal(size=(size, DIM), scale=_SPREAD / DIM**0.5).astype(np.float32)
        block = centres[random.integers(len(centres), size=size)] + noise
        yield block / np.linalg.norm(block, axis=1, keepdims=True)


def build(kind: str, count: int, path: Path) -> dict[str, float]:
    import faiss

    begin = time.perf_counter()
    lists = max(16, round(4 * count**0.5))
    index: Any = faiss.index_factory(DIM, kind.format(lists=lists), faiss.METRIC_INNER_PRODUCT)
    if not index.is_trained:
        wanted = min(count, 64 * lists)
        sample = np.concatenate(list(vectors(wanted)))
        index.train(sample)
    for block in vectors(count):
        index.add(block)
    seconds = time.perf_counter() - begin
    faiss.write_index(index, str(path))
    return {"build, s": seconds, "on disk, MiB": path.stat().st_size / 2**20}


def search(kind: str, path: Path, exact: Path | None) -> dict[str, Any]:
    import faiss

    begin = time.perf_counter()
    index: Any = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
    opened = time.perf_counter() - begin
    if "IVF" in kind:
        # A sixteenth of the lists, at least 16.
        faiss.extract_index_ivf(index).nprobe = max(16, faiss.extract_index_ivf(index).nlist // 16)
    if "HNSW" in kind:
        faiss.downcast_index(index).hnsw.efSearch = 64
    questions = next(vectors(QUESTIONS, seed=2))
    rows, seconds = [], []
    for question in questions:
        begin = time.perf_counter()
        rows.append(index.search(question[None], DEPTH)[1][0].tolist())
        seconds.append(1000 * (time.perf_counter() - begin))
    right = json.loads(exact.read_text()) if exact else rows
    shared = [len(set(found) & set(true)) for found, true in zip(rows, right, strict=True)]
    return {
        "open, s": opened,
        "p50, ms": float(np.quantile(seconds, 0.5)),
        "p95, ms": float(np.quantile(seconds, 0.95)),
        "recall@10": sum(shared) / (DEPTH * len(rows)),
        "peak, MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "rows": rows,
    }


def child(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.benchmarks.scale", "--child", *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def measure(size: int, kinds: list[str], scratch: Path) -> dict[str, dict[str, float]]:
    figures: dict[str, dict[str, float]] = {}
    exact = scratch / "exact.json"
    for kind in ["Flat", *(kind for kind in kinds if kind != "Flat")]:
        path = scratch / "index.faiss"
        made = child("build", kind, str(size), str(path))
        truth = [str(exact)] if kind != "Flat" else []
        found = child("search", kind, str(path), *truth)
        rows = found.pop("rows")
        if kind == "Flat":
            exact.write_text(json.dumps(rows))
        figures[kind] = {**made, **found}
        path.unlink()
        cells = "  ".join(f"{name} {value:.3f}" for name, value in figures[kind].items())
        sys.stdout.write(f"{size:9,} {kind:16} {cells}\n")
        sys.stdout.flush()
    return figures


def exponents(figures: dict[int, dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    """Return the power of the size that each figure grows with, by index type."""
    sizes = np.log(list(figures))
    growing = ("build, s", "on disk, MiB", "p50, ms", "peak, MiB")

    def power(kind: str, name: str) -> float:
        values = np.log([of[kind][name] for of in figures.values()])
        return round(float(np.polyfit(sizes, values, 1)[0]), 2)

    kinds = next(iter(figures.values()))
    return {kind: {name: power(kind, name) for name in growing} for kind in kinds}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.scale", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--kinds", nargs="+", default=list(KINDS))
    parser.add_argument("--save", action="store_true", help="write scale.json beside this file")
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        action, kind, *rest = options.child
        found = (
            build(kind, int(rest[0]), Path(rest[1]))
            if action == "build"
            else search(kind, Path(rest[0]), Path(rest[1]) if len(rest) > 1 else None)
        )
        sys.stdout.write(json.dumps(found))
        return
    with tempfile.TemporaryDirectory() as scratch:
        figures = {
            size: measure(size, options.kinds, Path(scratch)) for size in sorted(options.sizes)
        }
    powers = exponents(figures) if len(figures) > 1 else {}
    sys.stdout.write(json.dumps(powers, indent=2) + "\n")
    if options.save:
        content = {"cores": os.cpu_count(), "figures": figures, "grows with the power": powers}
        (HERE / "scale.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
