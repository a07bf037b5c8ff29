"""Which passages of the training data share the most words with a text."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence

_WORD = re.compile(r"\w+")
_LITTLE = """
    a an the is are was were be been do does did of in on at to for by with from that this what
    which who whom whose when where why how it its they their there has have had
"""
FUNCTION_WORDS = frozenset(_LITTLE.split())
SENTENCE_END = re.compile(r"[.?!][\"”’)\]]*\s+(?=[A-Z\"“(\[])")
"""What parts two sentences: the mark that ends one, and the space before a capital."""


class Passages:
    """BM25 over passages, in SQLite FTS5: the lexical half of the project's own retrieval.

    Args:
        texts: The passages, none of them twice.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        self._table = sqlite3.connect(":memory:")
        self._table.execute("CREATE VIRTUAL TABLE passage USING fts5(text, tokenize='porter')")
        self._table.executemany(
            "INSERT INTO passage(rowid, text) VALUES (?, ?)", enumerate(self._texts)
        )

    def like(self, text: str, depth: int) -> list[str]:
        """Return the `depth` passages that share the most with `text`, most first."""
        tokens = set(_WORD.findall(text.lower())) - FUNCTION_WORDS
        if not tokens:
            return []
        query = " OR ".join(f'"{token}"' for token in sorted(tokens))
        rows = self._table.execute(
            "SELECT rowid FROM passage WHERE passage MATCH ? ORDER BY rank LIMIT ?", (query, depth)
        )
        return [self._texts[row] for (row,) in rows]
