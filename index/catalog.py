"""What a library knows, in one SQLite file: files, documents, chunks, and FTS5 lexical search.

A catalog is written once, aside, by `CatalogWriter`, and only read after that, by `Catalog`: no
row is ever deleted from one, so nothing deleted can linger in free pages or in the full text index.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import threading
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from index.content import Heading, Page, Rows
from index.documents import Document

TOKENIZER = "porter unicode61 remove_diacritics 2"
_SCHEMA = f"""
CREATE TABLE documents (
    id INTEGER PRIMARY KEY, sha256 TEXT NOT NULL, format TEXT NOT NULL, encoding TEXT, note TEXT,
    characters INTEGER NOT NULL, text BLOB NOT NULL, pages TEXT NOT NULL, headings TEXT NOT NULL,
    rows TEXT NOT NULL,
    UNIQUE (sha256, format)
);
CREATE TABLE files (
    name TEXT PRIMARY KEY, document INTEGER REFERENCES documents (id), size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL, ctime_ns INTEGER NOT NULL, read_ns INTEGER NOT NULL,
    sha256 TEXT, reason TEXT, tries INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX files_by_document ON files (document);
CREATE TABLE chunks (
    id INTEGER PRIMARY KEY, document INTEGER NOT NULL REFERENCES documents (id),
    start INTEGER NOT NULL, end INTEGER NOT NULL, sha256 BLOB NOT NULL
);
CREATE INDEX chunks_by_document ON chunks (document);
CREATE VIRTUAL TABLE lexical USING fts5 (
    text, content='', tokenize='{TOKENIZER}'
);
"""
# With accents that have no letter of their own: FTS5 reads them inside a word, and takes them off.
_WORD = re.compile(r"[\w\u0300-\u036f]+")
_MOST_TERMS = 64
# Chunks that the words of a question may find; below as many nothing is left out.
_MOST_MATCHES = 10_000
_COMMON = 0.1
_COUNTED_WORDS = 10_000
# Words that ask rather than name; without them recall@1 rises (see tests/benchmarks/retrieval.py).
_STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a an the and or of in on at to for from by with as is are was were be been being am do "
        "does did has have had can could will would shall should may might must what which who "
        "whom whose when where why how that this these those it its there their they he she his "
        "her i you your we our me my s t",
    )
)


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One file of the library as it was when it was last read.

    Attributes:
        name: The document's name.
        size: Bytes.
        mtime_ns: Time of last change of content, ns.
        ctime_ns: Time of last change of the inode, ns.
        read_ns: When it was read, ns.
        sha256: Hash of the bytes; None when they could not be read.
        document: Row of its document; None when it failed.
        reason: Why it failed, or None.
        tries: How often its parser was interrupted, which may say more of the machine than of it.
    """

    name: str
    size: int
    mtime_ns: int
    ctime_ns: int
    read_ns: int
    sha256: str | None
    document: int | None
    reason: str | None
    tries: int = 0


@dataclass(frozen=True, slots=True)
class ChunkRow:
    """A chunk's row number (the same in FAISS), place, and the hash of what was embedded."""

    id: int
    document: int
    start: int
    end: int
    sha256: bytes


class CatalogWriter:
    """Writes a new catalog; not usable by others until it is closed."""

    def __init__(self, path: Path) -> None:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        self._connection = sqlite3.connect(path, isolation_level=None)
        # A crash leaves a file that nothing points at, so no journal is needed.
        self._connection.execute("PRAGMA journal_mode = OFF")
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.execute("PRAGMA temp_store = MEMORY")
        self._connection.executescript(_SCHEMA)
        self._connection.execute("BEGIN")
        self._documents = 0
        self._chunks = 0

    def add_document(
        self, document: Document, chunks: Sequence[tuple[int, int, bytes]], texts: Sequence[str]
    ) -> int:
        """Store a document.

        Args:
            document: The document.
            chunks: Start, end and hash of each chunk.
            texts: What lexical search sees of each chunk.

        Returns:
            The document's row.
        """
        row = self._documents
        self._documents += 1
        self._connection.execute(
            "INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                row,
                document.sha256,
                document.format,
                document.encoding,
                document.note,
                len(document.text),
                zlib.compress(document.text.encode(), 1),
                json.dumps([[page.number, page.start, page.end] for page in document.pages]),
                json.dumps([[h.text, h.level, h.start, h.end] for h in document.headings]),
                json.dumps([[r.start, r.end, r.first, r.sheet] for r in document.rows]),
            ),
        )
        rows = range(self._chunks, self._chunks + len(chunks))
        self._chunks += len(chunks)
        self._connection.executemany(
            "INSERT INTO chunks VALUES (?, ?, ?, ?, ?)",
            [(id, row, *chunk) for id, chunk in zip(rows, chunks, strict=True)],
        )
        self._connection.executemany(
            "INSERT INTO lexical (rowid, text) VALUES (?, ?)", zip(rows, texts, strict=True)
        )
        return row

    def add_file(self, file: FileRecord) -> None:
        """Store a file's state."""
        values = asdict(file)
        self._connection.execute(
            "INSERT INTO files VALUES (:name, :document, :size, :mtime_ns, :ctime_ns, :read_ns, "
            ":sha256, :reason, :tries)",
            values,
        )

    def close(self) -> None:
        """Finish the file; the caller makes it durable."""
        self._connection.execute("INSERT INTO lexical (lexical) VALUES ('optimize')")
        self._connection.execute("COMMIT")
        self._connection.close()

    def abandon(self) -> None:
        """Close without finishing."""
        self._connection.close()


class Catalog:
    """Reads a finished catalog; safe to use from several threads.

    The file may be deleted while it is open: what was opened stays readable.
    """

    def __init__(self, path: Path) -> None:
        # Immutable: no locks, no journal, and nothing is written beside the file.
        self._connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro&immutable=1",
            uri=True,
            check_same_thread=False,
            isolation_level=None,
        )
        self._lock = threading.Lock()
        # Chunks are numbered from 0.
        self._chunks = 1 + int(self.rows("SELECT ifnull(max(id), -1) FROM chunks")[0][0])
        self._counted: dict[str, int] = {}

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def rows(self, statement: str, parameters: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement and return every row."""
        with self._lock:
            return self._connection.execute(statement, tuple(parameters)).fetchall()

    def files(self) -> dict[str, FileRecord]:
        """Return every file by name."""
        found = self.rows(
            "SELECT name, size, mtime_ns, ctime_ns, read_ns, sha256, document, reason, tries "
            "FROM files ORDER BY name"
        )
        return {row[0]: FileRecord(*row) for row in found}

    def document_rows(self) -> dict[tuple[str, str], int]:
        """Return the row of each document by hash and format."""
        found = self.rows("SELECT sha256, format, id FROM documents")
        return {(sha256, format): row for sha256, format, row in found}

    def names(self) -> dict[int, tuple[str, ...]]:
        """Return the names of each document, in order; the first is the one cited."""
        names: dict[int, list[str]] = {}
        for name, row in self.rows(
            "SELECT name, document FROM files WHERE document IS NOT NULL ORDER BY name"
        ):
            names.setdefault(row, []).append(name)
        return {row: tuple(found) for row, found in names.items()}

    def document(self, row: int, name: str) -> Document:
        """Return a stored document under one of its names.

        Raises:
            KeyError: No such row.
        """
        found = self.rows(
            "SELECT sha256, format, encoding, note, text, pages, headings, rows FROM documents "
            "WHERE id = ?",
            (row,),
        )
        if not found:
            raise KeyError(row)
        sha256, format, encoding, note, text, pages, headings, rows = found[0]
        return Document(
            name=name,
            text=zlib.decompress(text).decode(),
            sha256=sha256,
            format=format,
            pages=tuple(Page(*page) for page in json.loads(pages)),
            headings=tuple(Heading(*heading) for heading in json.loads(headings)),
            rows=tuple(Rows(*run) for run in json.loads(rows)),
            encoding=encoding,
            note=note,
        )

    def document_facts(self) -> dict[int, tuple[str, str | None, int, int, int, str | None]]:
        """Return format, encoding, characters, pages, chunks and note of each document row."""
        found = self.rows(
            "SELECT id, format, encoding, characters, json_array_length(pages), "
            "(SELECT count(*) FROM chunks WHERE document = documents.id), note FROM documents"
        )
        return {row[0]: row[1:] for row in found}

    def chunks(self, rows: Sequence[int]) -> list[ChunkRow]:
        """Return these chunks in the order asked for."""
        chunks = {chunk.id: chunk for chunk in self.chunks_there(rows)}
        return [chunks[row] for row in rows]

    def chunks_there(self, rows: Sequence[int]) -> list[ChunkRow]:
        """Return those of these chunks that exist, in any order."""
        found = self.rows(
            "SELECT id, document, start, end, sha256 FROM chunks "
            "WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(rows)),),
        )
        return [ChunkRow(*row) for row in found]

    def chunk_rows(self, documents: Sequence[int]) -> list[int]:
        """Return the row numbers of all chunks of these documents, in order."""
        found = self.rows(
            "SELECT id FROM chunks WHERE document IN (SELECT value FROM json_each(?)) ORDER BY id",
            (json.dumps(list(documents)),),
        )
        return [row for (row,) in found]

    def chunks_of(self, document: int) -> list[ChunkRow]:
        """Return the chunks of a document in order."""
        found = self.rows(
            "SELECT id, document, start, end, sha256 FROM chunks WHERE document = ? ORDER BY id",
            (document,),
        )
        return [ChunkRow(*row) for row in found]

    def chunk_hashes(self) -> Iterator[tuple[int, bytes]]:
        """Yield row number and hash of every chunk, in order."""
        yield from cast(
            list[tuple[int, bytes]], self.rows("SELECT id, sha256 FROM chunks ORDER BY id")
        )

    def chunk_count(self) -> int:
        """Return the number of chunks."""
        return int(self.rows("SELECT count(*) FROM chunks")[0][0])

    def search(
        self, question: str, k: int, among: Sequence[int] | NDArray[np.int64] | None = None
    ) -> dict[int, float]:
        """Return BM25 by chunk row, of the best `k` or of those in `among` that match.

        FTS5 scores every chunk that matches, about 1.3 µs each, which in a large library is too
        much for a common word. There the rarest words find the chunks, `_MOST_MATCHES` of them at
        most unless one word alone has more; the others count where those are found, but for words
        in more than a tenth of the chunks. Recall@1/5/20 for 371 SQuAD questions over 12,044
        paragraphs: .771/.908/.962 when all words find; .755/.900/.946 when a 100th of the
        paragraphs is the most, as in a million; .752/.892/.935 for a 200th.

        Args:
            question: Any text; its words are quoted, so none of it is FTS5 syntax.
            k: Rows wanted.
            among: Only these rows, when given.

        Returns:
            Scores at least 0, higher is better; a row that matches no word is absent.
        """
        rare, common = self._parted(telling_words(question))
        if not rare:
            return {}
        allowed = None if among is None else self._bytes(among)
        found = self._best(_any(rare), k, allowed)
        if common:
            found |= self._best(f"({_any(rare)}) AND ({_any(common)})", k, allowed)
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0]))[:k])

    def _parted(self, words: list[str]) -> tuple[list[str], list[str]]:
        """Return the words that chunks are found by, and those that only count where these are."""
        if self._chunks <= _MOST_MATCHES:
            return words, []
        counts = {word: self._matches(word) for word in words}
        words = sorted((word for word in words if counts[word]), key=lambda word: counts[word])
        upto, matches = 0, 0
        for word in words:
            matches += counts[word]
            if upto and matches > _MOST_MATCHES:
                break
            upto += 1
        most = self._chunks * _COMMON
        return words[:upto], [word for word in words[upto:] if counts[word] <= most]

    def _matches(self, word: str) -> int:
        """Return how many chunks have a word, counted no further than is of interest."""
        count = self._counted.get(word)
        if count is None:
            found = self.rows(
                "SELECT count(*) FROM (SELECT 1 FROM lexical WHERE lexical MATCH ? LIMIT ?)",
                (_any([word]), 1 + max(_MOST_MATCHES, int(self._chunks * _COMMON))),
            )
            count = int(found[0][0])
            if len(self._counted) >= _COUNTED_WORDS:
                self._counted.clear()
            self._counted[word] = count
        return count

    def _bytes(self, rows: Sequence[int] | NDArray[np.int64]) -> bytes:
        """Return a byte for each chunk, 1 for these."""
        allowed = np.zeros(self._chunks, dtype=np.uint8)
        allowed[np.asarray(rows, dtype=np.int64)] = 1
        return allowed.tobytes()

    def _best(self, expression: str, k: int, allowed: bytes | None) -> dict[int, float]:
        statement = "SELECT rowid, -bm25(lexical) FROM lexical WHERE lexical MATCH ?"
        if allowed is not None:
            statement += " AND allowed(rowid)"
        statement += " ORDER BY bm25(lexical), rowid LIMIT ?"
        with self._lock:
            if allowed is not None:
                # A list of numbers in the statement takes SQLite a second to read for 100,000.
                self._connection.create_function("allowed", 1, allowed.__getitem__)
            found = self._connection.execute(statement, (expression, k)).fetchall()
        return {row: max(0.0, score) for row, score in found}


def _any(words: Iterable[str]) -> str:
    """Return an FTS5 expression that matches any of these words."""
    return " OR ".join(f'"{word}"' for word in words)


def telling_words(question: str) -> list[str]:
    """Return the words of a question that are searched for: all but those that only ask."""
    words = list(dict.fromkeys(_WORD.findall(question.lower())))
    return ([word for word in words if word not in _STOP_WORDS] or words)[:_MOST_TERMS]
