"""If this fails, a large first index differs by who embedded it, or is lost with a worker."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys

import numpy as np
import pytest

from index import fanout
from index.errors import CitespanError
from index.fanout import FannedOut
from index.pending import PendingVectors
from tests.fanout_fakes import FailingEmbedder, PatientEmbedder
from tests.index_fakes import VOCABULARY, WordEmbedder, answers, open_library, write
from ui.cli import main

# A scheduler and a worker that end together, and at the latest with the test.
CLUSTER = """
import sys
from distributed import LocalCluster
if __name__ == "__main__":
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, protocol="tcp",
                      host="127.0.0.1", dashboard_address=None) as made:
        print(made.scheduler_address, flush=True)
        sys.stdin.read()
"""


@pytest.fixture(scope="module")
def cluster():
    """Two workers, each a process of its own, and their scheduler."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    ) as made:
        yield made


def texts(count: int) -> list[str]:
    """Texts that all differ in their vectors."""
    return [" ".join([VOCABULARY[n % 5]] * (n // 5 + 1) + ["apple"]) for n in range(count)]


def batches(count: int, size: int = 8) -> list[list[str]]:
    made = texts(count)
    return [made[at : at + size] for at in range(0, count, size)]


def papers(folder):
    """Documents of some hundred chunks, of different words."""
    words = {f"{n}.txt": f"Paper {n}. " + f"The {VOCABULARY[n % 5]} {n}. " * 40 for n in range(60)}
    return write(folder, words)


def vectors_file(library) -> bytes:
    (path,) = library.folder.rglob("vectors.*")
    return path.read_bytes()


def test_a_library_embedded_by_workers_is_the_one_embedded_here(cluster, tmp_path):
    folder = papers(tmp_path / "papers")
    here = open_library(folder, tmp_path / "here")
    here.sync()
    embedder = WordEmbedder()
    there = open_library(folder, tmp_path / "there", embedder)
    there.workers = cluster.scheduler_address
    there.sync()
    assert embedder.encoded == []
    assert vectors_file(there) == vectors_file(here)
    assert answers(there) == answers(here)


def test_a_worker_that_is_killed_loses_nothing(cluster, tmp_path):
    embedder = PatientEmbedder(str(tmp_path))
    work = batches(320)
    got = {}
    for number, vectors in FannedOut(embedder, cluster.scheduler_address).encode_batches(work):
        assert number not in got
        got[number] = vectors
        if len(got) == 10:
            first = cluster.workers[0]
            os.kill(first.pid, signal.SIGKILL)
    assert sorted(got) == list(range(len(work)))
    found = np.concatenate([got[number] for number in sorted(got)])
    assert (found == WordEmbedder().encode(texts(320))).all()
    ran = {int(path.name) for path in tmp_path.iterdir()}
    assert os.getpid() not in ran and len(ran) >= 2


def test_batches_on_their_way_are_few(cluster, tmp_path):
    class Counted(list):
        """Batches that remember the furthest one taken."""

        furthest = 0

        def __getitem__(self, at):
            self.furthest = max(self.furthest, at)
            return super().__getitem__(at)

    work = Counted(batches(320))
    embedder = PatientEmbedder(str(tmp_path))
    for done, _ in enumerate(
        FannedOut(embedder, cluster.scheduler_address).encode_batches(work), start=1
    ):
        assert work.furthest < done + 2 * 2 + 2


def test_what_came_before_a_failure_is_kept_and_not_embedded_again(cluster, tmp_path):
    # A short text is embedded last.
    files = {f"{n}.txt": f"Paper {n}. " + f"The apple {n}. " * 40 for n in range(60)}
    folder = write(tmp_path / "papers", files | {"dragon.txt": "A dragon."})
    library = open_library(folder, tmp_path / "home", FailingEmbedder())
    library.workers = cluster.scheduler_address
    with pytest.raises(CitespanError, match=r"cannot be embedded \(a dragon was here\)"):
        library.sync()
    kept = PendingVectors(library._store.pending, "words")
    count = kept._connection.execute("SELECT count(*) FROM vectors").fetchone()[0]
    kept.close()
    assert count >= 64
    embedder = WordEmbedder()
    again = open_library(folder, tmp_path / "home", embedder)
    again.sync()
    whole = WordEmbedder()
    fresh = open_library(folder, tmp_path / "fresh", whole)
    fresh.sync()
    assert len(embedder.encoded) == len(whole.encoded) - count
    assert vectors_file(again) == vectors_file(fresh)


def test_a_scheduler_that_is_not_there_is_named_with_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(fanout, "_CONNECT", 0.5)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    for wrong in (address, "no address"):
        with pytest.raises(CitespanError, match=f"--workers {wrong}.*dask scheduler") as raised:
            list(FannedOut(WordEmbedder(), wrong).encode_batches(batches(20)))
        assert f"dask worker {wrong}" in str(raised.value)


def test_a_scheduler_without_workers_is_not_waited_for_for_ever(monkeypatch):
    from distributed import LocalCluster

    monkeypatch.setattr(fanout, "_LOOK", 0.2)
    with LocalCluster(n_workers=0, host="127.0.0.1", dashboard_address="127.0.0.1:0") as empty:
        fanned = FannedOut(WordEmbedder(), empty.scheduler_address, nobody=0.5)
        with pytest.raises(CitespanError, match=r"found no worker for .* dask worker tcp://127"):
            list(fanned.encode_batches(batches(20)))


def test_a_scheduler_that_dies_in_the_middle_ends_it_and_what_came_is_kept(monkeypatch):
    """If this fails, a first index of hours waits for ever for a machine that is switched off."""
    monkeypatch.setattr(fanout, "_LOOK", 0.2)
    with subprocess.Popen(
        [sys.executable, "-c", CLUSTER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as doomed:
        address = doomed.stdout.readline().strip()
        arriving = FannedOut(WordEmbedder(), address).encode_batches(batches(400))
        first = [next(arriving)]
        doomed.kill()
        with pytest.raises(CitespanError, match=rf"{address}: found .* dask worker {address}"):
            first.extend(arriving)
    for at, vectors in first:
        np.testing.assert_array_equal(vectors, WordEmbedder().encode(batches(400)[at]))


def test_the_command_hands_the_address_on(tmp_path, monkeypatch, capsys):
    # More chunks than one batch, or they would not be sent.
    folder = write(tmp_path, {f"{n}.txt": f"Paper {n} is about boats." for n in range(70)})
    monkeypatch.setattr(fanout, "_CONNECT", 0.5)
    monkeypatch.setattr("qa.assistant.embedder_of", lambda settings: WordEmbedder())
    assert main(["index", str(folder), "--workers", "tcp://127.0.0.1:9"]) == 2
    assert "tcp://127.0.0.1:9" in capsys.readouterr().err
