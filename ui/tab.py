"""A conversation, and the browser tab that is on it: several events may change it at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

from qa.answer import Answer
from ui.panes import Turn

if TYPE_CHECKING:
    from qa.assistant import Stage
    from ui.chat import Asking


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation, and what the document pane shows.

    Attributes:
        turns: The questions, oldest first.
        selected: The (turn, citation) that is shown, or None.
        opened: Name of a document that was opened by itself; it goes before `selected`.
        page: Page of a PDF that was turned to, or None for the citation's.
        as_text: Whether a PDF is shown as text.
        identity: Under which it is kept; empty before the first question.
        library: Name of the library that it is with; empty for the first one.
    """

    turns: tuple[Turn, ...] = ()
    selected: tuple[int, int] | None = None
    opened: str | None = None
    page: int | None = None
    as_text: bool = False
    identity: str = ""
    library: str = ""

    @property
    def answers(self) -> tuple[Answer, ...]:
        """What was answered or refused so far, oldest first."""
        return tuple(turn.answer for turn in self.turns if turn.answer is not None)

    @property
    def view(self) -> tuple[object, ...]:
        """What the document pane shows; equal for two conversations that show the same there."""
        cited = self.turns[self.selected[0]].answer if self.selected else None
        return self.library, cited, self.selected, self.opened, self.page, self.as_text


class Tab:
    """The conversation of a tab.

    A question takes a while, and what is done meanwhile must stand: a verdict, a source that was
    opened, another library. So each event changes what is there now, not what it began with.

    Attributes:
        conversation: As it is now.
    """

    def __init__(self, conversation: Conversation | None = None) -> None:
        """Begin with a conversation; with an empty one of the first library when None."""
        self.conversation = conversation or Conversation()
        self._changing = Lock()

    def __deepcopy__(self, memo: dict[int, Any]) -> Tab:
        """Return a tab of its own: Gradio copies the first value of its state for each page."""
        return Tab(self.conversation)

    def change(self, change: Callable[[Conversation], Conversation]) -> Conversation:
        """Put what `change` makes of the conversation in its place, and return that."""
        with self._changing:
            self.conversation = change(self.conversation)
            return self.conversation

    def begin(self, asking: Asking, before: Conversation) -> None:
        """Put a question into the conversation that it was asked in.

        Args:
            asking: The question.
            before: The conversation as the question found it.
        """
        with self._changing:
            now = self.conversation
            if (now.identity, now.library) == (before.identity, before.library):
                self.conversation = asking.begun(now)

    def follow(self, asking: Asking, said: Stage | Exception) -> Conversation | None:
        """Do to the conversation what a question's next stage, or its failure, does to it.

        Returns:
            The conversation; None when the tab is on another one by now, which stays as it is.
            The answer is then kept with its own one all the same.
        """
        with self._changing:
            here = self.conversation.identity == asking.conversation.identity
            if here:
                asking.conversation = self.conversation
            after = asking.failed(said) if isinstance(said, Exception) else asking.step(said)
            if here:
                self.conversation = after
        return after if here else None
