"""The command line: `citespan ask`, `chat`, `library`, `eval` and the like; `--help` lists all.

Exit codes: 0 answered or done; 1 refused, or below a threshold; 2 wrong usage or an error, with
one message on stderr and no traceback. Heavy modules are imported inside the commands.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from index.errors import CitespanError, QuestionError
from ui.listing import difference, failures, state, summary
from ui.listing import done as done_words
from ui.render import count, one_line, progress_words, visible
from ui.terminal import prompt, reading, show, show_instead

if TYPE_CHECKING:
    from index.library import Library
    from index.sync import Progress
    from qa.answer import Answer
    from qa.assistant import Assistant

app = typer.Typer(
    name="citespan",
    help="Ask your own documents; get the answer in their own words, with its exact place.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Documents = Annotated[
    list[Path] | None,
    typer.Option(
        "--documents",
        "-d",
        help="A folder or a file; may be repeated. Default: the sample article.",
    ),
]
Paths = Annotated[
    list[Path] | None, typer.Argument(help="Folders or files. Default: the sample article.")
]


Named = Annotated[
    str | None,
    typer.Option(
        "--library", "-l", help="A library by its name; one that is there needs no documents."
    ),
]
Asked = Annotated[
    list[Path] | None,
    typer.Option(
        "--documents",
        "-d",
        help="A folder or a file; may be repeated. Default: citespan_documents of pyproject.toml, "
        "or the folder that the golden set lies in.",
    ),
]


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    """Ask your own documents; get the answer in their own words, with its exact place."""
    if version:
        from importlib.metadata import version as installed

        typer.echo(f"citespan {installed('citespan')}")
        raise typer.Exit


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="The question; - reads it from standard input.")],
    documents: Documents = None,
    named: Named = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """Ask one question. Exit code 0: answered; 1: refused."""
    import qa

    asked = sys.stdin.read() if question == "-" else question
    with reading():
        assistant = qa.open(documents or None, name=named)
        answer = assistant.ask(asked)
    if as_json:
        answer = assistant.instead(answer)
        typer.echo(json.dumps(answer.to_dict(), ensure_ascii=False, indent=2))
    else:
        console = Console(highlight=False)
        show(answer, console)
        show_instead(assistant.instead(answer), console)
    raise typer.Exit(0 if answer else 1)


@app.command()
def index(
    paths: Paths = None,
    named: Named = None,
    rebuild: Annotated[bool, typer.Option(help="Build anew from the files alone.")] = False,
    dry_run: Annotated[bool, typer.Option(help="Only say what would change.")] = False,
    watch: Annotated[bool, typer.Option(help="Go on, and follow each change of a file.")] = False,
    workers: Annotated[
        str,
        typer.Option(
            help="Embed on the workers of this Dask scheduler, such as tcp://host:8786.",
            metavar="ADDRESS",
            envvar="CITESPAN_WORKERS",
        ),
    ] = "",
) -> None:
    """Read documents into their library, or bring it up to date. Exit code 2: none is readable."""
    library = open_library(paths, named)
    library.workers = workers
    errors = Console(stderr=True, highlight=False)
    with errors.status("Reading the documents") as status:

        def report(progress: Progress) -> None:
            status.update(progress_words(progress))

        done = library.sync(dry_run=dry_run, rebuild=rebuild, progress=report)
    for line in difference(done) if dry_run else [done_words(done)]:
        typer.echo(line)
    for line in failures(done):
        typer.echo(line, err=True)
    if watch and not dry_run:
        for followed in library.watch():
            if followed:
                typer.echo("\n".join([done_words(followed), *failures(followed)]))
    if not (done.added or done.changed or done.moved or done.unchanged):
        shown = ", ".join(str(path) for path in paths or ()) or f"--library {named}"
        raise CitespanError(
            f"{shown}: found no document that can be read, expected text, Markdown, HTML, PDF, "
            f"Word, PowerPoint, EPUB, Excel, CSV or mail; put some there, then run: "
            f"citespan index {shown}"
        )


@app.command()
def library(
    paths: Paths = None,
    named: Named = None,
    remove: Annotated[str | None, typer.Option(help="Take this document out for good.")] = None,
    verify: Annotated[bool, typer.Option(help="Check what is stored.")] = False,
    repair: Annotated[bool, typer.Option(help="Check, and mend from the files.")] = False,
) -> None:
    """List what a library knows of its files. Exit code 1: --verify found a problem."""
    opened = open_library(paths, named)
    if not repair:
        opened.sync()
    if remove is not None:
        opened.remove(remove)
    if verify or repair:
        found = opened.verify(repair=repair)
        for problem in found.repaired:
            typer.echo(f"mended: {visible(problem)}", err=True)
        for problem in found.problems:
            typer.echo(visible(problem), err=True)
        typer.echo(f"{found.documents} documents, {found.chunks} chunks checked")
        raise typer.Exit(0 if found else 1)
    table = Table("document", "format", "pages", "chunks", "bytes", "state", box=None)
    for record in opened.documents():
        cells = (
            record.name,
            record.format or "",
            "" if record.pages is None else str(record.pages),
            str(record.chunks),
            f"{record.size:,}",
            state(record),
        )
        table.add_row(*(Text(visible(cell)) for cell in cells))
    Console(highlight=False).print(table)
    typer.echo(summary(opened))


@app.command()
def serve(
    paths: Paths = None,
    named: Named = None,
    port: Annotated[int, typer.Option(help="0 takes any free port.")] = 7860,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    auth: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME:PASSWORD that may log in; may be repeated. In CITESPAN_AUTH, one a line, it "
            "does not show in the list of processes.",
            metavar="NAME:PASS",
        ),
    ] = None,
) -> None:
    """Serve the page on this machine."""
    from ui.guard import check_exposure, listen

    # Not by the option's own `envvar`, which is split at the spaces of a passphrase.
    pairs = auth or os.environ.get("CITESPAN_AUTH", "").splitlines()
    logins = [parse_login(pair) for pair in pairs if pair.strip()]
    check_exposure(host, bool(logins))
    bound = listen(host, port)
    import qa

    with reading():
        assistant = qa.open(paths or None, name=named)
    from ui.web import serve as serve_page

    def ready(url: str) -> None:
        typer.echo(f"Citespan is at {url} (stop it with Ctrl+C)")

    serve_page(assistant, host=host, auth=logins or None, bound=bound, ready=ready)


@app.command()
def chat(paths: Paths = None, named: Named = None) -> None:
    """Ask one question after another; an empty line or Ctrl+D ends it."""
    import qa

    with reading():
        assistant = qa.open(paths or None, name=named)
    console = Console(highlight=False)
    console.print(
        Text(f"{count(len(assistant.library.documents()), 'document')}. Ask away.", "dim")
    )
    history: list[Answer] = []
    while (question := prompt(console)).strip():
        try:
            answer = assistant.ask(question, history=history)
        except QuestionError as error:
            typer.echo(f"citespan: {visible(str(error))}", err=True)
            continue
        if one_line(answer.understood).casefold() != one_line(question).strip().casefold():
            console.print(Text(f"Understood as: {visible(answer.understood)}", "dim italic"))
        show(answer, console)
        history.append(answer)


@app.command()
def mcp(paths: Paths = None, named: Named = None) -> None:
    """Serve tools ask, search and documents to an assistant program, over standard input/output."""
    from importlib.metadata import version as installed

    from ui.mcp import Server

    def opened() -> Assistant:
        import qa

        return qa.open(paths or None, name=named)

    Server(opened, installed("citespan")).run(sys.stdin, sys.stdout)


@app.command(name="eval")
def evaluate(
    golden: Annotated[
        Path | None, typer.Argument(help="YAML, JSON, JSONL, CSV or SQuAD JSON.")
    ] = None,
    documents: Asked = None,
    threshold: Annotated[
        list[str] | None,
        typer.Option(help="NAME=VALUE that must be met; may be repeated.", metavar="NAME=VALUE"),
    ] = None,
    save: Annotated[Path | None, typer.Option(help="Keep the run as JSON.")] = None,
    page: Annotated[
        Path | None, typer.Option("--html", help="Write the run as one HTML page.")
    ] = None,
    compare: Annotated[
        tuple[Path, Path] | None,
        typer.Option(help="Compare two kept runs instead of asking.", metavar="BEFORE AFTER"),
    ] = None,
    kept: Annotated[
        bool, typer.Option("--kept", help="Ask what was marked right or wrong on the page.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the run as JSON.")] = False,
) -> None:
    """Ask a golden set, or compare two runs of one.

    Exit code 1: a threshold is not met, or an answer that was right is not any more. Thresholds
    also stand in pyproject.toml, in the table [tool.citespan.eval].
    """
    from qa.golden import load
    from qa.golden_formats import check_place, write
    from qa.golden_summary import thresholds
    from ui.evaluation import (
        compare_runs,
        documents_of,
        kept_on_page,
        parse_threshold,
        run_golden,
    )

    if (golden is not None) + (compare is not None) + kept != 1:
        raise CitespanError("expected a golden set, or --compare BEFORE AFTER; see: eval --help")
    if compare is not None:
        compare_runs(*compare, as_json)

    for path in filter(None, (save, page)):
        check_place(path)
    limits = {**thresholds(), **dict(parse_threshold(pair) for pair in threshold or ())}
    pairs = load(golden or kept_on_page(documents))
    report = run_golden(pairs, documents if kept else documents_of(pairs, documents))
    typer.echo(json.dumps(report.to_dict(), ensure_ascii=False) if as_json else report.text())
    if save:
        report.save(save)
    if page:
        from qa.report import html

        write(page, html(report))
    missed = report.below(limits)
    for sentence in missed:
        typer.echo(f"citespan: {sentence}", err=True)
    raise typer.Exit(1 if missed else 0)


@app.command()
def calibrate(
    golden: Annotated[
        Path | None,
        typer.Argument(help="A golden set, as for eval; without one, shows what is in force."),
    ] = None,
    documents: Asked = None,
    target_accuracy: Annotated[
        float | None,
        typer.Option(help="Share of the answers given that must be right, such as 0.9."),
    ] = None,
    kept: Annotated[
        bool, typer.Option("--kept", help="Fit to what was marked right or wrong on the page.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it gains.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Go back to what was there before.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Fit confidence and refusals to your own documents, with the pairs of a golden set.

    Says what it gained, cross-validated, and keeps it with the documents' library.
    """
    from ui.calibration import run_calibration

    run_calibration(
        golden, documents, target_accuracy, kept=kept, dry_run=dry_run, undo=undo, as_json=as_json
    )


@app.command()
def suggest(
    documents: Documents = None,
    limit: Annotated[int, typer.Option(min=1, help="Most pairs that are proposed.")] = 20,
    save: Annotated[Path | None, typer.Option(help="Write the golden set here.")] = None,
) -> None:
    """Propose a golden set from the documents, each pair checked by asking it."""
    import qa
    from qa.golden_formats import check_place, write
    from qa.suggest import suggest as propose
    from qa.suggest import to_yaml

    if save and save.exists():
        raise CitespanError(f"{save}: there already, expected a new file; it is left as it is")
    if save:
        check_place(save)
    with reading() as status:
        assistant = qa.open(list(documents) if documents else None)
        found = propose(
            assistant, limit, lambda done, most: status.update(f"Asking: {done} of at most {most}")
        )
    if save is None:
        typer.echo(to_yaml(found), nl=False)
        return
    write(save, to_yaml(found))
    confirmed = sum(suggestion.verdict == "confirmed" for suggestion in found)
    typer.echo(f"{save}: {confirmed} pairs, and {len(found) - confirmed} more as remarks")


def open_library(paths: Sequence[Path] | None, named: str | None = None) -> Library:
    """Open the library of these paths or this name, or of the sample article, as it is stored."""
    import qa

    return qa.open(list(paths) if paths else None, name=named, sync=False).library


def parse_login(pair: str) -> tuple[str, str]:
    """Split `NAME:PASSWORD`.

    Raises:
        CitespanError: It has no name or no password.
    """
    name, _, password = pair.partition(":")
    if not name or not password:
        raise CitespanError("--auth: expected NAME:PASSWORD, both of at least one character")
    return name, password


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    try:
        app(args=list(arguments) if arguments is not None else None)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(bool(stop.code))
    except CitespanError as error:
        typer.echo(f"citespan: {visible(str(error))}", err=True)
        return 2
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if os.environ.get("CITESPAN_DEBUG"):
            raise
        typer.echo(
            f"citespan: unexpected {type(error).__name__}: {visible(str(error))}; this is a bug: "
            "please report it with what CITESPAN_DEBUG=1 citespan … says",
            err=True,
        )
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
