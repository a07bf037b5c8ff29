"""Golden sets: questions with the answers they must get. YAML, JSON, JSONL, CSV and SQuAD JSON.

```yaml
- question: who designated the cartel?
  answers: [U.S. State Department, State Department]   # any one of them is right
  document: article.txt                                # optional: the answer must be cited …
  page: 3                                              #   … from this document, this page,
  quote: the U.S. State Department announced           #   … and touch these words
- question: How many ships were sunk?
  unanswerable: true                                   # must be refused
- question: and when?
  answers: [November 16]
  history: ['Who spoke to the press?']                 # asked before, in this order
  filter: {documents: ["2026/*"]}                      # handed to `Assistant.ask`
  known_failure: {reason: no date in the heading, since: 2026-11-16}
```

JSON and JSONL hold the same keys. CSV has them as columns; `answers` and `history` are parted by
`|`, `filter` is a mapping as above, and the columns `known_failure` and `since` hold the reason and
the date. SQuAD JSON (1.1 and 2.0) is taken as it is, and brings its paragraphs along as documents.
Each may be gzipped.
"""

from __future__ import annotations

import gzip
import re
import unicodedata
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from index.errors import QuestionError
from index.filters import filter_of
from qa.golden_formats import FORMATS, GoldenError, Row

KEYS = (
    "question", "answers", "unanswerable", "document", "page", "quote", "filter", "history",
    "known_failure",
)  # fmt: skip
MOST_ERRORS = 20


@dataclass(frozen=True, slots=True)
class KnownFailure:
    """Why a pair is known to fail, and since when."""

    reason: str
    since: date


@dataclass(frozen=True, slots=True)
class Pair:
    """A question and what must come back.

    Attributes:
        question: As a person would ask it.
        answers: Every acceptable answer; empty when the question must be refused.
        document: Name of the document that must be cited, as the library knows it.
        page: Page that must be cited, 1-based.
        quote: Words of the document that the citation must touch.
        filter: Handed to `Assistant.ask` as `filters`.
        history: Earlier questions of the conversation, first to last.
        known_failure: Set when the pair is known to fail.
        line: 1-based line of the file that the pair begins on; None when the format has none.
    """

    question: str
    answers: tuple[str, ...] = ()
    document: str | None = None
    page: int | None = None
    quote: str | None = None
    filter: Mapping[str, Any] | None = None
    history: tuple[str, ...] = ()
    known_failure: KnownFailure | None = None
    line: int | None = None

    @property
    def unanswerable(self) -> bool:
        """Tell whether the question must be refused."""
        return not self.answers

    @property
    def key(self) -> str:
        """What makes the pair the same one in two runs: its conversation."""
        return " / ".join((*self.history, self.question))


@dataclass(frozen=True, slots=True)
class GoldenSet:
    """The pairs of one file.

    Attributes:
        path: The file.
        pairs: In the file's order.
        documents: Texts by name that the file itself brings (SQuAD paragraphs), else empty.
    """

    path: Path
    pairs: tuple[Pair, ...]
    documents: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.pairs)

    def __iter__(self) -> Iterator[Pair]:
        return iter(self.pairs)

    def anywhere(self) -> GoldenSet:
        """Return the set without the documents that must be cited, to ask it over other ones."""
        pairs = tuple(replace(pair, document=None, page=None) for pair in self.pairs)
        return GoldenSet(self.path, pairs)

    def write_documents(self, folder: Path) -> Path:
        """Write the documents that the set brings into `folder`, and return it."""
        for name, text in self.documents.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        return folder


def load(path: Path | str) -> GoldenSet:
    """Read a golden set; the format follows from the file's ending.

    Raises:
        GoldenError: The file is missing, or holds something that is not a pair; every faulty
            place is named with its line.
    """
    path = Path(path).expanduser()
    endings = [ending.lower() for ending in path.suffixes if ending.lower() != ".gz"]
    parse = FORMATS.get(endings[-1] if endings else "")
    if parse is None:
        known = ", ".join(FORMATS)
        raise GoldenError(f"{path}: a golden set ends in one of {known}, with or without .gz")
    rows, documents = parse(path, _read(path))
    if not rows:
        raise GoldenError(f"{path}: no questions in it; expected a list of question/answers pairs")
    return GoldenSet(path, _pairs(path, rows), documents)


def _read(path: Path) -> str:
    try:
        data = path.read_bytes()
        if path.suffix.lower() == ".gz":
            data = gzip.decompress(data)
        return data.decode("utf-8-sig")
    except FileNotFoundError as error:
        raise GoldenError(f"{path}: no such file; expected a golden set") from error
    except (OSError, EOFError, zlib.error) as error:
        raise GoldenError(f"{path}: cannot be read: {error}") from error
    except UnicodeDecodeError as error:
        raise GoldenError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from error


# From plain data to pairs ----------------------------------------------------------------------


class _Fault(Exception):
    """What is wrong with one pair, and at which of its keys; the caller knows the lines."""

    def __init__(self, message: str, key: str | None = None) -> None:
        super().__init__(message)
        self.key = key


def _pairs(path: Path, rows: Sequence[Row]) -> tuple[Pair, ...]:
    """Turn rows into pairs, or name every row that is none."""
    pairs: list[Pair] = []
    faults: list[str] = []
    for number, row in enumerate(rows, start=1):
        try:
            pairs.append(_pair(row.data, row.line))
        except _Fault as fault:
            line = row.lines.get(fault.key or "", row.line)
            faults.append(f"{path}:{line}: {fault}" if line else f"{path}: pair {number}: {fault}")
    if faults:
        more = len(faults) - MOST_ERRORS
        shown = faults[:MOST_ERRORS] + ([f"… and {more} more"] if more > 0 else [])
        raise GoldenError("\n".join(shown))
    return tuple(pairs)


def _pair(row: Any, line: int | None) -> Pair:
    if not isinstance(row, dict):
        raise _Fault(f"expected a pair with `question:`, found {_shown(row)}")
    unknown = sorted(set(row) - set(KEYS))
    if unknown:
        raise _Fault(f"unknown key `{unknown[0]}`; the keys are {', '.join(KEYS)}", unknown[0])
    row = {key: value for key, value in row.items() if value is not None}
    answers = _texts(row, "answers")
    unanswerable = _boolean(row, "unanswerable")
    question = _text(row, "question")
    if question is None:
        raise _Fault("the pair has no `question`")
    if answers and unanswerable:
        raise _Fault("both `answers` and `unanswerable: true`; keep one of them")
    if not answers and not unanswerable:
        raise _Fault("neither `answers: […]` nor `unanswerable: true`; add one of them")
    if unanswerable and (kept := [key for key in ("page", "quote") if key in row]):
        raise _Fault(f"`{kept[0]}` has no meaning for an unanswerable question; drop it", kept[0])
    return Pair(
        question=question,
        answers=tuple(_composed(answer) for answer in answers),
        document=_text(row, "document"),
        page=_page(row),
        quote=_composed(quote) if (quote := _text(row, "quote")) else None,
        filter=_filter(row),
        history=_texts(row, "history"),
        known_failure=_known_failure(row),
        line=line,
    )


def _composed(text: str) -> str:
    # As the text of the documents is stored: "é" of two code points is found nowhere in it.
    return unicodedata.normalize("NFC", text)


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "…"


def _string(value: Any, where: str) -> str:
    # A year or a count in JSON is a number; bool is an int for Python and never meant here.
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise _Fault(f"`{where}` must be text, found {_shown(value)}", where)
    if not value.strip():
        raise _Fault(f"`{where}` is empty", where)
    return value.strip()


def _text(row: Mapping[str, Any], key: str) -> str | None:
    return _string(row[key], key) if key in row else None


def _texts(row: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = row.get(key, [])
    if not isinstance(value, list):
        raise _Fault(f"`{key}` must be a list such as [one, two], found {_shown(value)}", key)
    return tuple(_string(item, key) for item in value)


def _boolean(row: Mapping[str, Any], key: str) -> bool:
    value = row.get(key, False)
    names = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    found = value if isinstance(value, bool) else names.get(str(value).strip().lower())
    if found is None:
        raise _Fault(f"`{key}` must be true or false, found {_shown(value)}", key)
    return found


def _page(row: Mapping[str, Any]) -> int | None:
    if "page" not in row:
        return None
    text = str(row["page"]).strip()
    if not re.fullmatch(r"[1-9]\d{0,8}", text):
        raise _Fault(f"`page` must be a whole number from 1, found {_shown(text)}", "page")
    return int(text)


def _filter(row: Mapping[str, Any]) -> Mapping[str, Any] | None:
    value = row.get("filter")
    if value is not None and not isinstance(value, dict):
        example = "{documents: [a.txt]}"
        raise _Fault(f"`filter` must be a mapping such as {example}, found {value!r}", "filter")
    try:
        filter_of(value)
    except QuestionError as error:
        raise _Fault(f"`filter`: {error}", "filter") from error
    return value


def _known_failure(row: Mapping[str, Any]) -> KnownFailure | None:
    value = row.get("known_failure")
    if value is None:
        return None
    if not isinstance(value, dict) or set(value) != {"reason", "since"}:
        example = "{reason: the table is a picture, since: 2026-01-31}"
        raise _Fault(
            f"`known_failure` needs a reason and a date, such as {example}; found {_shown(value)}",
            "known_failure",
        )
    since = str(value["since"])
    try:
        return KnownFailure(_string(value["reason"], "known_failure"), date.fromisoformat(since))
    except ValueError as error:
        raise _Fault(
            f"`since` must be a date such as 2026-01-31, found {_shown(since)}", "known_failure"
        ) from error
