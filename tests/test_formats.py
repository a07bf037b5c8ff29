"""Every format becomes text whose places can be found again; hostile files cost only themselves."""

from __future__ import annotations

import io
import os
import random
import socket
import struct
import time
import unicodedata
import zipfile
import zlib

import pytest

from index.documents import parse
from index.errors import DocumentError, DocumentTooLarge, UnreadableDocument
from index.formats.archive import MAX_UNPACKED
from index.isolation import ParserProcess
from tests.index_fakes import open_library, write

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


@pytest.fixture(scope="module")
def parser():
    with ParserProcess(seconds=20) as process:
        yield process


@pytest.fixture
def read(parser):
    return lambda data, name: parse(data, name, parser)


def archive(entries, **options):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, **options) as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return buffer.getvalue()


def docx_of(xml):
    import docx

    buffer = io.BytesIO()
    docx.Document().save(buffer)
    with zipfile.ZipFile(buffer) as file:
        entries = {name: file.read(name) for name in file.namelist()}
    entries["word/document.xml"] = xml.encode()
    return archive(entries)


def epub_of(*chapters, extra=None):
    items = "".join(f'<item id="c{n}" href="c{n}.xhtml"/>' for n in range(len(chapters)))
    spine = "".join(f'<itemref idref="c{n}"/>' for n in reversed(range(len(chapters))))
    entries = {
        "META-INF/container.xml": '<container><rootfile full-path="book/p.opf"/></container>',
        "book/p.opf": f"<package><manifest>{items}</manifest><spine>{spine}</spine></package>",
    }
    entries |= {f"book/c{n}.xhtml": chapter for n, chapter in enumerate(chapters)}
    return archive(entries | (extra or {}))


def pdf_of(*contents, trailer="", page=""):
    """Write a PDF by hand: one page a content stream, Helvetica as `/F`."""
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(contents)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(contents)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for n, content in enumerate(contents):
        packed = zlib.compress(content)
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents {5 + 2 * n} 0 R "
            f"/Resources << /Font << /F 3 0 R >> >> {page} >>".encode()
        )
        objects.append(
            f"<< /Length {len(packed)} /Filter /FlateDecode >>\nstream\n".encode()
            + packed
            + b"\nendstream"
        )
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    table = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{place:010} 00000 n \n".encode() for place in places)
    out += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R {trailer} >>\n".encode()
    return bytes(out) + f"startxref\n{table}\n%%EOF".encode()


def show(*lines):
    """Return a content stream that shows lines of text from the top."""
    parts = [f"1 0 0 1 50 {750 - 20 * n} Tm ({line}) Tj" for n, line in enumerate(lines)]
    return ("BT /F 12 Tf " + "\n".join(parts) + " ET").encode("cp1252")


def test_pdf_pages_are_places_in_the_text(read):
    document = read(pdf_of(show("First page."), show("Second page,", "two lines.")), "a.pdf")
    assert document.text == "First page.\n\nSecond page,\ntwo lines."
    assert [document.text[p.start : p.end] for p in document.pages] == [
        "First page.",
        "Second page,\ntwo lines.",
    ]
    assert document.page_at(document.text.index("two")) == 2


def test_pdf_rectangles_cover_the_quote_line_by_line(tmp_path, home):
    folder = write(tmp_path / "d", {"a.pdf": pdf_of(show("One two three", "four five six"))})
    library = open_library(folder, home)
    library.sync()
    text = library.document("a.pdf").text
    start, end = text.index("three"), text.index(" five")
    upper, lower = library.rectangles("a.pdf", start, end)
    assert (upper.page, lower.page) == (1, 1)
    # Helvetica at 12 points: "One two " is 48.0 points wide, "four" 20.7.
    assert upper.left == pytest.approx(50 + 48.0, abs=1)
    assert lower.left == pytest.approx(50, abs=1)
    assert lower.right == pytest.approx(50 + 20.7, abs=1)
    assert 748 < upper.bottom < upper.top < 762
    assert 728 < lower.bottom < lower.top < 742
    (folder / "a.pdf").write_bytes(pdf_of(show("Changed")))
    with pytest.raises(DocumentError.__base__, match="found another content than the one indexed"):
        library.rectangles("a.pdf", start, end)


def test_pdf_text_is_composed_and_its_boxes_still_fit(parser):
    text, boxes = parser.page(pdf_of(show("Caf\xe9 Gr\xf6\xdfe")), "a.pdf", 1)
    assert text == unicodedata.normalize("NFC", "Café Größe")
    assert len(boxes) == len(text)


LIGATURES = b"<< /Type /Encoding /Differences [ 1 /fi ] >>"


def ligature_page(matrix):
    """Return a PDF that says "xfiy" with one glyph for the two letters in the middle."""
    content = f"BT /F 12 Tf {matrix} 300 400 Tm (x\\001y) Tj ET".encode()
    return pdf_of(content).replace(b"/WinAnsiEncoding", LIGATURES)


def boxes_by_letter(parser, data):
    text, boxes = parser.page(data, "a.pdf", 1)
    return {letter: box for letter, box in zip(text, boxes, strict=True) if letter.strip()}


@pytest.mark.parametrize(
    ("matrix", "axis", "sign"),
    [("1 0 0 1", 0, 1), ("-1 0 0 -1", 0, -1), ("0 1 -1 0", 1, 1), ("0 -1 1 0", 1, -1)],
)
def test_each_letter_of_a_ligature_has_its_share_of_the_glyph(parser, matrix, axis, sign):
    """A quote that ends inside of "defined" must not be marked one letter too far."""
    found = boxes_by_letter(parser, ligature_page(matrix))
    assert sorted(found) == ["f", "i", "x", "y"]
    order = sorted(found, key=lambda letter: sign * found[letter][axis])
    assert order == ["x", "f", "i", "y"]
    first, second = sorted((found["f"], found["i"]), key=lambda box: box[axis])
    assert first[axis + 2] == pytest.approx(second[axis])
    widths = [box[axis + 2] - box[axis] for box in (first, second)]
    assert widths[0] == pytest.approx(widths[1], abs=1e-3)


@pytest.mark.parametrize(
    ("glyphs", "text"),
    [
        ("/e /uni0301", "\u00e9"),  # a letter and its accent
        ("/uni09C7 /uni09BE", "\u09cb"),  # two vowel signs, neither of them a combining mark
        ("/uni1112 /uni1161", "\ud558"),  # Korean letters of one syllable
    ],
)
def test_what_composes_on_a_page_composes_in_the_stored_text_alike(parser, glyphs, text):
    """A page whose text differs from what was indexed has no rectangles at all."""
    encoding = f"<< /Type /Encoding /Differences [ 1 {glyphs} ] >>".encode()
    data = pdf_of(b"BT /F 12 Tf 50 400 Td (\\001\\002) Tj ET")
    data = data.replace(b"/WinAnsiEncoding", encoding)
    assert parser.page(data, "a.pdf", 1)[0] == parse(data, "a.pdf", parser).text == text


def test_docx_keeps_paragraphs_headings_and_tables_in_order(read):
    import docx

    made = docx.Document()
    made.add_heading("Résumé", 1)
    made.add_paragraph("A paragraph.")
    table = made.add_table(2, 2)
    for cell, word in zip(table._cells, ("Name", "Age", "Ann", "30"), strict=True):
        cell.text = word
    made.add_heading("End", 2)
    buffer = io.BytesIO()
    made.save(buffer)
    document = read(buffer.getvalue(), "a.docx")
    assert document.text == "Résumé\n\nA paragraph.\n\nName\tAge\nAnn\t30\n\nEnd"
    assert [(h.text, h.level) for h in document.headings] == [("Résumé", 1), ("End", 2)]
    assert document.heading_at(document.text.index("Ann")) == "Résumé"


def test_html_gives_the_main_text_without_furniture(read):
    source = """<!doctype html><html><head><title>T</title><style>p{}</style></head><body>
    <nav>Menu</nav><header><h1>The <em>title</em></h1></header><p>One&nbsp;two<br>three &lt;b&gt;
    </p><script>alert(1)</script><ul><li>first<li>second</ul>
    <table><tr><th>a<th>b<tr><td>1<td>2</table><pre>x\n  y</pre><footer>Imprint</footer>"""
    document = read(source.encode(), "a.html")
    assert document.text == (
        "The title\n\nOne\xa0two\nthree <b>\n\n- first\n- second\n\na\tb\n1\t2\n\nx\n  y"
    )
    assert document.heading_at(30) == "The title"


def test_html_prefers_its_main_part_and_its_declared_encoding(read):
    source = '<meta charset="iso-8859-2"><div>ad</div><main><p>Łódź</p></main><div>ad</div>'
    document = read(source.encode("iso-8859-2"), "a.html")
    assert (document.text, document.encoding) == ("Łódź", "iso-8859-2")


def test_epub_chapters_come_in_reading_order(read):
    document = read(epub_of("<h1>Last</h1><p>z</p>", "<h1>First</h1><p>a</p>"), "a.epub")
    assert document.text == "First\n\na\n\nLast\n\nz"


def test_elements_that_xhtml_closes_at_once_do_not_swallow_the_text(read):
    source = '<html><head><title/><script src="x.js" /></head><body><p>Kept.</p></body></html>'
    assert read(source.encode(), "a.xhtml").text == "Kept."
    assert read(epub_of(source), "a.epub").text == "Kept."


def test_latin_1_means_what_it_means_on_the_web(read):
    document = read(b'<meta charset="ISO-8859-1"><p>\x93Quoted\x94 caf\xe9</p>', "a.html")
    assert (document.text, document.encoding) == ("“Quoted” café", "cp1252")


def test_cells_of_tables_have_their_coordinates(read):
    import openpyxl

    book = openpyxl.Workbook()
    book.active.title = "Prices"
    for place, value in {"B2": "Apple", "C2": 3.5, "A7": "two\nlines", "AB7": "far"}.items():
        book.active[place] = value
    book.create_sheet("More")["A1"] = "next"
    buffer = io.BytesIO()
    book.save(buffer)
    document = read(buffer.getvalue(), "a.xlsx")
    cells = ("Apple", "3.5", "two lines", "far", "next")
    assert [document.cell_at(document.text.index(cell)) for cell in cells] == [
        "Prices!B2",
        "Prices!C2",
        "Prices!A7",
        "Prices!AB7",
        "More!A1",
    ]
    table = read(b'name;note\n"a;b";"x\ny"\n\nlast;1\n', "a.csv")
    assert [table.cell_at(table.text.index(word)) for word in ("note", "a;b", "x y", "last")] == [
        "B1",
        "A2",
        "B2",
        "A4",
    ]
    assert table.cell_at(len(table.text)) is None


def test_mail_gives_headers_and_body_and_names_attachments(read):
    source = (
        "Subject: =?utf-8?q?Caf=C3=A9?=\nFrom: Ann <ann@example.org>\nMIME-Version: 1.0\n"
        'Content-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: text/html\n\n'
        "<p>Hello <b>you</b></p>\n--b\nContent-Type: application/pdf\n"
        'Content-Disposition: attachment; filename="bill.pdf"\n\nx\n--b--\n'
    )
    document = read(source.encode(), "a.eml")
    assert document.text == "Café\n\nFrom: Ann <ann@example.org>\n\nHello you"
    assert document.note == "attachments not read: bill.pdf"


def test_slides_are_pages_in_the_order_of_the_show(read):
    drawing = "http://schemas.openxmlformats.org/drawingml/2006/main"
    show_ns = "http://schemas.openxmlformats.org/presentationml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    slide = '<s xmlns:a="{}"><a:p><a:r><a:t>{}</a:t></a:r></a:p></s>'
    data = archive(
        {
            "ppt/presentation.xml": f'<p xmlns:p="{show_ns}" xmlns:r="{office}">'
            '<p:sldId r:id="r2"/><p:sldId r:id="r1"/></p>',
            "ppt/_rels/presentation.xml.rels": '<R><x Id="r1" Target="slides/slide1.xml"/>'
            '<x Id="r2" Target="slides/slide2.xml"/></R>',
            "ppt/slides/slide1.xml": slide.format(drawing, "one"),
            "ppt/slides/slide2.xml": slide.format(drawing, "two"),
        }
    )
    document = read(data, "a.pptx")
    assert document.text == "two\n\none"
    assert document.page_at(document.text.index("one")) == 2


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
    started = time.perf_counter()
    with pytest.raises(DocumentTooLarge, match=r"would unpack to 10,737,418,240 bytes"):
        read(bomb, f"bomb.{suffix}")
    crowd = archive({f"{n}": "" for n in range(20_000)})
    with pytest.raises(DocumentTooLarge, match="found 20,000 entries in the archive"):
        read(crowd, f"crowd.{suffix}")
    assert time.perf_counter() - started < 10


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
