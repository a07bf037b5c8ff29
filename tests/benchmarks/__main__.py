"""`make bench`: how long things take here; prints a table, writes `speed.json` beside itself.

Each figure is the median of several; start-up is measured in processes of its own. The work is
the sample article and, with `--data FOLDER`, the paragraphs of the SQuAD v1.1 dev articles.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import qa
from qa import golden
from qa.config import Settings, seeds_folder

HERE = Path(__file__).parent
DEV = "squad-v1.1-dev-articles.json.gz"


def timed(action: Callable[[], object]) -> float:
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def process(*arguments: str, home: Path, times: int) -> tuple[float, float]:
    """Median seconds and peak memory, MiB, of a whole process."""
    environment = os.environ | {"CITESPAN_HOME": str(home)}
    seconds, memory = [], []
    for _ in range(times):
        begin = time.perf_counter()
        started = subprocess.Popen(
            [sys.executable, *arguments], env=environment, stdout=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(started.pid, 0)
        seconds.append(time.perf_counter() - begin)
        memory.append(usage.ru_maxrss / 1024)
        started.returncode = os.waitstatus_to_exitcode(status)
        if started.returncode:
            raise SystemExit(f"{' '.join(arguments)}: left {started.returncode}")
    return statistics.median(seconds), statistics.median(memory)


def server_ready(home: Path) -> float:
    """Seconds from starting `citespan serve` on an existing library until it takes requests."""
    environment = os.environ | {"CITESPAN_HOME": str(home), "PYTHONUNBUFFERED": "1"}
    begin = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "ui.cli", "serve", "--port", "0"],
        env=environment, stdout=subprocess.PIPE, text=True,
    ) as server:  # fmt: skip
        assert server.stdout is not None
        line = server.stdout.readline()
        seconds = time.perf_counter() - begin
        server.terminate()
    if "Citespan is at" not in line:
        raise SystemExit(f"citespan serve: found {line!r}, expected its address")
    return seconds


def measure(data: Path | None, times: int) -> dict[str, float]:
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as scratch:
        home, cold = Path(scratch), Path(scratch) / "cold"
        # First, while this process is small: a child's peak counts its parent's memory at the fork.
        figures["import qa, process, s"], _ = process("-c", "import qa", home=cold, times=times)
        asked = ("-m", "ui.cli", "ask", "who designated the cartel?")
        process(*asked, home=cold, times=1)
        seconds, memory = process(*asked, home=cold, times=times)
        figures["citespan ask, cold process, s"] = seconds
        figures["citespan ask, peak, MiB"] = memory
        figures["citespan serve, ready, s"] = statistics.median(
            server_ready(cold) for _ in range(times)
        )
        documents, questions = seeds_folder(), [p.question for p in golden.load(seed_pairs())]
        if data:
            dev = golden.load(data / DEV)
            documents = dev.write_documents(home / "paragraphs")
            questions = [pair.question for pair in dev.pairs[:: max(1, len(dev) // 100)]]
        opened: list[qa.Assistant] = []
        settings = Settings(home=home)
        figures["index, s"] = timed(lambda: opened.append(qa.open(documents, settings=settings)))
        assistant = opened[0]
        figures["passages"] = float(len(assistant.library.snapshot()))
        figures["passages indexed a second"] = figures["passages"] / figures["index, s"]
        figures["sync without a change, s"] = statistics.median(
            timed(assistant.library.sync) for _ in range(times)
        )
        asks = sorted(timed(lambda q=q: assistant.ask(q)) for q in questions)  # type: ignore[misc]
        figures["ask, median, s"] = statistics.median(asks)
        figures["ask, 95 % within, s"] = asks[int(0.95 * (len(asks) - 1))]
        figures["peak memory, MiB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {name: round(value, 4) for name, value in figures.items()}


def seed_pairs() -> Path:
    return seeds_folder() / "golden.yaml"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of the reading data")
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--save", action="store_true", help="write speed.json")
    options = parser.parse_args()
    figures = measure(options.data, options.times)
    machine = {"processor": platform.machine(), "cores": os.cpu_count()}
    for name, value in figures.items():
        sys.stdout.write(f"{name:32} {value:10.3f}\n")
    if options.save:
        content = {"machine": machine, "figures": figures}
        (HERE / "speed.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
