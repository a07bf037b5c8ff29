"""What `citespan eval` does: ask a golden set, hold it to thresholds, compare two runs."""

from __future__ import annotations

import json
import shlex
import tomllib
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

import typer

import qa
from index.errors import CitespanError
from qa.compare import compare
from qa.config import Settings
from qa.golden import GoldenError, GoldenReport, GoldenSet, load_report, run
from ui.feedback import golden_path
from ui.render import visible
from ui.terminal import reading


def compare_runs(before: Path, after: Path, as_json: bool) -> NoReturn:
    """Print what changed between two kept runs; exit code 1 when an answer broke."""
    found = compare(load_report(before), load_report(after))
    typer.echo(json.dumps(found.to_dict(), ensure_ascii=False) if as_json else found.text())
    raise typer.Exit(1 if found.broken else 0)


def kept_on_page(documents: Sequence[Path] | None) -> Path:
    """Return the golden set that was made on the page of these documents' library."""
    return golden_path(
        Settings().home,
        qa.open(list(documents) if documents else None, sync=False).library.folder.name,
    )


def run_golden(pairs: GoldenSet, documents: Sequence[Path] | None) -> GoldenReport:
    """Ask a golden set over these documents, or its own where there are none."""
    with TemporaryDirectory(prefix="citespan-eval-") as folder, reading() as status:
        if documents or not pairs.documents:
            assistant = qa.open(list(documents) if documents else None)
            pairs = pairs.anywhere() if pairs.documents else pairs
        else:
            own = pairs.write_documents(Path(folder) / "documents")
            assistant = qa.open(own, settings=Settings(home=Path(folder) / "home"))
        return run(
            pairs, assistant, lambda done, total: status.update(f"Asking: {done} of {total}")
        )


def documents_of(pairs: GoldenSet, given: Sequence[Path] | None) -> list[Path] | None:
    """Return what a golden set is asked of, as `pytest --golden` chooses it; says it on stderr.

    In this order: what was given; `citespan_documents` of pyproject.toml; None, for a set that
    brings its own; the folder that the set lies in.
    """
    if given:
        return list(given)
    found = project_documents()
    if not found and pairs.documents:
        return None
    found = found or [pairs.path.absolute().parent]
    names = ", ".join(visible(str(path)) for path in found)
    typer.echo(f"Asked of {names}; name other documents with --documents.", err=True)
    return found


def project_documents(pyproject: Path = Path("pyproject.toml")) -> list[Path]:
    """Return `citespan_documents` of pytest's table in a pyproject file; empty without it.

    Raises:
        GoldenError: The file is not TOML.
    """
    if not pyproject.is_file():
        return []
    try:
        table = tomllib.loads(pyproject.read_text(encoding="utf-8")).get("tool", {})
    except ValueError as error:
        raise GoldenError(f"{pyproject}: not valid TOML: {error}") from error
    pytest = table.get("pytest", {})
    found = pytest.get("ini_options", pytest).get("citespan_documents", [])
    names = shlex.split(found) if isinstance(found, str) else found
    return [pyproject.absolute().parent / Path(name).expanduser() for name in names]


def parse_threshold(pair: str) -> tuple[str, float]:
    """Split `NAME=VALUE`.

    Raises:
        CitespanError: The value is not a number.
    """
    name, _, value = pair.partition("=")
    try:
        return name, float(value)
    except ValueError:
        raise CitespanError(
            f"--threshold: found {pair!r}, expected NAME=VALUE such as exact_match=0.9"
        ) from None
