"""The reader: one pass over each passage gives relevance, answerability and the answer's span.

The sentences that it is found in are read once more, see `qa.rereading`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from index.chunks import crosses_paragraphs, sentence_around
from index.errors import ModelError
from qa import rereading, spans
from qa.config import Settings
from qa.contrasts import COST, Opposed, contradicts, contrasted
from qa.reader_files import (
    MODEL_FILE,
    TOKENIZER_FILE,
    Logits,
    Run,
    checked_config,
    network_of,
    tokenizer_of,
)
from qa.wording import as_read

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

# Room left for the passage however long the question: a reader that sees no passage can only lie.
_MAX_QUESTION_SHARE = 0.4
# Spans of a passage that its best sentences are told by, at least.
_CONSIDERED = 8


@dataclass(frozen=True, slots=True)
class Span:
    """A candidate answer in one passage.

    Attributes:
        passage: Index of the passage in the list that was read.
        start: First character in that passage.
        end: One past the last character; `passages[passage][start:end] == text`.
        text: The characters.
        score: Log-odds that this span answers the question, against "no answer here"; above 0
            it answers. Comparable across passages.
        margin: Log of P(span) / P(no answer) under the span head alone; less `contrasts.COST` where
            the span's sentence has the opposite of what is asked, see `qa.contrasts`. Where the
            sentence was read twice, this and the heads are the mean of both readings.
        answerability: The answerability head's log-odds for the span's window.
        relevance: The relevance head's log-odds for the span's window.
        row: First character in that passage of the table's row that was read by itself; None for
            what was read as text.
        column: What the span's column is called, in a row.
    """

    passage: int
    start: int
    end: int
    text: str
    score: float
    margin: float
    answerability: float
    relevance: float
    row: int | None = None
    column: str = ""

    @property
    def place(self) -> tuple[int, int]:
        """Its characters in the passage, half-open."""
        return self.start, self.end


class PassageReader(Protocol):
    """Anything that reads: the shipped `Reader`, or a test's."""

    def read_many(
        self, requests: Sequence[tuple[str, Sequence[str]]], best: int = 5
    ) -> list[list[Span]]:
        """Read several questions, each on its own passages."""
        ...


@dataclass(frozen=True, slots=True)
class ScoreWeights:
    """How the three heads make one score; fitted by `qa.train`, kept in `config.json`.

    `score = bias + margin·m + answerability·a + relevance·r`, a logistic regression on whether
    the span is right.
    """

    bias: float = 0.0
    margin: float = 0.0
    answerability: float = 0.0
    relevance: float = 0.0

    def score(self, margin: float, answerability: float, relevance: float) -> float:
        """Return the log-odds that the span answers."""
        return (
            self.bias
            + self.margin * margin
            + self.answerability * answerability
            + self.relevance * relevance
        )


@dataclass(frozen=True, slots=True)
class Frame:
    """The special tokens of a window: `before question between passage after`.

    Attributes:
        before: Its first token stands for "no answer here".
        between: Ends the question.
        after: Ends the passage.
        passage_type: Token type of the passage and of what follows; the rest has 0.
    """

    before: tuple[int, ...]
    between: tuple[int, ...]
    after: tuple[int, ...]
    passage_type: int = 1


@dataclass(frozen=True, eq=False, slots=True)
class _Source:
    """One passage of one request; each is its own, however alike."""

    request: int
    passage: int
    text: str
    encoding: Encoding
    asked: Mapping[str, Opposed]


@dataclass(frozen=True, slots=True)
class _Job:
    """One window to run, and where it came from."""

    source: _Source
    ids: list[int]
    offset: int
    window: spans.Window


@dataclass(frozen=True, slots=True)
class _Plan:
    """A sentence to read again, and the window that it was read in before, with its logits."""

    job: _Job
    sentence: rereading.Sentence
    wider: _Job
    logits: Logits


class Reader:
    """Reads passages for answers.

    Args:
        run: The network; arrays in, logits out. With several workers it is called from several
            threads at once.
        tokenizer: Its tokenizer.
        weights: How its heads make one score.
        window_tokens: Most tokens of question and passage in one window.
        window_stride: Tokens that neighbouring windows share.
        max_answer_tokens: Longest answer.
        workers: Windows run at once, each in a thread of its own.
        frame: Special tokens of a window; BERT's when None.
        sentences: Sentences of a passage that are read a second time, at most.
    """

    def __init__(
        self,
        run: Run,
        tokenizer: Tokenizer,
        weights: ScoreWeights | None = None,
        *,
        window_tokens: int = 320,
        window_stride: int = 96,
        max_answer_tokens: int = 30,
        workers: int = 1,
        frame: Frame | None = None,
        sentences: int = 0,
    ) -> None:
        self._run = run
        self._tokenizer = tokenizer
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._weights = weights or ScoreWeights(margin=1.0)
        self._window, self._stride = window_tokens, window_stride
        self._max_answer = max_answer_tokens
        self._frame = frame or _bert_frame(tokenizer)
        self._sentences = sentences
        self._pool = ThreadPoolExecutor(workers, "reader") if workers > 1 else None

    @classmethod
    def default(cls, settings: Settings | None = None) -> Reader:
        """Load the shipped reader, or the one that `CITESPAN_WEIGHTS` or `CITESPAN_READER` names.

        Args:
            settings: Which reader (`weights`, or `reader` for one in the Hugging Face layout,
                see `qa.hugging_face`), and sizes.

        Raises:
            WeightsMissing: A file of the reader is missing.
            ModelError: A file does not match the checksum in `config.json`, or is no model.
        """
        settings = settings or Settings()
        if settings.reader:
            from qa import hugging_face

            return hugging_face.open_reader(settings.reader, settings)
        folder = settings.weights
        config = checked_config(folder)
        workers, inside = _shared_out(settings.threads or os.cpu_count() or 1)
        return cls(
            network_of(folder / MODEL_FILE, inside),
            tokenizer_of(folder / TOKENIZER_FILE),
            ScoreWeights(**config["score"]),
            window_tokens=settings.window_tokens,
            window_stride=settings.window_stride,
            max_answer_tokens=settings.max_answer_tokens,
            workers=workers,
            sentences=rereading.SENTENCES,
        )

    def read(self, question: str, passages: Sequence[str], best: int = 5) -> list[Span]:
        """Read `passages` for the answer to `question`.

        Args:
            question: The question; read with a question mark, see `qa.wording.as_read`.
            passages: Texts; the spans' offsets are characters of these.
            best: Most spans kept of each passage.

        Returns:
            Spans, best score first; those of one passage do not overlap. A passage without a
            word has none.
        """
        return self.read_many([(question, passages)], best)[0]

    def read_many(
        self, requests: Sequence[tuple[str, Sequence[str]]], best: int = 5
    ) -> list[list[Span]]:
        """Read several questions, each on its own passages; each passage as if read alone.

        Args:
            requests: `(question, passages)` pairs.
            best: Most spans kept of each passage.

        Returns:
            For each request what `read` returns.
        """
        jobs: list[_Job] = []
        for number, (question, passages) in enumerate(requests):
            jobs.extend(self._jobs(number, question, passages))
        read: dict[_Source, list[tuple[_Job, Logits]]] = {}
        for job, logits in zip(jobs, self._logits(jobs), strict=True):
            read.setdefault(job.source, []).append((job, logits))
        most = max(best, _CONSIDERED)
        found = {
            source: _distinct([span for one in windows for span in self._spans(*one, most)], most)
            for source, windows in read.items()
        }
        self._read_again(read, found, most)
        answers: list[list[Span]] = [[] for _ in requests]
        for source, candidates in found.items():
            answers[source.request].extend(candidates)
        return [_distinct(candidates, best) for candidates in answers]

    def _read_again(
        self,
        read: Mapping[_Source, Sequence[tuple[_Job, Logits]]],
        found: dict[_Source, list[Span]],
        best: int,
    ) -> None:
        """Read the best sentences again; put what both readings find in them in place of the rest.

        Args:
            read: The windows of each passage with their logits.
            found: The spans of each passage, best first; changed.
            best: Most spans of a sentence.
        """
        plans = [
            plan for source, windows in read.items() for plan in self._plans(windows, found[source])
        ]
        again = self._logits([plan.job for plan in plans])
        for plan, logits in zip(plans, again, strict=True):
            job, source = plan.job, plan.job.source
            shift = job.window.first - plan.wider.window.first
            tail = len(self._frame.after)
            mean = rereading.averaged(logits, plan.logits, job.offset, shift, tail)
            own = plan.sentence.own
            made = [span for span in self._spans(job, mean, best) if spans.within(span.place, own)]
            if made:
                others = [span for span in found[source] if not spans.overlap(span.place, own)]
                found[source] = made + others

    def _plans(
        self, windows: Sequence[tuple[_Job, Logits]], candidates: Sequence[Span]
    ) -> Iterator[_Plan]:
        """Yield what to read again of a passage; nothing that was read just so before."""
        source = windows[0][0].source
        for sentence in rereading.sentences(source.text, candidates, self._sentences):
            narrow = rereading.tokens_within(source.encoding.offsets, sentence.shown)
            wider = [one for one in windows if one[0].window.holds(narrow)]
            if wider and all(job.window != narrow for job, _ in windows):
                job, logits = wider[0]
                yield _Plan(self._job(source, job.ids[: job.offset], narrow), sentence, job, logits)

    def _jobs(self, request: int, question: str, passages: Sequence[str]) -> Iterator[_Job]:
        asked = self._tokenizer.encode(as_read(question), add_special_tokens=False).ids
        asked = asked[: int(self._window * _MAX_QUESTION_SHARE)]
        head = [*self._frame.before, *asked, *self._frame.between]
        room = self._window - len(head) - len(self._frame.after)
        encoded = self._tokenizer.encode_batch(list(passages), add_special_tokens=False)
        opposed = contrasted(question)
        for passage, encoding in enumerate(encoded):
            if not encoding.ids:
                continue
            source = _Source(request, passage, passages[passage], encoding, opposed)
            for window in spans.windows(len(encoding.ids), room, min(self._stride, room // 2)):
                yield self._job(source, head, window)

    def _job(self, source: _Source, head: list[int], window: spans.Window) -> _Job:
        part = source.encoding.ids[window.first : window.last]
        return _Job(source, [*head, *part, *self._frame.after], len(head), window)

    def _logits(self, jobs: Sequence[_Job]) -> Iterator[Logits]:
        """Run each window alone and yield its logits, in the order of `jobs`.

        An int8 network scales its activations over all that it is given, so that beside another
        window an answer could come out otherwise; and alone, no padding is computed.
        """
        if self._pool is None or len(jobs) < 2:
            for job in jobs:
                yield self._alone(job)
            return
        # The longest first: at the end no worker is left alone with a long one.
        order = sorted(range(len(jobs)), key=lambda at: -len(jobs[at].ids))
        running = {at: self._pool.submit(self._alone, jobs[at]) for at in order}
        for at in range(len(jobs)):
            yield running[at].result()

    def _alone(self, job: _Job) -> Logits:
        ids = np.array([job.ids], dtype=np.int64)
        types = np.zeros_like(ids)
        types[:, job.offset :] = self._frame.passage_type
        return self._run(ids, np.ones_like(ids), types)

    def _spans(self, job: _Job, logits: Logits, best: int) -> list[Span]:
        text, encoding, asked = job.source.text, job.source.encoding, job.source.asked
        start, end, relevance, answerability = (one[0] for one in logits)
        heads = (float(answerability), float(relevance))
        words = np.array(encoding.word_ids[job.window.first : job.window.last])
        changes = words[1:] != words[:-1]
        candidates = spans.decode(
            start,
            end,
            job.offset,
            np.concatenate([[True], changes]),
            np.concatenate([changes, [True]]),
            self._max_answer,
            best * 4,  # overlapping ones and those across paragraphs are dropped later
        )
        made = []
        for candidate in candidates:
            first = encoding.offsets[job.window.first + candidate.first][0]
            last = encoding.offsets[job.window.first + candidate.last][1]
            first, last = spans.align(text, first, last)
            # A headline and the paragraph below it are no phrase of the document's.
            if crosses_paragraphs(text, first, last) or not spans.says_something(text, first, last):
                continue
            margin = candidate.margin
            if asked and contradicts(asked, text[slice(*sentence_around(text, first, last))]):
                margin -= COST
            score = self._weights.score(margin, *heads)
            quote = text[first:last]
            made.append(Span(job.source.passage, first, last, quote, score, margin, *heads))
        return made


def _distinct(candidates: list[Span], best: int) -> list[Span]:
    """Keep the best spans of each passage that overlap no better one, best score first."""
    ordered = sorted(candidates, key=lambda span: (-span.score, span.passage, span.start))
    by_passage: dict[int, list[Span]] = {}
    for span in ordered:
        kept = by_passage.setdefault(span.passage, [])
        clear = not any(spans.overlap(span.place, other.place) for other in kept)
        if span.text and clear and len(kept) < best:
            kept.append(span)
    merged = [span for kept in by_passage.values() for span in kept]
    return sorted(merged, key=lambda span: (-span.score, span.passage, span.start))


def open_reader(folder: Path, sentences: int = 0) -> Reader:
    """Open weights that have no config yet: their score is the span head's margin."""
    workers, inside = _shared_out(os.cpu_count() or 1)
    return Reader(
        network_of(folder / MODEL_FILE, inside),
        tokenizer_of(folder / TOKENIZER_FILE),
        workers=workers,
        sentences=sentences,
    )


def _shared_out(threads: int) -> tuple[int, int]:
    """Return how many windows run at once, and with how many threads the session runs them.

    Two windows side by side keep two cores busier than two threads in one window, which wait for
    each other at every layer. The session's further threads, one less than its number, serve both.
    """
    workers = min(2, threads)
    return workers, threads - workers + 1


def _bert_frame(tokenizer: Tokenizer) -> Frame:
    first, separator = _token(tokenizer, "[CLS]"), _token(tokenizer, "[SEP]")
    return Frame((first,), (separator,), (separator,))


def _token(tokenizer: Tokenizer, text: str) -> int:
    number = tokenizer.token_to_id(text)
    if number is None:
        raise ModelError(f"the tokenizer has no {text} token, expected a BERT tokenizer")
    return int(number)
