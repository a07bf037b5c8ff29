"""What a spreadsheet's cell shows, as text: dates, percentages, grouped and currency numbers.

No digit is lost: where a format shows fewer decimals than are stored, the stored ones are given, in
the style of the format. Formats of other kinds (scientific, fractions, thousands) are not followed.
Dates are written as ISO 8601, since the file does not tell in whose language they are shown.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

# A section of a format: what stands before the digits, the digits, what stands after them.
_LITERALS = r"(?:\"[^\"]*\"|\[\$[^\]]*\]|\\.|_.|\*.|[-+$€£¥%() ])*"
_SECTION = re.compile(
    rf"(?P<before>{_LITERALS})(?P<digits>[#0?]{{1,3}}(?:,[#0?]{{3}})+|[#0?]+)"
    rf"(?:\.(?P<decimals>[#0?]+))?(?P<after>{_LITERALS})$"
)
_LITERAL = re.compile(r"\"([^\"]*)\"|\[\$([^\]-]*)(?:-[^\]]*)?\]|\\(.)|[_*].|(.)")
_BARE_PERCENT = re.compile(r"\"[^\"]*\"|\\.|[_*].|(%)")
_COLOUR = re.compile(r"\[(?:Red|Blue|Black|Green|White|Yellow|Cyan|Magenta|Color\s?\d+)\]", re.I)


class _Style(NamedTuple):
    """How a format writes numbers."""

    before: str
    after: str
    grouped: bool
    digits: int
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
    if isinstance(value, timedelta):
        return _duration(value)
    if isinstance(value, (int, float)):
        return _number(value, format)
    return " ".join(str(value).split())


def _date(value: datetime) -> str:
    # Dates are stored as times at midnight.
    if value.time() == time():
        return value.date().isoformat()
    spec = "minutes" if not value.second and not value.microsecond else "seconds"
    return value.isoformat(" ", spec)


def _duration(value: timedelta) -> str:
    """Return hours, minutes and seconds, hours beyond a day counted on."""
    seconds = round(abs(value).total_seconds())
    minutes, rest = divmod(seconds, 60)
    written = f"{minutes // 60}:{minutes % 60:02}" + (f":{rest:02}" if rest else "")
    return f"-{written}" if value < timedelta() else written


def _number(value: float, format: str) -> str:
    # As many digits as Excel keeps, without those that binary fractions add.
    exact = Decimal(value if isinstance(value, int) else f"{value:.15g}")
    sections = _COLOUR.sub("", format).split(";")
    style = _style(sections[0])
    if style is None or not exact.is_finite():
        return _plain(exact, 0)
    negative = _style(sections[1]) if exact < 0 and len(sections) > 1 else None
    # A second section that only has another colour would lose the sign.
    own = negative is not None and (negative.before, negative.after) != (style.before, style.after)
    style, sign = (negative, "") if negative and own else (style, "-" if exact < 0 else "")
    written = _plain(exact.copy_abs().scaleb(2 if style.percent else 0), style.decimals)
    whole, point, decimals = written.partition(".")
    whole = f"{int(whole):,}" if style.grouped else whole.rjust(style.digits, "0")
    return f"{sign}{style.before}{whole}{point}{decimals}{style.after}"


def _plain(number: Decimal, decimals: int) -> str:
    """Return a number without exponent, with at least so many decimals."""
    if not number.is_finite():
        return str(number)
    whole, _, part = f"{number:f}".partition(".")
    part = part.rstrip("0").ljust(decimals, "0")
    return f"{whole}.{part}" if part else whole


@lru_cache(maxsize=256)
def _style(section: str) -> _Style | None:
    """Return what a section of a format says; None when it is of another kind."""
    found = _SECTION.match(section)
    if found is None:
        return None
    marks = [mark for mark in _BARE_PERCENT.findall(found["before"] + found["after"]) if mark]
    before, after = (_literal(found[name]) for name in ("before", "after"))
    if len(marks) > 1:
        return None
    return _Style(
        before,
        after,
        "," in found["digits"],
        found["digits"].count("0"),
        (found["decimals"] or "").count("0"),
        bool(marks),
    )


def _literal(part: str) -> str:
    """Return what a part of a format writes; room that it leaves is left out."""
    return "".join("".join(piece) for piece in _LITERAL.findall(part))
