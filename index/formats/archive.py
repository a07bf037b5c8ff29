"""Zip containers (DOCX, EPUB, PPTX, XLSX): opened only when what they unpack to is bounded."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

from index.errors import DocumentTooLarge, UnreadableDocument

if TYPE_CHECKING:
    from lxml.etree import _Element  # type: ignore[import-untyped]

MAX_UNPACKED = 256 * 1024 * 1024
MAX_ENTRIES = 10_000


def open_archive(data: bytes, name: str) -> zipfile.ZipFile:
    """Open a zip container held in memory; nothing is unpacked yet.

    The sizes that the directory declares bind: `zipfile` never unpacks more than declared.

    Raises:
        UnreadableDocument: Not a zip file, or encrypted.
        DocumentTooLarge: It declares too many entries or bytes.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        kind = "an encrypted or old Office file" if data[:4] == b"\xd0\xcf\x11\xe0" else "no zip"
        raise UnreadableDocument(
            f"{name}: found {kind}, expected its format's zip; save it anew, without a password"
        ) from error
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise DocumentTooLarge(
            f"{name}: found {len(entries):,} entries in the archive, expected at most "
            f"{MAX_ENTRIES:,}"
        )
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MAX_UNPACKED:
        raise DocumentTooLarge(
            f"{name}: would unpack to {unpacked:,} bytes, expected at most {MAX_UNPACKED:,}"
        )
    if any(entry.flag_bits & 1 for entry in entries):
        raise UnreadableDocument(f"{name}: encrypted; save it without a password")
    return archive


def parse_xml(data: bytes) -> _Element:
    """Parse XML; entities, DTDs and the network are left alone."""
    from lxml import etree  # type: ignore[import-untyped]

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    return etree.fromstring(data, parser)
