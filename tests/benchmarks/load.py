"""`python -m tests.benchmarks.load`: a thousand questions at once to a server of its own.

It starts `citespan serve` on 127.0.0.1 over the sample article (`--data FOLDER` adds the SQuAD dev
paragraphs), asks each distinct question alone, then sends all of them at once, twice: first taking
"busy" for an answer, then coming again when the server said. Every reply is compared with the one
given alone. Last the server must still answer. `--ways` compares ways to keep two cores busy
instead: questions a second one by one, side by side, with two readers, and in one batch.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

import qa
from qa import golden
from qa.config import Settings, seeds_folder
from ui.web import allow_files

HERE = Path(__file__).parent
DEV = "squad-v1.1-dev-articles.json.gz"
# The same question otherwise worded, so that it is another one to the server.
VARIANTS: tuple[Callable[[str], str], ...] = (
    str,
    lambda text: f"Tell me: {text}",
    lambda text: f"{text.rstrip('?')}, please?",
)
PATIENCE = 3600.0


@dataclass(frozen=True)
class Reply:
    """What came back: `right`, `busy`, `wrong` or `error`, and after how many seconds."""

    kind: str
    seconds: float
    tries: int = 1


def questions(data: Path | None, distinct: int) -> list[str]:
    """Distinct questions, in an order that is the same each time."""
    texts = [pair.question for pair in golden.load(seeds_folder() / "golden.yaml").pairs]
    if data:
        dev = [pair.question for pair in golden.load(data / DEV).pairs]
        texts += dev[:: max(1, len(dev) // 200)]
    worded = [variant(text) for variant in VARIANTS for text in texts]
    random.Random(7).shuffle(worded)
    return list(dict.fromkeys(worded))[:distinct]


@contextmanager
def server(documents: Sequence[Path], home: Path, places: int) -> Iterator[tuple[str, int]]:
    """`citespan serve`; gives its address and its process id."""
    environment = os.environ | {
        "CITESPAN_HOME": str(home),
        "CITESPAN_PLACES": str(places),
        "PYTHONUNBUFFERED": "1",
    }
    paths = [str(path) for path in documents]
    with subprocess.Popen(
        [sys.executable, "-m", "ui.cli", "serve", "--port", "0", *paths],
        env=environment, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            if " is at " not in line:
                raise SystemExit(f"citespan serve: found {line!r}, expected its address")
            yield line.split(" is at ")[1].split()[0], process.pid
        finally:
            process.terminate()


def status(pid: int) -> dict[str, float]:
    """Memory in MiB, now and at its peak, and the threads of a process."""
    words = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    return {
        "resident, MiB": int(words["VmRSS"].split()[0]) / 1024,
        "peak resident, MiB": int(words["VmHWM"].split()[0]) / 1024,
        "threads": float(words["Threads"]),
    }


def essence(reply: httpx.Response) -> object:
    """What must be equal whenever a question is asked: all but how long it took."""
    answer = reply.json()
    return {name: value for name, value in answer.items() if name != "seconds"}


async def ask(
    client: httpx.AsyncClient, text: str, expected: object, again: bool, begin: float
) -> Reply:
    """Ask once, or as often as the server says to come again."""
    tries = 0
    while True:
        tries += 1
        try:
            reply = await client.post("/ask", json={"question": text})
        except httpx.HTTPError as error:
            return Reply(f"error: {type(error).__name__}", time.perf_counter() - begin, tries)
        if reply.status_code == 503 and again:
            await asyncio.sleep(int(reply.headers["retry-after"]))
            continue
        if reply.status_code == 503:
            kind = "busy" if int(reply.headers["retry-after"]) > 0 else "error: no Retry-After"
        elif reply.status_code != 200:
            kind = f"error: {reply.status_code}"
        else:
            kind = "right" if essence(reply) == expected else "wrong"
        return Reply(kind, time.perf_counter() - begin, tries)


async def storm(address: str, texts: Sequence[str], alone: dict[str, object], again: bool) -> dict:
    """Send all questions at once; return the counts and the times."""
    # A kept connection may be closed just as it is used again.
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=address, timeout=PATIENCE, limits=limits) as client:
        begin = time.perf_counter()
        replies = await asyncio.gather(
            *(ask(client, text, alone[text], again, begin) for text in texts)
        )
        seconds = time.perf_counter() - begin
    answered = sorted(reply.seconds for reply in replies if reply.kind in ("right", "wrong"))
    busy = sorted(reply.seconds for reply in replies if reply.kind == "busy")
    return {
        "sent": len(texts),
        "distinct": len(set(texts)),
        **Counter(reply.kind for reply in replies),
        "seconds": seconds,
        "answered a second": len(answered) / seconds,
        "answered, p50, s": quantile(answered, 0.5),
        "answered, p95, s": quantile(answered, 0.95),
        "told busy, p95, s": quantile(busy, 0.95),
        "most tries": max(reply.tries for reply in replies),
    }


def quantile(ordered: Sequence[float], share: float) -> float | None:
    return ordered[int(share * (len(ordered) - 1))] if ordered else None


def load(data: Path | None, count: int, distinct: int, places: int) -> dict[str, dict]:
    allow_files()
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        documents = [seeds_folder()]
        if data:
            documents.append(golden.load(data / DEV).write_documents(home / "paragraphs"))
        qa.open(documents, settings=Settings(home=home)).library.close()
        texts = questions(data, distinct)
        with server(documents, home, places) as (address, pid):
            with httpx.Client(base_url=address, timeout=PATIENCE) as client:
                client.post("/ask", json={"question": "first words"})
                begin = time.perf_counter()
                alone = {
                    text: essence(client.post("/ask", json={"question": text})) for text in texts
                }
                one_by_one = (time.perf_counter() - begin) / len(texts)
            before = status(pid)
            sent = (texts * (count // len(texts) + 1))[:count]
            random.Random(11).shuffle(sent)
            figures: dict[str, dict] = {
                "alone": {"questions": len(texts), "seconds a question": one_by_one},
                "before": before,
                "at once": asyncio.run(storm(address, sent, alone, False)),
                "at once, coming again": asyncio.run(storm(address, sent, alone, True)),
                "after": status(pid),
            }
            last = httpx.post(f"{address}ask", json={"question": texts[0]}, timeout=PATIENCE)
            figures["then"] = {"right": float(essence(last) == alone[texts[0]])}
    return figures


def ways(count: int) -> dict[str, dict]:
    """Questions a second, and processor seconds a question, by way of asking; in this process."""
    texts = questions(None, count)
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        both = qa.open(settings=Settings(home=home))
        # Settings that differ, since equal ones share a reader.
        single = [
            qa.open(settings=Settings(home=home, threads=1, max_question=1000 + n)) for n in (1, 2)
        ]
        for one in (both, *single):
            one.ask("first words")

        def side_by_side(many: int) -> None:
            with ThreadPoolExecutor(many) as pool:
                list(pool.map(both.ask, texts))

        def two_readers() -> None:
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(lambda at: single[at % 2].ask(texts[at]), range(len(texts))))

        snapshot = both.library.snapshot()
        kinds: dict[str, Callable[[], object]] = {
            "one by one": lambda: [both.ask(text) for text in texts],
            "two at once, as served": lambda: side_by_side(2),
            "four at once": lambda: side_by_side(4),
            "two readers of a thread": two_readers,
            "one batch (ask_many)": lambda: both.ask_many(texts),
            "search only, one by one": lambda: [snapshot.search(text) for text in texts],
            "search only, one batch": lambda: snapshot.search_many(texts),
        }
        figures = {}
        for name, run in kinds.items():
            wall, processor = time.perf_counter(), time.process_time()
            run()
            wall, processor = time.perf_counter() - wall, time.process_time() - processor
            figures[name] = {
                "questions a second": len(texts) / wall,
                "processor seconds a question": processor / len(texts),
            }
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.load", description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="questions sent at once")
    parser.add_argument("--distinct", type=int, default=198, help="of which differ")
    parser.add_argument("--places", type=int, default=64, help="questions that may wait")
    parser.add_argument("--data", type=Path, help="folder of the reading data")
    parser.add_argument("--ways", action="store_true", help="compare ways of asking instead")
    parser.add_argument("--save", action="store_true", help="write load.json (load-ways.json)")
    options = parser.parse_args()
    if options.ways:
        figures = ways(min(options.distinct, options.count))
    else:
        figures = load(options.data, options.count, options.distinct, options.places)
    for part, values in figures.items():
        for name, value in values.items():
            shown = "-" if value is None else f"{value:10.3f}"
            sys.stdout.write(f"{part:26} {name:30} {shown:>10}\n")
    if options.save:
        machine = {"processor": platform.machine(), "cores": os.cpu_count()}
        target = HERE / ("load-ways.json" if options.ways else "load.json")
        content = {"machine": machine, "places": options.places, "figures": figures}
        target.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    kinds = {kind for values in figures.values() for kind in values if kind.startswith("error")}
    if kinds or any(values.get("wrong") for values in figures.values()):
        raise SystemExit("a reply was neither right nor busy")


if __name__ == "__main__":
    main()
