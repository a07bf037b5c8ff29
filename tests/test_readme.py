"""If these fail, the first thing that a newcomer types does not do what the page says.

A fenced block marked `runnable` is run in the order of the page. In Python, a line that ends in
`# → value` must give that value; in a console block, what follows a `$ command` must be its output
(a line `…` stands for any lines).
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = ["README.md", "CONTRIBUTING.md"]
FENCE = re.compile(r"^```(?P<info>[^\n`]+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
RESULT = re.compile(r"^(?P<code>.*?)\s*# → (?P<value>.*)$")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the first line of its body, and whether it is to be run."""

    language: str
    runnable: bool
    line: int
    body: str


def blocks(page: str, language: str) -> list[Block]:
    text = (ROOT / page).read_text(encoding="utf-8")
    found = []
    for match in FENCE.finditer(text):
        first, *marks = match["info"].split()
        line = text.count("\n", 0, match.start("body")) + 1
        found.append(Block(first, "runnable" in marks, line, match["body"]))
    return [block for block in found if block.language == language]


def promised(source: str) -> dict[int, str]:
    """Return {line: value} of the `# → value` comments."""
    lines = enumerate(source.splitlines(), start=1)
    return {number: match["value"] for number, line in lines if (match := RESULT.match(line))}


def run_python(source: str, names: dict[str, Any]) -> list[str]:
    """Run a snippet statement by statement; return where a promised value differs."""
    values, differences = promised(source), []
    for statement in ast.parse(source).body:
        expected = values.pop(statement.end_lineno or 0, None)
        if expected is None:
            exec(compile(ast.Module([statement], []), "README.md", "exec"), names)
            continue
        got = eval(ast.unparse(statement), names)
        if str(got) != expected:
            differences.append(f"{ast.unparse(statement)} gave {got}, promised {expected}")
    return differences + [f"no statement gives the promised {value}" for value in values.values()]


def console_steps(body: str) -> list[tuple[str, str]]:
    """Return (command, promised output) of each `$ command` in a console block."""
    steps = re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]
    return [(step.partition("\n")[0], step.partition("\n")[2].rstrip()) for step in steps]


def matches(promise: str, output: str) -> bool:
    """Compare an output with what was promised, where a line `…` stands for any lines."""
    pattern = re.escape(promise).replace("…", ".*")
    return re.fullmatch(pattern, output.rstrip(), flags=re.DOTALL) is not None


def test_python_snippets_do_what_they_say() -> None:
    names: dict[str, Any] = {}
    snippets = [block for block in blocks("README.md", "python") if block.runnable]
    assert snippets
    wrong = {f"README.md:{block.line}": run_python(block.body, names) for block in snippets}
    assert {place: lines for place, lines in wrong.items() if lines} == {}


def test_console_snippets_print_what_they_say(home: Path) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | {"PATH": path, "CITESPAN_HOME": str(home)}
    snippets = [block for block in blocks("README.md", "console") if block.runnable]
    assert snippets
    wrong = []
    for block in snippets:
        for command, promise in console_steps(block.body):
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=ROOT,
                env=environment,
                capture_output=True,
                text=True,
                timeout=120,
            )
            if not matches(promise, done.stdout):
                wrong.append((f"README.md:{block.line}", command, done.stdout, done.stderr))
    assert wrong == []


@pytest.mark.parametrize("page", PAGES)
def test_other_python_is_valid(page: str) -> None:
    for block in blocks(page, "python"):
        ast.parse(block.body, filename=f"{page}:{block.line}")


@pytest.mark.parametrize("page", PAGES)
def test_make_targets_exist(page: str) -> None:
    rules = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = (ROOT / page).read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^|`)make ([a-z][a-z0-9-]*)", text, re.MULTILINE))
    assert named
    assert named - rules == set()


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    targets = [target for target in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in target]
    assert targets or page != "README.md"
    assert [t for t in targets if not (ROOT / t.partition("#")[0]).exists()] == []


@pytest.mark.parametrize(
    ("source", "differences"),
    [
        ("x = 2\nx + 1  # → 3\n", []),
        ("1 + 1  # → 3\n", ["1 + 1 gave 2, promised 3"]),
        ("1 + 1\n# → 2\n", ["no statement gives the promised 2"]),
    ],
)
def test_a_broken_promise_is_seen(source: str, differences: list[str]) -> None:
    assert run_python(source, {}) == differences


@pytest.mark.parametrize(
    ("promise", "output", "same"),
    [("a\nb", "a\nb\n", True), ("a\n…\nd", "a\nb\nc\nd\n", True), ("a", "a\nb\n", False)],
)
def test_a_broken_output_is_seen(promise: str, output: str, same: bool) -> None:
    assert matches(promise, output) is same
