"""How search grows with the number of passages: time, memory and recall at 10k, 100k and 1M.

    python -m tests.benchmarks.scale --data ../shared/data --sizes 10000 100000 1000000 --save
    python -m tests.benchmarks.scale --plot            # docs/scale.svg from the saved figures

For each size a library is written through the code that writes every library: vectors (see
`tests.benchmarks.scale_data` for what they are made of), texts, words. Each is built in one
process, searched in another that opens it as `citespan` does, all checksums included, and searched
exactly in a third, which tells the right ten of each question. Questions go one at a time, all of
them once before the clock runs. Memory is what the kernel counts as resident of the searching
process: anonymous (its own) and of files (mapped pages, which it can drop at any time). Time and
memory grow as size to the power that is fitted on the logarithms.

The million takes about ten minutes, 6 GB of memory and 6 GB of disk.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index import quantised
from index.catalog import CatalogWriter, FileRecord
from index.documents import Document
from index.embedder import open_embedder
from index.filters import Filter
from index.quantised import QuantisedIndex
from index.search import Snapshot, load
from index.store import CATALOG, QUANTISED, SCHEMA, VECTORS, Manifest, Store, describe
from index.vectors import FaissIndex
from tests.benchmarks.scale_data import Real, Texts, Vectors, real

HERE = Path(__file__).parent
SAVED = HERE / "scale.json"
PLOT = HERE.parents[1] / "docs" / "scale.svg"
DEPTH, CANDIDATES, A_DOCUMENT, TENTH = 10, 50, 20, 10
GROWING = (
    "build, s", "on disk, MiB", "resident, MiB", "by meaning, p95 ms", "exact, p95 ms",
    "by words, p95 ms", "search, p95 ms",
)  # fmt: skip


def build(store: Store, given: Real, count: int) -> dict[str, float]:
    """Write a library of made passages; return what that took."""
    made = {"vectors, s": 0.0}

    def timed(blocks: Iterator[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
        while True:
            begin = time.perf_counter()
            block = next(blocks, None)
            made["vectors, s"] += time.perf_counter() - begin
            if block is None:
                return
            yield block

    dim = given.passage_vectors.shape[1]
    vectors = Vectors(given.passage_vectors)
    with store.aside() as folder:
        seconds = _write_words(folder / CATALOG, Texts(given.passages), count)
        begin = time.perf_counter()
        blocks = timed(vectors.blocks(count))
        quantised.write(folder / VECTORS, folder / QUANTISED, blocks, count, dim)
        of_vectors = time.perf_counter() - begin - made["vectors, s"]
        manifest = Manifest(
            generation=1, schema=SCHEMA, embedder="made", dim=dim, chunk_size=1200,
            chunk_overlap=200, documents=count // A_DOCUMENT, chunks=count,
            synced=datetime.now(UTC).isoformat(timespec="seconds"), name="scale",
            roots=("/made",), excluded=(), files=describe(folder),
        )  # fmt: skip
        store.commit(folder, manifest)
    sizes = {name: file.size / 2**20 for name, file in manifest.files.items()}
    return {
        "build, s": seconds + of_vectors,
        "build words, s": seconds,
        "build vectors, s": of_vectors,
        "build peak, MiB": _status("VmHWM"),
        "on disk, MiB": sum(sizes.values()),
        **{f"{name}, MiB": size for name, size in sizes.items()},
        "noise": vectors.noise,
        "nearest neighbour, cosine": vectors.nearest,
    }


def _write_words(path: Path, texts: Texts, count: int) -> float:
    """Write a catalog of made texts; return the seconds, without those of making them."""
    writer, seconds = CatalogWriter(path), 0.0
    for number in range(count // A_DOCUMENT):
        passages = texts.make(A_DOCUMENT)
        begin = time.perf_counter()
        ends = np.cumsum([len(text) + 1 for text in passages]).tolist()
        chunks = [
            (end - len(text) - 1, end - 1, hashlib.sha256(text.encode()).digest())
            for text, end in zip(passages, ends, strict=True)
        ]
        body = "\n".join(passages)
        sha256 = hashlib.sha256(body.encode()).hexdigest()
        # Every tenth is of another kind, so that a filter leaves a tenth.
        kind = "markdown" if number % TENTH == 0 else "text"
        name = f"{number:06}.{'md' if kind == 'markdown' else 'txt'}"
        document = Document(
            name=name, text=body, sha256=sha256, format=kind, pages=(), headings=(), rows=(),
            encoding="utf-8", note=None,
        )  # fmt: skip
        row = writer.add_document(document, chunks, passages)
        writer.add_file(FileRecord(name, len(body), 0, 0, 0, sha256, row, None))
        seconds += time.perf_counter() - begin
    begin = time.perf_counter()
    writer.close()
    return seconds + time.perf_counter() - begin


def search(store: Store, given: Real, true: list[dict[str, list[int]]]) -> dict[str, Any]:
    """Open the library as it is opened for a question, and search."""
    embedder = open_embedder()
    begin = time.perf_counter()
    snapshot = load(store, lambda _: None, lambda _: embedder)
    opened = time.perf_counter() - begin
    assert snapshot.vectors is not None and snapshot.catalog is not None
    questions, queries = given.questions[: len(true)], given.question_vectors[: len(true)]
    vectors, catalog = snapshot.vectors, snapshot.catalog
    figures: dict[str, Any] = {
        "kind": "quantised" if isinstance(vectors, QuantisedIndex) else "exact",
        "open, s": opened,
        "resident at first, MiB": _status("VmRSS"),
    }
    for name, allowed in _scopes(len(vectors)).items():
        rows: list[list[int]] = []

        def nearest(at: int, allowed: Any = allowed, rows: Any = rows) -> None:
            rows.append(vectors.search(queries[at][None], CANDIDATES, allowed)[1][0].tolist())

        figures |= _clock(f"by meaning{name}", len(queries), nearest)
        found = zip(rows[-len(true) :], true, strict=True)
        right = sum(len({*rows[:DEPTH]} & {*best[name]}) for rows, best in found)
        figures[f"recall@10{name}"] = right / (DEPTH * len(true))
    figures |= _memory("by meaning, ")
    strange = np.linspace(0, len(vectors) - 1, CANDIDATES).astype(int).tolist()

    def words(at: int) -> None:
        # As a search does: the best, and then those that were found by meaning alone.
        catalog.search(questions[at], CANDIDATES)
        catalog.search(questions[at], CANDIDATES, among=strange)

    figures |= _clock("by words", len(questions), words)
    few = min(50, len(questions))
    figures |= _clock("a question's vector", few, lambda at: embedder.encode([questions[at]]))
    figures |= _clock("search", len(questions), lambda at: _ask(snapshot, questions[at], None))
    of_tenth = Filter(formats=("markdown",))
    some = min(20, len(questions))
    figures |= _clock("search of a tenth", some, lambda at: _ask(snapshot, questions[at], of_tenth))
    return figures | _memory("")


def _ask(snapshot: Snapshot, question: str, filters: Filter | None) -> None:
    snapshot.search(question, 12, filters)


def _scopes(count: int) -> dict[str, NDArray[np.int64] | None]:
    """Return the rows that a search is limited to: all, every tenth document's, a hundredth."""
    rows = np.arange(count)
    tenth = rows[rows // A_DOCUMENT % TENTH == 0]
    return {"": None, " of a tenth": tenth, " of a hundredth": rows[::100]}


def exact(store: Store, given: Real, count: int) -> dict[str, Any]:
    """Search the exact vectors in memory; return the figures and the right rows."""
    manifest = store.current()
    assert manifest is not None
    path = store.path(manifest, VECTORS)
    index = FaissIndex.from_bytes(
        path.read_bytes(), count=manifest.chunks, dim=manifest.dim, path=path
    )
    queries = given.question_vectors[:count]
    few = min(count, 50)
    figures = _clock("exact", few, lambda at: index.search(queries[at][None], CANDIDATES))
    found = {
        name: index.search(queries, DEPTH, allowed)[1].tolist()
        for name, allowed in _scopes(len(index)).items()
    }
    rows = [{name: found[name][at] for name in found} for at in range(len(queries))]
    return {"exact resident, MiB": _status("VmRSS"), **figures, "rows": rows}


def _clock(name: str, count: int, ask: Callable[[int], object]) -> dict[str, float]:
    """Return median and 95th percentile of the time a question takes, milliseconds."""
    for at in range(count):
        ask(at)
    seconds = []
    for at in range(count):
        begin = time.perf_counter()
        ask(at)
        seconds.append(1000 * (time.perf_counter() - begin))
    return {
        f"{name}, p50 ms": float(np.quantile(seconds, 0.5)),
        f"{name}, p95 ms": float(np.quantile(seconds, 0.95)),
    }


def _status(field: str) -> float:
    """Return a size that the kernel keeps of this process, MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    found = next(line for line in lines if line.startswith(field + ":"))
    return int(found.split()[1]) / 1024


def _memory(name: str) -> dict[str, float]:
    return {
        f"{name}resident, MiB": _status("VmRSS"),
        f"{name}anonymous, MiB": _status("RssAnon"),
        f"{name}of files, MiB": _status("RssFile"),
    }


def child(arguments: Sequence[str], folder: Path, action: str, size: int) -> dict[str, Any]:
    """Do one part in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.scale", *arguments]
    command += ["--child", action, str(folder), str(size)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def measure(size: int, arguments: Sequence[str], scratch: Path) -> dict[str, Any]:
    """Return every figure of one size."""
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        figures = child(arguments, Path(folder), "build", size)
        figures |= child(arguments, Path(folder), "exact", size)
        (Path(folder) / "true.json").write_text(json.dumps(figures.pop("rows")))
        figures |= child(arguments, Path(folder), "search", size)
    for name, value in figures.items():
        cell = value if isinstance(value, str) else f"{value:,.3f}"
        sys.stdout.write(f"{size:9,}  {name:32} {cell:>12}\n")
    sys.stdout.flush()
    return figures


def exponents(figures: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Return the power of the size that each figure grows with."""
    sizes = np.log([float(size) for size in figures])
    return {
        name: round(
            float(np.polyfit(sizes, np.log([of[name] for of in figures.values()]), 1)[0]), 2
        )
        for name in GROWING
    }


def _do(options: argparse.Namespace) -> dict[str, Any]:
    action, folder, size = options.child
    store = Store(Path(folder) / "library")
    given = real(options.data, options.passages, options.questions)
    quantised.QUANTISED_FROM = options.quantised_from
    if action == "build":
        return build(store, given, int(size))
    if action == "exact":
        return exact(store, given, len(given.questions))
    return search(store, given, json.loads((Path(folder) / "true.json").read_text()))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.scale", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--passages", type=int, default=2400, help="real ones, embedded once")
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--quantised-from", type=int, default=quantised.QUANTISED_FROM)
    parser.add_argument("--scratch", type=Path, help="where the libraries are made")
    parser.add_argument("--save", action="store_true", help="write scale.json and the plot")
    parser.add_argument("--plot", action="store_true", help="only draw what was saved")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        sys.stdout.write(json.dumps(_do(options)))
        return
    if not options.plot:
        # Embedded here, so that no child is timed while it does.
        real(options.data, options.passages, options.questions)
        arguments = [
            f"--data={options.data}", f"--passages={options.passages}",
            f"--questions={options.questions}", f"--quantised-from={options.quantised_from}",
        ]  # fmt: skip
        with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
            figures = {
                str(size): measure(size, arguments, Path(scratch)) for size in sorted(options.sizes)
            }
        powers = exponents(figures) if len(figures) > 1 else {}
        sys.stdout.write(json.dumps(powers, indent=2) + "\n")
        if not options.save:
            return
        machine = f"{platform.machine()}, {os.cpu_count()} cores"
        content = {"machine": machine, "grows with the power": powers, "figures": figures}
        SAVED.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    from tests.benchmarks.scale_plot import draw

    PLOT.write_text(draw(json.loads(SAVED.read_text(encoding="utf-8"))), encoding="utf-8")
    sys.stdout.write(f"{PLOT}\n")


if __name__ == "__main__":
    main()
