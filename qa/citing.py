"""Citations: exact places in stored documents, or none."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from qa.answer import Citation
from qa.candidates import Candidate

if TYPE_CHECKING:
    from index.documents import Document
    from index.search import Passage, Snapshot

_LOG = logging.getLogger("citespan")


class Citer:
    """Makes citations of candidates; withholds any that is not exact.

    Args:
        snapshot: Where the documents are.
        passages: What the candidates' spans index.
    """

    def __init__(self, snapshot: Snapshot, passages: Sequence[Passage]) -> None:
        self._snapshot, self._passages = snapshot, passages

    def all(self, candidates: Sequence[Candidate]) -> tuple[Citation, ...]:
        """Return the citations of the candidates, in their order."""
        made = (self._one(candidate) for candidate in candidates)
        return tuple(citation for citation in made if citation is not None)

    def _one(self, candidate: Candidate) -> Citation | None:
        passage = self._passages[candidate.span.passage]
        document = self._snapshot.document(passage.document)
        start = passage.start + candidate.span.start
        end = passage.start + candidate.span.end
        if document.text[start:end] != candidate.span.text or start == end:
            _LOG.error(
                "withheld an inexact citation of %s at %d:%d; please report this as a bug",
                passage.document, start, end,
            )  # fmt: skip
            return None
        return cited(document, start, end, candidate.score, (passage.start, passage.end))


def cited(
    document: Document, start: int, end: int, score: float, passage: tuple[int, int] | None = None
) -> Citation:
    """Return the citation of `document.text[start:end]`.

    Args:
        document: The document.
        start: First character of the quote.
        end: One past its last character.
        score: Log-odds that it answers.
        passage: Characters of the passage that was read; the sentence's when None.
    """
    from index.chunks import sentence_around

    first, last = sentence_around(document.text, start, end)
    passage_start, passage_end = passage or (first, last)
    return Citation(
        document=document.name,
        page=document.page_at(start),
        heading=document.heading_at(start),
        start=start,
        end=end,
        quote=document.text[start:end],
        sentence=document.text[first:last],
        sentence_start=first,
        sentence_end=last,
        passage_start=passage_start,
        passage_end=passage_end,
        score=score,
        cell=document.cell_at(start),
    )


def widened(citation: Citation) -> Citation:
    """Return the citation with its whole sentence as the quote."""
    return replace(
        citation,
        start=citation.sentence_start,
        end=citation.sentence_end,
        quote=citation.sentence,
    )
