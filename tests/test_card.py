"""The model card: whoever reads it can make the weights again, start included."""

import json

from qa.train import card
from qa.train.start import CROSS_ENCODER, described

PLAN = {
    "steps": 8,
    "tokens": 320,
    "seed": 3,
    "swapped": 0.25,
    "conditioned": 0.7,
    "shorter": 0.35,
}
FIRST_MADE = {
    "start": CROSS_ENCODER,
    "steps": 4,
    "plan": {**PLAN, "steps": 4, "seed": 1},
    "mixed_with": [{"steps": 4, "plan": {**PLAN, "steps": 4, "seed": 2}}],
}


def weights(folder, made, checksum="ab12"):
    folder.mkdir()
    config = {"score": {"bias": -1.5, "margin": 0.5}, "sha256": {"reader.onnx": checksum}}
    (folder / "config.json").write_text(json.dumps({**config, "made": made}))
    (folder / "reader.onnx").touch()
    return folder


def written(tmp_path, made):
    run = tmp_path / "run"
    run.mkdir()
    log = [{"time": 1, "step": 8, "loss": 0.5}, {"time": 2, "step": 8, "f1": 70.5}]
    (run / "log.jsonl").write_text("\n".join(map(json.dumps, log)))
    out = weights(tmp_path / "out", made)
    card.write(out, run)
    return (out / "README.md").read_text()


def test_a_reader_from_the_public_start_names_its_command_and_its_figures(tmp_path):
    text = written(tmp_path, FIRST_MADE)
    assert "* Start: `ms-marco-MiniLM-L-12-v2` (Apache-2.0)" in text
    options = "--steps 4 --tokens 320 --seed 1 --swapped 0.25 --conditioned 0.7 --shorter 0.35"
    assert f"`python -m qa.train --data DATA {options}`" in text
    assert "the verb negated (25%)" in text and "| 8 | 70.5 |" in text
    assert "70% are tried to be given a\ncondition more" in text
    assert "35% of the\npassages are shortened" in text
    assert "log-odds = -1.5 + 0.5 · margin" in text and "* `reader.onnx`: `ab12`" in text


def test_a_reader_trained_on_from_a_shipped_one_tells_of_both_runs_and_its_start(tmp_path):
    start = described(weights(tmp_path / "shipped", FIRST_MADE, "cd34"))
    made = {"start": start, "steps": 8, "plan": PLAN, "mixed_with": [start]}
    text = written(tmp_path, made)
    assert "* Averaged, all alike, with the reader whose `reader.onnx` has sha256 `cd34`" in text
    assert "`reader.onnx` with sha256 `cd34`" in text
    for seed, steps in ((3, 8), (1, 4), (2, 4)):
        assert f"--steps {steps} --tokens 320 --seed {seed}" in text
    assert "--start START --steps 8" in text and "from `ms-marco-MiniLM-L-12-v2`" in text


def test_the_chain_goes_on_from_a_reader_that_was_averaged_with_its_own_start(tmp_path):
    first = described(weights(tmp_path / "first", FIRST_MADE, "cd34"))
    made = {"start": first, "steps": 8, "plan": PLAN, "mixed_with": [first]}
    second = described(weights(tmp_path / "second", made, "ef56"))
    text = written(tmp_path, {"start": second, "steps": 8, "plan": PLAN})
    assert "averaged with the reader whose `reader.onnx` has sha256 `cd34`," in text
    assert text.index("`ef56`") < text.index("`cd34`") < text.index("from `ms-marco")


def test_a_start_is_told_by_what_it_is(tmp_path):
    assert described(None) == CROSS_ENCODER
    assert described(tmp_path / "bert") == "bert"


def test_written_questions_are_counted_and_those_that_the_start_had_not_read(tmp_path):
    plan = {**PLAN, "fresh": 1200}
    counted = {"questions": 3400, "unanswered": 1800, "passages": 560}
    text = written(tmp_path, {"start": CROSS_ENCODER, "steps": 8, "plan": plan, "written": counted})
    assert "3,400 questions on 560 passages" in text and "1,800 have no answer" in text
    assert "all but the last 1,200 count a\nthird" in text
