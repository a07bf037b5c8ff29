"""A user's own repository, its documents under golden tests: run as its owner runs it.

Nothing is faked: the installed plugin, the shipped weights, a plain `pytest` in the repository.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SAMPLE = Path(__file__).parent / "sample_repository"


@pytest.fixture
def repository(tmp_path):
    return Path(shutil.copytree(SAMPLE, tmp_path / "repository"))


def test_a_changed_document_fails_the_one_answer_that_it_breaks(repository, home):
    # Last week somebody rewrote a sentence of the handbook.
    leave = repository / "handbook" / "leave.md"
    leave.write_text(leave.read_text().replace("26 days of paid leave", "28 days of paid leave"))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-rx", "-p", "no:cacheprovider"],
        cwd=repository,
        env={**os.environ, "CITESPAN_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 failed, 7 passed, 1 xfailed" in done.stdout
    review = [line.strip() for line in done.stdout.splitlines()]
    assert "golden.yaml:1: not indexed; expected “26”, got “28”" in review
    assert any(
        line.startswith("cited  leave.md, “Leave”: “Every employee has 28") for line in review
    )
    assert any("no acceptable answer stands in the stored text of leave.md" in r for r in review)
    assert "known since 2026-11-22: only quotes are given" in done.stdout
    assert "Traceback" not in done.stdout
