"""What a browser sends is not to be believed: not its name, not its path, not its kind."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ui import uploads
from ui.uploads import safe_name


@pytest.fixture
def received(tmp_path) -> Path:
    folder = tmp_path / "received"
    folder.mkdir()
    return folder


def put(received: Path, name: str, content: bytes = b"The harbour was founded in 1708.") -> str:
    folder = received / f"hash{len(list(received.iterdir()))}"
    folder.mkdir()
    path = folder / name
    path.write_bytes(content)
    return str(path)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("report.md", "report.md"),
        ("2026/spring/report.md", "2026/spring/report.md"),
        ("../../etc/passwd", "etc/passwd"),
        ("/etc/passwd", "etc/passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("C:\\papers\\a.txt", "C_/papers/a.txt"),
        (".bashrc", "bashrc"),
        ("nul\x00byte.txt", "nulbyte.txt"),
        ("invoice\u202etxt.exe", "invoicetxt.exe"),
        ("<img src=x>.txt", "_img src=x_.txt"),
        ("", "file"),
        ("...", "file"),
    ],
)
def test_a_name_is_kept_without_its_tricks(said, kept):
    assert safe_name(said) == PurePosixPath(kept)


@given(st.text(max_size=300))
def test_no_name_leads_out_of_the_folder_or_is_too_long(said):
    name = safe_name(said)
    assert not name.is_absolute()
    assert ".." not in name.parts
    assert 1 <= len(name.parts) <= uploads.MAX_FOLDERS + 1
    assert all(0 < len(os.fsencode(part)) <= uploads.MAX_NAME_BYTES for part in name.parts)


def test_files_are_taken_with_their_folders_and_closed_to_others(received, tmp_path):
    path = put(received, "a.txt")
    (sent,) = uploads.take([(path, "papers/a.txt")], received, tmp_path / "kept")
    assert sent == uploads.Sent("papers/a.txt")
    kept = tmp_path / "kept" / "papers" / "a.txt"
    assert kept.read_bytes() == b"The harbour was founded in 1708."
    assert kept.stat().st_mode & 0o777 == 0o600
    assert not Path(path).exists()


def test_another_file_of_the_same_name_does_not_replace_the_first(received, tmp_path):
    kept = tmp_path / "kept"
    files = [(put(received, "a.txt", text), "a.txt") for text in (b"one", b"two", b"one")]
    assert [sent.name for sent in uploads.take(files, received, kept)] == [
        "a.txt",
        "a (2).txt",
        "a.txt",
    ]
    assert (kept / "a.txt").read_bytes() == b"one"
    assert (kept / "a (2).txt").read_bytes() == b"two"


def test_equal_files_of_one_name_in_two_folders_are_both_taken(received, tmp_path):
    """They are received at one place; the second one "was not received"."""
    path, kept = put(received, "notes.txt"), tmp_path / "kept"
    files = [(path, name) for name in ("2023/notes.txt", "2024/notes.txt", "2023/notes.txt")]
    sent = uploads.take(files, received, kept)
    assert sent == [uploads.Sent(name) for _, name in files]
    for name in ("2023/notes.txt", "2024/notes.txt"):
        assert (kept / name).read_bytes() == b"The harbour was founded in 1708."
        assert (kept / name).stat().st_mode & 0o777 == 0o600


def test_only_files_that_were_received_are_taken(received, tmp_path):
    outside = tmp_path / "secret.txt"
    outside.write_text("secret")
    link = received / "link.txt"
    link.symlink_to(outside)
    claimed = [
        (str(outside), "a.txt"),
        (str(received / ".." / "secret.txt"), "a.txt"),
        (str(link), "a.txt"),
        (str(received), "a.txt"),
        (str(received / "nothing.txt"), "a.txt"),
        ("a\x00b", "a.txt"),
        ("", "a.txt"),
    ]
    sent = uploads.take(claimed, received, tmp_path / "kept")
    assert [one.reason for one in sent] == [
        "a.txt: was not received as an upload; send it again"
    ] * len(claimed)
    assert outside.read_text() == "secret"
    assert list((tmp_path / "kept").iterdir()) == []


def test_a_kind_without_a_loader_is_refused_and_the_others_are_taken(received, tmp_path):
    files = [
        (put(received, "tool.exe"), "tool.exe"),
        (put(received, "a.txt"), "a.txt"),
    ]
    refused, taken = uploads.take(files, received, tmp_path / "kept")
    assert refused.reason is not None and ".exe" in refused.reason
    assert taken.reason is None


def test_the_quota_holds_across_one_upload(received, tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "QUOTA_BYTES", 100)
    files = [(put(received, f"{n}.txt", b"x" * 60), f"{n}.txt") for n in range(2)]
    first, second = uploads.take(files, received, tmp_path / "kept")
    assert first.reason is None
    assert second.reason == "1.txt: uploads hold 60 bytes, at most 100; remove some"


def test_a_file_over_the_limit_is_refused(received, tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_FILE_BYTES", 10)
    (sent,) = uploads.take([(put(received, "a.txt"), "a.txt")], received, tmp_path / "kept")
    assert sent.reason == "a.txt: has 32 bytes, at most 10 are read"


def test_more_files_than_the_limit_are_refused(received, tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_FILES", 1)
    files = [(put(received, f"{n}.txt"), f"{n}.txt") for n in range(2)]
    first, second = uploads.take(files, received, tmp_path / "kept")
    assert first.reason is None
    assert second.reason == "1.txt: at most 1 files are taken at once"
