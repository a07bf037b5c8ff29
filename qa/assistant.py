"""`ask`: retrieve, read, fuse, calibrate, cite; or refuse, and say why."""

from __future__ import annotations

import logging
import re
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from index.errors import QuestionError
from index.filters import filter_of
from qa.answer import Answer, Citation, Refusal
from qa.calibration import Calibration
from qa.candidates import decide
from qa.citing import Citer, widened
from qa.config import Settings, seeds_folder
from qa.contrasts import contradicts, contrasted
from qa.document_questions import of_document
from qa.followups import understand
from qa.own_calibration import in_force, shipped
from qa.own_lines import FITTED_ON, OfItself, of_itself
from qa.preambles import without_preamble
from qa.reader import PassageReader, Reader
from qa.reader_files import TOKENIZER_FILE
from qa.spelling import common_words, spelled
from qa.stopping import Reading, read_all
from qa.unsaid import Said, content_words, names

if TYPE_CHECKING:
    from index.embedder import Embedder
    from index.filters import Filter
    from index.library import Library
    from index.search import Passage, Snapshot

    Filters = Filter | Mapping[str, Any] | None

Documents = Path | str | Sequence[Path | str]
_LOG = logging.getLogger("citespan")
_NEAREST = 3
_SOURCES = 5
# From this confidence on an answer is not doubted for being asked in other words.
_SURE = 2 / 3
_YES_NO = re.compile(
    # "May 2024 revenue?" asks for a figure.
    r"(?:is|are|was|were|am|do|does|did|has|have|had|can|could|will|would|shall|should|might"
    r"|may(?! (?:1\d{3}|20\d\d)\b)"
    r"|isn['’]t|aren['’]t|wasn['’]t|weren['’]t|don['’]t|doesn['’]t|didn['’]t|hasn['’]t|haven['’]t)\b",
    re.IGNORECASE,
)
# A soft hyphen, as copied from a page, and others that are not seen; white space parts words.
_WITHIN_WORDS = dict.fromkeys(map(ord, "\u00ad\u200b\u2060\ufeff"))
_ONLY_QUOTES = "Only quotes are given, no yes or no: this sentence comes nearest to deciding it."


@dataclass(frozen=True, slots=True)
class Stage:
    """A step of an ask, as it begins; the last one carries the answer.

    Attributes:
        name: `searching`, `reading`, or `answering`.
        passages: What was retrieved, best first; empty while searching.
        answer: The answer; None before the last stage.
        read: Those of the passages that were read for it, in that order; at the last stage.
        question: As it is read: a follow-up spelled out, slips mended; empty while searching.
    """

    name: Literal["searching", "reading", "answering"]
    passages: tuple[Passage, ...] = ()
    answer: Answer | None = None
    read: tuple[Passage, ...] = ()
    question: str = ""


class Assistant:
    """Answers questions from one library.

    Args:
        library: Where the documents are.
        reader: What reads passages.
        calibration: What turns scores into confidence.
        settings: Sizes and limits.
    """

    def __init__(
        self,
        library: Library,
        reader: PassageReader,
        calibration: Calibration | None = None,
        settings: Settings | None = None,
    ) -> None:
        self.library = library
        self.reader = reader
        self.calibration = calibration or Calibration()
        self.settings = settings or Settings()
        self._said: Said | None = None

    def ask(
        self,
        question: str,
        history: Sequence[Answer] = (),
        filters: Filters = None,
    ) -> Answer:
        """Answer one question with a quote, or refuse.

        Args:
            question: The question.
            history: Earlier answers of the conversation, oldest first; a follow-up such as
                "and when?" is understood from them.
            filters: Which documents may answer: an `index.filters.Filter`, or its fields as a
                mapping, dates in ISO form: `{"documents": ["2026/*"], "formats": ["pdf"]}`.

        Raises:
            QuestionError: The question has no word in it, or is too long.
            LibraryError: The library is damaged or was built by other means.
        """
        *_, last = self.ask_stages(question, history, filters)
        assert last.answer is not None
        return last.answer

    def ask_stages(
        self,
        question: str,
        history: Sequence[Answer] = (),
        filters: Filters = None,
    ) -> Iterator[Stage]:
        """Yield each stage of an ask as it begins; arguments and errors as in `ask`."""
        asked = self._checked(question)
        wanted = filter_of(filters)
        yield Stage("searching")
        clock = _Clock()
        own = of_document(asked)
        # "This article" is the document, and what "this is about" its topic; but "When was this
        # released?" may ask of what was told before.
        whole = own is not None and (own.document != "this" or own.matter == "topic")
        understood = asked if whole else understand(asked, history)
        snapshot = self.library.snapshot()
        passages = self._search(snapshot, [understood], wanted)[0]
        understood = self._spelled(understood, passages)
        clock.lap("searching")
        yield Stage("reading", tuple(passages), question=understood)
        [reading] = self._read(snapshot, [understood], [passages])
        clock.lap("reading")
        answer = self._answer(snapshot, question, reading, wanted, clock, history)
        read = tuple(passages[at] for at in reading.read)
        yield Stage("answering", tuple(passages), answer, read, understood)

    def ask_many(self, questions: Sequence[str], filters: Filters = None) -> list[Answer]:
        """Answer several questions, embedded together; answers and errors as of `ask`."""
        asked = [self._checked(question) for question in questions]
        wanted = filter_of(filters)
        snapshot = self.library.snapshot()
        answers = []
        # Groups bound the memory that passages and logits take.
        for begin in range(0, len(asked), 32):
            clock = _Clock()
            group = asked[begin : begin + 32]
            retrieved = self._search(snapshot, group, wanted)
            group = [self._spelled(one, found) for one, found in zip(group, retrieved, strict=True)]
            clock.lap("searching")
            readings = self._read(snapshot, group, retrieved)
            clock.lap("reading")
            for question, reading in zip(questions[begin:], readings, strict=False):
                answers.append(self._answer(snapshot, question, reading, wanted, clock))
        return answers

    def instead(self, answer: Answer, filters: Filters = None, seconds: float = 2.0) -> Answer:
        """Return a refusal with a question near it that the documents do answer, where one exists.

        It asks: so it is a step of its own, that no refusal waits for. See `qa.offers`.

        Args:
            answer: What `ask` returned; one that answers comes back as it is.
            filters: As the question was asked.
            seconds: No other question is tried after this time.
        """
        from qa.offers import instead

        if answer.refusal is None or answer.refusal.instead is not None:
            return answer
        found = instead(self, answer, filters, seconds)
        return replace(answer, refusal=replace(answer.refusal, instead=found))

    def _checked(self, question: str) -> str:
        """Return the question in the library's normal form, less what is said around it."""
        if len(question) > self.settings.max_question:
            raise QuestionError(
                f"the question has {len(question):,} characters, expected at most "
                f"{self.settings.max_question:,}; shorten it, or set CITESPAN_MAX_QUESTION"
            )
        text = unicodedata.normalize("NFC", question.translate(_WITHIN_WORDS))
        text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        if not any(character.isalnum() for character in text):
            found = "an empty question" if not text else "no word in the question"
            raise QuestionError(f"found {found}, expected at least one word; ask in words")
        return without_preamble(text)

    def _search(
        self, snapshot: Snapshot, questions: Sequence[str], wanted: Filter | None
    ) -> list[list[Passage]]:
        return snapshot.search_many(questions, self.settings.passages, wanted)

    def _spelled(self, question: str, passages: Sequence[Passage]) -> str:
        """Return the question with its slips mended by the passages found for it."""
        known = common_words(self.settings.weights / TOKENIZER_FILE)
        return spelled(question, [passage.text for passage in passages], known)

    def _read(
        self, snapshot: Snapshot, questions: Sequence[str], retrieved: Sequence[Sequence[Passage]]
    ) -> list[Reading]:
        """Read each question's passages, as many as it takes."""
        calibration = self.calibration
        if self.settings.read_all:
            calibration = replace(calibration, stopping=None, refusing=None)
        readings = [
            Reading(question, passages, calibration, len(snapshot))
            for question, passages in zip(questions, retrieved, strict=True)
        ]
        read_all(readings, self.reader)
        return readings

    def _answer(
        self,
        snapshot: Snapshot,
        question: str,
        reading: Reading,
        wanted: Filter | None,
        clock: _Clock,
        history: Sequence[Answer] = (),
    ) -> Answer:
        own = of_document(reading.question)
        itself = of_itself(own, snapshot, wanted, history) if own else None
        told = self._told(question, reading, itself, clock) if itself else None
        if told and itself and itself.question.certain and not itself.question.told:
            return told
        cited = Citer(snapshot, reading.passages)
        decision = decide(reading.candidates, reading.calibration)
        yes_no = bool(_YES_NO.match(reading.question))
        citations = cited.all(decision.supporting[:_SOURCES])
        # A reader takes any name for the author's.
        best = citations[0] if citations else None
        silent = bool(
            itself
            and (itself.missing or (best and not itself.said_in(best.document, best.sentence)))
        )
        answered = decision.answered and bool(citations) and not silent
        if told and not answered:
            return told
        if yes_no and answered:
            citations = _each_once(widened(citation) for citation in citations)
        rivals = cited.all(decision.rivals[:_SOURCES]) if answered else ()
        refusal = None
        if not answered:
            nearest = cited.all(decision.nearest[:_NEAREST])
            refusal = _refusal(snapshot, decision.conflicting, nearest)
        words = [] if silent else content_words(reading.question)
        if answered and decision.confidence >= _SURE:
            # Other words for the same thing are no reason to doubt an answer; another name is.
            words = names(reading.question, words)
        said = self._said_in(snapshot)
        unsaid = tuple(said.unsaid(words, wanted))
        opposite = _opposite(reading.question, citations, answered)
        told_too = _told_too(citations, rivals)
        note = _note(yes_no and answered, told_too, opposite, said.sentence(unsaid, wanted))
        if itself and silent:
            note = itself.silence
        clock.lap("answering")
        return Answer(
            question=question,
            understood=reading.question,
            text=citations[0].quote if answered else None,
            confidence=0.0 if silent else decision.confidence,
            citations=citations if answered else (),
            refusal=refusal,
            note=note,
            rivals=rivals,
            calibration=reading.calibration.fitted_on,
            unsaid=unsaid,
            seconds=clock.seconds(),
        )

    def _told(
        self, question: str, reading: Reading, itself: OfItself, clock: _Clock
    ) -> Answer | None:
        """Return what a document says of itself as the answer; None where it does not."""
        if itself.citation is None or itself.confidence < reading.calibration.threshold:
            return None
        clock.lap("answering")
        return Answer(
            question=question,
            understood=reading.question,
            text=itself.citation.quote,
            confidence=itself.confidence,
            citations=(itself.citation,),
            note=itself.note,
            calibration=FITTED_ON,
            seconds=clock.seconds(),
        )

    def _said_in(self, snapshot: Snapshot) -> Said:
        """Return what looks words up in a snapshot, the same one until the library changes."""
        said = self._said
        if said is None or said.snapshot is not snapshot:
            said = self._said = Said(snapshot)
        return said


def _refusal(snapshot: Snapshot, conflicting: bool, nearest: tuple[Citation, ...]) -> Refusal:
    if conflicting:
        places = " and ".join(f"“{cited.quote}” ({cited.place})" for cited in nearest[:2])
        return Refusal("conflicting", f"The documents disagree: {places}.", nearest)
    if nearest:
        return Refusal("not_answered", "The documents do not answer this.", nearest)
    if not len(snapshot):
        return Refusal("nothing_retrieved", "There are no documents to search.")
    return Refusal("nothing_retrieved", "Nothing in the documents is about this.")


def _each_once(citations: Iterable[Citation]) -> tuple[Citation, ...]:
    """Return the best citation of each place: one sentence may have been quoted from twice."""
    places: dict[tuple[str, int, int], Citation] = {}
    for one in citations:
        places.setdefault((one.document, one.start, one.end), one)
    return tuple(places.values())


def _opposite(question: str, citations: Sequence[Citation], answered: bool) -> str:
    """Return what to tell where the best sentence has the opposite of what is asked."""
    found = contradicts(contrasted(question), citations[0].sentence) if citations else None
    if found is None:
        return ""
    sentence = "This sentence" if answered else "The nearest sentence"
    return f"{sentence} says “{found[1]}”, not “{found[0]}”."


def _told_too(citations: Sequence[Citation], rivals: Sequence[Citation]) -> str:
    """Return what to tell of rivals: other rows that the question fits, other sources."""
    remarks = []
    rows = [rival for rival in rivals if rival.document == citations[0].document]
    if rows:
        others = ", ".join(f"“{rival.quote}” ({rival.place})" for rival in rows)
        remarks.append(f"The question fits more than one row: {others}.")
    if len(rows) < len(rivals):
        others = ", ".join(f"“{rival.quote}”" for rival in rivals if rival not in rows)
        remarks.append(f"Sources disagree: another one says {others}.")
    return " ".join(remarks)


def _note(yes_no: bool, told_too: str, opposite: str, unsaid: str) -> str | None:
    only = _ONLY_QUOTES if yes_no else ""
    return " ".join(filter(None, (only, told_too, opposite, unsaid))) or None


class _Clock:
    """Wall time by stage, seconds."""

    def __init__(self) -> None:
        self._last = time.perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        """Book the time since the last lap under `name`."""
        now = time.perf_counter()
        self._laps[name] = self._laps.get(name, 0.0) + now - self._last
        self._last = now

    def seconds(self) -> dict[str, float]:
        """Return the laps and their total."""
        laps = {name: round(value, 4) for name, value in self._laps.items()}
        return {**laps, "total": round(sum(self._laps.values()), 4)}


def open_assistant(
    documents: Documents | None = None,
    *,
    name: str | None = None,
    settings: Settings | None = None,
    sync: bool = True,
    progress: Callable[[Any], None] | None = None,
) -> Assistant:
    """Open the library of some documents, bring it up to date, and return its assistant.

    Args:
        documents: A folder, a file, or several; the bundled seeds when None and no name is given.
        name: The library's name; one that exists needs no documents.
        settings: Sizes, limits, where libraries are kept; from the environment when None.
        sync: Whether to look for changes in the documents first.
        progress: Called while documents are read, see `Library.sync`.

    Raises:
        LibraryError: A path is missing, there is no library of that name, or it is locked, damaged
            or of another make.
        WeightsMissing: The reader's or the embedder's weights are not there.
    """
    from index.library import Library

    settings = settings or Settings()
    # Before the library is touched: without a reader an index is of no use.
    reader, calibration = _reader(settings)
    library = Library.open(
        seeds_folder() if documents is None and name is None else documents,
        home=settings.home,
        embedder=lambda: embedder_of(settings),
        name=name,
        chunk_size=settings.chunk_size,
        chunk_overlap=settings.chunk_overlap,
        milvus=settings.milvus,
    )
    if sync:
        library.sync(progress=progress)
    own = in_force(library.folder, settings)
    return Assistant(library, reader, own or calibration, settings)


def ask(question: str, documents: Documents | None = None, **options: Any) -> Answer:
    """Answer one question from some documents; the bundled seeds by default.

    Opens and syncs the documents' library at each call: to ask more than once, `qa.open` it.

    Args:
        question: The question.
        documents: A folder, a file, or several.
        **options: Of `Assistant.ask`, and `settings`.

    Raises:
        CitespanError: See `qa.open` and `Assistant.ask`.
    """
    assistant = open_assistant(documents, settings=options.pop("settings", None))
    try:
        return assistant.ask(question, **options)
    finally:
        assistant.library.close()


# Weights are read once a process however many libraries are opened.
@lru_cache(maxsize=4)
def _reader(settings: Settings) -> tuple[Reader, Calibration]:
    return Reader.default(settings), shipped(settings)


def calibration_of(library: Library, settings: Settings) -> Calibration:
    """Return a library's own calibration, or the one of the reader's weights.

    Raises:
        LibraryError: The library's own is damaged.
    """
    return in_force(library.folder, settings) or shipped(settings)


def embedder_of(settings: Settings) -> Embedder:
    """Return the embedder that is set; its weights are read at its first use, once a process."""
    return _embedder(settings.embedder, settings.threads)


@lru_cache(maxsize=4)
def _embedder(name: str, threads: int) -> Embedder:
    from index.embedder import open_embedder

    return open_embedder(name, threads)
