"""The MCP server as a client program meets it: one message a line, and the same answers."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ui_fakes import ARTICLE, FakeAssistant
from ui.mcp import Server

ROOT = Path(__file__).resolve().parents[1]


def talk(*messages, assistant=None) -> list[dict]:
    """Send messages, each an object or a raw line; return the replies."""
    lines = [m if isinstance(m, str) else json.dumps(m) for m in messages]
    sink = io.StringIO()
    server = Server(lambda: assistant or FakeAssistant(), "0.0")
    server.run(io.StringIO("\n".join(lines) + "\n"), sink)
    return [json.loads(line) for line in sink.getvalue().splitlines()]


def request(method, identity=1, **params) -> dict:
    return {"jsonrpc": "2.0", "id": identity, "method": method, "params": params}


def call(name, **arguments) -> dict:
    (reply,) = talk(request("tools/call", name=name, arguments=arguments))
    return reply


def test_a_client_is_greeted_in_its_version_and_told_the_tools():
    hello = request("initialize", 0, protocolVersion="2024-11-05", capabilities={}, clientInfo={})
    ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    greeted, listed = talk(hello, ready, request("tools/list", "b"))
    assert greeted["id"] == 0
    assert greeted["result"]["protocolVersion"] == "2024-11-05"
    assert greeted["result"]["serverInfo"] == {"name": "citespan", "version": "0.0"}
    assert listed["id"] == "b"
    assert [tool["name"] for tool in listed["result"]["tools"]] == ["ask", "search", "documents"]


def test_an_unknown_version_is_met_with_the_newest_known():
    (greeted,) = talk(request("initialize", protocolVersion="2099-01-01"))
    assert greeted["result"]["protocolVersion"] == "2025-06-18"


def test_ask_returns_the_quote_with_offsets_that_hold():
    result = call("ask", question="When was the harbour founded?")["result"]
    assert result["isError"] is False
    data = result["structuredContent"]
    assert data == json.loads(result["content"][0]["text"])
    place = data["citations"][0]
    assert ARTICLE[place["start"] : place["end"]] == data["text"] == "1708"


def test_a_refusal_is_an_answer_and_not_an_error():
    data = call("ask", question="How deep is the water?")["result"]["structuredContent"]
    assert data["text"] is None
    assert data["refusal"]["reason"] == "not_answered"


def test_what_the_asker_can_mend_is_a_tool_error_in_words():
    result = call("ask", question=" ")["result"]
    assert result["isError"] is True
    assert "empty" in result["content"][0]["text"]


HALF = "How many \ud83d boats?"


@pytest.mark.parametrize(
    "message",
    [
        request("tools/call", name="ask", arguments={"question": HALF}),
        request("tools/call", name="ask", arguments={"question": HALF, HALF: 1}),
        request("tools/call", name=HALF),
        request(HALF),
        request("ping", HALF),
    ],
)
def test_half_an_emoji_is_sent_back_and_the_server_goes_on(message):
    # As over a pipe: what has no UTF-8 cannot be written to it.
    pipe = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    lines = io.StringIO(f"{json.dumps(message)}\n{json.dumps(request('ping', 2))}\n")
    Server(FakeAssistant, "0.0").run(lines, pipe)
    pipe.seek(0)
    first, pong = map(json.loads, pipe)
    assert HALF in json.dumps(first, ensure_ascii=False)
    assert pong == {"jsonrpc": "2.0", "id": 2, "result": {}}


def test_a_byte_that_is_no_text_costs_its_own_message_alone():
    sent = b'{"method": "\xff\n' + json.dumps(request("ping", 2)).encode() + b"\n"
    replies = io.StringIO()
    Server(FakeAssistant, "0.0").run(io.TextIOWrapper(io.BytesIO(sent), encoding="ascii"), replies)
    bad, pong = map(json.loads, replies.getvalue().splitlines())
    assert (bad["error"]["code"], pong["id"]) == (-32700, 2)


def test_half_an_emoji_is_no_trouble_to_what_searches_and_reads(seed_assistant):
    asked = {"question": "Who designated \ud83d the cartel?"}
    answered, found, pong = talk(
        request("tools/call", 1, name="ask", arguments=asked),
        request("tools/call", 2, name="search", arguments=asked),
        request("ping", 3),
        assistant=seed_assistant,
    )
    assert answered["result"]["structuredContent"]["text"] == "U.S. State Department"
    assert "result" in found or found["error"]["code"] == -32603
    assert pong["id"] == 3


def test_documents_are_listed():
    data = call("documents")["result"]["structuredContent"]
    assert [one["name"] for one in data["documents"]] == ["harbour.txt", "lights.txt"]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("{not json", -32700),
        ("[" * 100_000, -32700),
        ("[]", -32600),
        ({"jsonrpc": "2.0", "id": 1}, -32600),
        (request("fly"), -32601),
        ({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": [1]}, -32602),
        (request("tools/call", name="fly"), -32602),
        (request("tools/call", name="_ask", arguments={"question": "x"}), -32602),
        (request("tools/call", name="ask", arguments={}), -32602),
        (request("tools/call", name="ask", arguments={"question": 7}), -32602),
        (request("tools/call", name="ask", arguments={"question": "x" * 1001}), -32602),
        (request("tools/call", name="ask", arguments={"question": "x", "y": 1}), -32602),
        (request("tools/call", name="search", arguments={"question": "x", "k": 51}), -32602),
        (request("tools/call", name="search", arguments={"question": "x", "k": True}), -32602),
    ],
)
def test_a_faulty_message_gets_its_error_and_the_next_one_its_reply(message, code):
    refused, pong = talk(message, request("ping", 2))
    assert refused["error"]["code"] == code
    assert pong == {"jsonrpc": "2.0", "id": 2, "result": {}}


def test_an_unexpected_error_says_nothing_of_the_machine():
    broken = FakeAssistant(broken=OSError("/home/ada/secret.txt"))
    (reply,) = talk(
        request("tools/call", name="ask", arguments={"question": "why?"}), assistant=broken
    )
    assert reply["error"] == {"code": -32603, "message": "internal error; see the server's log"}


def test_the_command_speaks_it_over_real_pipes(home):
    messages = [request("initialize", 1, protocolVersion="2025-06-18"), request("tools/list", 2)]
    done = subprocess.run(
        [sys.executable, "-m", "ui.cli", "mcp"],
        cwd=ROOT,
        input="".join(json.dumps(message) + "\n" for message in messages),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == [1, 2]
