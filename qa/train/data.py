"""Questions with their passages, from SQuAD JSON and QED files, as plain `Example`s."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Example:
    """One question on one passage.

    Attributes:
        question: The question.
        context: The passage.
        answers: Annotated answers as `(start, end)` characters of `context`; empty when the
            passage does not answer.
        relevant: Whether this is the passage that the question was asked of.
        source: Name of the file it came from, without suffixes.
        title: The article, for negatives of the same article.
        written: The question as it was before it was changed to how people type; what a teacher
            reads. Empty where it was not changed.
    """

    question: str
    context: str
    answers: tuple[tuple[int, int], ...]
    relevant: bool
    source: str
    title: str
    written: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """A data file and its share in training.

    Attributes:
        name: File name.
        weight: Copies an epoch; 0.5 takes a half, another one each epoch.
        late: The same while the learning rate falls; None for the same weight. What is read then
            is learnt best, so it is more of what questions on reports look like (Hu et al. 2024).
        unique: Leave out answers that occur more than once in the passage (for files in which
            `answer_start` is the first occurrence, which is not always the right one).
    """

    name: str
    weight: float
    late: float | None = None
    unique: bool = False


# What other shares gave is in docs/reader.md; single files were not measured. The three articles of
# the SQuAD 1.1 part that the 2.0 part lacks are kept for fitting the confidence.
SOURCES = (
    Source("squadshifts-new-wiki.json.gz", 0.5),
    Source("squadshifts-reddit.json.gz", 0.4, late=0.3),
    Source("squadshifts-amazon.json.gz", 0.4, late=0.3),
    Source("squad-train-part.json.gz", 0.6),
    Source("squad-v2.0-train-articles.json.gz", 2.0, late=3.0, unique=True),
    Source("tydiqa-goldp-en-train.json.gz", 0.4),
    Source("nq-open-oracle.json.gz", 0.2),
    Source("qamr.json.gz", 0.2),
    Source("qed-dev.jsonl.gz", 0.4),
    Source("time-sensitive-qa.json.gz", 0.2),
    Source("fairytaleqa.json.gz", 0.2),
)


def read(path: Path) -> Iterator[Example]:
    """Yield the examples of one SQuAD JSON or QED JSON-lines file, plain or gzipped.

    Raises:
        ValueError: The file is not of either layout.
    """
    opener = gzip.open if path.suffix == ".gz" else open
    name = path.name.split(".json")[0]
    with opener(path, "rt", encoding="utf-8") as stream:
        if ".jsonl" in path.name:
            for line in stream:
                yield from _qed(json.loads(line), name)
            return
        content = json.load(stream)
    if not isinstance(content, dict) or "data" not in content:
        raise ValueError(f"{path.name}: found no top-level 'data', expected SQuAD JSON")
    for article in content["data"]:
        for paragraph in article["paragraphs"]:
            yield from _squad(article.get("title", ""), paragraph, name)


def _squad(title: str, paragraph: dict[str, Any], source: str) -> Iterator[Example]:
    context = paragraph["context"]
    for pair in paragraph["qas"]:
        answers = []
        if not pair.get("is_impossible"):
            for answer in pair["answers"]:
                start = answer["answer_start"]
                end = start + len(answer["text"])
                if answer["text"].strip() and context[start:end] == answer["text"]:
                    answers.append((start, end))
            if not answers:
                continue
        yield Example(pair["question"].strip(), context, tuple(answers), True, source, title)


def _qed(record: dict[str, Any], source: str) -> Iterator[Example]:
    """QED groups the spans that answer together; a group of one is an answer that we can quote."""
    context = record["paragraph_text"]
    groups = record["original_nq_answers"]
    answers = [(group[0]["start"], group[0]["end"]) for group in groups if len(group) == 1]
    if answers:
        title = record.get("title_text", "")
        yield Example(record["question_text"], context, tuple(answers), True, source, title)


def unique_answers(example: Example) -> Example | None:
    """Return the example with those of its answers that occur just once in the passage.

    Unanswerable ones are returned as they are; None when no answer is left of those annotated.
    """
    kept = tuple(
        (start, end)
        for start, end in example.answers
        if example.context.count(example.context[start:end]) == 1
    )
    return replace(example, answers=kept) if kept or not example.answers else None


# Articles of the SQuAD 2.0 part whose questions fit the score and the confidence instead: a
# reader is surer of what it was trained on than of what it will be asked.
FITTING_TITLES = frozenset({"Civil_disobedience", "Ctenophora"})


def held_out(example: Example) -> bool:
    """Tell whether the example is never trained on.

    Held out are a tenth of SQuADShifts, by passage (by hash, so that no passage stands on both
    sides), for measuring and as questions that other articles do not answer, and two articles of
    SQuAD 2.0, for fitting.
    """
    if example.title in FITTING_TITLES:
        return True
    if not example.source.startswith("squadshifts-"):
        return False
    return hashlib.sha256(example.context.encode()).digest()[0] % 10 == 0


def majority_first(example: Example) -> Example:
    """Order the annotated answers by how many annotators chose them."""
    counts = Counter(example.answers)
    return replace(example, answers=tuple(span for span, _ in counts.most_common()))


def load(
    folder: Path, sources: tuple[Source, ...] = SOURCES, *, late: bool = False
) -> list[tuple[Example, float]]:
    """Read every source in `folder`; return `(example, weight)` pairs, held-out parts left out.

    Args:
        folder: Where the files are.
        sources: Which ones, with their weights.
        late: Take the weights that hold while the learning rate falls.

    Raises:
        FileNotFoundError: A source is missing; names the folder.
    """
    pairs = []
    for source in sources:
        weight = source.weight if not late or source.late is None else source.late
        path = folder / source.name
        if not path.is_file():
            raise FileNotFoundError(
                f"{source.name} not found in {folder}; expected the reading data there: "
                "pass its folder with --data"
            )
        for example in read(path):
            kept = unique_answers(example) if source.unique else example
            if kept is not None and not held_out(example):
                pairs.append((majority_first(kept), weight))
    return pairs
