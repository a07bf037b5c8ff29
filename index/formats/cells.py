"""What a spreadsheet's cell shows, as text: dates, percentages, grouped and currency numbers.

No digit is lost: where a format shows fewer decimals than are stored, the stored ones are given, in
the style of the format. Dates are written as ISO 8601, since the file does not tell in whose
language they are shown.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

# The first section of a format: what stands before the digits, the digits, what stands after them.
_SECTION = re.compile(
    r"(?P<before>(?:\"[^\"]*\"|\[\$[^\]]*\]|\\.|_.|[$€£¥ ()])*)"
    r"(?P<digits>[#0?]{1,3}(?:,[#0?]{3})*|[#0?]+)(?:\.(?P<decimals>[0#?]+))?"
    r"(?P<after>(?:\"[^\"]*\"|\[\$[^\]]*\]|\\.|_.|[$€£¥% ()])*)$"
)
_LITERAL = re.compile(r"\"([^\"]*)\"|\[\$([^\]-]*)(?:-[^\]]*)?\]|\\(.)|_.|(.)")


class _Style(NamedTuple):
    """How a format writes numbers."""

    before: str
    after: str
    grouped: bool
    decimals: int
    percent: bool


def shown(value: Any, format: str = "General") -> str:
    """Return the text of a cell.

    Args:
        value: What openpyxl read: a number, text, a date or time, a truth value, or None.
        format: The cell's number format, as in `#,##0.00 [$€-407]`.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, datetime):
        return _date(value)
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, (int, float)):
        return _number(value, format)
    return " ".join(str(value).split())


def _date(value: datetime) -> str:
    # Dates are stored as times at midnight.
    if value.time() == time():
        return value.date().isoformat()
    spec = "minutes" if not value.second and not value.microsecond else "seconds"
    return value.isoformat(" ", spec)


def _number(value: float, format: str) -> str:
    # As many digits as Excel keeps, without those that binary fractions add.
    exact = Decimal(value if isinstance(value, int) else f"{value:.15g}")
    style = _style(format)
    if style is None or not exact.is_finite():
        return _plain(exact, 0)
    written = _plain(exact.copy_abs().scaleb(2 if style.percent else 0), style.decimals)
    if style.grouped:
        whole, point, decimals = written.partition(".")
        written = f"{int(whole):,}{point}{decimals}"
    sign = "-" if exact < 0 else ""
    return f"{sign}{style.before}{written}{style.after}"


def _plain(number: Decimal, decimals: int) -> str:
    """Return a number without exponent, with at least so many decimals."""
    if not number.is_finite():
        return str(number)
    whole, _, part = f"{number:f}".partition(".")
    part = part.rstrip("0").ljust(decimals, "0")
    return f"{whole}.{part}" if part else whole


@lru_cache(maxsize=256)
def _style(format: str) -> _Style | None:
    """Return what the first section of a format says; None when it is of another kind."""
    found = _SECTION.match(
        re.sub(r"\[(?:Red|Blue|Black|Green|Color\d+)\]", "", format).split(";")[0]
    )
    if found is None or format == "General":
        return None
    before, after = (_literal(found[name]) for name in ("before", "after"))
    percent = after.count("%") == 1
    grouped = "," in found["digits"]
    if ("%" in before + after) != percent:
        return None
    return _Style(before, after, grouped, (found["decimals"] or "").count("0"), percent)


def _literal(part: str) -> str:
    """Return what a part of a format writes; the accountants' brackets are for negative numbers."""
    written = "".join("".join(filter(None, piece)) for piece in _LITERAL.findall(part))
    return written.replace("(", "").replace(")", "")
