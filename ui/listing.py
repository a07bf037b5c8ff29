"""What a sync did and what a library holds, in lines for the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ui.render import count, report_words, visible

if TYPE_CHECKING:
    from index.library import Library
    from index.search import DocumentRecord
    from index.sync import SyncReport

_NAMED = 3


def shown(text: str) -> str:
    """Return a name or a reason on one line, without what would drive a terminal."""
    return visible(text.replace("\n", "\ufffd"))


def done(report: SyncReport) -> str:
    """Return one line on what a sync did, also when that was nothing."""
    if report or not report.unchanged:
        return report_words(report)
    failed = f", {count(len(report.failed), 'file')} not readable" if report.failed else ""
    return f"Nothing had changed: {count(len(report.unchanged), 'document')}{failed}."


def difference(report: SyncReport) -> Iterator[str]:
    """Yield what a dry run found: how much would change, then each file."""
    words = done(report).replace("Done: ", "Would be: ")
    yield words.replace("Nothing had changed", "Nothing would change")
    for mark, names in (("+", report.added), ("~", report.changed), ("-", report.removed)):
        for name in names:
            yield f"  {mark} {shown(name)}"
    for old, new in report.moved:
        yield f"  > {shown(old)} → {shown(new)}"


def failures(report: SyncReport) -> Iterator[str]:
    """Yield why files were not read: a line a reason, with the first files that it holds for."""
    names: dict[str, list[str]] = {}
    for name, reason in report.failed:
        names.setdefault(reason, []).append(shown(name))
    for reason, found in names.items():
        more = f" and {count(len(found) - _NAMED, 'more file')}" if len(found) > _NAMED else ""
        yield f"  not read: {', '.join(found[:_NAMED])}{more}: {shown(reason)}"


def state(record: DocumentRecord) -> str:
    """Return what became of a file, with the reason or remark."""
    word = f"same as {record.alias_of}" if record.alias_of else record.status
    return f"{word}: {record.reason}" if record.reason else word


def summary(library: Library) -> str:
    """Return one line on a library as a whole: how much, where, made with what, and when."""
    records = library.documents()
    failed = sum(record.status == "failed" for record in records)
    once = [record for record in records if record.status == "indexed"]
    size = sum(file.stat().st_size for file in library.folder.rglob("*") if file.is_file())
    parts = [
        count(len(records) - failed, "document"),
        count(sum(record.pages or 0 for record in once), "page"),
        count(sum(record.chunks for record in once), "chunk"),
        f"{count(failed, 'file')} not read",
        f"{size / 1e6:,.1f} MB in {visible(str(library.folder))}",
    ]
    manifest = library.snapshot().manifest
    if manifest is not None:
        parts += [
            f"embedder {visible(manifest.embedder or 'none')}",
            f"last sync {manifest.synced}",
        ]
    return "; ".join(parts)
