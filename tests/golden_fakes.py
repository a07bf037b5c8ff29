"""A real assistant whose reader does what a table says: runs can be predicted by hand.

Uncalibrated, its confidence is the logistic of the reader's score; it answers from 0.5 on.
"""

from __future__ import annotations

import re
import zlib
from pathlib import Path

import numpy as np

from index.library import Library
from qa.assistant import Assistant
from qa.calibration import Calibration
from qa.config import Settings
from qa.reader import Span

BOATS = "The harbour of Lerwick was founded in 1708. Today 212 boats are registered there."
LIGHT = "The lighthouse was lit in 1858. It was designed by David Stevenson."
FERRY = "In winter the ferry to Aberdeen takes 12 hours. The ferry is called Hrossey."


class WordsEmbedder:
    """Embeds a text as the set of its words: texts with common words are near each other."""

    name = "words"
    dim = 256

    def encode(self, texts):
        rows = np.zeros((len(texts), self.dim), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.lower().replace(".", " ").replace("?", " ").split():
                row[zlib.crc32(word.encode()) % self.dim] = 1
            row /= max(np.linalg.norm(row), 1e-9)
        return rows


class TableReader:
    """Marks the words that a table names for a question, with the score the table names.

    A passage without those words gets its first word marked at −9.
    """

    def __init__(self, table):
        self.table = table

    def read_many(self, requests, best=5):
        return [self._read(question, passages) for question, passages in requests]

    def _read(self, question, passages):
        words, score = self.table.get(question, ("", -9.0))
        spans = []
        for number, passage in enumerate(passages):
            found = re.search(rf"\b{re.escape(words)}\b", passage) if words else None
            start, end = found.span() if found else (0, passage.find(" "))
            here = score if found else -9.0
            spans.append(Span(number, start, end, passage[start:end], here, here, 0.0, 0.0))
        return sorted(spans, key=lambda span: -span.score)


def harbour(folder: Path, table, *, sync=True, **settings) -> Assistant:
    """Return an assistant over three small documents in `folder`."""
    documents = folder / "documents"
    documents.mkdir()
    for name, text in {"boats.txt": BOATS, "light.txt": LIGHT, "ferry.txt": FERRY}.items():
        (documents / name).write_text(text, encoding="utf-8")
    library = Library.open(documents, home=folder / "home", embedder=WordsEmbedder())
    if sync:
        library.sync()
    return Assistant(library, TableReader(table), Calibration(), Settings(**settings))
