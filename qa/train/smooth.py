"""Make a network easier to quantise without changing what it computes.

An int8 product scales its whole input by the largest value in it. In the feed-forward layers a
few channels are ten times the rest, which leaves the rest a tenth of the 256 steps. Dividing each
channel by a factor, and multiplying the weights that read it by the same, evens them out
(SmoothQuant, Xiao et al. 2023). Here the factor is the square root of how far a channel stands
out, and 1 for most: weights had 7 bits when it was measured, so less is moved into them than
SmoothQuant moves.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from qa.train.features import Batch
from qa.train.model import ReaderModel

_LEAST = 1e-3  # a channel that is silent on the sample is not divided by nothing


class Smoothed(nn.Module):
    """A linear layer whose input is divided by `factors`, shape `(in,)`, its weights multiplied."""

    def __init__(self, linear: nn.Linear, factors: Tensor) -> None:
        super().__init__()
        self.linear = linear
        self.inverse: Tensor
        self.register_buffer("inverse", 1 / factors)
        linear.weight.data = linear.weight.data * factors

    def forward(self, inputs: Tensor) -> Tensor:
        """Return what the plain layer returns, shape `(n, t, out)`."""
        result: Tensor = self.linear(inputs * self.inverse)
        return result


def smooth(model: ReaderModel, batches: Iterable[Batch]) -> None:
    """Smooth the feed-forward layers of `model` in place, by their inputs on `batches`.

    Args:
        model: The trained reader; its outputs stay the same up to rounding.
        batches: A sample of what it will read; a few hundred windows are enough.
    """
    parts: list[Any] = [
        part for layer in model.bert.encoder.layer for part in (layer.intermediate, layer.output)
    ]
    peaks = [torch.zeros(part.dense.in_features) for part in parts]

    def watch(index: int) -> Any:
        def note(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            largest = inputs[0].detach().abs().amax(dim=(0, 1))
            peaks[index] = torch.maximum(peaks[index], largest)

        return note

    hooks = [part.dense.register_forward_pre_hook(watch(index)) for index, part in enumerate(parts)]
    model.eval()
    with torch.inference_mode():
        for batch in batches:
            model(batch.windows.ids, batch.windows.mask, batch.windows.types)
    for hook in hooks:
        hook.remove()
    for part, largest in zip(parts, peaks, strict=True):
        part.dense = Smoothed(part.dense, factors(largest))


def factors(peaks: Tensor) -> Tensor:
    """Return by how much to divide each channel, from its largest magnitude; both `(channels,)`."""
    peaks = peaks.clamp(min=_LEAST)
    return (peaks / peaks.median()).sqrt().clamp(min=1.0)
