"""The page over the sample article, as a person meets it: real weights, real browser."""

from __future__ import annotations


def test_a_question_typed_is_answered_with_its_quote_in_the_document(visit, seeds):
    tab = visit(seeds)
    turn = tab.ask("who designated the cartel?")
    assert turn.locator(".cs-answer").inner_text() == "U.S. State Department"
    sentence = turn.locator(".cs-open .cs-quote").first
    assert "announced plans to designate the Cartel de los Soles" in sentence.inner_text()
    assert sentence.locator("mark").inner_text() == "U.S. State Department"
    assert "000_d339585c7434496a.txt" in turn.locator(".cs-place").first.inner_text()
    assert turn.locator(".cs-confidence").inner_text().strip()
    marked = tab.page.locator("#cs-document mark.cs-quote")
    assert marked.inner_text() == "U.S. State Department"
    assert marked.is_visible()
    tab.shot("answer-light")


def test_an_example_is_one_click_away(visit, seeds):
    tab = visit(seeds)
    tab.shot("welcome-light")
    assert 3 <= tab.page.locator(".cs-example").count() <= 6
    tab.page.locator(".cs-example").first.click()
    tab.page.wait_for_selector(".cs-turn .cs-answer")
    assert tab.page.locator(".cs-answer").inner_text() == "U.S. State Department"


def test_what_the_article_does_not_say_is_refused_with_the_nearest_passages(visit, seeds):
    tab = visit(seeds)
    turn = tab.ask("Who designated the Sinaloa cartel?")
    assert turn.locator(".cs-answer").count() == 0
    assert turn.locator(".cs-refusal").inner_text() == "The documents do not say"
    note = turn.locator(".cs-note").inner_text()
    assert note == "“Sinaloa” was found nowhere in the text of the documents."
    # What to ask instead comes after why this was refused, when it is found and when it is kept.
    turn.locator(".cs-note + .cs-instead").wait_for(timeout=15_000)
    tab.page.reload()
    tab.page.locator(".cs-note + .cs-instead").wait_for(timeout=15_000)
    assert turn.locator(".cs-source").count() >= 1
    tab.shot("refusal-light")


def test_in_the_dark_on_a_wide_screen_and_on_a_phone(visit, seeds):
    for name, size in {"wide": (1920, 1080), "phone": (400, 800)}.items():
        tab = visit(seeds, width=size[0], height=size[1], scheme="dark")
        tab.ask("How many people have been killed?")
        overflow = tab.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert overflow <= 0, f"{name}: the page scrolls sideways by {overflow} px"
        tab.shot(f"answer-dark-{name}")
