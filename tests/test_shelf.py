"""Ignore files, filters, named libraries and watching."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.errors import LibraryError
from index.filters import Filter
from index.ignore import IgnoreRules, glob_expression
from index.library import Library
from index.shelf import libraries_of
from index.watch import changes
from tests.index_fakes import WordEmbedder, open_library, patient, write

RULES = """# comment
*.log
/top.txt
drafts/
notes/**/old.md
!keep.log
a[0-9].txt
"""


@pytest.mark.parametrize(
    ("name", "folder", "ignored"),
    [
        ("x.log", False, True),
        ("deep/x.log", False, True),
        ("keep.log", False, False),
        ("deep/keep.log", False, False),
        ("top.txt", False, True),
        ("deep/top.txt", False, False),
        ("drafts", True, True),
        ("drafts", False, False),
        ("deep/drafts", True, True),
        ("notes/old.md", False, True),
        ("notes/a/b/old.md", False, True),
        ("other/old.md", False, False),
        ("a7.txt", False, True),
        ("ab.txt", False, False),
        ("# comment", False, False),
    ],
)
def test_patterns_mean_what_they_mean_in_gitignore(tmp_path, name, folder, ignored):
    write(tmp_path, {".citespanignore": RULES})
    assert IgnoreRules(tmp_path).ignores(name, folder=folder) is ignored


@patient
@given(st.text(st.sampled_from("ab*?[]!\\/.^-("), max_size=12), st.text(max_size=12))
def test_no_pattern_breaks_the_matcher(pattern, name):
    import re

    re.fullmatch(glob_expression(pattern), name)


@pytest.mark.parametrize("pattern", ["[z-a]", "[!]", "[?-.]"])
def test_a_class_that_makes_no_sense_fits_nothing_and_stops_nothing(pattern):
    import re

    assert not any(re.fullmatch(glob_expression(pattern), name) for name in ("a", "z", "", pattern))


def test_what_is_ignored_is_not_in_the_library(tmp_path, home):
    folder = write(
        tmp_path / "d",
        {".citespanignore": "secret/\n*.tmp.txt\n", "a.txt": "apple", "secret/b.txt": "dragon"},
    )
    write(folder, {"c.tmp.txt": "engine"})
    library = open_library(folder, home)
    assert library.sync().added == ("a.txt",)
    (folder / ".citespanignore").write_text("a.txt\n")
    assert library.sync().removed == ("a.txt",)


@pytest.mark.parametrize(("kind", "told"), [("link", "a link"), ("long", "1,048,584 bytes")])
def test_nothing_is_indexed_by_rules_in_no_file_of_their_own(tmp_path, home, kind, told):
    """They had no effect, and what they leave out was taken in without a word."""
    folder = write(tmp_path / "d", {"secret/b.txt": "dragon"})
    rules = write(tmp_path / "rules", {"shared": "secret/\n"}) / "shared"
    if kind == "link":
        (folder / ".citespanignore").symlink_to(rules)
    else:
        (folder / ".citespanignore").write_text("secret/\n" * 131_073)
    library = open_library(folder, home)
    with pytest.raises(LibraryError, match=rf"\.citespanignore: found {told}, expected a file"):
        library.sync()
    (folder / ".citespanignore").unlink()
    (folder / ".citespanignore").write_bytes(rules.read_bytes())
    assert not library.sync().added


@pytest.mark.parametrize("call", ["lstat", "open"])
def test_nothing_is_indexed_by_rules_that_cannot_be_read(tmp_path, home, monkeypatch, call):
    """What the rules leave out would be taken in, and cited."""
    folder = write(tmp_path / "d", {".citespanignore": "secret/\n", "secret/b.txt": "dragon"})
    whole = {"lstat": os.lstat, "open": io.open}[call]

    def refuse(path, *arguments, **options):
        if str(path).endswith(".citespanignore"):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return whole(path, *arguments, **options)

    library = open_library(folder, home)
    monkeypatch.setattr(os if call == "lstat" else io, call, refuse)
    with pytest.raises(LibraryError, match=r"\.citespanignore: cannot be read \(Permission denied"):
        library.sync()
    assert library.documents() == []


@pytest.fixture
def library(tmp_path, home):
    files = {f"{place}/{n}.txt": f"apple {place} {n}" for place in ("old", "new") for n in "12"}
    folder = write(tmp_path / "d", files | {"notes.md": "# Apple\n\napple notes"})
    write(folder, {"zz/copy.txt": files["old/1.txt"]})
    opened = open_library(folder, home)
    opened.sync()
    return opened


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filter(), {"notes.md", "new/1.txt", "new/2.txt", "old/1.txt", "old/2.txt"}),
        (Filter(documents=("new",)), {"new/1.txt", "new/2.txt"}),
        (Filter(documents=("*.md", "old/1.txt")), {"notes.md", "old/1.txt"}),
        (Filter(documents=("**/1.txt",)), {"old/1.txt", "new/1.txt"}),
        (Filter(formats=("markdown",)), {"notes.md"}),
        (Filter(documents=("zz/**",)), {"zz/copy.txt"}),
        (Filter(documents=("nothing",)), set()),
        (Filter(modified_from=datetime(2100, 1, 1, tzinfo=UTC)), set()),
        (
            Filter(documents=("old",), modified_until=datetime(2100, 1, 1, tzinfo=UTC)),
            {"old/1.txt", "old/2.txt"},
        ),
    ],
)
def test_filters_narrow_the_search_and_cite_the_name_asked_for(library, filters, expected):
    found = library.search("apple", k=50, filters=filters)
    assert {passage.document for passage in found} == expected
    every = {p.start: p for p in found}
    assert all(library.document(p.document).text[p.start : p.end] == p.text for p in every.values())


def test_a_filter_is_never_taken_for_another_one(library):
    """What each filter lets through is remembered, for a few filters."""
    wanted = {f"{place}/{n}.txt" for place in ("new", "old") for n in "12"}
    for _ in range(2):
        for name in sorted(wanted):
            found = library.search("apple", k=50, filters=Filter(documents=(name,)))
            assert [passage.document for passage in found] == [name]
        assert len(library.search("apple", k=50)) == 5
    library.remove("old/2.txt")
    assert library.search("apple", filters=Filter(documents=("old/2.txt",))) == []


def test_libraries_have_names_and_are_listed(tmp_path, home):
    one = write(tmp_path / "one", {"a.txt": "apple"})
    two = write(tmp_path / "two", {"b.txt": "bridge"})
    embedder = WordEmbedder()
    Library.open(one, home=home, embedder=embedder, name="fruit").sync()
    Library.open(two, home=home, embedder=embedder).sync()
    again = Library.open(name="fruit", home=home, embedder=embedder)
    assert again.search("apple")[0].document == "a.txt"
    write(one, {"c.txt": "copper"})
    assert again.sync().added == ("c.txt",)
    records = libraries_of(home)
    assert [record.name for record in records] == ["fruit", ""]
    assert records[0].manifest.documents == 2
    assert records[1].manifest.roots == (str(two),)
    assert all(record.size > 1000 for record in records)
    with pytest.raises(LibraryError, match=r"'fruits': found no such library .there: fruit"):
        Library.open(name="fruits", home=home, embedder=embedder)
    for bad in ("../x", "", "a/b", "x" * 65):
        with pytest.raises(LibraryError, match="expected a name of letters"):
            Library.open(one, name=bad, home=home, embedder=embedder)
    with pytest.raises(LibraryError, match="found neither paths nor a name"):
        Library.open(home=home, embedder=embedder)


def test_a_damaged_library_is_listed_with_its_problem(library, home):
    (library.folder / "CURRENT").write_text("nonsense")
    (record,) = libraries_of(home)
    assert record.manifest is None
    assert "found 'nonsense'" in record.problem


def test_watching_follows_the_folder_until_it_is_stopped(tmp_path, home):
    folder = write(tmp_path / "d", {"a.txt": "apple"})
    library = open_library(folder, home)
    stop = threading.Event()
    reports = []

    def follow():
        reports.extend(library.watch(stop))

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        wait_for(lambda: library.snapshot().generation == 1)
        time.sleep(1)
        write(folder, {"deep/b.txt": "bridge"})
        wait_for(lambda: any(p.document == "deep/b.txt" for p in library.search("bridge", k=1)))
        (folder / "a.txt").unlink()
        wait_for(lambda: [r.name for r in library.documents()] == ["deep/b.txt"])
        # Watchers of source code pass this folder over; to a library it is one like others.
        write(folder, {"node_modules/c.txt": "copper"})
        wait_for(lambda: len(library.documents()) == 2)
        write(folder, {".citespanignore": "node_modules/\n"})
        wait_for(lambda: len(library.documents()) == 1)
    finally:
        stop.set()
        thread.join(timeout=30)
    assert not thread.is_alive()
    assert [(r.added, r.removed) for r in reports] == [
        (("a.txt",), ()),
        (("deep/b.txt",), ()),
        ((), ("a.txt",)),
        (("node_modules/c.txt",), ()),
        ((), ("node_modules/c.txt",)),
    ]


def test_what_changes_during_the_first_sync_is_followed(tmp_path, home):
    """Else it would be missing until the next change of any file."""
    folder = write(tmp_path / "d", {"a.txt": "apple"})

    class Slow(WordEmbedder):
        def encode(self, texts):
            if not (folder / "b.txt").exists():
                write(folder, {"b.txt": "bridge"})
            return super().encode(texts)

    library = open_library(folder, home, Slow())
    stop = threading.Event()
    # Without an event the loop would go on for ever.
    late = threading.Timer(20, stop.set)
    late.start()
    followed = library.watch(stop)
    try:
        assert next(followed).added == ("a.txt",)
        assert next(followed).added == ("b.txt",)
    finally:
        stop.set()
        late.cancel()


def test_watching_a_folder_that_is_gone_says_so(tmp_path, home):
    folder = write(tmp_path / "d", {"a.txt": "apple"})
    library = open_library(folder, home)
    folder.rename(tmp_path / "unmounted")
    with pytest.raises(LibraryError, match="found nothing there any more"):
        next(library.watch())


def test_a_folder_that_may_not_be_read_ends_no_watching():
    """It did, even where the library leaves it out; those that it does not, the next sync names."""
    stop = threading.Event()
    root = os.geteuid() == 0
    with tempfile.TemporaryDirectory() as place:
        closed = Path(place) / "closed"
        closed.mkdir(mode=0)
        Path(place).chmod(0o755)
        if root:  # who may read everything
            os.seteuid(65534)
        try:
            following = changes([Path(place)], Path(place) / "home", stop)
            assert next(following) is False
            stop.set()
            following.close()
        finally:
            if root:
                os.seteuid(0)


def test_the_first_sync_of_watching_waits_for_another_writer(tmp_path, home):
    library = open_library(write(tmp_path / "d", {"a.txt": "apple"}), home)
    stop = threading.Event()
    busy = contextlib.ExitStack()
    busy.enter_context(open_library(tmp_path / "d", home)._store.lock())
    timers = [threading.Timer(1, busy.close), threading.Timer(20, stop.set)]
    for timer in timers:
        timer.start()
    try:
        assert next(library.watch(stop)).added == ("a.txt",)
    finally:
        for timer in timers:
            timer.cancel()


def test_what_is_hidden_or_kept_by_citespan_wakes_no_watcher(tmp_path):
    """Each sync writes to the home; were that a change, a watched folder would never rest."""
    folder = write(tmp_path / "d", {"a.txt": "apple"})
    home = folder / "home"
    home.mkdir()
    stop = threading.Event()
    woken = []

    def follow():
        woken.extend(changed for changed in changes([folder], home, stop) if changed)

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        time.sleep(1)
        write(folder, {".git/index": "x", "home/libraries/x/CURRENT": "1", ".hidden.txt": "x"})
        time.sleep(1.5)
        assert woken == []
        write(folder, {"b.txt": "x"})
        wait_for(lambda: woken)
    finally:
        stop.set()
        thread.join(timeout=30)


def test_a_hidden_folder_that_is_a_root_of_its_own_is_watched(tmp_path):
    folder = write(tmp_path / "d", {"a.txt": "apple", ".drafts/b.txt": "x"})
    stop = threading.Event()
    woken = []

    def follow():
        roots = [folder, folder / ".drafts"]
        woken.extend(changed for changed in changes(roots, tmp_path / "home", stop) if changed)

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        time.sleep(1)
        write(folder, {".drafts/c.txt": "x"})
        wait_for(lambda: woken)
    finally:
        stop.set()
        thread.join(timeout=30)


def wait_for(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.05)
