"""The shipped reader's weights for readers that run on torch: int8 ONNX to a Hugging Face folder.

Each weight is `(stored − zero point) × scale`, and what `qa.train.smooth` took from a layer's input
and gave to its weights is given back, so a peer reads with the very weights that are shipped, in
float32. What is written is compared with the shipped reader before anyone is measured with it.

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
from qa.reader import MODEL_FILE, TOKENIZER_FILE, Reader, open_reader
from qa.train.export import to_hugging_face
from qa.train.model import ReaderModel

_PRODUCTS = ("MatMul", "MatMulInteger", "Gemm")


def from_onnx(path: Path) -> ReaderModel:
    """Read a reader's ONNX file, quantised or not, back into the model it came from."""
    import onnx

    graph = onnx.load(path).graph
    stored = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    weights, inverses = {}, {}
    for name, values in stored.items():
        # "model.bert…" of the exported wrapper; a transposed weight keeps its name with a mark.
        plain = name.removeprefix("model.").removesuffix("_quantized")
        if name.endswith(("_scale", "_zero_point")) or values.dtype == np.int64:
            continue
        if plain.endswith(".inverse"):
            inverses[plain.removesuffix(".inverse")] = values
        elif ".embeddings." in plain and plain.endswith((".weight", ".bias")):
            weights[plain] = dequantised(stored, name)
        elif plain.endswith(".bias") or plain.endswith("LayerNorm.weight"):
            weights[plain] = values
        elif values.ndim == 2 and (layer := layer_of(graph, name)):
            weights[layer.removeprefix("model.") + ".weight"] = dequantised(stored, name).T
    for layer, inverse in inverses.items():
        weights[f"{layer}.weight"] = weights.pop(f"{layer}.linear.weight") * inverse
        weights[f"{layer}.bias"] = weights.pop(f"{layer}.linear.bias")
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
    scaled: NDArray[Any] = (values - zero) * stored[f"{base}_scale"]
    return scaled


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


def write(folder: Path, source: Path | None = None) -> Path:
    """Write a reader, by default the shipped one, in the Hugging Face layout.

    Raises:
        ValueError: What was written reads otherwise than the source.
    """
    source = source or Settings().weights
    tokenizer = Tokenizer.from_file(str(source / TOKENIZER_FILE))
    to_hugging_face(from_onnx(source / MODEL_FILE), tokenizer, folder)
    check(open_reader(source), folder)
    return folder


def check(reader: Reader, folder: Path, questions: int = 12) -> None:
    """Raise ValueError when a folder's reader is not the given one, but for int8's rounding.

    The sample's answered questions are read by both. Weights that lost a factor, or a layer, find
    other spans for most of them; rounded activations move few.
    """
    from qa import golden, hugging_face
    from qa.config import seeds_folder

    (article,) = (path.read_text(encoding="utf-8") for path in seeds_folder().glob("*.txt"))
    texts = [part for part in article.split("\n\n") if len(part) > 200]
    asked = [pair.question for pair in golden.load(seeds_folder() / "golden.yaml") if pair.answers]
    other = hugging_face.open_reader(str(folder), Settings())
    pairs = [(question, texts) for question in asked[:questions]]
    ours, theirs = reader.read_many(pairs), other.read_many(pairs)
    same = sum(a[0].text == b[0].text for a, b in zip(ours, theirs, strict=True))
    moved = max(abs(a[0].margin - b[0].margin) for a, b in zip(ours, theirs, strict=True))
    if same < 0.8 * len(pairs):
        raise ValueError(
            f"{folder}: found {same} of {len(pairs)} best spans the same as the shipped reader's "
            f"(margins up to {moved:.1f} apart), expected 80 % of them; has the ONNX file's form "
            "changed?"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    write(parser.parse_args().folder)
