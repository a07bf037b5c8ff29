"""What `citespan calibrate` does: fit a library's own calibration, show it, take it back."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path

import typer

import qa
from index.errors import CitespanError
from qa import own_calibration
from qa.assistant import Assistant
from qa.goldenset import load
from qa.recalibration import Refit, calibrate, describe, undo
from ui.evaluation import documents_of, kept_on_page, project_documents
from ui.render import visible
from ui.terminal import reading


def run_calibration(
    golden: Path | None,
    documents: Sequence[Path] | None,
    target_accuracy: float | None,
    *,
    kept: bool,
    dry_run: bool,
    undo: bool,
    as_json: bool,
) -> None:
    """Do what the options ask for.

    Raises:
        CitespanError: The options do not go together, or the set is not one to fit to.
    """
    if golden is not None and kept:
        raise CitespanError("expected a golden set or --kept, not both; see: calibrate --help")
    if target_accuracy is not None and not 0 < target_accuracy < 1:
        raise CitespanError(
            f"--target-accuracy: found {target_accuracy:g}, expected a share such as 0.9"
        )
    if undo:
        take_back(golden, documents, kept=kept)
    elif golden is None and not kept:
        show_in_force(documents)
    else:
        path = golden or kept_on_page(documents)
        found, assistant = fit_to(path, documents, target_accuracy, kept=kept, dry_run=dry_run)
        if as_json:
            typer.echo(json.dumps(found.to_dict(), ensure_ascii=False))
        else:
            place = own_calibration.path_of(assistant.library.folder)
            kept_at = f"In force from now on, kept in {visible(str(place))}."
            way_back = f"To go back: {_command(golden, documents)} --undo"
            end = "Nothing was kept (--dry-run)." if dry_run else f"{kept_at}\n{way_back}"
            typer.echo(f"{found.text()}\n\n{end}")


def fit_to(
    path: Path,
    documents: Sequence[Path] | None,
    target_accuracy: float | None,
    *,
    kept: bool,
    dry_run: bool,
) -> tuple[Refit, Assistant]:
    """Fit the calibration of the documents' library to a golden set, and keep it."""
    pairs = load(path)
    asked = documents if kept else documents_of(pairs, documents)
    if pairs.documents and not asked:
        raise CitespanError(
            f"{path}: found a set that brings its documents along, expected --documents: a "
            "calibration is kept with the library that it is for"
        )
    with reading() as status:
        assistant = qa.open(list(asked) if asked else None)
        found = calibrate(
            assistant,
            pairs.anywhere() if pairs.documents else pairs,
            target_accuracy,
            keep_it=not dry_run,
            progress=lambda done, total: status.update(f"Asking: {done} of {total}"),
        )
    return found, assistant


def take_back(golden: Path | None, documents: Sequence[Path] | None, *, kept: bool) -> None:
    """Undo the last calibration of a library: the one that a golden set is asked of."""
    asked = documents_of(load(golden), documents) if golden and not kept else documents
    typer.echo(f"In force again: {undo(_opened(asked, kept=kept)).fitted_on}")


def show_in_force(documents: Sequence[Path] | None) -> None:
    """Print the calibration that a library's answers use."""
    assistant = _opened(documents)
    typer.echo(f"In force: {assistant.calibration.fitted_on}\n")
    typer.echo(describe(assistant.calibration, own_calibration.shipped(assistant.settings)))


def _opened(documents: Sequence[Path] | None, *, kept: bool = False) -> Assistant:
    found = list(documents or ()) or ([] if kept else project_documents())
    return qa.open(found or None, sync=False)


def _command(golden: Path | None, documents: Sequence[Path] | None) -> str:
    """Return the command line that named this library."""
    words = ["citespan", "calibrate", str(golden) if golden else "--kept"]
    for path in documents or ():
        words += ["--documents", str(path)]
    return visible(shlex.join(words))
