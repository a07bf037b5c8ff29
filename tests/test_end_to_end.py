"""The whole path with the shipped weights: a question in, a quote with its exact place out.

If one of these fails, a person who asks the sample article is told something that it does not say,
is refused what it does say, waits for ever, or is watched.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import qa
from index.errors import QuestionError
from qa.evaluate import exact_match, f1
from qa.goldenset import GoldenSet, load

if TYPE_CHECKING:
    from qa.answer import Answer, Citation
    from qa.assistant import Assistant

ROOT = Path(__file__).resolve().parent.parent
CITESPAN = str(Path(sys.executable).parent / "citespan")
PATIENCE = 30.0  # seconds; an ask takes well under one on an idle machine

# What the shipped weights reach on the golden set, answered and refused alike, so that no change
# loses it unseen: 0.95 EM and F1 and 0.95 refused (the bars are 0.95, 0.93 and 0.95).
REACHED = 0.954
MARGIN = 0.05  # two questions: processors with and without VNNI round int8 products differently

# Note every connection and look-up that a Python process asks for, and let none out.
WATCH = """
import os, sys
def watch(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.sendto"}:
        address = arguments[0] if event == "socket.getaddrinfo" else arguments[1]
        if not isinstance(address, (str, bytes)) or event == "socket.getaddrinfo":
            with open(os.environ["WATCHED"], "a") as log:
                log.write(f"{event} {address!r}\\n")
            raise OSError(f"no network here: {address!r}")
sys.addaudithook(watch)
"""


@pytest.fixture(scope="module")
def golden() -> GoldenSet:
    return load(ROOT / "seeds" / "golden.yaml")


@pytest.fixture(scope="module")
def answers(seed_assistant: Assistant, golden: GoldenSet) -> list[Answer]:
    return seed_assistant.ask_many([pair.question for pair in golden])


def inexact(assistant: Assistant, citations: tuple[Citation, ...]) -> list[Citation]:
    """Return the citations whose offsets do not cut their own words out of the stored text."""
    wrong = []
    for cited in citations:
        text = assistant.library.document(cited.document).text
        quote, sentence = (
            text[cited.start : cited.end],
            text[cited.sentence_start : cited.sentence_end],
        )
        inside = cited.sentence_start <= cited.start < cited.end <= cited.sentence_end
        if (quote, sentence) != (cited.quote, cited.sentence) or not inside:
            wrong.append(cited)
    return wrong


def test_the_first_question() -> None:
    answer = qa.ask("who designated the cartel?")
    assert answer.text == "U.S. State Department"
    assert "announced plans to designate the Cartel de los Soles" in answer.citations[0].sentence
    assert answer.citations[0].document == "000_d339585c7434496a.txt"


def test_the_golden_questions_are_answered(golden: GoldenSet, answers: list[Answer]) -> None:
    asked = [(p, a) for p, a in zip(golden, answers, strict=True) if not p.unanswerable]
    missed = [(p.question, a.text) for p, a in asked if not exact_match(a.text, p.answers)]
    exact = 1 - len(missed) / len(asked)
    overlap = sum(f1(a.text, p.answers) for p, a in asked) / len(asked)
    assert exact >= REACHED - MARGIN, missed
    assert overlap >= REACHED - MARGIN, missed


def test_what_the_article_does_not_say_is_refused(golden: GoldenSet, answers: list[Answer]) -> None:
    asked = [(p, a) for p, a in zip(golden, answers, strict=True) if p.unanswerable]
    answered = [(p.question, a.text, a.confidence) for p, a in asked if a]
    assert 1 - len(answered) / len(asked) >= REACHED - MARGIN, answered
    assert all(a.refusal and a.refusal.message for _, a in asked if not a)


def test_a_question_mark_changes_nothing(
    seed_assistant: Assistant, golden: GoldenSet, answers: list[Answer]
) -> None:
    asked = [(p.question, a) for p, a in zip(golden, answers, strict=True)]
    other = [q.removesuffix("?") if q.endswith("?") else q + "?" for q, _ in asked]
    changed = seed_assistant.ask_many(other)
    # Confidence too, but for what the embedder makes of the mark.
    assert [(q, a.text) for q, a in asked] == [
        (q, b.text) for (q, _), b in zip(asked, changed, strict=True)
    ]


def test_every_citation_is_the_text_at_its_place(
    seed_assistant: Assistant, answers: list[Answer]
) -> None:
    cited = [
        citation
        for answer in answers
        for citation in (*answer.citations, *(answer.refusal.nearest if answer.refusal else ()))
    ]
    assert len(cited) >= len(answers)
    assert inexact(seed_assistant, tuple(cited)) == []
    assert [a.question for a in answers if a and a.text != a.citations[0].quote] == []


def test_asking_together_is_asking_one_by_one(
    seed_assistant: Assistant, golden: GoldenSet, answers: list[Answer]
) -> None:
    some = list(zip(golden, answers, strict=True))[::9]
    assert [seed_assistant.ask(pair.question).text for pair, _ in some] == [a.text for _, a in some]


@pytest.mark.parametrize(
    "question",
    [
        "🚢 who designated the cartel? 👩‍👩‍👧‍👦👍🏽🇻🇪",
        "מי הגדיר את הקרטל?",
        "\u202eletrac eht detangised ohw\u202c",
        "who\u0301 de\u0308signated the ca\u0327rtel\u0301?",
        "e" + "\u0301" * 900,
        "a" * 999,
        'who "designated" AND (the* NEAR cartel) OR NOT col:x ^ ; DROP TABLE documents; --',
        "\x00who\x00 designated\r\nthe cartel?\x1b[31m",
        "<script>alert(1)</script>",
        "the of and",
    ],
    ids=lambda question: ascii(question)[:30],
)
def test_a_strange_question_gets_a_reply(seed_assistant: Assistant, question: str) -> None:
    began = time.perf_counter()
    answer = seed_assistant.ask(question)
    assert time.perf_counter() - began < PATIENCE
    assert bool(answer) is (answer.refusal is None)
    assert answer.question == question
    assert inexact(seed_assistant, answer.citations) == []


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ("", "an empty question"),
        (" \t\r\n\u3000", "an empty question"),
        ("q" * 1_048_576, "1,048,576 characters, expected at most 1,000"),
        ("why? " * 20_000, "100,000 characters, expected at most 1,000"),
        ("🚢👩‍👩‍👧‍👦👍🏽🇻🇪", "no word in the question"),
        ("?!\u200b\u0301", "no word in the question"),
    ],
    ids=["empty", "blank", "1 MB", "100,000 characters", "emoji", "marks"],
)
def test_a_question_that_cannot_be_asked(
    seed_assistant: Assistant, question: str, message: str
) -> None:
    began = time.perf_counter()
    with pytest.raises(QuestionError, match=message):
        seed_assistant.ask(question)
    assert time.perf_counter() - began < 1.0


# --- without a network ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Island:
    """A place without a route: runs commands there and knows whether one looked for a way out."""

    folder: Path
    home: Path

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in a network namespace of its own where permitted, watched everywhere."""
        alone = ["unshare", "--net"]
        permitted = shutil.which("unshare") and not subprocess.run([*alone, "true"]).returncode
        (self.folder / "sitecustomize.py").write_text(WATCH, encoding="utf-8")
        environment = os.environ | {
            "PYTHONPATH": str(self.folder),
            "WATCHED": str(self.folder / "log"),
            "CITESPAN_HOME": str(self.home),
        }
        return subprocess.run(
            [*(alone if permitted else []), *command],
            env=environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=180,
        )

    @property
    def attempts(self) -> list[str]:
        """What was connected to or looked up."""
        log = self.folder / "log"
        return log.read_text(encoding="utf-8").splitlines() if log.exists() else []


@pytest.fixture
def island(tmp_path: Path, home: Path) -> Island:
    folder = tmp_path / "island"
    folder.mkdir()
    return Island(folder, home)


def test_the_island_notices_a_way_out(island: Island) -> None:
    script = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=5)"
    done = island.run(sys.executable, "-c", script)
    assert done.returncode != 0
    assert "192.0.2.1" in "".join(island.attempts)


def test_index_and_ask_without_a_network(island: Island, tmp_path: Path) -> None:
    papers = tmp_path / "papers"
    papers.mkdir()
    (papers / "lease.txt").write_text(
        "The lease of the mill was signed by Ada Norling on 4 May 1921.\n"
        "Its rent was forty crowns a year.\n",
        encoding="utf-8",
    )
    indexed = island.run(CITESPAN, "index", str(papers))
    assert indexed.returncode == 0, indexed.stderr

    asked = island.run(
        CITESPAN, "ask", "Who signed the lease?", "--documents", str(papers), "--json"
    )
    assert asked.returncode == 0, asked.stderr
    answer = json.loads(asked.stdout)
    assert answer["text"] == "Ada Norling"
    assert answer["citations"][0]["document"] == "lease.txt"
    assert island.attempts == [], "looked for a way out"
