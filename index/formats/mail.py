"""EML: the headers a reader looks at, then the body; attachments are named, not opened."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import MIMEPart
from typing import Any

from index.content import Content, ContentBuilder, canonical
from index.errors import UnreadableDocument
from index.formats.html import add_html

_HEADERS = ("From", "To", "Cc", "Date")


def load_eml(data: bytes, name: str) -> Content:
    """Read a message."""
    message = message_from_bytes(data, policy=policy.default)
    if not message.keys():
        raise UnreadableDocument(f"{name}: found no message headers, expected an e-mail")
    builder = ContentBuilder()
    builder.add_heading(_clean(str(message.get("Subject", ""))), 1)
    lines = [f"{key}: {_clean(str(message[key]))}" for key in _HEADERS if message.get(key)]
    builder.add("\n".join(lines))
    body = message.get_body(preferencelist=("plain", "html"))
    if body is not None:
        text = _body(body)
        if body.get_content_subtype() == "html":
            add_html(builder, text)
        else:
            builder.add(text)
    attached = [part.get_filename() for part in message.iter_attachments()]
    names = ", ".join(_clean(found) for found in attached if found)
    return builder.build(note=f"attachments not read: {names}" if names else None)


def _body(part: MIMEPart[Any, Any]) -> str:
    try:
        content = part.get_content()
    except (LookupError, UnicodeError):
        payload = part.get_payload(decode=True)
        content = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
    return _clean(str(content), keep_lines=True)


def _clean(text: str, *, keep_lines: bool = False) -> str:
    """Return text without what cannot be stored or shown: lone surrogates, control characters."""
    whole = canonical(text).encode("utf-8", "replace").decode()
    kept = "".join(c for c in whole if c in "\n\t" or c.isprintable() or c.isspace())
    return kept if keep_lines else " ".join(kept.split())
