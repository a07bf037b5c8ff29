"""Conversations that are kept on this machine, so that a reload or a new day finds them again.

One file a conversation, readable by its owner only, in a folder of the library's own. What cites a
document that is not in the library any more is dropped: a deleted document leaves no quotes behind.
"""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import tempfile
import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from qa.answer import Answer, Citation
from ui.panes import Kept, Turn

log = logging.getLogger(__name__)

FORMAT = 1
MOST = 50
MOST_TURNS = 200
IDENTITY = re.compile(r"[0-9a-f]{16}")
_WRITING = threading.Lock()


class History:
    """The conversations of one library."""

    def __init__(self, folder: Path) -> None:
        """Keep the folder; it is made when there is something to keep."""
        self.folder = folder
        self._forgotten: set[str] = set()

    @staticmethod
    def new() -> str:
        """Return a name for another conversation."""
        return secrets.token_hex(8)

    def keep(self, identity: str, turns: Sequence[Turn]) -> None:
        """Keep a conversation's finished turns in the place of what was kept of it before.

        One that was deleted stays so, though a question of it was still being answered. What
        cannot be written is logged and not kept; the conversation goes on.
        """
        done = [turn for turn in turns if turn.answer is not None][-MOST_TURNS:]
        if not done or not IDENTITY.fullmatch(identity):
            return
        try:
            with _WRITING:
                if identity in self._forgotten:
                    return
                self._write(identity, done)
                for old in self._paths()[MOST:]:
                    old.unlink(missing_ok=True)
        except OSError as error:
            log.error("a conversation could not be kept: %s", error)

    def amend(self, identity: str, change: Callable[[tuple[Turn, ...]], tuple[Turn, ...]]) -> None:
        """Change what is kept of a conversation by now; one that is not kept stays so.

        What cannot be written is logged, and is kept as it was.
        """
        try:
            with _WRITING:
                turns = self.load(identity)
                changed = change(turns)
                if changed != turns:
                    self._write(identity, changed)
        except OSError as error:
            log.error("a conversation could not be kept: %s", error)

    def load(self, identity: object) -> tuple[Turn, ...]:
        """Return a conversation's turns; none when it is not kept, or cannot be read."""
        if not isinstance(identity, str) or not IDENTITY.fullmatch(identity):
            return ()
        return self._read(self.folder / f"{identity}.json")

    def listed(self, most: int) -> list[Kept]:
        """Return the conversations, the last one first."""
        found = []
        for path in self._paths()[:most]:
            turns = self._read(path)
            if turns:
                when = datetime.fromtimestamp(path.stat().st_mtime)
                found.append(Kept(path.stem, turns[0].question, len(turns), when))
        return found

    def forget(self, identity: object) -> None:
        """Delete a conversation; every one when `identity` is None."""
        with _WRITING:
            if isinstance(identity, str) and IDENTITY.fullmatch(identity):
                self._forgotten.add(identity)
            for path in self._paths():
                if identity is None or path.stem == identity:
                    self._forgotten.add(path.stem)
                    path.unlink(missing_ok=True)

    def prune(self, documents: Collection[str]) -> None:
        """Drop every answer that cites something else than these documents."""
        for path in self._paths():
            turns = self._read(path)
            left = held(turns, documents)
            if len(left) == len(turns):
                continue
            when = path.stat().st_mtime
            if left:
                self.keep(path.stem, left)
                os.utime(path, (when, when))
            else:
                with _WRITING:
                    path.unlink(missing_ok=True)

    def _paths(self) -> list[Path]:
        """Return the files, the last written one first."""
        found = []
        with suppress(OSError):
            for path in self.folder.iterdir():
                if path.suffix == ".json" and IDENTITY.fullmatch(path.stem):
                    found.append((path.stat().st_mtime, path))
        return [path for _, path in sorted(found, reverse=True)]

    def _read(self, path: Path) -> tuple[Turn, ...]:
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            return tuple(_turn(one) for one in data["turns"])
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("a conversation cannot be read: %s: %r", path, error)
            return ()

    def _write(self, identity: str, turns: Sequence[Turn]) -> None:
        data = {"format": FORMAT, "turns": [_plain(turn) for turn in turns]}
        text = json.dumps(data, ensure_ascii=False)
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, temporary = tempfile.mkstemp(dir=self.folder)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(temporary, self.folder / f"{identity}.json")
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


def held(turns: Sequence[Turn], documents: Collection[str]) -> list[Turn]:
    """Return the turns that cite, and were asked of, nothing else than these documents."""
    known = set(documents)
    return [
        turn
        for turn in turns
        if known.issuperset(citation.document for citation in turn.citations)
        and known.issuperset(turn.scope)
    ]


def _plain(turn: Turn) -> dict[str, Any]:
    answer = turn.answer.to_dict() if turn.answer is not None else None
    return {
        "question": turn.question,
        "answer": answer,
        "kept": turn.kept,
        "scope": list(turn.scope),
    }


def _turn(data: dict[str, Any]) -> Turn:
    """Return the turn that `_plain` described.

    Raises:
        KeyError, TypeError, ValueError: It is none.
    """
    answer = Answer.from_dict(data["answer"])
    turn = Turn(data["question"], answer=answer, kept=data["kept"], scope=tuple(data["scope"]))
    texts = [turn.question, answer.question, answer.understood, *turn.scope]
    if not all(isinstance(text, str) for text in texts) or not all(map(_sound, turn.citations)):
        raise ValueError("found something else than text and offsets")
    return turn


def _sound(place: Citation) -> bool:
    offsets = (place.start, place.end, place.sentence_start, place.sentence_end)
    words = (place.document, place.quote, place.sentence)
    whole = all(isinstance(offset, int) for offset in offsets)
    return whole and all(isinstance(word, str) for word in words)
