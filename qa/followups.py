"""Follow-up questions, spelled out from the conversation so far."""

from __future__ import annotations

from collections.abc import Sequence

from qa.answer import Answer


def understand(question: str, history: Sequence[Answer]) -> str:
    """Return the question as it is searched and read."""
    return question
