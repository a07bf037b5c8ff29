"""The files that a golden set may stand in, each turned into rows of plain data with their lines.

Nothing here knows what a pair means: `qa/goldenset.py` checks the rows.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from index.errors import CitespanError


@dataclass(frozen=True, slots=True)
class Row:
    """One would-be pair as plain data.

    Attributes:
        data: What the file holds; a dict when it is well formed.
        line: 1-based line it begins on, None when the format has no lines.
        lines: Line of each key, where the format tells.
    """

    data: Any
    line: int | None = None
    lines: Mapping[str, int] = field(default_factory=dict)


Parsed = tuple[list[Row], dict[str, str]]
"""The rows, and the documents by name that the file brings along."""


class GoldenError(CitespanError):
    """A golden set, a saved run or a threshold is not what was expected."""


def write(path: Path | str, text: str) -> None:
    """Write what was made of a run.

    Raises:
        GoldenError: It cannot be written there.
    """
    try:
        Path(path).expanduser().write_text(text, encoding="utf-8")
    except OSError as error:
        raise GoldenError(
            f"{path}: could not be written ({error.strerror}); free space, or name another place"
        ) from error


def check_place(path: Path | str) -> None:
    """Check that a file can be written, before hours of asking are lost for want of its folder.

    Raises:
        GoldenError: It cannot.
    """
    target = Path(path).expanduser()
    folder = target.parent
    if not folder.is_dir():
        raise GoldenError(
            f"{path}: found no folder {folder} to write to; make it with: mkdir -p {folder}"
        )
    if target.is_dir() or not os.access(target if target.exists() else folder, os.W_OK):
        raise GoldenError(f"{path}: cannot be written, expected a file's name in a writable folder")


def _from_yaml(path: Path, text: str) -> Parsed:
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        hint = "text that holds any of ? : # , inside brackets needs quotes"
        raise GoldenError(f"{path}:{line}: not valid YAML: {error.problem} ({hint})") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise GoldenError(f"{path}: not valid YAML: {error}") from error
    if root is None:
        return [], {}
    if not isinstance(root, yaml.SequenceNode):
        raise GoldenError(f"{path}:{_line(root)}: expected a list of pairs (- question: …)")
    return [_row_of_node(path, node) for node in root.value], {}


def _row_of_node(path: Path, node: yaml.Node) -> Row:
    keys = [key for key, _ in node.value] if isinstance(node, yaml.MappingNode) else []
    data = _plain(path, node)
    return Row(data, _line(node), {key.value: _line(key) for key in keys})


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _plain(path: Path, node: yaml.Node, depth: int = 0) -> Any:
    """Return a node as plain data, scalars as they are written: 1066 and 2026-11-16 stay text."""
    if depth > 3:
        raise GoldenError(f"{path}:{_line(node)}: nested deeper than any pair needs")
    if isinstance(node, yaml.SequenceNode):
        return [_plain(path, item, depth + 1) for item in node.value]
    if isinstance(node, yaml.MappingNode):
        mapping: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise GoldenError(f"{path}:{_line(key)}: expected a key such as `question`")
            if key.value in mapping:
                raise GoldenError(f"{path}:{_line(key)}: `{key.value}` stands twice in one pair")
            mapping[key.value] = _plain(path, value, depth + 1)
        return mapping
    return None if node.tag == "tag:yaml.org,2002:null" else node.value


def _json(text: str) -> Any:
    # 4.50 stays as it is written: as a number it would be 4.5, which is another answer.
    return json.loads(text, parse_float=str)


def _from_jsonl(path: Path, text: str) -> Parsed:
    rows: list[Row] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                rows.append(Row(_json(line), number))
            except json.JSONDecodeError as error:
                raise GoldenError(f"{path}:{number}: not valid JSON: {error.msg}") from error
    return rows, {}


def _from_csv(path: Path, text: str) -> Parsed:
    header = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[Row] = []
    line = 1
    try:
        names = [name.strip() for name in reader.fieldnames or ()]
        if "question" not in names:
            raise GoldenError(f"{path}:1: expected a column `question`, found {', '.join(names)}")
        twice = [name for name in dict.fromkeys(names) if name and names.count(name) > 1]
        if twice:
            raise GoldenError(
                f"{path}:1: found the column `{twice[0]}` {names.count(twice[0])} times, expected "
                "it once; several answers stand in one cell, parted by |"
            )
        reader.fieldnames = names
        line = reader.line_num + 1
        for cells in reader:
            rows.append(Row(_pair_of_cells(cells), line))
            line = reader.line_num + 1
    except csv.Error as error:
        raise GoldenError(f"{path}:{line}: not valid CSV: {error}") from error
    return rows, {}


def _pair_of_cells(cells: Mapping[str | None, Any]) -> Any:
    if None in cells:
        return cells[None]  # more cells than columns: the message shows the surplus
    row: dict[str, Any] = {str(key): cell for key, cell in cells.items() if (cell or "").strip()}
    for key in ("answers", "history"):
        if key in row:
            row[key] = [part for part in row[key].split("|") if part.strip()]
    if "filter" in row:
        row["filter"] = _mapping(row["filter"])
    if "known_failure" in row or "since" in row:
        keys = {"known_failure": "reason", "since": "since"}
        row["known_failure"] = {name: row.pop(key) for key, name in keys.items() if key in row}
    return row


def _mapping(cell: str) -> Any:
    """Return a cell's mapping, written as in YAML or JSON; the cell where it is none."""
    try:
        return yaml.safe_load(cell)
    except (yaml.YAMLError, RecursionError, ValueError):
        return cell


def _from_json(path: Path, text: str) -> Parsed:
    try:
        root = _json(text)
    except (json.JSONDecodeError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        raise GoldenError(f"{path}:{line}: not valid JSON: {error}") from error
    if isinstance(root, list):
        return [Row(data) for data in root], {}
    if isinstance(root, dict) and isinstance(root.get("data"), list):
        return _from_squad(path, root["data"])
    raise GoldenError(f"{path}: expected a list of pairs, or SQuAD JSON with a list in `data`")


def _from_squad(path: Path, articles: Sequence[Any]) -> Parsed:
    rows: list[Row] = []
    documents: dict[str, str] = {}
    place = ""
    try:
        for a, article in enumerate(articles):
            title = str(article.get("title", f"article {a + 1}"))
            for p, paragraph in enumerate(article["paragraphs"]):
                place = f"data[{a}].paragraphs[{p}]"
                name = paragraph_name(title, paragraph["context"])
                documents[name] = paragraph["context"]
                for q, qa in enumerate(paragraph["qas"]):
                    place = f"data[{a}].paragraphs[{p}].qas[{q}]"
                    rows.append(Row(_pair_of_squad(qa, name)))
    except (KeyError, TypeError, AttributeError) as error:
        raise GoldenError(f"{path}: not SQuAD JSON at {place or 'data[0]'}: {error!r}") from error
    return rows, documents


def _pair_of_squad(qa: Mapping[str, Any], document: str) -> dict[str, Any]:
    # dict.fromkeys: the annotators' answers without repetitions, in their order
    answers = list(dict.fromkeys(answer["text"] for answer in qa["answers"]))
    if qa.get("is_impossible", False):
        return {"question": qa["question"], "unanswerable": True, "document": document}
    return {"question": qa["question"], "answers": answers, "document": document}


def paragraph_name(title: str, context: str) -> str:
    """Return the name that a SQuAD paragraph gets as a document: equal texts, equal names."""
    folder = re.sub(r"[^\w.-]+", "_", title).strip("._") or "article"
    return f"{folder[:80]}/{hashlib.sha256(context.encode()).hexdigest()[:12]}.txt"


FORMATS: dict[str, Callable[[Path, str], Parsed]] = {
    ".yaml": _from_yaml,
    ".yml": _from_yaml,
    ".json": _from_json,
    ".jsonl": _from_jsonl,
    ".csv": _from_csv,
}
