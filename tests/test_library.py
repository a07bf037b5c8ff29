"""What a library answers from is what is in its folder: no more, no less, and nothing twice."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import threading

import pytest

from index.embedder import open_embedder
from index.errors import LibraryCorrupt, LibraryError, LibraryLocked, LibraryMismatch
from index.library import Library
from tests.index_fakes import WordEmbedder, answers, open_library, write

FILES = {
    "apple.txt": "The apple is red.",
    "deep/bridge.md": "# Crossings\n\nThe bridge is long.",
    "deep/er/copper.txt": "Copper conducts.\n\nThe engine needs copper.",
}


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "papers", FILES)


@pytest.fixture
def library(folder, home):
    opened = open_library(folder, home)
    opened.sync()
    return opened


def names(passages):
    return [passage.document for passage in passages]


def test_a_first_sync_takes_in_every_file_under_its_posix_path(folder, home):
    report = open_library(folder, home).sync()
    assert report.added == ("apple.txt", "deep/bridge.md", "deep/er/copper.txt")
    assert (report.changed, report.removed, report.moved, report.failed) == ((), (), (), ())
    assert report.generation == 1


def test_a_passage_is_its_place_in_the_stored_document_with_both_scores(library):
    best = library.search("Where is the bridge?")[0]
    assert best.document == "deep/bridge.md"
    assert best.text == library.document("deep/bridge.md").text[best.start : best.end]
    assert best.heading == "Crossings"
    assert best.page is None
    assert best.dense == pytest.approx(1.0)
    assert best.lexical > 0
    others = library.search("Where is the bridge?")[1:]
    assert {(p.document, round(p.dense, 5), p.lexical) for p in others} == {
        ("apple.txt", 0.0, 0.0),
        ("deep/er/copper.txt", 0.0, 0.0),
    }


def test_many_questions_are_embedded_together_and_answered_as_one_by_one(folder, home):
    embedder = WordEmbedder()
    library = open_library(folder, home, embedder)
    library.sync()
    questions = ["the apple?", "the copper?", "🍎?", ""]
    together = library.search_many(questions, k=2)
    assert together == [library.search(question, k=2) for question in questions]
    assert names(together[1])[0] == "deep/er/copper.txt"


def test_an_unchanged_library_is_opened_without_making_an_embedder(library, folder, home):
    def never() -> WordEmbedder:
        raise AssertionError("made an embedder")

    again = Library.open(folder, home=home, embedder=never, chunk_size=200, chunk_overlap=40)
    report = again.sync()
    assert len(report.unchanged) == 3
    assert not report
    assert len(again.documents()) == 3
    with pytest.raises(AssertionError, match="made an embedder"):
        again.search("apple")


def test_nothing_is_embedded_twice(folder, home):
    embedder = WordEmbedder()
    open_library(folder, home, embedder).sync()
    assert len(embedder.encoded) == len(set(embedder.encoded)) == 3
    write(folder, {"new.txt": "A dragon.", "again.txt": FILES["apple.txt"] + " \n\nAn engine."})
    embedder.encoded.clear()
    reopened = open_library(folder, home, embedder)
    reopened.sync()
    assert sorted(embedder.encoded) == ["A dragon.", "The apple is red. \n\nAn engine."]
    embedder.encoded.clear()
    reopened.sync()
    assert embedder.encoded == []


def test_changed_deleted_and_moved_files_are_followed(library, folder):
    (folder / "apple.txt").write_text("The dragon ate it.")
    (folder / "deep" / "bridge.md").unlink()
    (folder / "deep" / "er" / "copper.txt").rename(folder / "metal.txt")
    report = library.sync()
    assert report.changed == ("apple.txt",)
    assert report.removed == ("deep/bridge.md",)
    assert report.moved == (("deep/er/copper.txt", "metal.txt"),)
    assert names(library.search("copper", k=1)) == ["metal.txt"]
    assert all("bridge" not in p.text for p in library.search("bridge", k=50))
    with pytest.raises(LibraryError, match=r"deep/bridge\.md: found no such document"):
        library.document("deep/bridge.md")
    assert library.verify()


def test_a_library_kept_by_many_syncs_answers_as_a_fresh_one(library, folder, tmp_path):
    for step in range(6):
        write(folder, {f"{step}.txt": f"engine {step}\n\ncopper and dragon {step}"})
        if step % 2:
            (folder / f"{step - 1}.txt").unlink()
            (folder / f"{step}.txt").rename(folder / f"deep/moved {step}.txt")
        library.sync()
    fresh = open_library(folder, tmp_path / "fresh home")
    fresh.sync()
    assert answers(library) == answers(fresh)
    assert len(answers(library)) > 10


def test_a_dry_run_tells_and_does_nothing(library, folder):
    write(folder, {"new.txt": "dragon", "bad.bin": b"\x00"})
    (folder / "apple.txt").unlink()
    report = library.sync(dry_run=True)
    assert (report.added, report.removed) == (("new.txt",), ("apple.txt",))
    assert report.failed[0][0] == "bad.bin"
    assert library.snapshot().generation == 1
    assert names(library.search("apple", k=1)) == ["apple.txt"]


def test_deleted_text_is_in_no_file_of_the_library(folder, home):
    secret = "Xylophone quartz " * 3
    write(folder, {"secret.txt": secret + "apple"})
    library = open_library(folder, home)
    library.sync()
    assert library.search("xylophone", k=1)[0].lexical > 0
    vectors = len(library.snapshot())
    (folder / "secret.txt").unlink()
    library.sync()
    assert len(library.snapshot()) == vectors - 1
    with pytest.raises(LibraryError, match="found no such document"):
        library.document("secret.txt")
    assert all("Xylophone" not in p.text for p in library.search("xylophone quartz", k=50))
    kept = [path for path in library.folder.rglob("*") if path.is_file()]
    assert {path.name for path in kept} == {
        "CURRENT", "lock", "manifest.json", "catalog.sqlite", "vectors.faiss"
    }  # fmt: skip
    for path in kept:
        assert b"xyloph" not in path.read_bytes().lower()
        assert b"secret.txt" not in path.read_bytes()


def test_the_same_content_under_two_names_is_stored_once(library, folder):
    write(folder, {"copy.txt": FILES["apple.txt"]})
    before = len(library.snapshot())
    library.sync()
    assert len(library.snapshot()) == before
    assert names(library.search("apple", k=50)).count("apple.txt") == 1
    records = {record.name: record for record in library.documents()}
    assert (records["copy.txt"].status, records["copy.txt"].alias_of) == ("alias", "apple.txt")
    assert library.document("copy.txt").name == "copy.txt"
    (folder / "apple.txt").unlink()
    library.sync()
    assert names(library.search("apple", k=1)) == ["copy.txt"]


def test_a_rewrite_within_the_same_size_and_instant_is_noticed(library, folder):
    path = folder / "apple.txt"
    before = path.stat()
    path.write_text("The apple is fed.")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert library.sync().changed == ("apple.txt",)


def test_touching_a_file_changes_nothing(library, folder):
    (folder / "apple.txt").touch()
    report = library.sync()
    assert "apple.txt" in report.unchanged
    assert not report


def test_an_empty_folder_is_an_empty_library(tmp_path, home):
    (tmp_path / "empty").mkdir()
    library = open_library(tmp_path / "empty", home)
    assert library.search("anything") == []
    assert not library.sync()
    assert library.search("anything") == []
    assert library.documents() == []
    assert library.verify()


def test_a_library_can_become_empty_and_full_again(library, folder):
    shutil.rmtree(folder)
    folder.mkdir()
    assert len(library.sync().removed) == 3
    assert library.search("apple") == []
    write(folder, FILES)
    assert len(library.sync().added) == 3
    assert names(library.search("apple", k=1)) == ["apple.txt"]


def test_a_folder_that_is_gone_is_not_read_as_everything_deleted(library, folder):
    folder.rename(folder.with_name("unmounted"))
    with pytest.raises(LibraryError, match="found nothing there any more"):
        library.sync()
    assert names(library.search("apple", k=1)) == ["apple.txt"]


def test_paths_can_be_added_and_documents_removed_for_good(library, folder, tmp_path, home):
    extra = write(tmp_path / "extra", {"dragon.txt": "A dragon."}) / "dragon.txt"
    assert library.add(extra).added == ("dragon.txt",)
    assert library.remove("apple.txt").removed == ("apple.txt",)
    again = open_library(folder, home)
    assert not again.sync()
    assert names(again.search("dragon", k=1)) == ["dragon.txt"]
    assert "apple.txt" not in names(again.search("apple", k=50))
    assert again.add(folder / "apple.txt").added == ("apple.txt",)
    with pytest.raises(LibraryError, match=r"nothing\.txt: found no such document"):
        again.remove("nothing.txt")


def meanwhile(library, monkeypatch, change):
    """Let another process change the library after this one has planned, before it writes."""
    lock = library._store.lock

    def late():
        monkeypatch.undo()
        change()
        return lock()

    monkeypatch.setattr(library._store, "lock", late)


def test_a_document_removed_during_a_sync_stays_removed(library, folder, home, monkeypatch):
    write(folder, {"new.txt": "dragon"})
    other = open_library(folder, home)
    meanwhile(library, monkeypatch, lambda: other.remove("apple.txt"))
    library.sync()
    assert [r.name for r in library.documents()] == [*list(FILES)[1:], "new.txt"]
    assert not library.sync()


def test_of_two_removals_at_once_both_are_done(library, folder, home, monkeypatch):
    other = open_library(folder, home)
    meanwhile(library, monkeypatch, lambda: other.remove("apple.txt"))
    library.remove("deep/bridge.md")
    assert [record.name for record in library.documents()] == ["deep/er/copper.txt"]


def test_a_document_taken_in_again_during_a_sync_stays_in(library, folder, home, monkeypatch):
    library.remove("apple.txt")
    write(folder, {"new.txt": "dragon"})
    other = open_library(folder, home)
    meanwhile(library, monkeypatch, lambda: other.add(folder / "apple.txt"))
    library.sync()
    assert "apple.txt" in [record.name for record in library.documents()]


def test_a_rebuild_keeps_what_was_added_and_removed_meanwhile(
    library, folder, tmp_path, home, monkeypatch
):
    extra = write(tmp_path / "extra", {"dragon.txt": "A dragon."})
    other = open_library(folder, home)

    def change():
        other.add(extra)
        other.remove("apple.txt")

    meanwhile(library, monkeypatch, change)
    library.sync(rebuild=True)
    assert [r.name for r in library.documents()] == [*list(FILES)[1:], "extra/dragon.txt"]


@pytest.mark.parametrize("kept", ["papers", "", "two"])
def test_the_command_in_an_error_mends_the_library_it_is_about(folder, tmp_path, home, kept):
    """Another name or other paths than it goes by would build another library instead."""
    given = [folder, write(tmp_path / "a b", {"x.txt": "x"})] if kept == "two" else [folder]
    name = kept if kept == "papers" else None
    library = Library.open(given, home=home, embedder=WordEmbedder(), name=name)
    library.sync()
    library.add(write(tmp_path / "extra", {"dragon.txt": "A dragon."}))
    command = {
        "papers": "--library papers",
        "": str(folder),
        "two": f"{folder} '{tmp_path / 'a b'}'",
    }[kept]
    narrow = WordEmbedder()
    narrow.dim = 9
    for embedder in (WordEmbedder("other"), narrow):
        again = Library.open(given, home=home, embedder=embedder, name=name)
        with pytest.raises(LibraryMismatch, match=re.escape(f"index --rebuild {command}")):
            again.search("apple")
    write(folder, {"apple.txt": "Another apple."})
    with pytest.raises(LibraryError, match=re.escape(f"citespan index {command}") + "$"):
        library.source("apple.txt")
    (library.folder / "CURRENT").write_text("nonsense")
    command = command if name else "with the documents' path"
    with pytest.raises(LibraryCorrupt, match=re.escape(f"index --rebuild {command}") + "$"):
        library.sync()


def test_another_chunking_cuts_again_without_reading_the_files(library, folder, home):
    again = Library.open(folder, home=home, embedder=WordEmbedder(), chunk_size=20, chunk_overlap=0)
    assert len(again.sync().unchanged) == 3
    assert all(p.end - p.start <= 20 for p in again.search("copper", k=50))


def test_another_embedder_is_refused_and_a_rebuild_takes_it(library, folder, home):
    other = open_library(folder, home, WordEmbedder("other"))
    with pytest.raises(LibraryMismatch, match="found vectors of embedder 'words', expected 'oth"):
        other.search("apple")
    with pytest.raises(LibraryMismatch, match="citespan index --rebuild"):
        other.sync()
    late = Library.open(folder, home=home, embedder=lambda: WordEmbedder("other"))
    with pytest.raises(LibraryMismatch, match="expected 'other'"):
        late.search("apple")
    other.sync(rebuild=True)
    assert names(other.search("apple", k=1)) == ["apple.txt"]


def test_a_rebuild_that_does_not_know_its_documents_is_refused_and_leaves_what_is_there(
    folder, home
):
    library = Library.open(folder, home=home, embedder=WordEmbedder(), name="papers")
    library.sync()
    (library.folder / "CURRENT").write_bytes(b"torn")
    again = Library.open(home=home, embedder=WordEmbedder(), name="papers")
    with pytest.raises(LibraryError, match="run: citespan index --rebuild --library papers with"):
        again.sync(rebuild=True)
    assert (library.folder / "CURRENT").read_bytes() == b"torn"
    whole = Library.open(folder, home=home, embedder=WordEmbedder(), name="papers")
    assert len(whole.sync(rebuild=True).added) == 3


def test_another_dimension_under_the_same_name_is_refused(library, folder, home):
    other = WordEmbedder()
    other.dim = 9
    again = open_library(folder, home, other)
    with pytest.raises(LibraryMismatch, match=r"dimension 6, expected 9 .*citespan index --rebu"):
        again.search("apple")
    write(folder, {"new.txt": "dragon"})
    with pytest.raises(LibraryMismatch, match="dimension 6, expected 9"):
        again.sync()


def test_a_library_of_another_schema_version_is_refused_until_it_is_rebuilt(library, folder, home):
    path = library.folder / "generations" / "1" / "manifest.json"
    path.write_bytes(path.read_bytes().replace(b'"schema": 2', b'"schema": 99'))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    (library.folder / "CURRENT").write_text(f"1 {digest}\n")
    again = open_library(folder, home)
    with pytest.raises(LibraryMismatch, match=r"version 99, expected 2; run: citespan index --reb"):
        again.sync()
    again.sync(rebuild=True)
    assert names(again.search("apple", k=1)) == ["apple.txt"]


def test_a_snapshot_stays_as_it_was_through_later_syncs(library, folder):
    before = library.snapshot()
    expected = before.search("copper", k=50)
    shutil.rmtree(folder / "deep")
    library.sync()
    assert before.search("copper", k=50) == expected
    assert before.document("deep/er/copper.txt").text == FILES["deep/er/copper.txt"]
    assert library.snapshot().generation == before.generation + 1


def test_questions_during_commits_are_each_answered_from_one_generation(folder, home):
    """Every generation says one number in both files; an answer with two would be a mix."""
    library = open_library(folder, home)
    seen: set[tuple[str, ...]] = set()
    stop = threading.Event()
    errors: list[BaseException] = []

    def ask() -> None:
        try:
            while not stop.is_set():
                found = library.search("dragon", k=50)
                said = {p.text.split()[-1] for p in found if "dragon" in p.text}
                seen.add(tuple(sorted(said)))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(200):
        write(folder, {f"{n}.txt": f"{n} dragon {number}" for n in "ab"})
        library.sync()
        if number >= 15 and len(seen) > 5:
            break
    stop.set()
    for thread in threads:
        thread.join()
    assert errors == []
    assert all(len(said) <= 1 for said in seen)
    assert len(seen) > 5


def test_progress_counts_documents_then_chunks(folder, home):
    steps = []
    open_library(folder, home).sync(progress=steps.append)
    reading = [s for s in steps if s.stage == "reading"]
    assert [(s.documents, s.documents_total) for s in reading] == [(1, 3), (2, 3), (3, 3)]
    assert (steps[-1].stage, steps[-1].chunks, steps[-1].chunks_total) == ("embedding", 3, 3)
    assert steps[-1].seconds_left == 0


def test_everything_on_disk_is_for_its_owner_only(library, home):
    for path in [home, *home.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path


def test_a_second_writer_is_refused_while_readers_go_on(library, folder, home):
    write(folder, {"new.txt": "dragon"})
    other = open_library(folder, home)
    with library._store.lock():
        with pytest.raises(LibraryLocked, match=rf"process {os.getpid()} is writing"):
            other.sync()
        assert names(other.search("apple", k=1)) == ["apple.txt"]
    assert other.sync().added == ("new.txt",)


def test_the_shipped_embedder_finds_by_meaning(folder, home):
    write(folder, {"pet.txt": "A kitten slept on the rug.", "bank.txt": "Interest rates rose."})
    with Library.open(folder, home=home, embedder=open_embedder) as library:
        library.sync()
        assert names(library.search("Where did the cat sleep?", k=1)) == ["pet.txt"]
        for odd in ("", "🍎" * 500, "\ud800 cat \x00", "\u202eאב", "e\u0301" * 300, "?" * 10_000):
            assert len(library.search(odd)) == 5
