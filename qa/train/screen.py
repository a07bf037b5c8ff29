"""Keep the examples that a reader has something to learn from.

After half an epoch a reader answers four of five new questions right, and what it is sure of moves
its weights hardly at all, at full price. Asking first with the int8 reader costs a ninth of a
training step and tells which examples to spend steps on: selective backpropagation (Jiang et al.
2019, "Accelerating Deep Learning by Focusing on the Biggest Losers"), with the outcome in the
place of the loss, so that annotators' quarrels over a boundary are not taken for hard questions.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from qa.evaluate import f1
from qa.reader import PassageReader, Span
from qa.train.data import Example

_CHUNK = 50


def share_kept(example: Example, span: Span | None) -> float:
    """Return the chance, 0..1, at which an example is worth a place in a batch.

    Args:
        example: Question, passage and annotated answers, none when the passage has no answer.
        span: What the reader finds there, None when there is no word.
    """
    score = -10.0 if span is None else span.score
    if not example.answers:
        # A question made unanswerable by a rule can still have an answer, and does so most often
        # where the reader is surest of it.
        sure_of_a_rule = score > 4 and not example.source.startswith("squad-v2.0")
        return 0.5 if sure_of_a_rule else 1.0 if score > 0 else 0.5 if score > -2 else 0.12
    gold = [example.context[start:end] for start, end in example.answers]
    overlap = 0.0 if span is None else f1(span.text, gold)
    if overlap < 0.3:
        return 1.0 if score < 4 else 0.6
    if overlap < 0.8:
        return 0.5
    return 0.8 if score < 0 else 0.4 if score < 2 else 0.12


class Screen:
    """Asks a reader about an epoch and keeps what is worth training on.

    Args:
        reader: Any reader, best the one that training goes on from.
        folder: Where the answers are kept (`screen-<epoch>.jsonl`), so that a stopped run does
            not ask again.
    """

    def __init__(self, reader: PassageReader, folder: Path) -> None:
        self._reader, self._folder = reader, folder

    def keep(self, examples: Sequence[Example], epoch: int) -> Iterator[Example]:
        """Yield the examples to train on, in their order; the same ones each time.

        The reader is asked only as far as examples are taken.
        """
        rng = random.Random(epoch)
        for one, share in zip(examples, self._shares(examples, epoch), strict=False):
            if rng.random() < share:
                yield one

    def _shares(self, examples: Sequence[Example], epoch: int) -> Iterator[float]:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"screen-{epoch}.jsonl"
        done = 0
        if path.is_file():
            # A line that a stop cut short has no newline, and is asked again.
            lines = path.read_bytes().splitlines(keepends=True)
            whole = [line for line in lines if line.endswith(b"\n")]
            path.write_bytes(b"".join(whole))
            for line in whole:
                known = json.loads(line)
                done += len(known)
                yield from known
        with path.open("a", encoding="utf-8") as stream:
            for at in range(done, len(examples), _CHUNK):
                chunk = examples[at : at + _CHUNK]
                found = self._reader.read_many([(one.question, [one.context]) for one in chunk], 1)
                made = [
                    share_kept(one, spans[0] if spans else None)
                    for one, spans in zip(chunk, found, strict=True)
                ]
                stream.write(json.dumps(made) + "\n")
                stream.flush()
                yield from made
