"""A BERT sentence encoder in numpy: a question becomes a vector without importing torch.

Importing torch and sentence-transformers takes seconds and 400 MB; one question of twelve tokens
needs a quarter of a GFLOP, milliseconds of matrix products. The weights are read from the model's
own `model.safetensors` through a memory map, so there is no second copy to make, to keep in step
or to find damaged. Texts are encoded one by one, hence without padding; the vectors equal those of
sentence-transformers to about 1e-6, so that both may stand in one index.

Method: Devlin et al. 2019, "BERT"; mean pooling as in Reimers and Gurevych 2019, "Sentence-BERT".
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Floats = NDArray[np.float32]

_WEIGHTS, _TOKENIZER = "model.safetensors", "tokenizer.json"
_LENGTH = struct.Struct("<Q")
# What each setting must be, when it is there at all.
_PLAIN = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "position_embedding_type": "absolute",
    "is_decoder": False,
    "do_lower_case": False,
    "include_prompt": True,
    "default_prompt_name": None,
}
_POOLING = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}


class Unsuited(Exception):
    """The folder holds no model of this kind; sentence-transformers may know it."""


class BertEncoder:
    """Texts to unit vectors.

    Safe to use from several threads.

    Attributes:
        dim: Length of a vector.
    """

    def __init__(self, folder: Path) -> None:
        """Open a sentence-transformers folder: a BERT, mean or first-token pooling.

        Raises:
            Unsuited: It is of another kind, or a file is missing or broken.
        """
        try:
            self._open(folder)
        except (OSError, KeyError, ValueError, TypeError) as error:
            raise Unsuited(f"{folder}: {error}") from error

    def _open(self, folder: Path) -> None:
        modules = [
            (module["type"].rpartition(".")[2], module["path"])
            for module in json.loads((folder / "modules.json").read_text(encoding="utf-8"))
        ]
        kinds = [kind for kind, _ in modules]
        if kinds not in (["Transformer", "Pooling", "Normalize"], ["Transformer", "Pooling"]):
            raise Unsuited(f"{folder}: found modules {kinds}")
        config = _settings(folder, "config.json")
        sentence = _settings(folder, "sentence_bert_config.json")
        pooling = _settings(folder / modules[1][1], "config.json")
        _settings(folder, "config_sentence_transformers.json")
        self._pooling = _pooling_of(pooling)
        self._heads = int(config["num_attention_heads"])
        self._epsilon = np.float32(config["layer_norm_eps"])
        self._tokenizer = _tokenizer(folder, int(sentence["max_seq_length"]))
        weights = read_safetensors(folder / _WEIGHTS)
        self._words = weights["embeddings.word_embeddings.weight"]
        # Every token of a single text is of type 0.
        self._positions = (
            weights["embeddings.position_embeddings.weight"]
            + weights["embeddings.token_type_embeddings.weight"][0]
        )
        self._norm = _pair(weights, "embeddings.LayerNorm")
        count = int(config["num_hidden_layers"])
        self._layers = [_layer(weights, f"encoder.layer.{at}.") for at in range(count)]
        self.dim = int(self._words.shape[1])

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return unit vectors, shape (number of texts, dim), float32."""
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        encodings = self._tokenizer.encode_batch(list(texts))
        for row, encoding in enumerate(encodings):
            hidden = self._hidden(encoding.ids)
            vector = hidden.mean(axis=0) if self._pooling == "mean" else hidden[0]
            vectors[row] = vector / max(float(np.linalg.norm(vector)), 1e-12)
        return vectors

    def _hidden(self, ids: list[int]) -> Floats:
        """Return the last hidden states of one text of t tokens, shape (t, dim)."""
        hidden = self._words[ids] + self._positions[: len(ids)]
        hidden = _normalise(hidden, self._norm, self._epsilon)
        for layer in self._layers:
            mixed = _linear(self._attention(hidden, layer), layer["attention.output.dense"])
            norm = layer["attention.output.LayerNorm"]
            hidden = _normalise(hidden + mixed, norm, self._epsilon)
            wide = _gelu(_linear(hidden, layer["intermediate.dense"]))
            hidden = hidden + _linear(wide, layer["output.dense"])
            hidden = _normalise(hidden, layer["output.LayerNorm"], self._epsilon)
        return hidden

    def _attention(self, hidden: Floats, layer: dict[str, tuple[Floats, Floats]]) -> Floats:
        """Return what each token takes from the others, shape (t, dim)."""
        tokens = len(hidden)
        query, key, value = (
            _linear(hidden, layer[f"attention.self.{part}"])
            .reshape(tokens, self._heads, -1)
            .transpose(1, 0, 2)
            for part in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 2, 1) / np.float32(math.sqrt(query.shape[2]))
        scores = np.exp(scores - scores.max(axis=2, keepdims=True))
        taken: Floats = (scores / scores.sum(axis=2, keepdims=True)) @ value
        return taken.transpose(1, 0, 2).reshape(tokens, -1)


def read_safetensors(path: Path) -> dict[str, NDArray[Any]]:
    """Map the float32 tensors of a safetensors file; nothing is read before it is used.

    Args:
        path: The file: the length of its header, the header as JSON, the numbers.

    Raises:
        ValueError: The file is truncated, or its header and its shapes do not agree.
    """
    with path.open("rb") as file:
        head = file.read(_LENGTH.size)
        length = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else 0
        size = path.stat().st_size
        if not 0 < length < size:
            raise ValueError(f"{path}: found no safetensors header")
        header = json.loads(file.read(length))
    begin = _LENGTH.size + length
    data = np.memmap(path, dtype=np.uint8, mode="r")
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] != "F32":
            continue
        first, last = (begin + int(at) for at in entry["data_offsets"])
        if not begin <= first <= last <= size or last - first != 4 * math.prod(entry["shape"]):
            raise ValueError(f"{path}: {name} does not lie inside the file")
        # A plain array over the map: the subclass costs at every operation.
        tensors[name] = np.asarray(data[first:last]).view("<f4").reshape(entry["shape"])
    return tensors


def _settings(folder: Path, name: str) -> dict[str, Any]:
    """Read a JSON file, absent or not, and refuse what this encoder would do otherwise."""
    path = folder / name
    found: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    for key, expected in _PLAIN.items():
        if found.get(key, expected) != expected:
            raise Unsuited(f"{path}: found {key} = {found[key]!r}, expected {expected!r}")
    return found


def _pooling_of(config: dict[str, Any]) -> str:
    """Return `mean` or `cls`, as the pooling's config names it in its older or newer form."""
    older = [key for key, value in config.items() if key.startswith("pooling_mode_") and value]
    modes = [config["pooling_mode"]] if "pooling_mode" in config else older
    mode = _POOLING.get(modes[0], modes[0]) if len(modes) == 1 else None
    if mode not in ("mean", "cls"):
        raise Unsuited(f"found pooling {modes}, expected mean or cls")
    return str(mode)


def _tokenizer(folder: Path, length: int) -> Tokenizer:
    from tokenizers import Tokenizer

    if not (folder / _TOKENIZER).is_file():
        raise Unsuited(f"{folder}: found no {_TOKENIZER}")
    tokenizer = Tokenizer.from_file(str(folder / _TOKENIZER))
    tokenizer.no_padding()
    tokenizer.enable_truncation(length)
    return tokenizer


def _layer(weights: dict[str, Floats], prefix: str) -> dict[str, tuple[Floats, Floats]]:
    parts = (
        "attention.self.query",
        "attention.self.key",
        "attention.self.value",
        "attention.output.dense",
        "attention.output.LayerNorm",
        "intermediate.dense",
        "output.dense",
        "output.LayerNorm",
    )
    return {part: _pair(weights, prefix + part) for part in parts}


def _pair(weights: dict[str, Floats], name: str) -> tuple[Floats, Floats]:
    return weights[f"{name}.weight"], weights[f"{name}.bias"]


def _linear(values: Floats, layer: tuple[Floats, Floats]) -> Floats:
    weight, bias = layer
    product: Floats = values @ weight.T
    product += bias
    return product


def _normalise(values: Floats, layer: tuple[Floats, Floats], epsilon: np.float32) -> Floats:
    """Layer normalisation over the last axis."""
    weight, bias = layer
    centred = values - values.mean(axis=-1, keepdims=True)
    variance = np.square(centred).mean(axis=-1, keepdims=True)
    normal: Floats = centred / np.sqrt(variance + epsilon) * weight + bias
    return normal


def _gelu(values: Floats) -> Floats:
    """Return x·Φ(x), Φ by the error function of Abramowitz and Stegun 7.1.26 (off by 1.5e-7)."""
    scaled = np.abs(values) * np.float32(math.sqrt(0.5))
    t = 1 / (1 + np.float32(0.3275911) * scaled)
    series = np.zeros_like(t)
    for factor in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series = (series + np.float32(factor)) * t
    # Half of 1 − erf|x|: the weight of the tail beyond |x|.
    tail = np.float32(0.5) * series * np.exp(-np.square(scaled))
    cut: Floats = values * np.where(values < 0, tail, 1 - tail)
    return cut
