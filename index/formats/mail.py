"""EML: the headers a reader looks at, then the body; attachments are named, not opened."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage, MIMEPart
from typing import Any

from index.content import Content, ContentBuilder, canonical
from index.errors import UnreadableDocument
from index.formats.html import add_html, decode_html
from index.formats.plain import decode

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
    notes: list[str] = []
    for part in [] if body is None else [body, *_going_on(message, body)]:
        text, note = _text(part, name)
        if note and note not in notes:
            notes.append(note)
        if part.get_content_subtype() == "html":
            add_html(builder, text)
        else:
            builder.add(text)
    attached = [part.get_filename() for part in message.iter_attachments()]
    names = ", ".join(_clean(found) for found in attached if found)
    if names:
        notes.append(f"attachments not read: {names}")
    return builder.build(note="; ".join(notes) or None)


def _going_on(message: EmailMessage, body: MIMEPart[Any, Any]) -> Iterator[MIMEPart[Any, Any]]:
    """Yield the parts in which a text goes on behind the body, as around a picture in it."""
    behind = False
    for part in message.iter_parts() if message.get_content_type() == "multipart/mixed" else ():
        if (
            behind
            and part.get_content_type() in ("text/plain", "text/html")
            and part.get_content_disposition() != "attachment"
            and not part.get_filename()
        ):
            yield part
        behind = behind or any(inner is body for inner in part.walk())


def _text(part: MIMEPart[Any, Any], name: str) -> tuple[str, str | None]:
    """Return the text of a part, and a note where its encoding is a guess."""
    note = None
    try:
        if part.get_content_charset() in (None, "us-ascii"):
            content, note = _undeclared(part, name)
        else:
            content = str(part.get_content())
    except (LookupError, UnicodeError, UnreadableDocument):
        payload = part.get_payload(decode=True)
        content = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
    return _clean(content, keep_lines=True), note


def _undeclared(part: MIMEPart[Any, Any], name: str) -> tuple[str, str | None]:
    """Decode a part whose header names no encoding, or one that e-mail is taken to have."""
    payload = part.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    read = decode_html if part.get_content_subtype() == "html" else decode
    text, _, note = read(data, name)
    return text, note


def _clean(text: str, *, keep_lines: bool = False) -> str:
    """Return text without what cannot be stored or shown: lone surrogates, control characters."""
    whole = canonical(text).encode("utf-8", "replace").decode()
    kept = "".join(c for c in whole if c in "\n\t" or c.isprintable() or c.isspace())
    return kept if keep_lines else " ".join(kept.split())
