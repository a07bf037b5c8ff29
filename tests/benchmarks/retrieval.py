"""Measure retrieval: recall@1/5/12/20 of lexical, dense and fused search on SQuAD articles.

Each paragraph becomes a file of its own (or each article, with `--unit article`), the library is
made of these files as a user's would be, and every question is searched. A passage counts when it
holds one of the question's answers where the data says it stands.

    python -m tests.benchmarks.retrieval squad-v1.1-train-articles.json.gz --save
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from index.embedder import open_embedder
from index.encoder import SHIPPED
from index.library import Library
from index.search import Passage, Snapshot

DEPTHS = (1, 5, 12, 20)
POOL = 50


@dataclass(frozen=True, slots=True)
class Question:
    """A question, the file that answers it, and where (characters of that file)."""

    text: str
    document: str
    places: tuple[tuple[int, int], ...]


def write_documents(data: list[dict[str, Any]], folder: Path, unit: str) -> list[Question]:
    """Write the articles as Markdown files and return the questions about them."""
    questions = []
    for number, article in enumerate(data):
        body = f"# {article['title'].replace('_', ' ')}\n\n" if unit == "article" else ""
        for at, paragraph in enumerate(article["paragraphs"]):
            name = f"{number:03}.md" if unit == "article" else f"{number:03}-{at:03}.md"
            offset = len(body) if unit == "article" else 0
            if unit == "article":
                body += paragraph["context"] + "\n\n"
            else:
                (folder / name).write_text(paragraph["context"])
            questions.extend(read_questions(paragraph, name, offset))
        if unit == "article":
            (folder / f"{number:03}.md").write_text(body)
    return questions


def read_questions(paragraph: dict[str, Any], name: str, offset: int) -> Iterator[Question]:
    """Yield the questions of a paragraph that stands at `offset` of its file."""
    for pair in paragraph["qas"]:
        places = {
            (offset + answer["answer_start"], offset + answer["answer_start"] + len(answer["text"]))
            for answer in pair["answers"]
        }
        yield Question(pair["question"], name, tuple(sorted(places)))


def holds(passage: Passage, question: Question) -> bool:
    """Tell whether a passage holds an answer."""
    return passage.document == question.document and any(
        passage.start <= start and end <= passage.end for start, end in question.places
    )


def recall(snapshot: Snapshot, questions: list[Question]) -> dict[str, dict[str, float]]:
    """Return recall by method and depth."""
    hits = {method: dict.fromkeys(DEPTHS, 0) for method in ("lexical", "dense", "fused")}
    for at in range(0, len(questions), 256):
        batch = questions[at : at + 256]
        found = snapshot.search_many([question.text for question in batch], k=POOL)
        for question, passages in zip(batch, found, strict=True):
            for method, counts in hits.items():
                field = "score" if method == "fused" else method
                ranked = sorted(passages, key=lambda p: getattr(p, field), reverse=True)
                for depth in DEPTHS:
                    counts[depth] += any(holds(p, question) for p in ranked[:depth])
    return {
        method: {f"recall@{depth}": round(n / len(questions), 4) for depth, n in counts.items()}
        for method, counts in hits.items()
    }


def main() -> None:
    """Measure, print a table, and save it beside this file when asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="SQuAD JSON, gzip or plain")
    parser.add_argument("--unit", choices=("paragraph", "article"), default="paragraph")
    parser.add_argument("--embedder", default=SHIPPED, help="any that CITESPAN_EMBEDDER may name")
    parser.add_argument("--save", action="store_true", help="write JSON beside this file")
    options = parser.parse_args()
    opener = gzip.open if options.data.suffix == ".gz" else open
    with opener(options.data, "rt", encoding="utf-8") as file:
        data = json.load(file)["data"]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "documents"
        folder.mkdir()
        questions = write_documents(data, folder, options.unit)
        with Library.open(
            folder, home=Path(temporary), embedder=partial(open_embedder, options.embedder)
        ) as library:
            started = time.perf_counter()
            library.sync()
            synced = time.perf_counter() - started
            snapshot = library.snapshot()
            started = time.perf_counter()
            methods = recall(snapshot, questions)
            searched = time.perf_counter() - started
    result = {
        "data": options.data.name,
        "unit": options.unit,
        "embedder": options.embedder,
        "questions": len(questions),
        "chunks": len(snapshot),
        "sync_seconds": round(synced, 1),
        "search_ms": round(1000 * searched / len(questions), 2),
        **methods,
    }
    for method, figures in methods.items():
        sys.stdout.write(f"{method:8} {figures}\n")
    sys.stdout.write(json.dumps(result) + "\n")
    if options.save:
        path = Path(__file__).with_name(f"retrieval-{options.unit}.json")
        path.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
