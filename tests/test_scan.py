"""Which files a library is made of: all of its folder that are documents, and nothing else."""

from __future__ import annotations

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


def test_names_that_are_not_unicode_are_spelled_out(folder, home):
    with open(os.fsencode(folder) + b"/caf\xe9.txt", "w") as file:
        file.write("dragon")
    library = open_library(folder, home)
    library.sync()
    assert library.search("dragon", k=1)[0].document == r"caf\xe9.txt"
