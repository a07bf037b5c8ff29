"""One person's conversation: what a question, a click or a name does to it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from index.errors import CitespanError, LibraryError, QuestionError
from index.filters import Filter
from qa.answer import Answer, Citation
from ui import feedback, panes, sheet
from ui.panes import Turn
from ui.picture import Pictures
from ui.render import count

if TYPE_CHECKING:
    from index.documents import Document
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
    """A conversation, and what the document pane shows.

    Attributes:
        turns: The questions, oldest first.
        selected: The (turn, citation) that is shown, or None.
        opened: Name of a document that was opened by itself; it goes before `selected`.
        page: Page of a PDF that was turned to, or None for the citation's.
        as_text: Whether a PDF is shown as text.
    """

    turns: tuple[Turn, ...] = ()
    selected: tuple[int, int] | None = None
    opened: str | None = None
    page: int | None = None
    as_text: bool = False

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
        self.pictures = Pictures(assistant.library)

    def names(self) -> list[str]:
        """Return the names of the documents that can be opened."""
        records = self.assistant.library.documents()
        return [record.name for record in records if record.status == "indexed"]

    def show(self, conversation: Conversation) -> str:
        """Return the conversation pane."""
        if not conversation.turns:
            return wrap(panes.welcome(self.examples, len(self.names())))
        return wrap(panes.conversation(conversation.turns, conversation.selected))

    def source(self, conversation: Conversation, quick: bool = False) -> str:
        """Return the document pane: the citation in its document, or documents to choose from.

        Args:
            conversation: Says what is shown.
            quick: Show a PDF as text for the moment; to draw its page takes a while.
        """
        names = self.names()
        only = names[0] if len(names) == 1 else None
        turn, citation = self._cited(conversation)
        name = citation.document if citation else conversation.opened or only
        if name is None:
            return sheet.document_empty(names[:NAMES_SHOWN])
        try:
            document = self.assistant.library.document(name)
        except LibraryError:
            return sheet.document_gone(name)
        if citation and document.text[citation.start : citation.end] != citation.quote:
            return sheet.document_gone(name)
        near = turn is not None and turn.answer is not None and turn.answer.refusal is not None
        if document.format == "pdf" and not conversation.as_text and not quick:
            drawn = self._draw(document, conversation, citation, near)
            if drawn is not None:
                return drawn
        others = [c for c in turn.citations if c != citation] if turn and not near else []
        return sheet.document_pane(document, citation, others, near)

    def _cited(self, conversation: Conversation) -> tuple[Turn | None, Citation | None]:
        if conversation.selected is None or conversation.opened is not None:
            return None, None
        number, index = conversation.selected
        turn = conversation.turns[number]
        return turn, turn.citations[index]

    def _draw(
        self, document: Document, conversation: Conversation, citation: Citation | None, near: bool
    ) -> str | None:
        """Return the pane with a page's picture; None when the page cannot be drawn."""
        cited = citation.page if citation else None
        number = min(max(conversation.page or cited or 1, 1), len(document.pages))
        start, end = (citation.start, citation.end) if citation else (0, 0)
        try:
            picture = self.pictures.page(document, number, start, end)
        except CitespanError as error:
            log.warning("a page is shown as text: %s", error)
            return None
        return sheet.page_pane(document, number, picture, citation, near)

    def open(self, conversation: Conversation, name: object) -> Conversation:
        """Open a document by itself, by what the browser sent; no other name changes anything."""
        if name not in self.names():
            return conversation
        return replace(conversation, opened=str(name), page=None)

    def turn_to(self, conversation: Conversation, number: object) -> Conversation:
        """Show a page of the PDF as a picture; page 0 is the citation's own."""
        page = number if isinstance(number, int) and number > 0 else None
        return replace(conversation, page=page, as_text=False)

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
        filters = Filter(documents=names) if names else None
        place = len(conversation.turns)
        try:
            for stage in self.assistant.ask_stages(question, conversation.answers, filters):
                turn = replace(turn, stage=stage.name, found=len(stage.passages))
                if stage.answer is not None:
                    turn = replace(turn, stage=None, answer=stage.answer)
                    selected = (place, 0) if turn.citations else conversation.selected
                    conversation = replace(conversation, selected=selected, opened=None, page=None)
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
        return replace(conversation, selected=(turn, index), opened=None, page=None)


def wrap(inner: str) -> str:
    """Return the pane's content in the one element that the page's script looks for."""
    return f'<div class="cs-body">{inner}</div>'
