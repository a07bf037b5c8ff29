"""The parser process: reads requests from standard input, writes JSON to standard output."""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import resource
import signal
import struct
import sys
from typing import Any, BinaryIO

from index.content import Content
from index.errors import DocumentError

_LENGTH = struct.Struct("<Q")
_DIE_WITH_PARENT = 1
LOADERS = {
    "html": "index.formats.html:load_html",
    "pdf": "index.formats.pdf:load_pdf",
    "docx": "index.formats.word:load_docx",
    "pptx": "index.formats.slides:load_pptx",
    "epub": "index.formats.epub:load_epub",
    "csv": "index.formats.table:load_csv",
    "xlsx": "index.formats.table:load_xlsx",
    "eml": "index.formats.mail:load_eml",
}


def main() -> None:
    """Serve until standard input ends; arguments: import path, memory limit in bytes."""
    memory = int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    # Parsers read bytes they were given; they have nothing to write anywhere.
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    requests, replies = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    # A library that prints must not be taken for an answer.
    os.dup2(2, 1)
    while (request := _read(requests)) is not None:
        data = _read(requests)
        if data is None:
            return
        reply = json.dumps(answer(json.loads(request), data)).encode()
        replies.write(_LENGTH.pack(len(reply)) + reply)
        replies.flush()


def answer(request: dict[str, Any], data: bytes) -> dict[str, Any]:
    """Return the content as plain data, or the kind of the error and its message."""
    name = request["name"]
    try:
        if "page" in request:
            return _page(data, name, request["page"])
        content = load(request["format"], data, name)
        # Lone surrogates are no text and could not be stored.
        content.text.encode()
        return content.to_json()
    except DocumentError as error:
        return {"error": type(error).__name__, "message": str(error)}
    except MemoryError:
        return {"error": "UnreadableDocument", "message": f"{name}: needs too much memory"}
    except Exception as error:
        # Parsers meet broken files with every kind of exception there is.
        found = f"{type(error).__name__}: {error}"[:200]
        return {"error": "UnreadableDocument", "message": f"{name}: broken file ({found})"}


def load(format: str, data: bytes, name: str) -> Content:
    """Call the loader of a format."""
    module, function = LOADERS[format].split(":")
    content = getattr(importlib.import_module(module), function)(data, name)
    assert isinstance(content, Content)
    return content


def _page(data: bytes, name: str, number: int) -> dict[str, Any]:
    from index.formats.pdf import load_page

    page = load_page(data, name, number)
    return {"text": page.text, "boxes": page.boxes.tolist()}


def _read(stream: BinaryIO) -> bytes | None:
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    return stream.read(_LENGTH.unpack(head)[0])
