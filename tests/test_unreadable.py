"""A file that cannot be read costs itself: the others are indexed, and it is said why."""

from __future__ import annotations

import pytest

from index import documents
from index.content import Content
from index.errors import ParserInterrupted, UnreadableDocument
from tests.index_fakes import open_library, write


@pytest.fixture
def folder(tmp_path):
    good = {
        "apple.txt": "The apple is red.",
        "bridge.md": "# Crossings",
        "deep/copper.txt": "Copper.",
    }
    return write(tmp_path / "papers", good)


def test_one_bad_file_stops_no_other_and_its_reason_is_kept(folder, home):
    write(folder, {"bad.txt": b"\x00\x01\x02", "empty.md": b"", "song.mp3": b"ID3"})
    library = open_library(folder, home)
    report = library.sync()
    assert len(report.added) == 3
    assert [name for name, _ in report.failed] == ["bad.txt", "empty.md", "song.mp3"]
    records = {record.name: record for record in open_library(folder, home).documents()}
    assert records["apple.txt"].status == "indexed"
    assert records["bad.txt"].status == "failed"
    assert "binary data" in records["bad.txt"].reason
    assert "no text" in records["empty.md"].reason
    assert library.sync().generation == 1, "bad files must not make every sync a new generation"


def test_a_reason_does_not_say_the_name_that_stands_beside_it(folder, home):
    write(folder, {"deep/bad.txt": b"\x00", "deep/song.mp3": b"ID3", "deep/page.pdf": b"x"})
    reasons = dict(open_library(folder, home).sync().failed)
    assert len(reasons) == 3
    assert not [reason for name, reason in reasons.items() if name.rpartition("/")[2] in reason]
    assert reasons["deep/bad.txt"].startswith("binary data")


def test_a_file_that_becomes_readable_is_taken_in(folder, home):
    path = write(folder, {"late.txt": b"\x00"}) / "late.txt"
    library = open_library(folder, home)
    library.sync()
    path.write_text("The dragon is late.")
    assert library.sync().added == ("late.txt",)
    assert library.search("dragon", k=1)[0].document == "late.txt"


def test_a_file_that_changes_while_it_is_read_waits_for_the_next_sync(folder, home, monkeypatch):
    """Text of two moments must not be stored as one document."""
    whole, calls = documents.read_bytes, 0

    def growing(path):
        nonlocal calls
        calls += path.name == "apple.txt"
        more = b" and green." if path.name == "apple.txt" and calls > 1 else b""
        return whole(path) + more

    monkeypatch.setattr(documents, "read_bytes", growing)
    library = open_library(folder, home)
    report = library.sync()
    assert [name for name, _ in report.failed] == ["apple.txt"]
    assert "changed while it was being read" in report.failed[0][1]
    monkeypatch.undo()
    assert library.sync().added == ("apple.txt",)


def test_a_folder_of_unreadable_files_only_is_an_empty_library_that_says_why(tmp_path, home):
    folder = write(tmp_path / "bad", {"a.txt": b"\x00", "b.exe": b"MZ"})
    library = open_library(folder, home)
    assert len(library.sync().failed) == 2
    assert library.search("apple") == []
    assert [record.status for record in library.documents()] == ["failed", "failed"]
    again = open_library(folder, home).sync()
    assert (again.generation, len(again.failed)) == (1, 2)


class Busy:
    """Stands in for the parser; interrupted as often as `left` says, then reads everything."""

    left = 0
    asked = 0

    def parse(self, data, name, format):
        Busy.asked += 1
        if Busy.left > 0:
            Busy.left -= 1
            raise ParserInterrupted(f"{name}: not read within 60 seconds")
        if data == b"broken":
            raise UnreadableDocument(f"{name}: broken file")
        return Content(data.decode())

    def close(self):
        pass


@pytest.fixture
def busy(monkeypatch):
    monkeypatch.setattr("index.sync.ParserProcess", Busy)
    monkeypatch.setattr(Busy, "left", 0)
    monkeypatch.setattr(Busy, "asked", 0)
    return Busy


def test_a_parser_interrupted_on_a_busy_machine_is_given_another_try(folder, home, busy):
    """Else a good document would be missing until somebody happens to edit it."""
    write(folder, {"slow.pdf": b"A dragon.", "broken.pdf": b"broken"})
    busy.left = 2
    library = open_library(folder, home)
    # Names in order: broken.pdf is interrupted as well, the first time.
    assert dict(library.sync().failed)["slow.pdf"] == "not read within 60 seconds"
    report = open_library(folder, home).sync()
    assert report.added == ("slow.pdf",)
    assert report.failed == (("broken.pdf", "broken file"),)
    asked = busy.asked
    assert not library.sync()
    assert busy.asked == asked, "what is broken must not be read again"


def test_a_file_that_never_ends_is_tried_three_times_and_then_left_alone(folder, home, busy):
    write(folder, {"endless.pdf": b"A dragon."})
    busy.left = 10
    library = open_library(folder, home)
    assert [len(library.sync().failed) for _ in range(5)] == [1] * 5
    assert busy.asked == 3
    assert library.snapshot().generation == 3
    write(folder, {"endless.pdf": b"A short dragon."})
    busy.left = 0
    assert library.sync().added == ("endless.pdf",)
