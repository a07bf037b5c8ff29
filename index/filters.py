"""Which documents a question is asked of: by name, folder, file type, date."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from index.ignore import glob_expression


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions that a document must all meet; an empty one asks nothing.

    Attributes:
        documents: Names, or globs of names (`reports/**`, `*.pdf`); any of them.
        formats: Formats (`pdf`, `markdown`, …); any of them.
        modified_from: The file's last change is not before this time.
        modified_until: The file's last change is before this time.
    """

    documents: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    modified_from: datetime | None = None
    modified_until: datetime | None = None

    def accepts(self, name: str, format: str, modified: float) -> bool:
        """Tell whether a document meets every condition.

        Args:
            name: Its name.
            format: Its format.
            modified: Time of its file's last change, seconds since 1970.
        """
        if self.formats and format not in self.formats:
            return False
        if self.modified_from and modified < self.modified_from.timestamp():
            return False
        if self.modified_until and modified >= self.modified_until.timestamp():
            return False
        return not self.documents or any(_fits(glob, name) for glob in self.documents)


def _fits(glob: str, name: str) -> bool:
    """Match a name itself, a glob, or everything under a folder."""
    folder = glob.rstrip("/") + "/"
    return (
        name == glob or name.startswith(folder) or bool(re.fullmatch(glob_expression(glob), name))
    )
