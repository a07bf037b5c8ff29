"""Questions written for this project on passages of the reading data, to mislead and not to.

SQuAD 2.0's questions without an answer (Rajpurkar et al. 2018) are what a reader learns to refuse
from, and the reading data has 1,251 of them to train on. Rules that make others (`qa.train.swaps`,
`qa.train.conditions`) err, and know few of the ways in which people mislead. These were written as
SQuAD 2.0's were, by reading a passage: another name, a condition more, the opposite, another
relation, the right fact of the wrong thing, a detail that is not given, a false premise. On the
same passages stand questions that are answered, in the same style. The last 90,211 come in twins:
one thing of an answered question changed so that nothing answers it, or, in the first 19,950 of
them, so that something else does. In the last 37,781 both are in nearly the passage's own words,
and of the one two things are exchanged, names or numbers mangled, or a negation put in.

Still, a question's words tell something of which kind it is: whoever misleads asks "how many" more
often. A reader would learn that instead of reading, so each question counts by how little its words
tell (`balanced`).
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qa.train.data import Example

FILE = Path(__file__).with_name("written.jsonl.gz")
"""One record a line: `passage`, the `digest` of its text; `question`; `answer`, its first character
in the passage and the one past its last, or null."""
SOURCE = "written"
WEIGHT = 3.0
"""Most copies of one an epoch; the average one is read 1.1 times."""
# What a question counts, beside a new one, that the start has read.
_READ_BEFORE = 1 / 6
# Least questions that have a word for it to count, and how freely words are fitted to: with these
# nothing is left that words tell of the kinds (area under the ROC curve .50, .81 unweighted).
_LEAST, _FREEDOM = 5, 0.1
_FOLDS = 5


def digest(passage: str) -> str:
    """Return the name of a passage in the file: 16 hexadecimal digits."""
    return hashlib.sha256(passage.encode()).hexdigest()[:16]


def questions(
    pairs: Sequence[tuple[Example, float]], weight: float = WEIGHT
) -> list[tuple[Example, float]]:
    """Return the questions written on the passages of `pairs`, with their weights.

    Args:
        pairs: The reading data's examples; their weights do not matter.
        weight: Of a question whose words tell for sure, and wrongly, which kind it is of.

    Raises:
        ValueError: A passage that questions were written on is not among the examples'.
    """
    passages = {digest(example.context): example for example, _ in pairs}
    examples = list(written(passages))
    shares = weight * balanced(examples)
    return list(zip(examples, shares.tolist(), strict=True))


def latest(asked: Sequence[tuple[Example, float]], fresh: int) -> list[tuple[Example, float]]:
    """Return the questions with their weights for while the rate falls, when most is learnt.

    Args:
        asked: All of them, as `questions` returns them.
        fresh: The last so many are new to the reader that is gone on from: the others count a sixth
            as much. With 0, or when all are new, each counts as before.
    """
    before = len(asked) - fresh if fresh else 0
    return [
        (example, weight * (_READ_BEFORE if number < before else 1))
        for number, (example, weight) in enumerate(asked)
    ]


def described() -> dict[str, int]:
    """Return how many questions there are, and how many of them have no answer, for the card."""
    records = _records()
    return {
        "questions": len(records),
        "unanswered": sum(record["answer"] is None for record in records),
        "passages": len({record["passage"] for record in records}),
    }


def balanced(examples: Sequence[Example]) -> NDArray[np.float64]:
    """Return weights by which a question's words tell nothing of whether it has an answer.

    A logistic regression tells from words and pairs of words how likely a question is to have none,
    each passage's by the other passages'. It counts by how likely it was to be of the other kind
    (overlap weights, Li, Morgan and Zaslavsky 2018), by which both kinds have each word as often.

    Args:
        examples: With and without answers.

    Returns:
        Weights from 0 to 1, shape (number of examples,).
    """
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_predict

    words: Any = CountVectorizer(
        ngram_range=(1, 2), min_df=_LEAST, token_pattern=r"\S+", binary=True
    ).fit_transform([example.question.rstrip("?") for example in examples])
    unanswered = np.array([not example.answers for example in examples])
    likely = cross_val_predict(
        LogisticRegression(C=_FREEDOM, max_iter=800),
        words,
        unanswered,
        groups=[digest(example.context) for example in examples],
        cv=GroupKFold(_FOLDS),
        method="predict_proba",
    )[:, 1]
    weights: NDArray[np.float64] = np.where(unanswered, 1 - likely, likely)
    return weights


def written(passages: dict[str, Example]) -> Iterator[Example]:
    """Yield the written questions as examples.

    Args:
        passages: An example on each passage, by the passage's `digest`.

    Raises:
        ValueError: A passage is missing.
    """
    for number, record in enumerate(_records(), 1):
        if record["passage"] not in passages:
            raise ValueError(
                f"{FILE.name}, line {number}: its passage is not in the reading data, found "
                f"{len(passages):,} other ones, expected the data that the questions were written "
                "on: pass its folder with --data"
            )
        on = passages[record["passage"]]
        answers = (tuple(record["answer"]),) if record["answer"] else ()
        yield Example(record["question"], on.context, answers, True, SOURCE, on.title)


def _records() -> list[dict[str, Any]]:
    with gzip.open(FILE, "rt", encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]
