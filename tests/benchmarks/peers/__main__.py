"""Run Citespan and its peers on the same work; prints a Markdown table and the ratios.

    python -m tests.benchmarks.peers --data FOLDER --save
    python -m tests.benchmarks.peers --data FOLDER --corpus 50000 --embed 2000 --save FILE

The work: the paragraphs of the SQuAD v1.1 dev articles, with `--corpus` so many passages of
installed packages' texts besides, and questions about the paragraphs. Everyone gets the same
passages, embedding weights and, where it can read, the shipped reader's weights, and as many
passages to read. Each runs in processes of its own, in an environment of its own
(`requirements-<name>.txt`, installed under `CITESPAN_BENCH`, by default ~/.cache/citespan-bench).
Rounds alternate between the peers, so that what else the machine does meets all of them, and each
figure is the median of the rounds.

F1 is that of the best span, given or refused, so that nobody gains or loses by refusing.

With `--embed N` the rows "index" are of N passages, a random sample that each embeds and stores
itself. The whole is then stored from vectors that were made once, by sentence-transformers, and
asked: the rows "store", "search" and "ask" are of all passages.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from qa.evaluate import f1
from tests.benchmarks.peers.work import HERE, ROOT, Work, make_work, python_of, say

PEERS = ("citespan", "txtai", "haystack", "langchain")
ROWS = {
    "index, whole process, s": "{:.1f}",
    "index, s": "{:.1f}",
    "passages indexed a second": "{:.1f}",
    "index, MiB": "{:.0f}",
    "store, s": "{:.1f}",
    "store, MiB": "{:.0f}",
    "cold ask, whole process, s": "{:.2f}",
    "cold ask, MiB": "{:.0f}",
    "search p50, ms": "{:.1f}",
    "search p95, ms": "{:.1f}",
    "ask p50, ms": "{:.0f}",
    "ask p95, ms": "{:.0f}",
    "ask, MiB": "{:.0f}",
    "right passage first": "{:.3f}",
    "F1": "{:.1f}",
}
MORE_IS_BETTER = ("passages indexed a second", "right passage first", "F1")


def process(name: str, action: str, file: Path, folder: Path) -> dict[str, Any]:
    """Run one action; return what it printed, and the whole process's seconds."""
    command = [str(python_of(name)), str(HERE / "run.py"), name, action, str(file), str(folder)]
    environment = os.environ | ({"PYTHONPATH": str(ROOT)} if name == "citespan" else {})
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        begin = time.perf_counter()
        left = subprocess.run(
            command, env=environment, stdout=output, stderr=errors, check=False
        ).returncode
        seconds = time.perf_counter() - begin
        output.seek(0)
        errors.seek(0)
        if left:
            raise SystemExit(f"{name} {action} failed:\n{errors.read()[-3000:]}")
        found: dict[str, Any] = json.loads(output.read().splitlines()[-1])
    return {**found, "seconds": seconds}


def one_round(name: str, work: Work) -> dict[str, float]:
    """Index, ask warm, ask cold; return one figure a row."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "index"
        index = process(name, "index", work.sample, folder)
        figures = {
            "index, whole process, s": index["seconds"],
            "index, s": index["build"],
            "passages indexed a second": work.sampled / index["build"],
            "index, MiB": index["MiB"],
        }
        if work.sample != work.file:
            shutil.rmtree(folder)
            stored = process(name, "store", work.file, folder)
            figures |= {"store, s": stored["build"], "store, MiB": stored["MiB"]}
        asked = process(name, "ask", work.file, folder)
        cold = process(name, "cold", work.file, folder) if asked["reads"] else {}
    figures |= {
        "search p50, ms": 1000 * quantile(asked["search"], 0.5),
        "search p95, ms": 1000 * quantile(asked["search"], 0.95),
        "right passage first": statistics.fmean(
            bool(hits) and hits[0] == gold
            for hits, gold in zip(asked["hits"], work.golds, strict=True)
        ),
    }
    if not asked["reads"]:
        return figures
    scores = [f1(got, right) for got, right in zip(asked["answers"], work.answers, strict=True)]
    return figures | {
        "cold ask, whole process, s": cold["seconds"],
        "cold ask, MiB": cold["MiB"],
        "ask p50, ms": 1000 * quantile(asked["ask"], 0.5),
        "ask p95, ms": 1000 * quantile(asked["ask"], 0.95),
        "ask, MiB": asked["MiB"],
        "F1": 100 * statistics.fmean(scores),
    }


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` of them do not exceed."""
    return sorted(values)[round(share * (len(values) - 1))]


def medians(rounds: Sequence[dict[str, float]]) -> dict[str, float]:
    """Return the median of each row."""
    return {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}


def table(figures: dict[str, dict[str, float]]) -> Iterator[str]:
    """Yield the lines of a Markdown table, a column for each peer and one for the ratios."""
    ahead = ratios(figures)
    heads = [*figures, *(["ahead of the best peer"] if ahead else [])]
    yield f"| | {' | '.join(heads)} |"
    yield "|---" * (len(heads) + 1) + "|"
    for row, shape in ROWS.items():
        if not any(row in of for of in figures.values()):
            continue
        cells = [shape.format(of[row]) if row in of else "–" for of in figures.values()]
        if ahead:
            cells.append(f"{ahead[row]:.2f}×" if row in ahead else "")
        yield f"| {row} | {' | '.join(cells)} |"


def ratios(figures: dict[str, dict[str, float]]) -> dict[str, float]:
    """Return how many times ahead of the best peer in each row Citespan is; below 1 it is behind.

    Of the rows of asking the best peer is the best of those that read.
    """
    ours = figures.get("citespan", {})
    found = {}
    for row in ROWS:
        theirs = [of[row] for name, of in figures.items() if name != "citespan" and row in of]
        if not theirs or not ours.get(row) or not min(theirs):
            continue
        found[row] = ours[row] / max(theirs) if row in MORE_IS_BETTER else min(theirs) / ours[row]
    return {row: round(value, 3) for row, value in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.peers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the reading data")
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--questions", type=int, default=20)
    parser.add_argument("--paragraphs", type=int, help="only so many, for a trial")
    parser.add_argument("--times", type=int, default=5, help="rounds")
    parser.add_argument("--read", type=int, default=12, help="passages read a question")
    parser.add_argument("--reader", type=Path, help="other weights, in the Hugging Face layout")
    parser.add_argument("--corpus", type=int, default=0, help="passages of packages' texts besides")
    parser.add_argument("--embed", type=int, help="each embeds only so many, drawn at random")
    parser.add_argument("--prepare", action="store_true", help="install and embed only")
    parser.add_argument("--save", type=Path, nargs="?", const=HERE / "peers.json")
    options = parser.parse_args()
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in options.peers}
    with tempfile.TemporaryDirectory() as scratch:
        for name in options.peers:
            python_of(name)
        work = make_work(options, Path(scratch))
        for number in range(0 if options.prepare else options.times):
            for name in options.peers:
                begin = time.perf_counter()
                rounds[name].append(one_round(name, work))
                seconds = time.perf_counter() - begin
                say(f"round {number + 1} of {options.times}: {name}, {seconds:.0f} s")
            # After each round: what was measured is kept when the rest is not waited for.
            if options.save:
                save(options, work, rounds)
    if not options.prepare:
        figures = {name: medians(done) for name, done in rounds.items()}
        sys.stdout.write("\n".join(table(figures)) + "\n")


def save(
    options: argparse.Namespace, work: Work, rounds: dict[str, list[dict[str, float]]]
) -> None:
    """Write what was measured, on which machine and with which packages."""
    figures = {name: medians(done) for name, done in rounds.items()}
    content = {
        "machine": machine(),
        "work": {
            "passages": work.passages,
            "passages embedded by each": work.sampled,
            "questions": len(work.answers),
            "read": options.read,
            "rounds": len(next(iter(rounds.values()))),
        },
        "packages": {
            name: (HERE / f"requirements-{name}.txt").read_text(encoding="utf-8").split()
            for name in options.peers
            if name != "citespan"
        },
        "figures": figures,
        "times ahead of the best peer": ratios(figures),
        "rounds": rounds,
    }
    options.save.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def machine() -> dict[str, Any]:
    """Return what the figures depend on, the load by other programs included."""
    facts = Path("/proc/cpuinfo")
    text = facts.read_text(encoding="utf-8") if facts.is_file() else ""
    name = re.search(r"model name\s*: (.*)", text)
    flags = set((re.search(r"flags\s*: (.*)", text) or [""])[0].split())
    return {
        "processor": name[1] if name else platform.machine(),
        "instructions": sorted(flags & {"avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8"}),
        "cores": os.cpu_count(),
        "GiB": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load": os.getloadavg(),
    }


if __name__ == "__main__":
    main()
