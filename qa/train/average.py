"""Several runs made one: the mean of their weights ("model soup", Wortsman et al. 2022).

Runs that set out from the same weights end near enough to each other that their mean reads better
than either, at no cost when it is run.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from qa.train.model import ReaderModel


def mix(model: ReaderModel, runs: Sequence[Path]) -> list[dict[str, Any]]:
    """Replace a model's weights by the mean of them and those of other runs, all counting alike.

    Args:
        model: Changed in place; with the weights that are to be shipped.
        runs: Folders of runs with a `checkpoint.pt`, of the same start: the card names only one.

    Returns:
        Steps and plan of each run, for the model card.

    Raises:
        FileNotFoundError: A folder has no checkpoint.
    """
    total = {name: weight.clone() for name, weight in model.state_dict().items()}
    made = []
    for run in runs:
        path = run / "checkpoint.pt"
        if not path.is_file():
            raise FileNotFoundError(
                f"{path} not found, expected the checkpoint of a run to average with; "
                "make one with: python -m qa.train --run FOLDER"
            )
        state = torch.load(path, map_location="cpu", weights_only=True)
        weights = state["model"] | state["averaged"]
        for name, weight in total.items():
            if weight.is_floating_point():
                weight += weights[name]
        made.append({"steps": state["step"], "plan": state["plan"]})
    for weight in total.values():
        if weight.is_floating_point():
            weight /= 1 + len(runs)
    model.load_state_dict(total)
    return made
