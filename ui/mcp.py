"""A Model Context Protocol server over standard input and output: tools ask, search, documents.

One JSON-RPC 2.0 message a line, as the protocol's stdio transport has it. Nothing but messages
goes to standard output.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TextIO

from index.errors import CitespanError

if TYPE_CHECKING:
    from qa.assistant import Assistant

log = logging.getLogger(__name__)

VERSIONS = ("2025-06-18", "2025-03-26", "2024-11-05")
MOST_PASSAGES = 50
INSTRUCTIONS = (
    "Answers come from the user's own documents and are exact quotes with the place they stand "
    "in. When `text` is null the documents do not answer: say so, and do not guess."
)
MAX_QUESTION = 1000
QUESTION = {
    "type": "string",
    "minLength": 1,
    "maxLength": MAX_QUESTION,
    "description": "A question in plain words.",
}
TOOLS: list[dict[str, Any]] = [
    {
        "name": "ask",
        "title": "Ask the documents",
        "description": "Answer a question with an exact quote and its place, or refuse.",
        "inputSchema": {
            "type": "object",
            "properties": {"question": QUESTION},
            "required": ["question"],
            "additionalProperties": False,
        },
        "annotations": {"readOnlyHint": True, "openWorldHint": False},
    },
    {
        "name": "search",
        "title": "Search the documents",
        "description": "Return the passages that fit a question best, best first, unread.",
        "inputSchema": {
            "type": "object",
            "properties": {
                "question": QUESTION,
                "k": {"type": "integer", "minimum": 1, "maximum": MOST_PASSAGES, "default": 12},
            },
            "required": ["question"],
            "additionalProperties": False,
        },
        "annotations": {"readOnlyHint": True, "openWorldHint": False},
    },
    {
        "name": "documents",
        "title": "List the documents",
        "description": "Return every file of the library: name, format, pages, size, state.",
        "inputSchema": {"type": "object", "properties": {}, "additionalProperties": False},
        "annotations": {"readOnlyHint": True, "openWorldHint": False},
    },
]


class RpcError(Exception):
    """A JSON-RPC error with its code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Server:
    """Answers the messages of one client."""

    def __init__(self, assistant: Callable[[], Assistant], version: str) -> None:
        """Keep what opens the assistant (at the first tool call), and Citespan's version."""
        self._open = assistant
        self._assistant: Assistant | None = None
        self._version = version

    @property
    def assistant(self) -> Assistant:
        """The assistant, opened when it is first needed."""
        if self._assistant is None:
            self._assistant = self._open()
        return self._assistant

    def run(self, source: TextIO, sink: TextIO) -> None:
        """Answer one message a line until `source` ends."""
        if isinstance(source, io.TextIOWrapper):
            # The protocol is in UTF-8 whatever the locale; one bad byte must not end it for good.
            source.reconfigure(encoding="utf-8", errors="replace")
        for line in source:
            if not line.strip():
                continue
            reply = self.reply(line)
            if reply is not None:
                # In ASCII: half of a surrogate pair, sent back as it came, has no UTF-8.
                sink.write(json.dumps(reply) + "\n")
                sink.flush()

    def reply(self, line: str) -> dict[str, Any] | None:
        """Return the reply to one message; None to a notification."""
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            return failure(None, -32700, "not JSON")
        if not isinstance(message, dict) or not isinstance(message.get("method"), str):
            # A reply of the client's to nothing that was asked of it is passed over.
            known = isinstance(message, dict) and ("result" in message or "error" in message)
            return None if known else failure(None, -32600, "not a JSON-RPC request")
        if "id" not in message:
            return None
        try:
            result = self.dispatch(message["method"], message.get("params") or {})
        except RpcError as error:
            return failure(message["id"], error.code, str(error))
        except Exception:
            log.exception("a request failed")
            return failure(message["id"], -32603, "internal error; see the server's log")
        return {"jsonrpc": "2.0", "id": message["id"], "result": result}

    def dispatch(self, method: str, params: Any) -> dict[str, Any]:
        """Return a method's result.

        Raises:
            RpcError: No such method, or parameters that do not fit.
        """
        if not isinstance(params, Mapping):
            raise RpcError(-32602, "params must be an object")
        if method == "initialize":
            asked = params.get("protocolVersion")
            return {
                "protocolVersion": asked if asked in VERSIONS else VERSIONS[0],
                "capabilities": {"tools": {"listChanged": False}},
                "serverInfo": {"name": "citespan", "version": self._version},
                "instructions": INSTRUCTIONS,
            }
        if method == "ping":
            return {}
        if method == "tools/list":
            return {"tools": TOOLS}
        if method == "tools/call":
            return self.call(params.get("name"), params.get("arguments") or {})
        raise RpcError(-32601, f"no such method: {method}")

    def call(self, name: Any, arguments: Any) -> dict[str, Any]:
        """Run a tool; what the person can mend comes back as a tool error with its message."""
        tool = next((tool for tool in TOOLS if tool["name"] == name), None)
        if tool is None:
            raise RpcError(-32602, f"no such tool: {name}; there are ask, search and documents")
        checked = check(arguments, tool["inputSchema"])
        try:
            data = getattr(self, f"_{name}")(**checked)
        except CitespanError as error:
            return {"content": [{"type": "text", "text": str(error)}], "isError": True}
        text = json.dumps(data, ensure_ascii=False)
        return {
            "content": [{"type": "text", "text": text}],
            "structuredContent": data,
            "isError": False,
        }

    def _ask(self, question: str) -> dict[str, Any]:
        return self.assistant.ask(question).to_dict()

    def _search(self, question: str, k: int = 12) -> dict[str, Any]:
        found = self.assistant.library.search(question, k)
        names = ("document", "page", "heading", "start", "end", "text", "score")
        return {"passages": [{n: getattr(one, n) for n in names} for one in found]}

    def _documents(self) -> dict[str, Any]:
        names = ("name", "format", "pages", "chunks", "size", "status", "reason")
        records = self.assistant.library.documents()
        return {"documents": [{n: getattr(one, n) for n in names} for one in records]}


def check(arguments: Any, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments when they fit the tool's schema.

    Raises:
        RpcError: They do not.
    """
    if not isinstance(arguments, dict):
        raise RpcError(-32602, "arguments must be an object")
    known = schema["properties"]
    for name in schema.get("required", ()):
        if name not in arguments:
            raise RpcError(-32602, f"missing argument: {name}")
    for name, value in arguments.items():
        if name not in known:
            raise RpcError(-32602, f"no such argument: {name}; there are {', '.join(known)}")
        if known[name]["type"] == "string":
            fits = isinstance(value, str) and 0 < len(value) <= known[name]["maxLength"]
        else:
            whole = isinstance(value, int) and not isinstance(value, bool)
            fits = whole and known[name]["minimum"] <= value <= known[name]["maximum"]
        if not fits:
            found = repr(value)[:80]
            raise RpcError(-32602, f"{name}: found {found}, expected {known[name]}")
    return arguments


def failure(identity: Any, code: int, message: str) -> dict[str, Any]:
    """Return a JSON-RPC error reply."""
    return {"jsonrpc": "2.0", "id": identity, "error": {"code": code, "message": message}}
