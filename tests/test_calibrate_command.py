"""`citespan calibrate`: fits confidence to a user's own pairs, keeps it with the library, undoes.

The library is real and its reader follows a table. The reader is surest of what is wrong: only the
questions whose words stand in the answer's sentence are right. A calibration can learn that.
"""

import json
import logging
import re
from dataclasses import replace

import pytest

import qa
from index.errors import LibraryError
from qa import golden, own_calibration
from qa.calibration import Calibration
from qa.golden import GoldenError
from qa.own_calibration import in_force, path_of
from qa.recalibration import calibrate, undo
from tests.golden_fakes import harbour
from ui import cli

RIGHT = [f"When was the harbour of Lerwick founded, {n}?" for n in range(20)]
WRONG = [f"Which colour has the sea on day {n}?" for n in range(20)]
TABLE = {**dict.fromkeys(RIGHT, ("1708", 1.0)), **dict.fromkeys(WRONG, ("12", 3.0))}
GOLDEN = "".join(
    [f"- {{question: '{question}', answers: ['1708']}}\n" for question in RIGHT]
    + [f"- {{question: '{question}', unanswerable: true}}\n" for question in WRONG]
)


@pytest.fixture
def assistant(tmp_path, monkeypatch):
    made = harbour(tmp_path, TABLE)
    weights = tmp_path / "weights"
    weights.mkdir()
    Calibration(fitted_on="the shipped one").save(weights / "calibration.json")
    made.settings = made.settings.model_copy(update={"weights": weights})
    made.calibration = Calibration.load(weights / "calibration.json")
    monkeypatch.setattr(qa, "open", lambda *_, **__: made, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "golden.yaml").write_text(GOLDEN, encoding="utf-8")
    return made


def run(capsys, *arguments):
    code = cli.main(["calibrate", *arguments])
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    return code, out, err


def test_what_was_wrong_with_confidence_is_right_after_a_calibration(capsys, assistant):
    assert assistant.ask(WRONG[0])  # surest of what the documents do not say
    code, out, _ = run(capsys, "golden.yaml", "--documents", "documents")
    assert code == 0
    brier = re.search(r"Brier score +([\d.]+) +([\d.]+)", out)
    assert float(brier[1]) > 0.3 > 0.1 > float(brier[2])
    assert "Better: change of the Brier score -" in out
    assert "50% of what is asked has no answer" in out
    assert re.search(r"coverage +– +\d+\.\d+   share of the question's content words", out)
    assert not assistant.ask(WRONG[0])
    answer = assistant.ask(RIGHT[0])
    assert answer.text == "1708"
    assert re.fullmatch(r"40 pairs of golden\.yaml, \d{4}-\d\d-\d\d", answer.calibration)


def test_it_is_kept_with_the_library_and_taken_back_a_step_at_a_time(capsys, assistant):
    library, settings = assistant.library.folder, assistant.settings
    assert in_force(library, settings) is None
    run(capsys, "golden.yaml")
    first = in_force(library, settings)
    assert first == assistant.calibration
    _, out, _ = run(capsys, "golden.yaml", "--target-accuracy", "0.6")
    assert in_force(library, settings) != first
    assert "To go back: citespan calibrate golden.yaml --undo" in out
    code, out, _ = run(capsys, "golden.yaml", "--undo")
    assert (code, in_force(library, settings)) == (0, first)
    assert out.startswith("In force again: 40 pairs of golden.yaml")
    _, out, _ = run(capsys, "--undo")
    assert out == "In force again: the shipped one\n"
    assert assistant.calibration == Calibration(fitted_on="the shipped one")
    code, _, err = run(capsys, "--undo")
    assert code == 2
    assert "found no calibration of this library's own to undo" in err


def test_a_dry_run_keeps_nothing(capsys, assistant):
    before = assistant.calibration
    _, out, _ = run(capsys, "golden.yaml", "--dry-run")
    assert out.endswith("Nothing was kept (--dry-run).\n")
    assert not path_of(assistant.library.folder).exists()
    assert assistant.calibration == before


def test_without_a_set_it_shows_what_is_in_force(capsys, assistant):
    code, out, _ = run(capsys)
    assert code == 0
    assert out.startswith("In force: the shipped one\n")
    assert "the reader's log-odds of the span against “no answer here”" in out


def test_a_program_gets_json(capsys, assistant):
    _, out, _ = run(capsys, "golden.yaml", "--dry-run", "--json")
    found = json.loads(out)
    assert found["after"]["brier"] < found["before"]["brier"]
    parts = {"ranking", "confidence", "threshold", "fitted_on", "stopping", "refusing"}
    assert set(found["calibration"]) == parts


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (GOLDEN[: GOLDEN.index("- {question: 'Which")],
         "found 20 answered and 0 unanswerable pairs; when to refuse cannot be learned"),
        (GOLDEN[GOLDEN.index("- {question: 'Which"):],
         "found 0 answered and 20 unanswerable pairs; when to answer cannot be learned"),
        ("".join(GOLDEN.splitlines(keepends=True)[18:23]),
         "found 2 answered and 3 unanswerable pairs, expected at least 20 pairs and 5 of each"),
        (GOLDEN.replace("1708", "1066"), "leave nothing to learn (found 0 right answers"),
    ],
)  # fmt: skip
def test_pairs_that_cannot_be_learned_from_are_named(capsys, assistant, tmp_path, content, message):
    (tmp_path / "golden.yaml").write_text(content)
    code, _, err = run(capsys, "golden.yaml")
    assert code == 2
    assert message in err
    assert not path_of(assistant.library.folder).exists()


def test_a_target_out_of_reach_is_an_error_and_changes_nothing(capsys, assistant, tmp_path):
    # Every second answer of a kind that cannot be told apart is wrong.
    rows = [f"- {{question: '{q}', answers: ['{'1708' if n % 2 else '1066'}']}}\n"
            for n, q in enumerate(RIGHT)]  # fmt: skip
    rows += GOLDEN.splitlines(keepends=True)[20:]
    (tmp_path / "golden.yaml").write_text("".join(rows))
    code, _, err = run(capsys, "golden.yaml", "--target-accuracy", "0.99")
    assert code == 2
    assert "no threshold makes 0.99 of the answers given right on these pairs" in err
    assert not path_of(assistant.library.folder).exists()


def test_a_share_is_asked_for_and_not_a_percentage(capsys, assistant):
    code, _, err = run(capsys, "golden.yaml", "--target-accuracy", "90")
    assert code == 2
    assert "--target-accuracy: found 90, expected a share such as 0.9" in err


def test_a_set_with_its_own_documents_needs_a_library(capsys, assistant, tmp_path):
    asked = [{"question": "who?", "answers": [{"text": "Ann"}]}]
    data = {"data": [{"title": "A", "paragraphs": [{"context": "Ann did.", "qas": asked}]}]}
    (tmp_path / "dev.json").write_text(json.dumps(data))
    code, _, err = run(capsys, "dev.json")
    assert code == 2
    assert "found a set that brings its documents along, expected --documents" in err


def test_a_calibration_of_another_reader_is_not_used_and_said_so(assistant, caplog):
    # Scores of a new reader mean something else: confidence would be wrong without a word.
    calibrate(assistant, golden.load("golden.yaml"))
    other = assistant.settings.model_copy(update={"reader": "somebody/reader"})
    with caplog.at_level(logging.WARNING):
        assert in_force(assistant.library.folder, other) is None
    assert "fitted with another reader or embedder and is not used" in caplog.text


def test_a_damaged_file_is_named_and_never_half_used(assistant):
    path = path_of(assistant.library.folder)
    calibrate(assistant, golden.load("golden.yaml"))
    path.write_text(path.read_text()[:-40])
    with pytest.raises(LibraryError, match=r"found no calibrations of format 1 .* move the file"):
        in_force(assistant.library.folder, assistant.settings)


def test_a_calibration_that_cannot_be_used_names_a_way_out_that_works(assistant):
    # "--undo" was named, which opens the assistant, which failed of the same calibration.
    path, library = path_of(assistant.library.folder), assistant.library.folder
    calibrate(assistant, golden.load("golden.yaml"))
    kept = json.loads(path.read_text())
    kept["calibrations"][-1]["threshold"] = "high"
    path.write_text(json.dumps(kept))
    with pytest.raises(LibraryError, match=r"move the file away to go back to the shipped"):
        in_force(library, assistant.settings)
    path.rename(path.with_suffix(".old"))
    assert in_force(library, assistant.settings) is None


def test_a_full_disk_leaves_what_was_there(assistant, monkeypatch):
    calibrate(assistant, golden.load("golden.yaml"))
    path = path_of(assistant.library.folder)
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(own_calibration.os, "fsync", full)
    with pytest.raises(LibraryError, match="could not be written .*nothing has changed"):
        undo(assistant)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_set_among_its_own_documents_is_not_fitted_to(assistant, tmp_path):
    text = "\n".join(["question,answers,unanswerable"] + [f'"{q}",1708,' for q in RIGHT]
                     + [f'"{q}",,true' for q in WRONG])  # fmt: skip
    (tmp_path / "documents" / "golden.csv").write_text(text)
    assistant.library.sync()
    with pytest.raises(GoldenError, match="is one of the documents"):
        calibrate(assistant, golden.load(tmp_path / "documents" / "golden.csv"))


def test_weights_that_do_no_better_are_left_as_they_are(assistant):
    # Right and wrong are tossed for, and the shipped calibration says so: nothing can be gained.
    assistant.reader.table = dict.fromkeys(RIGHT, ("1708", 0.0))
    other = {0, 3, 5, 6, 8, 11, 13, 14, 16, 19}
    asked = enumerate(golden.load("golden.yaml"))
    tossed = [replace(p, answers=("1066",)) if n in other else p for n, p in asked]
    pairs = replace(golden.load("golden.yaml"), pairs=tuple(tossed))
    found = calibrate(assistant, pairs, keep_it=False)
    assert not found.new_weights
    assert found.calibration.confidence == found.shipped.confidence
    assert "only the threshold is new" in found.text()
