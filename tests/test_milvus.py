"""If one of these fails, a library behaves otherwise in Milvus than on one machine.

Then an answer depends on where it was searched, a removed document is still found, or a crash
leaves a library that answers from two generations. The same tests run on a Milvus Lite file, on a
Milvus Lite server that they start on 127.0.0.1, and, when `CITESPAN_TEST_MILVUS` is set, at that
address.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from index import milvus
from index.bm25 import Statistics, Words, chunk_vector, exact, question_vector
from index.catalog import Catalog
from index.context import searched_texts
from index.errors import LibraryError, LibraryMismatch
from index.filters import Filter
from index.library import Library
from index.milvus import MilvusStore
from tests.index_fakes import VOCABULARY, WordEmbedder, answers, write

if TYPE_CHECKING:
    from qa.assistant import Assistant

PLACES = ["file", "server"] + (["given"] if os.environ.get("CITESPAN_TEST_MILVUS") else [])
FRUIT = {
    "apple.txt": "The apple is red. An apple a day. " * 12,
    "bridge.md": "# Bridges\n\nThe bridge is of copper, and old. Bridges are counted.",
    "deep/dragon.txt": "A dragon guards the engine under the bridge. Nobody has designated it.",
    "none.txt": "Neither of the five words is said here; engines, perhaps.",
    "rows.csv": "name,metal\n" + "".join(f"part {n},copper\n" for n in range(30)),
}
# Read without the parsers' own process, which takes a while to start.
TEXTS = {name: text for name, text in FRUIT.items() if name.endswith(".txt")}
QUESTIONS = [
    "Where is the apple?",
    "Which bridges were counted, and who designates a dragon?",
    "engine copper dragon bridge",
    "What is the?",
    "nothing that is there: xylophone",
    "Café 30",
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a Milvus Lite server on this machine alone, and stop it."""
    folder = tmp_path_factory.mktemp("server")
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "milvus_lite", "server", "--host", "127.0.0.1"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--port", str(port), "--data-dir", str(folder / "data")],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(port, process, folder / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=20)


def wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(f"no server came up: {log.read_text()}")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the path of a Milvus Lite file; what keeps it open is ended."""
    path = tmp_path_factory.mktemp("file") / "milvus.db"
    yield str(path)
    from milvus_lite.server_manager import server_manager_instance

    server_manager_instance.release_server(str(path))


@pytest.fixture(params=PLACES)
def address(request: pytest.FixtureRequest, home: Path) -> Iterator[str]:
    """Give each place in turn; nothing of a test is left in one that others use too."""
    if request.param != "given":
        yield request.getfixturevalue(request.param)
        return
    given = os.environ["CITESPAN_TEST_MILVUS"]
    yield given
    client = MilvusStore(given, home / "libraries" / "any").client()
    for identity in home.rglob("milvus-id"):
        for name in client.list_collections():
            if name.startswith(f"citespan_{identity.read_text().strip()}_"):
                client.drop_collection(name)


@pytest.fixture(autouse=True)
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for other readers where a test has none."""
    monkeypatch.setattr(milvus, "_GRACE_SECONDS", 0.0)


class HashEmbedder(WordEmbedder):
    """A text becomes a direction that its sha256 seeds: any two are nearly at right angles."""

    def __init__(self) -> None:
        super().__init__("hash")
        self.dim = 32

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        seeds = [hashlib.sha256(text.encode()).digest() for text in texts]
        rows = [np.random.default_rng(list(seed)).normal(size=self.dim) for seed in seeds]
        vectors = np.array(rows, dtype=np.float32).reshape(len(texts), self.dim)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def opened(folder: Path, home: Path, address: str = "", embedder: Any = None) -> Library:
    return Library.open(
        folder,
        home=home,
        embedder=embedder or WordEmbedder(),
        chunk_size=200,
        chunk_overlap=40,
        milvus=address,
    )


def found(library: Library, question: str, **options: Any) -> list[tuple[object, ...]]:
    return [
        (p.document, p.start, p.end, p.text, round(p.score, 4), round(p.lexical, 4))
        for p in library.search(question, **options)
    ]


def stored(library: Library, field: str = "id") -> list[Any]:
    """Return a field of every row that Milvus holds of a library, but of its state."""
    manifest = library.snapshot().manifest
    assert library._milvus is not None and manifest is not None
    rows = library._milvus.client().query(
        library._milvus.collection(manifest),
        filter="id != 'state'",
        output_fields=[field],
        limit=10_000,
        consistency_level="Strong",
    )
    return sorted(row[field] for row in rows)


def test_hybrid_search_finds_what_it_finds_on_one_machine(
    address: str, tmp_path: Path, home: Path
) -> None:
    folder = write(tmp_path / "fruit", FRUIT)
    here, there = opened(folder, home / "here"), opened(folder, home, address)
    here.sync()
    there.sync()
    assert answers(there) == answers(here) != []
    for question in QUESTIONS:
        assert found(there, question) == found(here, question), question


def test_the_nearest_of_hundreds_are_found_in_the_same_order(
    address: str, tmp_path: Path, home: Path
) -> None:
    files = {
        f"{n:03}.txt": f"Entry {n} of {n % 7} speaks of the {VOCABULARY[n % 5]}."
        for n in range(300)
    }
    folder = write(tmp_path / "many", files)
    embedder = HashEmbedder()
    here = opened(folder, home / "here", embedder=embedder)
    there = opened(folder, home, address, embedder)
    here.sync()
    there.sync()
    assert len(stored(there)) == 300
    snapshot = here.snapshot()
    assert snapshot.vectors is not None
    for text in [files["042.txt"], files["299.txt"], "no such text"]:
        query = embedder.encode([text])[0]
        _, nearest = snapshot.vectors.search(query[None], 20)
        remote = there.snapshot()._milvus
        assert remote is not None
        rows, dense, _ = remote.candidates("xylophone", query, 20)
        best = rows[np.lexsort((rows, -dense))]
        assert best.tolist() == nearest[0].tolist()
        assert np.allclose(np.sort(dense)[::-1], snapshot.vectors.reconstruct(best) @ query)


def test_filters_leave_only_their_documents(address: str, tmp_path: Path, home: Path) -> None:
    folder = write(tmp_path / "fruit", FRUIT)
    long_ago = datetime(2001, 1, 1, tzinfo=UTC).timestamp()
    os.utime(folder / "none.txt", (long_ago, long_ago))
    here, there = opened(folder, home / "here"), opened(folder, home, address)
    here.sync()
    there.sync()
    filters = [
        Filter(documents=("deep/**",)),
        Filter(formats=("text",)),
        Filter(formats=("markdown", "csv", "text"), documents=("*.txt", "bridge.md", "rows.csv")),
        Filter(modified_until=datetime(2002, 1, 1, tzinfo=UTC)),
        Filter(documents=("no such document",)),
    ]
    names = [{p.document for p in there.search("bridge", 50, f)} for f in filters]
    assert names[0] == {"deep/dragon.txt"}
    assert names[1] == {"apple.txt", "deep/dragon.txt", "none.txt"}
    assert names[3] == {"none.txt"}
    assert names[4] == set()
    for one in filters:
        assert found(there, "bridge engine", filters=one) == found(
            here, "bridge engine", filters=one
        )


def test_a_removed_document_is_gone(address: str, tmp_path: Path, home: Path) -> None:
    folder = write(tmp_path / "fruit", TEXTS)
    library = opened(folder, home, address)
    library.sync()
    before = stored(library, "document")
    sha256 = library.document("apple.txt").sha256
    assert any(key.startswith(sha256) for key in before)
    (folder / "apple.txt").unlink()
    library.sync()
    after = stored(library, "document")
    assert not any(key.startswith(sha256) for key in after)
    assert len(after) == len(library.snapshot()) < len(before)
    assert "apple.txt" not in {passage.document for passage in library.search("apple", 50)}
    for name in TEXTS:
        (folder / name).unlink(missing_ok=True)
    library.sync()
    assert library._milvus is not None
    assert library._milvus._others("") == []
    assert library.search("bridge") == []


def test_a_change_sends_the_changed_document_alone(
    address: str, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write(tmp_path / "fruit", TEXTS)
    library = opened(folder, home, address)
    library.sync()
    sent: list[str] = []
    upsert = MilvusStore._upsert
    monkeypatch.setattr(
        MilvusStore,
        "_upsert",
        lambda self, name, rows: (
            sent.extend(row["id"] for row in rows if row["id"] != "state"),
            upsert(self, name, rows),
        ),
    )
    write(folder, {"none.txt": "Now an engine is said here."})
    library.sync()
    assert len(sent) == 1
    library.sync()
    assert len(sent) == 1
    fresh = opened(folder, home / "fresh")
    fresh.sync()
    assert answers(library) == answers(fresh)


def test_a_question_during_a_switch_is_answered_from_one_generation(
    address: str, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(milvus, "_GRACE_SECONDS", 0.5)
    folder = write(tmp_path / "two", {f"{n}.txt": f"First apple, number {n}." for n in range(8)})
    library = opened(folder, home, address)
    library.sync()
    first = found(library, "apple")
    write(folder, {f"{n}.txt": f"Second apple, number {n}." for n in range(8)})
    seen, problems = set(), []
    done = threading.Event()

    def ask() -> None:
        try:
            while not done.is_set():
                seen.add(tuple(found(library, "apple")))
        except Exception as error:
            problems.append(error)

    reader = threading.Thread(target=ask)
    reader.start()
    library.sync()
    done.set()
    reader.join()
    second = found(library, "apple")
    assert problems == []
    assert first != second
    assert tuple(first) in seen
    assert seen <= {tuple(first), tuple(second)}


def test_a_crash_before_the_switch_leaves_the_generation_before(
    address: str, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write(tmp_path / "fruit", TEXTS)
    library = opened(folder, home, address)
    library.sync()
    before = answers(library)
    (folder / "apple.txt").unlink()
    write(folder, {"new.txt": "A new dragon with an apple.", "none.txt": "An engine."})

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(library._store, "commit", crash)
        with pytest.raises(KeyboardInterrupt):
            library.sync()
    again = opened(folder, home, address)
    assert answers(library) == answers(again) == before
    write(folder, {"new.txt": "Something else, and no fruit."})
    again.sync()
    fresh = opened(folder, home / "fresh")
    fresh.sync()
    assert answers(again) == answers(fresh)
    assert len(stored(again)) == len(fresh.snapshot())


def test_a_crash_after_the_switch_leaves_the_new_generation(
    address: str, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write(tmp_path / "fruit", TEXTS)
    library = opened(folder, home, address)
    library.sync()
    (folder / "apple.txt").unlink()

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(MilvusStore, "settle", crash)
        with pytest.raises(KeyboardInterrupt):
            library.sync()
    fresh = opened(folder, home / "fresh")
    fresh.sync()
    again = opened(folder, home, address)
    assert answers(again) == answers(fresh)
    assert len(stored(again)) > len(fresh.snapshot())
    again.sync()
    assert len(stored(again)) == len(fresh.snapshot())
    assert answers(again) == answers(fresh)


def test_a_crash_before_milvus_knows_of_a_state_blocks_no_sync_after_it(
    address: str, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Milvus Lite said that the collection exists, and to stop a process that nobody ran."""
    folder = write(tmp_path / "fruit", TEXTS)

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(MilvusStore, "_mark", crash)
        with pytest.raises(KeyboardInterrupt):
            opened(folder, home, address).sync()
    again = opened(folder, home, address)
    again.sync()
    fresh = opened(folder, home / "fresh")
    fresh.sync()
    assert answers(again) == answers(fresh)
    assert again.verify().problems == ()


def test_a_document_that_is_searched_by_other_words_than_before_is_found_still(
    file: str, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A later version may see other column names above a passage, though its file is the same.

    Milvus kept the rows of before, which the new generation knows nothing of.
    """
    folder = write(tmp_path / "fruit", TEXTS)
    library = opened(folder, home, file)
    library.sync()

    def texts(document: Any, places: Any) -> list[str]:
        return [f"copper\n{text}" for text in searched_texts(document, places)]

    monkeypatch.setattr("index.sync.searched_texts", texts)
    monkeypatch.setattr("index.milvus.searched_texts", texts)
    write(folder, {"new.txt": "A new dragon with an apple."})
    library.sync()
    fresh = opened(folder, home / "fresh")
    fresh.sync()
    assert answers(library) == answers(fresh)
    assert len(stored(library)) == len(fresh.snapshot())


def test_what_lies_in_milvus_but_not_in_the_generation_crowds_nothing_out(
    address: str, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {f"{n:03}.txt": f"Apple apple, number {n}." for n in range(120)}
    folder = write(tmp_path / "many", {**files, "last.txt": "An apple on a bridge of copper."})
    library = opened(folder, home, address)
    library.sync()
    for name in files:
        (folder / name).unlink()
    with monkeypatch.context() as patch:
        patch.setattr(MilvusStore, "settle", lambda *_: None)
        library.sync()
    assert [passage.document for passage in library.search("apple", 3)] == ["last.txt"]


def test_a_library_is_filled_in_when_milvus_lacks_it(
    address: str, tmp_path: Path, home: Path
) -> None:
    folder = write(tmp_path / "fruit", TEXTS)
    here = opened(folder, home)
    here.sync()
    there = opened(folder, home, address)
    with pytest.raises(LibraryMismatch, match="found nothing of this library.*run: citespan index"):
        there.search("apple")
    embedder = WordEmbedder()
    again = opened(folder, home, address, embedder)
    again.sync()
    assert embedder.encoded == []
    assert answers(again) == answers(there) == answers(here)
    write(folder, {"none.txt": "An apple in place of nothing."})
    here.sync()
    with pytest.raises(LibraryMismatch, match="found another generation.*expected generation 2"):
        again.search("apple")
    again.sync()
    assert answers(again) == answers(here)


def test_what_milvus_lost_is_seen_and_put_back(address: str, tmp_path: Path, home: Path) -> None:
    folder = write(tmp_path / "fruit", TEXTS)
    library = opened(folder, home, address)
    library.sync()
    before = answers(library)
    assert library.verify()
    manifest, store = library.snapshot().manifest, library._milvus
    assert manifest is not None and store is not None
    store.client().delete(store.collection(manifest), ids=stored(library)[:2])
    report = library.verify()
    count = manifest.chunks
    assert report.problems == (f"Milvus at {address}: found {count - 2} chunks, expected {count}",)
    assert library.verify(repair=True)
    assert answers(library) == before


def test_a_server_started_anew_answers_the_next_question(
    file: str, tmp_path: Path, home: Path
) -> None:
    from milvus_lite.server_manager import server_manager_instance

    library = opened(write(tmp_path / "fruit", TEXTS), home, file)
    library.sync()
    before = answers(library)
    server_manager_instance.release_server(file)
    assert answers(library) == before


def test_a_machine_that_only_asks_needs_no_vectors(
    address: str, tmp_path: Path, home: Path
) -> None:
    folder = write(tmp_path / "fruit", TEXTS)
    with Library.open(
        folder, home=home, embedder=WordEmbedder(), name="fruit", milvus=address
    ) as library:
        library.sync()
        before = answers(library)
    shutil.copytree(home, tmp_path / "copy", ignore=shutil.ignore_patterns("*.faiss"))
    shutil.rmtree(folder)
    elsewhere = Library.open(
        home=tmp_path / "copy", embedder=WordEmbedder(), name="fruit", milvus=address
    )
    assert answers(elsewhere) == before != []


def test_two_libraries_do_not_see_each_other(address: str, tmp_path: Path, home: Path) -> None:
    one = opened(write(tmp_path / "one", {"a.txt": "An apple."}), home, address)
    two = opened(write(tmp_path / "two", {"b.txt": "Another apple."}), home, address)
    far = opened(tmp_path / "one", home / "elsewhere", address)
    for library in (one, two, far):
        library.sync()
    assert [p.document for p in one.search("apple", 50)] == ["a.txt"]
    assert [p.document for p in two.search("apple", 50)] == ["b.txt"]
    (tmp_path / "one" / "a.txt").unlink()
    one.sync()
    assert one.search("apple") == []
    assert [p.document for p in two.search("apple", 50)] == ["b.txt"]
    assert [p.document for p in far.search("apple", 50)] == ["a.txt"]


def test_another_embedder_leaves_nothing_of_the_one_before(
    address: str, tmp_path: Path, home: Path
) -> None:
    folder = write(tmp_path / "fruit", TEXTS)
    opened(folder, home, address).sync()
    library = opened(folder, home, address, HashEmbedder())
    library.sync(rebuild=True)
    assert library._milvus is not None
    assert len(library._milvus._others("")) == 1
    assert library.search(FRUIT["none.txt"], 1)[0].document == "none.txt"


def test_an_answer_is_the_same_from_milvus(
    address: str, seed_assistant: Assistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    import qa

    monkeypatch.setenv("CITESPAN_MILVUS", address)
    there = qa.open()
    assert there.library._milvus is not None
    for question in ("who designated the cartel?", "Who designated the Sinaloa cartel?"):
        local, remote = seed_assistant.ask(question), there.ask(question)
        assert (remote.text, remote.citations) == (local.text, local.citations)
        assert remote.confidence == pytest.approx(local.confidence, abs=1e-6)
    cited = there.ask("who designated the cartel?").citations[0]
    text = there.library.document(cited.document).text
    assert text[cited.start : cited.end] == cited.quote


def test_the_sizing_page_prints_its_table() -> None:
    page = (Path(__file__).parent.parent / "docs" / "sizing.md").read_text(encoding="utf-8")
    code = page.split("```python\n")[1].split("```")[0]
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(code, {})
    assert printed.getvalue().count("\n") == 5
    assert printed.getvalue() in page


def test_scores_by_words_are_those_of_fts5(tmp_path: Path, home: Path) -> None:
    folder = write(tmp_path / "fruit", FRUIT)
    library = opened(folder, home)
    library.sync()
    catalog = library.snapshot().catalog
    assert isinstance(catalog, Catalog)
    words, statistics = Words(), Statistics(catalog)
    rows = {
        chunk.id: library.document(names[0]).text[chunk.start : chunk.end]
        for row, names in catalog.names().items()
        for chunk in catalog.chunks_of(row)
        if not names[0].endswith(".csv")
    }
    counts = dict(zip(rows, words.count(list(rows.values())), strict=True))
    for question in QUESTIONS[:5]:
        expected = catalog.search(question, 100)
        vector = question_vector(question, words, statistics)
        for row, count in counts.items():
            # Stored as 32-bit numbers.
            kept = {n: float(np.float32(w)) for n, w in chunk_vector(count).items()}
            score = exact(vector, kept, sum(count.values()), statistics.mean)
            assert score == pytest.approx(expected.get(row, 0.0), rel=1e-5, abs=1e-9)


def test_no_server_is_said_at_once_and_what_was_there_answers(tmp_path: Path, home: Path) -> None:
    folder = write(tmp_path / "fruit", TEXTS)
    here = opened(folder, home)
    here.sync()
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = f"http://me:secret@127.0.0.1:{probe.getsockname()[1]}"
    there = opened(folder, home, nobody)
    write(folder, {"none.txt": "An apple."})
    for use in (there.sync, lambda: there.search("apple")):
        with pytest.raises(LibraryError, match="no usable one.*milvus-lite server.*unset") as said:
            use()
        assert "secret" not in str(said.value)
    assert here.search("apple")[0].document == "apple.txt"


def test_a_server_that_says_nothing_is_given_up(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(milvus, "SECONDS", 1.0)
    folder = write(tmp_path / "fruit", TEXTS)
    with closing(socket.socket()) as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        library = opened(folder, home, f"http://127.0.0.1:{silent.getsockname()[1]}")
        began = time.monotonic()
        with pytest.raises(LibraryError, match="found no usable one"):
            library.sync()
        assert time.monotonic() - began < 20


def test_an_address_that_is_none_is_refused(tmp_path: Path, home: Path) -> None:
    folder = write(tmp_path / "fruit", TEXTS)
    with pytest.raises(
        LibraryError, match="found the address 'milvus', expected http://host:19530"
    ):
        opened(folder, home, "milvus")


def test_a_file_that_another_process_has_open_is_said(tmp_path: Path, home: Path) -> None:
    folder = write(tmp_path / "fruit", TEXTS)
    path = tmp_path / "held.db"
    script = (
        "import sys; from milvus_lite.db import MilvusLite; MilvusLite(sys.argv[1])\n"
        "print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None and holder.stdin is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(LibraryError, match="no other process has open; stop that process"):
            opened(folder, home, str(path)).sync()
        holder.stdin.close()
