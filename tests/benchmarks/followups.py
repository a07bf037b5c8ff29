"""Measure follow-up questions on conversations.yaml: with and without what was said before.

    python -m tests.benchmarks.followups SQUAD-DEV.json.gz [--home FOLDER] [--split tune]
        [--passages N] [--rows] [--save]

The documents are the bundled article and all paragraphs of the SQuAD file. The last question of
each conversation is asked three ways:

    asked   on its own, as if nothing had been said before
    chat    with the answers that the turns before really got, right or wrong
    full    as a person would write it out: the upper bound
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

import qa
from qa.answer import Answer
from qa.assistant import Assistant
from qa.config import Settings, seeds_folder
from qa.evaluate import exact_match, f1, paired_difference
from qa.followups import understand

HERE = Path(__file__).resolve().parent
WAYS = ("asked", "chat", "full")


@dataclass(frozen=True)
class Conversation:
    """One entry of conversations.yaml, see its head."""

    place: str
    turns: tuple[str, ...]
    full: str
    answers: tuple[str, ...]
    split: str = "test"

    @property
    def standing(self) -> bool:
        """Whether the last turn needs nothing from the ones before."""
        return self.turns[-1] == self.full


def conversations(path: Path = HERE / "conversations.yaml") -> list[Conversation]:
    rows = yaml.safe_load(path.read_text(encoding="utf-8"))
    return [
        Conversation(**{**row, "turns": tuple(row["turns"]), "answers": tuple(row["answers"])})
        for row in rows
    ]


def paragraphs(path: Path) -> dict[str, str]:
    """Return the paragraphs of a SQuAD file by their place: title and number."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        articles = json.load(file)["data"]
    return {
        f"{article['title']}:{number}": paragraph["context"]
        for article in articles
        for number, paragraph in enumerate(article["paragraphs"])
    }


def write_documents(folder: Path, texts: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for place, text in texts.items():
        folder.joinpath(place.replace(":", "-") + ".txt").write_text(text, encoding="utf-8")
    for path in seeds_folder().glob("*.txt"):
        shutil.copy(path, folder)


def ask(assistant: Assistant, one: Conversation) -> dict[str, Any]:
    """Ask one conversation in the three ways; return what came of it."""
    history: list[Answer] = []
    for question in one.turns:
        history.append(assistant.ask(question, history))
    last = history[-1]
    alone = last if last.understood == one.turns[-1] else assistant.ask(one.turns[-1])
    full = alone if one.standing else assistant.ask(one.full)
    got = {"asked": alone, "chat": last, "full": full}
    return {
        "place": one.place,
        "split": one.split,
        "turns": list(one.turns),
        "before": [answer.text for answer in history[:-1]],
        "understood": history[-1].understood,
        "full": one.full,
        "answers": list(one.answers),
        "standing": one.standing,
        **{
            way: {
                "text": answer.text,
                "confidence": round(answer.confidence, 4),
                "exact": exact_match(answer.text, one.answers),
                "f1": round(f1(answer.text, one.answers), 4),
            }
            for way, answer in got.items()
        },
    }


def figures(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the means of some conversations, in percent, and the gain with its interval."""
    following = [row for row in rows if not row["standing"]]
    gain = paired_difference(
        [row["asked"]["f1"] for row in rows], [row["chat"]["f1"] for row in rows]
    )
    return {
        "conversations": len(rows),
        "spelled out": sum(row["understood"] != row["turns"][-1] for row in following),
        "of follow-ups": len(following),
        "standing questions changed": sum(
            row["understood"] != row["turns"][-1] for row in rows if row["standing"]
        ),
        **{
            way: {
                name: round(100 * sum(row[way][name] for row in rows) / len(rows), 1)
                for name in ("exact", "f1")
            }
            for way in WAYS
        },
        "gain in f1, asked to chat": asdict(gain),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="SQuAD JSON, gzip or plain")
    parser.add_argument("--home", type=Path, help="where the library is kept between runs")
    parser.add_argument("--split", choices=("tune", "test"), help="only these conversations")
    parser.add_argument("--passages", type=int, default=12, help="read for a question")
    parser.add_argument("--rows", action="store_true", help="print each conversation too")
    parser.add_argument("--save", action="store_true", help="write JSON beside this file")
    options = parser.parse_args()
    asked = [one for one in conversations() if options.split in (None, one.split)]
    with tempfile.TemporaryDirectory() as scratch:
        home = options.home or Path(scratch)
        settings = Settings(home=home, passages=options.passages)
        write_documents(home / "documents", paragraphs(options.data))
        assistant = qa.open(home / "documents", settings=settings)
        began = time.perf_counter()
        rows = []
        for number, one in enumerate(asked, start=1):
            rows.append(ask(assistant, one))
            sys.stderr.write(f"\r{number}/{len(asked)}")
            sys.stderr.flush()
        seconds = time.perf_counter() - began
        assistant.library.close()
    result: dict[str, Any] = {
        "data": options.data.name,
        "weights": hashlib.sha256((settings.weights / "reader.onnx").read_bytes()).hexdigest()[:12],
        "passages": options.passages,
        "microseconds": quickness(rows),
    }
    for split in ("tune", "test"):
        of_split = [row for row in rows if row["split"] == split]
        if of_split:
            result[split] = figures(of_split)
    if options.rows:
        sys.stdout.write("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    sys.stdout.write(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    sys.stderr.write(f"\n{seconds:.0f} s\n")
    if options.save:
        saved = json.dumps({**result, "rows": rows}, indent=1, ensure_ascii=False)
        HERE.joinpath("followups.json").write_text(saved + "\n", encoding="utf-8")


def quickness(rows: Sequence[dict[str, Any]]) -> float:
    """Return the mean time of understanding a question, microseconds."""
    said = [Answer("Who won?", "Who won the match?", "Germany", 0.9)]
    began = time.perf_counter()
    for row in rows:
        understand(row["turns"][-1], said)
    return round(1e6 * (time.perf_counter() - began) / len(rows))


if __name__ == "__main__":
    main()
