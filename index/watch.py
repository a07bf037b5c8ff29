"""Tells when anything under a library's folders changes."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from index.ignore import NAME as IGNORE_FILE

_TOGETHER_MS = 400
_LOOK_FOR_STOP_MS = 500


def changes(roots: Sequence[Path], home: Path, stop: threading.Event | None) -> Iterator[bool]:
    """Yield True for changes, all that come close together at once, and False twice a second.

    What is hidden is no document, and what changes under `home` is of Citespan's own making, unless
    the documents are kept there themselves. Ends when `stop` is set.
    """
    from watchfiles import watch

    # A file that is replaced is a new file: its folder is what stays to be watched.
    folders = {root if root.is_dir() else root.parent for root in roots}
    outside = not any(folder.is_relative_to(home) for folder in folders)

    def wanted(_: Any, path: str) -> bool:
        place = Path(path)
        if outside and place.is_relative_to(home):
            return False
        # Of folders one inside the other, the inner one: it may be hidden in the outer one.
        roots = (folder for folder in folders if place.is_relative_to(folder))
        inner = max(roots, key=lambda folder: len(folder.parts), default=None)
        inside = place.relative_to(inner) if inner else place
        hidden = any(part.startswith(".") for part in inside.parts)
        return inside.name == IGNORE_FILE or not hidden

    for found in watch(
        *folders,
        watch_filter=wanted,
        stop_event=stop,
        debounce=_TOGETHER_MS,
        rust_timeout=_LOOK_FOR_STOP_MS,
        yield_on_timeout=True,
        # What cannot be read may be left out of the library; if not, the next sync says so.
        ignore_permission_denied=True,
    ):
        yield bool(found)
