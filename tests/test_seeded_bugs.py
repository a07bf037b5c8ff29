"""Bugs planted on purpose, in the real stages: the golden run must catch each and blame its stage.

The library, the search and the assistant are the shipped ones; only the reader follows a table, so
that nothing but the planted bug can lose an answer.
"""

from dataclasses import replace

import pytest

import index.search
import index.sync
from index.chunks import split
from index.library import Library
from qa import golden
from qa.assistant import Assistant
from qa.calibration import Calibration, Logistic
from qa.config import Settings
from qa.goldenset import GoldenSet, Pair
from tests.golden_fakes import BOATS, FERRY, LIGHT, TableReader, WordsEmbedder

PAIRS = (
    Pair("when was the harbour of Lerwick founded?", ("1708",)),
    Pair("how many boats are registered there today?", ("212",)),
    Pair("when was the lighthouse lit?", ("1858",)),
    Pair("by whom was the lighthouse designed?", ("David Stevenson",)),
    Pair("how long does the ferry to Aberdeen take in winter?", ("12 hours",)),
    Pair("how is the ferry called?", ("Hrossey",), document="ferry.txt"),
    Pair("who sank the ferry?"),
)
TABLE = {pair.question: (pair.answers[0], 3.0) for pair in PAIRS if pair.answers}
IN_LAST_CHUNK = {"212", "David Stevenson", "Hrossey"}


@pytest.fixture
def documents(tmp_path):
    """Three documents of two sentences, each sentence a chunk of its own."""
    folder = tmp_path / "documents"
    folder.mkdir()
    for name, text in {"boats.txt": BOATS, "light.txt": LIGHT, "ferry.txt": FERRY}.items():
        (folder / name).write_text(text.replace(". ", ".\n\n"), encoding="utf-8")
    return folder


@pytest.fixture
def ask(documents, tmp_path):
    """Run the golden set over the documents, as the code is at that moment."""

    def run(pairs=PAIRS, *, sync=True, reader=None, calibration=None, passages=2):
        library = Library.open(
            documents,
            home=tmp_path / "home",
            embedder=WordsEmbedder(),
            chunk_size=60,
            chunk_overlap=0,
        )
        if sync:
            library.sync()
        assistant = Assistant(
            library, reader or TableReader(TABLE), calibration, Settings(passages=passages)
        )
        return golden.run(GoldenSet(tmp_path / "golden.yaml", pairs), assistant)

    return run


def stages(report):
    return {record.expected[0]: record.stage for record in report.lost}


def test_without_a_bug_nothing_is_lost(ask):
    assert stages(ask()) == {}


def test_a_chunker_that_drops_the_last_chunk(ask, monkeypatch):
    monkeypatch.setattr(index.sync, "split", lambda *args: split(*args)[:-1])
    report = ask()
    assert stages(report) == dict.fromkeys(IN_LAST_CHUNK, "not_indexed")
    details = {record.expected[0]: record.detail for record in report.lost}
    assert details["Hrossey"] == (
        "the stored text of ferry.txt has the answer, but none of its chunks"
    )


def test_a_swapped_sign_in_the_fused_retrieval_score(ask, monkeypatch):
    fuse = index.search.fuse
    monkeypatch.setattr(index.search, "fuse", lambda *scores: -fuse(*scores))
    report = ask()
    assert len(report.lost) >= 4
    assert set(stages(report).values()) == {"not_retrieved"}
    assert "2 are read" in report.lost[0].detail


def test_a_swapped_sign_in_the_ranking_of_candidates(ask):
    report = ask(calibration=Calibration(ranking=Logistic(weights={"margin": -1.0})))
    assert len(report.lost) == 7  # the unanswerable one is answered now
    assert {record.stage for record in report.lost[:-1]} == {"not_chosen"}
    assert report.lost[-1].stage == "not_refused"


def test_a_swapped_sign_in_the_confidence(ask):
    report = ask(calibration=Calibration(confidence=Logistic(weights={"score": -1.0})))
    assert {record.stage for record in report.lost[:-1]} == {"refused"}
    assert report.lost[-1].stage == "not_refused"


class SwappedReader(TableReader):
    """Scores every span with the wrong sign: what it liked least comes first."""

    def _read(self, question, passages):
        right = super()._read(question, passages)
        wrong = TableReader({})._read(question, passages)
        turned = [replace(span, score=-span.score, margin=-span.margin) for span in right + wrong]
        return sorted(turned, key=lambda span: -span.score)


def test_a_swapped_sign_in_the_reader(ask):
    report = ask(reader=SwappedReader(TABLE))
    assert {record.stage for record in report.lost if record.expected} == {"not_read"}
    assert "the reader marks “" in report.lost[0].detail


def test_a_stale_index(ask, documents):
    ask()
    (documents / "ferry.txt").write_text(FERRY.replace("Hrossey", "Hjaltland"), encoding="utf-8")
    pair = Pair("how is the ferry called?", ("Hjaltland",))
    assert stages(ask(sync=False)) == {}  # the old library answers the old questions
    report = ask((pair,), sync=False)
    assert stages(report) == {"Hjaltland": "not_indexed"}
    assert report.lost[0].detail == (
        "the library is stale: ferry.txt changed on disk; run: citespan index"
    )
