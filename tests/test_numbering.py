"""Clauses are asked for by the numbers that Word shows, which stand in no paragraph."""

import pytest

from index.formats.word import load_docx
from tests.format_fakes import docx_of

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
CLAUSES = (("decimal", "%1."), ("decimal", "%1.%2"), ("lowerLetter", "(%3)"), ("lowerRoman", "%4)"))


def level(at, form, text, extra=""):
    return (
        f'<w:lvl w:ilvl="{at}"><w:start w:val="1"/><w:numFmt w:val="{form}"/>{extra}'
        f'<w:lvlText w:val="{text}"/></w:lvl>'
    )


def numbering(levels=CLAUSES, nums='<w:num w:numId="7"><w:abstractNumId w:val="3"/></w:num>'):
    made = "".join(level(at, *one) for at, one in enumerate(levels))
    abstract = f'<w:abstractNum w:abstractNumId="3">{made}</w:abstractNum>'
    return f"<w:numbering {W}>{abstract}{nums}</w:numbering>"


def paragraph(words, at=None, number=7, style=""):
    asked = f'<w:pStyle w:val="{style}"/>' if style else ""
    if at is not None:
        asked += f'<w:numPr><w:ilvl w:val="{at}"/><w:numId w:val="{number}"/></w:numPr>'
    return f"<w:p><w:pPr>{asked}</w:pPr><w:r><w:t>{words}</w:t></w:r></w:p>"


def shown(*paragraphs, **parts):
    """Return the lines of a document of these paragraphs."""
    xml = f"<w:document {W}><w:body>{''.join(paragraphs)}</w:body></w:document>"
    parts.setdefault("numbering", numbering())
    return [line for line in load_docx(docx_of(xml, **parts), "a.docx").text.split("\n") if line]


def test_clauses_are_numbered_as_word_shows_them():
    lines = shown(
        paragraph("Parties", 0), paragraph("Payment", 0), paragraph("Cost", 1), paragraph("Due", 1),
        paragraph("within ten days", 2), paragraph("in euros", 2), paragraph("or not", 3),
        paragraph("Plain"), paragraph("Term", 0), paragraph("One year", 1),
    )  # fmt: skip
    assert lines == [
        "1. Parties", "2. Payment", "2.1 Cost", "2.2 Due", "(a) within ten days", "(b) in euros",
        "i) or not", "Plain", "3. Term", "3.1 One year",
    ]  # fmt: skip


def test_a_list_that_starts_anew_counts_anew_once():
    again = '<w:num w:numId="8"><w:abstractNumId w:val="3"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="5"/></w:lvlOverride></w:num>'  # noqa: E501
    nums = f'<w:num w:numId="7"><w:abstractNumId w:val="3"/></w:num>{again}'
    lines = shown(
        paragraph("a", 0), paragraph("b", 0), paragraph("c", 0, 8), paragraph("d", 0, 8),
        numbering=numbering(nums=nums),
    )  # fmt: skip
    assert lines == ["1. a", "2. b", "5. c", "6. d"]


def test_a_style_gives_its_paragraphs_the_number_and_level_that_it_is_linked_to():
    styles = (
        f'<w:styles {W}><w:style w:type="paragraph" w:styleId="Clause"><w:name w:val="heading 2"/>'
        '<w:pPr><w:numPr><w:numId w:val="7"/></w:numPr></w:pPr></w:style>'
        '<w:style w:type="paragraph" w:styleId="Under"><w:name w:val="Under"/>'
        '<w:basedOn w:val="Clause"/></w:style></w:styles>'
    )
    linked = (("decimal", "%1."), ("decimal", "%1.%2", '<w:pStyle w:val="Clause"/>'))
    made = "".join(level(at, form, text, *extra) for at, (form, text, *extra) in enumerate(linked))
    number = f'<w:abstractNum w:abstractNumId="3">{made}</w:abstractNum><w:num w:numId="7"><w:abstractNumId w:val="3"/></w:num>'  # noqa: E501
    xml = (
        f"<w:document {W}><w:body>{paragraph('Payment', style='Clause')}"
        f"{paragraph('Term', style='Under')}</w:body></w:document>"
    )
    parts = {"numbering": f"<w:numbering {W}>{number}</w:numbering>", "styles": styles}
    content = load_docx(docx_of(xml, **parts), "a.docx")
    assert content.text == "1.1 Payment\n\n1.2 Term"
    assert content.headings[0].text == "1.1 Payment"


@pytest.mark.parametrize(
    ("form", "numbers"),
    [
        ("upperLetter", ["A.", "B."]),
        ("upperRoman", ["I.", "II."]),
        ("decimalZero", ["01.", "02."]),
        ("ordinal", ["1st.", "2nd."]),
        ("hebrew1", ["1.", "2."]),
        ("bullet", []),
        ("none", []),
    ],
)
def test_numbers_are_written_in_the_form_of_their_list(form, numbers):
    lines = shown(paragraph("x", 0), paragraph("x", 0), numbering=numbering([(form, "%1.")]))
    assert lines == ([f"{number} x" for number in numbers] or ["x", "x"])


def test_cells_are_numbered_too_and_what_asks_for_no_list_is_not():
    table = (
        f"<w:tbl><w:tr><w:tc>{paragraph('a', 0)}</w:tc><w:tc>{paragraph('b')}</w:tc></w:tr></w:tbl>"
    )
    assert shown(paragraph("x", 0), table, paragraph("y", 0), paragraph("z", 0, 99)) == [
        "1. x", "2. a\tb", "3. y", "z",
    ]  # fmt: skip
    assert shown(paragraph("x", 0, 0), paragraph("y", 8)) == ["x", "y"]
