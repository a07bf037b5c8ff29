"""Several runs made one: the mean of their weights ("model soup", Wortsman et al. 2022).

Runs that set out from the same weights end near enough to each other that their mean reads better
than either, at no cost when it is run.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from qa.reader_files import MODEL_FILE
from qa.train import start
from qa.train.model import ReaderModel


def mix(model: ReaderModel, runs: Sequence[Path]) -> list[dict[str, Any]]:
    """Replace a model's weights by the mean of them and those of other runs, all counting alike.

    Args:
        model: Changed in place; with the weights that are to be shipped.
        runs: Folders of runs with a `checkpoint.pt`, of the same start: the card names only one;
            or of finished readers, which are rounded to int8.

    Returns:
        Steps and plan of each run, or what a reader is, for the model card.

    Raises:
        FileNotFoundError: A folder has neither.
    """
    own = {name: weight.clone() for name, weight in model.state_dict().items()}
    made, theirs = _read(runs)
    model.load_state_dict(_mean([own, *theirs]))
    return made


def begin(model: ReaderModel, runs: Sequence[Path]) -> list[dict[str, Any]]:
    """Replace a model's weights by the mean of those of runs; as `mix`, its own left out."""
    made, theirs = _read(runs)
    model.load_state_dict(_mean(theirs))
    return made


def _read(runs: Sequence[Path]) -> tuple[list[dict[str, Any]], list[dict[str, Tensor]]]:
    made, weights = [], []
    for run in runs:
        if (run / MODEL_FILE).is_file():
            weights.append(start.from_shipped(run).state_dict())
            made.append(start.described(run))
            continue
        path = run / "checkpoint.pt"
        if not path.is_file():
            raise FileNotFoundError(
                f"{path} not found, expected the checkpoint of a run to average with; "
                "make one with: python -m qa.train --run FOLDER"
            )
        state = torch.load(path, map_location="cpu", weights_only=True)
        weights.append(state["model"] | state["averaged"])
        made.append({"steps": state["step"], "plan": state["plan"]})
    return made, weights


def _mean(weights: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Return the mean of the weights; what does not float is the first one's."""
    return {
        name: torch.stack([one[name] for one in weights]).mean(0)
        if first.is_floating_point()
        else first
        for name, first in weights[0].items()
    }
