"""Gather many passages from the text that installed packages bring: docstrings, manuals, notes.

    python -m tests.benchmarks.peers.corpus 50000 passages.jsonl

Paragraphs are joined to passages of 300 to 1,200 characters; each is written once, as one JSON
string a line, in an order that depends on the files alone.
"""

from __future__ import annotations

import argparse
import ast
import gzip
import json
import re
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

SHORTEST, LONGEST = 300, 1200
PLACES = (Path("/usr/share/doc"), Path("/usr/share/perl"), Path("/usr/share/info"))
TEXTS = (".txt", ".md", ".rst", ".pod", ".html.gz", ".txt.gz", ".md.gz", ".info.gz")
_TOO_LARGE = 4_000_000
_WORDS = re.compile(r"[A-Za-z]{2,}")


def files() -> Iterator[Path]:
    """Yield files that hold prose, Python packages first."""
    paths = sysconfig.get_paths()
    for folder in dict.fromkeys([paths["purelib"], paths["stdlib"]]):
        yield from sorted(Path(folder).rglob("*.py"))
        yield from sorted(Path(folder).rglob("METADATA"))
    for place in (Path(paths["purelib"]), *PLACES):
        yield from sorted(path for path in place.rglob("*") if path.name.endswith(TEXTS))


def texts(path: Path) -> Iterator[str]:
    """Yield what a person would read of a file; nothing when it cannot be read."""
    try:
        if not path.is_file() or path.stat().st_size > _TOO_LARGE:
            return
        data = path.read_bytes()
        content = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
        if path.suffix != ".py":
            yield content
            return
        for node in ast.walk(ast.parse(content)):
            kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
            if isinstance(node, kinds) and (found := ast.get_docstring(node)):
                yield found
    except (OSError, ValueError, SyntaxError, EOFError, RecursionError, MemoryError):
        return


def passages(text: str) -> Iterator[str]:
    """Join paragraphs to passages; what is hardly prose is left out."""
    gathered = ""
    for paragraph in re.split(r"\n\s*\n", text):
        paragraph = " ".join(paragraph.split())
        words = sum(map(len, _WORDS.findall(paragraph)))
        if words < 0.6 * len(paragraph) or len(paragraph) > LONGEST:
            continue
        if len(gathered) + len(paragraph) + 1 > LONGEST:
            gathered = ""
        gathered = f"{gathered} {paragraph}".strip()
        if len(gathered) >= SHORTEST:
            yield gathered
            gathered = ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    seen: set[str] = set()
    with options.out.open("w", encoding="utf-8") as out:
        for path in files():
            for text in texts(path):
                for passage in passages(text):
                    if passage not in seen and len(seen) < options.count:
                        seen.add(passage)
                        out.write(json.dumps(passage, ensure_ascii=False) + "\n")
            if len(seen) >= options.count:
                break
    sys.stderr.write(f"{len(seen)} passages in {options.out}\n")


if __name__ == "__main__":
    main()
