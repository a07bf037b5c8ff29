"""What stands before the page turns away who is not meant to talk to it, and arms the browser."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from index.errors import CitespanError
from ui import guard

PAGE = "<html><head><script>one()</script><script src='x.js'></script></head><body>ö</body></html>"


async def page(request: Request) -> Response:
    return HTMLResponse(PAGE)


async def echo(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


INNER = Starlette(
    routes=[
        Route("/", page),
        Route("/echo", echo, methods=["POST"]),
        Route("/gradio_api/upload", echo, methods=["POST"]),
        Route("/gradio_api/{rest:path}", echo, methods=["GET", "POST"]),
    ]
)


@pytest.fixture
def client():
    return TestClient(guard.Guard(INNER, max_body=100), base_url="http://127.0.0.1:7860")


def test_scripts_of_the_page_carry_the_nonce_of_the_policy_and_it_is_new_each_time(client):
    seen = set()
    for _ in range(2):
        reply = client.get("/", headers={"accept": "text/html"})
        policy = reply.headers["content-security-policy"]
        nonce = policy.split("'nonce-")[1].split("'")[0]
        assert reply.text.count(f'<script nonce="{nonce}"') == 2
        assert reply.text.endswith("<body>ö</body></html>")
        assert int(reply.headers["content-length"]) == len(reply.content)
        seen.add(nonce)
    assert len(seen) == 2


def test_nothing_may_come_from_elsewhere_nor_the_page_stand_in_another(client):
    reply = client.get("/")
    policy = reply.headers["content-security-policy"]
    script = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert "'unsafe-inline'" not in script
    for part in ("default-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"):
        assert part in policy
    assert "http:" not in policy and "https:" not in policy and "*" not in policy
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:7860", 200),
        ("localhost:7860", 200),
        ("LOCALHOST", 200),
        ("[::1]:7860", 200),
        ("rebound.example:7860", 403),
        ("127.0.0.1.rebound.example", 403),
        ("192.0.2.7:7860", 403),
        ("[::1", 403),
        ("", 403),
    ],
)
def test_only_names_of_this_machine_are_answered(client, host, status):
    assert client.get("/", headers={"host": host}).status_code == status


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://127.0.0.1:7860", 200),
        ("http://127.0.0.1:8080", 403),
        ("http://localhost:7860", 403),
        ("http://elsewhere.example", 403),
        ("null", 403),
        ("", 403),
    ],
)
def test_another_page_of_the_same_browser_is_turned_away(client, origin, status):
    assert client.get("/", headers={"origin": origin}).status_code == status


def test_a_server_for_others_answers_to_its_own_name_and_still_to_no_other_page():
    client = TestClient(guard.Guard(INNER, local_only=False), base_url="http://papers.example")
    assert client.get("/").status_code == 200
    assert client.get("/", headers={"origin": "http://elsewhere.example"}).status_code == 403


def test_a_request_too_large_is_turned_away_but_for_uploads(client):
    assert client.post("/echo", content=b"x" * 100).text == "100"
    assert client.post("/echo", content=b"x" * 101).status_code == 413
    assert client.post("/echo", headers={"content-length": "-1"}).status_code == 413
    # A body without a length could be endless.
    assert client.post("/echo", content=iter([b"x"] * 50)).status_code == 411
    assert client.post("/gradio_api/upload", content=b"x" * 101).text == "101"


@pytest.mark.parametrize("path", ["file=http://127.0.0.1:1/x", "file=HTTPS://a/b", "file=ftp://a"])
def test_the_server_fetches_nothing_for_anyone(client, path):
    assert client.get(f"/gradio_api/{path}").status_code == 403
    assert client.get("/gradio_api/file=report.txt").status_code == 200


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("localhost", True),
        ("::1", True),
        ("[::1]", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("example.org", False),
        ("127.0.0.1.example.org", False),
    ],
)
def test_an_address_that_others_reach_needs_a_login(host, here):
    assert guard.is_loopback(host) is here
    guard.check_exposure(host, login=True)
    if here:
        guard.check_exposure(host, login=False)
    else:
        with pytest.raises(CitespanError, match="can be reached from other machines"):
            guard.check_exposure(host, login=False)


def test_a_port_is_free_or_named():
    with guard.listen("127.0.0.1", 0) as bound:
        port = bound.getsockname()[1]
        assert port > 0
        with pytest.raises(CitespanError, match=f"127.0.0.1 port {port} .*--port 0"):
            guard.listen("127.0.0.1", port)
    for bad in (70_000, -1):
        with pytest.raises(CitespanError, match="cannot listen"):
            guard.listen("127.0.0.1", bad)
