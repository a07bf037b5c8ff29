"""The training loop: fixed seeds, checkpoints it can resume from, averaged weights, a log."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from rich.progress import Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from tokenizers import Tokenizer

from qa.train.augment import Negatives, epoch
from qa.train.data import Example
from qa.train.features import Batch, batches
from qa.train.model import Logits, ReaderModel, loss
from qa.train.swaps import Swaps
from qa.train.teacher import TeacherModel

Model = TypeVar("Model", bound=ReaderModel | TeacherModel)


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
        swapped: Questions made unanswerable by a rule, as a share of the answerable ones.
        conditioned: Answerable questions that are tried to be given a condition more, as a share
            of them.
        shorter: Share of the passages that are shortened to a sentence with its neighbours.
        fresh: Written questions, the last ones of their file, that the start has not read; while
            the rate falls the others count a sixth as much.
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
    swapped: float = 0.2
    conditioned: float = 0.7
    shorter: float = 0.4
    fresh: int = 0
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


class Run(Generic[Model]):
    """One training run in a folder: `checkpoint.pt`, `held.pt`, `log.jsonl`.

    `held.pt` is the state before the rate began to fall. A run started again in the same folder
    with more steps goes on from there, so that a reader can be trained over many days and shipped
    on the way.

    Args:
        model: What is trained, the reader or its teacher.
        tokenizer: Cuts texts as the model expects.
        pairs: Examples with their weights.
        plan: What to do.
        folder: Where the run is kept; one that is there is gone on with.
        evaluate: Measures the model.
        late: Examples with the weights that hold while the rate falls; None for the same.
        teacher: What to learn from beside the annotators' answers.
    """

    def __init__(
        self,
        model: Model,
        tokenizer: Tokenizer,
        pairs: Sequence[tuple[Example, float]],
        plan: Plan,
        folder: Path,
        evaluate: Callable[[Model], dict[str, float]],
        late: Sequence[tuple[Example, float]] | None = None,
        teacher: TeacherModel | None = None,
    ) -> None:
        self.model, self.tokenizer, self.pairs = model, tokenizer, pairs
        self.plan, self.folder, self.evaluate = plan, folder, evaluate
        self.late = pairs if late is None else late
        self.teacher = teacher
        model.freeze(plan.frozen)
        # Fused: a reader's step takes 0.97 s instead of 1.11, a teacher's 1.87 instead of 2.12.
        self.optimizer = torch.optim.AdamW(_groups(model, plan), weight_decay=0.01, fused=True)
        self.averaged = {k: v.detach().clone() for k, v in _trained(model)}
        self.step = 0
        folder.mkdir(parents=True, exist_ok=True)
        self._resume()

    def train(self) -> Model:
        """Train to the plan's last step; return the model with its averaged weights."""
        with self.model.attending_plainly() if _has_bf16() else nullcontext():
            self._steps()
        return self.averaged_model()

    def _steps(self) -> None:
        columns = (*Progress.get_default_columns()[:2], TextColumn("{task.completed}/{task.total}"))
        examples = [example for example, _ in self.pairs]
        negatives, swaps = Negatives(examples), Swaps(examples)
        with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn()) as progress:
            task = progress.add_task("training", total=self.plan.steps, completed=self.step)
            for seen, batch in enumerate(self._batches(negatives, swaps), 1):
                if seen <= self.step:
                    continue
                self._learn(batch)
                progress.update(task, completed=self.step)
                if self.step == self.plan.falls_at:
                    self._save("held")
                if self.step % self.plan.every == 0 or self.step == self.plan.steps:
                    self._checkpoint()

    def _batches(self, negatives: Negatives, swaps: Swaps) -> Iterator[Batch]:
        """Yield every batch of the plan from its first step on: the same ones for the same plan."""
        plan, made, number = self.plan, 0, 0
        for pairs, until in ((self.pairs, plan.falls_at), (self.late, plan.steps)):
            while made < until:
                # A window of 160 tokens is typical; a quarter of the windows are negatives, which
                # makes up for those that are shortened.
                limit = (until - made) * (plan.tokens // 160)
                drawn = epoch(
                    pairs,
                    negatives,
                    swaps,
                    plan.seed + number,
                    swapped=plan.swapped,
                    conditioned=plan.conditioned,
                    shorter=plan.shorter,
                    limit=limit,
                )
                seed = plan.seed * 1000 + number
                cut = batches(drawn, self.tokenizer, plan.window, plan.tokens, seed)
                for batch in islice(cut, until - made):
                    made += 1
                    yield batch
                number += 1

    def averaged_model(self) -> Model:
        """Return the model with its averaged weights, as they are now."""
        self._load_average()
        return self.model

    def _learn(self, batch: Batch) -> None:
        self.model.train()
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * self.plan.rate_at(self.step)
        windows = batch.windows
        with precision():
            logits = self.model(windows.ids, windows.mask, windows.types)
        value = loss(logits, batch, self._taught(batch))
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

    def _taught(self, batch: Batch) -> Logits | None:
        if self.teacher is None:
            return None
        windows = batch.written
        with torch.no_grad(), precision():
            taught: Logits = self.teacher(windows.ids, windows.mask, windows.types)
        return taught

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


def _trained(model: torch.nn.Module) -> list[tuple[str, torch.nn.Parameter]]:
    return [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]


def _groups(model: ReaderModel | TeacherModel, plan: Plan) -> list[dict[str, Any]]:
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


def precision() -> AbstractContextManager[Any]:
    """Use bf16 products where the processor has them in hardware; they are emulated elsewhere."""
    return torch.autocast("cpu", dtype=torch.bfloat16) if _has_bf16() else nullcontext()


def _has_bf16() -> bool:
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
