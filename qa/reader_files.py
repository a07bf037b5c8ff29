"""The files of a reader's weights, and what they are opened as."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from index.errors import WeightsMissing
from index.network import check, open_network

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
Logits = tuple[Floats, Floats, Floats, Floats]
# (ids, mask, types), each (n, t) -> start (n, t), end (n, t), relevance (n,), answerability (n,)
Run = Callable[[Ints, Ints, Ints], Logits]

MODEL_FILE, TOKENIZER_FILE, CONFIG_FILE = "reader.onnx", "tokenizer.json", "config.json"
_MEND = "reinstall citespan, or make the weights with: make train"


def checked_config(folder: Path) -> dict[str, Any]:
    """Return the `config.json` of a reader whose files are all there and unchanged.

    Raises:
        WeightsMissing: A file is missing.
        ModelError: A file does not match its checksum in the config.
    """
    for name in (MODEL_FILE, TOKENIZER_FILE, CONFIG_FILE):
        if not (folder / name).is_file():
            raise WeightsMissing(
                f"{name} not found in {folder}, expected the reader's weights there; "
                "reinstall citespan, or make them with: make train"
            )
    config: dict[str, Any] = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    for name, expected in config["sha256"].items():
        check(folder / name, expected, _MEND)
    return config


def tokenizer_of(path: Path) -> Tokenizer:
    """Open a tokenizer's file."""
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(path))


def network_of(path: Path, threads: int) -> Run:
    """Open the ONNX model.

    Raises:
        ModelError: The file is no model.
    """
    session = open_network(path, threads, "reader", _MEND)

    def run(ids: Ints, mask: Ints, types: Ints) -> Logits:
        start, end, relevance, answerability = session.run(
            ["start", "end", "relevance", "answerability"],
            {"ids": ids, "mask": mask, "types": types},
        )
        return start, end, relevance, answerability

    return run
