"""The embedder that is shipped: all-MiniLM-L6-v2 as int8 ONNX, on onnxruntime, without torch.

Every text is run alone. An int8 network scales its activations over all that it is given, so that
beside other texts a vector could come out otherwise; alone it depends on the text and nothing
else, no padding is computed, and a library kept by many syncs answers as a fresh one. Several
texts are run at once, each in a thread of its own.

The weights are made by `python -m qa.train.embedder`; `index/weights/README.md` is their card.
Mean pooling as in Reimers and Gurevych 2019, "Sentence-BERT".
"""

from __future__ import annotations

import json
import math
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from index.errors import ModelError, WeightsMissing
from index.network import check, open_network

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Floats = NDArray[np.float32]

# Stored with each library. Other weights need another name, or old vectors would meet new ones.
SHIPPED = "all-minilm-l6-v2-int8"
WEIGHTS = Path(__file__).resolve().parent / "weights"
MODEL_FILE, TOKENIZER_FILE, CONFIG_FILE = "embedder.onnx", "tokenizer.json", "config.json"
_MEND = "reinstall citespan, or make them with: python -m qa.train.embedder"


class OnnxEmbedder:
    """Texts to unit vectors.

    Making one is quick; the network is loaded at the first text. Safe to use from several threads.

    Attributes:
        name: Identifies the weights.
        dim: Length of a vector.
    """

    def __init__(self, name: str = SHIPPED, *, folder: Path = WEIGHTS, threads: int = 0) -> None:
        """Read the weights' config.

        Args:
            name: Identifies the weights; other ones than those shipped need another.
            folder: `embedder.onnx`, `tokenizer.json` and `config.json`.
            threads: Texts run at once; 0 means one a core.

        Raises:
            WeightsMissing: A file is not there.
            ModelError: The config is damaged.
        """
        for file in (MODEL_FILE, TOKENIZER_FILE, CONFIG_FILE):
            if not (folder / file).is_file():
                raise WeightsMissing(
                    f"{file} not found in {folder}, expected the embedder's weights there; {_MEND}"
                )
        self.name = name
        self._folder = folder
        try:
            config = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
            self.dim = int(config["dim"])
            self._window, self._overlap = int(config["window"]), int(config["overlap"])
            self._sha256: dict[str, str] = dict(config["sha256"])
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(
                f"{folder / CONFIG_FILE} cannot be read ({error}), expected an embedder's; {_MEND}"
            ) from error
        self._threads = threads or os.cpu_count() or 1
        self._lock = threading.Lock()
        self._loaded: tuple[Tokenizer, Callable[[list[int]], Floats]] | None = None
        self._pool: ThreadPoolExecutor | None = None

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return unit vectors, shape (number of texts, dim), float32.

        A text longer than the network's window is encoded in several that overlap, and its vector
        is the mean of all their tokens.

        Raises:
            ModelError: A file does not match its checksum in the config, or is no model.
        """
        if not texts:
            return np.zeros((0, self.dim), dtype=np.float32)
        tokenizer, run = self._load()
        first, last = _token(tokenizer, "[CLS]"), _token(tokenizer, "[SEP]")

        def one(ids: list[int]) -> Floats:
            total = np.zeros(self.dim, dtype=np.float32)
            for begin, end in windows(len(ids), self._window - 2, self._overlap):
                framed = [first, *ids[begin:end], last]
                total += len(framed) * run(framed)
            return total / max(float(np.linalg.norm(total)), 1e-12)

        encodings = tokenizer.encode_batch(list(texts), add_special_tokens=False)
        ids = [encoding.ids for encoding in encodings]
        if len(texts) == 1 or self._threads == 1:
            # A single question never waits for documents that are being embedded.
            found = list(map(one, ids))
        else:
            found = list(self._workers().map(one, ids))
        return np.stack(found)

    def _workers(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._threads, "embedder")
            return self._pool

    def _load(self) -> tuple[Tokenizer, Callable[[list[int]], Floats]]:
        with self._lock:
            if self._loaded is None:
                for name, expected in self._sha256.items():
                    check(self._folder / name, expected, _MEND)
                self._loaded = _tokenizer(self._folder), _network(self._folder / MODEL_FILE)
            return self._loaded


def windows(count: int, room: int, overlap: int) -> list[tuple[int, int]]:
    """Return the fewest even windows over `count` tokens: (first, one past the last).

    Args:
        count: Tokens of the text.
        room: Most tokens of a window.
        overlap: Tokens that neighbouring windows share.
    """
    pieces = max(1, math.ceil((count - overlap) / (room - overlap)))
    length = math.ceil((count + (pieces - 1) * overlap) / pieces)
    starts = [at * (length - overlap) for at in range(pieces)]
    return [(start, min(start + length, count)) for start in starts]


def _tokenizer(folder: Path) -> Tokenizer:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _token(tokenizer: Tokenizer, text: str) -> int:
    number = tokenizer.token_to_id(text)
    if number is None:
        raise ModelError(f"the tokenizer has no {text} token, expected a BERT tokenizer; {_MEND}")
    return int(number)


def _network(path: Path) -> Callable[[list[int]], Floats]:
    """Open the model: token ids of one text to the mean of their states, shape (dim,)."""
    # One thread a text: two texts side by side never wait for each other, as two threads in one do
    # at every layer.
    session = open_network(path, 1, "embedder", _MEND)

    def run(ids: list[int]) -> Floats:
        mean: Floats = session.run(["mean"], {"ids": np.array([ids], dtype=np.int64)})[0][0]
        return mean

    return run
