"""The library's view: real files, a real library, a real browser."""

from __future__ import annotations

from tests.e2e.test_access import violations


def library(tab):
    tab.page.get_by_role("button", name="Library").click()
    return tab.page.locator("#cs-library")


def states(tab) -> dict[str, str]:
    """The table: each document's state by its name."""
    return tab.page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll('.cs-table tbody tr')].map(
            row => ['th', '.cs-state'].map(what => row.querySelector(what).innerText)))"""
    )


def test_files_are_dropped_in_read_opened_and_taken_out_again(visit, library_address, tmp_path):
    tab = visit(library_address)
    view = library(tab)
    assert states(tab) == {
        "broken.txt": "Not read",
        "harbour.txt": "Ready",
        "report.pdf": "Ready",
    }
    assert "binary data" in view.locator("tr[data-state=failed] .cs-why").inner_text()

    good = tmp_path / "ferry.md"
    good.write_text("# Ferries\n\nThe ferry to Aberdeen takes 12 hours.")
    bad = tmp_path / "tool.exe"
    bad.write_bytes(b"MZ" + bytes(200))
    posed = tmp_path / "posed.txt"
    posed.write_bytes(b"MZ" + bytes(range(256)) * 8)
    view.locator("[data-files]").set_input_files([good, bad, posed])
    view.get_by_text("Done: 1 added").wait_for()
    name = "uploaded/ferry.md"
    assert states(tab)[name] == "Ready"
    sent = view.locator(".cs-received li")
    assert sent.locator("bdi").all_inner_texts() == ["tool.exe", "posed.txt", "ferry.md"]
    assert sent.locator(".cs-state").all_inner_texts() == ["Not taken", "Not read", "Ready"]
    assert states(tab)["uploaded/posed.txt"] == "Not read"
    assert violations(tab) == []
    tab.shot("library-light")

    view.get_by_role("button", name=name, exact=True).click()
    tab.page.locator("#cs-document").get_by_text("takes 12 hours").wait_for()

    library(tab)
    button = view.get_by_role("button", name=f"Remove {name}")
    button.click()
    assert name in states(tab), "one click must not remove a document"
    button.click()
    view.get_by_text("its uploaded copy deleted").wait_for()
    assert name not in states(tab)


def test_a_library_is_made_filled_asked_and_found_again(visit, library_address, tmp_path):
    tab = visit(library_address)
    view = library(tab)
    view.get_by_text("New library").click()
    view.get_by_label("Its name").fill("con/tracts")
    view.get_by_role("button", name="Create").click()
    view.get_by_text("No library was made").wait_for()
    view.get_by_label("Its name").fill("Rail contracts")
    view.get_by_label("Its name").press("Enter")
    tab.page.wait_for_function("!document.querySelector('.cs-table')")
    assert tab.page.locator(".cs-which").inner_text() == "Rail-contracts"
    paper = tmp_path / "bridge.txt"
    paper.write_text("The bridge of Forth was designed by John Fowler.")
    view.locator("[data-files]").set_input_files([paper])
    view.get_by_text("Done: 1 added").wait_for()
    assert states(tab) == {"bridge.txt": "Ready"}
    tab.shot("libraries-light")

    tab.page.get_by_role("button", name="Ask", exact=True).first.click()
    turn = tab.ask("Who designed the bridge of Forth?")
    assert turn.locator(".cs-answer").inner_text() == "John Fowler"
    tab.reload()
    assert tab.page.locator(".cs-which").inner_text() == "Rail-contracts"
    assert tab.page.locator(".cs-answer").inner_text() == "John Fowler"

    library(tab)
    view.get_by_label("Library", exact=True).select_option(index=0)
    tab.page.wait_for_function("!document.querySelector('.cs-which')")
    assert "harbour.txt" in states(tab) and "bridge.txt" not in states(tab)
    tab.page.get_by_role("button", name="Ask", exact=True).first.click()
    assert tab.page.locator(".cs-turn").count() == 0


def test_a_file_put_into_the_folder_is_found_by_reading_it_again(visit, library_address, papers):
    tab = visit(library_address, width=400, height=800, scheme="dark")
    view = library(tab)
    (papers / "late.txt").write_text("The lighthouse was lit in 1858.")
    view.get_by_role("button", name="Read the folders again").click()
    view.get_by_text("Done: 1 added").wait_for()
    assert any(name.endswith("late.txt") for name in states(tab))
    overflow = tab.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0
    tab.shot("library-dark-phone")
