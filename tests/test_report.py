"""The HTML report: self-contained, true to the run, and harmless whatever the documents say."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from qa import charts
from qa.evaluate import Measure, calibration_bins
from qa.golden import GoldenReport
from qa.report import html
from tests.test_compare import REFUSED, RIGHT, WRONG

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>"


class Page(HTMLParser):
    """Collects a page's tags, and fails on one that is closed in the wrong order."""

    VOID = frozenset({"meta", "br", "line", "circle", "polyline", "rect"})

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.attributes = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        if tag not in self.VOID or tag in {"circle", "rect"}:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture
def page():
    lost = replace(
        WRONG,
        key=HOSTILE,
        question=HOSTILE,
        got=HOSTILE,
        detail=HOSTILE,
        citation={"place": HOSTILE, "sentence": HOSTILE},
        known_failure={"reason": HOSTILE, "since": "2026-01-31"},
    )
    records = (replace(RIGHT, key="first?", question="first?"), lost, REFUSED)
    return html(GoldenReport(f"sets/{HOSTILE}.yaml", "2026-11-22T18:00:00+00:00", records))


def test_the_page_is_well_formed_and_harmless(page):
    parsed = Page(page)
    assert not {"script", "img", "iframe", "link", "object"} & set(parsed.tags)
    assert not [name for name, _ in parsed.attributes if name.startswith("on")]


def test_the_page_needs_nothing_else(page):
    # A report is mailed and opened years later on another machine.
    assert not re.search(r"(src|href)=|url\(|@import|https?:", page.replace("img src=x", ""))
    assert "default-src 'none'" in page


def test_the_page_tells_the_run(page):
    assert "1 lost at" not in page
    assert ": 2 of 3 right</h1>" in page
    assert "Lost answers: 1</h2>" in page
    assert "1 not read" in page
    assert "known since 2026-01-31" in page
    assert "prefers-color-scheme: dark" in page
    assert Page(page).tags.count("svg") == 4


def test_nothing_lost_is_said_in_words():
    page = html(GoldenReport("g.yaml", "2026-11-22T18:00:00+00:00", (RIGHT,)))
    assert "None: every question got the answer" in page


def test_a_run_of_which_nothing_was_asked_has_a_page():
    # One golden set of questions without a word ended in ZeroDivisionError.
    unasked = replace(REFUSED, passed=False, stage="not_asked", seconds=0.0)
    page = html(GoldenReport("g.yaml", "2026-11-22T18:00:00+00:00", (unasked,)))
    assert '<span class="soft">not asked</span>' in page
    assert "<td>refused" not in page
    assert "Latency" in page and charts.latency([0.0])


def shapes(svg, tag):
    root = ElementTree.fromstring(svg)  # noqa: S314  our own output
    return [element for element in root if element.tag == tag]


def numbers(element):
    return [float(number) for number in re.findall(r"[-\d.]+", element.get("points"))]


def test_the_reliability_points_stand_where_the_bins_are():
    svg = charts.reliability(calibration_bins([0.05, 0.95], [0, 1]))
    dots = shapes(svg, "circle")
    places = [(float(dot.get("cx")), float(dot.get("cy"))) for dot in dots]
    width = charts.WIDTH - charts.LEFT - charts.RIGHT
    height = charts.HEIGHT - charts.TOP - charts.BOTTOM
    assert places[0] == pytest.approx(
        (charts.LEFT + 0.05 * width, charts.HEIGHT - charts.BOTTOM), abs=0.1
    )
    assert places[1] == pytest.approx((charts.LEFT + 0.95 * width, charts.TOP), abs=0.1)
    assert places[0][1] - places[1][1] == pytest.approx(height, abs=0.1)


def test_the_risk_curve_ends_at_the_overall_risk():
    # One of four is wrong, one of three before: the axis ends at 50 %, the curve at half of it.
    svg = charts.risk_and_coverage([0.9, 0.8, 0.7, 0.6], [1, 1, 0, 1])
    points = numbers(shapes(svg, "polyline")[0])
    middle = (charts.TOP + charts.HEIGHT - charts.BOTTOM) / 2
    assert points[-2:] == [charts.WIDTH - charts.RIGHT, pytest.approx(middle, abs=0.1)]


def test_the_latency_curve_is_a_staircase_to_one():
    svg = charts.latency([0.1, 0.2, 0.4])
    points = numbers(shapes(svg, "polyline")[0])
    assert points[:2] == [charts.LEFT, charts.HEIGHT - charts.BOTTOM]
    assert points[-1] == charts.TOP
    assert "milliseconds" in svg
    assert "seconds a question" in charts.latency([3.0])


@pytest.mark.parametrize(
    ("most", "end", "step"), [(0.9, 1, 0.2), (7, 8, 2), (100, 100, 20), (101, 125, 25)]
)
def test_the_time_axis_has_even_steps_up_to_the_slowest(most, end, step):
    assert charts.time_axis(most) == pytest.approx((end, step))


def test_plots_of_nothing_are_empty_axes():
    for svg in (
        charts.reliability([]),
        charts.risk_and_coverage([], []),
        charts.recall([]),
        charts.latency([]),
    ):
        assert shapes(svg, "circle") == []


def test_recall_shows_its_interval():
    svg = charts.recall([(1, Measure(0.5, 0.25, 0.75, 20))])
    (mark,) = [line for line in shapes(svg, "line") if line.get("class") == "mark solid"]
    height = charts.HEIGHT - charts.TOP - charts.BOTTOM
    assert float(mark.get("y1")) - float(mark.get("y2")) == pytest.approx(height / 2, abs=0.1)
