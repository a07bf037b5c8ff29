"""A PDF is shown as the page it is, with the quote boxed where it stands."""

from __future__ import annotations

QUESTION = "Who designed the lighthouse?"


def test_the_quote_is_boxed_on_its_page_and_pages_turn(visit, library_address):
    tab = visit(library_address, height=1000)
    turn = tab.ask(QUESTION)
    assert turn.locator(".cs-answer").inner_text() == "David Stevenson"
    assert turn.locator(".cs-place bdi").first.inner_text() == "report.pdf, p. 2"
    box = tab.page.locator(".cs-box.cs-quote")
    box.wait_for()
    tab.shot("pdf-light")

    # The box stands over ink, and the page's lower half, where nothing is written, has none.
    over = box.bounding_box()
    sheet = tab.page.locator(".cs-picture img").bounding_box()
    middle = (over["y"] + over["height"] / 2 - sheet["y"]) / sheet["height"]
    assert 0.02 < middle < 0.25
    assert 0.03 < over["width"] / sheet["width"] < 0.5
    darkest = tab.page.evaluate(
        """async ([x, y, width, height]) => {
            const image = document.querySelector('.cs-picture img');
            await image.decode();
            const canvas = document.createElement('canvas');
            canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;
            const pen = canvas.getContext('2d');
            pen.drawImage(image, 0, 0);
            const at = [x * canvas.width, y * canvas.height, width * canvas.width,
                        height * canvas.height].map(Math.round);
            return Math.min(...pen.getImageData(...at).data.filter((_, n) => n % 4 === 0));
        }""",
        [
            (over["x"] - sheet["x"]) / sheet["width"],
            (over["y"] - sheet["y"]) / sheet["height"],
            over["width"] / sheet["width"],
            over["height"] / sheet["height"],
        ],
    )
    assert darkest < 120, "no ink under the box"

    tab.page.get_by_role("button", name="Previous").click()
    tab.page.get_by_text("page 1 of 2").wait_for()
    assert tab.page.locator(".cs-box").count() == 0
    assert tab.page.get_by_role("button", name="Previous").is_disabled()
    tab.page.get_by_role("button", name="Show as text").click()
    tab.page.locator("#cs-document mark.cs-quote", has_text="David Stevenson").wait_for()
    tab.page.get_by_role("button", name="Show the page").click()
    tab.page.get_by_text("page 2 of 2").wait_for()
    tab.page.locator(".cs-box.cs-quote").wait_for()
