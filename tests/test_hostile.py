"""Files made to do harm: a reason is given, nothing else is touched, and the next one is read."""

from __future__ import annotations

import errno
import io
import os
import random
import signal
import socket
import struct
import subprocess
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest

from index.errors import DocumentTooLarge, ParserInterrupted, UnreadableDocument
from index.formats.archive import MAX_UNPACKED
from index.isolation import ParserProcess
from tests.format_fakes import archive, docx_of, epub_of, pdf_of, show
from tests.index_fakes import open_library, write

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def declare(data, size):
    """Let every entry of a zip's directory claim to unpack to `size` bytes."""
    out, at = bytearray(data), 0
    while (at := out.find(b"PK\x01\x02", at)) >= 0:
        struct.pack_into("<I", out, at + 24, size)
        at += 4
    return bytes(out)


@pytest.mark.parametrize("suffix", ["docx", "epub", "xlsx", "pptx"])
def test_archives_that_would_fill_the_memory_are_refused_before_they_are_unpacked(read, suffix):
    bomb = declare(archive({f"{n}.xml": "x" for n in range(5)}), 2**31)
    with pytest.raises(DocumentTooLarge, match=r"would unpack to 10,737,418,240 bytes"):
        read(bomb, f"bomb.{suffix}")
    crowd = archive({f"{n}": "" for n in range(20_000)})
    with pytest.raises(DocumentTooLarge, match="found 20,000 entries in the archive"):
        read(crowd, f"crowd.{suffix}")


def test_an_archive_that_lies_about_its_sizes_unpacks_no_further_than_it_said(read):
    entry = b"<p>" + b"a" * 50_000_000
    honest = epub_of(entry.decode())
    with pytest.raises(UnreadableDocument, match="broken file"):
        read(declare(honest, 300), "liar.epub")
    assert len(entry) < MAX_UNPACKED


def docx_saying(doctype):
    body = f'<w:document xmlns:w="{WORD}"><w:body><w:p><w:r><w:t>text &x;</w:t></w:r></w:p>'
    return docx_of(f"{doctype}{body}</w:body></w:document>")


def xlsx_saying(doctype):
    import openpyxl

    buffer = io.BytesIO()
    openpyxl.Workbook().save(buffer)
    with zipfile.ZipFile(buffer) as file:
        entries = {name: file.read(name) for name in file.namelist()}
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    cell = '<row r="1"><c r="A1" t="inlineStr"><is><t>text &x;</t></is></c></row>'
    sheet = f'{doctype}<worksheet xmlns="{main}"><sheetData>{cell}</sheetData></worksheet>'
    return archive(entries | {"xl/worksheets/sheet1.xml": sheet})


def pptx_saying(doctype):
    drawing = "http://schemas.openxmlformats.org/drawingml/2006/main"
    show_ns = "http://schemas.openxmlformats.org/presentationml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    return archive(
        {
            "ppt/presentation.xml": f'<p xmlns:p="{show_ns}" xmlns:r="{office}">'
            '<p:sldId r:id="r1"/></p>',
            "ppt/_rels/presentation.xml.rels": '<R><x Id="r1" Target="slides/slide1.xml"/></R>',
            "ppt/slides/slide1.xml": f'{doctype}<s xmlns:a="{drawing}"><a:p><a:r>'
            "<a:t>text &x;</a:t></a:r></a:p></s>",
        }
    )


def epub_saying(doctype):
    package = (
        f'{doctype}<package><manifest><item id="c" href="&x;c.xhtml"/></manifest>'
        '<spine><itemref idref="c"/></spine></package>'
    )
    chapter = f"{doctype}<html><body><p>text &x;</p></body></html>"
    return epub_of(chapter, extra={"book/p.opf": package, "book/c.xhtml": chapter})


SAYING = {
    "docx": docx_saying,
    "xlsx": xlsx_saying,
    "pptx": pptx_saying,
    "epub": epub_saying,
    "xhtml": lambda doctype: f"{doctype}<html><body><p>text &x;</p></body></html>".encode(),
}
LAUGHS = "".join(
    f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' if n else '<!ENTITY l0 "ha">' for n in range(10)
)


@pytest.mark.parametrize("kind", SAYING)
def test_external_entities_are_not_read_and_laughs_do_not_multiply(read, tmp_path, kind):
    secret = tmp_path / "secret.txt"
    secret.write_text("TOP SECRET")
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.setblocking(False)
        address = f"http://127.0.0.1:{elsewhere.getsockname()[1]}"
        for doctype in (
            f'<!DOCTYPE d [<!ENTITY x SYSTEM "file://{secret}">]>',
            f'<!DOCTYPE d [<!ENTITY x SYSTEM "{address}/x">]>',
            f'<!DOCTYPE d SYSTEM "{address}/d.dtd" [<!ENTITY x "">]>',
            f'<!DOCTYPE d [{LAUGHS}<!ENTITY x "&l9;">]>',
        ):
            try:
                text = read(SAYING[kind](doctype), f"x.{kind}").text
            except UnreadableDocument as error:
                text = str(error)
            assert "SECRET" not in text
            assert len(text) < 1000
        with pytest.raises(BlockingIOError, match="unavailable"):
            elsewhere.accept()


@pytest.mark.parametrize("kind", SAYING)
def test_the_files_of_the_test_above_are_read_when_they_are_harmless(read, kind):
    harmless = '<!DOCTYPE d [<!ENTITY x "">]>'
    assert read(SAYING[kind](harmless), f"x.{kind}").text.split("\n")[-1].startswith("text")


def test_entries_that_point_out_of_the_archive_write_nothing(read, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    extra = {"../../../../tmp/evil-citespan": "x", "/evil": "x", "n" * 10_000: "x", "a\x00b": "x"}
    data = epub_of("<p>in</p>", extra=extra)
    assert read(data, "slip.epub").text == "in"
    assert not os.path.exists("/tmp/evil-citespan")
    assert list(tmp_path.iterdir()) == []


ENCRYPTED = "/Encrypt << /Filter /Standard /V 1 /R 2 /O (" + "o" * 32 + ") /U (" + "u" * 32
ENCRYPTED += ") /P -4 >> /ID [(" + "i" * 16 + ") (" + "i" * 16 + ")]"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (pdf_of(show("x"), trailer=ENCRYPTED), "encrypted; save it without a password"),
        (b"%PDF-1.4\nnothing", "broken PDF"),
        (pdf_of(b"", b""), "scanned, no text layer on any of its 2 pages"),
    ],
)
def test_pdfs_without_readable_text_say_why(read, data, reason):
    with pytest.raises(UnreadableDocument, match=f"a.pdf: {reason}"):
        read(data, "a.pdf")


def test_a_pdf_whose_pages_hold_each_other_ends(read):
    data = pdf_of(show("x")).replace(b"/Kids [4 0 R]", b"/Kids [2 0 R]")
    with pytest.raises(UnreadableDocument, match=r"loop\.pdf"):
        read(data, "loop.pdf")


def test_a_parser_that_takes_too_long_is_ended_and_the_next_file_is_read():
    slow = pdf_of(show(*["many words here"] * 40) * 30_000)
    with ParserProcess(seconds=2) as process:
        started = time.perf_counter()
        with pytest.raises(UnreadableDocument, match=r"slow\.pdf: not read within 2 seconds"):
            process.parse(slow, "slow.pdf", "pdf")
        assert time.perf_counter() - started < 10
        process._seconds = 20
        assert process.parse(pdf_of(show("next")), "b.pdf", "pdf").text == "next"


def test_a_parser_that_needs_too_much_memory_is_ended_and_the_next_file_is_read():
    bomb = pdf_of(b" " * 300_000_000)
    with ParserProcess(seconds=30, memory=250 * 1024**2) as process:
        with pytest.raises(UnreadableDocument, match=r"bomb\.pdf"):
            process.parse(bomb, "bomb.pdf", "pdf")
        assert process.parse(pdf_of(show("next")), "b.pdf", "pdf").text == "next"


@pytest.mark.parametrize("number", [errno.ENOMEM, errno.EAGAIN, errno.EMFILE])
def test_a_parser_that_cannot_be_started_says_nothing_of_the_file(monkeypatch, number):
    """A good document would be called broken, and never be read again."""

    def refuse(*_, **__):
        raise OSError(number, os.strerror(number))

    with ParserProcess() as process:
        with monkeypatch.context() as short:
            short.setattr(subprocess, "Popen", refuse)
            why = rf"a\.pdf: its parser could not be started \({os.strerror(number)}"
            with pytest.raises(ParserInterrupted, match=why):
                process.parse(pdf_of(show("x")), "a.pdf", "pdf")
        assert process.parse(pdf_of(show("next")), "a.pdf", "pdf").text == "next"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_parser_that_was_ended_from_outside_says_nothing_of_the_file(number):
    with ParserProcess() as process, ThreadPoolExecutor() as pool:
        reading = pool.submit(process.parse, b"<p>" * 3_000_000, "a.html", "html")
        while process._process is None:
            time.sleep(0.01)
        os.kill(process._process.pid, number)
        with pytest.raises(ParserInterrupted, match=rf"ended by {number.name}"):
            reading.result()


def test_deeply_nested_html_is_read_without_recursion(read):
    assert read(b"<div>" * 10_000 + b"deep", "a.html").text == "deep"


def hostile(number):
    """Return a name and bytes that no loader can use."""
    chance = random.Random(number)
    junk = chance.randbytes(chance.randrange(1, 3000))
    suffix = ["pdf", "docx", "epub", "xlsx", "pptx", "txt", "eml", "png", "exe", "md"][number % 10]
    head = {"pdf": b"%PDF-1.7\n", "docx": b"PK\x03\x04", "txt": b"\x00", "md": b"\x00"}
    return f"bad/{number:03}.{suffix}", head.get(suffix, b"") + junk


def test_a_hundred_hostile_files_among_a_hundred_good_ones(tmp_path, home):
    good = {f"good/{n:03}.txt": f"apple {n}" for n in range(90)}
    good |= {f"good/{n:03}.pdf": pdf_of(show(f"copper {n}")) for n in range(10)}
    bad = dict(hostile(number) for number in range(100))
    library = open_library(write(tmp_path / "mixed", good | bad), home)
    report = library.sync()
    assert set(good) <= set(report.added)
    reasons = dict(report.failed)
    # Random bytes may happen to be an e-mail or an old encoding of text; they are then text.
    assert len(reasons) >= 85
    assert set(reasons) | set(report.added) == set(good) | set(bad)
    assert all(len(reason) > 10 for reason in reasons.values())
    assert library.verify()
