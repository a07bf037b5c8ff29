"""Ask random questions of a SQuAD file over all its paragraphs; check every citation's offsets.

    python -m tests.benchmarks.citations squad-v1.1-dev-articles.json.gz --count 500 --save

Prints how many citations were checked and how many were inexact (a bug if not 0), and what the
answers were worth.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from pathlib import Path

import qa
from qa import golden
from qa.config import Settings
from qa.evaluate import exact_match, f1


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.citations")
    parser.add_argument("file", type=Path)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--save", action="store_true", help="write citations.json")
    options = parser.parse_args()
    dev = golden.load(options.file)
    pairs = random.Random(0).sample(dev.pairs, min(options.count, len(dev)))
    with tempfile.TemporaryDirectory() as scratch:
        folder = dev.write_documents(Path(scratch) / "paragraphs")
        assistant = qa.open(folder, settings=Settings(home=Path(scratch)))
        begin = time.perf_counter()
        answers = assistant.ask_many([pair.question for pair in pairs])
        seconds = time.perf_counter() - begin
        checked = inexact = 0
        for answer in answers:
            for cited in (*answer.citations, *(answer.refusal.nearest if answer.refusal else ())):
                text = assistant.library.document(cited.document).text
                checked += 1
                inexact += text[cited.start : cited.end] != cited.quote
                inexact += text[cited.sentence_start : cited.sentence_end] != cited.sentence
    given = [(pair, answer) for pair, answer in zip(pairs, answers, strict=True) if answer]
    best = [
        (
            pair,
            (answer.citations or answer.refusal.nearest)[0]
            if answer or answer.refusal.nearest
            else None,
        )  # fmt: skip
        for pair, answer in zip(pairs, answers, strict=True)
    ]
    count = len(pairs)
    figures = {
        "questions": count,
        "citations checked": checked,
        "inexact": inexact,
        "answered": len(given),
        "F1 of the answered": sum(f1(a.text, p.answers) for p, a in given) / max(1, len(given)),
        "EM, refusals wrong": sum(exact_match(a.text, p.answers) for p, a in given) / count,
        "F1, best span, refused or not": sum(f1(c.quote, p.answers) for p, c in best if c) / count,
        "right document first": sum(c.document == p.document for p, c in best if c) / count,
        "seconds a question": seconds / count,
    }
    for name, value in figures.items():
        sys.stdout.write(f"{name:32} {value:8.3f}\n")
    if options.save:
        path = Path(__file__).with_suffix(".json")
        path.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return int(inexact > 0)


if __name__ == "__main__":
    sys.exit(main())
