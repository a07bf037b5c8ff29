"""Measure embedding: passages a second by sentence-transformers (fp32, torch) and as shipped.

Both embed the same passages with the same weights, in one process and in turn, each with as many
threads as there are cores; what is given is the median of the rounds, their ratio, and how well
the vectors agree on passages that fit the model's 256 tokens.

    python -m tests.benchmarks.embedding squad-v1.1-dev-articles.json.gz --save
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from index.embedder import DEFAULT, Embedder, SentenceTransformerEmbedder, open_embedder
from index.encoder import SHIPPED


def passages(path: Path, count: int) -> list[str]:
    """Return `count` random paragraphs of a SQuAD file, always the same ones."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        data = json.load(file)["data"]
    found = [paragraph["context"] for article in data for paragraph in article["paragraphs"]]
    return random.Random(0).sample(found, min(count, len(found)))


def measure(texts: list[str], rounds: int, embedders: dict[str, Embedder]) -> dict[str, Any]:
    """Embed the texts with each in turn, `rounds` times; one round before is not counted."""
    rates: dict[str, list[float]] = {name: [] for name in embedders}
    vectors = {}
    for embedder in embedders.values():
        embedder.encode(texts[:2])
    for _ in range(rounds):
        for name, embedder in embedders.items():
            started = time.perf_counter()
            vectors[name] = embedder.encode(texts)
            rates[name].append(round(len(texts) / (time.perf_counter() - started), 2))
    exact, shipped = (vectors[name] for name in embedders)
    short = [at for at, text in enumerate(texts) if len(text) < 900]
    cosines = (exact[short] * shipped[short]).sum(axis=1)
    medians = {name: statistics.median(found) for name, found in rates.items()}
    first, second = medians.values()
    return {
        "cores": os.cpu_count(),
        "passages": len(texts),
        "characters": sum(map(len, texts)),
        "passages_a_second": medians,
        "ratio": round(second / first, 2),
        "ratio_by_round": [round(b / a, 2) for a, b in zip(*rates.values(), strict=True)],
        "rounds": rates,
        "cosine": {
            "mean": round(float(cosines.mean()), 4),
            "min": round(float(cosines.min()), 4),
        },
    }


def main() -> None:
    """Measure, print, and save beside this file when asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="SQuAD JSON, gzip")
    parser.add_argument("--count", type=int, default=300, help="passages")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--save", action="store_true", help="write JSON beside this file")
    options = parser.parse_args()
    embedders: dict[str, Embedder] = {
        "sentence-transformers": SentenceTransformerEmbedder(DEFAULT),
        SHIPPED: open_embedder(),
    }
    result = measure(passages(options.data, options.count), options.rounds, embedders)
    sys.stdout.write(json.dumps(result, indent=2) + "\n")
    if options.save:
        path = Path(__file__).with_suffix(".json")
        path.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
