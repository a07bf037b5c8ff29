"""The library's view: what it holds, files taken in, documents taken out, folders read again."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from index import scan
from index.errors import CitespanError
from ui import uploads
from ui.render import attribute, count, escape, progress_words, report_words

if TYPE_CHECKING:
    from index.search import DocumentRecord
    from index.sync import Progress, SyncReport
    from qa.assistant import Assistant

log = logging.getLogger(__name__)

ROWS_SHOWN = 500
# States of a document that can be asked.
GOOD = ("indexed", "alias")
ELSEWHERE = (
    "Nothing was done: that list was of another library than the one that is chosen. This is the "
    "chosen one’s."
)
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
    name, exact = escape(record.name), attribute(record.name)
    word, more = state_words(record)
    ready = record.status == "indexed"
    title = (
        f'<button type="button" class="cs-link" data-action="show" data-name="{exact}">'
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
        f'<td><button type="button" class="cs-remove" data-action="remove" data-name="{exact}" '
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


def received_list(
    sent: Sequence[uploads.Sent], records: dict[str, DocumentRecord], busy: bool
) -> str:
    """Return what became of each uploaded file, those that were not read first.

    Args:
        sent: The files.
        records: What the library knows of them, by the name they were sent with.
        busy: Whether they are still being read.
    """
    lines = []
    for one in sent:
        record = None if busy else records.get(one.name)
        if one.reason is not None:
            state, word, more = "failed", "Not taken", one.reason.removeprefix(f"{one.name}: ")
        elif record is None:
            state, word, more = "waiting", "Being read" if busy else "Not found", ""
        else:
            state, (word, more) = record.status, state_words(record)
        detail = f'<span class="cs-why">{escape(more)}</span>' if more else ""
        lines.append(
            (
                state,
                f'<li data-state="{escape(state)}"><bdi>{escape(one.name)}</bdi>'
                f'<span class="cs-state">{word}</span>{detail}</li>',
            )
        )
    lines.sort(key=lambda line: line[0] != "failed")
    if not lines:
        return ""
    ready = sum(state in GOOD for state, _ in lines)
    so_far = "being read" if busy else f"{ready} ready"
    return (
        f'<div class="cs-received"><h3>Just sent: {count(len(lines), "file")}, {so_far}</h3>'
        '<ul tabindex="0" aria-label="Files just sent">'
        f"{''.join(line for _, line in lines[:ROWS_SHOWN])}</ul></div>"
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

    def __init__(
        self,
        assistant: Assistant,
        received: Path,
        changed: Callable[[], None] = lambda: None,
        name: str = "",
    ) -> None:
        """Keep what a library's view needs.

        Args:
            assistant: Whose library it is.
            received: Where the upload route puts files.
            changed: Called when the library has changed.
            name: The library's name, which what is clicked in the view says.
        """
        self.assistant = assistant
        self.received = received
        self.name = name
        self._changed = changed

    @property
    def folder(self) -> Path:
        """The library's own folder for uploaded files."""
        home = Path(self.assistant.settings.home).expanduser()
        return home / "uploads" / self.assistant.library.folder.name / "uploaded"

    def _label(self) -> str | None:
        """Return what stands before an uploaded file's name in the library; None before any."""
        manifest = self.assistant.library.snapshot().manifest
        roots = scan.label([Path(root) for root in manifest.roots] if manifest else [])
        folder = self.folder.resolve()
        return next((root.label for root in roots if root.path.resolve() == folder), None)

    def _uploaded_copy(self, name: str) -> Path | None:
        """Return where a document's file is, if it was uploaded."""
        manifest = self.assistant.library.snapshot().manifest
        roots = [Path(root) for root in manifest.roots] if manifest else []
        entry = scan.scan(scan.label(roots)).get(name)
        inside = entry is not None and entry.path.is_relative_to(self.folder.resolve())
        return entry.path if entry is not None and inside else None

    def _uploads(self) -> dict[str, DocumentRecord]:
        """Return what is known of the uploaded files, by their names in the upload folder."""
        label = self._label()
        if label is None:
            return {}
        before = PurePosixPath(label)
        return {
            str(PurePosixPath(record.name).relative_to(before)): record
            for record in self.assistant.library.documents()
            if PurePosixPath(record.name).is_relative_to(before)
        }

    def show(
        self,
        status: str = "",
        sent: Sequence[uploads.Sent] = (),
        busy: bool = False,
        batch: object = None,
    ) -> str:
        """Return the view: how it stands, what became of files just sent, and the table.

        Args:
            status: How it stands.
            sent: Files that were sent.
            busy: Whether they are still being read, or the folders are.
            batch: Number that the page gave to the files that were sent.
        """
        line = (
            f'<p class="cs-status{" cs-busy" if busy else ""}" role="status">{escape(status)}</p>'
            if status
            else ""
        )
        received = received_list(sent, self._uploads() if sent and not busy else {}, busy)
        records = self.assistant.library.documents()
        ready = sum(record.status == "indexed" for record in records)
        failed = sum(record.status == "failed" for record in records)
        more = f" · {count(failed, 'file')} could not be read" if failed else ""
        which = f'data-library="{attribute(self.name)}"'
        which += f' data-batch="{batch}"' if isinstance(batch, int) else ""
        return (
            f'<div class="cs-shelf" {which}><h2>{count(ready, "document")}{more}</h2>'
            f"{line}{received}"
            f"{table(records)}</div>"
        )

    def add(self, files: object, batch: object = None) -> Iterator[str]:
        """Take uploaded files into the library; yield the view as it proceeds.

        Args:
            files: What the browser says: dictionaries with `path` and `name`.
            batch: Number that the page gave to them, to know its own lines on them by.
        """
        given = [
            (str(file.get("path", "")), str(file.get("name", "")))
            for file in (files if isinstance(files, list) else [])
            if isinstance(file, dict)
        ]
        sent = uploads.take(given, self.received, self.folder)
        if all(one.reason for one in sent):
            yield self.show("Nothing was added.", sent, batch=batch)
            return
        yield from self._follow(self._add, sent, batch)

    def _add(self, progress: Callable[[Progress], None]) -> SyncReport:
        return self.assistant.library.add(self.folder, progress=progress)

    def resync(self) -> Iterator[str]:
        """Bring the library up to date with its folders; yield the view as it proceeds."""
        yield from self._follow(lambda progress: self.assistant.library.sync(progress=progress))

    def remove(self, name: str) -> str:
        """Take a document out for good; an uploaded file is deleted, any other one is left."""
        try:
            own = self._uploaded_copy(name)
            self.assistant.library.remove(name)
            if own is not None:
                own.unlink(missing_ok=True)
            self._changed()
        except (CitespanError, OSError) as error:
            log.error("a document could not be removed: %s", error)
            return self.show(REFUSED)
        if own is not None:
            return self.show("Removed, and its uploaded copy deleted.")
        return self.show("Removed from the library. Its file is left where it is.")

    def _follow(
        self,
        work: Callable[[Callable[[Progress], None]], SyncReport],
        sent: Sequence[uploads.Sent] = (),
        batch: object = None,
    ) -> Iterator[str]:
        """Run `work` beside, and yield the view each time it says how far it is."""
        said: queue.SimpleQueue[Progress | None] = queue.SimpleQueue()
        done: list[str] = []

        def run() -> None:
            try:
                report = work(said.put)
                self._changed()
                done.append(report_words(report))
            except CitespanError as error:
                log.error("the library could not be changed: %s", error)
                done.append(REFUSED)
            except Exception:
                log.exception("the library could not be changed")
                done.append(REFUSED)
            finally:
                said.put(None)

        threading.Thread(target=run, name="citespan-sync").start()
        yield self.show("Reading the documents", sent, True, batch)
        while (progress := said.get()) is not None:
            yield self.show(progress_words(progress), sent, True, batch)
        yield self.show(done[0], sent, batch=batch)
