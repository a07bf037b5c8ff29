"""Measure what the way a question is typed does to answers and refusals.

    python -m tests.benchmarks.wordings SQUAD-V2-DEV.json.gz [--limit 500] [--save]

Each question is read on its own paragraph, worded in several ways, as an assistant would: what is
said around it taken off, slips mended by the paragraph. It is answered above score 0.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

import qa
from qa.config import Settings
from qa.evaluate import f1
from qa.preambles import without_preamble
from qa.reader_files import TOKENIZER_FILE
from qa.spelling import common_words, spelled
from qa.train.data import Example
from qa.train.passages import FUNCTION_WORDS
from qa.train.score import sample

SAVED = Path(__file__).with_suffix(".json")
_WORD = re.compile(r"[^\W_]+")


def slipped(question: str) -> str:
    """Leave out the middle letter of the longest word, and hurry: no capitals, no mark."""
    longest = max(_WORD.finditer(question), key=lambda found: len(found.group()))
    middle = (longest.start() + longest.end()) // 2
    return bare(question[:middle] + question[middle + 1 :]).lower()


def keywords(question: str) -> str:
    """Keep the first word and those that carry meaning."""
    first, *others = _WORD.findall(question)
    return " ".join([first, *(word for word in others if word.lower() not in FUNCTION_WORDS)])


def bare(question: str) -> str:
    """Leave out the question mark."""
    return question.rstrip("? ")


def after(question: str) -> str:
    """Write the question as it goes on behind other words."""
    return question[:1].lower() + question[1:]


WORDINGS: dict[str, Callable[[str], str]] = {
    "as people wrote it": str,
    "no question mark": bare,
    "no capitals, no mark": lambda question: bare(question).lower(),
    "the same, and a letter missing": slipped,
    "keywords": keywords,
    "Hi, could you please tell me …": lambda question: (
        f"Hi, could you please tell me {after(question)}"
    ),
    "According to the document, …": lambda question: (
        f"According to the document, {after(question)}"
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--limit", type=int, default=500, help="random questions")
    parser.add_argument("--save", action="store_true", help=f"keep the figures in {SAVED.name}")
    options = parser.parse_args()
    examples = sample(options.file, options.limit)
    figures = {}
    for name, worded in WORDINGS.items():
        figures[name] = measured(examples, worded)
        line = "  ".join(f"{key} {value:6.1f}" for key, value in figures[name].items())
        sys.stdout.write(f"{name:32} {line}\n")
        sys.stdout.flush()
    if options.save:
        content = {"questions": len(examples), "wordings": figures}
        SAVED.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def measured(examples: Sequence[Example], worded: Callable[[str], str]) -> dict[str, float]:
    """Return per cent: best span's F1, answered with and without an answer, F1 with refusals."""
    reader, common = qa.Reader.default(), common_words(Settings().weights / TOKENIZER_FILE)
    best, given, both = [], [], []
    for example in examples:
        question = spelled(without_preamble(worded(example.question)), [example.context], common)
        spans = reader.read(question, [example.context], best=1)
        gold = [example.context[start:end] for start, end in example.answers]
        answered = bool(spans) and spans[0].score > 0
        best.append(f1(spans[0].text if spans else None, gold) if gold else np.nan)
        given.append(answered)
        both.append(f1(spans[0].text if answered else None, gold))
    has = np.array([bool(example.answers) for example in examples])
    return {
        "best span F1": round(100 * float(np.nanmean(best)), 1),
        "answered of answerable": round(100 * float(np.mean(np.array(given)[has])), 1),
        "answered of unanswerable": round(100 * float(np.mean(np.array(given)[~has])), 1),
        "F1 with refusals": round(100 * float(np.mean(both)), 1),
    }


if __name__ == "__main__":
    main()
