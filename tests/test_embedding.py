"""Embedding while documents are read: nothing waits, nothing is embedded twice, nothing is lost."""

import threading
import time

import numpy as np
import pytest

from index import documents
from index.embedding import Embedding
from index.errors import CitespanError, LibraryMismatch
from index.fanout import FannedOut
from index.pending import PendingVectors
from tests.index_fakes import WordEmbedder, answers, open_library, write

# As many different texts as are sorted and sent together.
TOGETHER = [f"apple {number}" for number in range(128)]


def digest(text):
    return text.encode()


def add(embedding, texts):
    for text in texts:
        embedding.add(digest(text), text)


def finish(embedding):
    steps = []
    try:
        return embedding.finish(lambda *step: steps.append(step)), steps
    finally:
        embedding.close()


def test_texts_are_embedded_before_the_last_document_is_read(tmp_path, home, monkeypatch):
    """A folder whose parsing takes hours would otherwise leave the embedder idle for hours."""
    files = {f"{number:03}.txt": f"apple {number}" for number in range(140)}
    folder = write(tmp_path / "papers", files | {"zebra.txt": "a dragon"})
    begun = threading.Event()
    waited = []

    class Telling(WordEmbedder):
        def encode(self, texts):
            begun.set()
            return super().encode(texts)

    parse = documents.parse

    def patient_parse(data, name, parser):
        if name == "zebra.txt":
            waited.append(begun.wait(30))
        return parse(data, name, parser)

    monkeypatch.setattr(documents, "parse", patient_parse)
    library = open_library(folder, home, Telling())
    library.sync()
    assert waited == [True]
    fresh = open_library(folder, tmp_path / "other")
    fresh.sync()
    assert answers(library) == answers(fresh)


def test_each_text_gets_its_own_vector_once_and_progress_counts_to_the_end(tmp_path):
    embedder = WordEmbedder()
    texts = [*TOGETHER, "two dragons: dragon", "bridge"]
    embedding = Embedding(embedder, tmp_path / "pending.sqlite")
    add(embedding, texts + texts)
    vectors, steps = finish(embedding)
    assert sorted(embedder.encoded) == sorted(texts)
    for text in texts:
        np.testing.assert_array_equal(vectors[digest(text)], WordEmbedder().encode([text])[0])
    assert [step[1] for step in steps] == [130] * len(steps)
    assert steps[-1][0] == 130 and steps[-1][2] == 0


def test_a_failure_while_reading_stops_the_reading_and_keeps_what_was_done(tmp_path):
    class Failing(WordEmbedder):
        def encode(self, texts):
            if len(self.encoded) >= 64:
                raise CitespanError("the disk is full")
            return super().encode(texts)

    path = tmp_path / "pending.sqlite"
    embedding = Embedding(Failing(), path)
    with pytest.raises(CitespanError, match="the disk is full"):
        for number in range(10_000):
            add(embedding, [f"engine {number}"])
            if number % 128 == 0:
                time.sleep(0.01)
    embedding.close()
    kept = PendingVectors(path, "words")
    first = sorted((f"engine {number}" for number in range(128)), key=len, reverse=True)[:64]
    assert len(kept.get(map(digest, first), 6)) == 64
    kept.close()


def test_what_a_broken_off_sync_embedded_is_not_embedded_again(tmp_path):
    path = tmp_path / "pending.sqlite"
    pending = PendingVectors(path, "words")
    pending.put([digest("apple 1")], WordEmbedder().encode(["apple 1"]))
    pending.close()
    embedder = WordEmbedder()
    embedding = Embedding(embedder, path)
    add(embedding, ["apple 1", "apple 2"])
    vectors, _ = finish(embedding)
    assert embedder.encoded == ["apple 2"] and len(vectors) == 2


def test_an_interrupt_waits_for_one_batch_and_not_for_all_that_workers_have(tmp_path):
    """A first index of hours on a cluster could not be interrupted but by killing it."""
    path, count = tmp_path / "pending.sqlite", 40 * 64
    began = []

    class Slow(FannedOut):
        def encode_batches(self, batches):
            for at, texts in enumerate(batches):
                began.append(at)
                time.sleep(0.05)
                yield at, self.encode(texts)

    embedding = Embedding(Slow(WordEmbedder(), "tcp://nowhere:1"), path)
    add(embedding, [f"apple {number:04}" for number in range(count)])

    def interrupt(*step):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embedding.finish(interrupt)
    embedding.close()
    assert len(began) < 40
    kept = PendingVectors(path, "words")
    hashes = [digest(f"apple {number:04}") for number in range(count)]
    assert len(kept.get(hashes, 6)) == 64 * len(began)
    kept.close()


def test_vectors_that_are_no_numbers_are_refused(tmp_path):
    class Broken(WordEmbedder):
        def encode(self, texts):
            return super().encode(texts) * np.nan

    embedding = Embedding(Broken(), tmp_path / "pending.sqlite")
    add(embedding, ["apple"])
    with pytest.raises(LibraryMismatch, match="finite numbers"):
        finish(embedding)
