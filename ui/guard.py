"""What stands before the page: who may talk to it, and what a browser may do with it.

A page on this machine can be reached by any page open in the same browser. So a request must name
this server as its host (no DNS rebinding), come from the page itself (no foreign Origin), and be
of a bearable size; and every reply carries a Content-Security-Policy under which nothing is
fetched from elsewhere and no inline handler runs, whatever text stands on the page.
"""

from __future__ import annotations

import ipaddress
import re
import secrets
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from index.errors import CitespanError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BODY = 4 * 1024 * 1024
UPLOAD_PATH = "/gradio_api/upload"
# Asked for a file at an address, Gradio looks its name up with a public DNS service.
REMOTE_FILE = re.compile(r"/(file|proxy|stream)=\s*[a-z][a-z0-9+.-]*:", re.IGNORECASE)

# 'unsafe-eval': Gradio compiles its components' templates and `js` with `Function`. Inline
# scripts need the nonce, so handlers such as onerror= never run.
POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-eval' 'nonce-{nonce}'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
)
# Where no one knows better, as for the page's own events.
RETRY = (b"retry-after", b"5")


def is_loopback(host: str) -> bool:
    """Tell whether an address to listen on is reachable from this machine only."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_exposure(host: str, login: bool) -> None:
    """Refuse to listen where others can reach the page without a login.

    Raises:
        CitespanError: `host` is not of this machine only, and no login was asked for.
    """
    if not is_loopback(host) and not login:
        raise CitespanError(
            f"{host} can be reached from other machines, and no login was asked for; serve on "
            f"127.0.0.1, or ask for one: citespan serve --host {host} --auth NAME:PASSWORD"
        )


def listen(host: str, port: int) -> socket.socket:
    """Return a socket bound to an address; port 0 takes any free one.

    Raises:
        CitespanError: The address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host.strip("[]"), port))
        bound.listen(128)
    except (OSError, OverflowError) as error:
        bound.close()
        raise CitespanError(
            f"cannot listen on {host} port {port} ({error}); expected a free port of this "
            "machine; choose another: citespan serve --port 0"
        ) from None
    return bound


def hostname(authority: str) -> str:
    """Return the name in `name:port`, in lower case; IPv6 without its brackets."""
    try:
        return (urlsplit(f"//{authority}").hostname or "").lower()
    except ValueError:
        return ""


class Guard:
    """ASGI middleware that checks requests and adds headers to replies."""

    def __init__(self, app: App, *, local_only: bool = True, max_body: int = MAX_BODY) -> None:
        """Wrap `app`.

        Args:
            app: The application.
            local_only: Refuse a Host that is not a name of this machine's loopback.
            max_body: Largest request body, bytes; uploads have their own limit.
        """
        self.app = app
        self.local_only = local_only
        self.max_body = max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = {key.lower(): value.decode("latin-1") for key, value in scope["headers"]}
        refused = self.refusal(headers, scope["path"])
        if refused is not None:
            await self.refuse(scope, send, *refused)
            return
        nonce = secrets.token_urlsafe(16)
        if "text/html" in headers.get(b"accept", ""):
            # The nonce is written into the page, so it must come uncompressed.
            scope["headers"] = [(k, v) for k, v in scope["headers"] if k != b"accept-encoding"]
        await self.app(scope, receive, Reply(send, nonce))

    def refusal(self, headers: dict[bytes, str], path: str) -> tuple[int, str] | None:
        """Return the status and words to refuse a request with, or None to let it through."""
        host = headers.get(b"host", "")
        if self.local_only and not is_loopback(hostname(host)):
            return 403, "This server answers to the names of this machine only."
        origin = headers.get(b"origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            return 403, "This server answers to its own page only."
        if REMOTE_FILE.search(path):
            return 403, "This server fetches nothing from elsewhere."
        if path.endswith(UPLOAD_PATH):
            return None
        if b"transfer-encoding" in headers:
            return 411, "This server wants to know a request's length."
        length = headers.get(b"content-length", "0")
        if not length.isdigit() or int(length) > self.max_body:
            return 413, f"The request is larger than {self.max_body} bytes."
        return None

    async def refuse(self, scope: Scope, send: Send, status: int, words: str) -> None:
        """Reply with a short text."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        content = words.encode()
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(content)).encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})


class Reply:
    """Adds the headers to one reply, and the nonce to the scripts of a page."""

    def __init__(self, send: Send, nonce: str) -> None:
        """Wrap `send`; `nonce` is this reply's own."""
        self.send = send
        self.nonce = nonce
        self.start: Message | None = None
        self.page = b""

    async def __call__(self, message: Message) -> None:
        """Pass one message on; a page is held back until it is whole."""
        if message["type"] == "http.response.start":
            policy = POLICY.format(nonce=self.nonce).encode()
            kept = [(k, v) for k, v in message["headers"] if k.lower() != b"server"]
            message["headers"] = [*kept, *HEADERS, (b"content-security-policy", policy)]
            if message["status"] == 503 and not any(k.lower() == b"retry-after" for k, _ in kept):
                message["headers"].append(RETRY)
            kinds = [v for k, v in kept if k.lower() == b"content-type"]
            if any(kind.startswith(b"text/html") for kind in kinds):
                self.start = message
                return
        elif message["type"] == "http.response.body" and self.start is not None:
            self.page += message.get("body", b"")
            if message.get("more_body"):
                return
            await self.send_page(self.start)
            return
        await self.send(message)

    async def send_page(self, start: Message) -> None:
        """Send the page that was held back, its own scripts marked with the nonce."""
        content = self.page.replace(b"<script", b'<script nonce="' + self.nonce.encode() + b'"')
        kept = [(k, v) for k, v in start["headers"] if k.lower() != b"content-length"]
        start["headers"] = [*kept, (b"content-length", str(len(content)).encode())]
        await self.send(start)
        await self.send({"type": "http.response.body", "body": content})
