"""Every format becomes text whose places can be found again."""

from __future__ import annotations

import io
import re
import unicodedata
import zipfile

import pypdfium2
import pytest

from index.documents import parse
from index.errors import DocumentError, UnreadableDocument
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
        (_TABLE, "Fees\t\t2025\na\tbc d\t2025"),
        # Seven days were of Q3; a title over all columns stays alone in its line.
        (
            "<w:tbl><w:tr>"
            + cell(paragraph(words("Days off")), "<w:gridSpan w:val='4'/>")
            + "</w:tr><w:tr>"
            + "".join(cell(paragraph(words(name))) for name in ("Name", "Q1", "Q2", "Q3"))
            + "</w:tr><w:tr>"
            + cell(paragraph(words("Bob")))
            + cell(paragraph(words("leave")), "<w:gridSpan w:val='2'/>")
            + cell(paragraph(words("7")))
            + "</w:tr></w:tbl>",
            "Days off\nName\tQ1\tQ2\tQ3\nBob\tleave\t\t7",
        ),
        # No row of Word is so wide: a file that says so must not fill the memory.
        (
            "<w:tbl><w:tr>"
            + cell(paragraph(words("a")), "<w:gridSpan w:val='9999'/>")
            + cell(paragraph(words("b")))
            + "</w:tr></w:tbl>",
            "a" + "\t" * 63 + "b",
        ),
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
            "Q1\tEU\n\tEU",
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
        "spanned",
        "wide",
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


@pytest.mark.parametrize(
    ("source", "text"),
    [
        # Shifted to the left, the salary stood below "Age".
        (
            "<table><tr><th></th><th>Salary</th><th>Age</th></tr>"
            "<tr><td>Ann Lee</td><td>50000</td><td>31</td></tr>"
            "<tr><td>&nbsp;</td><td>61000</td><td></td></tr></table>",
            "\tSalary\tAge\nAnn Lee\t50000\t31\n\t61000",
        ),
        # Cells that only leave room are no row of a table.
        ("<table><tr><td></td><td>Dear Ann,</td></tr></table>", "Dear Ann,"),
        (
            "<table><tr><td>New<br>York</td><td>5</td></tr>"
            "<tr><td><p>A</p></td><td><p>B</p><ul><li>c<li>d</ul></td></tr></table>",
            "New York\t5\nA\tB - c - d",
        ),
        # A table that lays out the page has no rows, but one inside of it has.
        (
            "<table><tr><td>Menu<td><h1>Staff</h1><p>One.<p>Two."
            "<table><tr><th><th>Age<th>Office<tr><td>Ann<td>31<td>Oslo</table>Three.</table>",
            "Menu\n\nStaff\n\nOne.\n\nTwo.\n\n\tAge\tOffice\nAnn\t31\tOslo\n\nThree.",
        ),
        (
            f"<table><tr><td>Menu<td><p>{'a ' * 600}<p>Two.</table>",
            f"Menu\n\n{'a ' * 600}".strip() + "\n\nTwo.",
        ),
    ],
    ids=["corner", "room", "lines", "layout", "long"],
)
def test_cells_of_html_keep_their_places_in_their_rows(read, source, text):
    assert read(source.encode(), "a.html").text == text


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        # Seven days of leave stood below the second quarter, Turku below "Region".
        (
            "<tr><th>Name<th>Q1<th>Q2<th>Q3<tr><td>Bob<td colspan=2>leave<td>7",
            "Name\tQ1\tQ2\tQ3\nBob\tleave\t\t7",
        ),
        (
            "<tr><th>Area<th>City<tr><td rowspan=2>North<td>Oslo<tr><td>Turku<tr><td>South<td>Rome",
            "Area\tCity\nNorth\tOslo\nNorth\tTurku\nSouth\tRome",
        ),
        (
            "<tr><td>a<td rowspan=2 colspan=2>b<td>c<tr><td>d<td>e",
            "a\tb\t\tc\nd\tb\t\te",
        ),
        ("<tr><td>a<td rowspan=0>b<tr><td>c<tr><td>d", "a\tb\nc\tb\nd\tb"),
        (
            "<thead><tr><th rowspan=3>N<th>M</thead><tbody><tr><td rowspan=0>G1<td>a"
            "<tr><td>b</tbody><tbody><tr><td>G2<td>c</tbody>",
            "N\tM\nG1\ta\nG1\tb\nG2\tc",
        ),
        (
            "<tr><td>a<td rowspan=2>b<tr><td><table><tr><td>x<td rowspan=9>y</table><tr><td>c<td>d",
            "a\tb\nx\ty\nc\td",
        ),
        ("<tr><td colspan=2>The title<tr><td>a<td>b", "The title\na\tb"),
        ("<tr><td rowspan=99999999999>a<td colspan=x>b<tr><td>c", "a\tb\nc"),
    ],
    ids=["columns", "rows", "both", "to the end", "groups", "nested", "title", "nonsense"],
)
def test_cells_over_several_columns_or_rows_leave_the_others_below_their_names(read, rows, text):
    assert read(f"<table>{rows}</table>".encode(), "a.html").text == text
    assert read(f"<table>{rows}</table><table><tr><td>x<td>y</table>".encode(), "a.html").text == (
        f"{text}\n\nx\ty"
    )


def test_a_cell_that_claims_the_whole_table_does_not_fill_the_memory(read):
    rows = "<tr><td>c" * 2000
    source = f"<table><tr><td rowspan=9999 colspan=9999>{'a ' * 9000}<td>b{rows}</table>"
    assert len(read(source.encode(), "a.html").text) < 300_000


def test_a_page_that_is_a_form_is_text_all_the_same(read):
    """Some servers wrap every page in one."""
    source = "<form action=x><h1>Fees</h1><p>They are 5.</p><button>Go</button></form>More."
    assert read(source.encode(), "a.html").text == "Fees\n\nThey are 5.\n\nMore."


def test_lines_of_preformatted_text_stay_apart(read):
    source = "<pre>one<br>two  <b>b</b>\n<!-- c --> three</pre>"
    assert read(source.encode(), "a.html").text == "one\ntwo  b\n three"


def test_html_that_declares_an_encoding_that_it_cannot_have_is_utf_8(read):
    """In UTF-16 the declaration would not have been found: a server's template is wrong."""
    document = read('<META charset="utf-16"><p>Łódź is fine.</p>'.encode(), "a.html")
    assert (document.text, document.encoding) == ("Łódź is fine.", "utf-8")


def test_html_prefers_its_main_part_and_its_declared_encoding(read):
    source = '<meta charset="iso-8859-2"><div>ad</div><main><p>Łódź</p></main><div>ad</div>'
    document = read(source.encode("iso-8859-2"), "a.html")
    assert (document.text, document.encoding) == ("Łódź", "iso-8859-2")


def test_epub_chapters_come_in_reading_order(read):
    document = read(epub_of("<h1>Last</h1><p>z</p>", "<h1>First</h1><p>a</p>"), "a.epub")
    assert document.text == "First\n\na\n\nLast\n\nz"


def encryption(*algorithms):
    """Return what a book says of its encrypted files."""
    entries = "".join(
        f'<e:EncryptedData><e:EncryptionMethod Algorithm="{algorithm}"/></e:EncryptedData>'
        for algorithm in algorithms
    )
    space = 'xmlns:e="http://www.w3.org/2001/04/xmlenc#"'
    return {"META-INF/encryption.xml": f"<encryption {space}>{entries}</encryption>"}


FONTS = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")


def test_an_epub_with_scrambled_fonts_is_read_and_one_with_locked_text_is_not(read):
    assert read(epub_of("<p>a</p>", extra=encryption(*FONTS)), "a.epub").text == "a"
    locked = epub_of("<p>a</p>", extra=encryption(FONTS[0], "http://www.w3.org/2001/04/xmlenc#rsa"))
    with pytest.raises(UnreadableDocument, match="digital rights management"):
        read(locked, "a.epub")


def test_footnotes_and_boxes_of_an_epub_are_text(read):
    chapter = '<p>Text.</p><aside epub:type="footnote">See Annex B.</aside><p>More.</p>'
    assert read(epub_of(chapter), "a.epub").text == "Text.\n\nSee Annex B.\n\nMore."
    assert read(chapter.encode(), "a.html").text == "Text.\n\nMore."


def test_elements_that_xhtml_closes_at_once_do_not_swallow_the_text(read):
    source = '<html><head><title/><script src="x.js" /></head><body><p>Kept.</p></body></html>'
    assert read(source.encode(), "a.xhtml").text == "Kept."
    assert read(epub_of(source), "a.epub").text == "Kept."


def test_a_long_text_with_its_only_accent_far_below_is_read(read):
    """All before it is ASCII, which the whole is not."""
    text = "The boats came in at dawn. " * 15_000 + "Then we met at the café. " + "They left. " * 9
    document = read(text.encode("cp1252"), "a.txt")
    assert document.text == text and "not declared" in document.note


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


@pytest.mark.parametrize(
    ("name", "source", "text"),
    [
        # Quotes inside of quotes, with and without any in what is looked at for delimiters.
        (
            "a.csv",
            'Name,Note,Office\nAnn,"She said ""yes, we can"" and left",Oslo\n',
            'Name\tNote\tOffice\nAnn\tShe said "yes, we can" and left\tOslo',
        ),
        (
            "a.csv",
            "Name,Age\n" + "Ann,31\n" * 3000 + '"Lee ""Bo"", Cy",17\n',
            "Name\tAge\n" + "Ann\t31\n" * 3000 + 'Lee "Bo", Cy\t17',
        ),
        # Words in single quotes quote no cell.
        (
            "a.csv",
            "Name,Kind,Note\nAnn,'big',\"so, so\"\nBob,'old',\"no, no\"\nCy,'old',x\n",
            "Name\tKind\tNote\nAnn\t'big'\tso, so\nBob\t'old'\tno, no\nCy\t'old'\tx",
        ),
        ("a.csv", 'Ann, "Oslo, Norway", 5\nBob, "Lima", 6\n', "Ann\tOslo, Norway\t5\nBob\tLima\t6"),
        # A comma in every row.
        (
            "a.TSV",
            "Lee, Ann\tSales\t50\nRay, Bob\tSales\t17\n",
            "Lee, Ann\tSales\t50\nRay, Bob\tSales\t17",
        ),
        # "1,50" was cut in two.
        ("a.csv", "2024-01-01;1,5\n2024-01-02;2,7\n", "2024-01-01\t1,5\n2024-01-02\t2,7"),
        (
            "a.csv",
            "Name;Betrag, EUR\nMay;1,50\nFox;2,75\n",
            "Name\tBetrag, EUR\nMay\t1,50\nFox\t2,75",
        ),
    ],
    ids=["quotes", "late", "single", "space", "tabs", "decimals", "decimals below names"],
)
def test_cells_of_csv_are_those_that_were_written(read, name, source, text):
    assert read(source.encode(), name).text == text


@pytest.mark.parametrize("before", ["", "a"])
@pytest.mark.parametrize("encoding", ["gb18030", "shift_jis"])
def test_a_long_text_in_letters_of_two_bytes_is_read_wherever_it_is_cut(read, before, encoding):
    """What was looked at ended in half a letter, and the whole text was called binary."""
    line = {
        "gb18030": "港口建于一七〇八年，今天有许多船只。",
        "shift_jis": "港は千七百八年に作られた。",
    }
    text = before + f"{line[encoding]}\n" * 12_000
    assert read(text.encode(encoding), "a.txt").text == text


def test_a_text_of_dos_ends_where_it_says(read):
    assert read(b"Old text.\r\n\x1a", "a.txt").text == "Old text.\n"


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


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("text/plain", "Café, 5 €".encode()),
        ("text/plain; charset=us-ascii", "Café, 5 €".encode()),
        ("text/html", '<meta charset="utf-8"><p>Café, 5 €</p>'.encode()),
        ("text/html", '<meta charset="windows-1252"><p>Café, 5 €</p>'.encode("cp1252")),
    ],
)
def test_mail_that_names_no_encoding_keeps_its_letters(read, kind, content):
    source = f"Subject: s\nMIME-Version: 1.0\nContent-Type: {kind}\n\n".encode() + content
    document = read(source, "a.eml")
    assert (document.text, document.note) == ("s\n\nCafé, 5 €", None)


def test_mail_whose_encoding_is_a_guess_says_so_and_broken_mail_is_read(read):
    head = b"Subject: s\nMIME-Version: 1.0\nContent-Type: text/plain\n\n"
    old = read(head + b"We met at the caf\xe9 at noon, and then had a walk in the town.", "a.eml")
    assert "café" in old.text and old.note.endswith("not declared")
    assert read(head + b"a\x00b caf\xe9", "a.eml").text == "s\n\nab caf\ufffd"


def test_mail_that_goes_on_behind_a_picture_is_read_to_its_end(read):
    parts = (
        "Content-Type: text/plain\n\nSee the bill:",
        "Content-Type: application/pdf\nContent-Disposition: inline; filename=bill.pdf\n\nx",
        "Content-Type: text/plain\n\nPay by 4 May.",
        "Content-Type: text/plain\nContent-Disposition: attachment; filename=log.txt\n\nno",
        "Content-Type: text/html\n\n<p>Yours, Ann</p>",
    )
    source = "Subject: s\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"
    source += "".join(f"--b\n{part}\n" for part in parts) + "--b--\n"
    document = read(source.encode(), "a.eml")
    assert document.text == "s\n\nSee the bill:\n\nPay by 4 May.\n\nYours, Ann"
    assert document.note == "attachments not read: bill.pdf, log.txt"


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


def test_formulas_without_a_stored_result_are_told_of(read):
    """Programs write them so; their cells are blank, and nothing said it."""
    import openpyxl

    made = openpyxl.Workbook()
    made.active.append([5, "=A1*2", "=A1+1"])
    kept = io.BytesIO()
    made.save(kept)
    document = read(kept.getvalue(), "a.xlsx")
    assert document.text.endswith("\n5")
    assert document.note.startswith("formulas without a stored result, left blank: 2; save it")
    with zipfile.ZipFile(kept) as file:
        entries = {name: file.read(name) for name in file.namelist()}
    sheet, results = "xl/worksheets/sheet1.xml", iter((b"10", b"6"))
    entries[sheet] = re.sub(
        rb"</f>(?:<v ?/>|<v></v>)", lambda _: b"</f><v>%s</v>" % next(results), entries[sheet]
    )
    document = read(archive(entries), "a.xlsx")
    assert document.note is None and document.text.endswith("5\t10\t6")


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
