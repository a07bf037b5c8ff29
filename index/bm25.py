"""BM25 as an inner product of sparse vectors, with FTS5's words, stems and scores.

A search server scores what it stores, so words must leave this machine as numbers. A chunk's
vector holds how much each of its words would count, a question's vector what each word is worth:

    chunk:     f (k1 + 1) / (f + k1 (1 - b + b L / M))      f: how often; L: words in the chunk
    question:  log((N - n + 0.5) / (n + 0.5))               N: chunks; n: chunks with the word

and their inner product is the BM25 that SQLite's FTS5 computes (k1 = 1.2, b = 0.75; Robertson and
Zaragoza, "The Probabilistic Relevance Framework", 2009). M, the mean of L, changes with every sync.
In what is stored it is a constant, so that a chunk's vector depends on the chunk alone;
`exact` puts the true mean in its place for the few that a search finds. One thing differs: a word
of several stems (`under_score`) is a phrase to FTS5, and several words here.
"""

from __future__ import annotations

import math
import sqlite3
import threading
import zlib
from collections.abc import Mapping, Sequence

from index.catalog import TOKENIZER, Catalog, telling_words

_K1 = 1.2
_B = 0.75
_STORED_MEAN = 150.0
_LEAST_IDF = 1e-6
# A dimension that no word has: servers refuse a vector of nothing.
NO_WORD = 2**32 - 2


class Words:
    """Counts a text's words as FTS5 sees them: without accents, stemmed."""

    def __init__(self) -> None:
        """Prepare a full text index in memory."""
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(":memory:", check_same_thread=False)
        self._connection.execute(
            f"CREATE VIRTUAL TABLE texts USING fts5 (text, content='', tokenize='{TOKENIZER}')"
        )
        self._connection.execute("CREATE VIRTUAL TABLE seen USING fts5vocab (texts, instance)")

    def count(self, texts: Sequence[str]) -> list[dict[str, int]]:
        """Return how often each text says each stem."""
        with self._lock:
            self._connection.executemany(
                "INSERT INTO texts (rowid, text) VALUES (?, ?)", enumerate(texts)
            )
            counts: list[dict[str, int]] = [{} for _ in texts]
            for row, stem, count in self._connection.execute(
                "SELECT doc, term, count(*) FROM seen GROUP BY doc, term"
            ):
                counts[row][stem] = count
            self._connection.execute("INSERT INTO texts (texts) VALUES ('delete-all')")
        return counts


class Statistics:
    """What BM25 needs to know of all chunks of a catalog.

    Attributes:
        chunks: Number of chunks.
        mean: Mean number of words in one.
    """

    def __init__(self, catalog: Catalog) -> None:
        """Read the totals that FTS5 keeps."""
        self._catalog = catalog
        self._known: dict[str, int] = {}
        catalog.rows(
            "CREATE VIRTUAL TABLE IF NOT EXISTS temp.stems USING fts5vocab (main, lexical, row)"
        )
        # FTS5's "averages" record: the number of rows, then of words in each column, as varints.
        ((record,),) = catalog.rows("SELECT block FROM lexical_data WHERE id = 1")
        self.chunks, words = _varints(record)[:2]
        self.mean = words / max(1, self.chunks)

    def containing(self, stem: str) -> int:
        """Return the number of chunks with a stem; counted once."""
        if stem not in self._known:
            found = self._catalog.rows("SELECT doc FROM temp.stems WHERE term = ?", (stem,))
            self._known[stem] = int(found[0][0]) if found else 0
        return self._known[stem]


def chunk_vector(counts: Mapping[str, int]) -> dict[int, float]:
    """Return the sparse vector of a chunk, to be stored, from its stems and how often they come."""
    share = _length_share(sum(counts.values()), _STORED_MEAN)
    # Words of one number, about one pair in four billion, become one word.
    together: dict[int, int] = {}
    for stem, count in counts.items():
        together[_number(stem)] = together.get(_number(stem), 0) + count
    return {n: f * (_K1 + 1) / (f + share) for n, f in together.items()} or {NO_WORD: 1.0}


def question_vector(question: str, words: Words, statistics: Statistics) -> dict[int, float]:
    """Return the sparse vector of a question; empty when no chunk has any of its words."""
    vector: dict[int, float] = {}
    # Two words of one stem count twice, as two phrases do in FTS5.
    for stems in words.count(telling_words(question)):
        for stem in stems:
            having = statistics.containing(stem)
            if having:
                worth = _idf(having, statistics.chunks)
                vector[_number(stem)] = vector.get(_number(stem), 0.0) + worth
    return vector


def exact(
    question: Mapping[int, float], stored: Mapping[int, float], length: int, mean: float
) -> float:
    """Return the BM25 of a chunk with the true mean length.

    Args:
        question: Its vector.
        stored: The chunk's vector.
        length: Words in the chunk.
        mean: Words in a chunk of the library, on average.
    """
    then, now = _length_share(length, _STORED_MEAN), _length_share(length, mean)
    score = 0.0
    for number, worth in question.items():
        weight = stored.get(number)
        if weight:
            often = round(weight * then / (_K1 + 1 - weight))
            score += worth * often * (_K1 + 1) / (often + now)
    return score


def _idf(having: int, chunks: int) -> float:
    return max(_LEAST_IDF, math.log((chunks - having + 0.5) / (having + 0.5)))


def _length_share(length: int, mean: float) -> float:
    return _K1 * (1 - _B + _B * length / mean)


def _number(stem: str) -> int:
    return min(zlib.crc32(stem.encode()), NO_WORD - 1)


def _varints(data: bytes) -> list[int]:
    """Read SQLite's integers: seven bits a byte, the highest first, the last byte below 128."""
    numbers, value = [], 0
    for byte in data:
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            numbers.append(value)
            value = 0
    return numbers
