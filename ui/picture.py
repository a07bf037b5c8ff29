"""A PDF's page as a picture, with the boxes of a quote on it.

PDFium draws the page in a process of its own, with a limit of time, memory and pixels: a PDF is a
stranger's file, and what kills its reader must not kill the server. The request is one line of
JSON and the file's bytes on standard input; the reply one line of JSON and the PNG's bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from index import scan
from index.documents import read_bytes
from index.errors import CitespanError, UnreadableDocument

if TYPE_CHECKING:
    from index.documents import Document
    from index.library import Library

SECONDS = 20
MEMORY = 2 * 1024**3
WIDTH = 1100
MAX_PIXELS = 12_000_000
KEPT = 32
_ROOT = str(Path(__file__).resolve().parent.parent)
_START = "import sys; sys.path.insert(0, sys.argv[1]); from ui.picture import main; main()"

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Picture:
    """One page.

    Attributes:
        png: The picture.
        width: Pixels.
        height: Pixels.
        boxes: Left, top, right, bottom of what is marked, each 0..1 of the picture, from its
            upper left corner.
    """

    png: bytes
    width: int
    height: int
    boxes: tuple[Box, ...]


def draw(data: bytes, number: int, marks: Sequence[Box] = (), width: int = WIDTH) -> Picture:
    """Draw a page (1-based).

    Args:
        data: The PDF.
        number: The page.
        marks: Left, bottom, right, top in points of the page's user space.
        width: Of the picture, pixels; less for a page of extreme shape.

    Raises:
        UnreadableDocument: The page cannot be drawn within the limits.
    """
    request = json.dumps({"page": number, "marks": [list(mark) for mark in marks], "width": width})
    environment = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "LD_LIBRARY_PATH")}
    try:
        done = subprocess.run(
            # -P: or a json.py in the folder that Citespan is run in would be imported, and run.
            [sys.executable, "-P", "-c", _START, _ROOT],
            input=request.encode() + b"\n" + data,
            capture_output=True,
            timeout=SECONDS,
            env=environment,
            check=True,
        )
        head, _, png = done.stdout.partition(b"\n")
        said = json.loads(head)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        kind = type(error).__name__
        raise UnreadableDocument(f"page {number} could not be drawn ({kind})") from None
    boxes = tuple((box[0], box[1], box[2], box[3]) for box in said["boxes"])
    return Picture(png, said["width"], said["height"], boxes)


def main() -> None:
    """Draw one page as asked for on standard input."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    request = json.loads(sys.stdin.buffer.readline())
    head, png = _draw(sys.stdin.buffer.read(), request)
    sys.stdout.buffer.write(json.dumps(head).encode() + b"\n" + png)


def _draw(data: bytes, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    from index.formats.pdf import open_pdf, whole_page

    page = whole_page(open_pdf(data, "the PDF"), request["page"] - 1)
    across, high = page.get_size()
    scale = min(request["width"] / across, (MAX_PIXELS / (across * high)) ** 0.5)
    picture = page.render(scale=scale).to_pil().convert("RGB")
    boxes = [_on_picture(page, mark, picture.width, picture.height) for mark in request["marks"]]
    kept = io.BytesIO()
    # Text on paper needs few colours; the picture is then a third of the size.
    picture.quantize(64).save(kept, "PNG", optimize=False)
    head = {"width": picture.width, "height": picture.height, "boxes": boxes}
    return head, kept.getvalue()


def _on_picture(page: Any, mark: Sequence[float], width: int, height: int) -> Box:
    """Turn a box in the page's user space into fractions of the picture, rotation and all."""
    from ctypes import byref, c_int

    import pypdfium2.raw as pdfium  # type: ignore[import-untyped]

    # PDFium counts in whole units here, so the picture is taken as a large one.
    fine = 100
    ends = []
    for x, y in ((mark[0], mark[1]), (mark[2], mark[3])):
        across, down = c_int(), c_int()
        pdfium.FPDF_PageToDevice(
            page, 0, 0, width * fine, height * fine, 0, x, y, byref(across), byref(down)
        )
        ends.append((across.value / (width * fine), down.value / (height * fine)))
    (a, b), (c, d) = ends
    return min(a, c), min(b, d), max(a, c), max(b, d)


class Pictures:
    """Draws pages of a library's PDFs; the last few are kept."""

    def __init__(self, library: Library) -> None:
        """Keep the library."""
        self.library = library
        self._kept: OrderedDict[tuple[Any, ...], Picture] = OrderedDict()
        self._lock = Lock()

    def page(self, document: Document, number: int, start: int, end: int) -> Picture:
        """Return a page with characters `start` to `end` boxed, as far as they stand on it.

        Raises:
            CitespanError: The file is not what was indexed any more, or cannot be drawn.
        """
        key = (document.sha256, number, start, end)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        data = self._data(document)
        found = self.library.rectangles(document.name, start, end) if end > start else []
        marks = [(r.left, r.bottom, r.right, r.top) for r in found if r.page == number]
        picture = draw(data, number, marks)
        with self._lock:
            self._kept[key] = picture
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return picture

    def _data(self, document: Document) -> bytes:
        manifest = self.library.snapshot().manifest
        roots = [Path(root) for root in manifest.roots] if manifest else []
        entry = scan.scan(scan.label(roots)).get(document.name)
        data = read_bytes(entry.path) if entry else b""
        if hashlib.sha256(data).hexdigest() != document.sha256:
            raise CitespanError(f"{document.name}: its file is not as it was when it was read")
        return data


if __name__ == "__main__":
    main()
