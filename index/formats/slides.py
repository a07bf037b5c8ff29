"""PPTX through its XML."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import TYPE_CHECKING

from index.content import Content, ContentBuilder
from index.formats.archive import open_archive, parse_xml

if TYPE_CHECKING:
    import zipfile

    from lxml.etree import _Element  # type: ignore[import-untyped]

_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_CHOICE = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_BESIDE = ("diagramData", "notesSlide")
_PRESENTATION = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def load_pptx(data: bytes, name: str) -> Content:
    """Read each slide in the order of the show, its diagrams and notes behind it, as a page."""
    builder = ContentBuilder()
    charts = 0
    with open_archive(data, name) as archive:
        present = set(archive.namelist())
        for slide in _related(archive, "ppt/presentation.xml", present):
            parts = [slide]
            for kind in _BESIDE:
                parts += _related(archive, slide, present, kind)
            charts += len(_related(archive, slide, present, "chart"))
            lines = (line for part in parts for line in _lines(archive.read(part)))
            builder.add_page("\n".join(line for line in lines if line.strip()))
    return builder.build(note="not read: charts" if charts else None)


def _lines(data: bytes) -> list[str]:
    """Return the text of each paragraph of a part."""
    return [_text(paragraph) for paragraph in _paragraphs(parse_xml(data))]


def _paragraphs(element: _Element) -> Iterator[_Element]:
    for child in _shown(element):
        if child.tag == f"{_DRAWING}p":
            yield child
        else:
            yield from _paragraphs(child)


def _text(element: _Element) -> str:
    texts = []
    for child in _shown(element):
        if child.tag == f"{_DRAWING}t":
            # Behind a comment of the XML the text goes on.
            texts.append((child.text or "") + "".join(inside.tail or "" for inside in child))
        elif child.tag == f"{_DRAWING}br":
            texts.append("\n")
        else:
            texts.append(_text(child))
    return "".join(texts)


def _shown(element: _Element) -> Iterator[_Element]:
    """Yield the children, but for page numbers and what only older programs show."""
    for child in element:
        if not isinstance(child.tag, str) or child.tag == f"{_CHOICE}Fallback":
            continue
        if child.get("type") != "slidenum":
            yield child


def _related(
    archive: zipfile.ZipFile, part: str, present: set[str], kind: str | None = None
) -> list[str]:
    """Return the parts that a part refers to, of a kind; the slides of the show without one."""
    folder, _, file = part.rpartition("/")
    path = f"{folder}/_rels/{file}.rels"
    if path not in present:
        return []
    relations = parse_xml(archive.read(path))
    targets = {
        node.get("Id"): node.get("Target", "")
        for node in _shown(relations)
        if kind is None or node.get("Type", "").endswith(f"/{kind}")
    }
    wanted = list(targets)
    if kind is None:
        show = parse_xml(archive.read(part))
        wanted = [node.get(_RELATION) for node in show.iter(f"{_PRESENTATION}sldId")]
    found = [
        posixpath.normpath(posixpath.join(f"/{folder}", targets.get(id, "")))[1:] for id in wanted
    ]
    return [name for name in found if name in present]
