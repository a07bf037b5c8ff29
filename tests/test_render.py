"""What a person sees must be the document's own characters, and nothing in them may run."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.answer import Answer, Refusal
from tests.ui_fakes import ARTICLE, cite, document
from ui import render
from ui.render import Mark, Piece

HARBOUR = document("harbour.txt", ARTICLE)

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)></svg>",
    '"><b onmouseover=alert(1)>',
    "' autofocus onfocus='alert(1)",
    "javascript:alert(1)",
    "[x](javascript:alert(1))",
    "![x](http://elsewhere.example/x.png)",
    "${alert(1)}",
    "{{constructor.constructor('alert(1)')()}}",
    "`${alert(1)}`",
    "</mark></p><iframe srcdoc='<script>alert(1)</script>'>",
]


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.data = ""
        self.given: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        self.given += attrs

    def values(self, attribute: str) -> list[str | None]:
        return [value for name, value in self.given if name == attribute]

    def handle_data(self, data):
        self.data += data


def parsed(markup: str) -> Tags:
    tags = Tags()
    tags.feed(markup)
    tags.close()
    return tags


def test_sentence_pieces_mark_the_quote_and_only_it():
    citation = cite(HARBOUR, "1708")
    assert render.sentence_pieces(citation) == [
        Piece("The harbour of Lerwick was founded in ", "plain"),
        Piece("1708", "quote"),
        Piece(" by Dutch herring fishers.", "plain"),
    ]


def test_the_second_of_two_equal_words_is_marked_when_it_is_the_quote():
    # A search for the quote's text would mark the first "light"; offsets must decide.
    text = "The light, a bright light."
    assert render.pieces(text, [Mark(20, 25, "quote")]) == [
        Piece("The light, a bright ", "plain"),
        Piece("light", "quote"),
        Piece(".", "plain"),
    ]


def test_quote_wins_over_the_sentence_it_stands_in():
    text = "one two three"
    marks = [Mark(0, 13, "sentence"), Mark(4, 7, "quote")]
    assert [(p.text, p.kind) for p in render.pieces(text, marks)] == [
        ("one ", "sentence"),
        ("two", "quote"),
        (" three", "sentence"),
    ]


@given(
    st.text(max_size=60),
    st.lists(
        st.tuples(st.integers(0, 60), st.integers(0, 60), st.sampled_from(["quote", "other"]))
    ),
    st.integers(0, 60),
    st.integers(0, 60),
)
def test_pieces_joined_are_the_stretch_whatever_the_marks(text, marks, left, right):
    left, right = sorted((min(left, len(text)), min(right, len(text))))
    spans = [Mark(min(a, b), max(a, b), kind) for a, b, kind in marks]
    parts = render.pieces(text, spans, left, right)
    assert "".join(part.text for part in parts) == text[left:right]


@given(st.text())
def test_escaped_text_reads_back_as_itself_and_opens_no_tag(text):
    tags = parsed(f"<p>{render.escape(text)}</p>")
    assert tags.tags == ["p"]
    assert tags.data == render.visible(text)


@given(st.text())
def test_an_attribute_reads_back_as_itself_and_opens_no_tag(text):
    markup = render.attribute(text)
    tags = parsed(f'<p data-name="{markup}">')
    assert (tags.tags, tags.attributes, tags.values("data-name")) == (["p"], ["data-name"], [text])
    assert not set("{}$`") & set(markup)


@pytest.mark.parametrize("payload", HOSTILE)
def test_hostile_text_gives_no_element_of_its_own(payload):
    source = document("x.txt", f"Before. The answer is {payload} here. After.")
    citation = cite(source, payload)
    markup = render.pieces_html(render.sentence_pieces(citation))
    assert set(parsed(markup).tags) == {"mark"}
    assert payload in parsed(markup).data
    assert "${" not in markup and "{{" not in markup and "`" not in markup


def test_terminal_escapes_and_direction_overrides_are_shown_not_obeyed():
    assert render.visible("a\x1b[31mb\u202egpj.exe\x00") == "a\ufffd[31mb\ufffdgpj.exe\ufffd"
    assert render.visible("tab\tline\nö́😀") == "tab\tline\nö́😀"


@pytest.mark.parametrize(
    ("probability", "level", "words", "odds"),
    [
        (1.0, 4, "Very likely right", "more than 98 times in 100"),
        (0.93, 4, "Very likely right", "about 93 times in 100"),
        (0.8, 3, "Probably right", "about 8 times in 10"),
        (0.55, 2, "More likely right than wrong", "about 6 times in 10"),
        (0.3, 1, "Unsure: check the quote", "about 3 times in 10"),
        (0.0, 1, "Unsure: check the quote", "hardly ever"),
    ],
)
def test_confidence_in_words(probability, level, words, odds):
    said = render.confidence(probability)
    assert (said.level, said.words) == (level, words)
    assert odds in said.odds


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_surer_answer_never_reads_as_less_sure(one, other):
    low, high = sorted((one, other))
    assert render.confidence(low).level <= render.confidence(high).level


def test_answer_text_says_answer_sentence_and_place():
    citation = cite(HARBOUR, "1708")
    text = render.answer_text(Answer("when?", "when?", "1708", 0.93, (citation,)))
    assert text.splitlines() == [
        "1708",
        "Very likely right (answers like this are right about 93 times in 100).",
        "",
        "The harbour of Lerwick was founded in [1708] by Dutch herring fishers.",
        "    harbour.txt",
    ]


def test_refusal_text_gives_the_reason_and_the_nearest_place():
    refusal = Refusal("not_answered", "No passage answers this.", (cite(HARBOUR, "1858"),))
    text = render.answer_text(Answer("why?", "why?", None, 0.1, (), refusal))
    assert text.startswith("The documents do not say\n")
    assert "harbour.txt" in text and "[1858]" in text


def test_quote_with_reference_is_what_a_person_pastes():
    source = document("a.md", "One.\nThe light was\nlit in 1858. Two.")
    citation = cite(source, "1858")
    assert re.fullmatch(r"“.*lit in 1858\.” \(a\.md\)", render.quote_with_reference(citation))
