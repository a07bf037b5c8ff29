"""Who sees which library: everyone the same ones, or each login its own."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import gradio as gr

from index.errors import LibraryError
from index.library import Library
from index.scan import Root, label
from index.shelf import folder as place
from index.shelf import libraries_of
from index.store import Manifest
from qa.assistant import Assistant, calibration_of
from qa.own_calibration import in_force
from ui.chat import Chat
from ui.known import KnownVectors
from ui.shelf import Shelf

NAMES_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Room:
    """One library's chat and shelf.

    Attributes:
        library: The library's name; empty for the one that was there first.
        chat: Asks it.
        shelf: Changes it.
    """

    library: str
    chat: Chat
    shelf: Shelf


class Rooms:
    """Opens a room for whoever asks, and the library they chose."""

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
            private: Opens the assistant of a login, by name; what is removed from the library of
                `assistant` later is taken out of the login's too, before it is asked again.
        """
        self._received, self._examples, self._private = received, examples, private
        self._shared = self._room("", assistant)
        self._open: dict[tuple[str, str], Room] = {}
        self._opening: dict[tuple[str, str], Lock] = {}
        self._looked: dict[str, tuple[Manifest | None, Manifest | None]] = {}
        self._lock = Lock()

    def _room(self, library: str, assistant: Assistant) -> Room:
        chat = Chat(assistant, self._examples(assistant), library)
        return Room(library, chat, Shelf(assistant, self._received, chat.prune, library))

    def __call__(self, request: gr.Request, library: object = "") -> Room:
        """Return the room of whoever sent a request.

        Args:
            request: Says who has logged in.
            library: Name of one of their libraries; any other value gives the first one.

        Raises:
            CitespanError: The library cannot be opened.
        """
        first = self._first(request)
        if not isinstance(library, str) or not library:
            return first
        # To look through all libraries takes too long for every question.
        opened = self._open.get((self._login(request), library))
        if opened is not None:
            return opened
        if library not in self.named(first):
            return first
        assistant = first.chat.assistant
        return self._opened(
            self._login(request), library, lambda: named_assistant(assistant, library)
        )

    def asked(self, request: gr.Request, library: object) -> Room | None:
        """Return the room of a library that is asked by name; None when there is none of it.

        The first one is asked by no name, and by the one that it is served by.

        Raises:
            CitespanError: The library cannot be opened.
        """
        room = self(request, library)
        served = self._shared.chat.assistant.library.name
        known = (room.library,) if room.library else ("", served)
        return room if library in known else None

    def named(self, room: Room) -> list[str]:
        """Return the names of the libraries beside a login's first one."""
        home = Path(room.chat.assistant.settings.home)
        own = room.chat.assistant.library.name
        return [one.name for one in libraries_of(home) if one.name and one.name != own]

    def choice(self, request: gr.Request) -> list[tuple[str, str]]:
        """Return what can be chosen, as (name, words to show); the first one comes first."""
        first = self._first(request)
        return [("", title(first.chat.assistant)), *((name, name) for name in self.named(first))]

    def make(self, request: gr.Request, name: str) -> Room:
        """Make a library of a name, with a folder for uploads and nothing in it yet.

        Raises:
            LibraryError: The name is no name, or taken.
        """
        first = self._first(request)
        if name and name in (first.chat.assistant.library.name, *self.named(first)):
            raise LibraryError(f"library {name!r}: there already, expected a new name")
        named_assistant(first.chat.assistant, name, make=True)
        return self(request, name)

    def _login(self, request: gr.Request) -> str:
        # Gradio lets no request through without a login, where one is asked for.
        return "" if self._private is None else str(request.username)

    def _first(self, request: gr.Request) -> Room:
        private = self._private
        if private is None:
            return self._shared
        login = self._login(request)
        room = self._opened(login, "", lambda: private(login))
        self._follow(login, room)
        return room

    def _follow(self, login: str, room: Room) -> None:
        """Take out of a login's library what was removed from the shared one by now."""
        shared, own = (one.chat.assistant.library for one in (self._shared, room))
        with self._opening[login, ""]:
            # To go through all names takes too long for every question.
            manifest = shared.snapshot().manifest
            if self._looked.get(login) == (manifest, own.snapshot().manifest):
                return
            if take_out(shared, own):
                room.chat.prune()
            self._looked[login] = manifest, own.snapshot().manifest

    def _opened(self, login: str, library: str, make: Callable[[], Assistant]) -> Room:
        """Return a room that is open, or open it; nobody waits for another one's to open."""
        key = (login, library)
        with self._lock:
            opening = self._opening.setdefault(key, Lock())
        with opening:
            if key not in self._open:
                self._open[key] = self._room(library, make())
            return self._open[key]


def title(assistant: Assistant) -> str:
    """Return what a person calls a library that has no name: its folders."""
    manifest = assistant.library.snapshot().manifest
    roots = [Path(root) for root in manifest.roots] if manifest else []
    names = [root.name for root in roots if root.name != "uploaded"][:NAMES_SHOWN]
    return assistant.library.name or ", ".join(names) or "Documents"


def uploads_folder(home: Path, library: str) -> Path:
    """Return where a library's uploaded files are kept, by the name of its own folder."""
    return home.expanduser() / "uploads" / library / "uploaded"


def named_assistant(like: Assistant, name: str, make: bool = False) -> Assistant:
    """Open a named library of the same home, with the same models.

    Args:
        like: An assistant of that home.
        name: The library's name.
        make: Make it, with its uploads as its documents.

    Raises:
        CitespanError: There is none of that name, or it cannot be opened; or it cannot be made.
    """
    settings = like.settings
    home = settings.home.expanduser()
    known = {one.name: one.manifest for one in libraries_of(home)}.get(name)
    folder = None
    if make:
        # An unfit name is refused before a folder is made of it.
        folder = uploads_folder(home, place(home, [home], name).name)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    library = Library.open(
        folder,
        home=home,
        embedder=lambda: KnownVectors(like.library, settings),
        name=name,
        chunk_size=known.chunk_size if known else settings.chunk_size,
        chunk_overlap=known.chunk_overlap if known else settings.chunk_overlap,
        milvus=settings.milvus,
    )
    if make:
        library.sync()
    library.snapshot()
    return Assistant(library, like.reader, calibration_of(library, settings), settings)


def take_out(shared: Library, own: Library) -> bool:
    """Take out of a login's library what was removed by hand from the shared one.

    What is taken into the shared one again stays out here, as what the login itself removed does.

    Returns:
        Whether there was anything to take out.

    Raises:
        LibraryError: It could not be taken out: another process is writing, or a folder is gone.
    """
    manifest = shared.snapshot().manifest
    if manifest is None or not manifest.excluded:
        return False
    roots = _roots(manifest)
    removed = {path for name in manifest.excluded for path in _places(name, roots)}
    found = False
    # Looked for after each, as each one takes in what has changed on the disk meanwhile.
    while (name := _still_there(own, removed)) is not None:
        own.remove(name)
        found = True
    return found


def _still_there(own: Library, removed: set[Path]) -> str | None:
    snapshot = own.snapshot()
    roots = _roots(snapshot.manifest) if snapshot.manifest else ()
    for record in snapshot.documents():
        places = _places(record.name, roots)
        if removed.isdisjoint(places):
            continue
        # Of two places that a name can mean, the one with a file: the other may be an upload's.
        there = [path for path in places if os.path.exists(path)] or places
        if not removed.isdisjoint(there):
            return record.name
    return None


def _roots(manifest: Manifest) -> tuple[Root, ...]:
    return label([Path(root) for root in manifest.roots])


def _places(name: str, roots: Sequence[Root]) -> list[Path]:
    """Return where a document of a name may lie, be it there or not.

    Two libraries of the same folders can have two names for a file: a name begins with its root's
    label, and a root inside another one counts once when a library is opened.
    """
    return [
        root.path / name.removeprefix(root.label).removeprefix("/")
        for root in roots
        if not root.label or f"{name}/".startswith(f"{root.label}/")
    ]


def private_assistant(assistant: Assistant, name: str) -> Assistant:
    """Open a login's own assistant: the shared documents, and what this login uploads.

    What was removed from the shared library by hand is not among them, though its file is there.
    The models are shared, and so are the vectors of the shared documents; the library, the uploads,
    the conversations and the golden set are the login's own, in a folder named by a hash, since a
    name may hold anything.

    Raises:
        CitespanError: The library cannot be opened.
    """
    shared = assistant.settings
    home = shared.home.expanduser() / "users" / hashlib.sha256(name.encode()).hexdigest()[:24]
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    manifest = assistant.library.snapshot().manifest
    library = Library.open(
        [Path(root) for root in manifest.roots] if manifest else [home],
        home=home,
        embedder=lambda: KnownVectors(assistant.library, shared),
        chunk_size=shared.chunk_size,
        chunk_overlap=shared.chunk_overlap,
        milvus=shared.milvus,
    )
    library.sync()
    take_out(assistant.library, library)
    own = shared.model_copy(update={"home": home})
    calibration = in_force(library.folder, own) or assistant.calibration
    return Assistant(library, assistant.reader, calibration, own)
