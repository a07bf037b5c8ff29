"""For people who do not see the page, or not its colours: axe-core finds nothing serious."""

from __future__ import annotations

from importlib.resources import files

import pytest

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


def violations(tab) -> list[str]:
    """What axe-core finds wrong, one line each, serious and critical only."""
    tab.page.evaluate(AXE)
    found = tab.page.evaluate("() => axe.run({resultTypes: ['violations']})")["violations"]
    return [
        f"{one['impact']} {one['id']}: {node['html'][:120]} {node.get('failureSummary', '')[:300]}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_barrier_in_any_view(visit, plain, scheme):
    tab = visit(plain, scheme=scheme)
    assert violations(tab) == [], "the empty page"
    tab.ask("Who designed the lighthouse?")
    tab.ask("How deep is the water?").locator("summary", has_text="No").click()
    tab.ask("x" * 1001)
    assert violations(tab) == [], "answer, refusal, error"
    tab.page.get_by_role("button", name="Library").click()
    assert violations(tab) == [], "library"


def test_no_serious_barrier_on_a_phone(visit, plain):
    tab = visit(plain, width=400, height=800)
    tab.ask("Who designed the lighthouse?").locator(".cs-open").first.click()
    assert violations(tab) == []
