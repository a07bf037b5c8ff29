"""PPTX through its XML."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from index.content import Content, ContentBuilder
from index.formats.archive import open_archive, parse_xml

if TYPE_CHECKING:
    import zipfile

_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_PRESENTATION = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def load_pptx(data: bytes, name: str) -> Content:
    """Read the text of each slide in the order of the show; a slide is a page."""
    builder = ContentBuilder()
    with open_archive(data, name) as archive:
        for slide in _slides(archive):
            tree = parse_xml(archive.read(slide))
            paragraphs = (
                "".join(run.text or "" for run in paragraph.iter(f"{_DRAWING}t"))
                for paragraph in tree.iter(f"{_DRAWING}p")
            )
            builder.add_page("\n".join(text for text in paragraphs if text.strip()))
    return builder.build()


def _slides(archive: zipfile.ZipFile) -> list[str]:
    relations = parse_xml(archive.read("ppt/_rels/presentation.xml.rels"))
    targets = {node.get("Id"): node.get("Target", "") for node in relations}
    show = parse_xml(archive.read("ppt/presentation.xml"))
    found = [
        posixpath.normpath(posixpath.join("/ppt", targets.get(node.get(_RELATION), "")))[1:]
        for node in show.iter(f"{_PRESENTATION}sldId")
    ]
    present = set(archive.namelist())
    return [slide for slide in found if slide in present]
