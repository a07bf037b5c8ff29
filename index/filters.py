"""Which documents a question is asked of: by name, folder, file type, date."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from index.errors import QuestionError
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


def filter_of(filters: Filter | Mapping[str, Any] | None) -> Filter | None:
    """Return the filter that a mapping spells out; None for one that asks nothing.

    Args:
        filters: A filter, or its fields: a name or format may stand alone, dates in ISO form.

    Raises:
        QuestionError: A field that there is not, or no date where one must be.
    """
    if filters is None or isinstance(filters, Filter):
        return filters if filters != Filter() else None
    values: dict[str, Any] = {}
    for name, value in filters.items():
        if name in ("documents", "formats"):
            values[name] = _names(name, value)
        elif name in ("modified_from", "modified_until"):
            values[name] = value if isinstance(value, datetime) else _date(name, value)
        else:
            known = "documents, formats, modified_from or modified_until"
            raise QuestionError(f"found the filter {name!r}, expected {known}")
    return filter_of(Filter(**values))


def _names(name: str, value: Any) -> tuple[str, ...]:
    values = (value,) if isinstance(value, str) else value
    if not isinstance(values, list | tuple | set | frozenset) or not all(
        isinstance(one, str) for one in values
    ):
        raise QuestionError(f"{name}: found {value!r}, expected a name, or a list of names")
    return tuple(values)


def _date(name: str, value: object) -> datetime:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError as error:
        raise QuestionError(f"{name}: found {value!r}, expected a date as 2026-01-31") from error
