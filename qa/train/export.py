"""Trained weights to what is shipped: int8 ONNX, tokenizer, config and model card."""

from __future__ import annotations

import hashlib
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from qa.train.model import ReaderModel

OUTPUTS = ["start", "end", "relevance", "answerability"]
INPUTS = ["ids", "mask", "types"]


class _Plain(nn.Module):
    """The model with a tuple for output, as ONNX wants it."""

    def __init__(self, model: ReaderModel) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, ids: Tensor, mask: Tensor, types: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        logits = self.model(ids, mask, types)
        return logits.start, logits.end, logits.relevance, logits.answerability


def to_onnx(model: ReaderModel, path: Path) -> None:
    """Write the model as fp32 ONNX for batches of any size."""
    # Three tensors, not one thrice: the exporter takes equal objects for one input.
    ids, mask, types = (torch.ones(2, 16, dtype=torch.long) for _ in range(3))
    shape = {0: torch.export.Dim("n"), 1: torch.export.Dim("t", max=512)}
    # Written-out attention: the fused kernel is exported with a guard against rows of NaN.
    model.bert.set_attn_implementation("eager")
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            _Plain(model.eval()),
            (ids, mask, types),
            dynamo=True,
            input_names=INPUTS,
            output_names=OUTPUTS,
            dynamic_shapes=(shape, shape, shape),
            verbose=False,
        )
    assert program is not None
    program.save(str(path))


def quantize(source: Path, target: Path) -> None:
    """Write `source` with int8 weights, activations quantised as they come.

    `reduce_range` keeps weights to 7 bits: without VNNI instructions (any processor before 2019,
    and AMD's before 2022) products of 8 bits saturate their 16-bit sums and answers change.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(
        source, target, per_channel=True, reduce_range=True, weight_type=QuantType.QInt8
    )


def sha256(path: Path) -> str:
    """Return the file's checksum."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
