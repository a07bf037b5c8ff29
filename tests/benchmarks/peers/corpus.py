"""Gather many passages from the text that installed packages bring: docstrings, manuals, notes.

    python -m tests.benchmarks.peers.corpus 50000 passages.jsonl

Paragraphs are joined to passages of 300 to 1,200 characters; of those that begin alike the first is
written, as one JSON string a line, in an order that depends on the files alone.
"""

from __future__ import annotations

import argparse
import ast
import gzip
import json
import re
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path

SHORTEST, LONGEST = 300, 1200
_ALIKE = 120  # characters; licences and inherited docstrings come many times, a little changed
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
    found = gather(options.count)
    save(found, options.out)
    sys.stderr.write(f"{len(found)} passages in {options.out}\n")


def save(found: Sequence[str], file: Path) -> None:
    """Write passages as JSON strings, one a line."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(passage, ensure_ascii=False) + "\n" for passage in found)


def gather(count: int) -> list[str]:
    """Return at most `count` passages, no two of which begin alike."""
    found: dict[str, str] = {}
    for path in files():
        for text in texts(path):
            for passage in passages(text):
                found.setdefault(passage[:_ALIKE], passage)
        if len(found) >= count:
            break
    return list(found.values())[:count]


if __name__ == "__main__":
    main()
