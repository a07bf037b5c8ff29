"""Measure questions about a document itself: what it is about by kind, and what no line of it says.

    python -m tests.benchmarks.document_questions ../shared/data [--save]

First: "Which city is this about?" of passages of the reading data that say what they are about
(`qa.train.about`), as it is asked and as it is read, and the same of a kind that they do not speak
of. Then: who wrote it, of when it is and so on, of passages that have no line which says so, by the
reader alone; whatever is answered is wrong. Answered: by the shipped calibration.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from unittest.mock import patch

import qa
from qa.calibration import probability
from qa.config import Settings
from qa.evaluate import acceptable
from qa.own_calibration import shipped
from qa.reader import Span
from qa.train import about, data
from qa.wording import as_read

SAVED = Path(__file__).with_suffix(".json")
QUESTIONS = (
    "Who wrote this article?",
    "When was this article published?",
    "Where is the article from?",
    "What is the title of this article?",
    "Who is the article credited to?",
    "Who is this letter to?",
)
_KIND = re.compile(r"(?i)\b(?:which|what) (\w+) (?:is|does)|name (?:of )?the (\w+)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--limit", type=int, default=300, help="random passages")
    parser.add_argument("--save", action="store_true", help=f"keep the figures in {SAVED.name}")
    options = parser.parse_args()
    figures = {
        "about, by kind": by_kind(options.folder, options.limit),
        "answered, of passages that do not say": unsaid(options.folder, options.limit),
    }
    shown = json.dumps(figures, indent=2, ensure_ascii=False)
    sys.stdout.write(shown + "\n")
    if options.save:
        SAVED.write_text(shown + "\n", encoding="utf-8")


def by_kind(folder: Path, limit: int) -> dict[str, dict[str, float]]:
    """Return per cent answered: rightly where the passage is about such a thing, and where not."""
    rng = random.Random(1)
    examples = [pair for pair, _ in data.load(folder)]
    topics = [topic for topic in about.topics(examples) if topic.answers]
    rng.shuffle(topics)
    asked = [(topic, _kind(topic.question)) for topic in topics]
    told = [(topic, kind) for topic, kind in asked if kind][:limit]
    kinds = [kind for _, kind in told]
    others = [
        rng.choice([kind for kind in kinds if kind not in topic.context.lower()])
        for topic, _ in told
    ]
    texts = [topic.context for topic, _ in told]
    answers = [[topic.context[start:end] for start, end in topic.answers] for topic, _ in told]
    figures = {}
    for name, worded in (("as asked", str), ("as read", as_read)):
        with patch("qa.reader.as_read", new=worded):
            right = _read([f"Which {kind} is this about?" for kind in kinds], texts)
            wrong = _read([f"Which {kind} is this about?" for kind in others], texts)
        good = [
            _given(span) and bool(acceptable(span.text, gold))
            for span, gold in zip(right, answers, strict=True)
        ]
        given = [_given(span) for span in wrong]
        figures[name] = {
            "passages": len(told),
            "answered rightly": round(100 * sum(good) / len(good), 1),
            "answered, of a kind not spoken of": round(100 * sum(given) / len(given), 1),
        }
    return figures


def unsaid(folder: Path, limit: int) -> dict[str, float]:
    """Return per cent of passages, of Wikipedia and Reddit alike, that answer each question."""
    rng, texts = random.Random(0), []
    for name in ("squad-v1.1-dev-articles.json.gz", "squadshifts-reddit.json.gz"):
        examples = [
            item for item in data.read(folder / name) if "dev" in name or data.held_out(item)
        ]
        texts += rng.sample(sorted({item.context for item in examples}), limit // 2)
    figures = {}
    for question in QUESTIONS:
        given = sum(_given(span) for span in _read([question] * len(texts), texts))
        figures[question] = round(100 * given / len(texts), 1)
    return figures


def _given(span: Span | None) -> bool:
    """Tell whether the assistant would answer with a span."""
    calibration = shipped(Settings())
    odds = calibration.confidence.log_odds({"margin": span.margin}) if span else -9.0
    return probability(odds) >= calibration.threshold


def _kind(question: str) -> str | None:
    found = _KIND.search(question)
    return (found[1] or found[2]) if found else None


def _read(questions: Sequence[str], texts: Sequence[str]) -> list[Span | None]:
    requests = [(asked, [text]) for asked, text in zip(questions, texts, strict=True)]
    return [found[0] if found else None for found in qa.Reader.default().read_many(requests, 1)]


if __name__ == "__main__":
    main()
