"""Parsers in a process of their own, with a limit of time and of memory.

One process serves many files; it is ended and made anew when a file exceeds a limit or kills it.
Bytes go in, JSON comes out: nothing that the process says is executed or unpickled here.
"""

from __future__ import annotations

import json
import os
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from index import errors
from index.content import Content
from index.errors import DocumentError, ParserInterrupted, UnreadableDocument

SECONDS = 60.0
MEMORY = 2 * 1024**3
_ROOT = str(Path(__file__).resolve().parent.parent)
_START = "import sys; sys.path.insert(0, sys.argv[1]); from index.worker import main; main()"
_LENGTH = struct.Struct("<Q")
_LONGEST_REPLY = 1024**3
_SAFE_VARIABLES = ("PATH", "LANG", "LC_ALL", "HOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "TMPDIR")


class _TimeUp(Exception):
    """The process did not answer in time."""


class ParserProcess:
    """Parses files elsewhere. Safe to use from several threads; one file at a time."""

    def __init__(self, *, seconds: float = SECONDS, memory: int = MEMORY) -> None:
        """Prepare; the process starts with the first file.

        Args:
            seconds: Longest time a file may take.
            memory: Most address space that the process may have, bytes.
        """
        self._seconds = seconds
        self._memory = memory
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> ParserProcess:
        """Return the process."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self.close()

    def parse(self, data: bytes, name: str, format: str) -> Content:
        """Return what a loader makes of a file's bytes.

        Raises:
            ParserInterrupted: The process could not be started, its time was up, or something
                else ended it.
            DocumentError: The loader refused the file, or the file exceeded a limit.
        """
        return Content.from_json(self._ask(data, name=name, format=format))

    def page(self, data: bytes, name: str, number: int) -> tuple[str, list[list[float]]]:
        """Return the text of a PDF's page (1-based) and the box of each of its characters.

        Raises:
            DocumentError: The PDF cannot be read, or exceeded a limit.
        """
        reply = self._ask(data, name=name, format="pdf", page=number)
        return reply["text"], reply["boxes"]

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._end()

    def _ask(self, data: bytes, **request: Any) -> dict[str, Any]:
        name = request["name"]
        with self._lock:
            try:
                process = self._running()
            except OSError as error:
                # Short of memory, processes or descriptors: that says nothing of the file.
                raise ParserInterrupted(
                    f"{name}: its parser could not be started ({error.strerror}); "
                    "sync again when the machine is less busy"
                ) from error
            try:
                reply = self._exchange(process, json.dumps(request).encode(), data)
            except _TimeUp as error:
                self._end()
                raise ParserInterrupted(
                    f"{name}: not read within {self._seconds:g} seconds; "
                    "sync again when the machine is less busy, split the file, or list it in "
                    ".citespanignore"
                ) from error
            except (OSError, ValueError, struct.error) as error:
                status = self._end()
                why = f"ended by {signal.Signals(-status).name}" if status < 0 else "ended early"
                # Nothing in a file sends these: the machine was short of memory, or a person.
                killed = status in (-signal.SIGKILL, -signal.SIGTERM)
                raise (ParserInterrupted if killed else UnreadableDocument)(
                    f"{name}: its parser {why}; the file is broken or needs more than "
                    f"{self._memory // 1024**2:,} MB"
                ) from error
        if "error" in reply:
            kind = getattr(errors, str(reply["error"]), DocumentError)
            raise kind(reply["message"])
        return reply

    def _exchange(
        self, process: subprocess.Popen[bytes], request: bytes, data: bytes
    ) -> dict[str, Any]:
        deadline = time.monotonic() + self._seconds
        assert process.stdin is not None and process.stdout is not None
        message = _LENGTH.pack(len(request)) + request + _LENGTH.pack(len(data)) + data
        _write(process.stdin.fileno(), message, deadline)
        (length,) = _LENGTH.unpack(_read(process.stdout.fileno(), _LENGTH.size, deadline))
        if length > _LONGEST_REPLY:
            raise ValueError("reply too long")
        reply = json.loads(_read(process.stdout.fileno(), length, deadline))
        if not isinstance(reply, dict):
            raise ValueError("reply of the wrong kind")
        return reply

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            # -P: nothing is imported from the folder that the command happens to run in.
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _START, _ROOT, str(self._memory)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={key: os.environ[key] for key in _SAFE_VARIABLES if key in os.environ},
                bufsize=0,
                start_new_session=True,
            )
            for pipe in (self._process.stdin, self._process.stdout):
                assert pipe is not None
                os.set_blocking(pipe.fileno(), False)
        return self._process

    def _end(self) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            pipe.close()
        try:
            return process.wait(timeout=0.2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return 0


def _write(descriptor: int, data: bytes, deadline: float) -> None:
    view = memoryview(data)
    while view:
        _wait(descriptor, deadline, write=True)
        try:
            view = view[os.write(descriptor, view) :]
        except BlockingIOError:
            continue


def _read(descriptor: int, size: int, deadline: float) -> bytes:
    pieces = bytearray()
    while len(pieces) < size:
        _wait(descriptor, deadline, write=False)
        piece = os.read(descriptor, min(size - len(pieces), 1 << 20))
        if not piece:
            raise OSError("the parser process ended")
        pieces += piece
    return bytes(pieces)


def _wait(descriptor: int, deadline: float, *, write: bool) -> None:
    poller = select.poll()
    poller.register(descriptor, select.POLLOUT if write else select.POLLIN)
    left = deadline - time.monotonic()
    if left <= 0 or not poller.poll(left * 1000):
        raise _TimeUp
