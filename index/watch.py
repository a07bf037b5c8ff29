"""Tells when anything under a library's folders changes."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

_TOGETHER_MS = 400
_LOOK_FOR_STOP_MS = 500


def changes(roots: Sequence[Path], stop: threading.Event | None) -> Iterator[bool]:
    """Yield True for changes, all that come close together at once, and False twice a second.

    Ends when `stop` is set.
    """
    from watchfiles import watch

    # A file that is replaced is a new file: its folder is what stays to be watched.
    folders = {root if root.is_dir() else root.parent for root in roots}
    for found in watch(
        *folders,
        stop_event=stop,
        debounce=_TOGETHER_MS,
        rust_timeout=_LOOK_FOR_STOP_MS,
        yield_on_timeout=True,
    ):
        yield bool(found)
