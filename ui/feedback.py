"""What a person says of an answer, kept as a pair of the library's golden set.

"Right" keeps the answer as the expected one, or the refusal as expected; a better answer is kept
as the expected one; "the documents do not say it" as a question to be refused. `citespan eval`
asks the pairs again.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from index.errors import CitespanError
from qa.answer import Answer

MAX_ANSWER = 1000
_WRITING = threading.Lock()


def golden_path(home: Path, library: str) -> Path:
    """Return where a library's own golden set is kept."""
    return home.expanduser() / "golden" / f"{library}.yaml"


def pair_of(
    answer: Answer, earlier: Sequence[Answer], right: str | None, scope: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the golden pair for an answer.

    Args:
        answer: What was answered or refused.
        earlier: The answers before it, oldest first; kept when it was understood from them.
        right: The acceptable answer; None when the question must be refused.
        scope: Names of the documents that were asked; empty when all were.
    """
    row: dict[str, Any] = {"question": answer.question}
    if right is None:
        row["unanswerable"] = True
    else:
        row["answers"] = [right]
        if answer.citations and right == answer.text:
            row["document"] = answer.citations[0].document
    if answer.understood.casefold().strip() != answer.question.casefold().strip():
        row["history"] = [one.question for one in earlier]
    if scope:
        row["filter"] = {"documents": list(scope)}
    return row


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Return the pairs that are kept already.

    Raises:
        CitespanError: The file is not a list of pairs.
    """
    if not path.exists():
        return []
    try:
        rows = yaml.safe_load(path.read_text(encoding="utf-8")) or []
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise CitespanError(f"{path}: not a golden set: {error}") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise CitespanError(f"{path}: found no list of pairs; move it away, or mend it")
    return rows


def keep(path: Path, pair: dict[str, Any]) -> int:
    """Add a pair, in the place of an earlier one on the same question; return how many there are.

    The same question asked of other documents is another one.

    Raises:
        CitespanError: The file is not a list of pairs, or cannot be written.
    """

    def key(row: dict[str, Any]) -> tuple[str, ...]:
        asked = [*row.get("history", ()), row.get("question", "")]
        words = (str(question).casefold().strip() for question in asked)
        return (*words, repr(row.get("filter")))

    with _WRITING:
        rows = [row for row in read_rows(path) if key(row) != key(pair)] + [pair]
        text = yaml.safe_dump(rows, allow_unicode=True, sort_keys=False, width=100)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, temporary = tempfile.mkstemp(dir=path.parent)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(temporary, path)
        except OSError as error:
            raise CitespanError(f"{path}: could not be written ({error.strerror})") from error
    return len(rows)
