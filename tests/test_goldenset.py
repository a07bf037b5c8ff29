"""Golden files: what a person writes is what is asked, and a slip is named with its line."""

import gzip
import json
import re
from datetime import date
from pathlib import Path

import pytest

from qa.golden_formats import paragraph_name
from qa.goldenset import KEYS, GoldenError, KnownFailure, Pair, load

ROOT = Path(__file__).parents[1]
SEEDS = ROOT / "seeds"
ARTICLE = (SEEDS / "000_d339585c7434496a.txt").read_text(encoding="utf-8")

FULL = """\
# a remark
- question: and when?
  answers: [November 16, 83]
  document: news/article.txt
  page: 3
  quote: on November 16
  filter: {documents: "news/*"}
  history: ["Who spoke?", "where: here"]
  known_failure: {reason: two columns, since: 2026-01-31}

- question: How many ships were sunk?
  unanswerable: true
"""

FULL_PAIR = Pair(
    question="and when?",
    answers=("November 16", "83"),
    document="news/article.txt",
    page=3,
    quote="on November 16",
    filter={"documents": "news/*"},
    history=("Who spoke?", "where: here"),
    known_failure=KnownFailure("two columns", date(2026, 1, 31)),
    line=2,
)


def write(folder, name, text):
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


# The bundled set


def test_every_bundled_answer_and_quote_stands_in_the_article():
    # An answer that is not in the article could never be given, and would count as a loss for ever.
    missing = [
        (pair.question, text)
        for pair in load(SEEDS / "golden.yaml")
        for text in [*pair.answers, *([pair.quote] if pair.quote else [])]
        if text not in ARTICLE
    ]
    assert missing == []


def test_the_bundled_set_asks_enough_of_both_kinds():
    pairs = load(SEEDS / "golden.yaml").pairs
    assert pairs[0].question == "who designated the cartel?"
    assert pairs[0].answers[0] == "U.S. State Department"
    assert sum(not pair.unanswerable for pair in pairs) >= 40
    assert sum(pair.unanswerable for pair in pairs) >= 16
    assert len({pair.key for pair in pairs}) == len(pairs)


# Formats


def test_yaml_with_every_key(tmp_path):
    golden = load(write(tmp_path, "golden.yaml", FULL))
    assert golden.pairs == (FULL_PAIR, Pair("How many ships were sunk?", line=11))
    assert [pair.unanswerable for pair in golden] == [False, True]


def test_yaml_keeps_answers_as_they_are_written(tmp_path):
    # YAML would turn these into a date, a number, a number in base 60 and a truth value.
    text = "- question: q\n  answers: [2026-11-16, 1.50, 12:30, yes, '']\n"
    with pytest.raises(GoldenError, match=r":2: `answers` is empty"):
        load(write(tmp_path, "golden.yaml", text))
    golden = load(write(tmp_path, "golden.yml", text.replace(", ''", "")))
    assert golden.pairs[0].answers == ("2026-11-16", "1.50", "12:30", "yes")


def test_jsonl_and_json_hold_the_same_pairs(tmp_path):
    row = {
        "question": "and when?",
        "answers": ["November 16", 83],
        "document": "news/article.txt",
        "page": 3,
        "quote": "on November 16",
        "filter": {"documents": "news/*"},
        "history": ["Who spoke?", "where: here"],
        "known_failure": {"reason": "two columns", "since": "2026-01-31"},
    }
    lines = "\n" + json.dumps(row) + "\n\n" + '{"question": "how many?", "unanswerable": true}'
    jsonl = load(write(tmp_path, "golden.jsonl", lines))
    assert jsonl.pairs == (FULL_PAIR, Pair("how many?", line=4))
    listed = load(write(tmp_path, "golden.json", json.dumps([row])))
    assert (listed.pairs[0].question, listed.pairs[0].answers) == ("and when?", FULL_PAIR.answers)


@pytest.mark.parametrize("name", ["golden.json", "golden.jsonl"])
def test_json_keeps_decimals_as_they_are_written(tmp_path, name):
    # As a number, 4.50 is 4.5: the answer "4.50" of the document never passed.
    row = '{"question": "how much?", "answers": [4.50, 1e3]}'
    golden = load(write(tmp_path, name, row if name.endswith("l") else f"[{row}]"))
    assert golden.pairs[0].answers == ("4.50", "1e3")


def test_answers_and_quotes_are_composed_as_the_text_of_documents_is(tmp_path):
    # Typed on a Mac, "é" is two code points, and no document holds it so. A file's name may.
    text = "- question: where?\n  answers: [Cafe\u0301]\n  quote: the Cafe\u0301\n"
    (pair,) = load(write(tmp_path, "golden.yaml", text + "  document: cafe\u0301.txt\n"))
    assert (pair.answers, pair.quote) == (("Caf\u00e9",), "the Caf\u00e9")
    assert pair.document == "cafe\u0301.txt"


CSV = """\
question;answers;unanswerable;document;page;quote;history;known_failure;since
and when?;November 16|83;;a.txt;3;on November 16;Who spoke?|where: here;"two columns";2026-01-31
"a question
over two lines";;true;;;;;;
who?;Maduro;;;;;;;
"""


def test_csv_as_a_spreadsheet_saves_it(tmp_path):
    # With a byte order mark, semicolons, a line end inside a cell, and Windows line ends.
    golden = load(write(tmp_path, "golden.csv", "\ufeff" + CSV.replace("\n", "\r\n")))
    first, second, third = golden.pairs
    assert first.answers == FULL_PAIR.answers
    assert (first.page, first.history) == (3, FULL_PAIR.history)
    assert first.known_failure == FULL_PAIR.known_failure
    assert (second.unanswerable, second.line) == (True, 3)
    assert (third.answers, third.line) == (("Maduro",), 5)


@pytest.mark.parametrize("cell", ["{documents: [a.txt]}", '{""documents"": [""a.txt""]}'])
def test_csv_has_a_filter_as_yaml_or_json_writes_it(tmp_path, cell):
    # Every cell is text, so that no filter of a CSV could be valid.
    golden = load(write(tmp_path, "golden.csv", f'question,answers,filter\nwho?,Ann,"{cell}"\n'))
    assert golden.pairs[0].filter == {"documents": ["a.txt"]}


SQUAD = {
    "version": "v2.0",
    "data": [
        {
            "title": "Force/Motion",
            "paragraphs": [
                {
                    "context": "A force of 5 N acts.",
                    "qas": [
                        {
                            "id": "1",
                            "question": "How big is the force?",
                            "is_impossible": False,
                            "answers": [
                                {"text": "5 N", "answer_start": 11},
                                {"text": "5 N", "answer_start": 11},
                                {"text": "5", "answer_start": 11},
                            ],
                        },
                        {
                            "id": "2",
                            "question": "How old is it?",
                            "is_impossible": True,
                            "plausible_answers": [{"text": "5 N", "answer_start": 11}],
                            "answers": [],
                        },
                    ],
                }
            ],
        }
    ],
}


@pytest.mark.parametrize("name", ["dev.json", "dev.json.gz"])
def test_squad_brings_its_paragraphs_along(tmp_path, name):
    text = json.dumps(SQUAD).encode()
    golden = load(write(tmp_path, name, gzip.compress(text) if name.endswith("gz") else text))
    document = paragraph_name("Force/Motion", "A force of 5 N acts.")
    assert golden.documents == {document: "A force of 5 N acts."}
    assert golden.pairs == (
        Pair("How big is the force?", ("5 N", "5"), document=document),
        Pair("How old is it?", document=document),
    )
    written = golden.write_documents(tmp_path / "paragraphs") / document
    assert written.read_text() == "A force of 5 N acts."
    assert [pair.document for pair in golden.anywhere()] == [None, None]


def test_a_paragraph_name_stays_inside_the_folder():
    assert re.fullmatch(r"etc_passwd/[0-9a-f]{12}\.txt", paragraph_name("../../etc/passwd", "text"))


# Slips: a person must be able to mend each without reading our code


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- question: a\n  answers: [b]\n- question: c\n", r":3: neither `answers"),
        ("- question: a\n  answers: [b]\n  unanswerable: true\n", r":1: both `answers`"),
        ("- answers: [b]\n", r":1: the pair has no `question`"),
        ("- question: a\n  answers: b\n", r":2: `answers` must be a list .* found 'b'"),
        ("- question: a\n  anwsers: [b]\n", r":2: unknown key `anwsers`; the keys are question,"),
        ("- question: a\n  answers:\n  - [b]\n", r":2: `answers` must be text, found \['b'\]"),
        ("- question: a\n  answers: [b]\n  page: none\n", r":3: `page` must be a whole number"),
        ("- question: a\n  unanswerable: maybe\n", r":2: `unanswerable` must be true or false"),
        ("- question: a\n  unanswerable: true\n  quote: b\n", r":3: `quote` has no meaning"),
        ("- question: a\n  answers: [b]\n  filter: c\n", r":3: `filter` must be a mapping"),
        # A filter that cannot be applied was a refusal, and an unanswerable pair passed unasked.
        (
            "- question: a\n  unanswerable: true\n  filter: {document: c}\n",
            r":3: `filter`: found the filter 'document', expected documents, formats",
        ),
        (
            "- question: a\n  unanswerable: true\n  filter: {modified_from: 31.12.2025}\n",
            r":3: `filter`: modified_from: found '31.12.2025', expected a date",
        ),
        (
            "- question: a\n  answers: [b]\n  filter: {documents: }\n",
            r":3: `filter`: documents: found None, expected a name, or a list of names",
        ),
        (
            "- question: a\n  answers: [b]\n  known_failure: x\n",
            r":3: .* needs a reason and a date",
        ),
        (
            "- question: a\n  answers: [b]\n  known_failure: {reason: r, since: spring}\n",
            r":3: `since` must be a date .* found 'spring'",
        ),
        ("- question: a\n  question: b\n", r":2: `question` stands twice"),
        ("- question: a\n  ? [b]\n  : c\n", r":2: expected a key"),
        ("- question: 'a\n", r":2: not valid YAML: .* needs quotes"),
        ("question: a\nanswers: [b]\n", r":1: expected a list of pairs"),
        ("- just text\n", r":1: expected a pair with `question:`, found 'just text'"),
        ("- question: &a [*a]\n", r":1: nested deeper"),
        ("# nothing yet\n", r"no questions in it"),
    ],
)
def test_a_slip_in_yaml_is_named_with_its_line(tmp_path, text, message):
    with pytest.raises(GoldenError, match=r"golden\.yaml.*" + message):
        load(write(tmp_path, "golden.yaml", text))


def test_every_faulty_pair_is_named_at_once(tmp_path):
    with pytest.raises(GoldenError, match=r"golden\.yaml:1: neither") as caught:
        load(write(tmp_path, "golden.yaml", "- question: a\n" * 30))
    lines = str(caught.value).splitlines()
    assert len(lines) == 21
    assert ":20: neither" in lines[19]
    assert lines[20] == "… and 10 more"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "g.jsonl",
            '{"question": "a", "answers": ["b"]}\n{"question" 1}',
            r"g\.jsonl:2: not valid",
        ),
        (
            "g.jsonl",
            '{"question": true, "answers": ["b"]}',
            r":1: `question` must be text, found T",
        ),
        ("g.json", '[{"question": "a", "answers": ["b"]}, {"question": "a"}]', r"pair 2: neither"),
        ("g.json", '[\n{"question" "a"}]', r"g\.json:2: not valid JSON"),
        ("g.json", '{"pairs": []}', r"expected a list of pairs, or SQuAD JSON"),
        (
            "g.json",
            '{"data": [{"paragraphs": [{"context": "c", "qas": [{"id": 1}]}]}]}',
            r"data\[0\]\.paragraphs\[0\]\.qas\[0\]: KeyError\('answers'\)",
        ),
        (
            "g.csv",
            "frage,antwort\na,b\n",
            r":1: expected a column `question`, found frage, antwort",
        ),
        ("g.csv", "question,answers\na,b\nc,\n", r":3: neither `answers"),
        (
            "g.csv",
            "question,answers\na,b,c\n",
            r":2: expected a pair with `question:`, found \['c'\]",
        ),
        ("g.csv", b"question,answers\n\xff,b\n", r"not UTF-8 at byte 17"),
        # Of two columns of one name, the first would be left out without a word.
        (
            "g.csv",
            "question,answers,answers\na,b,c\n",
            r":1: found the column `answers` 2 times, expected it once",
        ),
        ("g.csv", 'question,"answers"s\na,b\n', r":1: not valid CSV"),
        ("g.csv", "question,answers,filter\na,b,c\n", r":2: `filter` must be a mapping"),
        ("g.csv", "question,answers,filter\na,b,{c\n", r":2: `filter` must be a mapping"),
        ("g.json.gz", b"\x1f\x8b broken", r"cannot be read"),
        ("g.json.gz", gzip.compress(b"[]")[:10] + b"\xff" * 20, r"cannot be read"),
        ("g.xlsx", "x", r"ends in one of \.yaml, \.yml, \.json, \.jsonl, \.csv"),
    ],
)
def test_a_slip_in_other_formats_is_named(tmp_path, name, text, message):
    with pytest.raises(GoldenError, match=message):
        load(write(tmp_path, name, text))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(GoldenError, match=r"nowhere\.yaml: no such file"):
        load(tmp_path / "nowhere.yaml")


def test_the_editors_schema_knows_the_keys_that_the_reader_knows():
    # Otherwise an editor would underline what works, or let pass what does not.
    schema = json.loads((ROOT / "docs" / "golden.schema.json").read_text())
    assert set(schema["items"]["properties"]) == set(KEYS)
    first_line = (SEEDS / "golden.yaml").read_text().splitlines()[0]
    named = first_line.partition("$schema=")[2]
    assert (SEEDS / named).resolve() == ROOT / "docs" / "golden.schema.json"


def test_the_documented_example_is_a_golden_set(tmp_path):
    page = (ROOT / "docs" / "golden.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    golden = load(write(tmp_path, "golden.yaml", example))
    given = {key for row in example.splitlines() for key in re.findall(r"^[- ] (\w+):", row)}
    assert given == set(KEYS)
    assert [pair.unanswerable for pair in golden] == [False, True, False]
