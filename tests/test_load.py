"""If this fails, many who ask at once get wrong answers, wait for ever, or lock others out."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import aclosing
from dataclasses import dataclass, field
from types import SimpleNamespace

import gradio as gr
import httpx
import pytest
from fastapi.testclient import TestClient

from index.errors import LibraryCorrupt
from qa.config import Settings
from tests.e2e.conftest import start
from tests.ui_fakes import QUESTIONS, FakeAssistant
from ui import gate as gates
from ui import web
from ui.gate import Busy, Gate, Question
from ui.rest import UNREADABLE
from ui.rooms import Rooms


@dataclass
class SlowAssistant(FakeAssistant):
    """Answers as soon as `open` is set; counts how many it answers at once."""

    open: threading.Event = field(default_factory=threading.Event)
    now: int = 0
    most: int = 0
    counting: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, question, history=(), filters=None):
        with self.counting:
            self.now += 1
            self.most = max(self.most, self.now)
        assert self.open.wait(20)
        try:
            return super().ask(question, history, filters)
        finally:
            with self.counting:
                self.now -= 1


async def answer(gate: Gate, who: str, question: Question) -> str | None:
    """What a question is answered, or "busy"."""
    try:
        found = [stage async for stage in gates.ask(gate, who, question) if stage]
    except Busy:
        return "busy"
    assert found[-1].answer is not None
    return found[-1].answer.text


async def until(true) -> None:
    for _ in range(500):
        if true():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it never came true")


def test_a_thousand_questions_are_answered_or_told_that_it_is_busy():
    assistant = SlowAssistant()
    gate = Gate(places=64)
    asked = [(f"{text}{' ' * (n // 4)}", right) for n in range(250) for text, right in WITH_ANSWER]
    before = threading.active_count()

    async def ask_all() -> list[str | None]:
        going = [
            asyncio.create_task(answer(gate, str(n % 7), Question(assistant, text)))
            for n, (text, _) in enumerate(asked)
        ]
        await until(lambda: sum(task.done() for task in going) >= 600)
        assert gate.waiting <= 64 + 16
        assert threading.active_count() - before < 60, "a thread for each question"
        assistant.open.set()
        return await asyncio.gather(*going)

    got = asyncio.run(ask_all())
    assert len(got) == 1000
    right = [text for text, (_, expected) in zip(got, asked, strict=True) if text == expected]
    assert len(right) + got.count("busy") == 1000
    assert 64 <= len(right) <= 400
    assert assistant.most == 2
    assert gate.waiting == 0


WITH_ANSWER = [(question, QUESTIONS[question]) for question in QUESTIONS]


def test_one_question_of_many_people_is_asked_once():
    assistant = SlowAssistant()
    gate = Gate(places=2)
    question = "Who designed the lighthouse?"

    async def ask_all() -> list[str | None]:
        going = [
            asyncio.create_task(answer(gate, str(n), Question(assistant, question)))
            for n in range(40)
        ]
        # All of them have come before the first is answered: who comes later is asked anew.
        await until(lambda: sum(len(one.seats) for one in gate._flights.values()) == 40)
        assistant.open.set()
        return await asyncio.gather(*going)

    assert asyncio.run(ask_all()) == ["David Stevenson"] * 40
    assert assistant.asked == [question]
    # What was answered before is asked anew: the documents may have changed.
    asyncio.run(answer(gate, "", Question(assistant, question)))
    assert assistant.asked == [question] * 2


def test_questions_that_differ_in_anything_are_asked_apart():
    assistant = SlowAssistant()
    text = "Who designed the lighthouse?"
    earlier = FakeAssistant().ask("how many boats are there?")
    other = SlowAssistant(open=assistant.open)
    kinds = [
        Question(assistant, text),
        Question(assistant, text, history=(earlier,)),
        Question(assistant, text, filters=gates_filter("lights.txt")),
        Question(assistant, text, instead=True),
        Question(other, text),
    ]
    keys = [kind.key() for kind in kinds]
    assert len(set(keys)) == len(keys)
    assert Question(assistant, text).key() == keys[0]


def gates_filter(name):
    from index.filters import Filter

    return Filter(documents=(name,))


def test_who_sends_many_questions_keeps_no_one_else_waiting():
    assistant = SlowAssistant()
    gate = Gate(places=8, at_once=1)
    order: list[str] = []

    async def tell(who: str, number: int) -> None:
        got = await answer(gate, who, Question(assistant, f"{who} {number}?"))
        order.append("busy" if got == "busy" else who)

    async def ask_all() -> None:
        many = [asyncio.create_task(tell("many", n)) for n in range(20)]
        await until(lambda: len(order) + gate.waiting + assistant.now == 20)
        full = gate.waiting
        # Every place is taken, but some are kept for those who have none.
        one = asyncio.create_task(tell("one", 0))
        await until(lambda: gate.waiting == full + 1)
        assistant.open.set()
        await asyncio.gather(one, *many)

    asyncio.run(ask_all())
    answered = [who for who in order if who != "busy"]
    assert answered.index("one") <= 2, answered
    assert "busy" in order and answered.count("one") == 1


def test_who_goes_away_gives_the_place_back():
    assistant = SlowAssistant()
    gate = Gate(places=1, at_once=1)

    async def go() -> str | None:
        first = asyncio.create_task(answer(gate, "a", Question(assistant, "first?")))
        await until(lambda: assistant.now == 1)
        second = asyncio.create_task(answer(gate, "a", Question(assistant, "second?")))
        await until(lambda: gate.waiting == 1)
        assert await answer(gate, "a", Question(assistant, "third?")) == "busy"
        second.cancel()
        await until(lambda: gate.waiting == 0)
        third = asyncio.create_task(answer(gate, "a", Question(assistant, "how many boats?")))
        await until(lambda: gate.waiting == 1)
        assistant.open.set()
        await first
        return await third

    asyncio.run(go())
    assert assistant.asked == ["first?", "how many boats?"]


def test_what_nobody_waits_for_is_not_read():
    read: list[str] = []
    searched, go_on = threading.Event(), threading.Event()

    class Staged(FakeAssistant):
        def ask_stages(self, question, history=(), filters=None):
            for stage in super().ask_stages(question, history, filters):
                yield stage
                searched.set()
                go_on.wait(20)
                read.append(stage.name)

    gate = Gate()

    async def go() -> None:
        question = Question(Staged(), "How many boats are there?")
        async with aclosing(gates.ask(gate, "", question)) as stages:
            assert (await anext(stages)).name == "searching"
            await until(searched.is_set)
        go_on.set()
        await answer(gate, "", Question(FakeAssistant(), "and then?"))

    asyncio.run(go())
    time.sleep(0.1)
    assert read == ["searching"]


def test_how_long_to_wait_is_told_from_how_long_questions_take():
    gate = Gate(places=4, at_once=1)
    assistant = SlowAssistant()

    async def go() -> Busy:
        going = [asyncio.create_task(answer(gate, "", Question(assistant, "0?")))]
        # Until it is worked at it takes one of the four places.
        await until(lambda: assistant.now == 1)
        going += [
            asyncio.create_task(answer(gate, "", Question(assistant, f"{n}?"))) for n in range(1, 5)
        ]
        await until(lambda: gate.waiting == 4)
        with pytest.raises(Busy, match=r"4 questions are waiting.*in about 4 s") as raised:
            await anext(gates.ask(gate, "", Question(assistant, "one more?")))
        assistant.open.set()
        await asyncio.gather(*going)
        return raised.value

    assert asyncio.run(go()).seconds == 4


def test_an_error_reaches_everyone_who_waits_and_the_next_question_is_answered():
    gate = Gate()
    broken = FakeAssistant(broken=RuntimeError("a fault"))

    async def go() -> list[object]:
        going = [answer(gate, str(n), Question(broken, "why?")) for n in range(3)]
        return await asyncio.gather(*going, return_exceptions=True)

    assert [str(error) for error in asyncio.run(go())] == ["a fault"] * 3
    question = Question(FakeAssistant(), "how many boats are there?")
    assert asyncio.run(answer(gate, "", question)) == "212 boats"


# --- over HTTP ----------------------------------------------------------------------------------


def test_forty_at_once_over_http_are_right_or_busy_and_the_server_goes_on(tmp_path):
    assistant = SlowAssistant(settings=Settings(home=tmp_path, places=8))
    address, stop = start(assistant)
    asked = [(f"{text}{' ' * n}", right) for n in range(10) for text, right in WITH_ANSWER]

    async def ask_all() -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=address, timeout=30) as client:
            going = [
                asyncio.create_task(client.post("/ask", json={"question": text}))
                for text, _ in asked
            ]
            await until(lambda: sum(task.done() for task in going) >= 30)
            # The page is served while every place is taken.
            assert (await client.get("/")).status_code == 200
            assistant.open.set()
            return await asyncio.gather(*going)

    try:
        replies = asyncio.run(ask_all())
        after = httpx.post(f"{address}ask", json={"question": "how many boats are there?"})
    finally:
        stop()
    states = {reply.status_code for reply in replies}
    assert states == {200, 503}
    for reply, (_, right) in zip(replies, asked, strict=True):
        if reply.status_code == 200:
            assert reply.json()["text"] == right
        else:
            assert int(reply.headers["retry-after"]) >= 1
            assert "busy" in reply.json()["detail"]
    assert sum(reply.status_code == 200 for reply in replies) == 10
    assert after.json()["text"] == "212 boats"


def test_a_client_that_hangs_up_frees_its_place(tmp_path):
    assistant = SlowAssistant(settings=Settings(home=tmp_path, places=1))
    address, stop = start(assistant)

    async def go() -> int:
        async with httpx.AsyncClient(base_url=address, timeout=30) as client:

            def ask(text: str) -> asyncio.Task[httpx.Response]:
                return asyncio.create_task(client.post("/ask", json={"question": text}))

            held = []
            for number, text in enumerate(("one?", "two?"), start=1):
                held.append(ask(text))
                await until(lambda number=number: assistant.now == number)
            gone = ask("three?")
            await asyncio.sleep(0.3)
            assert (await ask("four?")).status_code == 503
            gone.cancel()
            # Seen within a second.
            await asyncio.sleep(1.5)
            late = ask("how many boats are there?")
            await asyncio.sleep(0.3)
            assistant.open.set()
            await asyncio.gather(*held)
            return (await late).status_code

    try:
        assert asyncio.run(go()) == 200
    finally:
        stop()
    assert "three?" not in assistant.asked
    assert {"one?", "two?", "how many boats are there?"} == set(assistant.asked)


@pytest.fixture
def client(tmp_path):
    assistant = FakeAssistant(settings=Settings(home=tmp_path))
    made = web.application(assistant, auth=[("ada", "påss:word")])
    return TestClient(made, base_url="http://127.0.0.1:7860")


@pytest.mark.parametrize(
    ("sent", "status", "words"),
    [
        ({"question": "how many boats are there?"}, 200, "212 boats"),
        ({"question": "how deep is the water?"}, 200, '"reason":"not_answered"'),
        ({"question": "  "}, 422, "question is empty"),
        ({"question": "x" * 1001}, 422, "1001 characters"),
        ({"question": "why?", "library": "none"}, 404, "no library 'none'"),
        ({"question": 7}, 422, "valid string"),
        ({"question": "why?", "Library": "x"}, 422, "Extra inputs"),
        ({}, 422, "required"),
    ],
)
def test_what_is_sent_is_answered_or_told_what_is_wrong_with_it(tmp_path, sent, status, words):
    made = web.application(FakeAssistant(settings=Settings(home=tmp_path)))
    reply = TestClient(made, base_url="http://127.0.0.1:7860").post("/ask", json=sent)
    assert (reply.status_code, words in reply.text) == (status, True), reply.text


@pytest.mark.parametrize(
    "sent", [r'{"questio": "\ud83d"}', r'{"\ud83d": 1, "question": "why?"}', '{"question": NaN}']
)
def test_what_could_not_be_sent_back_is_told_of_without_it(tmp_path, sent):
    """The reply was status 500, and a traceback in the log."""
    made = web.application(FakeAssistant(settings=Settings(home=tmp_path)))
    client = TestClient(made, base_url="http://127.0.0.1:7860")
    reply = client.post("/ask", content=sent, headers={"content-type": "application/json"})
    assert reply.status_code == 422
    told = reply.json()["detail"]
    assert told and all(set(one) == {"type", "loc", "msg"} for one in told)


@pytest.mark.parametrize(
    ("broken", "told"),
    [(LibraryCorrupt("/home/ada/lib/catalog.db: truncated"), UNREADABLE), (Busy(9, 4), "is busy")],
)
def test_a_program_is_told_nothing_of_the_servers_folders(tmp_path, caplog, broken, told):
    rooms = Rooms(
        FakeAssistant(broken=broken, settings=Settings(home=tmp_path)), tmp_path, lambda _: ()
    )
    ask = web.endpoint(rooms, Gate())
    with pytest.raises(gr.Error, match=told) as error:
        asyncio.run(ask("why?", SimpleNamespace(username="", session_hash="")))
    assert "ada" not in str(error.value)
    assert ("catalog.db" in caplog.text) == (told == UNREADABLE)


def test_half_of_an_emoji_is_sent_back_as_a_mark(tmp_path):
    """A program that cuts a text between two halves got status 500."""
    made = web.application(FakeAssistant(settings=Settings(home=tmp_path)))
    client = TestClient(made, base_url="http://127.0.0.1:7860")
    sent = b'{"question": "how deep is \\ud83d the water?"}'
    reply = client.post("/ask", content=sent, headers={"content-type": "application/json"})
    assert (reply.status_code, reply.json()["question"]) == (200, "how deep is ? the water?")


def test_the_library_that_is_served_is_asked_by_its_name_too(tmp_path):
    class Served(FakeAssistant):
        @property
        def library(self):
            return SimpleNamespace(**{**vars(super().library), "name": "papers"})

    made = web.application(Served(settings=Settings(home=tmp_path)))
    sent = {"question": "how many boats are there?", "library": "papers"}
    reply = TestClient(made, base_url="http://127.0.0.1:7860").post("/ask", json=sent)
    assert (reply.status_code, reply.json().get("text")) == (200, "212 boats")


def test_where_a_login_is_asked_for_no_question_is_answered_without(client):
    asked = {"question": "how many boats are there?"}
    for auth in (None, ("ada", "wrong"), ("", ""), ("ada", "")):
        reply = client.post("/ask", json=asked, auth=auth)
        assert reply.status_code == 401 and "212" not in reply.text
        assert reply.headers["www-authenticate"].startswith("Basic")
    # Neither base64 nor ASCII: to be told so, and no error of the server's.
    for given in ("Basic %", "Basic Zoé:x".encode(), "Basic Zoé:x".encode("latin-1")):
        reply = client.post("/ask", json=asked, headers={"authorization": given})
        assert reply.status_code == 401
