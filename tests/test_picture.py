"""A page is drawn elsewhere, with limits: a broken file costs a message, never the server."""

from __future__ import annotations

import io

import pypdfium2
import pytest
from PIL import Image

from index.errors import UnreadableDocument
from tests.format_fakes import form_of
from ui import picture


def blank(width=200.0, height=100.0, rotation=0) -> bytes:
    """A PDF of one empty page, points."""
    pdf = pypdfium2.PdfDocument.new()
    page = pdf.new_page(width, height)
    page.set_rotation(rotation)
    kept = io.BytesIO()
    pdf.save(kept)
    return kept.getvalue()


def test_a_page_is_drawn_and_a_mark_lands_where_it_stands():
    # Lower left origin in the PDF, upper left in the picture.
    drawn = picture.draw(blank(), 1, [(20.0, 10.0, 60.0, 30.0)], width=400)
    assert (drawn.width, drawn.height) == (400, 200)
    assert Image.open(io.BytesIO(drawn.png)).size == (400, 200)
    assert drawn.boxes[0] == pytest.approx((0.1, 0.7, 0.3, 0.9), abs=0.005)


def test_nothing_of_the_folder_that_it_is_run_in_is_run(tmp_path, monkeypatch):
    """Who opens a folder of downloads must not run a json.py that lies there."""
    (tmp_path / "json.py").write_text("raise SystemExit(3)")
    monkeypatch.chdir(tmp_path)
    assert picture.draw(blank(), 1, width=400).width == 400


def test_what_is_filled_into_a_form_is_drawn():
    field = (200.0, 745.0, 400.0, 765.0)
    drawn = picture.draw(form_of("Name:", "Ann Lee"), 1, [field])
    left, top, right, bottom = drawn.boxes[0]
    page = Image.open(io.BytesIO(drawn.png)).convert("L")
    edges = (left * drawn.width, top * drawn.height, right * drawn.width, bottom * drawn.height)
    assert page.crop(tuple(map(round, edges))).getextrema()[0] < 50


def test_a_mark_turns_with_a_turned_page():
    # Turned by a quarter clockwise: the lower left corner of the paper is the upper left one.
    drawn = picture.draw(blank(rotation=90), 1, [(0.0, 0.0, 20.0, 20.0)], width=400)
    assert (drawn.width, drawn.height) == (400, 800)
    assert drawn.boxes[0] == pytest.approx((0.0, 0.0, 0.2, 0.1), abs=0.005)


def test_a_page_of_extreme_shape_stays_within_the_pixels():
    drawn = picture.draw(blank(10.0, 14_000.0), 1)
    assert drawn.width * drawn.height <= picture.MAX_PIXELS * 1.01


@pytest.mark.parametrize("data", [b"", b"no pdf", blank()[:200]])
def test_a_broken_file_is_an_error_in_words(data):
    with pytest.raises(UnreadableDocument, match="page 1 could not be drawn"):
        picture.draw(data, 1)


def test_a_page_that_is_not_there_is_an_error_in_words():
    with pytest.raises(UnreadableDocument, match="page 9 could not be drawn"):
        picture.draw(blank(), 9)


def test_drawing_ends_at_its_time_limit(monkeypatch):
    monkeypatch.setattr(picture, "_START", "import time; time.sleep(30)")
    monkeypatch.setattr(picture, "SECONDS", 0.3)
    with pytest.raises(UnreadableDocument, match="TimeoutExpired"):
        picture.draw(blank(), 1)
