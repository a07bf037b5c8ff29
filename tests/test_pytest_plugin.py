"""`pytest --golden`: run as a user runs it, in a repository of the test's own."""

import json
from pathlib import Path

import faiss  # noqa: F401  see below
import pytest

import qa.golden  # noqa: F401  see below
from tests.golden_fakes import BOATS, LIGHT

# `pytester` runs pytest inside this process and afterwards forgets every module that the run
# imported first. NumPy and what stands on it cannot be imported twice, so they are imported here.
pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[1]

GOLDEN = """\
- question: when was the harbour founded?
  answers: ["1708"]
  document: boats.txt
- question: how many boats are there?
  answers: ["212"]
- question: who sank the boats?
  unanswerable: true
"""

# The fakes answer these two as the table says, and refuse everything else.
CONFTEST = """\
from tests.golden_fakes import TableReader, WordsEmbedder
from index.library import Library
from qa.assistant import Assistant

TABLE = {
    "when was the harbour founded?": ("1708", 4.0),
    "how many boats are there?": ("212 boats", 2.0),
}

def pytest_citespan_open(config, documents):
    library = Library.open(documents, home=config.rootpath / "home", embedder=WordsEmbedder())
    library.sync()
    print("opened", [path.name for path in documents])
    return Assistant(library, TableReader(TABLE))
"""


@pytest.fixture
def repository(pytester, monkeypatch):
    """A user's repository: documents, a golden set, and a test of their own."""
    # Other packages' plugins take seconds to load, anew in every run.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.syspathinsert(ROOT)
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(test_own="def test_own():\n    assert True\n")
    folder = pytester.mkdir("handbook")
    (folder / "boats.txt").write_text(BOATS)
    (folder / "light.txt").write_text(LIGHT)
    (pytester.path / "golden.yaml").write_text(GOLDEN)
    return pytester


def run(repository, *arguments):
    return repository.runpytest("-p", "no:cacheprovider", "-p", "qa.pytest_plugin", *arguments)


ARGUMENTS = ("--golden", "golden.yaml", "--golden-documents", "handbook")


def test_each_pair_is_a_test_and_a_lost_one_reads_like_a_review(repository):
    result = run(repository, *ARGUMENTS)
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*golden: how many boats are there?*",
            "golden.yaml:4: not read; expected “212”, got “212 boats”",
            " question  how many boats are there?",
            " expected  212",
            "      got  212 boats (confidence 0.88)",
            "    cited  boats.txt: “Today 212 boats are registered there.”",
            "right one  at rank 1: “The harbour of Lerwick was founded in 1708. Today 212 boats*",
            "   margin  +2.00 for the reader's best words there",
            "  lost at  not read: in the right passage the reader marks “212 boats” (+2.00)",
            "*= golden =*",
            "2 answered pairs: EM 0.500, F1 0.833; 1 unanswerable: 1.000 refused; lost: 1 not read",
            "FAILED golden.yaml::how many boats are there? - golden.yaml:4: not read; *",
        ]
    )
    assert "Traceback" not in result.stdout.str()


def test_a_question_that_cannot_be_asked_is_no_refusal(repository):
    """It read "expected a refusal, got a refusal", and counted as refused rightly."""
    (repository.path / "golden.yaml").write_text('- question: "???"\n  unanswerable: true\n')
    result = run(repository, *ARGUMENTS)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "golden.yaml:1: not asked; found no word in the question*",
            "      got  not asked",
            "1 unanswerable: 0.000 refused; lost: 1 not asked",
        ]
    )


def test_given_alone_the_golden_set_is_all_that_runs(repository):
    assert "test_own" not in run(repository, *ARGUMENTS, "-v").stdout.str()
    run(repository, "test_own.py", *ARGUMENTS).assert_outcomes(passed=3, failed=1)
    run(repository, ".", *ARGUMENTS, "-m", "golden").assert_outcomes(
        passed=2, failed=1, deselected=1
    )
    run(repository, *ARGUMENTS, "-k", "harbour").assert_outcomes(passed=1, deselected=2)


def test_one_pair_runs_by_its_name(repository):
    name = "golden.yaml::when was the harbour founded?"
    result = run(repository, name, *ARGUMENTS, "-v")
    result.assert_outcomes(passed=1)
    assert f"{name} PASSED" in result.stdout.str()


def test_without_golden_a_run_is_as_it_was(repository):
    result = run(repository)
    result.assert_outcomes(passed=1)
    assert "= golden =" not in result.stdout.str()


def test_set_for_good_it_runs_beside_the_tests(repository):
    repository.makepyprojecttoml(
        """
        [tool.pytest.ini_options]
        testpaths = ["test_own.py"]
        citespan_golden = ["golden.yaml"]
        citespan_documents = ["handbook"]
        """
    )
    run(repository).assert_outcomes(passed=3, failed=1)
    run(repository, "test_own.py").assert_outcomes(passed=1)


def test_the_documents_are_opened_once_and_default_to_the_set_s_own_folder(repository):
    (repository.path / "golden.yaml").rename(repository.path / "handbook" / "golden.yaml")
    result = run(repository, "--golden", "handbook/golden.yaml", "-s")
    result.assert_outcomes(passed=2, failed=1)
    assert result.stdout.str().count("opened ['handbook']") == 1


def test_a_set_among_the_documents_is_refused_and_none_beside_it(repository):
    # Whichever came first decided for both: one was asked of its own rows, or both failed.
    (repository.path / "handbook" / "own.csv").write_text("question,answers\nwho?,1708\n")
    for order in (("golden.yaml", "handbook/own.csv"), ("handbook/own.csv", "golden.yaml")):
        golden = [argument for path in order for argument in ("--golden", path)]
        result = run(repository, *golden, "--golden-documents", "handbook")
        result.assert_outcomes(passed=2, failed=2)
        result.stdout.fnmatch_lines(["*own.csv is one of the documents*"])


KNOWN = """\
- question: how many boats are there?
  answers: ["212"]
  known_failure: {reason: counted with the noun, since: 2026-01-31}
"""


def test_a_known_failure_is_expected_and_says_when_it_is_mended(repository):
    (repository.path / "golden.yaml").write_text(KNOWN)
    result = run(repository, *ARGUMENTS, "-rx")
    result.assert_outcomes(xfailed=1)
    result.stdout.fnmatch_lines(["*known since 2026-01-31: counted with the noun*"])
    (repository.path / "golden.yaml").write_text(KNOWN.replace('["212"]', '["212 boats"]'))
    result = run(repository, *ARGUMENTS)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*XPASS(strict)*known since 2026-01-31*"])


def test_a_known_failure_does_not_hide_a_broken_run(repository):
    (repository.path / "golden.yaml").write_text(KNOWN)
    result = run(repository, "--golden", "golden.yaml", "--golden-documents", "nowhere")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["golden.yaml:1", "LibraryError: *nowhere*"])


def test_a_faulty_set_is_named_with_its_line(repository):
    (repository.path / "golden.yaml").write_text("- question: why?\n")
    result = run(repository, *ARGUMENTS)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*golden.yaml:1: neither `answers*"])
    missing = run(repository, "--golden", "nowhere.yaml")
    assert missing.ret == pytest.ExitCode.USAGE_ERROR
    missing.stderr.fnmatch_lines(["*nowhere.yaml*"])


def test_one_question_asked_twice_makes_two_tests(repository):
    (repository.path / "golden.yaml").write_text(GOLDEN + GOLDEN.split("- ", 2)[1].join(["- ", ""]))
    result = run(repository, *ARGUMENTS, "-v")
    result.stdout.fnmatch_lines(
        ["golden.yaml::when was the harbour founded? PASSED*", "*founded? #2 PASSED*"]
    )


def test_a_squad_file_is_asked_over_its_own_paragraphs(repository):
    context = "Today 212 boats are registered there."
    questions = [
        {"question": "how many boats are there?", "answers": [{"text": "212 boats"}]},
        {"question": "who sank them?", "is_impossible": True, "answers": []},
    ]
    data = [{"title": "Boats", "paragraphs": [{"context": context, "qas": questions}]}]
    (repository.path / "dev.json").write_text(json.dumps({"data": data}))
    run(repository, "--golden", "dev.json").assert_outcomes(passed=2)


LOCKED_TWICE = """
from index.errors import LibraryLocked

opened = pytest_citespan_open
left = ["another worker is indexing"] * 2

def pytest_citespan_open(config, documents):
    if left:
        raise LibraryLocked(left.pop())
    return opened(config, documents)
"""


def test_a_parallel_run_waits_for_the_worker_that_indexes(repository):
    # Two workers open one library at once: the slower one must not lose its tests for it.
    repository.makeconftest(CONFTEST + LOCKED_TWICE)
    run(repository, *ARGUMENTS).assert_outcomes(passed=2, failed=1)


def test_a_library_that_stays_locked_is_told(repository, monkeypatch):
    repository.makeconftest(CONFTEST + LOCKED_TWICE)
    monkeypatch.setattr("qa.pytest_plugin.MOST_WAIT", -1.0)
    result = run(repository, *ARGUMENTS)
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(["LibraryLocked: another worker is indexing"])
