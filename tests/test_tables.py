"""Tables are read by rows, and quoted by cells."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.columns import NO_COLUMNS, Columns, cells_of, columns_at, columns_of
from index.documents import parse
from index.search import Passage
from qa.candidates import stems
from qa.reader import Reader, Span
from qa.tables import read_passages, views
from tests.reader_fakes import WordRun, word_tokenizer

STAFF = (
    "Name\tOffice\tSalary\tManager\n"
    "Ann Lee\tOslo\t56,250\tCy Fox\n"
    "Bob Ray\tLima\t1,708\tCy Fox\n"
    "Dee Poe\tOslo\t90,500\tCy Fox\n"
    "Eve Ash\tOslo\t61,000\tUma Orr"
)


def passage(text, columns=NO_COLUMNS, heading=None):
    return Passage("staff.csv", 0, len(text), text, 1.0, 0.3, 2.0, None, heading, columns)


def read(question, text, columns=NO_COLUMNS):
    """Return what is read of a passage."""
    return [view.text for view in views(question, passage(text, columns))]


@pytest.mark.parametrize(
    ("question", "rows"),
    [
        ("What is Bob Ray's salary?", ["Bob Ray. Office: Lima, Salary: 1,708, Manager: Cy Fox."]),
        ("ray's office", ["Bob Ray. Office: Lima, Salary: 1,708, Manager: Cy Fox."]),
        ("Who earns 90,500?", ["Dee Poe. Salary: 90,500."]),
        # Nobody of that name; the same surname is another person.
        ("What is Zoe Ray's salary?", []),
        ("What is the salary of Fay Kay in Oslo?", []),
        # More rows than a question can be about, and none.
        ("Who reports to Cy Fox?", []),
        ("Who is the cleverest?", []),
        # Whose manager she is has an office, and she has not; but it is told who has her.
        ("In which office is Uma Orr?", []),
        ("Who reports to Uma Orr?", ["Eve Ash. Manager: Uma Orr."]),
    ],
)
def test_rows_that_a_question_is_about_are_read_with_their_columns(question, rows):
    assert read(question, STAFF) == rows


UNITS = "Unit\tBudget\tHead\nIT\t500\tAnn Lee\nHR\t700\tBob Ray\nWHO\t900\tDee Poe"


@pytest.mark.parametrize(
    ("question", "row"),
    [
        ("What is the budget of IT?", "IT. Budget: 500, Head: Ann Lee."),
        ("Who is the head of WHO?", "WHO. Budget: 900, Head: Dee Poe."),
        ("What is the budget of HR?", "HR. Budget: 700, Head: Bob Ray."),
    ],
)
def test_rows_called_by_a_little_word_in_capitals_are_found(question, row):
    assert read(question, UNITS) == [row]


def test_rows_below_their_names_passage_are_read_with_them_all_the_same():
    text = STAFF.partition("\n")[2]
    columns = Columns(("Name", "Office", "Salary", "Manager"), (0,))
    row = ["Bob Ray. Office: Lima, Salary: 1,708, Manager: Cy Fox."]
    assert read("What is Bob Ray's salary?", text, columns) == row


def test_text_around_a_table_is_read_without_it():
    text = f"Staff of the harbour.\n\n{STAFF}\n\nPaid monthly."
    (prose,) = read("Who pays?", text)
    assert " ".join(prose.split()) == "Staff of the harbour. Paid monthly."
    assert len(read("Bob Ray's salary?", text)) == 2


def test_a_form_needs_no_names_and_a_markdown_table_no_tabs():
    form = "Applicant\tAnn Lee\nDate of birth\t4 May 1988"
    assert "Date of birth: 4 May 1988." in read("What is the date of birth?", form)
    markdown = (
        "| Item | 2021 | 2022 |\n|---|---|---|\n| Revenue | 1,708 | 1,900 |\n| Debt | 5 | 6 |"
    )
    assert read("What was the revenue in 2022?", markdown) == ["Revenue. 2021: 1,708, 2022: 1,900."]
    assert read("What was the revenue in 2017?", markdown) == []


def test_rows_of_a_drawn_page_get_no_names_that_may_be_those_of_a_row():
    """Where the names are on a line of their own, apart, the first row would be taken for them."""
    text = "Ann Lee\tOslo\tJudge\nBob Ray\tLima\tClerk\nCy Fox\tRome\tCook"
    drawn = replace(passage(text), document="staff.pdf")
    assert [view.text for view in views("What is Bob Ray's post?", drawn) if view.row] == [
        "Bob Ray: Lima, Clerk."
    ]
    named = replace(passage("Name\tOffice\tAge\nAnn\tOslo\t31\nBob\tLima\t17"), document="a.pdf")
    assert [view.text for view in views("How old is Bob?", named)] == [
        "Bob. Office: Lima, Age: 17."
    ]


def test_a_drawn_page_is_read_as_text_where_no_row_is_asked_for():
    """What are rows there is guessed: authors side by side, a letter's head, code."""
    drawn = replace(passage("Ann\tBob\tCy\nOslo\tLima\tRome\nx@y\tz@y\tv@w"), document="a.pdf")
    assert [view.text for view in views("Which university is nobody at?", drawn)] == [drawn.text]


@pytest.mark.parametrize(
    ("question", "open_rows"),
    [
        # Whom Uma manages has a salary, not she; and nobody's row has Zoe.
        ("What is the salary of Uma Orr?", []),
        ("What is Zoe Ray's salary?", []),
        ("What is nobody's phone number?", ["Ann Lee", "Bob Ray", "Dee Poe", "Eve Ash"]),
        # "Mr" is in no table.
        ("Which ship did Mr Ray sail?", ["Bob Ray"]),
    ],
)
def test_rows_of_a_drawn_page_that_lack_what_is_named_are_not_quoted(question, open_rows):
    """The page is read as text, and a wrong row's cell was as good an answer as any."""
    drawn = replace(passage(STAFF), document="staff.pdf")
    (view,) = views(question, drawn)
    assert view.text == STAFF
    quoted = []
    for line in STAFF.splitlines()[1:]:
        at = STAFF.index(line)
        span = Span(0, at, at + 7, line[:7], 1.0, 1.0, 1.0, 1.0)
        if view.moved(span, STAFF, frozenset()):
            quoted.append(line[:7])
    assert sorted(quoted) == sorted(open_rows)


def test_a_name_that_two_rows_have_still_names_them():
    twice = STAFF + "\nBob Ray\tRome\t61,000\tUma Orr"
    assert len(read("What is Bob Ray's salary?", twice)) == 2
    assert len(read("What is Eve Ash's salary?", twice)) == 1


def test_a_table_that_goes_on_at_the_top_of_a_page_keeps_the_names_of_its_columns():
    top = "Ash\tOslo\t12\n\n"
    below = "Bob\tLima\t17\nCy\tRome\t21"
    columns = Columns(("Name", "Office", "Age"), (0,))
    turned = replace(passage(top + below, columns), turned=((len(top), columns),))
    assert [view.text for view in views("How old is Bob?", turned)] == [
        "Bob. Office: Lima, Age: 17."
    ]


@pytest.mark.parametrize(
    ("question", "cell", "column", "tells"),
    [
        ("How long is the talk on dams?", "14:30", "Time", False),
        ("how long is the talk on dams", "2:30 p.m.", "Begins", False),
        ("How long is the talk on dams?", "1:30", "Duration", True),
        ("How long is the song of dams?", "2:05", "Time", True),
        ("How long is the stretch of dams?", "12.50", "km", True),
        ("How long is the talk on dams?", "10:30", "Office hours", False),
        ("How long is the talk on dams?", "14:30–16:00", "Time", True),
        ("How long is the talk on dams?", "90 minutes", "Time", True),
        ("When is the talk on dams?", "14:30", "Time", True),
    ],
)
def test_a_time_of_day_does_not_tell_how_long_something_is(question, cell, column, tells):
    text = f"Topic\t{column}\ndams\t{cell}\nlocks\t{cell}"

    class Reader:
        def read_many(self, requests, best=5):
            [(_, [view, *_])] = requests
            start = view.index(cell)
            return [[Span(0, start, start + len(cell), cell, 3.0, 3.0, 1.0, 1.0)]]

    [spans] = read_passages(Reader(), [(question, [passage(text)])])
    assert [span.text for span in spans] == [cell] * tells


@pytest.mark.parametrize(("cell", "kept"), [("IT", True), ("A", True), ("Ann", False)])
def test_a_cell_of_a_little_word_is_an_answer(cell, kept):
    """In which department: IT. What grade: A. Only what the question says itself is none."""

    class Reader:
        def read_many(self, requests, best=5):
            [(_, [view, *_])] = requests
            start = view.index(cell)
            return [[Span(0, start, start + len(cell), cell, 3.0, 3.0, 1.0, 1.0)]]

    text = "Name\tUnit\tGrade\nAnn\tIT\tA\nBob\tHR\tB"
    [spans] = read_passages(Reader(), [("In which unit is Ann?", [passage(text)])])
    assert [span.text for span in spans] == [cell] * kept


ACCOUNTS = "(in EUR)\n\t2022\t2023\nRevenue\t12,400\t13,900\nGross profit\t5,300\t6,100"
PRICES = "Item,Price\nhammer,12\nsaw,15\ndrill,89\nPen,2".replace(",", "\t")
TWO = (
    "Bill to:\tNordic Foods\nDate:\t3 March\n\n"
    "Item\tQty\tPrice\nEspresso beans\t10\t€12.00\nTea\t2\t€4.00\n\n"
    "Hall 1\t17\t21\nHall 2\t20\t24\nHall 3\t8\t19\nHall 4\t5\t6"
)
FORM = "Name:\tJane Moss\nAddress:\t4 Quay Street, Bergen\nBorn:\t1 May 1980\nTotal:\t€129.50"
CAPTION = "Price list\tuntil May\nItem\tPrice\tStock\nSaw\t€15\t4\nDrill\t€89\t2"
LONG = (
    "Risk\tLevel\tAction\nStrike\trare\tCall the union at once and tell every single one of the "
    "drivers to stay at home\nFlood\thigh\tMove it\nFire\tlow\tLeave"
)
PEOPLE = "Anna Berg\tSales\tOslo\nJohn Smith\tFinance\tLima\nMia Lund\tLegal\tRome\nBo Li\tHR\tBonn"


@pytest.mark.parametrize(
    ("text", "question", "row"),
    [
        (ACCOUNTS, "What was the revenue in 2023?", "Revenue. 2022: 12,400, 2023: 13,900."),
        (PRICES, "What is the price of a saw?", "saw. Price: 15."),
        (TWO, "What is the price of the tea?", "Tea. Qty: 2, Price: €4.00."),
        (FORM, "What is Jane Moss's address?", "Address: 4 Quay Street, Bergen."),
        (CAPTION, "What is the price of the drill?", "Drill. Price: €89, Stock: 2."),
        (LONG, "What is the level of flood?", "Flood. Level: high, Action: Move it."),
        (PEOPLE, "Where does Anna Berg work?", "Anna Berg: Sales, Oslo."),
        (STAFF, "Mr. Ash's salary?", "Eve Ash. Office: Oslo, Salary: 61,000, Manager: Uma Orr."),
        # A table without names does not get those of the one before.
        (TWO, "What is the price of Hall 2?", "Hall 2: 20, 24."),
        # Not the names of the columns.
        (STAFF, "Who is the manager of Zoe?", None),
        # Another kind of pen, and one profit of several.
        (PRICES, "How much is a ballpoint pen?", None),
        (ACCOUNTS + "\nNet profit\t1\t2", "What was the profit in 2023?", None),
    ],
)  # fmt: skip
def test_rows_of_tables_as_people_make_them_are_found(text, question, row):
    rows = [view.text for view in views(question, passage(text)) if view.row]
    assert row in rows if row else not rows


@pytest.mark.parametrize(
    "text",
    [
        "2.2\tThe rent is due in May.\n2.3\tLate payment bears interest at 8 percent.",
        "The captain was dead,\tas they all said,\nKilled by a storm\toff the far coast of Spain.",
        "MARLOW:\tWho knows of the key?\nANNA:\tNobody does but you and me.",
        "A line\twith one stray tab that goes on and on for very many words to the end of it all.",
        "It is a | b, and no table at all.",
        "\tAn indented paragraph, as they were typed once.",
        "How are refunds made?\tWrite to us within thirty days and send the goods back to us.",
    ],
)
def test_what_is_no_table_is_read_as_it_stands(text):
    assert read("What is it?", text) == [text]


def test_where_no_row_is_named_a_table_of_phrases_is_read_as_it_stands():
    faq = (
        "Is parking free?\tYes, behind the main building\nAre dogs allowed?\tOnly on a lead\n"
        "Is there a café?\tOn the first floor\nAre cards accepted?\tYes, but no cheques"
    )
    assert read("Where can I leave my car?", faq) == [faq]
    assert "Are dogs allowed?: Only on a lead." in read("Are dogs allowed?", faq)


def test_a_span_over_several_cells_is_the_one_that_is_asked_for():
    (view,) = views("What was revenue in 2023?", passage(ACCOUNTS.partition("\n")[2]))
    start, end = view.text.index("12,400"), view.text.index("13,900") + 6
    span = Span(0, start, end, view.text[start:end], 1.0, 1.0, 1.0, 1.0)
    moved = [
        view.moved(span, ACCOUNTS.partition("\n")[2], stems(asked)).text
        for asked in ("What was revenue in 2023?", "What was revenue?")
    ]
    assert moved == ["13,900", "12,400"]


def test_a_row_confirms_and_a_question_answers_not_itself():
    reader = Reader(WordRun({"1708": 3.0}), word_tokenizer())
    text = STAFF.replace("1,708", "1708")
    [[span, *_]] = read_passages(reader, [("Does Bob Ray earn 1708?", [passage(text)])])
    assert span.text == "1708"
    [spans] = read_passages(reader, [("1708?", [passage("It was 1708.")])])
    assert "1708" not in [span.text for span in spans]


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        ([["Name", "Age"], ["Ann", "9"], ["Bob", "9"]], Columns(("Name", "Age"), (0,))),
        ([["", "2021", "2022"], ["Debt", "5", "6"]], Columns(("", "2021", "2022"), ())),
        ([["Ann", "9"], ["Bob", "10"]], NO_COLUMNS),
        ([["Ann", "1620", "1996"], ["Bob", "45,000", "2004"], ["Cy", "30", "1998"]], NO_COLUMNS),
        ([["Name", "Age"]], NO_COLUMNS),
        ([], NO_COLUMNS),
    ],
)
def test_columns_are_named_by_a_row_without_numbers_but_years(rows, columns):
    assert columns_of(rows) == columns


def test_the_columns_of_a_row_are_found_far_above_it():
    lines = [f"p{number},{number}" for number in range(900)]
    document = parse("\n".join(["Person,Points", *lines]).encode(), "a.csv")
    assert columns_at(document, document.text.index("p899")).names == ("Person", "Points")
    page = "<p>Points.</p><table>" + "".join(
        f"<tr><td>{line.replace(',', '</td><td>')}</td></tr>" for line in ["Person,Points", *lines]
    )
    document = parse((page + "</table><p>The end.</p>").encode(), "a.html")
    assert columns_at(document, document.text.index("p899")).names == ("Person", "Points")
    assert columns_at(document, document.text.index("The end")) == NO_COLUMNS


def test_what_is_found_in_a_row_is_quoted_from_its_cell():
    reader = Reader(WordRun({"1708": 3.0, "Bob": 5.0}), word_tokenizer())
    asked, text = "What is Bob's salary?", STAFF.replace("1,708", "1708")
    [[span, *_]] = read_passages(reader, [(asked, [passage("It was Ann."), passage(text)])])
    # "Bob" is marked more surely, and is what the question says.
    assert (span.passage, span.text, text[span.start : span.end]) == (1, "1708", "1708")


@given(st.text(alphabet="ab1\t\n| -:.", max_size=120), st.text(alphabet="ab1 ", max_size=8))
def test_what_is_read_is_the_passage_piece_by_piece(text, question):
    for view in views(question, passage(text)):
        for here, there, length, _ in view.pieces:
            assert view.text[here : here + length] == text[there : there + length]
            assert 0 <= there <= there + length <= len(text)


@given(st.text(alphabet="ab\t| -:", max_size=60))
def test_cells_are_runs_of_their_line(line):
    for start, cell in cells_of(line):
        assert line[start : start + len(cell)] == cell == cell.strip()
