"""A library's chunks in Milvus: searched there by meaning and by words, on any number of machines.

The library's folder stays the truth of documents, texts and offsets. Milvus holds what is searched:
a row a chunk, in one collection a library, with the chunk's vector, its words as a sparse vector
(`index.bm25`), its place, and the generation that added it. It holds no text and no file name.

    id         hash of everything below that tells chunks apart; the same chunk, the same row
    document   sha256 and format of the document
    ordinal    the chunk's number in its document
    length     its words
    added      the first generation that it belongs to
    vector     unit vector; cosine
    words      sparse vector; inner product

A hit counts only when the generation's own catalog has that very chunk, so whatever else lies in
Milvus, a question is answered from one generation. The switch is the library's own (`CURRENT`):

    writing A B     chunks of B are being added; A answers
    switching A B   both are whole; whichever `CURRENT` names answers
    clean B         what was of A alone is deleted

A row with the id `state` says which; after a crash the next sync finds out what is there, chunk by
chunk, and goes on. Every step can be repeated.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from index.bm25 import NO_WORD, Words, chunk_vector
from index.catalog import Catalog, ChunkRow
from index.context import searched_texts, whole_words
from index.errors import LibraryError
from index.quantised import QUANTISED_FROM
from index.store import CATALOG, VECTORS, Manifest, make_private, write_durably

if TYPE_CHECKING:
    from pymilvus import MilvusClient

Vectors = Callable[[NDArray[np.int64]], NDArray[np.float32]]
Held = tuple[Manifest, Catalog]

SECONDS = 10.0  # a search, a connection
_WRITING_SECONDS = 120.0  # a batch, an index, a load
# Every call has a time limit; and pings between calls are more than a plain gRPC server, as Milvus
# Lite's is, puts up with: it hangs up, and gRPC reports that on standard error.
_QUIET = {"grpc.keepalive_permit_without_calls": False, "grpc.keepalive_time_ms": 600_000}
_BATCH = 500
# A question that began before a switch has this long to finish its search.
_GRACE_SECONDS = 1.0
_STATE = "state"
_HIDDEN = 2**62
_START_ONE = "milvus-lite server --host 127.0.0.1 --port 19530 --data-dir FOLDER"


class MilvusStore:
    """The rows of one library in a Milvus.

    Connects at the first use. Safe to use from several threads.
    """

    def __init__(self, address: str, library: Path) -> None:
        """Name the place.

        Args:
            address: `http://host:19530` (`https://user:password@host:19530/database`), or the path
                of a Milvus Lite file, which ends in `.db`.
            library: The library's folder, `home/libraries/<name>`.

        Raises:
            LibraryError: The address is neither.
        """
        self.address = re.sub(r"//[^/@]*@", "//…@", address)
        if not re.match(r"(https?|tcp|unix):", address) and not address.endswith(".db"):
            raise LibraryError(
                f"Milvus: found the address {self.address!r}, expected http://host:19530 or the "
                "path of a Milvus Lite file that ends in .db; set CITESPAN_MILVUS"
            )
        self._address = address if "://" in address else str(Path(address).expanduser())
        self.library = library
        self._lock = threading.Lock()
        self._client: MilvusClient | None = None
        self.words = Words()

    def client(self) -> MilvusClient:
        """Return the connection.

        Raises:
            LibraryError: pymilvus is not installed, or no Milvus answers at the address.
        """
        with self._lock:
            if self._client is None:
                try:
                    from pymilvus import MilvusClient
                except ImportError as error:
                    raise LibraryError(
                        f"Milvus at {self.address}: found no pymilvus, expected it installed; "
                        "run: pip install 'citespan[milvus]', or unset CITESPAN_MILVUS"
                    ) from error
                # What it would print is in the errors that are raised.
                for name in ("pymilvus", "milvus_lite"):
                    logging.getLogger(name).setLevel(logging.CRITICAL + 1)
                if "://" not in self._address:
                    make_private(Path(self._address).parent)
                with self.errors():
                    self._client = MilvusClient(self._address, timeout=SECONDS, grpc_options=_QUIET)
            return self._client

    def close(self) -> None:
        """Close the connection; the next use opens another."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    @contextlib.contextmanager
    def errors(self) -> Iterator[None]:
        """Say what Milvus could not do as an error of the library."""
        from grpc import RpcError
        from pymilvus.exceptions import MilvusException

        try:
            yield
        except (MilvusException, RpcError) as error:
            local = "://" not in self._address
            said = error.message if isinstance(error, MilvusException) else error.details()
            why = str(said).split("\n")[0].rstrip(".")
            expected = (
                "a Milvus Lite file that no other process has open; stop that process, or start "
                f"a server for both ({_START_ONE}) and set CITESPAN_MILVUS=http://127.0.0.1:19530"
                if local
                else f"one that answers; start it (a local one: {_START_ONE}), or unset "
                "CITESPAN_MILVUS to search on this machine alone"
            )
            raise LibraryError(
                f"Milvus at {self.address}: found no usable one ({why}), expected {expected}"
            ) from error

    def collection(self, manifest: Manifest) -> str:
        """Return the name of the collection for a generation; one for each make of vectors."""
        make = f"{manifest.embedder}\0{manifest.dim}\0{_index_type(manifest)}".encode()
        return f"{self._prefix()}_{hashlib.sha256(make).hexdigest()[:8]}"

    def _prefix(self) -> str:
        """Return what the names of this library's collections begin with, on no other machine."""
        home = self.library.parents[1]
        path = home / "milvus-id"
        try:
            identity = path.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            make_private(home)
            fresh = home / f"milvus-id-{uuid.uuid4().hex[:12]}"
            write_durably(fresh, f"{fresh.name[-12:]}\n".encode())
            # Of two processes, the one that is first.
            with contextlib.suppress(FileExistsError):
                os.link(fresh, path)
            fresh.unlink()
            identity = path.read_text(encoding="ascii").strip()
        name = hashlib.sha256(self.library.name.encode()).hexdigest()[:12]
        return f"citespan_{identity}_{name}"

    def state(self, manifest: Manifest) -> tuple[str, tuple[str, ...]]:
        """Return `writing`, `switching`, `clean` or `absent`, and the generations that answer."""
        name, client = self.collection(manifest), self.client()
        with self.errors():
            if not client.has_collection(name, timeout=SECONDS):
                return "absent", ()
            client.load_collection(name, timeout=_WRITING_SECONDS)
            rows = client.query(
                name,
                ids=[_STATE],
                output_fields=["document"],
                consistency_level="Strong",
                timeout=SECONDS,
            )
        words = rows[0]["document"].split() if rows else ["absent"]
        return words[0], tuple(words[1:])

    def serves(self, manifest: Manifest) -> bool:
        """Tell whether just this generation is there, and nothing is left to do."""
        if not manifest.chunks:
            return not self._others("")
        return self.state(manifest) == ("clean", (identity(manifest),))

    @contextlib.contextmanager
    def switch(self, folder: Path, manifest: Manifest, base: Held | None) -> Iterator[None]:
        """Write a generation that was built in a folder; its switch is made inside.

        Args:
            folder: Where its files are.
            manifest: Its manifest.
            base: The current generation, if there is one.

        Raises:
            LibraryError: Milvus does not answer, or not in time.
        """
        catalog = Catalog(folder / CATALOG)
        try:
            vectors = _mapped(folder / VECTORS, manifest)
            before = self.write(manifest, catalog, vectors, base)
            yield
            self.settle(manifest, catalog, before)
        finally:
            catalog.close()

    def fill(self, held: Held, vectors: Vectors) -> None:
        """Write the current generation, of which Milvus holds nothing, another, or a part.

        Raises:
            LibraryError: Milvus does not answer, or not in time.
        """
        self.write(*held, vectors, held)
        self.settle(*held, None)

    def problems(self, manifest: Manifest) -> Iterator[str]:
        """Yield one sentence for each way in which what is there is not the generation.

        Raises:
            LibraryError: Milvus does not answer, or not in time.
        """
        if not self.serves(manifest):
            yield f"Milvus at {self.address}: holds another state of the library"
        elif manifest.chunks:
            with self.errors():
                found = self.client().query(
                    self.collection(manifest),
                    filter=f"added < {_HIDDEN}",
                    output_fields=["count(*)"],
                    consistency_level="Strong",
                    timeout=SECONDS,
                )[0]["count(*)"]
            if found != manifest.chunks:
                yield f"Milvus at {self.address}: found {found} chunks, expected {manifest.chunks}"

    def write(
        self, manifest: Manifest, catalog: Catalog, vectors: Vectors, base: Held | None
    ) -> Held | None:
        """Add the chunks of a generation that is not current yet; the one before still answers.

        Args:
            manifest: The generation's.
            catalog: The generation's.
            vectors: Gives the vectors of chunk rows, shape (number of rows, dim).
            base: Manifest and catalog of the current generation, if there is one.

        Returns:
            `base` if just that was there, so that `settle` need not look at every row.

        Raises:
            LibraryError: Milvus does not answer, or not in time.
        """
        if not manifest.chunks:
            return None
        name = self.collection(manifest)
        state, answering = self.state(manifest)
        if state == "absent":
            self._create(name, manifest)
        old = [identity(base[0])] if base and identity(base[0]) in answering else []
        alike = base and old and state == "clean" and _cut_alike(base[1], catalog)
        same = base if alike else None
        self._mark(name, manifest.dim, ["writing", *old])
        known = documents_of(same[1]) if same else {}
        fresh = {key: row for key, row in documents_of(catalog).items() if key not in known}
        rows = self._rows(fresh, manifest, catalog, vectors)
        while batch := list(islice(rows, _BATCH)):
            there = set() if same or state == "absent" else self._there(name, batch, manifest)
            if missing := [row for row in batch if row["id"] not in there]:
                self._upsert(name, missing)
        if fresh:
            # Milvus Lite indexes words when it writes them out, and until then at every question;
            # a cluster does so by itself, and may say that it is asked too often.
            with contextlib.suppress(LibraryError), self.errors():
                self.client().flush(name, timeout=_WRITING_SECONDS)
        self._mark(name, manifest.dim, ["switching", *old, identity(manifest)])
        return same

    def settle(self, manifest: Manifest, catalog: Catalog, base: Held | None) -> None:
        """Delete what is no part of the generation, which is current now.

        Args:
            manifest: The generation's.
            catalog: The generation's.
            base: What `write` returned.

        Raises:
            LibraryError: Milvus does not answer, or not in time; the next sync goes on.
        """
        name = self.collection(manifest) if manifest.chunks else ""
        if name:
            if base:
                field = "document"
                gone = sorted(documents_of(base[1]).keys() - documents_of(catalog))
            else:
                field, gone = "id", list(self._strangers(name, manifest, catalog))
            if gone:
                time.sleep(_GRACE_SECONDS)
            for begin in range(0, len(gone), _BATCH):
                condition = f"{field} in {json.dumps(gone[begin : begin + _BATCH])}"
                with self.errors():
                    self.client().delete(name, filter=condition, timeout=_WRITING_SECONDS)
            self._mark(name, manifest.dim, ["clean", identity(manifest)])
        if others := self._others(name):
            time.sleep(_GRACE_SECONDS)
        for other in others:
            with self.errors():
                self.client().drop_collection(other, timeout=_WRITING_SECONDS)

    def _others(self, name: str) -> list[str]:
        """Return this library's collections but one."""
        client, prefix = self.client(), self._prefix()
        with self.errors():
            there = client.list_collections(timeout=SECONDS)
        return [other for other in there if other.startswith(prefix) and other != name]

    def _create(self, name: str, manifest: Manifest) -> None:
        from pymilvus import DataType

        client = self.client()
        schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=32)
        schema.add_field("document", DataType.VARCHAR, max_length=128)
        for number in ("ordinal", "length", "added"):
            schema.add_field(number, DataType.INT64)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=manifest.dim)
        schema.add_field("words", DataType.SPARSE_FLOAT_VECTOR)
        indexes = client.prepare_index_params()
        indexes.add_index("vector", index_type=_index_type(manifest), metric_type="COSINE")
        indexes.add_index("words", index_type="SPARSE_INVERTED_INDEX", metric_type="IP")
        with self.errors():
            # What a crash left before its state was said: no generation answers from it.
            if client.has_collection(name, timeout=SECONDS):
                client.drop_collection(name, timeout=_WRITING_SECONDS)
            client.create_collection(
                name,
                schema=schema,
                index_params=indexes,
                # A removed document is found by no question that is asked after its removal.
                consistency_level="Strong",
                timeout=_WRITING_SECONDS,
            )

    def _mark(self, name: str, dim: int, words: Sequence[str]) -> None:
        vector = np.zeros(dim, dtype=np.float32)
        vector[0] = 1
        row = {"id": _STATE, "document": " ".join(words), "ordinal": 0, "length": 0}
        row |= {"added": _HIDDEN, "vector": vector, "words": {NO_WORD: 1.0}}
        self._upsert(name, [row])

    def _upsert(self, name: str, rows: list[dict[str, Any]]) -> None:
        with self.errors():
            self.client().upsert(name, rows, timeout=_WRITING_SECONDS)

    def _there(self, name: str, rows: list[dict[str, Any]], manifest: Manifest) -> set[str]:
        """Return the ids of those rows that a reader of the generation can see already."""
        with self.errors():
            found = self.client().query(
                name,
                ids=[row["id"] for row in rows],
                output_fields=["id", "added"],
                consistency_level="Strong",
                timeout=_WRITING_SECONDS,
            )
        return {row["id"] for row in found if row["added"] <= manifest.generation}

    def _rows(
        self, documents: dict[str, int], manifest: Manifest, catalog: Catalog, vectors: Vectors
    ) -> Iterator[dict[str, Any]]:
        """Yield the rows of documents, given by key and catalog row."""
        for key, number in documents.items():
            chunks = catalog.chunks_of(number)
            texts = searched_texts(
                catalog.document(number, key), [(chunk.start, chunk.end) for chunk in chunks]
            )
            for begin in range(0, len(chunks), _BATCH):
                batch = chunks[begin : begin + _BATCH]
                counts = self.words.count(list(map(whole_words, texts[begin : begin + _BATCH])))
                found = vectors(np.array([c.id for c in batch], dtype=np.int64))
                for at, (chunk, count, vector) in enumerate(zip(batch, counts, found, strict=True)):
                    yield {
                        "id": _id(key, chunk),
                        "document": key,
                        "ordinal": begin + at,
                        "length": sum(count.values()),
                        "added": manifest.generation,
                        "vector": vector,
                        "words": chunk_vector(count),
                    }

    def _strangers(self, name: str, manifest: Manifest, catalog: Catalog) -> Iterator[str]:
        """Yield the ids of all rows that are no chunk of the generation."""
        with self.errors():
            pages = self.client().query_iterator(
                name,
                batch_size=1000,
                filter=f"added < {_HIDDEN}",
                output_fields=["id", "document", "ordinal"],
                consistency_level="Strong",
                timeout=_WRITING_SECONDS,
            )
            try:
                while page := pages.next():
                    known = chunk_rows(catalog, page)
                    yield from (row["id"] for row in page if row["id"] not in known)
            finally:
                pages.close()


def identity(manifest: Manifest) -> str:
    """Return what tells this generation from every other, on any machine."""
    return hashlib.sha256(manifest.to_bytes()).hexdigest()[:32]


def _mapped(path: Path, manifest: Manifest) -> Vectors:
    """Return what reads vectors from the end of a file, where FAISS keeps those of a flat index."""
    if not manifest.chunks:
        return lambda rows: np.zeros((0, manifest.dim), dtype=np.float32)
    shape = (manifest.chunks, manifest.dim)
    offset = path.stat().st_size - 4 * manifest.chunks * manifest.dim
    stored = np.memmap(path, dtype="<f4", mode="r", offset=offset, shape=shape)
    return lambda rows: np.asarray(stored[rows], dtype=np.float32)


def _index_type(manifest: Manifest) -> str:
    """Return how vectors are indexed: exactly as long as a library does so on one machine."""
    return "FLAT" if manifest.chunks < QUANTISED_FROM else "AUTOINDEX"


def _cut_alike(before: Catalog, after: Catalog) -> bool:
    """Tell whether the documents of both have the same chunks, searched by the same words."""
    known = documents_of(before)
    both = ((key, row) for key, row in documents_of(after).items() if key in known)
    return all(_ids(before, key, known[key]) == _ids(after, key, row) for key, row in both)


def _ids(catalog: Catalog, document: str, row: int) -> list[str]:
    return [_id(document, chunk) for chunk in catalog.chunks_of(row)]


def documents_of(catalog: Catalog) -> dict[str, int]:
    """Return the row of every document by its key in Milvus."""
    rows = catalog.document_rows()
    return {f"{sha256}:{format}": row for (sha256, format), row in rows.items()}


def _id(document: str, chunk: ChunkRow) -> str:
    place = f"{document}\0{chunk.start}\0{chunk.end}\0".encode()
    return hashlib.sha256(place + chunk.sha256).hexdigest()[:32]


def chunk_rows(catalog: Catalog, rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Return the chunk row, by id, of those rows of Milvus that a catalog has the very chunk of."""
    firsts = catalog.rows(
        "SELECT sha256 || ':' || format, (SELECT min(id) FROM chunks WHERE document = documents.id)"
        " FROM documents WHERE (sha256, format) IN (SELECT json_extract(value, '$[0]'),"
        " json_extract(value, '$[1]') FROM json_each(?))",
        (json.dumps([key.split(":") for key in {row["document"] for row in rows}]),),
    )
    first = {key: row for key, row in firsts if row is not None}
    places = {
        row["id"]: first[row["document"]] + row["ordinal"]
        for row in rows
        if row["document"] in first
    }
    chunks = {chunk.id: chunk for chunk in catalog.chunks_there(list(places.values()))}
    key = {row["id"]: row["document"] for row in rows}
    return {
        id: place
        for id, place in places.items()
        if place in chunks and _id(key[id], chunks[place]) == id
    }
