"""What every test gets: a home of its own, and no way out to the network."""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from index.documents import Document
    from index.isolation import ParserProcess
    from qa.assistant import Assistant

# How long an example takes says more of the machine's load than of the code.
settings.register_profile("citespan", deadline=None)
settings.load_profile("citespan")


def is_local(address: Any) -> bool:
    """Tell whether a socket address stays on this machine."""
    if not isinstance(address, tuple):  # a Unix socket's path
        return True
    host = address[0].decode() if isinstance(address[0], bytes) else str(address[0] or "")
    if host in {"", "localhost", socket.gethostname()}:
        return True
    try:
        found = ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        return False
    return found.is_loopback or found.is_unspecified


@pytest.fixture(scope="session")
def attempts() -> Iterator[list[Any]]:
    """Refuse every connection and look-up that leaves the machine; keep what was asked for."""
    kept: list[Any] = []
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex
    lookup = socket.getaddrinfo

    def allow(address: Any) -> None:
        if not is_local(address):
            kept.append(address)
            raise ConnectionRefusedError(f"a test asked for {address!r}")

    def guarded_connect(self: socket.socket, address: Any) -> None:
        allow(address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        allow(address)
        return connect_ex(self, address)

    def guarded_lookup(host: Any, *args: Any, **kwargs: Any) -> Any:
        allow((host,))
        return lookup(host, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
        patch.setattr(socket, "getaddrinfo", guarded_lookup)
        yield kept


@pytest.fixture(autouse=True)
def no_network(attempts: list[Any]) -> Iterator[None]:
    """Fail a test in which anything, in any thread, tried to leave the machine.

    Citespan promises that questions and documents stay where they are. A library that tries, and
    shrugs when it cannot, breaks that promise on every machine that has a network.
    """
    attempts.clear()
    yield
    assert attempts == [], "tried to leave the machine"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep libraries in a folder of the test's own, never in the user's."""
    folder = tmp_path / "citespan-home"
    monkeypatch.setenv("CITESPAN_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def seed_assistant(tmp_path_factory: pytest.TempPathFactory) -> Assistant:
    """Return an assistant over the bundled article, with the shipped weights; made once."""
    import qa
    from qa.config import Settings

    return qa.open(settings=Settings(home=tmp_path_factory.mktemp("seed-home")))


@pytest.fixture(scope="module")
def parser() -> Iterator[ParserProcess]:
    """Return a process that parses files within limits, one a test module."""
    from index.isolation import ParserProcess

    with ParserProcess(seconds=20) as process:
        yield process


@pytest.fixture
def read(parser: ParserProcess) -> Callable[[bytes, str], Document]:
    """Return what reads a file's bytes, by its name, through the parsers' own process."""
    from index.documents import parse

    return lambda data, name: parse(data, name, parser)
