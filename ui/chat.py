"""One person's conversation: what a question, a click or a name does to it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.errors import CitespanError, LibraryError, QuestionError
from index.filters import Filter
from qa.answer import Answer
from ui import feedback, panes
from ui.panes import Turn
from ui.render import count

if TYPE_CHECKING:
    from qa.assistant import Assistant

log = logging.getLogger(__name__)

# A longer question is refused anyway; the page shows its beginning only.
SHOWN_QUESTION = 1200
NAMES_SHOWN = 200
BROKEN = (
    "Something went wrong here, and nothing was lost. The server's log has the details; "
    "ask again, or start Citespan anew."
)


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation's turns, and the (turn, citation) that the document pane shows."""

    turns: tuple[Turn, ...] = ()
    selected: tuple[int, int] | None = None

    @property
    def answers(self) -> tuple[Answer, ...]:
        """What was answered or refused so far, oldest first."""
        return tuple(turn.answer for turn in self.turns if turn.answer is not None)


class Chat:
    """Asks an assistant, and shows a conversation as the page's two panes."""

    def __init__(self, assistant: Assistant, examples: Sequence[str] = ()) -> None:
        """Keep the assistant, and the questions that an empty conversation offers."""
        self.assistant = assistant
        self.examples = examples

    def names(self) -> list[str]:
        """Return the names of the documents that can be opened."""
        records = self.assistant.library.documents()
        return [record.name for record in records if record.status == "indexed"]

    def show(self, conversation: Conversation) -> str:
        """Return the conversation pane."""
        if not conversation.turns:
            return wrap(panes.welcome(self.examples, len(self.names())))
        return wrap(panes.conversation(conversation.turns, conversation.selected))

    def source(self, conversation: Conversation) -> str:
        """Return the document pane: the selected citation, or the documents to choose from."""
        if conversation.selected is None:
            return self.start()
        number, index = conversation.selected
        turn = conversation.turns[number]
        citation = turn.citations[index]
        near = turn.answer is not None and turn.answer.refusal is not None
        others = [c for c in turn.citations if c != citation]
        try:
            document = self.assistant.library.document(citation.document)
        except LibraryError:
            return panes.document_gone(citation.document)
        if document.text[citation.start : citation.end] != citation.quote:
            return panes.document_gone(citation.document)
        return panes.document_pane(document, citation, [] if near else others, near)

    def start(self) -> str:
        """Return the document pane before a question: the only document, or a list."""
        names = self.names()
        if len(names) == 1:
            return self.open(names[0])
        return panes.document_empty(names[:NAMES_SHOWN])

    def open(self, name: str) -> str:
        """Return the document pane with a document's beginning."""
        names = self.names()
        if name not in names:
            return panes.document_empty(names[:NAMES_SHOWN])
        return panes.document_pane(self.assistant.library.document(name))

    def scope(self) -> str:
        """Return where the documents to ask are chosen."""
        return panes.scope(self.names()[:NAMES_SHOWN])

    def ask(
        self, question: str, conversation: Conversation, chosen: object = None
    ) -> Iterator[Conversation]:
        """Ask; yield the conversation at each stage, and last with the answer or an error.

        An error that the person can mend is shown in its own words; any other is logged, and the
        page says only that something went wrong.

        Args:
            question: As typed.
            conversation: What came before.
            chosen: Names of the documents to ask, as the browser sent them; all when empty.
        """
        wanted = set(chosen) if isinstance(chosen, list) else set()
        names = tuple(name for name in self.names() if name in wanted)
        shown = question if len(question) <= SHOWN_QUESTION else question[:SHOWN_QUESTION] + "…"
        turn = Turn(shown, stage="searching", scope=names)
        filters: Any = Filter(documents=names) if names else None
        place = len(conversation.turns)
        try:
            for stage in self.assistant.ask_stages(question, conversation.answers, filters):
                turn = replace(turn, stage=stage.name, found=len(stage.passages))
                if stage.answer is not None:
                    turn = replace(turn, stage=None, answer=stage.answer)
                    selected = (place, 0) if turn.citations else conversation.selected
                    conversation = replace(conversation, selected=selected)
                yield replace(conversation, turns=(*conversation.turns[:place], turn))
        except QuestionError as error:
            failed = replace(turn, stage=None, error=str(error))
            yield replace(conversation, turns=(*conversation.turns[:place], failed))
        except CitespanError as error:
            log.error("a question could not be answered: %s", error)
            failed = replace(turn, stage=None, error=BROKEN)
            yield replace(conversation, turns=(*conversation.turns[:place], failed))
        except Exception:
            log.exception("a question could not be answered")
            failed = replace(turn, stage=None, error=BROKEN)
            yield replace(conversation, turns=(*conversation.turns[:place], failed))

    def judge(
        self, conversation: Conversation, turn: object, word: object, better: object
    ) -> Conversation:
        """Keep a person's verdict on a turn as a golden pair.

        Args:
            conversation: The conversation.
            turn: Which turn, as the browser sent it.
            word: `right`, `better` or `unanswerable`.
            better: The acceptable answer, for `better`.
        """
        if not isinstance(turn, int) or not 0 <= turn < len(conversation.turns):
            return conversation
        answer = conversation.turns[turn].answer
        if answer is None:
            return conversation
        right = answer.text if word == "right" else None
        if word == "better":
            right = str(better).strip()[: feedback.MAX_ANSWER]
            if not right:
                return conversation
        home = Path(self.assistant.settings.home)
        path = feedback.golden_path(home, self.assistant.library.folder.name)
        earlier = [one.answer for one in conversation.turns[:turn] if one.answer is not None]
        try:
            number = feedback.keep(path, feedback.pair_of(answer, earlier, right))
            kept = f"Kept for testing: {count(number, 'question')} so far."
        except CitespanError as error:
            log.error("a verdict could not be kept: %s", error)
            kept = "This could not be kept. The server's log says why."
        turns = list(conversation.turns)
        turns[turn] = replace(turns[turn], kept=kept)
        return replace(conversation, turns=tuple(turns))

    def select(self, conversation: Conversation, turn: object, index: object) -> Conversation:
        """Select a citation by what the browser sent; anything out of range changes nothing."""
        if not isinstance(turn, int) or not isinstance(index, int):
            return conversation
        if not 0 <= turn < len(conversation.turns):
            return conversation
        if not 0 <= index < len(conversation.turns[turn].citations):
            return conversation
        return replace(conversation, selected=(turn, index))


def wrap(inner: str) -> str:
    """Return the pane's content in the one element that the page's script looks for."""
    return f'<div class="cs-body">{inner}</div>'
