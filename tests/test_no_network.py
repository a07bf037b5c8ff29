"""If these fail, the guard that the other tests rely on to notice a call home sees nothing."""

from __future__ import annotations

import socket
from typing import Any

import pytest


def test_a_way_out_is_refused_and_noted(attempts: list[Any]) -> None:
    with (
        socket.socket() as plain,
        pytest.raises(ConnectionRefusedError, match="a test asked for"),
    ):
        plain.connect(("192.0.2.1", 80))  # an address reserved for documentation
    with pytest.raises(ConnectionRefusedError, match="a test asked for"):
        socket.create_connection(("example.invalid", 80), timeout=5)
    assert [address[0] for address in attempts] == ["192.0.2.1", "example.invalid"]
    attempts.clear()


def test_this_machine_may_be_reached() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname(), timeout=5) as client,
    ):
        assert client.getpeername() == server.getsockname()
