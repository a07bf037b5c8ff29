"""The library's view: what it holds, files taken in, documents taken out, folders read again."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.errors import CitespanError
from ui import uploads
from ui.render import count, escape, progress_words, report_words

if TYPE_CHECKING:
    from index.search import DocumentRecord
    from index.sync import Progress, SyncReport
    from qa.assistant import Assistant

log = logging.getLogger(__name__)

ROWS_SHOWN = 500
REFUSED = "The library could not be changed, and is as it was. The server's log has the details."


def size_words(size: int) -> str:
    """Return a number of bytes as a person says it: `640 bytes`, `12.3 kB`, `4.0 MB`."""
    if size < 1000:
        return f"{size} bytes"
    for unit in ("kB", "MB", "GB"):
        size_in_unit = size / 1000
        if size_in_unit < 999.95 or unit == "GB":
            return f"{size_in_unit:.1f} {unit}"
        size = round(size_in_unit)
    return ""


def state_words(record: DocumentRecord) -> tuple[str, str]:
    """Return a document's state for a person: a word, and what more there is to say."""
    if record.status == "failed":
        return "Not read", (record.reason or "").removeprefix(f"{record.name}: ")
    if record.status == "alias":
        return "Same as another", record.alias_of or ""
    return "Ready", record.reason or ""


def row(record: DocumentRecord) -> str:
    """Return one document as a table row, with buttons to open it and to take it out."""
    name = escape(record.name)
    word, more = state_words(record)
    ready = record.status == "indexed"
    title = (
        f'<button type="button" class="cs-link" data-action="show" data-name="{name}">'
        f"<bdi>{name}</bdi></button>"
        if ready
        else f"<bdi>{name}</bdi>"
    )
    detail = f'<span class="cs-why">{escape(more)}</span>' if more else ""
    pages = "" if record.pages is None else f"{record.pages:,}"
    return (
        f'<tr data-state="{escape(record.status)}"><th scope="row">{title}</th>'
        f'<td data-label="State"><span class="cs-state">{word}</span>{detail}</td>'
        f'<td data-label="Pages" class="cs-number">{pages}</td>'
        f'<td data-label="Passages" class="cs-number">{record.chunks:,}</td>'
        f'<td data-label="Size" class="cs-number">{size_words(record.size)}</td>'
        f'<td><button type="button" class="cs-remove" data-action="remove" data-name="{name}" '
        f'aria-label="Remove {name}">Remove</button></td></tr>'
    )


def table(records: Sequence[DocumentRecord]) -> str:
    """Return the documents as a table, failures first."""
    if not records:
        return '<p class="cs-none">Nothing here yet. Files that you add are listed here.</p>'
    ordered = sorted(records, key=lambda record: (record.status != "failed", record.name))
    body = "".join(row(record) for record in ordered[:ROWS_SHOWN])
    left = len(ordered) - ROWS_SHOWN
    more = f'<p class="cs-none">and {count(left, "more document")}</p>' if left > 0 else ""
    heads = "".join(
        f'<th scope="col"{kind}>{head}</th>'
        for head, kind in (
            ("Document", ""),
            ("State", ""),
            ("Pages", ' class="cs-number"'),
            ("Passages", ' class="cs-number"'),
            ("Size", ' class="cs-number"'),
            ('<span class="cs-hidden">Remove</span>', ""),
        )
    )
    return (
        f'<table class="cs-table"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table>{more}"
    )


def drop_zone() -> str:
    """Return the place to drop files on, with buttons for those who do not drag."""
    return (
        '<div class="cs-drop" data-drop><p class="cs-drop-words"><strong>Drop files here</strong> '
        "or choose them. They are copied into Citespan’s own folder on this machine.</p>"
        '<p class="cs-drop-buttons"><button type="button" data-action="files">Choose files</button>'
        '<button type="button" data-action="folder">Choose a folder</button>'
        '<button type="button" data-action="resync">Read the folders again</button></p>'
        '<input type="file" multiple hidden data-files><input type="file" webkitdirectory hidden '
        'data-folder><ul class="cs-uploads" aria-live="polite"></ul></div>'
    )


class Shelf:
    """One library's view, and what is done to the library through it."""

    def __init__(self, assistant: Assistant, received: Path) -> None:
        """Keep the assistant; `received` is where the upload route puts files."""
        self.assistant = assistant
        self.received = received

    @property
    def folder(self) -> Path:
        """The library's own folder for uploaded files."""
        home = Path(self.assistant.settings.home).expanduser()
        return home / "uploads" / self.assistant.library.folder.name / "uploaded"

    def show(
        self, status: str = "", refused: Sequence[uploads.Sent] = (), busy: bool = False
    ) -> str:
        """Return the view: how it stands, files that were refused, and the table."""
        line = (
            f'<p class="cs-status{" cs-busy" if busy else ""}" role="status">{escape(status)}</p>'
            if status
            else ""
        )
        items = "".join(f"<li>{escape(sent.reason or sent.name)}</li>" for sent in refused)
        rejected = (
            f'<div class="cs-rejected" role="alert"><h3>Not taken</h3><ul>{items}</ul></div>'
            if items
            else ""
        )
        records = self.assistant.library.documents()
        ready = sum(record.status == "indexed" for record in records)
        failed = sum(record.status == "failed" for record in records)
        more = f" · {count(failed, 'file')} could not be read" if failed else ""
        return (
            f'<div class="cs-shelf"><h2>{count(ready, "document")}{more}</h2>{line}{rejected}'
            f"{table(records)}</div>"
        )

    def add(self, files: Sequence[Any]) -> Iterator[str]:
        """Take uploaded files into the library; yield the view as it proceeds.

        Args:
            files: What the browser says: dictionaries with `path` and `name`.
        """
        given = [
            (str(file.get("path", "")), str(file.get("name", "")))
            for file in files
            if isinstance(file, dict)
        ]
        sent = uploads.take(given, self.received, self.folder)
        refused = [one for one in sent if one.reason]
        if len(refused) == len(sent):
            yield self.show("Nothing was added.", refused)
            return
        yield from self._follow(self._add, refused)

    def _add(self, progress: Callable[[Progress], None]) -> SyncReport:
        report = self.assistant.library.add(self.folder)
        return report if report else self.assistant.library.sync(progress=progress)

    def resync(self) -> Iterator[str]:
        """Bring the library up to date with its folders; yield the view as it proceeds."""
        yield from self._follow(lambda progress: self.assistant.library.sync(progress=progress))

    def remove(self, name: str) -> str:
        """Take a document out for good; an uploaded file is deleted, any other one is left."""
        try:
            self.assistant.library.remove(name)
            uploaded = self.folder / Path(*Path(name).parts[1:])
            if Path(name).parts[:1] == ("uploaded",) and uploaded.is_file():
                uploaded.unlink()
        except CitespanError as error:
            log.error("a document could not be removed: %s", error)
            return self.show(REFUSED)
        return self.show("Removed. Its file is untouched, unless it was uploaded here.")

    def _follow(
        self,
        work: Callable[[Callable[[Progress], None]], SyncReport],
        refused: Sequence[uploads.Sent] = (),
    ) -> Iterator[str]:
        """Run `work` beside, and yield the view each time it says how far it is."""
        said: queue.SimpleQueue[Progress | None] = queue.SimpleQueue()
        done: list[str] = []

        def run() -> None:
            try:
                done.append(report_words(work(said.put)))
            except CitespanError as error:
                log.error("the library could not be changed: %s", error)
                done.append(REFUSED)
            except Exception:
                log.exception("the library could not be changed")
                done.append(REFUSED)
            finally:
                said.put(None)

        threading.Thread(target=run, name="citespan-sync").start()
        yield self.show("Reading the documents", refused, busy=True)
        while (progress := said.get()) is not None:
            yield self.show(progress_words(progress), refused, busy=True)
        yield self.show(done[0], refused)
