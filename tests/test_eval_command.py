"""`citespan eval` and `suggest`: what they write and compare, and with which exit code."""

import json
from pathlib import Path

import pytest

import qa
from tests.golden_fakes import harbour
from ui import cli

FOUNDED = "when was the harbour founded?"
GOLDEN = f"""\
- question: {FOUNDED}
  answers: ["1708"]
- question: who sank the boats?
  unanswerable: true
"""


@pytest.fixture
def assistant(tmp_path, monkeypatch):
    """Three small documents, read by a reader that follows a table."""
    made = harbour(tmp_path, {FOUNDED: ("1708", 4.0)})
    monkeypatch.setattr(qa, "open", lambda *_, **__: made, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "golden.yaml").write_text(GOLDEN, encoding="utf-8")
    return made


def run(capsys, *arguments, command="eval"):
    code = cli.main([command, *arguments])
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    return code, out, err


def test_a_run_is_kept_as_json_and_as_a_page(capsys, assistant, tmp_path):
    code, out, _ = run(capsys, "golden.yaml", "--save", "run.json", "--html", "run.html")
    assert code == 0
    assert "answered pairs: exact match" in out
    assert len(json.loads((tmp_path / "run.json").read_text())["records"]) == 2
    assert "golden.yaml: 2 of 2 right</h1>" in (tmp_path / "run.html").read_text()


@pytest.mark.parametrize("option", ["--save", "--html"])
def test_a_place_without_a_folder_is_named_before_anything_is_asked(capsys, assistant, option):
    # It was found out after the last question, as a bug of ours, and the run was lost.
    assistant.ask_stages = None
    code, out, err = run(capsys, "golden.yaml", option, "runs/monday")
    assert (code, out) == (2, "")
    assert "runs/monday: found no folder runs to write to; make it with: mkdir -p runs" in err
    code, _, err = run(capsys, "golden.yaml", option, "documents")
    assert code == 2
    assert "documents: cannot be written, expected a file's name in a writable folder" in err


def test_a_suggested_set_without_a_folder_is_named_before_anything_is_asked(capsys, assistant):
    assistant.ask = None
    code, _, err = run(capsys, "--save", "sets/new.yaml", command="suggest")
    assert code == 2
    assert "sets/new.yaml: found no folder sets to write to" in err


def test_a_threshold_of_the_project_decides_the_exit_code(capsys, assistant, tmp_path):
    assistant.reader.table[FOUNDED] = ("Lerwick", 4.0)
    assert run(capsys, "golden.yaml")[0] == 0
    (tmp_path / "pyproject.toml").write_text("[tool.citespan.eval]\nexact_match = 0.9\n")
    code, _, err = run(capsys, "golden.yaml")
    assert code == 1
    assert err.strip().endswith("citespan: exact_match 0.000 is below the threshold 0.9")
    assert run(capsys, "golden.yaml", "--threshold", "exact_match=0")[0] == 0


def test_the_documents_are_those_that_pytest_would_ask(capsys, assistant, tmp_path, monkeypatch):
    # One golden set, asked of two libraries by two doors, would pass in one and fail in the other.
    opened = []

    def open_them(documents, **_):
        opened.append(documents)
        return assistant

    monkeypatch.setattr(qa, "open", open_them, raising=False)
    sets = tmp_path / "sets"
    sets.mkdir()
    (sets / "golden.yaml").write_text(GOLDEN)
    _, _, err = run(capsys, "sets/golden.yaml")
    assert f"Asked of {sets}; name other documents with --documents." in err
    (tmp_path / "pyproject.toml").write_text(
        '[tool.pytest.ini_options]\ncitespan_documents = ["documents"]\n'
    )
    run(capsys, "sets/golden.yaml")
    _, _, err = run(capsys, "sets/golden.yaml", "--documents", "elsewhere")
    assert opened == [[sets], [tmp_path / "documents"], [Path("elsewhere")]]
    assert "Asked of" not in err


def test_an_answer_that_broke_is_named_and_is_exit_code_1(capsys, assistant):
    run(capsys, "golden.yaml", "--save", "before.json")
    assistant.reader.table[FOUNDED] = ("Lerwick", 4.0)
    run(capsys, "golden.yaml", "--save", "after.json")
    code, out, _ = run(capsys, "--compare", "before.json", "after.json")
    assert code == 1
    assert f"1 broken\n  {FOUNDED}\n      “1708” → “Lerwick”  (not read)" in out
    code, out, _ = run(capsys, "--compare", "after.json", "before.json", "--json")
    assert code == 0
    assert json.loads(out)["flips"][0]["mended"] is True


def test_a_set_or_two_runs_and_not_both_nor_neither(capsys, assistant):
    for arguments in ([], ["golden.yaml", "--compare", "a.json", "b.json"]):
        code, _, err = run(capsys, *arguments)
        assert code == 2
        assert "expected a golden set, or --compare BEFORE AFTER" in err


def test_a_run_that_is_not_there_is_named(capsys, assistant):
    code, _, err = run(capsys, "--compare", "nowhere.json", "golden.yaml")
    assert code == 2
    assert "nowhere.json: no such file; expected a run saved by --save" in err


def test_a_squad_file_is_asked_over_other_documents_without_its_paragraphs(
    capsys, assistant, tmp_path
):
    # Otherwise every answer would be counted as cited from the wrong document.
    context = "The harbour was founded in 1708."
    asked = [{"question": FOUNDED, "answers": [{"text": "1708"}]}]
    data = {"data": [{"title": "Lerwick", "paragraphs": [{"context": context, "qas": asked}]}]}
    (tmp_path / "dev.json").write_text(json.dumps(data))
    _, out, _ = run(capsys, "dev.json", "--documents", "documents", "--json")
    assert json.loads(out)["records"][0]["passed"] is True


def test_a_suggested_set_can_be_asked_at_once(capsys, assistant, tmp_path):
    assistant.reader.table["When was the harbour of Lerwick founded?"] = ("1708", 4.0)
    code, out, _ = run(capsys, "--save", "new.yaml", command="suggest")
    assert code == 0
    assert out.startswith("new.yaml: 1 pairs, and ")
    assert run(capsys, "new.yaml", "--threshold", "exact_match=1")[0] == 0
    code, out, _ = run(capsys, "--limit", "1", command="suggest")
    assert out.count("- question:") == 1


def test_a_set_that_is_there_is_not_overwritten(capsys, assistant, tmp_path):
    code, _, err = run(capsys, "--save", "golden.yaml", command="suggest")
    assert code == 2
    assert "golden.yaml: there already, expected a new file" in err
    assert (tmp_path / "golden.yaml").read_text() == GOLDEN
