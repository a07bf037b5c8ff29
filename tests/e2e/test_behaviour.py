"""The page's behaviour, over answers that can be predicted by hand."""

from __future__ import annotations

import http.client
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from qa.config import Settings
from tests.test_render import HOSTILE
from tests.ui_fakes import ARTICLE, QUESTIONS, FakeAssistant, FakeStage, document


def test_clicking_another_citation_moves_the_view(visit, plain):
    tab = visit(plain)
    turn = tab.ask("Who designed the lighthouse?")
    assert tab.page.locator(".cs-document h2").inner_text() == "harbour.txt"
    turn.locator(".cs-open").nth(1).click()
    tab.page.wait_for_function(
        "document.querySelector('.cs-document h2').textContent === 'lights.txt'"
    )
    assert tab.page.locator("#cs-document mark.cs-quote").inner_text() == "David Stevenson"
    assert turn.locator(".cs-open").nth(1).get_attribute("aria-pressed") == "true"


def test_a_source_that_says_otherwise_is_opened_like_any_other(visit, fake_server):
    tab = visit(fake_server(FakeAssistant(rivals={"how many boats are there?": "1858"})))
    turn = tab.ask("How many boats are there?")
    assert "Sources disagree" in turn.locator(".cs-note").inner_text()
    turn.locator(".cs-rivals .cs-open", has_text="Bressay light").click()
    tab.page.wait_for_function(
        "document.querySelector('.cs-document h2').textContent === 'lights.txt'"
    )
    assert tab.page.locator("#cs-document mark.cs-quote").inner_text() == "1858"
    tab.shot("disagree-light")


def test_a_refusal_is_followed_by_a_question_that_is_answered(visit, fake_server):
    class Slow(FakeAssistant):
        def instead(self, answer, filters=None, seconds=2):
            time.sleep(1.5)
            return super().instead(answer, filters, seconds)

    tab = visit(fake_server(Slow(offers={"how deep is the water?": "How many boats are there?"})))
    turn = tab.ask("How deep is the water?")
    assert turn.locator(".cs-refusal").is_visible() and not turn.locator(".cs-instead").count()
    # Another question meanwhile goes its own way, and the offer is there when it is next shown.
    tab.ask("When was the harbour founded?")
    tab.page.wait_for_timeout(2000)
    assert tab.page.locator(".cs-turn").count() == 2
    tab.page.locator(".cs-open").first.click()
    tab.page.get_by_role("button", name="How many boats are there?").click()
    tab.page.wait_for_function("document.querySelectorAll('.cs-answer').length === 2")
    assert tab.page.locator(".cs-turn").last.locator(".cs-answer").inner_text() == "212 boats"
    late = tab.ask("How deep is the water?").locator(".cs-instead button")
    late.wait_for()
    assert late.inner_text() == "How many boats are there?"
    tab.shot("instead-light")


def test_a_conversation_is_there_after_a_reload_and_in_another_tab(visit, fake_server):
    tab = visit(fake_server(FakeAssistant()))
    tab.ask("When was the harbour founded?")
    tab.ask("Who designed the lighthouse?")
    tab.reload()
    assert tab.page.locator(".cs-answer").all_inner_texts() == ["1708", "David Stevenson"]
    assert tab.page.locator("#cs-document mark.cs-quote").inner_text() == "David Stevenson"
    tab.ask("How many boats are there?")

    other = visit(tab.url, scheme="dark")
    other.shot("earlier-dark")
    other.page.get_by_role("button", name="When was the harbour founded? 3 questions").click()
    other.page.wait_for_function("document.querySelectorAll('.cs-answer').length === 3")

    other.page.get_by_role("button", name="New conversation").click()
    delete = other.page.get_by_role("button", name="Delete the conversation")
    delete.click()
    assert other.page.locator(".cs-resume").count() == 1, "one click must not delete"
    delete.click()
    other.page.wait_for_function("!document.querySelector('.cs-resume')")
    tab.reload()
    assert tab.page.locator(".cs-turn").count() == 0


def test_a_quote_far_down_is_scrolled_into_view(visit, fake_server):
    long = document("long.txt", "\n\n".join(["Nothing stands here."] * 400 + [ARTICLE]))
    tab = visit(fake_server(FakeAssistant(documents=(long,))))
    tab.ask("How many boats are there?")
    tab.page.wait_for_function(
        """() => {
            const page = document.querySelector('.cs-page').getBoundingClientRect();
            const mark = document.querySelector('#cs-target').getBoundingClientRect();
            return mark.top >= page.top && mark.bottom <= page.bottom;
        }"""
    )


def test_the_question_and_a_stage_are_seen_before_the_answer(visit, fake_server):
    class Slow(FakeAssistant):
        def ask_stages(self, question, history=(), filters=None):
            yield FakeStage("searching")
            time.sleep(1.0)
            yield FakeStage("reading", ("a", "b"))
            time.sleep(1.0)
            yield FakeStage("answering", answer=self.ask(question))

    tab = visit(fake_server(Slow()))
    tab.page.fill("#cs-question textarea", "How many boats are there?")
    waited = tab.page.evaluate(
        """() => new Promise(done => {
            const box = document.querySelector('#cs-question textarea');
            const start = performance.now();
            new MutationObserver(() => {
                if (document.querySelector('.cs-stage')) done(performance.now() - start);
            }).observe(document.body, {childList: true, subtree: true});
            box.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', bubbles: true}));
            box.dispatchEvent(new KeyboardEvent('keypress', {key: 'Enter', bubbles: true}));
        })"""
    )
    assert waited <= 100, f"the first stage was seen after {waited:.0f} ms"
    tab.page.get_by_text("2 passages found").wait_for()
    tab.shot("stage-light")
    tab.page.wait_for_selector(".cs-answer")
    assert tab.page.locator(".cs-turn").count() == 1


def test_copy_takes_the_sentence_with_its_reference(visit, plain):
    tab = visit(plain)
    turn = tab.ask("When was the harbour founded?")
    turn.locator(".cs-copy").click()
    turn.get_by_text("Copied").wait_for()
    copied = tab.page.evaluate("navigator.clipboard.readText()")
    assert copied == (
        "“The harbour of Lerwick was founded in 1708 by Dutch herring fishers.” (harbour.txt)"
    )


def test_by_keyboard_alone(visit, plain):
    tab = visit(plain)
    tab.page.keyboard.type("Who designed the lighthouse?")
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_selector(".cs-answer")
    for _ in range(20):
        tab.page.keyboard.press("Tab")
        if tab.page.evaluate("document.activeElement.dataset.index") == "1":
            break
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_function(
        "document.querySelector('.cs-document h2').textContent === 'lights.txt'"
    )


def test_a_phone_shows_one_pane_and_goes_there_and_back(visit, plain):
    tab = visit(plain, width=400, height=800)
    turn = tab.ask("When was the harbour founded?")
    assert not tab.page.locator("#cs-source").is_visible()
    turn.locator(".cs-open").click()
    assert tab.page.locator("#cs-document mark.cs-quote").is_visible()
    tab.shot("document-phone")
    tab.page.get_by_role("button", name="Back to the answer").click()
    assert turn.is_visible()


def test_an_over_long_question_is_told_so(visit, plain):
    tab = visit(plain)
    turn = tab.ask("why " * 250_000)
    assert "at most 1000 are read" in turn.locator(".cs-error").inner_text()


def test_an_unexpected_error_says_nothing_of_the_machine(visit, fake_server):
    tab = visit(fake_server(FakeAssistant(broken=OSError("/home/ada/secret.txt is gone"))))
    turn = tab.ask("why?")
    said = turn.locator(".cs-error").inner_text()
    assert "Something went wrong" in said
    assert "secret" not in tab.page.content() and "Traceback" not in tab.page.content()
    tab.shot("error-light")


def test_hostile_words_stay_words(visit, fake_server):
    """In the document, in its name, in the answer and in the question: shown, and inert."""
    texts = [f"Line {n}. The word is {payload} and no more." for n, payload in enumerate(HOSTILE)]
    documents = tuple(
        document(f"{payload.replace('/', '∕')}.txt", "\n".join(texts)) for payload in HOSTILE
    )
    questions = {payload.lower(): payload for payload in HOSTILE}
    tab = visit(fake_server(FakeAssistant(documents=documents, questions=questions)))
    tab.page.evaluate("() => { window.ran = 0; window.alert = () => { window.ran += 1; }; }")
    for payload in HOSTILE:
        turn = tab.ask(payload)
        assert turn.locator(".cs-answer").inner_text() == payload
        assert tab.page.locator("#cs-document mark.cs-quote").first.inner_text() == payload
    inside = (
        "#cs-conversation :is(script, img, iframe, b), #cs-document :is(script, img, iframe, b)"
    )
    assert tab.page.locator(inside).count() == 0
    assert tab.page.evaluate("window.ran") == 0
    tab.shot("hostile-light")


def test_an_inline_handler_would_not_run_even_if_it_got_through(visit, plain):
    # The second line of defence: the policy, not the escaping.
    tab = visit(plain)
    ran = tab.page.evaluate(
        """async () => {
            window.ran = 0;
            const div = document.body.appendChild(document.createElement('div'));
            div.innerHTML = '<img src="data:," onerror="window.ran = 1">';
            await new Promise(done => setTimeout(done, 300));
            div.remove();
            return window.ran;
        }"""
    )
    assert ran == 0
    refused = [text for text in tab.complaints if "Content Security Policy" in text]
    assert refused and len(refused) == len(tab.complaints)
    tab.complaints.clear()


def request(url, path="/", method="GET", **headers):
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    given = {"Host": parts.netloc, **{k.replace("_", "-"): v for k, v in headers.items()}}
    connection.request(method, path, headers=given)
    reply = connection.getresponse()
    body = reply.read()
    connection.close()
    return reply.status, body


def test_another_host_or_origin_is_turned_away(plain):
    url = plain
    assert request(url)[0] == 200
    assert request(url, Host="rebound.example:80")[0] == 403
    assert request(url, Origin="http://rebound.example")[0] == 403
    assert request(url, Origin="null")[0] == 403
    assert request(url, Origin=url.rstrip("/"))[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file=../../etc/passwd",
        "/gradio_api/file=http://127.0.0.1:1/x",
        "/file=/etc/passwd",
    ],
)
def test_no_file_of_the_machine_is_served(plain, path):
    status, body = request(plain, path)
    assert status in (403, 404)
    assert b"root:" not in body


def test_the_api_names_one_endpoint_and_it_answers(plain):
    from gradio_client import Client

    client = Client(plain, verbose=False, analytics_enabled=False)
    named = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert list(named) == ["/ask"]
    answer = client.predict("When was the harbour founded?", api_name="/ask")
    assert answer["text"] == "1708"
    place = answer["citations"][0]
    assert ARTICLE[place["start"] : place["end"]] == "1708"


def test_a_verdict_becomes_a_golden_pair(visit, fake_server, tmp_path):
    from qa.goldenset import load

    assistant = FakeAssistant(settings=Settings(home=tmp_path))
    tab = visit(fake_server(assistant))
    right = tab.ask("When was the harbour founded?")
    right.get_by_role("button", name="Yes").click()
    right.get_by_text("Kept for testing: 1 question so far.").wait_for()
    refused = tab.ask("How deep is the water?")
    refused.get_by_role("button", name="Yes").click()
    refused.get_by_text("2 questions so far").wait_for()
    wrong = tab.ask("Who designed the lighthouse?")
    wrong.locator("summary", has_text="No").click()
    wrong.get_by_label("What is right").fill("David and Thomas Stevenson")
    wrong.get_by_label("What is right").press("Enter")
    wrong.get_by_text("3 questions so far").wait_for()
    tab.shot("verdicts-light")

    pairs = load(tmp_path / "golden" / "fake.yaml").pairs
    assert [(pair.question, pair.answers, pair.document) for pair in pairs] == [
        ("When was the harbour founded?", ("1708",), "harbour.txt"),
        ("How deep is the water?", (), None),
        ("Who designed the lighthouse?", ("David and Thomas Stevenson",), None),
    ]


@pytest.mark.parametrize(
    ("button", "name"),
    [
        ("Markdown", "conversation.md"),
        ("Web page", "conversation.html"),
        ("JSON", "conversation.json"),
    ],
)
def test_a_conversation_is_saved_by_the_browser(visit, plain, button, name):
    tab = visit(plain)
    tab.ask("When was the harbour founded?")
    tab.ask("How deep is the water?")
    with tab.page.expect_download() as download:
        tab.page.get_by_role("button", name=button).click()
    assert download.value.suggested_filename == name
    text = Path(download.value.path()).read_text(encoding="utf-8")
    assert "1708" in text and "by Dutch herring fishers." in text and "harbour.txt" in text


def test_a_new_conversation_begins_empty(visit, plain):
    tab = visit(plain)
    tab.ask("When was the harbour founded?")
    tab.page.get_by_role("button", name="New conversation").click()
    tab.page.locator(".cs-welcome").wait_for()
    assert tab.page.locator(".cs-turn").count() == 0
    assert tab.page.locator("#cs-document mark").count() == 0


def test_a_question_can_be_asked_of_chosen_documents(visit, plain):
    tab = visit(plain)
    tab.page.locator(".cs-scope summary").click()
    tab.page.get_by_role("checkbox", name="lights.txt").check()
    tab.shot("scope-light")
    assert tab.page.locator(".cs-scope summary").inner_text() == "Asking lights.txt"
    tab.page.keyboard.press("Escape")
    assert not tab.page.get_by_role("checkbox", name="lights.txt").is_visible()
    turn = tab.ask("Who designed the lighthouse?")
    assert turn.locator(".cs-place bdi").all_inner_texts() == ["lights.txt"]
    assert turn.locator(".cs-asked").inner_text() == "Asked of lights.txt"


def log_in(page, name, password):
    page.get_by_label("username").fill(name)
    page.get_by_label("password").fill(password)
    page.get_by_role("button", name="Login").click()


def test_each_login_has_a_library_of_its_own_and_no_one_else_has_any(browser, fake_server):
    own = {
        "ada": FakeAssistant(documents=(document("ada.txt", ARTICLE),)),
        "bob": FakeAssistant(documents=(document("bob.txt", "Nothing of note."),)),
    }
    auth = [("ada", "first word"), ("bob", "second word")]
    url = fake_server(FakeAssistant(), auth=auth, private=own.__getitem__)
    assert request(url, "/gradio_api/info")[0] == 401
    assert b"harbour" not in request(url, "/config")[1]
    elsewhere: list[str] = []
    for name, password in auth:
        context = browser.new_context()
        page = context.new_page()
        page.on("request", lambda asked: elsewhere.append(asked.url))
        page.goto(url)
        log_in(page, name, "wrong")
        page.get_by_text("Incorrect").wait_for()
        log_in(page, name, password)
        page.wait_for_function("window.citespanReady")
        page.get_by_role("button", name="Library").click()
        page.get_by_role("button", name=f"{name}.txt", exact=True).wait_for()
        assert page.locator(".cs-table tbody tr").count() == 1
        page.get_by_role("button", name="Ask", exact=True).first.click()
        page.fill("#cs-question textarea", "When was the harbour founded?")
        page.press("#cs-question textarea", "Enter")
        page.wait_for_selector(".cs-answer" if name == "ada" else ".cs-refusal")
        context.close()
    assert own["ada"].asked == own["bob"].asked == ["When was the harbour founded?"]
    assert [asked for asked in elsewhere if not asked.startswith((url, "data:", "blob:"))] == []


def test_where_a_login_is_asked_for_the_api_asks_for_it_too(fake_server):
    from gradio_client import Client

    own = {"ada": FakeAssistant(questions={"why?": "Dutch herring fishers"})}
    url = fake_server(FakeAssistant(), auth=[("ada", "first word")], private=own.__getitem__)
    client = Client(url, auth=("ada", "first word"), verbose=False, analytics_enabled=False)
    assert client.predict("why?", api_name="/ask")["text"] == "Dutch herring fishers"


def test_a_server_that_is_full_says_so_in_the_page(visit, fake_server):
    release = threading.Event()

    class Stuck(FakeAssistant):
        def ask_stages(self, question, history=(), filters=None):
            release.wait(20)
            yield from super().ask_stages(question, history, filters)

    # Two are asked at once, one waits, and one place is kept for somebody who has none waiting.
    asked = {f"why {number}?": "Dutch herring fishers" for number in range(5)}
    tab = visit(fake_server(Stuck(questions=asked, settings=Settings(places=1))))
    others = [visit(tab.url) for _ in range(4)]
    for other, question in zip(others, asked, strict=False):
        other.page.fill("#cs-question textarea", question)
        other.page.press("#cs-question textarea", "Enter")
        other.page.wait_for_timeout(500)
    turn = tab.ask("why 4?")
    said = turn.locator(".cs-error").inner_text()
    release.set()
    assert said.startswith("The server is busy: 2 questions are waiting, and it takes no more.")
    for other in others:
        other.page.wait_for_selector(".cs-answer")


@pytest.mark.parametrize(("width", "height"), [(1280, 700), (400, 700)])
def test_a_long_conversation_scrolls_and_its_box_stays_below(visit, plain, width, height):
    tab = visit(plain, width=width, height=height)
    for question in QUESTIONS:
        tab.ask(question)
    talk = tab.page.locator("#cs-conversation").bounding_box()
    box = tab.page.locator("#cs-question").bounding_box()
    assert talk["x"] <= box["x"] and box["x"] + box["width"] <= talk["x"] + talk["width"]
    assert talk["y"] + talk["height"] <= box["y"]
    assert box["y"] + box["height"] <= height
    last = tab.page.locator(".cs-turn").last.bounding_box()
    assert talk["y"] <= last["y"] < talk["y"] + talk["height"], "the last answer is out of sight"
    tab.shot(f"long-{width}")
