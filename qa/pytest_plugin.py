"""`pytest --golden golden.yaml`: each pair of a golden set is a test that reads like a review.

```console
$ pytest --golden golden.yaml --golden-documents handbook
$ pytest tests --golden golden.yaml -m golden -k harbour
```

or for good, in `pyproject.toml`:

```toml
[tool.pytest.ini_options]
citespan_golden = ["golden.yaml"]
citespan_documents = ["handbook"]       # else: the folder that the golden set lies in
```

A pair with `known_failure` is expected to fail, and fails when it no longer does. Documents are
asked with `qa.open`; a `conftest.py` may open them otherwise:

```python
def pytest_citespan_open(config, documents):
    return qa.open(documents, settings=Settings(passages=20))
```

This module is loaded by every pytest run of an environment that has Citespan, so what it needs is
imported when a golden set is asked for.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from index.errors import CitespanError, LibraryLocked

if TYPE_CHECKING:
    from _pytest._code.code import ExceptionInfo, TerminalRepr
    from _pytest.terminal import TerminalReporter

    from qa.assistant import Assistant
    from qa.diagnosis import Places
    from qa.golden import Record
    from qa.goldenset import GoldenSet, Pair

PROPERTY = "citespan"
MOST_WAIT = 600.0
"""Seconds that a run waits for another process to finish indexing."""


class Hooks:
    """The hook that a `conftest.py` may implement."""

    @pytest.hookspec(firstresult=True)
    def pytest_citespan_open(
        self, config: pytest.Config, documents: list[Path]
    ) -> Assistant | None:
        """Return the assistant that answers over `documents`, or None to leave it to Citespan."""


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Make `pytest_citespan_open` known."""
    pluginmanager.add_hookspecs(Hooks)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--golden` and `--golden-documents`, and the same for good as ini values."""
    group = parser.getgroup("citespan", "Citespan: answers tested like code")
    group.addoption(
        "--golden",
        action="append",
        default=[],
        metavar="PATH",
        help="golden set (YAML, JSON, JSONL, CSV, SQuAD): each pair is a test; may be repeated",
    )
    group.addoption(
        "--golden-documents",
        action="append",
        default=[],
        metavar="PATH",
        help="folder or file that is asked (default: the golden set's own folder); may be repeated",
    )
    parser.addini("citespan_golden", "golden sets that always run", type="paths", default=[])
    parser.addini("citespan_documents", "folders or files that are asked", type="paths", default=[])


def pytest_configure(config: pytest.Config) -> None:
    """Take the golden sets in as arguments; given by `--golden` alone, they are all that runs."""
    config.addinivalue_line("markers", "golden: a pair of a golden set (added by citespan)")
    given = _absolute(config, config.getoption("golden"))
    always = list(config.getini("citespan_golden"))
    config.stash[_PATHS] = [path.resolve() for path in (*given, *always)]
    config.stash[_ASSISTANTS] = Assistants(config)
    named = config.args_source is pytest.Config.ArgsSource.ARGS
    if given:
        # An argument such as "golden.yaml::who?" picks one pair: then not the whole set as well.
        picked = _absolute(config, [arg.split("::")[0] for arg in config.args]) if named else []
        whole = [str(path) for path in given if path not in picked]
        config.args = [*(config.args if named else []), *whole]
    elif not named:
        config.args = [*config.args, *map(str, always)]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Close what was opened."""
    if _ASSISTANTS in config.stash:
        config.stash[_ASSISTANTS].close()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> GoldenFile | None:
    """Collect a file that was given as a golden set."""
    if file_path.resolve() in parent.config.stash[_PATHS]:
        return GoldenFile.from_parent(parent, path=file_path)
    return None


@pytest.hookimpl(trylast=True)
def pytest_citespan_open(config: pytest.Config, documents: list[Path]) -> Assistant:
    """Open the documents as `qa.open` does."""
    import qa

    return qa.open(documents)


class GoldenFile(pytest.File):
    """A golden set."""

    def collect(self) -> Iterator[GoldenItem]:
        """Make one test of each pair; a set that cannot be read is a collection error."""
        from qa.goldenset import load

        try:
            golden = load(self.path)
        except CitespanError as error:
            raise self.CollectError(str(error)) from error
        if golden.documents and given_documents(self.config):
            golden = golden.anywhere()
        seen: Counter[str] = Counter()
        for pair in golden:
            # "::" parts the pieces of a test's name, and line ends would break a report's line.
            name = " ".join(pair.key.replace("::", ": :").split())
            seen[name] += 1
            unique = name if seen[name] == 1 else f"{name} #{seen[name]}"
            yield GoldenItem.from_parent(self, name=unique, golden=golden, pair=pair)


class GoldenItem(pytest.Item):
    """One pair: passes when the answer and the place it is cited from are right."""

    def __init__(self, *, golden: GoldenSet, pair: Pair, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.golden = golden
        self.pair = pair
        self.add_marker("golden")
        known = pair.known_failure
        if known:
            reason = f"known since {known.since}: {known.reason}"
            self.add_marker(pytest.mark.xfail(reason=reason, raises=Lost, strict=True))

    def runtest(self) -> None:
        """Ask, compare, and keep the figures for the summary and for a JUnit file."""
        from qa.golden import run_pair

        assistant, places = self.config.stash[_ASSISTANTS].open(self.golden)
        record = run_pair(self.pair, assistant, places)
        figures = {
            "em": record.em,
            "f1": round(record.f1, 4),
            "refused": record.refused,
            "unanswerable": record.unanswerable,
            "stage": record.stage,
        }
        self.user_properties.append((PROPERTY, json.dumps(figures)))
        if not record.passed:
            raise Lost(record)

    def repr_failure(
        self, excinfo: ExceptionInfo[BaseException], style: Any = None
    ) -> str | TerminalRepr:
        """Show a lost pair as its review, and one of our own errors as its message."""
        where = f"{self.path.name}:{self.pair.line}" if self.pair.line else self.path.name
        if isinstance(excinfo.value, Lost):
            return f"{where}: {excinfo.value}\n{excinfo.value.record.review()}"
        if isinstance(excinfo.value, CitespanError):
            return f"{where}\n{type(excinfo.value).__name__}: {excinfo.value}"
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Point to the pair's line in the golden set."""
        return self.path, (self.pair.line or 1) - 1, f"golden: {self.pair.question}"


class Lost(Exception):  # noqa: N818  a result, not an error
    """A pair did not pass."""

    def __init__(self, record: Record) -> None:
        expected = f"“{record.expected[0]}”" if record.expected else "a refusal"
        got = f"“{record.got}”" if record.got is not None else "a refusal"
        stage = (record.stage or "lost").replace("_", " ")
        given = f"expected {expected}, got {got}" if record.asked else record.detail
        super().__init__(f"{stage}; {given}")
        self.record = record


class Assistants:
    """Opens each set of documents once a run."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._opened: dict[tuple[Path, ...], tuple[Assistant, Places] | CitespanError] = {}
        self._scratch: dict[Path, tempfile.TemporaryDirectory[str]] = {}

    def open(self, golden: GoldenSet) -> tuple[Assistant, Places]:
        """Return what answers a golden set's questions.

        Raises:
            CitespanError: The documents could not be opened, the same one for every pair, or the
                set is one of them.
        """
        from qa.diagnosis import Places
        from qa.golden import refuse_itself

        documents = self._documents(golden)
        found = self._opened.get(tuple(documents))
        if found is None:
            try:
                assistant = self._open(documents)
                found = (assistant, Places(assistant.library.snapshot()))
            except CitespanError as error:
                found = error
            self._opened[tuple(documents)] = found
        if isinstance(found, CitespanError):
            raise found
        refuse_itself(golden, found[1])
        return found

    def _open(self, documents: list[Path]) -> Assistant:
        """Open documents; while another worker of a parallel run indexes them, wait for it."""
        until = time.monotonic() + MOST_WAIT
        while True:
            try:
                opened: Assistant = self._config.hook.pytest_citespan_open(
                    config=self._config, documents=documents
                )
                return opened
            except LibraryLocked:
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)

    def _documents(self, golden: GoldenSet) -> list[Path]:
        given = given_documents(self._config)
        if given:
            return given
        if not golden.documents:
            return [golden.path.parent]
        if golden.path not in self._scratch:
            scratch = tempfile.TemporaryDirectory(prefix="citespan-golden-")
            self._scratch[golden.path] = scratch
            golden.write_documents(Path(scratch.name))
        return [Path(self._scratch[golden.path].name)]

    def close(self) -> None:
        """Close the libraries and drop the documents that golden sets brought along."""
        for found in self._opened.values():
            if not isinstance(found, CitespanError):
                found[0].library.close()
        for scratch in self._scratch.values():
            scratch.cleanup()


_PATHS = pytest.StashKey[list[Path]]()
_ASSISTANTS = pytest.StashKey[Assistants]()


def given_documents(config: pytest.Config) -> list[Path]:
    """Return the documents that were given, on the command line or for good."""
    given = _absolute(config, config.getoption("golden_documents"))
    return given or list(config.getini("citespan_documents"))


def _absolute(config: pytest.Config, paths: Sequence[str]) -> list[Path]:
    return [config.invocation_params.dir / Path(path).expanduser() for path in paths]


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Close with the figures over all pairs that were asked."""
    rows = [
        json.loads(value)
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", None) == "call"
        for name, value in report.user_properties
        if name == PROPERTY
    ]
    if not rows:
        return
    answered = [row for row in rows if not row["unanswerable"]]
    refused = [row["refused"] for row in rows if row["unanswerable"]]
    parts = []
    if answered:
        em, f1 = (sum(row[key] for row in answered) / len(answered) for key in ("em", "f1"))
        parts.append(f"{len(answered)} answered pairs: EM {em:.3f}, F1 {f1:.3f}")
    if refused:
        parts.append(f"{len(refused)} unanswerable: {sum(refused) / len(refused):.3f} refused")
    stages = Counter(row["stage"].replace("_", " ") for row in rows if row["stage"])
    if stages:
        parts.append("lost: " + ", ".join(f"{n} {stage}" for stage, n in stages.most_common()))
    terminalreporter.section("golden")
    terminalreporter.line("; ".join(parts))
