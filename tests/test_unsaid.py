"""A word is told to be found nowhere only where nothing like it stands in any document."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.unsaid import Said, content_words, names, unsaid_words
from qa.word_forms import folded, says
from tests.index_fakes import open_library, write


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Who designated the Sinaloa cartel?", ["designated", "Sinaloa", "cartel"]),
        ("how many ppl died so far", ["died"]),
        ("What's Maduro's job, and why didn´t he go?", ["Maduro", "job"]),
        ("didnt they cant it wont be said? explain!", []),
        ("Why doesn't the U.S. pay 1,000.50 dollars?", ["U.S.", "pay", "1,000.50", "dollars"]),
        ("the U.S.A? an e.g. of F-16 and O'Brien's", ["U.S.A", "F-16", "O'Brien"]),
        ("Cartel, cartel or CARTEL?", ["CARTEL"]),
        ("On which Monday in May was it?", []),
        ("re: was it so?", []),
        ("what is it?", []),
        ("Wer wohnt in 東京 или הממשלה?", ["Wer", "wohnt"]),
        ("Adébáyọ\u0300la?", ["Adébáyọ\u0300la"]),
    ],
)
def test_words_that_only_ask_are_not_told_and_names_stay_whole(question, expected):
    assert content_words(question) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "The U.S. and the U.S.S.R. sank 1,000 ships.",
            "US U.S. USSR u.s.s.r 1000 1,000 sink ship",
        ),
        ("USA, Ph.D., wifi, e-mail, F16", "U.S.A. PhD Wi-Fi email F-16 E-Mail"),
        ("PhD; Wi-Fi; email; Covid19; on-line", "Ph.D. wifi e-mail COVID-19 online"),
        ("Sana'a, Quran, OBrien, Xi’an", "Sanaa Qur'an O'Brien Xian Sana’a"),
        ("Wałęsa, Tromsø, Straße, Zoë, o\ufb03ces", "Walesa Tromso Strasse Zoe offices Zoé"),
        ("Walesa lives in Tromso", "Wałęsa Tromsø"),
        ("opera-\ntions, opera\u00ad\ntions of de\u00adsig\u00adnated", "operations designated"),
        ("an inter-\ngovern-\nmental FrancoGerman plan", "intergovernmental Franco-German"),
        ("viruses, crises, spies, gases, children; he died", "virus crisis spy gas child die"),
        ("She bought it, paid, left, won and lost", "buy pay leave win lose"),
        ("She buys, pays, leaves, wins", "bought paid left won"),
        ("Iranian strikes, injuries; designated", "Iran strike injured designation designates"),
        ("£1.5m in a 100m race on 12th May for 10 km at 3 pm", "1.5 1.5m 100 12 12th 10km 3pm"),
        ("May 12; it cost 1234.50 or $2,345.60", "12th 1,234.50 1234.5 2345.6 2,345.60"),
        ("twelve ships and 7 sailors", "12 seven"),
        ("Maduro leads; a Maduro-led group", "Maduro-led led"),
        (
            "city, armies, copies, denied, tried, voting, moved",
            "cities army copy deny try vote moving",
        ),
        (
            "cities, planned, banned, run, permitted, died",
            "city plan planning ban running permit dying",
        ),
        ("living, rising, largest, highest, buses, cars", "live rise large high bus car"),
        (
            "organization, color, centre, defence, traveled",
            "organisation colour center defense travel",
        ),
        ("30 days, the 5th, 52 weeks, 1st, 100", "thirty fifth fifty-two first hundred"),
        ("thirty days, fifty-two, first, the fifth, a hundred", "30 52 1st 5 5th 100"),
        ("it cost 1,500,000 or £2.5m", "1.5m 2,500,000 1.5"),
        ("on 2023-10-05", "5th 2023 10"),
    ],
)
def test_anything_like_a_word_counts_as_said(text, words):
    assert [word for word in words.split() if not says(folded(text), word)] == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The cartel was designated under a plan of the unions", "Sinaloa UN EU ships F-16 Ph.D."),
        ("In 2012 and 1990, 300 people", "2013 12.5 83 31"),
        ("A leader of men; vice", "captain mayor cost"),
        ("Trump said that Maduro would talk", "Biden-led Colombia O'Brien reply end"),
    ],
)
def test_what_is_not_there_is_told(text, words):
    assert [word for word in words.split() if says(folded(text), word)] == []


@pytest.fixture
def library(tmp_path):
    (tmp_path / "papers").mkdir()
    files = {"Sinaloa.txt": "An apple.", "b.md": "A pear, the only one.", "song.mp3": b"ID3"}
    library = open_library(write(tmp_path / "papers", files), tmp_path / "home")
    library.sync()
    yield library
    library.close()


def test_every_document_and_its_name_are_looked_through_and_files_unread_are_told(library):
    from index.filters import Filter

    said = Said(library.snapshot())
    words = ["Sinaloa", "apple", "pear", "song", "plum"]
    assert said.unsaid(words) == ["plum"]
    only = Filter(documents=("b.md",))
    assert said.unsaid(words, only) == ["Sinaloa", "apple", "song", "plum"]
    assert "could not be read" not in said.sentence(["plum"], only)
    assert said.sentence(["plum"]) == (
        "“plum” was found nowhere in the text of the documents (1 could not be read in full)."
    )
    assert said.sentence([]) == ""


def test_nothing_is_looked_up_in_a_library_too_large_for_it(library, monkeypatch):
    monkeypatch.setattr("qa.unsaid.MOST_CHUNKS", 1)
    assert Said(library.snapshot()).unsaid(["plum"]) == []


def test_names_and_numbers_are_told_apart_from_other_words():
    question = "Sinaloa or Jalisco: which cartel sank 12 ships?"
    # The first word has a capital in every question.
    assert names(question, content_words(question)) == ["Jalisco", "12"]
    assert names("Johnson beat John?", ["Johnson", "John"]) == ["John"]
    for shouted in ("WHO SANK THE SHIPS?", "How Many People Died In The Fire?"):
        assert names(shouted, content_words(shouted)) == []


def test_the_sentence_is_one_that_can_be_checked():
    assert unsaid_words(["Sinaloa"]) == "“Sinaloa” was found nowhere in the text of the documents."
    assert unsaid_words(["ships", "sunk"], filtered=True) == (
        "“ships” and “sunk” were found nowhere in the text of the documents that were searched."
    )
    assert unsaid_words(["a", "b", "c", "d", "e", "f"], unread=2) == (
        "“a”, “b”, “c”, “d” and 2 more words of the question were found nowhere in the text of the "
        "documents (2 could not be read in full)."
    )


@given(st.text(max_size=60))
def test_every_word_told_stands_in_the_question(question):
    told = content_words(question)
    assert all(word in question for word in told)
    assert set(names(question, told)) <= set(told)


@given(st.text(max_size=60), st.text(max_size=20), st.text(max_size=20))
def test_a_word_that_stands_in_a_text_as_typed_is_never_told(question, before, behind):
    for word in content_words(question):
        assert says(folded(f"{before} {word} {behind}"), word)
