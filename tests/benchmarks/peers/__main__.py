"""Run Citespan and its peers on the same work; prints a Markdown table and the ratios.

    python -m tests.benchmarks.peers --data FOLDER --save

The work: the paragraphs of the SQuAD v1.1 dev articles, `--filler` passages besides, and questions
about the paragraphs. Everyone gets the same passages, embedding weights and, where it can read,
the shipped reader's weights, and reads as many passages. Each runs in processes of its own, in an
environment of its own (`requirements-<name>.txt`, installed under `CITESPAN_BENCH`, by default
~/.cache/citespan-bench). Rounds alternate between the peers, so that what else the machine does
meets all of them, and each figure is the median of the rounds.

F1 is that of the best span, given or refused, so that nobody gains or loses by refusing.
"""

from __future__ import annotations

import argparse
import hashlib
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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qa import golden
from qa.evaluate import f1

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
DEV = "squad-v1.1-dev-articles.json.gz"
PEERS = ("citespan", "txtai", "haystack", "langchain")
ROWS = {
    "index, whole process, s": "{:.1f}",
    "index, s": "{:.1f}",
    "passages indexed a second": "{:.1f}",
    "index, MiB": "{:.0f}",
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


@dataclass(frozen=True, slots=True)
class Work:
    """What everyone does: the file that says it, and what is right."""

    file: Path
    passages: int
    golds: list[int]
    answers: list[tuple[str, ...]]


def python_of(name: str) -> Path:
    """Return the interpreter of a peer's environment, made when it is not there or outdated."""
    if name == "citespan":
        return Path(sys.executable)
    home = Path(os.environ.get("CITESPAN_BENCH", Path.home() / ".cache" / "citespan-bench"))
    folder, wanted = home / name, HERE / f"requirements-{name}.txt"
    torch = re.findall(r"torch==[\d.]+", (ROOT / "pyproject.toml").read_text(encoding="utf-8"))[0]
    stamp = hashlib.sha256(f"{torch}\n{wanted.read_text('utf-8')}".encode()).hexdigest()
    python, mark = folder / "bin" / "python", folder / "installed"
    if mark.is_file() and mark.read_text() == stamp:
        return python
    say(f"installing {name} into {folder}")
    subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # First and alone, as in the Makefile: otherwise a build with GPU libraries may come.
    index = os.environ.get("TORCH_INDEX")
    subprocess.run([*pip, torch, *(["--index-url", index] if index else [])], check=True)
    subprocess.run([*pip, "-r", wanted], check=True)
    mark.write_text(stamp)
    return python


def make_work(options: argparse.Namespace, scratch: Path) -> Work:
    dev = golden.load(options.data / DEV)
    passages = list(dict.fromkeys(dev.documents.values()))[: options.paragraphs]
    filler: list[str] = []
    if options.filler:
        lines = options.filler.read_text(encoding="utf-8").splitlines()
        filler = [json.loads(line) for line in lines[: options.fillers]]
    places = {text: number for number, text in enumerate(passages)}
    pairs = [pair for pair in dev.pairs if dev.documents.get(pair.document or "") in places]
    pairs = pairs[:: max(1, len(pairs) // options.questions)][: options.questions]
    everything = list(dict.fromkeys([*passages, *filler]))
    from index.embedder import DEFAULT, SentenceTransformerEmbedder
    from tests.benchmarks.peers.weights import write

    content = {
        "passages": everything,
        "questions": [pair.question for pair in pairs],
        "embedder": str(SentenceTransformerEmbedder(DEFAULT).source),
        "reader": str(options.reader or write(scratch / "reader")),
        "read": options.read,
    }
    file = scratch / "work.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    golds = [places[dev.documents[pair.document]] for pair in pairs if pair.document]
    return Work(file, len(everything), golds, [pair.answers for pair in pairs])


def process(name: str, action: str, work: Work, folder: Path) -> dict[str, Any]:
    """Run one action; return what it printed, the process's seconds and its peak memory in MiB."""
    command = [str(python_of(name)), str(HERE / "run.py"), name, action, str(work.file), folder]
    environment = os.environ | ({"PYTHONPATH": str(ROOT)} if name == "citespan" else {})
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        begin = time.perf_counter()
        started = subprocess.Popen(command, env=environment, stdout=output, stderr=errors)
        _, status, usage = os.wait4(started.pid, 0)
        seconds = time.perf_counter() - begin
        started.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if started.returncode:
            raise SystemExit(f"{name} {action} failed:\n{errors.read()[-3000:]}")
        found: dict[str, Any] = json.loads(output.read().splitlines()[-1])
    return {**found, "seconds": seconds, "MiB": usage.ru_maxrss / 1024}


def one_round(name: str, work: Work) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "index"
        index = process(name, "index", work, folder)
        cold = process(name, "cold", work, folder)
        asked = process(name, "ask", work, folder)
        shutil.rmtree(folder, ignore_errors=True)
    figures = {
        "index, whole process, s": index["seconds"],
        "index, s": index["build"],
        "passages indexed a second": work.passages / index["build"],
        "index, MiB": index["MiB"],
        "search p50, ms": 1000 * quantile(asked["search"], 0.5),
        "search p95, ms": 1000 * quantile(asked["search"], 0.95),
        "right passage first": statistics.fmean(
            bool(hits) and hits[0] == gold
            for hits, gold in zip(asked["hits"], work.golds, strict=True)
        ),
    }
    if not asked["reads"]:
        return figures
    scores = [
        max(f1(answer or "", right) for right in accepted)
        for answer, accepted in zip(asked["answers"], work.answers, strict=True)
    ]
    return figures | {
        "cold ask, whole process, s": cold["seconds"],
        "cold ask, MiB": cold["MiB"],
        "ask p50, ms": 1000 * quantile(asked["ask"], 0.5),
        "ask p95, ms": 1000 * quantile(asked["ask"], 0.95),
        "ask, MiB": asked["MiB"],
        "F1": 100 * statistics.fmean(scores),
    }


def quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[round(share * (len(values) - 1))]


def medians(rounds: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}


def table(figures: dict[str, dict[str, float]]) -> Iterator[str]:
    yield f"| | {' | '.join(figures)} |"
    yield "|---" * (len(figures) + 1) + "|"
    for row, shape in ROWS.items():
        cells = [shape.format(of[row]) if row in of else "–" for of in figures.values()]
        yield f"| {row} | {' | '.join(cells)} |"


def ratios(figures: dict[str, dict[str, float]]) -> dict[str, float]:
    """Return how many times ahead of the best peer Citespan is; below 1 it is behind."""
    ours = figures["citespan"]
    others = [of for name, of in figures.items() if name != "citespan"]
    found = {}
    for row in ROWS:
        theirs = [of[row] for of in others if row in of]
        if not theirs:
            continue
        more = row in ("passages indexed a second", "right passage first", "F1")
        found[row] = ours[row] / max(theirs) if more else min(theirs) / ours[row]
    return {row: round(value, 3) for row, value in found.items()}


def say(text: str) -> None:
    sys.stderr.write(text + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.peers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the reading data")
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--questions", type=int, default=50)
    parser.add_argument("--paragraphs", type=int, help="only so many, for a trial")
    parser.add_argument("--times", type=int, default=5, help="rounds")
    parser.add_argument("--read", type=int, default=12, help="passages read a question")
    parser.add_argument("--reader", type=Path, help="other weights, in the Hugging Face layout")
    parser.add_argument("--filler", type=Path, help="JSON lines of texts, see peers/corpus.py")
    parser.add_argument("--fillers", type=int, default=50_000)
    parser.add_argument("--save", type=Path, nargs="?", const=HERE / "peers.json")
    options = parser.parse_args()
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in options.peers}
    with tempfile.TemporaryDirectory() as scratch:
        work = make_work(options, Path(scratch))
        for name in options.peers:
            python_of(name)
        for number in range(options.times):
            for name in options.peers:
                say(f"round {number + 1} of {options.times}: {name}")
                rounds[name].append(one_round(name, work))
    figures = {name: medians(done) for name, done in rounds.items()}
    sys.stdout.write("\n".join(table(figures)) + "\n")
    ahead = ratios(figures) if "citespan" in figures and len(figures) > 1 else {}
    sys.stdout.write(json.dumps(ahead, indent=2) + "\n")
    if options.save:
        content = {
            "machine": {"processor": processor(), "cores": os.cpu_count()},
            "work": {"passages": work.passages, "questions": len(work.answers),
                     "read": options.read, "rounds": options.times},
            "figures": figures,
            "times ahead of the best peer": ahead,
            "rounds": rounds,
        }  # fmt: skip
        options.save.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def processor() -> str:
    facts = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.*)", facts.read_text()) if facts.is_file() else None
    return found[1] if found else platform.machine()


if __name__ == "__main__":
    main()
