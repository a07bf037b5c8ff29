"""On the terminal: what a sync would do, file by file, and what a library holds."""

from __future__ import annotations

import threading
import time

import pytest

from index.sync import SyncReport
from tests.index_fakes import open_library, write
from ui import cli, listing


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "papers", {"a.txt": "apple", "b.txt": "bridge", "c.txt": "copper"})


@pytest.fixture
def library(folder, home, monkeypatch):
    opened = open_library(folder, home)
    monkeypatch.setattr(cli, "open_library", lambda paths, named=None: opened)
    return opened


def run(capsys, *arguments):
    code = cli.main(arguments)
    out, err = capsys.readouterr()
    return code, out.splitlines(), err.splitlines()


def test_a_dry_run_names_each_file_and_what_would_become_of_it(capsys, library, folder):
    library.sync()
    (folder / "a.txt").unlink()
    (folder / "b.txt").rename(folder / "b2.txt")
    write(folder, {"c.txt": "changed", "d\n.txt": "dragon"})
    code, out, err = run(capsys, "index", "--dry-run", str(folder))
    assert (code, err) == (0, [])
    assert out[0] == "Would be: 1 added, 1 changed, 1 moved, 1 removed."
    # A line end in a name must not make it look like two files.
    assert out[1] == "  + d\ufffd.txt"
    assert out[2:] == ["  ~ c.txt", "  - a.txt", "  > b.txt → b2.txt"]
    assert library.snapshot().generation == 1


def test_a_sync_that_changes_nothing_says_what_is_there(capsys, library, folder):
    write(folder, {"bad.txt": b"\x00"})
    assert run(capsys, "index", str(folder))[1] == ["Done: 3 added, 1 not readable."]
    again = "Nothing had changed: 3 documents, 1 file not readable."
    assert run(capsys, "index", str(folder))[1] == [again]
    assert run(capsys, "index", "--dry-run", str(folder))[1] == [
        again.replace("had changed", "would change")
    ]


def test_a_reason_shared_by_many_files_is_said_once():
    failed = [(f"{n}.png", "a picture") for n in range(5)] + [("x.pdf", "broken")]
    assert list(listing.failures(SyncReport(failed=tuple(failed)))) == [
        "  not read: 0.png, 1.png, 2.png and 2 more files: a picture",
        "  not read: x.pdf: broken",
    ]


def test_a_library_is_summed_up_with_copies_counted_once(capsys, library, folder):
    write(folder, {"copy.txt": "apple", "bad.txt": b"\x00"})
    code, out, _ = run(capsys, "library", str(folder))
    assert code == 0
    assert any("copy.txt" in line and "same as a.txt" in line for line in out)
    last = " ".join(out[-1].split())
    assert last.startswith("4 documents; 0 pages; 3 chunks; 1 file not read; 0.")
    assert "embedder words; last sync 20" in last


def test_watching_says_each_change_as_it_is_taken_in(capsys, library, folder, monkeypatch):
    stop = threading.Event()
    watch = library.watch
    monkeypatch.setattr(library, "watch", lambda: watch(stop))

    def change():
        try:
            wait_for_generation(library, 1)
            time.sleep(1)
            write(folder, {"d.txt": "dragon", "bad.txt": b"\x00"})
            wait_for_generation(library, 2)
            time.sleep(0.5)
        finally:
            stop.set()

    thread = threading.Thread(target=change)
    thread.start()
    code, out, _ = run(capsys, "index", "--watch", str(folder))
    thread.join()
    assert code == 0
    assert out[0] == "Done: 3 added."
    assert out[1].startswith("Done: 1 added, 1 not readable.")
    assert out[2].startswith("  not read: bad.txt: binary data")


def wait_for_generation(library, number, seconds=20):
    deadline = time.monotonic() + seconds
    while library.snapshot().generation < number and time.monotonic() < deadline:
        time.sleep(0.05)


def test_a_damaged_library_is_mended_on_request(capsys, library, folder, home):
    library.sync()
    path = next(library.folder.rglob("vectors.faiss"))
    path.write_bytes(b"x" + path.read_bytes()[1:])
    library.close()
    code, out, err = run(capsys, "library", "--verify", str(folder))
    assert (code, out) == (2, [])
    assert "vectors.faiss" in err[0] and "citespan index --rebuild" in err[0]
    code, out, err = run(capsys, "library", "--repair", str(folder))
    assert (code, out) == (0, ["3 documents, 3 chunks checked"])
    assert len(err) == 1 and err[0].startswith("mended: ") and "vectors.faiss" in err[0]
    assert len(library.search("apple")) == 3
