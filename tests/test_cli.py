"""The command line as a person types it: what is said, where, and with which exit code."""

from __future__ import annotations

import io
import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

import qa
from qa.config import seeds_folder
from tests.ui_fakes import FakeAssistant, document
from ui import cli, feedback, terminal

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def shared_home(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cli-home")


@pytest.fixture
def real(shared_home, monkeypatch):
    """The shipped weights over a home that this module's tests share."""
    monkeypatch.setenv("CITESPAN_HOME", str(shared_home))


@pytest.fixture
def fake(monkeypatch) -> FakeAssistant:
    """`qa.open` gives hand-written answers."""
    assistant = FakeAssistant()
    monkeypatch.setattr(qa, "open", lambda documents=None, name=None: assistant, raising=False)
    return assistant


@pytest.fixture
def folder(tmp_path) -> Path:
    """An empty folder, beside the home and not around it."""
    made = tmp_path / "papers"
    made.mkdir()
    return made


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    code = cli.main(arguments)
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    return code, out, err


def test_a_named_library_is_found_by_its_name_alone(real, folder, capsys):
    (folder / "note.txt").write_text("Ann built the bridge in 1708.", encoding="utf-8")
    assert run(capsys, "index", str(folder), "--library", "bridges")[0] == 0
    code, out, _ = run(capsys, "library", "--library", "bridges")
    assert code == 0 and "note.txt" in out
    code, _, err = run(capsys, "library", "--library", "tunnels")
    assert code == 2 and "tunnels" in err and "bridges" in err


def test_help_and_version_load_nothing_heavy():
    code = (
        "import sys; from ui import cli; codes = [cli.main(['--help']), cli.main(['--version'])];"
        "heavy = [m for m in ('torch', 'gradio', 'onnxruntime', 'faiss', 'numpy')"
        " if m in sys.modules]; print(codes, heavy)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[0, 0] []"
    assert "citespan 0." in done.stdout
    for command in ("ask", "chat", "index", "library", "serve", "mcp", "eval"):
        assert f"  {command} " in done.stdout


def test_an_answer_is_printed_with_its_sentence_and_place(capsys, fake):
    code, out, err = run(capsys, "ask", "When was the harbour founded?")
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "1708"
    assert "founded in [1708] by Dutch herring fishers." in out
    assert "harbour.txt" in out


def test_a_refusal_is_printed_with_the_nearest_place_and_exit_code_1(capsys, fake):
    code, out, _ = run(capsys, "ask", "How deep is the water?")
    assert code == 1
    assert out.startswith("The documents do not say")
    assert "harbour.txt" in out


def test_json_holds_the_whole_answer(capsys, fake):
    code, out, _ = run(capsys, "ask", "When was the harbour founded?", "--json")
    data = json.loads(out)
    assert code == 0
    assert data["text"] == "1708"
    assert data["citations"][0]["quote"] == "1708"
    assert data["citations"][0]["place"] == "harbour.txt"


def test_a_refusal_is_followed_by_a_question_that_is_answered(capsys, fake):
    fake.offers = {"how deep is the water?": "How many boats are there?"}
    code, out, _ = run(capsys, "ask", "How deep is the water?")
    assert code == 1
    assert out.startswith("The documents do not say")
    assert out.endswith("They do answer: How many boats are there?\n")
    code, out, _ = run(capsys, "ask", "How deep is the water?", "--json")
    assert json.loads(out)["refusal"]["instead"] == "How many boats are there?"


def test_a_question_can_come_from_standard_input(capsys, fake, monkeypatch):
    # The one way in for a question longer than a system's limit for arguments.
    monkeypatch.setattr(sys, "stdin", io.StringIO("When was the harbour founded?\n"))
    code, out, _ = run(capsys, "ask", "-")
    assert (code, out.splitlines()[0]) == (0, "1708")


def test_on_a_terminal_the_quote_is_highlighted_and_nothing_drives_it(fake):
    evil = document("evil.txt", "The code is \x1b]0;owned\x07[bold]42[/bold] here.")
    fake.documents = (evil,)
    fake.questions = {"code?": "[bold]42[/bold]"}
    printed = io.StringIO()
    console = Console(file=printed, force_terminal=True, color_system="truecolor", width=200)
    terminal.show(fake.ask("code?"), console)
    said = printed.getvalue()
    # 255;224;122 is the highlight; the words in it are literal, markup and all.
    assert "48;2;255;224;122m[bold]42[/bold]" in said
    assert "\x1b]0" not in said and "\x07" not in said


def test_an_empty_question_is_an_error(capsys, real):
    code, out, err = run(capsys, "ask", "")
    assert (code, out) == (2, "")
    assert err.startswith("citespan: ") and "empty" in err


def test_a_question_of_a_megabyte_is_an_error_that_names_the_limit(capsys, real, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("why " * 262_144))
    code, out, err = run(capsys, "ask", "-")
    assert (code, out) == (2, "")
    assert "1,000" in err or "1000" in err
    assert len(err) < 1000


def test_a_question_of_emoji_is_an_error_not_an_answer(capsys, real):
    code, out, err = run(capsys, "ask", "🚢🚢🚢 🤔")
    assert (code, out) == (2, "")
    assert "no word in the question" in err


def test_the_sample_article_answers(capsys, real):
    code, out, _ = run(capsys, "ask", "who designated the cartel?")
    assert (code, out.splitlines()[0]) == (0, "U.S. State Department")
    assert "000_d339585c7434496a.txt" in out


def test_an_empty_folder_is_told_apart_from_silence(capsys, folder):
    code, _, err = run(capsys, "index", str(folder))
    assert code == 2
    assert "found no document" in err and str(folder) in err


def test_asking_an_empty_folder_ends_with_a_message(capsys, folder):
    code, out, err = run(capsys, "ask", "why?", "--documents", str(folder))
    assert (code, err) == (1, "")
    assert "There is no documents to search" in out or "no documents" in out


def test_a_folder_of_binary_files_names_each_of_them(capsys, folder):
    for name in ("a.txt", "b.md"):
        (folder / name).write_bytes(bytes(range(256)) * 8)
    code, out, err = run(capsys, "index", str(folder))
    assert code == 2
    assert "2 not readable" in out
    assert "a.txt" in err and "b.md" in err


def test_a_good_file_among_bad_ones_is_indexed(capsys, folder):
    (folder / "bad.txt").write_bytes(bytes(range(256)) * 8)
    (folder / "good.txt").write_text("The harbour was founded in 1708.", encoding="utf-8")
    code, out, err = run(capsys, "index", str(folder))
    assert code == 0
    assert "1 added, 1 not readable" in out and "bad.txt" in err
    code, out, _ = run(capsys, "library", str(folder))
    assert code == 0
    assert "good.txt" in out and "failed" in out


@pytest.mark.parametrize("command", [["index"], ["serve", "--port", "0"], ["ask", "why?", "-d"]])
def test_a_missing_path_is_named(capsys, tmp_path, command):
    code, out, err = run(capsys, *command, str(tmp_path / "nowhere"))
    assert (code, out) == (2, "")
    assert "nowhere" in err


def test_missing_weights_are_named_with_what_mends_it(capsys, tmp_path, monkeypatch, real):
    monkeypatch.setenv("CITESPAN_WEIGHTS", str(tmp_path / "no-weights"))
    code, out, err = run(capsys, "ask", "who designated the cartel?")
    assert (code, out) == (2, "")
    assert "no-weights" in err


def test_a_public_address_needs_a_login(capsys):
    for host in ("0.0.0.0", "::", "192.0.2.7", "example.org"):
        code, out, err = run(capsys, "serve", "--host", host)
        assert (code, out) == (2, "")
        assert f"--host {host} --auth NAME:PASSWORD" in err


def test_a_login_without_a_password_is_refused(capsys):
    code, _, err = run(capsys, "serve", "--auth", "ada")
    assert code == 2
    assert "NAME:PASSWORD" in err


def test_a_passphrase_in_the_environment_is_kept_whole(capsys, monkeypatch):
    """Split at its space it was two logins, one of a shorter password and one of nobody's."""
    monkeypatch.setenv("CITESPAN_AUTH", "ada:her pass:word\n\nbob:x")
    given = []
    monkeypatch.setattr("ui.cli.parse_login", lambda pair: given.append(pair) or ("a", "b"))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert run(capsys, "serve", "--port", str(taken.getsockname()[1]))[0] == 2
    assert given == ["ada:her pass:word", "bob:x"]


def test_a_port_in_use_is_named(capsys, real):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, out, err = run(capsys, "serve", "--port", str(port))
    assert (code, out) == (2, "")
    assert str(port) in err and "--port 0" in err


def test_a_bug_is_one_line_and_its_traceback_on_demand(capsys, fake, monkeypatch):
    fake.broken = RuntimeError("the moon fell")
    code, out, err = run(capsys, "ask", "why?")
    assert (code, out) == (2, "")
    assert err.startswith("citespan: unexpected RuntimeError: the moon fell;")
    assert len(err.splitlines()) == 1
    monkeypatch.setenv("CITESPAN_DEBUG", "1")
    with pytest.raises(RuntimeError, match="the moon fell"):
        cli.main(["ask", "why?"])


def test_wrong_usage_is_exit_code_2(capsys):
    assert run(capsys, "ask")[0] == 2
    assert run(capsys, "fly")[0] == 2
    assert run(capsys, "eval", "golden.yaml", "--threshold", "exact_match")[0] == 2
    code, _, err = run(capsys, "eval", "nowhere.yaml")
    assert code == 2
    assert "nowhere.yaml" in err


def test_a_golden_set_is_asked_and_a_missed_threshold_is_exit_code_1(capsys, real, tmp_path):
    golden = tmp_path / "golden.yaml"
    golden.write_text(
        "- question: who designated the cartel?\n  answers: [U.S. State Department]\n"
        "- question: who designated the cartel?\n  answers: [the moon]\n",
        encoding="utf-8",
    )
    kept = tmp_path / "run.json"
    asked = ["eval", str(golden), "--documents", str(seeds_folder())]
    command = [*asked, "--save", str(kept), "--threshold"]
    code, out, err = run(capsys, *command, "exact_match=0.4")
    assert (code, err) == (0, "")
    assert "0.500" in out
    code, _, err = run(capsys, *command, "exact_match=0.9")
    assert code == 1
    assert "exact_match 0.500 is below the threshold 0.9" in err
    assert len(json.loads(kept.read_text(encoding="utf-8"))["records"]) == 2


def test_what_was_marked_on_the_page_is_asked_again(capsys, real):
    assistant = qa.open()
    answer = assistant.ask("Who designated the Sinaloa cartel?")
    path = feedback.golden_path(assistant.settings.home, assistant.library.folder.name)
    assert feedback.keep(path, feedback.pair_of(answer, [], None)) == 1
    code, out, err = run(capsys, "eval", "--kept")
    assert (code, err) == (0, "")
    assert "unanswerable" in out


def test_a_chat_understands_a_follow_up_and_survives_an_empty_one(capsys, monkeypatch):
    assistant = FakeAssistant()
    monkeypatch.setattr(qa, "open", lambda *_, **__: assistant, raising=False)
    lines = iter(["When was the harbour founded?", "🚢" * 2000, "How many boats are there?", ""])
    monkeypatch.setattr("ui.cli.prompt", lambda console: next(lines))
    code, out, err = run(capsys, "chat")
    assert code == 0
    assert "1708" in out and "212 boats" in out
    assert "at most 1000" in err
    assert [len(history) for history in assistant.histories] == [0, 1, 1]
