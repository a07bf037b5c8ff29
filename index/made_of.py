"""What a library is made of: its folders and files, less what was removed by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from index.scan import holds
from index.store import Manifest


@dataclass(frozen=True, slots=True)
class Change:
    """What a library is to be made of from now on, beside what it is made of.

    Attributes:
        roots: Folders and files more.
        excluded: Names that are left out.
        included: Names that are left out no longer.
    """

    roots: tuple[Path, ...] = ()
    excluded: frozenset[str] = frozenset()
    included: frozenset[str] = frozenset()


NO_CHANGE = Change()


def made_of(
    manifest: Manifest | None, opened: Sequence[Path], change: Change = NO_CHANGE
) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """Return a library's roots, none inside an earlier one, and the names removed by hand.

    Args:
        manifest: What it was made of; None before its first generation.
        opened: The roots that it is opened with.
        change: What is to change.

    Raises:
        LibraryError: The ignore rules of a root around another one cannot be read.
    """
    roots: dict[Path, None] = {}
    for path in (*map(Path, manifest.roots if manifest else ()), *opened, *change.roots):
        above = (one for one in (path, *path.parents) if one in roots)
        if not any(holds(root, path) for root in above):
            roots[path] = None
    excluded = {*(manifest.excluded if manifest else ()), *change.excluded} - change.included
    return tuple(roots), tuple(sorted(excluded))
