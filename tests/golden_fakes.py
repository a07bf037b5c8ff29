"""A real library and a reader that does what a table says: runs can be predicted by hand."""

from __future__ import annotations

import math
import zlib
from pathlib import Path

import numpy as np

from index.chunks import sentence_around
from index.library import Library
from qa.answer import Answer, Citation, Refusal
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
            start = passage.find(words) if words else -1
            found = (start, start + len(words), score)
            if start < 0:
                found = (0, passage.find(" "), -9.0)
            spans.append(
                Span(number, found[0], found[1], passage[found[0] : found[1]], found[2], 0, 0, 0)
            )
        return sorted(spans, key=lambda span: -span.score)


class SmallAssistant:
    """Searches, reads, and gives the best span when its score is above 0."""

    def __init__(self, library, table, **settings):
        self.library = library
        self.reader = TableReader(table)
        self.settings = Settings(**settings)

    def ask(self, question, history=(), filters=None):
        understood = " ".join([*(answer.text or "" for answer in history), question]).strip()
        snapshot = self.library.snapshot()
        passages = snapshot.search(understood, self.settings.passages)
        spans = self.reader.read_many([(question, [p.text for p in passages])])[0]
        cited = tuple(cite(snapshot, passages[span.passage], span) for span in spans)
        if not cited:
            refusal = Refusal("nothing_retrieved", "The library is empty.")
            return Answer(question, understood, None, 0.0, refusal=refusal)
        confidence = 1 / (1 + math.exp(-cited[0].score))
        if cited[0].score <= 0:
            refusal = Refusal("not_answered", "Nothing answers this.", cited)
            return Answer(question, understood, None, confidence, refusal=refusal)
        return Answer(question, understood, cited[0].quote, confidence, cited)


def cite(snapshot, passage, span):
    """Return the citation of a span."""
    text = snapshot.document(passage.document).text
    start, end = passage.start + span.start, passage.start + span.end
    left, right = sentence_around(text, start, end)
    return Citation(
        document=passage.document,
        page=passage.page,
        heading=passage.heading,
        start=start,
        end=end,
        quote=text[start:end],
        sentence=text[left:right],
        sentence_start=left,
        sentence_end=right,
        passage_start=passage.start,
        passage_end=passage.end,
        score=span.score,
    )


def harbour(folder: Path, table, *, sync=True, **settings) -> SmallAssistant:
    """Return an assistant over three small documents in `folder`."""
    documents = folder / "documents"
    documents.mkdir()
    for name, text in {"boats.txt": BOATS, "light.txt": LIGHT, "ferry.txt": FERRY}.items():
        (documents / name).write_text(text, encoding="utf-8")
    library = Library.open(documents, home=folder / "home", embedder=WordsEmbedder())
    if sync:
        library.sync()
    return SmallAssistant(library, table, **settings)
