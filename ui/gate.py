"""Who is asked next: a bounded line before the few questions that the processor can work at.

A question that finds no place is told at once that the server is busy, and for how long. Those
that wait cost no thread: a fixed number of threads ask, and whoever waits is a coroutine. The lines
of different people take turns, so that one who sends a thousand questions does not keep others
waiting, and some places are kept for people who have none. Questions that are equal in every
respect are asked once, for all who wait for them ("single flight"), and a question that nobody
waits for any more is dropped.

Several questions are not read in one batch. Each window is read alone (`qa.reader`), a query is
embedded alone (`index.encoder`), and so a batch would only make the first wait for the last; two
questions side by side keep the cores as busy (`tests/benchmarks/load.py`).
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, Callable, Hashable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from threading import Condition, Thread
from typing import TYPE_CHECKING

from fastapi.concurrency import run_in_threadpool

from index.errors import CitespanError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from index.filters import Filter
    from qa.answer import Answer
    from qa.assistant import Assistant, Stage

# Questions at once: what one leaves of two cores while its windows end, the other takes.
AT_ONCE = 2
# Seconds that a question takes, before one was timed; and the weight of the newest.
_FIRST_GUESS, _NEWEST = 1.0, 0.2
# A sign of life while nothing happens, so that whoever has gone is noticed: seconds.
_PULSE = 1.0


class Busy(CitespanError):
    """Every place is taken.

    Attributes:
        seconds: After which a place is likely to be free.
    """

    def __init__(self, waiting: int, seconds: int) -> None:
        super().__init__(
            f"The server is busy: {waiting} questions are waiting, and it takes no more. "
            f"Try again in about {seconds} s."
        )
        self.seconds = seconds


@dataclass(eq=False)
class _Flight:
    """One question on its way, and who waits for it."""

    key: Hashable
    begin: Callable[[], Iterator[Stage]]
    seats: list[_Seat] = field(default_factory=list)
    stages: list[Stage] = field(default_factory=list)
    begun: bool = False


@dataclass(eq=False)
class _Seat:
    """One who waits, in the event loop of theirs."""

    flight: _Flight
    loop: asyncio.AbstractEventLoop
    items: asyncio.Queue[Stage | Exception]

    def hand(self, item: Stage | Exception) -> None:
        """Pass a stage, or how it failed, to the one who waits; from any thread."""
        try:
            self.loop.call_soon_threadsafe(self.items.put_nowait, item)
        except RuntimeError:  # the loop was closed: the server is stopping
            return


class Gate:
    """Takes questions in, as many as there are places, and asks a few at a time.

    Safe to use from several event loops and threads.

    Attributes:
        places: Most questions that wait.
    """

    def __init__(self, places: int = 64, at_once: int = AT_ONCE) -> None:
        """Open the gate; its threads start with the first question.

        Args:
            places: Most questions that wait. A quarter as many again are kept for people who
                have no question waiting.
            at_once: Questions that are worked at.
        """
        self.places, self._kept = places, max(1, places // 4)
        self._at_once = at_once
        self._lines: OrderedDict[str, deque[_Flight]] = OrderedDict()
        self._flights: dict[Hashable, _Flight] = {}
        self._waiting = 0
        self._seconds = _FIRST_GUESS
        self._changed = Condition()
        self._threads = 0

    @property
    def waiting(self) -> int:
        """Return how many questions wait to be worked at."""
        return self._waiting

    async def ask(
        self, who: str, key: Hashable, begin: Callable[[], Iterator[Stage]]
    ) -> AsyncGenerator[Stage | None, None]:
        """Yield the stages of a question as they come; None each second in which none does.

        To close this iterator gives the place back, so an asker who may have gone without a word
        is looked for at each None.

        Args:
            who: Whose line to wait in.
            key: What makes two questions the same one.
            begin: Asks it; called in a thread, or not at all when the same is on its way.

        Raises:
            Busy: Every place is taken.
            CitespanError: As of `Assistant.ask`.
        """
        seat = self._enter(who, key, begin)
        try:
            while True:
                try:
                    item = await asyncio.wait_for(seat.items.get(), _PULSE)
                except TimeoutError:
                    yield None
                    continue
                if isinstance(item, Exception):
                    raise item
                yield item
                if item.answer is not None:
                    return
        finally:
            self._leave(seat)

    def _enter(self, who: str, key: Hashable, begin: Callable[[], Iterator[Stage]]) -> _Seat:
        loop = asyncio.get_running_loop()
        with self._changed:
            flight = self._flights.get(key)
            if flight is None:
                self._check(who)
                flight = self._flights[key] = _Flight(key, begin)
                self._waiting += 1
                self._start_threads()
                self._changed.notify()
            if not flight.begun and flight not in self._lines.get(who, ()):
                # Also in this one's own line, which may be shorter than that of who came first.
                self._lines.setdefault(who, deque()).append(flight)
            seat = _Seat(flight, loop, asyncio.Queue())
            for stage in flight.stages:
                seat.items.put_nowait(stage)
            flight.seats.append(seat)
            return seat

    def _check(self, who: str) -> None:
        places = self.places + (0 if who in self._lines else self._kept)
        if self._waiting >= places:
            seconds = self._seconds * self._waiting / self._at_once
            raise Busy(self._waiting, max(1, math.ceil(seconds)))

    def _leave(self, seat: _Seat) -> None:
        with self._changed:
            flight = seat.flight
            flight.seats.remove(seat)
            if flight.seats:
                return
            # Whoever comes now begins anew: this one may already be breaking off.
            if self._flights.get(flight.key) is flight:
                del self._flights[flight.key]
            if not flight.begun:
                self._take(flight)

    def _take(self, flight: _Flight) -> None:
        """Take a question out of every line that it stands in."""
        flight.begun = True
        self._waiting -= 1
        for who in [who for who, line in self._lines.items() if flight in line]:
            self._lines[who].remove(flight)
            if not self._lines[who]:
                del self._lines[who]

    def _start_threads(self) -> None:
        while self._threads < self._at_once:
            self._threads += 1
            Thread(target=self._work, name=f"asking-{self._threads}", daemon=True).start()

    def _work(self) -> None:
        while True:
            flight = self._next()
            started = time.monotonic()
            self._fly(flight)
            taken = time.monotonic() - started
            with self._changed:
                self._seconds += _NEWEST * (taken - self._seconds)

    def _next(self) -> _Flight:
        """Wait for a question, each line in its turn."""
        with self._changed:
            while not self._lines:
                self._changed.wait()
            who = next(iter(self._lines))
            flight = self._lines[who][0]
            self._lines.move_to_end(who)
            self._take(flight)
            return flight

    def _fly(self, flight: _Flight) -> None:
        """Ask, and hand out what comes; break off when nobody waits for it any more."""
        end: Exception | None = None
        answered = False
        try:
            for stage in flight.begin():
                answered = stage.answer is not None
                with self._changed:
                    if not flight.seats:
                        return
                    flight.stages.append(stage)
                    if answered:
                        self._land(flight)
                    for seat in flight.seats:
                        seat.hand(stage)
        except Exception as error:
            end = error
        if end is not None or not answered:
            with self._changed:
                self._land(flight)
                for seat in flight.seats:
                    seat.hand(end or RuntimeError("a question ended without an answer"))

    def _land(self, flight: _Flight) -> None:
        if self._flights.get(flight.key) is flight:
            del self._flights[flight.key]


@dataclass(frozen=True, slots=True)
class Question:
    """What to ask, of whom, and for whom.

    Attributes:
        assistant: Who is asked.
        text: The question.
        history: Earlier answers of its conversation, oldest first.
        filters: Which documents may answer; None for all.
        instead: Whether a refusal is followed by a look for a question that is answered.
    """

    assistant: Assistant
    text: str
    history: Sequence[Answer] = ()
    filters: Filter | None = None
    instead: bool = False

    def key(self) -> Hashable:
        """Return what makes two questions the same: all of it, and the library's generation.

        Raises:
            LibraryError: The library cannot be read.
        """
        generation = self.assistant.library.snapshot().generation
        made = (id(self.assistant), generation, self.text, tuple(self.history), self.filters)
        return (*made, self.instead)

    def stages(self) -> Iterator[Stage]:
        """Ask; yield the stages as they begin, as `Assistant.ask_stages` does."""
        for stage in self.assistant.ask_stages(self.text, self.history, self.filters):
            if stage.answer is not None and self.instead:
                answer = self.assistant.instead(stage.answer, self.filters)
                stage = replace(stage, answer=answer)
            yield stage


async def ask(gate: Gate, who: str, question: Question) -> AsyncGenerator[Stage | None, None]:
    """Ask through the gate; yields and raises as `Gate.ask`."""
    key = await run_in_threadpool(question.key)
    async with aclosing(gate.ask(who, key, question.stages)) as stages:
        async for stage in stages:
            yield stage
