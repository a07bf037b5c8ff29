"""Measure a library over a folder of 1,000 mixed files found on this machine.

The sources are folders with documentation: PDF, HTML, Markdown and text as they are found. DOCX,
XLSX, CSV, EML, EPUB and PPTX files are made of the text found there. Then: a first sync (in a
process of its own, for its peak memory), a second one without a change, 50 edits, deletes and
moves, a check that the library is sound and answers as a fresh one does, and rectangles of 200
spans over real PDFs, each read again from the page.

    python -m tests.benchmarks.folder --sources /usr/share/doc DIR... --save
    python -m tests.benchmarks.folder --sources DIR... --rectangles 200 --seed 1
"""

from __future__ import annotations

import argparse
import email.message
import io
import itertools
import json
import math
import random
import resource
import struct
import subprocess
import sys
import tempfile
import time
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from index.documents import Document, parse
from index.embedder import open_embedder
from index.errors import DocumentError
from index.isolation import ParserProcess
from index.library import Library
from index.rectangles import Rectangle, rectangles

FILES, PDFS, MADE = 1000, 120, 20
LARGEST_PDF, LARGEST_TEXT, MOST_PAGES = 300_000, 12_000, 12
KINDS = {".html": 250, ".md": 200}
QUESTIONS = 60
SPANS = 200


def find(sources: list[Path], suffix: str, largest: int) -> list[Path]:
    """Return files of a kind, in order of path, each content once."""
    found: dict[bytes, Path] = {}
    for source in sources:
        for path in sorted(source.rglob(f"*{suffix}")):
            if path.is_file() and not path.is_symlink() and 300 < path.stat().st_size <= largest:
                found.setdefault(path.read_bytes(), path)
    return list(found.values())


def short_pdfs(paths: list[Path]) -> Iterator[Path]:
    """Yield PDFs of few pages, so that a thousand files are embedded within minutes."""
    for path in paths:
        try:
            with pypdfium2.PdfDocument(path) as pdf:
                if len(pdf) <= MOST_PAGES:
                    yield path
        except pypdfium2.PdfiumError:
            continue


def gather(sources: list[Path], folder: Path) -> None:
    """Fill a folder with real files and with files made of their text."""
    chance = random.Random(7)
    chosen = list(short_pdfs(find(sources, ".pdf", LARGEST_PDF)))[:PDFS]
    texts = [p for p in find(sources, ".txt", LARGEST_TEXT) if is_text(p)]
    for suffix, count in KINDS.items():
        candidates = find(sources, suffix, LARGEST_TEXT)
        chosen += chance.sample(candidates, min(count, len(candidates)))
    chosen += chance.sample(texts, FILES - MADE * len(MAKERS) - len(chosen))
    for number, path in enumerate(chosen):
        place = folder / f"{path.suffix[1:]}/{number % 10}/{number:04}-{path.name}"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(path.read_bytes())
    rest = [path for path in texts if path not in chosen]
    for kind, make in MAKERS.items():
        for number in range(MADE):
            path = folder / kind / f"made-{number:02}.{kind}"
            path.parent.mkdir(exist_ok=True)
            source = rest.pop() if rest else chance.choice(texts)
            words = f"{kind} {number}\n\n{source.read_text()[:3000]}"
            path.write_bytes(make(words.replace("\f", "\n").replace("\x1b", "")))


def is_text(path: Path) -> bool:
    """Tell whether a file is UTF-8 text without control characters."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return False
    return all(c in "\n\t\r" or c.isprintable() for c in text)


def make_docx(text: str) -> bytes:
    """Return a DOCX with a heading and a paragraph for each block of text."""
    import docx

    document = docx.Document()
    document.add_heading(text.split("\n", 1)[0], 1)
    for block in text.split("\n\n")[1:]:
        document.add_paragraph(block)
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def make_xlsx(text: str) -> bytes:
    """Return a workbook with a line of text a row and a word a cell."""
    import openpyxl

    book = openpyxl.Workbook()
    for line in text.splitlines():
        book.active.append(["'" + word for word in line.split()])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def make_csv(text: str) -> bytes:
    """Return comma separated values, a line of text a row."""
    return "\n".join(",".join(line.split()) for line in text.splitlines()).encode()


def make_eml(text: str) -> bytes:
    """Return an e-mail."""
    message = email.message.EmailMessage()
    message["Subject"], message["From"] = text.split("\n", 1)[0], "someone@example.org"
    message.set_content(text)
    return message.as_bytes()


def make_epub(text: str) -> bytes:
    """Return an EPUB of one chapter."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    chapter = "".join(f"<p>{block}</p>" for block in escaped.split("\n\n"))
    parts = {
        "META-INF/container.xml": '<container><rootfiles><rootfile full-path="b/p.opf"/>'
        "</rootfiles></container>",
        "b/p.opf": '<package><manifest><item id="c" href="c.xhtml"/></manifest>'
        '<spine><itemref idref="c"/></spine></package>',
        "b/c.xhtml": f"<html><body><h1>Chapter</h1>{chapter}</body></html>",
    }
    return pack(parts)


def make_pptx(text: str) -> bytes:
    """Return a show of one slide a block of text."""
    drawing = "http://schemas.openxmlformats.org/drawingml/2006/main"
    show = "http://schemas.openxmlformats.org/presentationml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    blocks = [block for block in escaped.split("\n\n") if block.strip()]
    ids = "".join(f'<p:sldId r:id="r{n}"/>' for n in range(len(blocks)))
    targets = "".join(
        f'<Relationship Id="r{n}" Target="slides/slide{n}.xml"/>' for n in range(len(blocks))
    )
    parts = {
        "ppt/presentation.xml": f'<p:presentation xmlns:p="{show}" xmlns:r="{office}">'
        f"<p:sldIdLst>{ids}</p:sldIdLst></p:presentation>",
        "ppt/_rels/presentation.xml.rels": f"<Relationships>{targets}</Relationships>",
    }
    for n, block in enumerate(blocks):
        parts[f"ppt/slides/slide{n}.xml"] = (
            f'<p:sld xmlns:p="{show}" xmlns:a="{drawing}"><a:p><a:r><a:t>{block}</a:t></a:r></a:p>'
            "</p:sld>"
        )
    return pack(parts)


def pack(parts: dict[str, str]) -> bytes:
    """Return a zip archive of these texts."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return buffer.getvalue()


MAKERS: dict[str, Callable[[str], bytes]] = {
    "docx": make_docx,
    "xlsx": make_xlsx,
    "csv": make_csv,
    "eml": make_eml,
    "epub": make_epub,
    "pptx": make_pptx,
}


def sync_once(folder: Path, home: Path) -> dict[str, Any]:
    """Sync and return what it took; meant for a process of its own."""
    started = time.perf_counter()
    with Library.open(folder, home=home, embedder=open_embedder) as library:
        report = library.sync()
        seconds = time.perf_counter() - started
        return {
            "seconds": round(seconds, 3),
            "cpu_seconds": round(time.process_time(), 1),
            "files_a_second": round(len(list(folder.rglob("*.*"))) / seconds, 1),
            "indexed": len(report.added) + len(report.unchanged),
            "failed": Counter(reason.split(": ", 1)[-1][:60] for _, reason in report.failed),
            "chunks": len(library.snapshot()),
            "megabytes_on_disk": megabytes(library.folder),
            "peak_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            "peak_megabytes_of_parsers": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
            // 1024,
        }


def megabytes(folder: Path) -> float:
    """Return what a folder holds."""
    return round(sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) / 1e6, 1)


def disturb(folder: Path) -> Counter[str]:
    """Make 50 random edits, deletes and moves."""
    chance = random.Random(11)
    done: Counter[str] = Counter()
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for number, path in enumerate(chance.sample(files, 50)):
        action = chance.choice(["delete", "move", "edit"])
        if action == "edit" and path.suffix in {".md", ".txt", ".html", ".csv"}:
            path.write_bytes(path.read_bytes() + f"\n\nA remark of revision {number}.\n".encode())
        elif action == "move":
            path.rename(path.with_name(f"moved-{number}{path.suffix}"))
        else:
            action = "delete"
            path.unlink()
        done[action] += 1
    return done


def compare(kept: Library, fresh: Library) -> dict[str, Any]:
    """Ask both libraries the same questions, made of sentences that stand in them."""
    chance = random.Random(13)
    names = [record.name for record in kept.documents() if record.status == "indexed"]
    questions = []
    for name in chance.sample(names, QUESTIONS):
        words = kept.document(name).text.split()
        at = chance.randrange(max(1, len(words) - 12))
        questions.append(" ".join(words[at : at + 12]))
    pairs = zip(kept.search_many(questions), fresh.search_many(questions), strict=True)
    same = [
        [(p.document, p.start, p.end, p.text) for p in one]
        == [(p.document, p.start, p.end, p.text) for p in other]
        for one, other in pairs
    ]
    return {"questions": len(same), "identical_top_12": sum(same)}


def check_rectangles(paths: list[Path], count: int, seed: int) -> dict[str, Any]:
    """Take random spans of PDFs and read again what stands inside their rectangles.

    A span is exact when that is what was quoted. Where letters are printed over one another no
    rectangle can be; then the product must say so (`Rectangle.exact`).
    """
    chance = random.Random(seed)
    kinds: Counter[str] = Counter()
    examples: list[str] = []
    with ParserProcess() as parser:
        texts: dict[Path, Document | None] = {}
        while sum(kinds.values()) < count:
            path = chance.choice(paths)
            data = path.read_bytes()
            if path not in texts:
                texts[path] = text_of(data, path.name, parser)
            document = texts[path]
            pages = [p for p in document.pages if p.end - p.start > 100] if document else []
            if document is None or not pages:
                continue
            page = chance.choice(pages)
            start = chance.randrange(page.start, page.end - 60)
            end = start + chance.randrange(5, 60)
            boxes = rectangles(document, data, start, end, parser)
            found = read_inside(data, page.number, boxes)
            expected = letters(document.text[start:end])
            missing, extra = expected - found, found - expected
            sure = all(box.exact for box in boxes)
            if not missing and not extra:
                kind = "exact" if sure else "exact_but_said_to_be_approximate"
            elif not missing and not sure:
                kind = "approximate_and_said_so"
            else:
                kind = "wrong"
                place = f"{path.name} p. {page.number}, characters {start} to {end}"
                examples.append(f"{place}: missing {dict(missing)}, extra {dict(extra)}")
            kinds[kind] += 1
    return {"spans": count, "seed": seed, **kinds, "examples_of_wrong": examples[:5]}


def text_of(data: bytes, name: str, parser: ParserProcess) -> Document | None:
    """Return a PDF as a document, or None when it has no text."""
    try:
        return parse(data, name, parser)
    except DocumentError:
        return None


def letters(text: str) -> Counter[str]:
    """Count what is printed: base letters and marks apart, no white space, no control codes."""
    apart = unicodedata.normalize("NFD", text)
    return Counter(c for c in apart if not c.isspace() and unicodedata.category(c) != "Cc")


def read_inside(data: bytes, page: int, boxes: list[Rectangle]) -> Counter[str]:
    """Count the characters whose middle is in one of the rectangles, straight from PDFium."""
    with pypdfium2.PdfDocument(data) as pdf:
        textpage = pdf[page - 1].get_textpage()
        units = [
            (pdfium.FPDFText_GetUnicode(textpage.raw, at), textpage.get_charbox(at))
            for at in range(textpage.count_chars())
        ]
        angles = [
            pdfium.FPDFText_GetCharAngle(textpage.raw, at) for at in range(textpage.count_chars())
        ]
    found: list[str] = []
    for (left, bottom, right, top), run in itertools.groupby(
        range(len(units)), key=lambda at: units[at][1]
    ):
        places = list(run)
        codes = b"".join(struct.pack("<H", units[at][0] & 0xFFFF) for at in places)
        # More than one character in one box are the letters of a ligature, side by side.
        said = codes.decode("utf-16-le", "replace")
        sideways = round(angles[places[0]] / (math.pi / 2)) % 4
        if (sideways in (1, 2)) != (unicodedata.bidirectional(said[0]) in ("R", "AL")):
            said = said[::-1]
        for number, letter in enumerate(said):
            share = (number + 0.5) / len(said)
            x = left + (right - left) * (0.5 if sideways % 2 else share)
            y = bottom + (top - bottom) * (share if sideways % 2 else 0.5)
            if any(b.left <= x <= b.right and b.bottom <= y <= b.top for b in boxes):
                found.append(letter)
    return letters("".join(found))


def measure(sources: list[Path]) -> dict[str, Any]:
    """Run every step and return the figures."""
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder, home = Path(temporary) / "documents", Path(temporary) / "home"
        folder.mkdir()
        gather(sources, folder)
        kinds = Counter(path.suffix for path in folder.rglob("*") if path.is_file())
        result["files"] = sum(kinds.values())
        result["kinds"] = dict(sorted(kinds.items()))
        result["megabytes"] = megabytes(folder)
        for step in ("first_sync", "second_sync"):
            command = [sys.executable, "-m", __spec__.name, "--sync", str(folder), str(home)]
            result[step] = json.loads(subprocess.check_output(command))
            report(step, result[step])
        embedder = open_embedder()
        with (
            Library.open(folder, home=home, embedder=embedder) as library,
            Library.open(folder, home=home / "fresh", embedder=embedder) as fresh,
        ):
            result["rectangles"] = check_rectangles(sorted(folder.rglob("*.pdf")), SPANS, 17)
            report("rectangles", result["rectangles"])
            result["disturbed"] = dict(disturb(folder))
            started = time.perf_counter()
            library.sync()
            result["sync_after_seconds"] = round(time.perf_counter() - started, 2)
            verified = library.verify()
            result["problems_after"] = list(verified.problems)
            report("problems", verified.problems)
            fresh.sync()
            result["against_fresh"] = compare(library, fresh)
            report("against fresh", result["against_fresh"])
    return result


def report(step: str, figures: Any) -> None:
    """Print one step's figures."""
    sys.stdout.write(f"{step}: {json.dumps(figures)}\n")
    sys.stdout.flush()


def main() -> None:
    """Measure, print, and save beside this file when asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sources", type=Path, nargs="+", default=[])
    parser.add_argument("--rectangles", type=int, metavar="N", help="only check N spans of PDFs")
    parser.add_argument("--seed", type=int, default=17, help="which spans (with --rectangles)")
    parser.add_argument("--sync", type=Path, nargs=2, help="only sync FOLDER into HOME")
    parser.add_argument("--save", action="store_true", help="write folder.json beside this file")
    options = parser.parse_args()
    if options.sync:
        sys.stdout.write(json.dumps(sync_once(*options.sync)))
        return
    if options.rectangles:
        paths = list(short_pdfs(find(options.sources, ".pdf", LARGEST_PDF)))
        checked = check_rectangles(paths, options.rectangles, options.seed)
        report("rectangles", checked)
        saved = Path(__file__).with_name("folder.json")
        result = {**json.loads(saved.read_text()), "rectangles": checked}
    else:
        result = measure(options.sources)
        report("all", result)
    if options.save:
        Path(__file__).with_name("folder.json").write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
