"""One peer, one action, in the peer's own environment; prints one line of JSON. Stdlib only.

    python run.py txtai index WORK FOLDER     # build an index of WORK's passages, save it
    python run.py txtai store WORK FOLDER     # the same, of passages embedded beforehand
    python run.py txtai ask WORK FOLDER       # open it, ask WORK's questions after a first one
    python run.py txtai cold WORK FOLDER      # open it, ask the first question

WORK is a JSON file: `passages` (texts), `questions`, `embedder` and `reader` (folders), `read`
(passages read a question), `vectors` (for `store`: a .npy file, one row a passage). A peer is a
module `on_<name>` with:

    indexer(work, folder, vectors) -> build   loads its models; build() indexes and saves;
                                              vectors(texts) -> rows, in place of its embedder,
                                              or None
    opener(work, folder) -> search, ask       search(question) -> texts, best first;
                                              ask(question) -> the best span's text, or ask is None
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
import unicodedata
from pathlib import Path
from typing import Any

# Before anything is imported that would look: nothing here leaves the machine.
os.environ |= {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    "TOKENIZERS_PARALLELISM": "false",
}


def main(name: str, action: str, work_file: str, folder_name: str) -> dict[str, Any]:
    work = json.loads(Path(work_file).read_text(encoding="utf-8"))
    folder = Path(folder_name)
    peer = importlib.import_module(f"on_{name}")
    if action in ("index", "store"):
        build = peer.indexer(work, folder, lookup(work) if action == "store" else None)
        begin = time.perf_counter()
        build()
        return {"build": time.perf_counter() - begin}
    search, ask = peer.opener(work, folder)
    reads = ask is not None
    ask = ask or search
    if action == "cold":
        return {"answer": answered(ask(work["questions"][0]))}
    places = {key(passage): number for number, passage in enumerate(work["passages"])}
    ask(work["questions"][-1])
    found: dict[str, Any] = {"reads": reads, "search": [], "ask": [], "answers": [], "hits": []}
    for question in work["questions"]:
        begin = time.perf_counter()
        hits = search(question)
        middle = time.perf_counter()
        answer = ask(question)
        found["ask"].append(time.perf_counter() - middle)
        found["search"].append(middle - begin)
        found["answers"].append(answered(answer))
        found["hits"].append([places.get(key(hit), -1) for hit in hits])
    return found


def peak() -> float:
    """Return this process's peak memory, MiB.

    Not what its parent is told when it ends: that counts the parent's own memory at the fork.
    """
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def lookup(work: dict[str, Any]) -> Any:
    """Return a function that gives the passages' vectors without embedding anything."""
    import numpy

    vectors = numpy.load(work["vectors"], mmap_mode="r")
    places = {key(passage): number for number, passage in enumerate(work["passages"])}

    def given(texts: Any) -> Any:
        return numpy.asarray(vectors[[places[key(text)] for text in texts]], dtype="float32")

    return given


def key(text: str) -> str:
    """A passage as it can be told again, whatever was done to its spaces."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def answered(answer: Any) -> str | None:
    return answer if isinstance(answer, str) else None


if __name__ == "__main__":
    # What libraries print must not be taken for the result.
    output, sys.stdout = sys.stdout, sys.stderr
    result = main(*sys.argv[1:])
    output.write(json.dumps(result | {"MiB": peak()}) + "\n")
