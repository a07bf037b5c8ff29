"""EPUB: the chapters of its spine, each read as HTML."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING
from urllib.parse import unquote

from index.content import Content, ContentBuilder
from index.errors import UnreadableDocument
from index.formats.archive import open_archive, parse_xml
from index.formats.html import add_html
from index.formats.plain import decode

if TYPE_CHECKING:
    import zipfile

_CONTAINER = "META-INF/container.xml"


def load_epub(data: bytes, name: str) -> Content:
    """Read the chapters in reading order."""
    builder = ContentBuilder()
    with open_archive(data, name) as archive:
        present = set(archive.namelist())
        if "META-INF/encryption.xml" in present:
            raise UnreadableDocument(f"{name}: encrypted (it carries digital rights management)")
        for chapter in _spine(archive, name):
            if chapter in present:
                text, _, _ = decode(archive.read(chapter), name)
                add_html(builder, text)
    return builder.build()


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
