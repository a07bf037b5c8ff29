"""Finding the chunks of one generation in a Milvus, with the scores of one machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.bm25 import Statistics, exact, question_vector
from index.catalog import Catalog
from index.errors import LibraryError, LibraryMismatch
from index.milvus import SECONDS, MilvusStore, chunk_rows, documents_of, identity
from index.store import Manifest, index_command

_MOST_HITS = 16_384  # Milvus's own limit
_SAID = {
    "absent": "nothing of this library",
    "writing": "this library being written",
    "switching": "another generation of this library",
    "clean": "another generation of this library",
}


class MilvusSearch:
    """Finds the chunks of one generation."""

    def __init__(self, store: MilvusStore, manifest: Manifest, catalog: Catalog) -> None:
        """Search a generation; whether Milvus holds it is found out at the first question.

        Args:
            store: Where it is searched.
            manifest: The generation's.
            catalog: The generation's.
        """
        self._store = store
        self._manifest = manifest
        self._catalog = catalog
        self._lock = threading.Lock()
        self._statistics: Statistics | None = None

    def candidates(
        self,
        question: str,
        query: NDArray[np.float32],
        count: int,
        documents: Sequence[int] | None = None,
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """Return the chunks nearest by meaning and by words, and both scores of each.

        Args:
            question: Any text.
            query: Its unit vector.
            count: Chunks wanted of each of the two searches.
            documents: Only chunks of these document rows, when given.

        Returns:
            Rows in ascending order, cosines, and BM25, each of shape (number of chunks,).

        Raises:
            LibraryMismatch: Milvus does not hold this generation.
            LibraryError: Milvus does not answer, or not in time.
        """
        try:
            return self._candidates(question, query, count, documents)
        except LibraryError:
            # A server that was started anew has yet to load the collection.
            with self._lock:
                self._statistics = None
            self._store.close()
            return self._candidates(question, query, count, documents)

    def _candidates(
        self,
        question: str,
        query: NDArray[np.float32],
        count: int,
        documents: Sequence[int] | None,
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        statistics = self._ready()
        condition = f"added <= {self._manifest.generation}"
        if documents is not None:
            condition += f" and {self._among(documents)}"
        words = question_vector(question, self._store.words, statistics)
        found = self._nearest("vector", query, count, condition)
        if words:
            # Milvus ranks by a mean length that is not the library's: ask for more, and cut here.
            more = self._nearest("words", words, 2 * count, condition)
            ranked = sorted(more, key=lambda row: (-_bm25(words, more[row], statistics), row))
            found |= {row: more[row] for row in ranked[:count]}
        rows = sorted(found)
        vectors = np.array([found[row]["vector"] for row in rows], dtype=np.float32)
        dense = vectors.reshape(len(rows), self._manifest.dim) @ query
        lexical = np.array([_bm25(words, found[row], statistics) for row in rows])
        return np.array(rows, dtype=np.int64), dense.astype(np.float64), lexical

    def _ready(self) -> Statistics:
        """Return the words' statistics, once Milvus was found to hold the generation."""
        with self._lock:
            if self._statistics is None:
                state, answering = self._store.state(self._manifest)
                if identity(self._manifest) not in answering:
                    raise LibraryMismatch(
                        f"Milvus at {self._store.address}: found {_SAID.get(state, state)}, "
                        f"expected generation {self._manifest.generation} of it; "
                        f"run: {index_command(self._store.library, self._manifest.roots)}"
                    )
                self._statistics = Statistics(self._catalog)
            return self._statistics

    def _nearest(
        self, field: str, value: Any, count: int, condition: str
    ) -> dict[int, dict[str, Any]]:
        """Return fields of the nearest chunks by catalog row.

        Rows of Milvus that the generation does not know take no chunk's place: then more are asked
        for.
        """
        limit = count
        while True:
            with self._store.errors():
                hits = self._store.client().search(
                    self._store.collection(self._manifest),
                    data=[value],
                    anns_field=field,
                    limit=limit,
                    filter=condition,
                    output_fields=["document", "ordinal", "length", "vector", "words"],
                    consistency_level="Strong",
                    timeout=SECONDS,
                )[0]
            entities = [{"id": hit["id"], **hit["entity"]} for hit in hits]
            known = chunk_rows(self._catalog, entities)
            if len(known) >= count or len(hits) < limit or limit == _MOST_HITS:
                best = [entity for entity in entities if entity["id"] in known][:count]
                return {known[entity["id"]]: entity for entity in best}
            limit = min(4 * limit, _MOST_HITS)

    def _among(self, documents: Sequence[int]) -> str:
        """Return the condition that a chunk is of these documents, the shorter way round."""
        keys = documents_of(self._catalog)
        wanted = set(documents)
        inside = [key for key, row in keys.items() if row in wanted]
        outside = [key for key, row in keys.items() if row not in wanted]
        if len(outside) < len(inside):
            return f"document not in {json.dumps(outside)}" if outside else "added >= 0"
        return f"document in {json.dumps(inside)}"


def _bm25(question: dict[int, float], row: dict[str, Any], statistics: Statistics) -> float:
    return exact(question, row["words"], row["length"], statistics.mean)
