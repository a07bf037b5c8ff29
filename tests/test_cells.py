"""A cell's text is the stored value, every digit of it, written as the sheet shows it."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.formats.cells import shown


@pytest.mark.parametrize(
    ("value", "format", "text"),
    [
        (None, "General", ""),
        ("two\n lines ", "@", "two lines"),
        (True, "General", "TRUE"),
        (1234.5, "General", "1234.5"),
        (0.1 + 0.2, "General", "0.3"),
        (12345678901234567890, "General", "12345678901234567890"),
        (1e21, "General", "1000000000000000000000"),
        (1234.5, "#,##0.00", "1,234.50"),
        (-1234.5, "#,##0.00;[Red](#,##0.00)", "(1,234.50)"),
        # Red alone would lose the sign.
        (-1234.5, "0.00;[Red]0.00", "-1234.50"),
        (-500, '0 "CR";0 "DR"', "500 DR"),
        (1234, "00000", "01234"),
        (12.5, '0.0"%"', "12.5%"),
        (1234567.5, '_-* #,##0.00\\ "€"_-;-* #,##0.00\\ "€"_-', "1,234,567.50 €"),
        (1234567, "0", "1234567"),
        # A digit more than is shown is not lost.
        (1234.567, "#,##0", "1,234.567"),
        (0.153, "0%", "15.3%"),
        (0.5, "0.00%", "50.00%"),
        (0.07, "0 %", "7 %"),
        (99, '#,##0.00\\ "EUR"', "99.00 EUR"),
        (1000, "[$€-407] #,##0.00", "€ 1,000.00"),
        (1000, "[$$-409]#,##0", "$1,000"),
        (7.5, '_("$"* #,##0.00_)', "$7.50"),
        (2500, "$#,##0", "$2,500"),
        (0.25, "# ?/?", "0.25"),
        (1500000, "0.0,,", "1500000"),
        (12, "0.0E+00", "12"),
        (float("inf"), "0.00", "Infinity"),
        (datetime(2023, 10, 7), "d mmmm yyyy", "2023-10-07"),
        (datetime(2023, 10, 7, 9, 30), "dd/mm/yy hh:mm", "2023-10-07 09:30"),
        (datetime(2023, 10, 7, 9, 30, 5), "dd/mm/yy hh:mm:ss", "2023-10-07 09:30:05"),
        (date(2023, 10, 7), "General", "2023-10-07"),
        (time(9, 30), "h:mm", "09:30:00"),
        (timedelta(days=1, minutes=90), "[h]:mm", "25:30"),
        (timedelta(hours=-1, seconds=-5), "[h]:mm:ss", "-1:00:05"),
    ],
)
def test_a_cell_says_what_the_sheet_shows(value, format, text):
    assert shown(value, format) == text


FORMATS = ("General", "0", "0.00", "#,##0", "#,##0.00", "$#,##0.0", '0.0 "kg"', "@", "m/d/yy", "x")


@given(st.integers(-(10**18), 10**18) | st.floats(-1e15, 1e15), st.sampled_from(FORMATS))
def test_no_digit_is_lost_in_any_style(value, format):
    text = shown(value, format)
    digits = text.replace(",", "").replace("$", "").replace(" kg", "")
    assert Decimal(digits) == Decimal(value if isinstance(value, int) else f"{value:.15g}")


@given(st.floats(-1e6, 1e6), st.sampled_from(("0%", "0.0%")))
def test_percentages_are_a_hundred_times_what_is_stored(value, format):
    assert Decimal(shown(value, format).rstrip("%")) == Decimal(f"{value:.15g}") * 100


@given(st.floats() | st.integers(), st.text(max_size=20))
def test_no_format_breaks_a_cell(value, format):
    assert shown(value, format)
