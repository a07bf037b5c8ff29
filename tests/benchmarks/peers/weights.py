"""The shipped reader's weights for readers that run on torch: int8 ONNX to a Hugging Face folder.

Each weight is `(stored − zero point) × scale`, so a peer reads with the very weights that are
shipped, in float32.

    python -m tests.benchmarks.peers.weights FOLDER
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from transformers import BertConfig

from qa.config import Settings
from qa.reader import MODEL_FILE, TOKENIZER_FILE
from qa.train.export import to_hugging_face
from qa.train.model import ReaderModel

_PRODUCTS = ("MatMul", "MatMulInteger", "Gemm")


def from_onnx(path: Path) -> ReaderModel:
    """Read a reader's ONNX file, quantised or not, back into the model it came from."""
    import onnx

    graph = onnx.load(path).graph
    stored = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    weights = {}
    for name, values in stored.items():
        # "model.bert…" of the exported wrapper; a transposed weight keeps its name with a mark.
        plain = name.removeprefix("model.").removesuffix("_quantized")
        if name.endswith(("_scale", "_zero_point")) or values.dtype == np.int64:
            continue
        if ".embeddings." in plain and plain.endswith((".weight", ".bias")):
            weights[plain] = dequantised(stored, name)
        elif plain.endswith(".bias") or plain.endswith("LayerNorm.weight"):
            weights[plain] = values
        elif values.ndim == 2 and (layer := layer_of(graph, name)):
            weights[layer.removeprefix("model.") + ".weight"] = dequantised(stored, name).T
    words, hidden = weights["bert.embeddings.word_embeddings.weight"].shape
    layers = 1 + max(int(name.split(".")[3]) for name in weights if ".layer." in name)
    config = BertConfig(
        vocab_size=words,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=hidden // 32,
        intermediate_size=len(weights["bert.encoder.layer.0.intermediate.dense.bias"]),
        max_position_embeddings=len(weights["bert.embeddings.position_embeddings.weight"]),
        type_vocab_size=len(weights["bert.embeddings.token_type_embeddings.weight"]),
    )
    model = ReaderModel(config)
    model.load_state_dict(
        {name: torch.from_numpy(np.array(values, np.float32)) for name, values in weights.items()}
    )
    return model.eval()


def dequantised(stored: dict[str, NDArray[Any]], name: str) -> NDArray[Any]:
    """Return a weight as numbers."""
    values = stored[name].astype(np.float32)
    if not name.endswith("_quantized"):
        return values
    base = name.removesuffix("_quantized")
    zero = stored[f"{base}_zero_point"].astype(np.float32)
    return (values - zero) * stored[f"{base}_scale"]


def layer_of(graph: Any, weight: str) -> str | None:
    """Return the layer of a weight: that of the bias which its product is added to."""
    readers: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    node = next((node for node in readers.get(weight, []) if node.op_type in _PRODUCTS), None)
    while node is not None and node.op_type not in ("Add", "Gemm"):
        node = readers[node.output[0]][0]
    if node is None:
        return None
    biases = [name for name in node.input if name.endswith(".bias")]
    return str(biases[0]).removesuffix(".bias") if biases else None


def write(folder: Path) -> Path:
    """Write the shipped reader in the Hugging Face layout."""
    source = Settings().weights
    tokenizer = Tokenizer.from_file(str(source / TOKENIZER_FILE))
    to_hugging_face(from_onnx(source / MODEL_FILE), tokenizer, folder)
    return folder


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    write(parser.parse_args().folder)
