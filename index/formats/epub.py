"""EPUB: the chapters of its spine, each read as HTML."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING
from urllib.parse import unquote

from index.content import Content, ContentBuilder
from index.errors import UnreadableDocument
from index.formats.archive import open_archive, parse_xml
from index.formats.html import SKIPPED, add_html
from index.formats.plain import decode

if TYPE_CHECKING:
    import zipfile

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
# What scrambles the fonts of a book, and not its text.
_OF_FONTS = frozenset(["http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"])
# Footnotes and boxes of a book are part of it, unlike what stands beside the text of a web page.
_SKIPPED = SKIPPED - {"aside"}


def load_epub(data: bytes, name: str) -> Content:
    """Read the chapters in reading order."""
    builder = ContentBuilder()
    with open_archive(data, name) as archive:
        present = set(archive.namelist())
        if _ENCRYPTION in present and _is_locked(archive.read(_ENCRYPTION)):
            raise UnreadableDocument(f"{name}: encrypted (it carries digital rights management)")
        for chapter in _spine(archive, name):
            if chapter in present:
                text, _, _ = decode(archive.read(chapter), name)
                add_html(builder, text, _SKIPPED)
    return builder.build()


def _is_locked(encryption: bytes) -> bool:
    """Tell whether more than fonts is encrypted."""
    for entry in parse_xml(encryption).iter("{*}EncryptedData"):
        method = entry.find("{*}EncryptionMethod")
        if method is None or method.get("Algorithm") not in _OF_FONTS:
            return True
    return False


def _spine(archive: zipfile.ZipFile, name: str) -> list[str]:
    """Return the paths of the chapters, from the package that the container names."""
    try:
        container = parse_xml(archive.read(_CONTAINER))
        package = next(node.get("full-path", "") for node in container.iter("{*}rootfile"))
        tree = parse_xml(archive.read(package))
    except (KeyError, StopIteration) as error:
        raise UnreadableDocument(f"{name}: found no EPUB package in the archive") from error
    items = {node.get("id"): node.get("href", "") for node in tree.iter("{*}item")}
    folder = posixpath.dirname(package)
    return [
        posixpath.normpath(posixpath.join(folder, unquote(items.get(node.get("idref"), ""))))
        for node in tree.iter("{*}itemref")
    ]
