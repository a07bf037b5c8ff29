"""What is asked of a document itself, and what its own lines say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.documents import parse
from qa.document_lines import told
from qa.document_questions import asked_by_name, of_document
from qa.wording import as_read


@pytest.mark.parametrize(
    ("question", "matter", "certain"),
    [
        ("Who wrote this article?", "author", True),
        ("who wrote the report", "author", False),
        ("Who is the author of the document?", "author", True),
        ("what is this article's author", "author", True),
        ("Who is the article by?", "author", True),
        ("who sent the e-mail", "author", True),
        ("Who is this letter to?", "recipient", True),
        ("To whom was the memo addressed?", "recipient", False),
        ("who is the article credited to?", "credit", True),
        ("Where is the text from?", "source", True),
        ("Which newspaper published the article?", "source", True),
        ("Who published this?", "source", True),
        ("When was this article published?", "date", True),
        ("the date of the document", "date", True),
        ("When was minutes.docx last updated?", "update", True),
        ("What's the title of this report?", "title", True),
        ("What is the article’s title?", "title", True),
        ("What is this document called?", "title", True),
        ("In what year was this article published?", "date", True),
        ("Name the author of this text", "author", True),
        ("Which company published this report?", "source", True),
        ("what is this about", "topic", True),
        ("who wrote Annual report.txt?", "author", True),
        ('who wrote "minutes.docx"?', "author", True),
        ("What is “minutes of May.docx” about?", "topic", True),
        ("Who is 'minutes.docx' by?", "author", True),
        ("What does the article say?", "topic", True),
    ],
)
def test_what_is_asked_of_a_document_itself_is_known(question, matter, certain):
    found = of_document(question)
    assert (found.matter, found.certain) == (matter, certain)


@pytest.mark.parametrize(
    "question",
    [
        "Who wrote the article on bridges?",
        "What does the article say about Maduro?",
        "Who is quoted in the article?",
        "When was it published?",
        "Who wrote Hamlet?",
        "What is the title of the king?",
        "Which cartel is this about?",
        "Where is the article of faith from the creed kept?",
        "When was the U.S. founded?",
        "Who is the author?",
        "Who drafted Node.js?",
        "When was asp.net created?",
        "Who is this policy for?",
        "When was this?",
        "Where is this?",
        "",
    ],
)
def test_what_is_asked_of_the_text_is_left_to_the_reader(question):
    assert of_document(question) is None


@pytest.mark.parametrize(
    ("asked", "read"),
    [
        ("Which cartel is this about?", "What is the name of the cartel?"),
        ("what bus line does the report talk about", "What is the name of the bus line?"),
        ("Which ship is being discussed?", "What is the name of the ship?"),
        ("Who is this article about?", "What is the name of the person?"),
        # Nothing that has a name, or several.
        ("What topic is this about?", "What topic is this about?"),
        ("Which countries is it about?", "Which countries is it about?"),
        ("What exactly does the report cover?",) * 2,
        ("What percentage does the article talk about?",) * 2,
        ("Which cartel is this about and who leads it?",) * 2,
        ("Which cartel did the U.S. designate?",) * 2,
    ],
)  # fmt: skip
def test_what_it_is_about_is_read_as_a_question_for_its_name(asked, read):
    assert as_read(asked) == read


@given(st.text(max_size=60))
def test_any_text_is_asked_as_it_is_or_for_a_name(text):
    asked = asked_by_name(text)
    assert asked == text or asked.startswith("What is the name of the ")


NEWS = """Harbour bridge reopens after nine years
By Ann Lee, Senior Correspondent
Oslo, 5 May 2026

The harbour bridge was reopened on Monday by the mayor. Crowds came to see it.

Source: The Harbour Gazette"""
MEMO = """MEMORANDUM

To: All staff
From: Ben Okafor
Date: 12 March 2026
Re: Parking during the works

The north car park will be closed from Monday until further notice."""
MARKDOWN = """# Annual report

**Author:** Jane Doe
**Last updated:** 2026-04-01

This report sets out what the harbour did in a year, and at what cost."""
WIRE = """LONDON (Reuters) — The bank said on Tuesday that it would cut its rate by a quarter.

(Reporting by Ann Lee; Editing by Bob Ray)"""
CREDITED = """Credited from: AA
U.S. President Donald Trump remarked on November 16 that there may be potential for talks."""
RUNNING = """By the end of 2020 the company had lost half of its staff and all of
its money, as the report of 5 May 2021 tells. It was written by Ann Lee.
Source code was published in May 2021 under the title of another work of hers."""


@pytest.mark.parametrize(
    ("name", "text", "matter", "said"),
    [
        ("a.txt", NEWS, "title", "Harbour bridge reopens after nine years"),
        ("a.txt", NEWS, "topic", "Harbour bridge reopens after nine years"),
        ("a.txt", NEWS, "author", "Ann Lee"),
        ("a.txt", NEWS, "credit", "Ann Lee"),
        ("a.txt", NEWS, "date", "5 May 2026"),
        ("a.txt", NEWS, "source", "The Harbour Gazette"),
        ("a.txt", NEWS, "recipient", None),
        ("m.txt", MEMO, "author", "Ben Okafor"),
        ("m.txt", MEMO, "recipient", "All staff"),
        ("m.txt", MEMO, "date", "12 March 2026"),
        ("m.txt", MEMO, "title", "Parking during the works"),
        ("r.md", MARKDOWN, "title", "Annual report"),
        ("r.md", MARKDOWN, "author", "Jane Doe"),
        ("r.md", MARKDOWN, "update", "2026-04-01"),
        ("r.md", MARKDOWN, "date", None),
        ("w.txt", WIRE, "source", "Reuters"),
        ("w.txt", WIRE, "author", "Ann Lee"),
        ("w.txt", WIRE, "title", None),
        ("c.txt", CREDITED, "credit", "AA"),
        ("c.txt", CREDITED, "source", "AA"),
        # A credit is no author, and a date in a sentence is not the document's.
        ("c.txt", CREDITED, "author", None),
        ("c.txt", CREDITED, "date", None),
        ("c.txt", CREDITED, "topic", CREDITED.partition("\n")[2]),
        *(("p.txt", RUNNING, matter, None) for matter in ("author", "date", "source", "title")),
    ],
)
def test_a_document_is_quoted_on_itself_only_where_a_line_says_so(name, text, matter, said):
    document = parse(text.encode(), name)
    found = told(document, matter)
    assert (found and document.text[slice(*found.place)]) == said


LETTER = """Dear Mr Jones,

Thank you for the apples, of which there were a great many this year.

Yours sincerely,
Ann Lee"""
AGREEMENT = """SERVICES AGREEMENT

This Services Agreement is entered into on the first day by the two parties below.

By: /s/ Ann Lee
Name: Ann Lee
Title: Chief Executive Officer
Date: ____"""
FRONT = """---
title: "Getting started: a guide"
author: Jane Doe
date: '2026-05-04'
---

Install it, and then start it with the command that stands below this line."""


@pytest.mark.parametrize(
    ("text", "matter", "said"),
    [
        (LETTER, "author", "Ann Lee"),
        (AGREEMENT, "title", "SERVICES AGREEMENT"),
        (AGREEMENT, "author", None),
        (AGREEMENT, "date", None),
        (FRONT, "title", "Getting started: a guide"),
        (FRONT, "author", "Jane Doe"),
        (FRONT, "date", "2026-05-04"),
        ("CREDIT AGREEMENT\n\nIt is agreed.", "source", None),
        ("Minutes of the Board held on 5 May 2026\n\nAll came.", "date", "5 May 2026"),
        ("Note\n\nDATE: MAY 5, 2026", "date", "MAY 5, 2026"),
        ("Updated 10:05 AM EDT, Tue May 5, 2026", "update", "10:05 AM EDT, Tue May 5, 2026"),
        ("Bridge opens\nby Jane Doe\n\nIt is open.", "author", "Jane Doe"),
        ("Due Date: 30 June 2026\nInvoice Date: 1 June 2026", "date", "1 June 2026"),
        ("From: 1 May 2026\nTo: 31 May 2026\nRe: Account", "author", None),
        ("From: 1 May 2026\nTo: 31 May 2026\nRe: Account", "recipient", None),
        ("FOR IMMEDIATE RELEASE\n\nBridge opens\n\nIt is open.", "title", "Bridge opens"),
        ("ANN LEE: Thanks for having me on the show.\n\nBOB: Yes.", "title", None),
        ("Title: Learning C#", "title", "Learning C#"),
        ("Subject: Budget 2026 - final version", "title", "Budget 2026 - final version"),
        ("Authors: Ann Lee; Bob Ray; Cy Dee", "author", "Ann Lee; Bob Ray; Cy Dee"),
        (
            "Word " * 790 + "\nSource: The Harbour Gazette of Oslo",
            "source",
            "The Harbour Gazette of Oslo",
        ),
        ("x" * 5000 + " who said that published: 5 May 2020", "date", None),
    ],
)
def test_documents_of_many_kinds_are_quoted_whole_or_not_at_all(text, matter, said):
    document = parse(text.encode(), "a.md" if text is FRONT else "a.txt")
    found = told(document, matter)
    assert (found and document.text[slice(*found.place)]) == said


@pytest.mark.parametrize(
    ("line", "matter"),
    [
        ("By Hand Delivery", "author"),
        ("BY EMAIL", "author"),
        ("BY CERTIFIED MAIL, RETURN RECEIPT REQUESTED", "author"),
        ("By Public Transport", "author"),
        ("By Popular Demand", "author"),
        ("By Business Segment", "author"),
        ("Written by hand in 1600, it was lost for three centuries", "author"),
        ("Compiled by GCC 12.2 on Linux x86_64 with all optimisations turned on.", "author"),
        ("Published in May 2024", "source"),
        ("Released by Hamas on Sunday, the three women were taken", "source"),
        ("Expiration Date: 31 December 2026", "date"),
        ("Attack on Pearl Harbor, December 7, 1941", "date"),
        ("September 1, 1939: Germany Invades Poland", "date"),
        ("Released May 5, 2020 by Acme Records, the album sold well", "date"),
        ("By DOWNLOADING, you agree.", "author"),
        ("By Monday, 4 May, all was over.", "author"),
        ("by: its maker", "author"),
        ("Release 1.7.12 of the program", "date"),
        ("provided by Node.js and others", "source"),
        ("GNU Lesser Public License (LGPL) - a licence", "source"),
        ("Copyright 2026 Ann Lee", "title"),
        ("It rained, and", "title"),
    ],
)
def test_what_only_looks_like_such_a_line_is_none(line, matter):
    assert (
        told(parse(f"{line}\n\nThen it rained for days on end.".encode(), "a.txt"), matter) is None
    )


def test_a_table_says_nothing_of_itself():
    assert told(parse(b"Title: Prices\nDate,1 May 2026", "a.csv"), "date") is None


@given(st.text(alphabet="By Ann:5May2026\n#*-() Title", max_size=80))
def test_what_is_found_is_a_run_of_the_text(text):
    document = parse(f"x{text}".encode(), "a.txt")
    for matter in ("author", "date", "source", "credit", "title", "topic", "update", "recipient"):
        found = told(document, matter)
        if found is not None:
            assert 0 <= found.place.start < found.place.end <= len(document.text)
            quote = document.text[slice(*found.place)]
            assert quote == quote.strip() and any(map(str.isalnum, quote))
