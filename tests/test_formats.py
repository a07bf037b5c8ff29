"""Every format becomes text whose places can be found again."""

from __future__ import annotations

import io
import unicodedata
import zipfile

import pypdfium2
import pytest

from index.documents import parse
from index.errors import DocumentError
from index.formats.pdf import load_page, whole_page
from tests.format_fakes import archive, docx_of, epub_of, form_of, pdf_of, show
from tests.index_fakes import open_library, write


def test_pdf_pages_are_places_in_the_text(read):
    document = read(pdf_of(show("First page."), show("Second page,", "two lines.")), "a.pdf")
    assert document.text == "First page.\n\nSecond page,\ntwo lines."
    assert [document.text[p.start : p.end] for p in document.pages] == [
        "First page.",
        "Second page,\ntwo lines.",
    ]
    assert document.page_at(document.text.index("two")) == 2


def test_what_is_filled_into_a_form_is_text_in_its_place(read):
    data = form_of("Name of the seller:", "Ann Lee")
    assert read(data, "a.pdf").text == "Name of the seller:\nAnn Lee"
    page = load_page(data, "a.pdf", 1)
    left, bottom, right, top = page.boxes[page.text.index("Ann")]
    assert 200 <= left < right <= 400 and 745 <= bottom < top <= 765


def test_a_page_keeps_its_size_when_what_is_on_it_is_drawn_into_it():
    with_own = form_of("Name:", "Ann")
    # A4, told once for all pages.
    data = with_own.replace(b"/MediaBox [0 0 600 800]", b" " * 23).replace(
        b"/Count 1", b"/Count 1 /MediaBox [0 0 595 842]"
    )
    pdf = pypdfium2.PdfDocument(data)
    pdf.init_forms()
    assert whole_page(pdf, 0).get_size() == (595, 842)


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


_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_DOCUMENT = f"""<w:document xmlns:w="{_W}"
    xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"
    xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"><w:body>%s</w:body>
    </w:document>"""


def paragraph(inside):
    return f"<w:p>{inside}</w:p>"


def words(text):
    return f"<w:r><w:t xml:space='preserve'>{text}</w:t></w:r>"


def settled(settings, inside):
    """Return a paragraph with settings of its own."""
    return paragraph(f"<w:pPr>{settings}</w:pPr>{inside}")


def field(asked, shown):
    """Return a field of a text: what it is asked, and what it shows."""
    begin, separate, end = (
        f"<w:r><w:fldChar w:fldCharType='{kind}'/></w:r>" for kind in ("begin", "separate", "end")
    )
    return f"{begin}<w:r><w:instrText>{asked}</w:instrText></w:r>{separate}{words(shown)}{end}"


def control(inside):
    return f"<w:sdt><w:sdtPr/><w:sdtContent>{inside}</w:sdtContent></w:sdt>"


def cell(inside, settings=""):
    return f"<w:tc><w:tcPr>{settings}</w:tcPr>{inside}</w:tc>"


_DELETED = "<w:del><w:r><w:delText>Acme</w:delText></w:r></w:del>"
_BOX = f"<w:txbxContent>{paragraph(words('Boxed.'))}</w:txbxContent>"
_BOXED = (
    f"<mc:AlternateContent><mc:Choice>{_BOX}</mc:Choice><mc:Fallback>{_BOX}</mc:Fallback>"
    "</mc:AlternateContent>"
)
_TABLE = (
    "<w:tbl><w:tr>"
    + cell(paragraph(words("Fees")), "<w:gridSpan w:val='2'/>")
    + cell(paragraph(words("2025")), "<w:vMerge w:val='restart'/>")
    + "</w:tr>"
    + control(
        "<w:tr>"
        + cell(paragraph(words("a")))
        + cell(paragraph(words("b") + words("c")) + paragraph(words("d")))
        + cell("<w:p/>", "<w:vMerge/>")
        + "</w:tr>"
    )
    + "</w:tbl>"
)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        # A redline, read as it is once accepted.
        (
            paragraph(
                f"{words('The seller is ')}{_DELETED}<w:ins>{words('Sinaloa')}</w:ins>{words('.')}"
            ),
            "The seller is Sinaloa.",
        ),
        (
            paragraph(f"<w:moveFrom>{words('Here.')}</w:moveFrom>{words('Stays.')}")
            + paragraph(f"<w:moveTo>{words('Here.')}</w:moveTo>"),
            "Stays.\n\nHere.",
        ),
        (
            control(paragraph(words("Title page")))
            + paragraph(words("Dated ") + control(words("1 May"))),
            "Title page\n\nDated 1 May",
        ),
        # Stored a second time for older programs.
        (paragraph(words("Before.") + _BOXED), "Before.\n\nBoxed."),
        (
            paragraph(
                "<w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:noBreakHyphen/></w:r>"
                "<m:oMath><m:r><m:t>x=1</m:t></m:r></m:oMath>"
            ),
            "a\tb\n-x=1",
        ),
        # A cell over two columns, one over two rows, and a row in a content control.
        (_TABLE, "Fees\t2025\na\tbc d\t2025"),
        (
            f"<w:tbl><w:tr><w:trPr><w:del/></w:trPr>{cell(paragraph(words('gone')))}</w:tr><w:tr>"
            + cell(paragraph(words("A")) + paragraph(_BOXED))
            + cell(paragraph(""), "<w:cellDel/>")
            + "</w:tr></w:tbl>",
            "A Boxed.",
        ),
        (
            f"<w:tbl><w:tr>{cell(paragraph(words('Q1')))}"
            + cell(paragraph(words("EU")), "<w:vMerge w:val='restart'/>")
            + "</w:tr><w:tr><w:trPr><w:gridBefore w:val='1'/></w:trPr>"
            + cell("<w:p/>", "<w:vMerge/>")
            + "</w:tr></w:tbl>",
            "Q1\tEU\nEU",
        ),
        # Between these paragraphs the line end was deleted; this letter is a large one.
        (
            settled("<w:rPr><w:del/></w:rPr>", words("The seller is "))
            + paragraph(words("Acme."))
            + settled("<w:framePr w:dropCap='drop'/>", words("O"))
            + paragraph(words("nce upon")),
            "The seller is Acme.\n\nOnce upon",
        ),
        (
            paragraph(
                "<w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r>"
                + field(f"IF {field('MERGEFIELD x', 'NL')} = NL", "Dutch law")
                + "<w:r><w:t>, one<!-- c --> two</w:t></w:r>"
            ),
            "Dutch law, one two",
        ),
        (
            paragraph(
                words("5 ")
                + "<w:r><w:sym w:font='Symbol' w:char='F06D'/></w:r>"
                + words("g ")
                + "<w:r><w:sym w:font='Wingdings' w:char='F0FE'/></w:r>"
                + "<m:f><m:num><m:r><m:t>1</m:t></m:r></m:num><m:den><m:r><m:t>a+b</m:t></m:r>"
                + "</m:den></m:f><m:sSup><m:e><m:r><m:t>10</m:t></m:r></m:e><m:sup><m:r><m:t>6"
                + "</m:t></m:r></m:sup></m:sSup>"
            ),
            "5 μg ☑1/(a+b)10^6",
        ),
    ],
    ids=[
        "insertion",
        "moved",
        "control",
        "box",
        "marks",
        "cells",
        "deleted",
        "before",
        "joined",
        "hidden",
        "signs",
    ],  # fmt: skip
)
def test_docx_says_what_a_person_sees_with_all_changes_accepted(read, body, text):
    assert read(docx_of(_DOCUMENT % body), "a.docx").text == text


def test_docx_has_its_notes_headers_and_footers_behind_its_text(read):
    import docx
    from docx.opc.packuri import PackURI
    from docx.opc.part import Part

    made = docx.Document()
    made.add_paragraph("The text.")
    section = made.sections[0]
    section.different_first_page_header_footer = True
    section.header.paragraphs[0].text = "Strictly confidential"
    section.first_page_header.paragraphs[0].text = "Strictly confidential"
    section.footer.paragraphs[0].text = "12"
    notes = f'<w:footnotes xmlns:w="{_W}"><w:footnote>{paragraph(words("See Annex B."))}'
    blob = f"{notes}</w:footnote></w:footnotes>".encode()
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"
    part = Part(PackURI("/word/footnotes.xml"), "application/xml", blob, made.part.package)
    made.part.relate_to(part, kind)
    buffer = io.BytesIO()
    made.save(buffer)
    document = read(buffer.getvalue(), "a.docx")
    assert document.text == "The text.\n\nSee Annex B.\n\nStrictly confidential"
    assert document.note is None
    # What is not read is told.
    chart = Part(PackURI("/word/chart.xml"), "application/xml", b"<c/>", made.part.package)
    made.part.relate_to(chart, kind.replace("footnotes", "chart"))
    made.save(buffer := io.BytesIO())
    assert read(buffer.getvalue(), "a.docx").note == "not read: charts"


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


def test_a_workbook_that_names_a_style_it_lacks_is_read(read):
    import openpyxl

    made = openpyxl.Workbook()
    made.active.append([5, 0.25])
    made.active["B1"].number_format = "0%"
    kept = io.BytesIO()
    made.save(kept)
    with zipfile.ZipFile(kept) as file:
        entries = {name: file.read(name) for name in file.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    assert read(archive(entries), "a.xlsx").text.endswith("5\t25%")
    entries[sheet] = entries[sheet].replace(b's="1"', b's="99"')
    assert read(archive(entries), "a.xlsx").text.endswith("5\t0.25")


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
            "ppt/slides/slide2.xml": slide.format(drawing, "two</a:t></a:r><a:br/><a:r><a:t>lines"),
            "ppt/slides/_rels/slide2.xml.rels": f'<R><!-- c --><x Id="r1" '
            f'Type="{office}/notesSlide" '
            'Target="../notesSlides/n.xml"/>'
            f'<x Id="r2" Type="{office}/chart" Target="../charts/c.xml"/></R>',
            "ppt/charts/c.xml": "<c/>",
            "ppt/notesSlides/n.xml": slide.format(
                drawing,
                "what the speaker says</a:t></a:r></a:p>"
                '<a:p><a:fld type="slidenum"><a:t>2</a:t></a:fld><a:r><a:t>',
            ),
        }
    )
    document = read(data, "a.pptx")
    assert document.text == "two\nlines\nwhat the speaker says\n\none"
    assert document.note == "not read: charts"
    assert document.page_at(document.text.index("one")) == 2
