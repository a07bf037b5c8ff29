"""Measure questions about the cells of tables, with rows read one by one, and not.

    python -m tests.benchmarks.tables [--limit 12] [--save]

Five made-up tables stand in one folder, each in another format, and beside them the sample article;
and in a second folder the same tables as a browser prints them to PDF (Chromium, which `make test`
installs).
Asked is for a cell by its row and column, in the words that people have for these; for rows that no
table has; and for columns that it has not. An answer is right when it is the cell, whole.
"""

from __future__ import annotations

import argparse
import csv
import html
import json
import random
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import qa
from qa.answer import Answer
from qa.config import seeds_folder

SAVED = Path(__file__).with_suffix(".json")
FIRST = "Anna Olga Leila Chen Yuki Priya Sofia Amara Nadia Helen Thomas Pablo Igor David Kofi Luca"
LAST = "Novak Silva Tanaka Okafor Haddad Berg Moreau Rossi Petrov Sharma Keller Murphy Costa Ito"
GOODS = """copper wire; steel bolt; brass hinge; oak panel; glass pane; rubber seal; nylon rope;
    iron chain; zinc plate; tin foil; lead pipe; pine board"""
MAKERS = "Acme Borealis Cygnus Dynamo Everest Falcon Granite Helios"
ITEMS = """Revenue; Cost of sales; Gross profit; Operating expenses; Net income; Total assets;
    Long-term debt; Inventory; Trade receivables; Dividends paid"""
TOPICS = "bridges; harbours; tunnels; canals; dams; railways; airports; roads; locks; piers"
RULE, TEXT = "rows read one by one", "as running text"
STYLE = "table { border-collapse: collapse } td { border: 1px solid #999; padding: 4px 8px }"


@dataclass(frozen=True)
class Table:
    """A table and how people ask for its cells.

    Attributes:
        file: Its file's name; the suffix tells the format.
        columns: The names of its columns.
        rows: Its cells.
        asked: Questions with the cells' numbers in braces, and the number of the cell asked for.
        absent: Questions for a column that it has not.
        others: Of a row that it has not, the cells that questions name.
    """

    file: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    asked: tuple[tuple[str, int], ...]
    absent: tuple[str, ...]
    others: tuple[tuple[str, ...], ...]


def tables(rng: random.Random) -> list[Table]:
    """Return the tables."""
    people = [f"{first} {last}" for first in FIRST.split() for last in LAST.split()]
    rng.shuffle(people)
    staff = [
        (
            name,
            rng.choice(["Sales", "Legal", "Finance", "Research"]),
            rng.choice(["Oslo", "Lagos", "Lima", "Warsaw"]),
            str(rng.randint(1995, 2025)),
            f"{rng.randint(30, 160)},{rng.choice(('250', '500', '900'))}",
            people[200 + rng.randrange(20)],
        )
        for name in people[:180]
    ]
    money = [
        (item, *(f"{rng.randint(1, 99)},{rng.randint(100, 999)}" for _ in range(3)))
        for item in _parts(ITEMS)
    ]
    goods = [
        (f"A-{100 + 7 * at}", thing, f"€{rng.randint(2, 90)}.{rng.randint(10, 99)}",
         str(rng.randint(10, 900)), f"{rng.choice(MAKERS.split())} Ltd")
        for at, thing in enumerate(_parts(GOODS))
    ]  # fmt: skip
    talks = [
        (f"{at} May", f"{9 + at % 8}:30", f"Room {at * 3 % 17 + 1}", people[185 + at], topic)
        for at, topic in enumerate(_parts(TOPICS), 3)
    ]
    form = [
        ("Applicant", "Dana Whitlock"), ("Date of birth", "4 March 1988"), ("Passport", "X4471902"),
        ("Employer", "Northwind Traders"), ("Requested amount", "$48,000"), ("Purpose", "New roof"),
        ("Branch", "Harbour Street"), ("Account manager", "Ruth Lind"), ("Guarantor", "Ed Vance"),
    ]  # fmt: skip
    return [
        Table(
            "staff.csv",
            ("Name", "Department", "Office", "Start year", "Salary", "Manager"),
            tuple(staff),
            (
                ("What is the salary of {0}?", 4), ("In which office does {0} work?", 2),
                ("which department is {0} in", 1), ("When did {0} start?", 3),
                ("Who is {0}'s manager?", 5), ("{0} salary", 4),
            ),
            ("What is the phone number of {0}?", "How tall is {0}?"),
            tuple((name,) for name in people[205:215]),
        ),
        Table(
            "accounts.xlsx",
            ("€ thousand", "2021", "2022", "2023"),
            tuple(money),
            (("What was the {0} in 2022?", 2), ("How much was {0} in 2023?", 3), ("{0} 2021", 1)),
            ("What was the {0} in 2017?", "Who audited the {0}?"),
            (("EBITDA",), ("Net interest",), ("Goodwill",), ("Cost of energy",)),
        ),
        Table(
            "catalogue.html",
            ("SKU", "Product", "Price", "Stock", "Supplier"),
            tuple(goods),
            (
                ("What does the {1} cost?", 2), ("What is the price of {1}?", 2),
                ("How much {1} is in stock?", 3), ("Who supplies the {1}?", 4),
                ("Which product has the SKU {0}?", 1), ("supplier of {0}", 4),
            ),
            ("How heavy is the {1}?", "What colour is the {1}?"),
            (("B-950", "silver thread"), ("B-951", "copper kettle"), ("B-952", "steel beam")),
        ),
        Table(
            "programme.md",
            ("Date", "Time", "Room", "Speaker", "Topic"),
            tuple(talks),
            (
                ("When does {3} speak?", 0), ("Who speaks on {4}?", 3),
                ("In which room is the talk on {4}?", 2), ("What is {3}'s topic?", 4),
                ("At what time is the talk on {4}?", 1),
            ),
            ("How long is the talk on {4}?", "How much does the talk on {4} cost?"),
            (("", "", "", "Rolf Achterberg", "volcanoes"), ("", "", "", "Mia Lund", "lighthouses")),
        ),
        Table(
            "form.docx",
            (),
            tuple(form),
            (("What is the {0}?", 1), ("{0}", 1)),
            (),
            (("Landlord",), ("Interest rate",), ("Telephone number",)),
        ),
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--limit", type=int, default=12, help="rows asked about in each table")
    parser.add_argument("--save", action="store_true", help=f"keep the figures in {SAVED.name}")
    options = parser.parse_args()
    made = tables(random.Random(7))
    figures = {}
    for print_all in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            papers = Path(folder) / "papers"
            papers.mkdir()
            (printed if print_all else written)(made, papers)
            shutil.copy(next(seeds_folder().glob("*.txt")), papers)
            settings = qa.Settings(home=Path(folder) / "home")
            assistant = qa.open(papers, settings=settings)
            printing = "printed, " * print_all
            figures[printing + RULE] = measured(assistant, made, options.limit)
            with patch("qa.tables._parts", new=lambda _: ([], [])):
                figures[printing + TEXT] = measured(assistant, made, options.limit)
            assistant.library.close()
    if options.save:
        SAVED.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def measured(
    assistant: qa.Assistant, made: Sequence[Table], limit: int
) -> dict[str, dict[str, float]]:
    """Return per cent by table: right, wrong and refused; and answered where nothing is there."""
    figures = {}
    for table in made:
        rng = random.Random(1)
        rows = rng.sample(table.rows, min(limit, len(table.rows)))
        asked = [(way.format(*row), row[cell]) for way, cell in table.asked for row in rows]
        got = _ask(assistant, [question for question, _ in asked])
        right = sum(one.text == cell for one, (_, cell) in zip(got, asked, strict=True))
        given = sum(map(bool, got))
        other = [way.format(*cells) for way, _ in table.asked for cells in table.others]
        absent = [way.format(*row) for way in table.absent for row in rows]
        figures[table.file] = {
            "questions": len(asked),
            "right": _percent(right, len(asked)),
            "wrong": _percent(given - right, len(asked)),
            "answered, of no such row": _percent(
                sum(map(bool, _ask(assistant, other))), len(other)
            ),
            "answered, of no such column": _percent(
                sum(map(bool, _ask(assistant, absent))), len(absent)
            ),
        }
        shown = "  ".join(f"{key} {value}" for key, value in figures[table.file].items())
        sys.stdout.write(f"{table.file:16} {shown}\n")
        sys.stdout.flush()
    return figures


def written(made: Sequence[Table], folder: Path) -> None:
    """Write every table in its own format."""
    for table in made:
        write(table, folder / table.file)


def printed(made: Sequence[Table], folder: Path) -> None:
    """Print every table to a PDF."""
    from playwright.sync_api import sync_playwright

    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(path for path in map(shutil.which, names) if path)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        page = browser.new_page()
        for table in made:
            lines = [table.columns, *table.rows] if table.columns else table.rows
            page.set_content(f"<style>{STYLE}</style>{_html(table.file.split('.')[0], lines)}")
            page.pdf(path=folder / f"{table.file}.pdf")
        browser.close()


def write(table: Table, path: Path) -> None:
    """Write a table in the format that the file's suffix names."""
    lines = [table.columns, *table.rows] if table.columns else list(table.rows)
    if path.suffix == ".csv":
        with path.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows(lines)
    elif path.suffix == ".xlsx":
        from openpyxl import Workbook

        book = Workbook()
        sheet = book.active
        assert sheet is not None
        for line in lines:
            sheet.append(line)
        book.save(path)
    elif path.suffix == ".docx":
        from docx import Document

        document = Document()
        document.add_heading("Loan application")
        document.add_paragraph(
            "The applicant fills in every field of this form before it is signed."
        )
        drawn = document.add_table(len(lines), len(lines[0]))
        for cells, line in zip(drawn.rows, lines, strict=True):
            for cell, text in zip(cells.cells, line, strict=True):
                cell.text = text
        document.save(str(path))
    elif path.suffix == ".md":
        rule = "|".join("---" for _ in lines[0])
        rows = [f"| {' | '.join(line)} |" for line in lines]
        text = "\n".join([rows[0], f"|{rule}|", *rows[1:]])
        path.write_text(
            f"# Programme\n\nLunch is served at noon, and the bar opens at six.\n\n{text}\n",
            encoding="utf-8",
        )
    else:
        path.write_text(f"<html><body>{_html('Catalogue', lines)}</body></html>", encoding="utf-8")


def _html(title: str, lines: Sequence[Sequence[str]]) -> str:
    rows = ["".join(f"<td>{html.escape(cell)}</td>" for cell in line) for line in lines]
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f"<h1>{title}</h1><p>All of it holds until the end of the year.</p><table>{body}</table>"


def _ask(assistant: qa.Assistant, questions: Sequence[str]) -> list[Answer]:
    return assistant.ask_many(questions)


def _parts(text: str) -> list[str]:
    return [" ".join(part.split()) for part in text.split(";")]


def _percent(count: int, among: int) -> float:
    return round(100 * count / among, 1) if among else 0.0


if __name__ == "__main__":
    main()
