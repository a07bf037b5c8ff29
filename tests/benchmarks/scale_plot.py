"""The plot of `tests.benchmarks.scale`: time and memory by size, both axes logarithmic, as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any

WIDTH, HEIGHT = 920, 360
PANEL, LEFT, TOP, BOTTOM = 330, 62, 34, 46
_STYLE = """
text { font: 12px system-ui, sans-serif; fill: #3b3f46 } .title { font-weight: 600 }
.grid { stroke: #d8dade } .limit { stroke: #b3261e; stroke-dasharray: 5 4 }
polyline { fill: none; stroke-width: 2 }
.c0 { stroke: #1f5fa8 } .c1 { stroke: #8a5a00 } .c2 { stroke: #2f7d32 } .c3 { stroke: #6b3fa0 }
circle { fill: #fff; stroke-width: 2 }
@media (prefers-color-scheme: dark) {
  text { fill: #d5d8dd } .grid { stroke: #3a3e45 } circle { fill: #17191d }
  .c0 { stroke: #7fb2ee } .c1 { stroke: #e0b050 } .c2 { stroke: #7fcf83 } .c3 { stroke: #bd9bea }
}
"""
# Name of the figure, and what it is called in the plot.
TIME = (
    ("exact, p95 ms", "by meaning, exact"),
    ("by meaning, p95 ms", "by meaning, as used"),
    ("by words, p95 ms", "by words"),
    ("search, p95 ms", "whole search"),
)
MEMORY = (
    ("exact resident, MiB", "exact, in memory"),
    ("resident, MiB", "as used, resident"),
    ("anonymous, MiB", "of that its own"),
    ("on disk, MiB", "on disk"),
)


def draw(saved: dict[str, Any]) -> str:
    """Return both panels as one picture.

    Args:
        saved: What `scale.json` holds.
    """
    figures = {int(size): of for size, of in saved["figures"].items()}
    panels = (
        _panel(LEFT, "p95 of a question, ms", figures, TIME, 50),
        _panel(LEFT + PANEL + 130, "memory and disk, MiB", figures, MEMORY, 2048),
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="Search time and memory by number of passages"><style>{_STYLE}</style>'
        f"{''.join(panels)}</svg>\n"
    )


def _panel(
    left: int,
    title: str,
    figures: dict[int, dict[str, Any]],
    lines: Sequence[tuple[str, str]],
    limit: float,
) -> str:
    values = [of[name] for of in figures.values() for name, _ in lines] + [limit]
    x_low, x_high = math.log10(min(figures)), math.log10(max(figures))
    y_low, y_high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    wide, high = PANEL - 90, HEIGHT - TOP - BOTTOM

    def x(value: float) -> float:
        return round(left + wide * (math.log10(value) - x_low) / max(x_high - x_low, 1e-9), 1)

    def y(value: float) -> float:
        return round(TOP + high * (y_high - math.log10(value)) / (y_high - y_low), 1)

    parts = [f'<text class="title" x="{left}" y="{TOP - 14}">{escape(title)}</text>']
    for power in range(y_low, y_high + 1):
        parts.append(_line((left, y(10**power)), (left + wide, y(10**power)), "grid"))
        parts.append(_text(left - 8, y(10**power) + 4, f"{10**power:,g}", "end"))
    for size in figures:
        parts.append(_text(x(size), HEIGHT - BOTTOM + 20, f"{size:,}", "middle"))
    parts.append(_text(left + wide / 2, HEIGHT - 6, "passages", "middle"))
    parts.append(_line((left, y(limit)), (left + wide, y(limit)), "limit"))
    ends: list[float] = []
    for number, (name, called) in enumerate(lines):
        points = [(x(size), y(of[name])) for size, of in figures.items()]
        places = " ".join(f"{a},{b}" for a, b in points)
        parts.append(f'<polyline class="c{number}" points="{places}"/>')
        for (a, b), of in zip(points, figures.values(), strict=True):
            hint = f"{called}: {of[name]:,.3g}"
            parts.append(
                f'<circle class="c{number}" cx="{a}" cy="{b}" r="3.5">'
                f"<title>{escape(hint)}</title></circle>"
            )
        # Beside its line's end, but not over another name.
        end = points[-1][1] + 4
        while any(abs(end - other) < 15 for other in ends):
            end += 1
        ends.append(end)
        parts.append(_line((left + wide + 8, end - 4), (left + wide + 20, end - 4), f"c{number}"))
        parts.append(_text(left + wide + 25, end, called, "start"))
    return "".join(parts)


def _line(start: tuple[float, float], end: tuple[float, float], kind: str) -> str:
    (x1, y1), (x2, y2) = start, end
    return f'<line class="{kind}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>'
