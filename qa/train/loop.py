"""The training loop: fixed seeds, checkpoints it can resume from, averaged weights, a log."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from rich.progress import Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from tokenizers import Tokenizer

from qa.train.augment import Negatives, Swaps, epoch
from qa.train.data import Example
from qa.train.features import Batch, batches
from qa.train.model import PLAIN_ATTENTION, ReaderModel, loss


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run does.

    Attributes:
        steps: Optimiser steps.
        rate: Peak learning rate, reached after `warmup`, held, then falling to 0 in a straight
            line (warm-up, stable, decay; Hu et al. 2024, MiniCPM).
        warmup: Share of the steps spent rising.
        fall: Share of the steps spent falling.
        tokens: Tokens a batch.
        window: Most tokens in a window.
        frozen: Lowest layers that keep their weights.
        layer_decay: Learning rate of a layer, relative to the layer above it.
        average: Decay of the running average of the weights, which is what is shipped.
        seed: Seed of data order, augmentation and new weights.
        every: Steps between checkpoints and evaluations.
    """

    steps: int = 2400
    rate: float = 1e-4
    warmup: float = 0.05
    fall: float = 0.4
    tokens: int = 4320
    window: int = 256
    frozen: int = 0
    layer_decay: float = 0.95
    average: float = 0.995
    seed: int = 13
    every: int = 200

    def rate_at(self, step: int) -> float:
        """Return the factor on the peak rate at a step, 0..1."""
        rise = max(1, round(self.steps * self.warmup))
        if step < rise:
            return (step + 1) / rise
        return min(1.0, max(0.0, (self.steps - step) / max(1, self.steps - self.falls_at)))

    @property
    def falls_at(self) -> int:
        """The step at which the rate begins to fall."""
        return self.steps - round(self.steps * self.fall)


class Run:
    """One training run in a folder: `checkpoint.pt`, `held.pt`, `log.jsonl`.

    `held.pt` is the state before the rate began to fall. A run started again in the same folder
    with more steps goes on from there, so that a reader can be trained over many days and shipped
    on the way.
    """

    def __init__(
        self,
        model: ReaderModel,
        tokenizer: Tokenizer,
        pairs: Sequence[tuple[Example, float]],
        plan: Plan,
        folder: Path,
        evaluate: Callable[[ReaderModel], dict[str, float]],
    ) -> None:
        self.model, self.tokenizer, self.pairs = model, tokenizer, pairs
        self.plan, self.folder, self.evaluate = plan, folder, evaluate
        model.freeze(plan.frozen)
        self.optimizer = torch.optim.AdamW(_groups(model, plan), weight_decay=0.01)
        self.averaged = {k: v.detach().clone() for k, v in _trained(model)}
        self.step = 0
        folder.mkdir(parents=True, exist_ok=True)
        self._resume()

    def train(self) -> ReaderModel:
        """Train to the plan's last step; return the model with its averaged weights."""
        fused = self.model.bert.config._attn_implementation
        if _has_bf16():
            self.model.bert.set_attn_implementation(PLAIN_ATTENTION)
        self._steps()
        self.model.bert.set_attn_implementation(fused)
        return self.averaged_model()

    def _steps(self) -> None:
        columns = (*Progress.get_default_columns()[:2], TextColumn("{task.completed}/{task.total}"))
        examples = [example for example, _ in self.pairs]
        negatives, swaps = Negatives(examples), Swaps(examples)
        with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn()) as progress:
            task = progress.add_task("training", total=self.plan.steps, completed=self.step)
            seen, number = 0, 0
            while self.step < self.plan.steps:
                # A window of 160 tokens is typical; a quarter of the windows are negatives.
                wanted = (self.plan.steps - seen) * (self.plan.tokens // 160)
                drawn = epoch(self.pairs, negatives, swaps, self.plan.seed + number, limit=wanted)
                for batch in self._batches(drawn, number):
                    seen += 1
                    if seen <= self.step:
                        continue
                    self._learn(batch)
                    progress.update(task, completed=self.step)
                    if self.step == self.plan.falls_at:
                        self._save("held")
                    if self.step % self.plan.every == 0 or self.step == self.plan.steps:
                        self._checkpoint()
                    if self.step >= self.plan.steps:
                        break
                number += 1

    def averaged_model(self) -> ReaderModel:
        """Return the model with its averaged weights, as they are now."""
        self._load_average()
        return self.model

    def _batches(self, examples: Sequence[Example], number: int) -> Any:
        seed = self.plan.seed * 1000 + number
        return batches(examples, self.tokenizer, self.plan.window, self.plan.tokens, seed)

    def _learn(self, batch: Batch) -> None:
        self.model.train()
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * self.plan.rate_at(self.step)
        with _precision():
            logits = self.model(batch.ids, batch.mask, batch.types)
        value = loss(logits, batch.starts, batch.ends, batch.relevant, batch.allowed)
        value.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.step += 1
        # A short memory at first, so that the average forgets the untrained heads.
        decay = min(self.plan.average, self.step / (self.step + 10))
        for name, weight in _trained(self.model):
            self.averaged[name].lerp_(weight.detach(), 1 - decay)
        if self.step % 20 == 0:
            self._log({"step": self.step, "loss": round(float(value.detach()), 4)})

    def _save(self, name: str) -> None:
        state = {
            "step": self.step,
            "model": self.model.state_dict(),
            "averaged": self.averaged,
            "optimizer": self.optimizer.state_dict(),
            "plan": asdict(self.plan),
        }
        # Written aside and renamed: an interrupted save leaves the last checkpoint whole.
        aside = self.folder / f"{name}.tmp"
        torch.save(state, aside)
        os.replace(aside, self.folder / f"{name}.pt")

    def _checkpoint(self) -> None:
        self._save("checkpoint")
        raw = {name: weight.detach().clone() for name, weight in _trained(self.model)}
        self._load_average()
        self._log({"step": self.step, **self.evaluate(self.model)})
        self.model.load_state_dict(raw, strict=False)

    def _resume(self) -> None:
        path = self.folder / "checkpoint.pt"
        if not path.is_file():
            return
        state = torch.load(path, weights_only=True)
        held = self.folder / "held.pt"
        if state["step"] >= state["plan"]["steps"] < self.plan.steps and held.is_file():
            state = torch.load(held, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.averaged = state["averaged"]
        peaks = [group["peak"] for group in self.optimizer.param_groups]
        self.optimizer.load_state_dict(state["optimizer"])
        for group, peak in zip(self.optimizer.param_groups, peaks, strict=True):
            group["peak"] = peak
        self.step = state["step"]

    def _load_average(self) -> None:
        self.model.load_state_dict(self.averaged, strict=False)

    def _log(self, record: dict[str, Any]) -> None:
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"time": round(time.time()), **record}) + "\n")


def _trained(model: ReaderModel) -> list[tuple[str, torch.nn.Parameter]]:
    return [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]


def _groups(model: ReaderModel, plan: Plan) -> list[dict[str, Any]]:
    """Give each layer its learning rate: lower layers, learnt on more text, move less."""
    layers = model.config.num_hidden_layers
    groups: dict[int, list[torch.nn.Parameter]] = {}
    for name, weight in _trained(model):
        depth = int(name.split(".")[3]) if name.startswith("bert.encoder.layer.") else layers
        groups.setdefault(depth, []).append(weight)
    return [
        {"params": weights, "peak": plan.rate * plan.layer_decay ** (layers - depth)}
        for depth, weights in sorted(groups.items())
    ]


def _precision() -> AbstractContextManager[Any]:
    """Use bf16 products where the processor has them in hardware; they are emulated elsewhere."""
    return torch.autocast("cpu", dtype=torch.bfloat16) if _has_bf16() else nullcontext()


def _has_bf16() -> bool:
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
