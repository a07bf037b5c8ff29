"""Who sees which library: everyone the same one, or each login one of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import gradio as gr

from ui.chat import Chat
from ui.shelf import Shelf

if TYPE_CHECKING:
    from qa.assistant import Assistant


@dataclass(frozen=True, slots=True)
class Room:
    """One library's chat and shelf."""

    chat: Chat
    shelf: Shelf


class Rooms:
    """Opens a room for whoever asks."""

    def __init__(
        self,
        assistant: Assistant,
        received: Path,
        examples: Callable[[Assistant], Sequence[str]],
        private: Callable[[str], Assistant] | None = None,
    ) -> None:
        """Keep what rooms are made of.

        Args:
            assistant: The one that everyone shares, unless `private` is given.
            received: Where the upload route puts files.
            examples: Questions to offer for an assistant.
            private: Opens the assistant of a login, by name.
        """
        self._received, self._examples, self._private = received, examples, private
        self._shared = self._room(assistant)
        self._own: dict[str, Room] = {}
        self._opening = Lock()

    def _room(self, assistant: Assistant) -> Room:
        chat = Chat(assistant, self._examples(assistant))
        return Room(chat, Shelf(assistant, self._received))

    def __call__(self, request: gr.Request) -> Room:
        """Return the room of whoever sent a request."""
        if self._private is None:
            return self._shared
        # Gradio lets no request through without a login, where one is asked for.
        name = str(request.username)
        with self._opening:
            if name not in self._own:
                self._own[name] = self._room(self._private(name))
            return self._own[name]


def private_assistant(assistant: Assistant, name: str) -> Assistant:
    """Open a login's own assistant: the shared documents, and what this login uploads.

    The models are shared; the library, the uploads and the golden set are the login's own, in a
    folder named by a hash, since a name may hold anything.

    Raises:
        CitespanError: The library cannot be opened.
    """
    from index.embedder import SentenceTransformerEmbedder
    from index.library import Library
    from qa.assistant import Assistant as Opened

    shared = assistant.settings
    home = shared.home.expanduser() / "users" / hashlib.sha256(name.encode()).hexdigest()[:24]
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    manifest = assistant.library.snapshot().manifest
    library = Library.open(
        [Path(root) for root in manifest.roots] if manifest else [home],
        home=home,
        embedder=lambda: SentenceTransformerEmbedder(shared.embedder),
        chunk_size=shared.chunk_size,
        chunk_overlap=shared.chunk_overlap,
    )
    library.sync()
    own = shared.model_copy(update={"home": home})
    return Opened(library, assistant.reader, assistant.calibration, own)
