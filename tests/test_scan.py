"""Which files a library is made of: all of its folder that are documents, and nothing else."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from index.errors import LibraryError
from index.library import Library
from tests.index_fakes import WordEmbedder, open_library, write

FILES = {
    "apple.txt": "The apple is red.",
    "deep/bridge.md": "# Crossings\n\nThe bridge is long.",
    "deep/er/copper.txt": "Copper conducts.",
}


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "papers", FILES)


def test_a_missing_path_is_named_with_what_was_expected(tmp_path, home):
    with pytest.raises(LibraryError, match="nowhere: found nothing there, expected a folder"):
        open_library(tmp_path / "nowhere", home)
    with pytest.raises(LibraryError, match="found no path"):
        Library.open([], home=home, embedder=WordEmbedder())
    with pytest.raises(LibraryError, match="found nothing there"):
        open_library(Path("a\x00b"), home)
    with pytest.raises(LibraryError, match="found nothing there"):
        open_library(tmp_path / ("n" * 10_000), home)


@pytest.mark.parametrize("name", ["../secret.txt", "/etc/passwd", "a\x00b", "n" * 10_000, ""])
def test_no_name_of_a_document_leads_out_of_the_library(folder, home, name):
    write(folder.parent, {"secret.txt": "A dragon."})
    library = open_library(folder, home)
    library.sync()
    for ask in (library.document, library.source, library.remove):
        with pytest.raises(LibraryError, match="found no such document"):
            ask(name)


def test_a_single_file_is_a_library_of_one(folder, home):
    library = open_library(folder / "deep" / "bridge.md", home)
    assert library.sync().added == ("bridge.md",)


def test_several_paths_keep_their_names_apart(folder, tmp_path, home):
    """Two files under one name would mean that one of them is silently not searched."""
    other = write(tmp_path / "other", {"deep/bridge.md": "Another bridge.", "a.txt": "one"})
    third = write(tmp_path / "third", {"a.txt": "two", "deep/bridge.md": "A third bridge."})
    given = [folder, other / "deep", third / "deep", other / "a.txt", third / "a.txt"]
    library = Library.open([*given, folder / "apple.txt"], home=home, embedder=WordEmbedder())
    library.sync()
    assert [(record.name, record.status) for record in library.documents()] == [
        ("a.txt", "indexed"),
        ("apple.txt", "indexed"),
        ("deep/bridge.md", "indexed"),
        ("deep/er/copper.txt", "indexed"),
        ("~2/a.txt", "indexed"),
        ("~2/deep/bridge.md", "indexed"),
        ("~2/~2/deep/bridge.md", "indexed"),
    ]


def test_links_out_of_the_folder_and_hidden_files_are_left_out(folder, tmp_path, home):
    outside = write(tmp_path / "outside", {"private.txt": "dragon"})
    (folder / "link.txt").symlink_to(outside / "private.txt")
    (folder / "linked").symlink_to(outside)
    (folder / "loop").symlink_to(folder)
    (folder / "inside.txt").symlink_to(folder / "apple.txt")
    write(folder, {".hidden.txt": "dragon", ".git/x.txt": "dragon"})
    library = open_library(folder, home)
    assert library.sync().added == tuple(sorted([*FILES, "inside.txt"]))


def test_a_home_inside_the_folder_is_not_indexed(folder):
    """A library that indexed itself would change itself with every sync."""
    library = open_library(folder, folder / "home")
    assert library.sync().added == tuple(FILES)
    assert library.sync().generation == 1


def test_nothing_that_citespan_keeps_is_a_document(folder, tmp_path):
    """Golden sets, uploads and vectors beside the libraries are its own, whoever's home it is."""
    for home in (folder / "home", folder / "deep" / "another"):
        open_library(write(tmp_path / "other", {"a.txt": "dragon"}), home)
        write(home, {"golden/papers.yaml": "- question: dragon?", "uploads/b.txt": "dragon"})
    assert open_library(folder, folder / "home").sync().added == tuple(FILES)
    assert open_library(folder, tmp_path / "outside").sync().added == tuple(FILES)


def test_uploads_kept_in_a_home_are_documents_when_asked_for(home):
    uploads = write(home / "uploads" / "x", {"a.txt": "apple"})
    open_library(uploads, home)
    assert open_library(uploads, home).sync().added == ("a.txt",)


def test_a_folder_called_libraries_is_one_of_documents_all_the_same(folder, home):
    write(folder, {"city/libraries/alexandria.txt": "apple", "libraries/index.txt": "dragon"})
    added = open_library(folder, home).sync().added
    assert {"city/libraries/alexandria.txt", "libraries/index.txt"} < set(added)


def refusing(monkeypatch, call, *places, number=errno.EACCES):
    """Let a function of `os` fail at these places, as it does for others than root."""
    whole = getattr(os, call)

    def refuse(path, *arguments, **options):
        if any(os.fspath(path) == os.fspath(place) for place in places):
            raise OSError(number, os.strerror(number), os.fspath(path))
        return whole(path, *arguments, **options)

    monkeypatch.setattr(os, call, refuse)


def test_a_folder_that_may_not_be_entered_is_passed_over(folder, home, monkeypatch):
    """A disk's lost+found would otherwise end every command on that disk."""
    closed = write(folder, {"lost+found/x.txt": "dragon"}) / "lost+found"
    refusing(monkeypatch, "scandir", closed)
    refusing(monkeypatch, "stat", closed / "libraries")
    assert open_library(folder, home).sync().added == tuple(FILES)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ESTALE, errno.EMFILE])
def test_a_root_that_cannot_be_read_is_not_read_as_everything_deleted(
    folder, home, monkeypatch, number
):
    library = open_library(folder, home)
    library.sync()
    for call in ("scandir", "stat"):
        with monkeypatch.context() as broken:
            refusing(broken, call, folder, number=number)
            with pytest.raises(
                LibraryError, match=rf"papers: cannot be read \({os.strerror(number)}"
            ):
                library.sync()
    assert len(library.documents()) == 3
    assert not library.sync()


@pytest.mark.parametrize(("call", "place"), [("scandir", "deep"), ("lstat", "deep/bridge.md")])
def test_a_failing_disk_is_not_read_as_documents_deleted(folder, home, monkeypatch, call, place):
    library = open_library(folder, home)
    library.sync()
    refusing(monkeypatch, call, folder / place, number=errno.EIO)
    with pytest.raises(LibraryError, match=rf"{place}: cannot be read \(Input/output error"):
        library.sync()
    assert len(library.documents()) == 3


def test_a_folder_around_an_earlier_one_adds_only_what_that_does_not_hold(folder, home):
    """Each file found twice would take two places among the passages, under two names."""
    library = open_library(folder / "deep", home)
    library.sync()
    library.remove("bridge.md")
    assert library.add(folder / "apple.txt").added == ("apple.txt",)
    assert Library.open(
        [folder / "deep", folder], home=home, embedder=WordEmbedder()
    ).sync().added == tuple(FILES)
    wider = Library.open(folder / "deep", home=home, embedder=WordEmbedder(), name="wider")
    wider.sync()
    wider = Library.open(folder, home=home, embedder=WordEmbedder(), name="wider")
    assert wider.sync().added == ("papers/apple.txt",)
    assert [record.status for record in wider.documents()] == ["indexed"] * 3


def test_a_folder_inside_that_of_the_library_is_not_indexed_again(folder, home):
    """A document removed for good would answer again, under another name."""
    named = {"home": home, "embedder": WordEmbedder(), "name": "papers"}
    library = Library.open(folder, **named)
    library.sync()
    library.remove("deep/bridge.md")
    again = Library.open(folder / "deep", **named)
    assert not again.sync()
    assert [record.name for record in again.documents()] == ["apple.txt", "deep/er/copper.txt"]


def test_an_ignored_folder_inside_that_of_the_library_can_be_given_too(folder, home):
    named = {"home": home, "embedder": WordEmbedder(), "name": "papers"}
    write(folder, {".citespanignore": "deep/\n"})
    assert Library.open(folder, **named).sync().added == ("apple.txt",)
    assert len(Library.open(folder / "deep", **named).sync().added) == 2


def test_links_in_a_circle_are_passed_over(folder, home):
    """One of them ended every command on the library."""
    (folder / "loop").symlink_to("loop")
    (folder / "y.txt").symlink_to("loop/x.txt")
    assert len(open_library(folder, home).sync().added) == len(FILES)


def test_a_hidden_folder_inside_that_of_the_library_can_be_given_too(folder, home):
    """A scan of the folder around it passes it over, so it would be in no library at all."""
    library = open_library(write(folder, {".notes/a.txt": "dragon"}), home)
    library.sync()
    assert library.add(folder / ".notes").added == (".notes/a.txt",)


@pytest.mark.parametrize("seconds", [10_413_792_000, -11_676_096_000])
def test_a_file_dated_centuries_away_is_a_document_like_any_other(folder, home, seconds):
    """One date of a broken clock ended every sync of the library, with no word of which file."""
    os.utime(folder / "apple.txt", (seconds, seconds))
    library = open_library(folder, home)
    assert library.sync().added == tuple(FILES)
    assert not library.sync()
    write(folder, {"apple.txt": "The dragon is red."})
    assert library.sync().changed == ("apple.txt",)


def test_names_that_are_not_unicode_are_spelled_out(folder, home):
    with open(os.fsencode(folder) + b"/caf\xe9.txt", "w") as file:
        file.write("dragon")
    library = open_library(folder, home)
    library.sync()
    assert library.search("dragon", k=1)[0].document == r"caf\xe9.txt"
