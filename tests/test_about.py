"""Questions about the document: who wrote it, when, where it is from, what it is about."""

import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from qa.train.about import CREDITED, added, credited, topics
from tests.train_fakes import example

PASSAGES = [
    example("x", f"In the year {year} nothing was told.", "told") for year in range(CREDITED * 300)
]


def quoted(one):
    return [one.context[start:end] for start, end in one.answers]


def test_a_line_of_credit_answers_who_wrote_and_when():
    made = credited(PASSAGES)
    assert len(made) == 300
    by = [one for one in made if re.search(r"^By \w+ \w+$", one.context, re.MULTILINE)]
    told = [one for one in by if re.search(r"(?i)wr(?:o|i)te|author|\bby\b|name", one.question)]
    assert told
    for one in told:
        assert quoted(one) == re.findall(r"^By (\w+ \w+)$", one.context, re.MULTILINE)
    line = re.compile(r"(?:Published on|Published:|Last updated) (.+?)\n")
    dated = {one: found[1] for one in made if (found := line.match(one.context))}
    whens = {one for one in dated if re.search("(?i)when|date", one.question)}
    assert whens and all(quoted(one) == [dated[one]] for one in whens)
    # Who is not told where only the date is: nothing else of the line may be quoted for it.
    assert dated.keys() - whens and not any(one.answers for one in dated.keys() - whens)


def test_a_passage_without_a_line_does_not_say_who_wrote_it():
    bare = [one for one in credited(PASSAGES) if "\n" not in one.context]
    assert bare and not any(one.answers for one in bare)


def test_the_same_passage_gets_one_line_however_often_it_is_asked_about():
    assert len(credited([PASSAGES[0]] * 100)) == 1


def test_what_a_passage_says_that_it_is_about_is_asked_by_its_kind():
    rhine = example("x", "The Rhine (German: Rhein) is a long river in Europe.", "long")
    bonn = example("which city is it?", "Bonn lies there. Bonn is old. Who likes Bonn?", "Bonn")
    kinds = [example(f"which {kind} was it?", "It was it.", "it") for kind in ("river", "city") * 2]
    made = [one for one in topics([rhine, bonn, *kinds]) if one.answers]
    assert [quoted(one) for one in made] == [["Rhine"], ["Bonn"] * 3]
    assert "river" in made[0].question and "city" in made[1].question


def test_kinds_that_nobody_asks_for_make_no_question():
    # "What is the name of the owned that this is about?"
    subway = example("who owns it?", "The Subway is a system owned by the city.", "city")
    kinds = [example("which kind was it?", "It was it.", "it")] * 2
    assert topics([subway, *kinds]) == []


def test_what_is_about_something_else_does_not_answer():
    rhine = example("which river is it?", "Rhine is a long river in Europe.", "Rhine")
    meuse = replace(rhine, context="Meuse is a short river in France.", answers=((0, 5),))
    ann = example("x", "Ann (born 1 May 1990) is a singer from Thurso.", "singer")
    bob = example("which singer is it?", "Bob (born 2 June 1991) is a singer from Wick.", "singer")
    made = [one for seed in range(20) for one in topics([rhine, meuse, ann, bob, bob], seed)]
    refused = [one for one in made if not one.answers]
    assert refused
    for one in refused:
        kind = "river" if "river" in one.context else "singer"
        assert kind not in one.question
        # "Who is this about?" is answered by every passage on a person.
        assert kind == "river" or "Who" not in one.question


def test_what_is_made_is_added_and_nothing_is_lost():
    pairs = [(one, 1.0) for one in PASSAGES[:CREDITED]]
    found = added(pairs)
    assert found[: len(pairs)] == pairs and len(found) == len(pairs) + 1


@given(st.lists(st.text("aA .isthe(b)", min_size=1, max_size=40), min_size=1, max_size=5))
def test_every_answer_is_of_the_passage(texts):
    made = credited([replace(example("which city is it?", text), answers=()) for text in texts])
    for one in made:
        assert all(0 <= start < end <= len(one.context) for start, end in one.answers)
        assert any(text in one.context for text in texts)
