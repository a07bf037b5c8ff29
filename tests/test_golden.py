"""A golden run: what is compared, what is counted, and which stage is blamed for a lost answer."""

import dataclasses
import json

import pytest

from qa import diagnosis, golden
from qa.calibration import Calibration, Logistic, Stopping
from qa.golden_summary import thresholds
from qa.goldenset import GoldenError, GoldenSet, Pair
from tests.golden_fakes import BOATS, harbour

FOUNDED = Pair("when was the harbour founded?", ("1708", "in 1708"), document="boats.txt")
DESIGNED = Pair("who designed the lighthouse?", ("David Stevenson",))
SUNK = Pair("how many boats were sunk?")
TABLE = {
    FOUNDED.question: ("1708", 4.0),
    DESIGNED.question: ("David Stevenson", 2.0),
}


def test_a_right_answer_from_the_right_place_passes(tmp_path):
    record = golden.run_pair(FOUNDED, harbour(tmp_path, TABLE))
    assert (record.passed, record.stage, record.em, record.rank) == (True, None, 1, 1)
    assert (record.got, record.citation["document"]) == ("1708", "boats.txt")
    assert record.citation_right == {"document": True}
    assert record.passage == BOATS
    assert record.confidence == pytest.approx(0.982, abs=1e-3)  # the logistic of 4


def test_a_refused_unanswerable_question_passes(tmp_path):
    record = golden.run_pair(SUNK, harbour(tmp_path, TABLE))
    assert (record.passed, record.got, record.em, record.f1) == (True, None, 1, 1)
    assert (record.best_em, record.rank) == (0, None)  # no span of it could have been right


def lost(folder, pair, table, **settings):
    record = golden.run_pair(pair, harbour(folder, table, **settings))
    assert not record.passed
    return record


def test_not_refused(tmp_path):
    record = lost(tmp_path, SUNK, {SUNK.question: ("212", 3.0)})
    assert record.stage == "not_refused"
    assert "with confidence 0.95 from “Today 212 boats are registered there.”" in record.detail


def test_an_answer_of_no_words_is_not_taken_for_a_refusal(tmp_path):
    # Normalised as SQuAD does, "A" and "%" are empty, as a refusal is: the pair passed.
    assistant = harbour(tmp_path, {SUNK.question: ("A", 3.0)})
    (tmp_path / "documents" / "rating.txt").write_text("The rating: A for boats.")
    assistant.library.sync()
    record = golden.run_pair(SUNK, assistant)
    assert (record.got, record.passed, record.em, record.f1) == ("A", False, 0, 0)
    assert record.stage == "not_refused"


def test_ten_times_the_number_does_not_pass(tmp_path):
    # SQuAD's exact match drops the decimal point, and so did the search for the right passage.
    pair = Pair("how much of the fleet was lost?", ("3.5",))
    assistant = harbour(tmp_path, {pair.question: ("35", 3.0)})
    (tmp_path / "documents" / "fleet.txt").write_text("Of the fleet, 35 of 120 boats were lost.")
    (tmp_path / "documents" / "rate.txt").write_text("The rate of interest is 3.5 percent.")
    assistant.library.sync()
    record = golden.run_pair(pair, assistant)
    assert (record.got, record.em, record.passed, record.best_right) == ("35", 1, False, 0)
    assert (record.stage, record.passage) == ("not_read", "The rate of interest is 3.5 percent.")


def test_refused(tmp_path):
    record = lost(tmp_path, FOUNDED, {FOUNDED.question: ("1708", -0.5)})
    assert (record.stage, record.best, record.best_em) == ("refused", "1708", 1)
    assert record.margin == -0.5
    assert "“1708” came first with confidence 0.38" in record.detail


def test_not_read(tmp_path):
    # The reader sees the right passage and marks the wrong number in it.
    record = lost(tmp_path, FOUNDED, {FOUNDED.question: ("212 boats", 1.5)})
    assert record.stage == "not_read"
    assert record.detail == "in the right passage the reader marks “212 boats” (+1.50)"


def test_not_read_because_reading_stopped(tmp_path):
    # Nothing is expected of what is left, so that two passages are read and the right one is not.
    pair = dataclasses.replace(FOUNDED, question="the ferry in winter to the isles?")
    assistant = harbour(tmp_path, {pair.question: ("1708", 4.0)})
    never = Stopping(Logistic(-20), limit=0.5)
    assistant.calibration = Calibration(stopping=never, refusing=never)
    record = golden.run_pair(pair, assistant)
    assert (record.got, record.stage, record.margin) == (None, "not_read", None)
    assert record.detail.startswith("reading stopped after 2 of 3 passages, before the right one")
    assistant.settings = assistant.settings.model_copy(update={"read_all": True})
    assert golden.run_pair(pair, assistant).got == "1708"


def test_not_chosen(tmp_path):
    # The reader marks the right words in the right passage; passages are ranked upside down.
    assistant = harbour(tmp_path, TABLE)
    assistant.calibration = Calibration(ranking=Logistic(weights={"margin": -1.0}))
    record = golden.run_pair(FOUNDED, assistant)
    assert not record.passed
    assert (record.stage, record.margin) == ("not_chosen", 4)
    assert "the reader marked it, but “" in record.detail


def test_the_right_words_from_the_wrong_place_are_not_chosen(tmp_path):
    pair = dataclasses.replace(FOUNDED, document=None, quote="212 boats are registered")
    record = golden.run_pair(pair, harbour(tmp_path, TABLE))
    assert (record.em, record.passed, record.stage) == (1, False, "not_chosen")
    assert record.detail == "the right words, cited from another quote"


def test_a_quote_is_found_over_any_white_space(tmp_path):
    pair = dataclasses.replace(FOUNDED, quote="founded\n  in 1708")
    assert golden.run_pair(pair, harbour(tmp_path, TABLE)).citation_right["quote"]


def test_a_copy_of_the_document_is_as_good_as_the_document(tmp_path):
    # Copies are cited by one of their names; which one is the library's choice.
    assistant = harbour(tmp_path, TABLE)
    (tmp_path / "documents" / "another.txt").write_text(BOATS, encoding="utf-8")
    assistant.library.sync()
    for name in ("another.txt", "boats.txt"):
        assert golden.run_pair(dataclasses.replace(FOUNDED, document=name), assistant).passed


def test_not_retrieved(tmp_path):
    # One passage is read, and the question's words stand in another one.
    pair = Pair("is the ferry in winter to Aberdeen designed by whom?", ("David Stevenson",))
    table = {pair.question: ("David Stevenson", 4.0)}
    record = lost(tmp_path, pair, table, passages=1)
    assert record.stage == "not_retrieved"
    assert record.rank in (2, 3)
    assert record.detail == f"the right passage stood at rank {record.rank}; 1 are read"


def test_not_indexed_for_want_of_the_document(tmp_path):
    pair = dataclasses.replace(FOUNDED, document="boat.txt")
    record = lost(tmp_path, pair, TABLE)
    assert record.stage == "not_indexed"
    assert record.detail == "boat.txt is not among the library's 3 documents"


def test_not_indexed_because_no_document_says_it(tmp_path):
    record = lost(tmp_path, Pair("who built the ferry?", ("Aker Finnyards",)), {})
    assert record.stage == "not_indexed"
    assert record.detail.startswith("no acceptable answer stands in the stored text of any")


@pytest.mark.parametrize("answer", ["Maduro", "peace", "2019", "2020", "a “peace” plan"])
def test_an_answer_among_typographic_marks_is_found_in_its_passage(tmp_path, answer):
    """News has ’ “ ” –: its answers were said to stand in no document at all."""
    assistant = harbour(tmp_path, TABLE)
    text = "Maduro’s envoy had a “peace” plan for 2019–2020."
    (tmp_path / "documents" / "news.txt").write_text(text, encoding="utf-8")
    assistant.library.sync()
    places = diagnosis.Places(assistant.library.snapshot())
    assert places.holds(("news.txt", 0, len(text)), [answer])
    assert not places.holds(("news.txt", 0, len(text)), ["Madur", "201", "pea"])


@pytest.mark.parametrize("text", ["1,950 people", "1.5 percent", "5.2 million"])
def test_a_number_inside_another_one_is_not_the_answer(tmp_path, text):
    assistant = harbour(tmp_path, TABLE)
    (tmp_path / "documents" / "news.txt").write_text(f"It was {text}.", encoding="utf-8")
    assistant.library.sync()
    places = diagnosis.Places(assistant.library.snapshot())
    assert not places.holds(("news.txt", 0, 7 + len(text)), ["950", "5"])
    assert not places.holds(("news.txt", 0, 7 + len(text)), ["15 percent", "52 million"])


def test_a_document_that_could_not_be_read_is_told_with_its_reason(tmp_path):
    assistant = harbour(tmp_path, TABLE)
    (tmp_path / "documents" / "log.txt").write_bytes(b"\x00\x01\x02 1708 \x00" * 50)
    assistant.library.sync()
    record = golden.run_pair(dataclasses.replace(FOUNDED, document="log.txt"), assistant)
    assert record.stage == "not_indexed"
    assert record.detail.startswith("log.txt could not be read: ")
    assert "binary" in record.detail


def test_deeper_than_is_searched_is_not_retrieved_rather_than_not_indexed(tmp_path, monkeypatch):
    # In a library of a million passages nobody waits for the rank of the last one.
    monkeypatch.setattr(diagnosis, "RANKED", 1)
    monkeypatch.setattr(diagnosis, "SEARCHED", 1)
    pair = Pair("is the ferry in winter to Aberdeen designed by whom?", ("David Stevenson",))
    record = lost(tmp_path, pair, {}, passages=1)
    assert (record.stage, record.rank) == ("not_retrieved", None)
    assert record.detail == "the right passage is not among the first 1; 1 are read"


def test_history_is_asked_first_and_handed_on(tmp_path):
    pair = Pair("and when was it lit?", ("1858",), history=(DESIGNED.question,))
    # As the question is read: less the "and" that opens it.
    assistant = harbour(tmp_path, {**TABLE, "When was it lit?": ("1858", 3.0)})
    ask_stages = assistant.ask_stages
    asked = []

    def listening(question, history=(), filters=None):
        asked.append((question, [answer.text for answer in history]))
        return ask_stages(question)

    assistant.ask_stages = listening
    assert golden.run_pair(pair, assistant).passed
    assert asked == [(DESIGNED.question, []), (pair.question, ["David Stevenson"])]


def test_the_filter_holds_for_the_question(tmp_path):
    assistant = harbour(tmp_path, TABLE)
    pair = dataclasses.replace(FOUNDED, filter={"documents": ["light.txt", "ferry.txt"]})
    record = golden.run_pair(pair, assistant)
    assert (record.got, record.stage) == (None, "not_retrieved")
    assert record.detail == ("the right passage is in none of the documents that the filter leaves")
    assert record.rank is None
    pair = dataclasses.replace(FOUNDED, filter={"documents": "boats.txt"})
    assert golden.run_pair(pair, assistant).passed


def test_the_rank_is_that_among_the_documents_that_the_filter_leaves(tmp_path):
    """Recall and MRR came from a search of all documents, which nobody had asked for."""
    pair = Pair("is the ferry in winter to Aberdeen designed by whom?", ("1708",))
    assistant = harbour(tmp_path, {}, passages=1)
    whole = golden.run_pair(pair, assistant)
    assert (whole.stage, whole.rank) == ("not_retrieved", 3)
    part = {"documents": ["light.txt", "boats.txt"]}
    record = golden.run_pair(dataclasses.replace(pair, filter=part), assistant)
    assert record.rank == 2
    assert record.detail == "the right passage stood at rank 2; 1 are read"


def test_a_question_that_cannot_be_asked_does_not_end_the_run(tmp_path):
    pair = dataclasses.replace(FOUNDED, question="?" * 9)
    record = golden.run_pair(pair, harbour(tmp_path, TABLE))
    assert (record.got, record.passed) == (None, False)


@pytest.mark.parametrize(
    "pair",
    [Pair("???", (), line=3), dataclasses.replace(SUNK, history=("???",))],
    ids=["the question", "its history"],
)
def test_what_could_not_be_asked_is_not_taken_for_a_right_refusal(tmp_path, pair):
    """Else a set of unanswerable pairs passes that no question of was ever asked."""
    assert pair.unanswerable
    record = golden.run_pair(pair, harbour(tmp_path, TABLE))
    assert (record.passed, record.em, record.f1, record.stage) == (False, 0.0, 0.0, "not_asked")
    assert record.detail.startswith("found no word in the question")


def test_what_could_not_be_asked_is_no_refusal_in_the_figures_either(tmp_path):
    # It was counted as refused rightly, and its 0 s as an answer that came at once.
    pairs = (SUNK, Pair("???"), dataclasses.replace(FOUNDED, question="!!"))
    run = golden.run(GoldenSet(tmp_path / "golden.yaml", pairs), harbour(tmp_path, TABLE))
    summary = run.summary()
    assert (summary["refused"].value, summary["refused"].n) == (0.5, 2)
    assert summary["wrongly_refused"].value == 0
    assert (summary["seconds_p50"].n, summary["seconds_p50"].value > 0) == (1, True)
    assert run.records[2].review().splitlines() == [
        " question  !!",
        " expected  1708 (or in 1708)",
        "      got  not asked",
        f"  lost at  not asked: {run.records[2].detail}",
    ]


def test_a_set_that_is_one_of_the_documents_is_refused(tmp_path):
    # A table is a document too: the answers would be found in the golden set itself.
    path = tmp_path / "documents" / "golden.csv"
    assistant = harbour(tmp_path, TABLE)
    path.write_text("question,answers\nwho?,1708\n", encoding="utf-8")
    assistant.library.sync()
    with pytest.raises(GoldenError, match=r"golden\.csv is one of the documents.*citespanignore"):
        golden.run(golden.load(path), assistant)
    elsewhere = tmp_path / "golden.csv"  # of the same name, but not the same file
    elsewhere.write_text("question,answers\nwhen?,1708\n", encoding="utf-8")
    assert len(golden.run(golden.load(elsewhere), assistant).records) == 1


# Reports


@pytest.fixture
def report(tmp_path, monkeypatch):
    pairs = (FOUNDED, DESIGNED, Pair("how long does the ferry take?", ("12 hours",), line=7), SUNK)
    table = {**TABLE, "how long does the ferry take?": ("12", 1.0)}
    path = tmp_path / "golden.yaml"
    return golden.run(GoldenSet(path, pairs), harbour(tmp_path, table))


def test_the_summary_by_hand(report):
    summary = report.summary()
    assert summary["exact_match"].value == pytest.approx(2 / 3)
    # "12" against "12 hours": 2·1 / (1 + 2)
    assert summary["f1"].value == pytest.approx((1 + 1 + 2 / 3) / 3)
    assert (summary["refused"].value, summary["refused"].n) == (1, 1)
    assert summary["overall_exact_match"].value == pytest.approx(3 / 4)
    assert summary["recall_at_1"].value == summary["mrr"].value == 1
    assert (summary["citation_document"].value, summary["citation_document"].n) == (1, 1)
    assert summary["lost_at_not_read"].value == 1
    # Surest first: 4, 2 and 1 right ("12" is a word less than "12 hours"), −9 wrong
    assert summary["aurc"].value == pytest.approx((0 + 0 + 0 + 1 / 4) / 4)
    assert summary["coverage_at_80"].value == 0.75
    assert "citation_page" not in summary


def test_a_lost_pair_reads_like_a_review(report):
    assert [record.question for record in report.lost] == ["how long does the ferry take?"]
    assert report.lost[0].review().splitlines() == [
        " question  how long does the ferry take?",
        " expected  12 hours",
        "      got  12 (confidence 0.73)",
        "    cited  ferry.txt: “In winter the ferry to Aberdeen takes 12 hours.”",
        "right one  at rank 1: “In winter the ferry to Aberdeen takes 12 hours. "
        "The ferry is called Hrossey.”",
        "   margin  +1.00 for the reader's best words there",
        "  lost at  not read: in the right passage the reader marks “12” (+1.00)",
    ]


def test_a_review_tells_what_the_person_who_asked_was_told(report):
    lost = dataclasses.replace(
        report.lost[0], note="“winter” was found nowhere in the text of the documents."
    )
    assert lost.review().splitlines()[4] == (
        "    noted  “winter” was found nowhere in the text of the documents."
    )


def test_the_text_holds_the_table_and_the_reviews(report):
    text = report.text()
    assert "answered pairs: exact match" in text
    assert "golden.yaml:7\n question  how long does the ferry take?" in text


def test_a_saved_run_is_read_back_as_it_was(report, tmp_path):
    report.save(tmp_path / "run.json")
    assert golden.load_report(tmp_path / "run.json") == report
    assert json.loads((tmp_path / "run.json").read_text())["summary"]["refused"]["value"] == 1


def test_a_place_where_nothing_can_be_written_is_named(report, tmp_path):
    with pytest.raises(GoldenError, match=r"run\.json: could not be written \(No such file"):
        report.save(tmp_path / "nowhere" / "run.json")


def test_what_is_not_a_saved_run_is_named(report, tmp_path):
    path = tmp_path / "run.json"
    with pytest.raises(GoldenError, match=r"run\.json: no such file; expected a run saved by"):
        golden.load_report(path)
    path.write_text("[]")
    with pytest.raises(GoldenError, match=r"run\.json: not a run saved by --save"):
        golden.load_report(path)
    path.write_text(json.dumps({**report.to_dict(), "format": 0}))
    with pytest.raises(GoldenError, match=r"saved in format 0, expected 1; make it again"):
        golden.load_report(path)


def test_thresholds_are_lower_limits_but_for_errors_and_times(report):
    assert report.below({"exact_match": 0.6, "seconds_p50": 60, "lost_at_refused": 0}) == []
    assert report.below({"exact_match": 0.9, "aurc": 0.05, "lost_at_not_read": 0}) == [
        "exact_match 0.667 is below the threshold 0.9",
        "aurc 0.062 is above the threshold 0.05",
        "lost_at_not_read 1.000 is above the threshold 0",
    ]
    with pytest.raises(GoldenError, match=r"no figure `exactmatch` in this run; found aurc, brier"):
        report.below({"exactmatch": 0.9})
    # A misspelt stage never lost anything, and its limit was kept whatever was lost.
    with pytest.raises(GoldenError, match=r"no figure `lost_at_not_index` .* lost_at_not_indexed"):
        report.below({"lost_at_not_index": 0})


def test_thresholds_come_from_pyproject(tmp_path):
    path = tmp_path / "pyproject.toml"
    assert thresholds(path) == {}
    path.write_text("[tool.citespan.eval]\nexact_match = 1\naurc = 0.5\n")
    assert thresholds(path) == {"exact_match": 1.0, "aurc": 0.5}
    path.write_text("[tool.citespan.eval]\nexact_match = 'high'\n")
    with pytest.raises(GoldenError, match=r"exact_match must be a number, found 'high'"):
        thresholds(path)
    path.write_text("[tool.citespan.eval\n")
    with pytest.raises(GoldenError, match=r"not valid TOML"):
        thresholds(path)
