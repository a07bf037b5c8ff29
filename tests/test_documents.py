"""Files become canonical text, or a reason a person can act on."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.content import Heading, canonical
from index.documents import load, parse
from index.errors import DocumentTooLarge, UnreadableDocument, UnsupportedFormat
from index.formats.plain import markdown_headings
from tests.index_fakes import patient, write

PRINTABLE = st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("\r\n\té́"))


@patient
@given(PRINTABLE)
def test_canonical_text_is_composed_has_one_kind_of_line_end_and_stays_so(text):
    once = canonical(text)
    assert once == unicodedata.normalize("NFC", once)
    assert "\r" not in once
    assert canonical(once) == once


def test_a_combining_accent_and_windows_line_ends_count_as_one_character_each(tmp_path):
    folder = write(tmp_path, {"a.txt": "Cafe\u0301\r\nau\rlait 🍎\n"})
    document = load(folder / "a.txt")
    assert document.text == "Café\nau\nlait 🍎\n"
    assert document.text.index("lait") == 8


def test_the_hash_is_of_the_bytes_on_disk_not_of_the_canonical_text(tmp_path):
    data = "Cafe\u0301\r\n".encode()
    document = load(write(tmp_path, {"a.txt": data}) / "a.txt")
    assert document.sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    ("encoding", "reported"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "utf-16"),
        ("utf-32", "utf-32"),
    ],
)
def test_declared_encodings_are_read_without_a_guess(encoding, reported):
    document = parse("Größe: 5 €".encode(encoding), "a.txt")
    assert (document.text, document.encoding, document.note) == ("Größe: 5 €", reported, None)


def test_a_guessed_encoding_is_said_to_be_one():
    text = "Die Prüfung der Größe hat für alle Bücher ergeben: drei Stück fehlen. " * 20
    document = parse(text.encode("cp1252"), "alt.txt")
    assert document.text == text
    assert document.note == f"encoding detected as {document.encoding}; not declared"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"MZ\x90\x00\x03\x00\x00\x00\xff\xff", "binary data, no text"),
        (b"plain until \x00 here", "binary data, no text .control character U.0000 at 12"),
        (b"\xff\xfeA", "starts as utf-16 but breaks at byte"),
        (b"", "no text in it"),
        (b" \n\t\r\n ", "no text in it"),
    ],
)
def test_bytes_that_are_not_text_are_refused_with_their_reason(data, reason):
    with pytest.raises(UnreadableDocument, match=rf"notes\.txt: {reason}"):
        parse(data, "notes.txt")


def test_an_unknown_format_is_named_beside_the_known_ones():
    with pytest.raises(UnsupportedFormat, match=r"found a '\.exe' file, expected one of .*\.md"):
        parse(b"MZ", "setup.exe")


def test_a_missing_file_and_a_folder_are_no_documents(tmp_path):
    with pytest.raises(UnreadableDocument, match="could not be opened .no such file"):
        load(tmp_path / "gone.txt")
    (tmp_path / "folder.txt").mkdir()
    with pytest.raises(UnreadableDocument, match="not a regular file"):
        load(tmp_path / "folder.txt")


def test_a_pipe_does_not_hold_the_reader_up(tmp_path):
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(UnreadableDocument, match="not a regular file"):
        load(tmp_path / "pipe.txt")


def test_a_file_over_the_limit_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "large.txt"
    with path.open("wb") as file:
        file.truncate(300 * 1024 * 1024)
    with pytest.raises(DocumentTooLarge, match="found 314,572,800 bytes, expected at most"):
        load(path)


def test_markdown_keeps_its_source_and_knows_its_headings():
    text = (
        "---\ntitle: Not a heading\n---\n# One *two*\n\nText.\n\nThree\n---\n\n```\n# code\n```\n"
    )
    document = parse(text.encode(), "notes.md")
    assert document.text == text
    assert [(h.text, h.level) for h in document.headings] == [("One *two*", 1), ("Three", 2)]
    spans = [text[h.start : h.end] for h in document.headings]
    assert spans == ["# One *two*", "Three\n---"]


def test_a_place_has_the_heading_above_it():
    text = "Before.\n# First\nInside.\n## Second\nDeeper."
    document = parse(text.encode(), "a.md")
    assert document.heading_at(0) is None
    assert document.heading_at(text.index("Inside")) == "First"
    assert document.heading_at(text.index("Deeper")) == "Second"
    assert document.page_at(0) is None


@patient
@given(st.text(st.sampled_from("# \n-=>`ab\té🍎*"), max_size=80))
def test_every_heading_stands_where_it_says(text):
    for heading in markdown_headings(text):
        assert isinstance(heading, Heading)
        assert 0 <= heading.start < heading.end <= len(text)
        written = text[heading.start : heading.end]
        assert all(word in written for word in heading.text.split())


def test_a_name_can_be_given(tmp_path):
    path = write(tmp_path, {"x/a.txt": "text"}) / "x" / "a.txt"
    assert load(path).name == "a.txt"
    assert load(path, "x/a.txt").name == "x/a.txt"
    assert load(Path(path)).format == "text"
