"""One person's conversation: what a question, a click or a name does to it."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from index.errors import CitespanError, LibraryError, QuestionError
from index.filters import Filter
from qa.answer import Answer, Citation
from ui import feedback, panes, sheet
from ui.gate import Busy, Question
from ui.history import History, held
from ui.panes import Turn
from ui.picture import Pictures
from ui.render import count, escape
from ui.tab import Conversation

if TYPE_CHECKING:
    from index.documents import Document
    from qa.assistant import Assistant, Stage

log = logging.getLogger(__name__)

# A longer question is refused anyway; the page shows its beginning only.
SHOWN_QUESTION = 1200
NAMES_SHOWN = 200
EARLIER_SHOWN = 6
OFFERS_KEPT = 256
# Seconds to look for another question in: longer than elsewhere, since nobody waits.
OFFER_SECONDS = 6.0
NONE_CHOSEN = (
    "None of the documents that were chosen is in the library now. Choose again, or ask all of "
    "them."
)
BROKEN = (
    "Something went wrong here, and nothing was lost. The server's log has the details; "
    "ask again, or start Citespan anew."
)


class Chat:
    """Asks an assistant, and shows a conversation as the page's two panes."""

    def __init__(
        self, assistant: Assistant, examples: Sequence[str] = (), library: str = ""
    ) -> None:
        """Keep what a conversation needs.

        Args:
            assistant: Who is asked.
            examples: Questions that an empty conversation offers.
            library: Name of the library, as conversations say it.
        """
        self.assistant = assistant
        self.examples = examples
        self.library = library
        self.pictures = Pictures(assistant.library)
        settings = assistant.settings
        folder = settings.home.expanduser() / "conversations" / assistant.library.folder.name
        self.history = History(folder) if settings.keep_conversations else None
        self._offers: OrderedDict[Answer, str] = OrderedDict()
        self._offering = Lock()
        self.prune()

    def prune(self) -> None:
        """Drop what is kept of documents that are not in the library any more."""
        if self.history is None or not self.history.listed(1):
            return
        try:
            self.history.prune({record.name for record in self.assistant.library.documents()})
        except (CitespanError, OSError) as error:
            log.error("kept conversations could not be looked through: %s", error)

    def names(self) -> list[str]:
        """Return the names of the documents that can be opened."""
        records = self.assistant.library.documents()
        return [record.name for record in records if record.status == "indexed"]

    def show(self, conversation: Conversation) -> str:
        """Return the conversation pane."""
        if not conversation.turns:
            kept = self.history.listed(EARLIER_SHOWN) if self.history else ()
            return wrap(panes.welcome(self.examples, len(self.names()), kept))
        turns = self.settled(conversation).turns
        identity = conversation.identity if self.history else ""
        return wrap(panes.conversation(turns, conversation.selected), identity)

    def empty(self) -> Conversation:
        """Return a conversation with this library, before its first question."""
        return Conversation(library=self.library)

    def resume(self, identity: object) -> Conversation:
        """Return a conversation that is kept, by what the browser sent; else an empty one."""
        turns = self.history.load(identity) if self.history else ()
        if not turns:
            return self.empty()
        selected = (len(turns) - 1, 0) if turns[-1].citations else None
        return Conversation(turns, selected, identity=str(identity), library=self.library)

    def forget(self, identity: object) -> None:
        """Delete a conversation that is kept, or all of them when None is named."""
        if self.history is not None:
            self.history.forget(identity)

    def settled(self, conversation: Conversation) -> Conversation:
        """Return the conversation with the questions that were found for its refusals."""
        with self._offering:
            turns = tuple(
                replace(turn, answer=with_instead(turn.answer, self._offers[turn.answer]))
                if turn.answer is not None and turn.answer in self._offers
                else turn
                for turn in conversation.turns
            )
        return replace(conversation, turns=turns)

    def offer(self, conversation: Conversation) -> dict[str, str] | None:
        """Look for a question that is answered, when the last one was refused.

        It takes a moment, so nothing waits for it: what it finds is kept beside the conversation,
        which may have gone on meanwhile.

        Returns:
            The refused question as `asked` and the one to offer as `text`; None when there is none.
        """
        turn = conversation.turns[-1] if conversation.turns else None
        if turn is None or turn.answer is None or turn.answer.refusal is None:
            return None
        filters = Filter(documents=turn.scope) if turn.scope else None
        try:
            found = self.assistant.instead(turn.answer, filters, OFFER_SECONDS)
        except CitespanError as error:
            log.warning("no other question could be looked for: %s", error)
            return None
        if found.refusal is None or found.refusal.instead is None:
            return None
        with self._offering:
            self._offers[turn.answer] = found.refusal.instead
            while len(self._offers) > OFFERS_KEPT:
                self._offers.popitem(last=False)
        return {"asked": turn.question, "text": found.refusal.instead}

    def keep(self, conversation: Conversation) -> None:
        """Keep the conversation for a reload, or another day.

        Not what quotes a document that is not in the library any more, though a page that is open
        still shows it. When the library cannot be read, that is logged and nothing is kept.
        """
        if self.history is None:
            return
        try:
            names = {record.name for record in self.assistant.library.documents()}
        except CitespanError as error:
            log.error("a conversation could not be kept: %s", error)
            return
        self.history.keep(conversation.identity, held(self.settled(conversation).turns, names))

    def keep_offers(self, identity: str) -> None:
        """Keep the questions found for its refusals with what is kept of a conversation."""
        if self.history is not None:
            self.history.amend(identity, lambda turns: self.settled(Conversation(turns)).turns)

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
        refusal = turn.answer.refusal if turn is not None and turn.answer is not None else None
        near = refusal is not None and refusal.reason != "conflicting"
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

        Args:
            question: As typed.
            conversation: What came before.
            chosen: Names of the documents to ask, as the browser sent them; all when empty. When
                none of them is known, nothing is asked, and the error says so.
        """
        asking = self.begin(question, conversation, chosen)
        asked = asking.question
        try:
            asking.check()
            for stage in self.assistant.ask_stages(asked.text, asked.history, asked.filters):
                yield asking.step(stage)
        except Exception as error:
            yield asking.failed(error)

    def begin(self, question: str, conversation: Conversation, chosen: object = None) -> Asking:
        """Return a question that is to be asked, and what it does to the conversation.

        Arguments as of `ask`.
        """
        wanted = set(chosen) if isinstance(chosen, list) else set()
        names = tuple(name for name in self.names() if name in wanted)
        return Asking(self, question, conversation, names, lost=bool(wanted) and not names)

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
            scope = conversation.turns[turn].scope
            number = feedback.keep(path, feedback.pair_of(answer, earlier, right, scope))
            kept = f"Kept for testing: {count(number, 'question')} so far."
        except CitespanError as error:
            log.error("a verdict could not be kept: %s", error)
            kept = "This could not be kept. The server's log says why."
        turns = list(conversation.turns)
        turns[turn] = replace(turns[turn], kept=kept)
        judged = replace(conversation, turns=tuple(turns))
        self.keep(judged)
        return judged

    def select(self, conversation: Conversation, turn: object, index: object) -> Conversation:
        """Select a citation by what the browser sent; anything out of range changes nothing."""
        if not isinstance(turn, int) or not isinstance(index, int):
            return conversation
        if not 0 <= turn < len(conversation.turns):
            return conversation
        if not 0 <= index < len(conversation.turns[turn].citations):
            return conversation
        return replace(conversation, selected=(turn, index), opened=None, page=None)


class Asking:
    """One question of a conversation, from its typing to its answer.

    Attributes:
        question: What to ask.
        conversation: As it is now.
    """

    def __init__(
        self,
        chat: Chat,
        question: str,
        conversation: Conversation,
        names: tuple[str, ...],
        lost: bool = False,
    ) -> None:
        """Begin.

        Args:
            chat: Whose conversation it is.
            question: As typed.
            conversation: What came before.
            names: Of the documents to ask; all when empty.
            lost: Whether documents were chosen of which none is in the library.
        """
        filters = Filter(documents=names) if names else None
        self.question = Question(chat.assistant, question, conversation.answers, filters)
        identity = conversation.identity or History.new()
        self.conversation = replace(conversation, identity=identity, library=chat.library)
        self._chat = chat
        self._lost = lost
        shown = question if len(question) <= SHOWN_QUESTION else question[:SHOWN_QUESTION] + "…"
        self._turn = Turn(shown, stage="searching", scope=names)

    def check(self) -> None:
        """Refuse to ask all documents when only some were meant.

        Raises:
            QuestionError: None of the documents that were chosen is in the library.
        """
        if self._lost:
            raise QuestionError(NONE_CHOSEN)

    def begun(self, conversation: Conversation) -> Conversation:
        """Return its conversation, as it is now, with the question in it."""
        begun = self.conversation
        self.conversation = replace(conversation, identity=begun.identity, library=begun.library)
        return self._with(self._turn)

    def step(self, stage: Stage) -> Conversation:
        """Return the conversation at a stage; with the last one it is kept."""
        turn = replace(self._turn, stage=stage.name, found=len(stage.passages))
        if stage.answer is None:
            return self._with(turn)
        turn = replace(turn, stage=None, answer=stage.answer)
        if turn.citations:
            selected = (self._place(), 0)
            self.conversation = replace(self.conversation, selected=selected)
        self.conversation = replace(self.conversation, opened=None, page=None)
        self._chat.keep(self._with(turn))
        return self.conversation

    def failed(self, error: Exception) -> Conversation:
        """Return the conversation with an error in the answer's place.

        One that the person can mend is shown in its own words; any other is logged, and the page
        says only that something went wrong.
        """
        words = BROKEN
        if isinstance(error, QuestionError | Busy):
            words = str(error)
        elif isinstance(error, CitespanError):
            log.error("a question could not be answered: %s", error)
        else:
            log.error("a question could not be answered", exc_info=error)
        return self._with(replace(self._turn, stage=None, error=words))

    def _place(self) -> int:
        """Return where the turn stands, or goes: the conversation may have other new ones."""
        turns = self.conversation.turns
        return next((n for n, one in enumerate(turns) if one is self._turn), len(turns))

    def _with(self, turn: Turn) -> Conversation:
        place, turns = self._place(), self.conversation.turns
        self._turn = turn
        turns = (*turns[:place], turn, *turns[place + 1 :])
        self.conversation = replace(self.conversation, turns=turns)
        return self.conversation


def with_instead(answer: Answer, question: str) -> Answer:
    """Return a refusal that offers another question."""
    if answer.refusal is None:
        return answer
    return replace(answer, refusal=replace(answer.refusal, instead=question))


def wrap(inner: str, identity: str = "") -> str:
    """Return the pane's content in the one element that the page's script looks for."""
    return f'<div class="cs-body" data-conversation="{escape(identity)}">{inner}</div>'
