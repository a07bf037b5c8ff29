"""If one of these fails, the house has a beam in the wrong place.

An upward import makes the index unusable without the page; a heavy import at the top makes every
`citespan --help` take five seconds; a weights file over the limit makes the clone unusable.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FLOORS = {"index": 0, "qa": 1, "ui": 2}
NEVER_IMPORTED = {"tests", "conftest", "seeds", "scripts"}
HEAVY = {"torch", "sentence_transformers", "transformers", "gradio", "faiss", "onnxruntime"}
HEAVY |= {"pymilvus"}
IMPORT_SECONDS = 5.0  # about 0.3 s on an idle machine; a heavy import costs 5 s and more
WEIGHTS_LIMIT = 40_000_000  # bytes


def imported_rooms(source: str, module: str) -> list[tuple[int, str]]:
    """Return (line, top-level package) of every import in a module, wherever it stands."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name.split(".")[0]) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            name = module.split(".")[0] if node.level else (node.module or "")
            found.append((node.lineno, name.split(".")[0]))
        elif (
            isinstance(node, ast.Call)
            and ast.unparse(node.func) in {"importlib.import_module", "import_module", "__import__"}
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ):
            found.append((node.lineno, str(node.args[0].value).split(".")[0]))
    return found


def wrong_imports(source: str, module: str) -> list[str]:
    """Return the imports of a module that point upwards, or into tests or seeds."""
    floor = FLOORS[module.split(".")[0]]
    return [
        f"{module}:{line} imports {room}"
        for line, room in imported_rooms(source, module)
        if room in NEVER_IMPORTED or FLOORS.get(room, 0) > floor
    ]


def modules() -> list[Path]:
    """Return every module of the three packages."""
    return sorted(path for room in FLOORS for path in (ROOT / room).rglob("*.py"))


def test_imports_run_one_way() -> None:
    found = [
        line
        for path in modules()
        for line in wrong_imports(
            path.read_text(encoding="utf-8"),
            ".".join(path.relative_to(ROOT).with_suffix("").parts),
        )
    ]
    assert found == []


@pytest.mark.parametrize(
    ("module", "source", "expected"),
    [
        ("index.library", "import qa", ["index.library:1 imports qa"]),
        ("qa.assistant", "from ui.render import pieces", ["qa.assistant:1 imports ui"]),
        (
            "index.chunks",
            "def f():\n    from qa.spans import best",
            ["index.chunks:2 imports qa"],
        ),
        (
            "qa.golden",
            "import importlib\nimportlib.import_module('ui.cli')",
            ["qa.golden:2 imports ui"],
        ),
        ("ui.web", "import tests.fakes", ["ui.web:1 imports tests"]),
        ("ui.web", "import qa, index.library\nfrom . import render", []),
        ("qa.spans", "import numpy", []),
    ],
)
def test_an_upward_import_is_seen(module: str, source: str, expected: list[str]) -> None:
    assert wrong_imports(source, module) == expected


def distribution(name: str) -> str:
    """Return a distribution's name as the index compares it, without version or extras."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\s\[<>=!~;]", name)[0]).lower()


def test_what_is_imported_is_declared() -> None:
    """A package that only arrives because another one needs it is gone when that one changes."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    declared = {distribution(name) for name in project["dependencies"]}
    training = declared | {distribution(name) for name in extras["train"]}
    # Imported when an address of a Milvus, or of a Dask scheduler, is given.
    scaled = declared | {distribution(name) for name in [*extras["milvus"], *extras["dask"]]}
    # The plugin is only ever loaded by pytest.
    testing = declared | {distribution(name) for name in extras["dev"]}
    provided_by = packages_distributions()
    missing = []
    for path in modules():
        place = path.relative_to(ROOT).as_posix()
        allowed = training if place.startswith("qa/train/") else declared
        allowed = scaled if place in ("index/milvus.py", "index/fanout.py") else allowed
        allowed = testing if place == "qa/pytest_plugin.py" else allowed
        for line, name in imported_rooms(path.read_text(encoding="utf-8"), place):
            if name in sys.stdlib_module_names or name in FLOORS:
                continue
            owners = {distribution(owner) for owner in provided_by.get(name, [name])}
            if not owners & allowed:
                missing.append(f"{place}:{line} imports {name} of {' or '.join(sorted(owners))}")
    assert missing == []


def test_the_public_names_are_the_promised_ones() -> None:
    import qa

    assert sorted(qa.__all__) == [
        "Answer",
        "Assistant",
        "Citation",
        "CitespanError",
        "Reader",
        "Refusal",
        "Settings",
        "Span",
        "ask",
        "open",
    ]
    assert [name for name in qa.__all__ if not callable(getattr(qa, name))] == []


def test_import_qa_is_light_and_quick() -> None:
    script = (
        "import time; began = time.perf_counter(); import qa; took = time.perf_counter() - began\n"
        "import json, sys\n"
        "print(json.dumps([took, sorted({name.split('.')[0] for name in sys.modules})]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    seconds, loaded = json.loads(done.stdout)
    assert set(loaded) & HEAVY == set()
    assert seconds < IMPORT_SECONDS


def test_weights_fit_a_clone() -> None:
    weights = [path for path in (ROOT / "qa" / "weights").rglob("*") if path.is_file()]
    assert "reader.onnx" in {path.name for path in weights}
    too_big = {p.name: p.stat().st_size for p in weights if p.stat().st_size >= WEIGHTS_LIMIT}
    assert too_big == {}


def test_packages_carry_their_types() -> None:
    assert [room for room in FLOORS if not (ROOT / room / "py.typed").is_file()] == []
