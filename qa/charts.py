"""Four plots of a golden run as inline SVG: no script, no fonts, no files; colours come from CSS.

Classes used: `grid`, `axis`, `ideal`, `line`, `area`, `dot`, `bar`, `mark`, and `text` elements.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np
from numpy.typing import ArrayLike

from qa.evaluate import Bin, Measure, risk_coverage

WIDTH, HEIGHT = 440, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 14, 46


@dataclass
class Plot:
    """A pair of axes; points are given in data units.

    Attributes:
        title: What the plot shows, for readers that do not see it.
        x_label: Under the horizontal axis.
        y_label: Beside the vertical axis.
        x_max: Right end; the left end is 0.
        y_max: Upper end; the lower end is 0.
    """

    title: str
    x_label: str
    y_label: str
    x_max: float = 1.0
    y_max: float = 1.0
    parts: list[str] = field(default_factory=list)

    def x(self, value: float) -> float:
        """Return the horizontal place of a value."""
        return round(LEFT + (WIDTH - LEFT - RIGHT) * value / self.x_max, 1)

    def y(self, value: float) -> float:
        """Return the vertical place of a value."""
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / self.y_max, 1)

    def ticks(
        self,
        x_ticks: Sequence[tuple[float, str]],
        y_ticks: Sequence[tuple[float, str]],
    ) -> None:
        """Draw the grid and its labels."""
        for value, text in y_ticks:
            y = self.y(value)
            self.line((LEFT, y), (WIDTH - RIGHT, y), "grid")
            self.text(LEFT - 8, y + 4, text, "end")
        for value, text in x_ticks:
            self.text(self.x(value), HEIGHT - BOTTOM + 18, text, "middle")
        base = HEIGHT - BOTTOM
        self.line((LEFT, base), (WIDTH - RIGHT, base), "axis")

    def line(self, start: tuple[float, float], end: tuple[float, float], kind: str) -> None:
        """Draw a straight line between two places of the picture."""
        (x1, y1), (x2, y2) = start, end
        self.parts.append(f'<line class="{kind}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>')

    def text(self, x: float, y: float, text: str, anchor: str, kind: str = "tick") -> None:
        """Write at a place of the picture."""
        self.parts.append(
            f'<text class="{kind}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'
        )

    def curve(self, points: Sequence[tuple[float, float]], kind: str) -> None:
        """Draw a line through points in data units."""
        places = " ".join(f"{self.x(x)},{self.y(y)}" for x, y in points)
        self.parts.append(f'<polyline class="{kind}" points="{places}"/>')

    def bar(self, left: float, right: float, top: float, kind: str, hint: str) -> None:
        """Draw a bar that stands on the axis."""
        x, y = self.x(left) + 1, self.y(top)
        width, height = round(self.x(right) - x - 1, 1), round(self.y(0) - y, 1)
        self.parts.append(
            f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="2">'
            f"<title>{escape(hint)}</title></rect>"
        )

    def dot(self, x: float, y: float, hint: str, radius: float = 4.5) -> None:
        """Draw a point with a hint that shows under the pointer."""
        self.parts.append(
            f'<circle class="dot" cx="{self.x(x)}" cy="{self.y(y)}" r="{radius:.1f}">'
            f"<title>{escape(hint)}</title></circle>"
        )

    def svg(self) -> str:
        """Return the picture."""
        middle = (TOP + HEIGHT - BOTTOM) / 2
        self.text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, self.x_label, "middle", "label")
        return (
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(self.title)}">'
            f'<text class="label" text-anchor="middle" '
            f'transform="translate(13 {middle}) rotate(-90)">{escape(self.y_label)}</text>'
            f"{''.join(self.parts)}</svg>"
        )


def percent_ticks(most: float = 1.0, steps: int = 5) -> list[tuple[float, str]]:
    """Return evenly spaced ticks from 0 to `most`, as percentages."""
    digits = 0 if most * 100 % steps < 1e-9 else 1
    return [(most * i / steps, f"{most * i / steps * 100:.{digits}f} %") for i in range(steps + 1)]


def reliability(bins: Sequence[Bin]) -> str:
    """Draw how often answers of each confidence are right; on the diagonal it is honest."""
    plot = Plot("Reliability diagram", "confidence given", "answers that are right")
    plot.ticks(percent_ticks(), percent_ticks())
    most = max((group.count for group in bins), default=1)
    for group in bins:
        share = 0.18 * group.count / most
        hint = f"{group.count} questions between {group.low:.1f} and {group.high:.1f}"
        plot.bar(group.low, group.high, share, "bar", hint)
    plot.line((plot.x(0), plot.y(0)), (plot.x(1), plot.y(1)), "ideal")
    plot.curve([(group.confidence, group.accuracy) for group in bins], "line")
    for group in bins:
        hint = (
            f"confidence {group.confidence:.2f}, right {group.accuracy:.2f}, "
            f"{group.count} questions"
        )
        plot.dot(group.confidence, group.accuracy, hint, 3 + 4 * math.sqrt(group.count / most))
    return plot.svg()


def risk_and_coverage(confidence: ArrayLike, right: ArrayLike) -> str:
    """Draw the share of wrong answers when only the surest questions are answered."""
    coverage, risk = risk_coverage(confidence, right)
    top = _ceiling(float(risk.max()) if risk.size else 0.0)
    plot = Plot("Risk and coverage", "questions answered", "answers that are wrong", y_max=top)
    plot.ticks(percent_ticks(), percent_ticks(top))
    if not coverage.size:
        return plot.svg()
    plot.curve(list(zip(coverage.tolist(), risk.tolist(), strict=True)), "line")
    for accuracy in (0.9, 0.8):
        limit = 1 - accuracy
        reached = coverage[risk <= limit + 1e-12]
        if limit <= top:
            y = plot.y(limit)
            plot.line((LEFT, y), (WIDTH - RIGHT, y), "mark")
        if reached.size:
            hint = f"{reached.max():.0%} answered at {accuracy:.0%} accuracy"
            at = int(np.flatnonzero(risk <= limit + 1e-12)[-1])
            plot.dot(float(coverage[at]), float(risk[at]), hint)
    return plot.svg()


def _ceiling(value: float) -> float:
    """Return the next "round" share above a value, so that an axis ends evenly."""
    return next(limit for limit in (0.05, 0.1, 0.25, 0.5, 1.0) if value <= limit + 1e-9)


def recall(measures: Sequence[tuple[int, Measure]]) -> str:
    """Draw how often the right passage is among the first k, with intervals."""
    plot = Plot(
        "Recall at k", "passages looked at (k)", "right passage among them",
        x_max=max(1, len(measures)),
    )  # fmt: skip
    plot.ticks([(i + 0.5, str(k)) for i, (k, _) in enumerate(measures)], percent_ticks())
    for i, (_, m) in enumerate(measures):
        x = plot.x(i + 0.5)
        plot.line((x, plot.y(m.low)), (x, plot.y(m.high)), "mark solid")
    plot.curve([(i + 0.5, m.value) for i, (_, m) in enumerate(measures)], "line")
    for i, (k, m) in enumerate(measures):
        plot.dot(i + 0.5, m.value, f"recall at {k}: {m}")
    return plot.svg()


def latency(seconds: ArrayLike) -> str:
    """Draw the share of questions that are answered within a time."""
    times = np.sort(np.asarray(seconds, float))
    unit, factor = ("milliseconds", 1000.0) if times.size and times[-1] < 2 else ("seconds", 1.0)
    times = times * factor
    top, step = time_axis(float(times[-1]) if times.size else 1.0)
    plot = Plot("Latency", f"{unit} a question", "questions answered by then", x_max=top)
    ticks = [(value, f"{value:g}") for value in np.arange(0, top + step / 2, step).tolist()]
    plot.ticks(ticks, percent_ticks())
    if times.size:
        points = [(0.0, 0.0), (float(times[0]), 0.0)]
        for i, value in enumerate(times.tolist(), start=1):
            points += [(value, points[-1][1]), (value, i / times.size)]
        plot.curve([*points, (top, 1.0)], "line")
        for share in (0.5, 0.9, 0.99):
            at = float(np.quantile(times, share, method="inverted_cdf"))
            plot.dot(at, share, f"{share:.0%} of the questions within {at:.3g} {unit}")
    return plot.svg()


def time_axis(most: float) -> tuple[float, float]:
    """Return the end and step of an axis with about five even steps."""
    most = max(most, 1e-6)
    rough = most / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(size * power for size in (1, 2, 2.5, 5, 10) if size * power >= rough - 1e-12)
    return step * math.ceil(most / step - 1e-9), step
