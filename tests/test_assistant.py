"""Asking: every stage over a real library, with a network whose logits can be told by hand."""

import json
import logging
from dataclasses import replace

import pytest

import qa
from index.errors import CitespanError, LibraryError, QuestionError, WeightsMissing
from qa.answer import Answer
from qa.assistant import Assistant
from qa.calibration import Calibration, Logistic
from qa.config import Settings
from qa.reader import Reader
from tests.index_fakes import open_library, write
from tests.reader_fakes import WordRun, word_tokenizer

PLAIN = Calibration(Logistic(0, {"margin": 1.0}), Logistic(0, {"score": 1.0}), threshold=0.5)
FILES = {
    "bridge.md": "# The bridge\n\nThe apple bridge was opened by Ann in 1708. Later it was shut.",
    "copper.txt": "A copper engine was built by Bob.",
}


@pytest.fixture
def make(tmp_path):
    def assistant(scores, files=FILES, **settings):
        (tmp_path / "papers").mkdir()
        library = open_library(write(tmp_path / "papers", files), tmp_path / "home")
        library.sync()
        reader = Reader(WordRun(scores), word_tokenizer())
        return Assistant(library, reader, PLAIN, Settings(**settings))

    return assistant


def test_an_answer_is_a_quote_with_its_place_and_sentence(make):
    assistant = make({"Ann": 2.0})
    answer = assistant.ask("who opened the apple bridge?")
    (cited,) = answer.citations
    text = assistant.library.document(cited.document).text
    assert answer and answer.text == "Ann"
    assert text[cited.start : cited.end] == cited.quote == "Ann"
    assert text[cited.sentence_start : cited.sentence_end] == cited.sentence
    assert cited.sentence == "The apple bridge was opened by Ann in 1708."
    assert cited.place == "bridge.md, “The bridge”"
    assert answer.refusal is None


def test_an_answer_from_a_table_names_its_cell(make):
    (cited,) = make({"Ann": 2.0}, {"t.csv": "Bridge,Opened by\napple,Ann"}).ask("who?").citations
    assert (cited.quote, cited.cell, cited.place) == ("Ann", "B2", "t.csv, B2")


def test_a_question_that_no_passage_answers_is_refused_with_the_nearest(make):
    answer = make({"Ann": -2.0, "Bob": -3.0}).ask("who sank the apple bridge?")
    assert not answer and answer.text is None and answer.citations == ()
    assert answer.refusal.reason == "not_answered"
    assert answer.refusal.nearest[0].quote == "Ann"
    assert answer.confidence < 0.5


def test_a_refusal_names_the_words_that_no_document_says(make):
    assistant = make({"Ann": -2.0, "Bob": -3.0})
    answer = assistant.ask("Which mayor of Paris opened the apple bridge in 1708?")
    assert answer.unsaid == ("mayor", "Paris")
    assert answer.note == "“mayor” and “Paris” were found nowhere in the text of the documents."
    # "opened" is said in the other document only.
    other = assistant.ask("who opened the engine?", filters={"documents": "copper.txt"})
    assert (
        other.note == "“opened” was found nowhere in the text of the documents that were searched."
    )
    assert assistant.ask_many(["who shut it?"])[0].unsaid == ()


@pytest.mark.parametrize(
    ("margin", "unsaid"), [(2.0, ("Paris",)), (0.25, ("inaugurated", "Paris"))]
)
def test_an_answer_warns_of_names_that_no_document_says_and_unsure_of_any_word(
    make, margin, unsaid
):
    answer = make({"Ann": margin}).ask("who inaugurated the apple bridge in Paris?")
    assert answer.text == "Ann" and answer.unsaid == unsaid
    assert "“Paris”" in answer.note and ("“inaugurated”" in answer.note) == (margin < 1)


def test_a_misspelt_question_is_read_as_it_is_meant_and_shown_so(make):
    assistant = make({"Ann": 2.0})
    typed, meant = "wich person opened the brigde", "which person opened the bridge"
    answer = assistant.ask(typed)
    assert (answer.question, answer.understood) == (typed, meant)
    assert answer == assistant.ask_many([typed])[0]
    assert assistant.ask(meant).citations == answer.citations


def test_what_is_said_around_a_question_is_neither_searched_nor_read(make):
    assistant = make({"Ann": 2.0})
    polite, meant = "Hi, could you tell me who opened the bridge? Thanks!", "who opened the bridge?"
    answer = assistant.ask(polite)
    assert (answer.question, answer.understood) == (polite, meant)
    # Nor is it a yes/no question for beginning with "could": the name is quoted, not the sentence.
    assert (answer.text, answer.note) == ("Ann", None)
    assert answer.citations == assistant.ask(meant).citations
    then = assistant.ask("and could you tell me when?", [answer])
    assert then.understood == "When did Ann open the bridge?"


BYLINE = "Bridge opens\nBy Ann Lee\n\nThe apple bridge was opened by Bob in the year of 1708."


def test_a_document_is_quoted_on_itself_from_its_own_lines(make):
    # By the network alone it would be "Bob", for every question.
    assistant = make({"Bob": 3.0}, {"news.txt": BYLINE})
    answer = assistant.ask("Who wrote this article?")
    (cited,) = answer.citations
    text = assistant.library.document("news.txt").text
    assert answer.text == text[cited.start : cited.end] == cited.quote == "Ann Lee"
    assert answer == assistant.ask_many(["Who wrote this article?"])[0]
    titled = assistant.ask("What is the title of the document?")
    assert (titled.text, titled.note) == ("Bridge opens", "This is the title of the document.")
    # "The report" may be one that the text speaks of.
    assert assistant.ask("Who wrote the report?").text == "Bob"


@pytest.mark.parametrize(
    ("name", "text"), [("report.txt", "Ann Lee"), ("Annual-Report.txt", "Ann Lee"), ("a.txt", None)]
)
def test_the_report_is_a_document_that_is_called_so_where_nothing_else_answers(make, name, text):
    assert make({}, {name: BYLINE}).ask("Who wrote the report?").text == text


def test_what_a_document_covers_is_first_looked_for_in_its_text(make):
    text = "Travel policy\n\nThis apple policy covers flights by Bob and hotels."
    asked = "What does this policy cover?"
    assert make({"Bob": 3.0}, {"policy.txt": text}).ask(asked).text == "Bob"


def test_and_is_its_title_where_the_text_does_not_say(make):
    text = "Travel policy\n\nFlights and apple pies are paid for by all of us here."
    assert (
        make({}, {"policy.txt": text}).ask("What does this policy cover?").text == "Travel policy"
    )


def test_what_no_line_of_a_document_says_of_it_is_refused_whatever_name_is_near(make):
    assistant = make({"Ann": 3.0}, {"news.txt": "The apple bridge was opened, and Ann came."})
    refused = assistant.ask("When was this article published?")
    assert not refused and refused.confidence == 0.0
    assert refused.note == "No line of news.txt says its date."
    assert refused.refusal.nearest[0].quote == "Ann"
    assert assistant.ask("Who came?").text == "Ann"


def test_of_several_documents_the_named_filtered_or_last_cited_is_meant(make, tmp_path):
    files = {"news.txt": BYLINE, "copper.txt": "By Cy Fox\n\nA copper engine was built by Bob."}
    assistant = make({"Bob": 3.0}, files)
    question = "Who wrote this article?"
    several = assistant.ask(question)
    assert not several and several.note.startswith("Several documents may be meant")
    assert assistant.ask("Who is the author of copper.txt?").text == "Cy Fox"
    assert assistant.ask(question, filters={"documents": "news.txt"}).text == "Ann Lee"
    before = assistant.ask("who built the copper engine?")
    assert before.citations[0].document == "copper.txt"
    assert assistant.ask(question, [before]).text == "Cy Fox"
    assert assistant.ask("What is this about?", [before]).understood == "What is this about?"
    # Another document's author is not this one's, whatever a text says.
    files = {"x.txt": "An apple bridge.", "y.txt": "This was written by Bob, who is an author."}
    write(tmp_path / "papers", files)
    assistant.library.sync()
    silent = assistant.ask("Who is the author of x.txt?")
    assert silent.note == "No line of x.txt says who wrote it."


def test_a_clause_is_quoted_by_its_number_of_the_one_document_that_has_it(make):
    files = {"a.md": "# Lease\n\n1. Rent\n\n1.1 Bob pays.", "b.txt": "1. Rent\n\n2.1 Ann pays."}
    assistant = make({"Ann": 3.0, "Bob": 3.0}, files)
    answer = assistant.ask("What does clause 1.1 say?")
    assert (answer.text, answer.citations[0].document) == ("1.1 Bob pays.", "a.md")
    both = assistant.ask("What does clause 1 say?")
    assert not both and both.note.startswith("Several documents may be meant")
    assert assistant.ask("What does clause 1 of b.txt say?").text == "1. Rent"
    assert assistant.ask("What does clause 1.1 of the lease say?").text == "1.1 Bob pays."


@pytest.mark.parametrize("of", ["c.pdf", "the loan"])
def test_a_clause_of_a_document_that_is_not_there_is_not_quoted_from_another_one(make, of):
    files = {"a.md": "# Lease\n\n1.1 Bob pays.", "b.txt": "2.1 Ann pays."}
    assistant = make({}, files)
    before = assistant.ask("What does clause 1.1 of a.md say?")
    assert before.text == "1.1 Bob pays."
    assert not assistant.ask(f"What does clause 1.1 of {of} say?", history=[before])


CONTRACT = "Contract of the Oslo bridge\n\n4.2 The bridge is shut.\n\n5. The engine may be sold."


@pytest.mark.parametrize(
    "others", [{}, {"b.txt": "5. Ann pays."}], ids=["the only one", "a filter leaves one"]
)
def test_nor_from_the_only_one_that_is_searched(make, others):
    """Its clause was quoted at 0.95 for that of any document that was named."""
    assistant = make({}, {"contract.txt": CONTRACT, **others})
    filters = {"documents": "contract.txt"} if others else None
    clause = "4.2 The bridge is shut."
    for of in ("the contract", "this document", "contract.txt", "contract", "the Oslo contract"):
        asked = f"What does clause 4.2 of {of} say?"
        assert assistant.ask(asked, filters=filters).text == clause
    assert assistant.ask("What does clause 4.2 say?", filters=filters).text == clause
    missing = assistant.ask("What does clause 4.2 of lease.docx say?", filters=filters)
    assert not missing
    assert missing.note == "No document that is searched is called “lease.docx”."
    for of in ("the NATO treaty", "the Bergen contract"):
        assert not assistant.ask(f"What does Article 5 of {of} say?", filters=filters)


def test_a_part_of_what_no_document_is_called_is_left_to_the_reader(make):
    """It was refused with "Several documents may be meant", though a sentence says it."""
    news = "Article 5 of the NATO treaty says that Ann is to be helped."
    assistant = make({"Ann": 3.0}, {"contract.txt": CONTRACT, "news.txt": news})
    answer = assistant.ask("What does Article 5 of the NATO treaty say?")
    assert (answer.text, answer.citations[0].document) == ("Ann", "news.txt")
    assert assistant.ask("Who wrote the foreword of news.txt?").text == "Ann"


def test_a_copy_of_a_file_can_be_asked_about_and_both_are_one_document(make):
    """By its name, or where a filter left only the copy, nothing was found to be meant."""
    assistant = make({"Bob": 3.0}, {"a.txt": BYLINE, "copy.txt": BYLINE})
    for asked, filters in [
        ("who wrote copy.txt?", None),
        ("who wrote this article?", None),
        ("who wrote this article?", {"documents": "copy.txt"}),
    ]:
        assert assistant.ask(asked, filters=filters).text == "Ann Lee"
    assert assistant.ask("who wrote copy.txt?").citations[0].document == "copy.txt"
    missing = assistant.ask("who wrote b.txt?")
    assert not missing and missing.note == "No document that is searched is called “b.txt”."


def test_what_a_copy_says_in_its_text_is_cited_by_the_other_name(make):
    text = "The apple bridge is old. This was written by Bob, who is an author."
    files = {"a.txt": text, "copy.txt": text, "x.txt": "An apple."}
    answer = make({"Bob": 3.0}, files).ask("Who is the author of copy.txt?")
    assert (answer.text, answer.citations[0].document) == ("Bob", "a.txt")


def test_a_file_name_with_a_space_or_in_quotation_marks_is_the_file(make):
    """The last word was taken for the name: another file's clause was quoted."""
    files = {
        "Annual report.txt": f"{BYLINE}\n\n4.2 It is shut.",
        "report.txt": "By Cy Fox\n\n4.2 It is open.",
    }
    assistant = make({"Bob": 3.0}, files)
    for named in ("Annual report.txt", '"Annual report.txt"', "the file “annual report.txt”"):
        assert assistant.ask(f"who wrote {named}?").text == "Ann Lee"
        clause = assistant.ask(f"what does clause 4.2 of {named} say?")
        assert clause.text == "4.2 It is shut."
    assert assistant.ask('who wrote "report.txt"?').text == "Cy Fox"
    missing = assistant.ask("who wrote Yearly report.txt?")
    assert missing.note == "No document that is searched is called “yearly report.txt”."


def test_a_threshold_above_the_confidence_in_such_lines_refuses_them(make):
    assistant = make({}, {"news.txt": BYLINE})
    assistant.calibration = replace(PLAIN, threshold=0.99)
    assert not assistant.ask("Who wrote this article?")


def test_a_refusal_tells_that_the_sentence_says_the_opposite(make):
    files = {"a.txt": "The apple bridge was approved by Ann in 1708."}
    answer = make({"Ann": 1.0}, files).ask("who rejected the apple bridge?")
    assert not answer
    assert answer.note.startswith("The nearest sentence says “approved”, not “rejected”.")


def test_an_empty_library_retrieves_nothing(make):
    answer = make({}, files={}).ask("who?")
    assert answer.refusal.reason == "nothing_retrieved"
    assert str(answer) == "There are no documents to search."


def test_documents_that_contradict_each_other_are_not_decided_between(make):
    files = {"a.txt": "The apple bridge is of 1708.", "b.txt": "The apple bridge is of 1709."}
    assistant = make({}, files=files)
    tokenizer = word_tokenizer()
    tokenizer.add_tokens(["1709"])
    run = WordRun({"1708": 3.0})
    run.scores[tokenizer.token_to_id("1709")] = 3.0
    assistant.reader = Reader(run, tokenizer)
    answer = assistant.ask("when was the apple bridge built?")
    assert answer.refusal.reason == "conflicting"
    assert "1708" in str(answer) and "1709" in str(answer)


def test_a_source_that_says_otherwise_is_cited_in_its_own_place(make):
    assistant = make(
        {},
        files={
            "one.txt": "The apple bridge was built in 1708.",
            "two.txt": "The apple bridge was built in 1709.",
        },
    )
    tokenizer = word_tokenizer()
    tokenizer.add_tokens(["1709"])
    run = WordRun({"1708": 3.0})
    run.scores[tokenizer.token_to_id("1709")] = 2.5
    assistant.reader = Reader(run, tokenizer)
    answer = assistant.ask("when was the apple bridge built?")
    assert answer.text == "1708"
    assert [cited.document for cited in answer.citations] == ["one.txt"]
    (rival,) = answer.rivals
    text = assistant.library.document("two.txt").text
    assert text[rival.start : rival.end] == rival.quote == "1709"
    assert answer.note == "Sources disagree: another one says “1709”."
    # It was not told where the question is for yes or no.
    note = assistant.ask("Was the apple bridge built in 1708?").note
    assert note.startswith("Only quotes are given") and answer.note in note
    assert Answer.from_dict(json.loads(json.dumps(answer.to_dict()))) == answer


def test_a_yes_or_no_question_gets_the_sentence_that_decides_it(make):
    answer = make({"1708": 2.0}).ask("Was the apple bridge opened in 1708?")
    assert answer.text == "The apple bridge was opened by Ann in 1708."
    assert "Only quotes are given" in answer.note


def test_a_sentence_that_was_quoted_from_twice_is_cited_once(make):
    text = "The apple bridge was opened by Ann, and by Ann it was shut."
    answer = make({"Ann": 2.0}, {"a.txt": text}).ask("Was the apple bridge opened by Ann?")
    assert [cited.quote for cited in answer.citations] == [text]


def test_may_before_a_year_is_the_month(make):
    answer = make({"1708": 2.0}).ask("May 1708 opening of the apple bridge?")
    assert (answer.text, answer.note) == ("1708", None)


def test_an_inexact_quote_is_withheld_and_logged(make, caplog):
    assistant = make({"Ann": 2.0})
    honest = assistant.reader.read_many

    class Careless:
        def read_many(self, requests, best=5):
            return [[replace(s, start=s.start + 1) for s in spans] for spans in honest(requests)]

    assistant.reader = Careless()
    with caplog.at_level(logging.ERROR, logger="citespan"):
        answer = assistant.ask("who opened the apple bridge?")
    assert answer.text is None and answer.citations == ()
    assert "withheld an inexact citation of bridge.md" in caplog.text
    assert "who opened" not in caplog.text


def test_asking_many_answers_as_asking_each(make):
    assistant = make({"Ann": 2.0, "Bob": 1.0, "1708": 3.0})
    questions = ["who opened the apple bridge?", "when?", "who built the copper engine?"]
    assert assistant.ask_many(questions) == [assistant.ask(question) for question in questions]


def test_stages_come_in_order_and_the_last_has_the_answer(make):
    stages = list(make({"Ann": 2.0}).ask_stages("who opened the apple bridge?"))
    assert [stage.name for stage in stages] == ["searching", "reading", "answering"]
    assert stages[1].passages[0].document == "bridge.md"
    assert stages[2].answer.text == "Ann"


def test_a_filter_keeps_other_documents_out(make):
    assistant = make({"Ann": 3.0, "Bob": 1.0})
    asked = "who built the apple bridge or the copper engine?"
    assert assistant.ask(asked).text == "Ann"
    assert assistant.ask(asked, filters={"documents": "copper.txt"}).text == "Bob"
    assert assistant.ask(asked, filters={"formats": ["markdown"]}).text == "Ann"


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"colour": "red"}, "found the filter 'colour', expected documents, formats"),
        ({"modified_from": "soon"}, "modified_from: found 'soon', expected a date"),
    ],
)
def test_a_filter_that_means_nothing_is_an_error(make, filters, found):
    with pytest.raises(QuestionError, match=found):
        make({}).ask("who?", filters=filters)


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("", "found an empty question, expected at least one word"),
        (" \n\t ", "found an empty question"),
        ("🙂🙂", "found no word in the question"),
        ("a" * 1001, "the question has 1,001 characters, expected at most 1,000"),
    ],
)
def test_what_is_no_question_is_an_error_before_anything_is_searched(make, question, found):
    with pytest.raises(QuestionError, match=found):
        make({}).ask(question)


def test_invisible_characters_in_a_question_change_nothing(make):
    assistant = make({"Ann": 2.0})
    plain = assistant.ask("who opened the apple bridge?")
    typed = assistant.ask("who\x00 opened\r\n the\u200b apple bridge?")
    assert typed.text == plain.text == "Ann"


def test_a_missing_path_is_named(tmp_path):
    with pytest.raises(LibraryError, match="nowhere"):
        qa.open(tmp_path / "nowhere", settings=Settings(home=tmp_path))


def test_missing_weights_are_named_before_a_library_is_made(tmp_path):
    settings = Settings(home=tmp_path / "home", weights=tmp_path)
    with pytest.raises(WeightsMissing, match="reader.onnx not found"):
        qa.open(write(tmp_path / "papers", FILES), settings=settings)
    assert not (tmp_path / "home").exists()


def test_every_error_is_of_the_one_tree():
    assert issubclass(QuestionError, CitespanError)
    assert issubclass(WeightsMissing, CitespanError)
