"""What an ask returns: `Answer`, `Citation`, `Refusal`; frozen, and plain data all through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

RefusalReason = Literal["nothing_retrieved", "not_answered", "conflicting"]


@dataclass(frozen=True, slots=True)
class Citation:
    """An exact place in a stored document.

    Offsets count characters (Unicode code points) of the document's canonical text:
    `text[start:end] == quote` and `text[sentence_start:sentence_end] == sentence`.

    Attributes:
        document: The document's name: its POSIX path inside the library's folder.
        page: 1-based page, where the format has pages.
        heading: Nearest heading above, where the format has headings.
        start: First character of the quote.
        end: One past the last character of the quote.
        quote: The quoted characters.
        sentence: The sentence (or sentences) that the quote stands in.
        sentence_start: First character of the sentence.
        sentence_end: One past the last character of the sentence.
        passage_start: First character of the retrieved passage.
        passage_end: One past the last character of the retrieved passage.
        score: Fused log-odds that the quote answers; comparable across citations of one answer.
        cell: Coordinates in a table (`Prices!B7`, `B7`), where the format has cells.
    """

    document: str
    page: int | None
    heading: str | None
    start: int
    end: int
    quote: str
    sentence: str
    sentence_start: int
    sentence_end: int
    passage_start: int
    passage_end: int
    score: float
    cell: str | None = None

    @property
    def place(self) -> str:
        """One human line: `Annual report.pdf, p. 14`."""
        parts = [self.document]
        if self.page is not None:
            parts.append(f"p. {self.page}")
        elif self.cell is not None:
            parts.append(self.cell)
        elif self.heading:
            parts.append(f"“{self.heading}”")
        return ", ".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """Return the citation as JSON-ready data, with `place` spelled out."""
        return {**asdict(self), "place": self.place}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Citation:
        """Return the citation that `to_dict` described.

        Raises:
            KeyError: A field is missing.
        """
        return cls(**{one.name: data[one.name] for one in fields(cls)})


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why no answer is given, and what came nearest.

    Attributes:
        reason: `nothing_retrieved`, `not_answered` or `conflicting`.
        message: One sentence for a person.
        nearest: The nearest places, best first; the quote is the reader's best, rejected span.
        instead: A question near this one that the documents do answer, once `Assistant.instead`
            has looked for one and found it.
    """

    reason: RefusalReason
    message: str
    nearest: tuple[Citation, ...] = ()
    instead: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the refusal as JSON-ready data."""
        return {
            "reason": self.reason,
            "message": self.message,
            "nearest": [citation.to_dict() for citation in self.nearest],
            "instead": self.instead,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Refusal:
        """Return the refusal that `to_dict` described.

        Raises:
            KeyError: A field is missing.
        """
        nearest = tuple(Citation.from_dict(one) for one in data["nearest"])
        return cls(data["reason"], data["message"], nearest, data["instead"])


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question; false when refused.

    Attributes:
        question: The question as asked.
        understood: The question as it was searched and read (follow-ups are spelled out).
        text: The quoted answer, or None when refused.
        confidence: Calibrated probability, 0..1, that the best span is right; given for
            refusals too, where it is that of the rejected span.
        citations: Best first; the first one is where `text` stands.
        refusal: None, or why there is no answer.
        note: A remark for the person who asked ("only quotes are given …"), or None.
        rivals: The best place of each source, and of each other row of the same table, that says
            otherwise nearly as well, best first.
        calibration: What the confidence was fitted on, in words; a library may have its own.
        unsaid: Words of the question as understood that were found nowhere in the documents that
            were searched, nor anything like them. Of one answered with a confidence of 2/3 or more
            only names and numbers; none in a large library, see `qa.unsaid.MOST_CHUNKS`.
        seconds: Wall time of each stage, in seconds.
    """

    question: str
    understood: str
    text: str | None
    confidence: float
    citations: tuple[Citation, ...] = ()
    refusal: Refusal | None = None
    note: str | None = None
    rivals: tuple[Citation, ...] = ()
    calibration: str = ""
    unsaid: tuple[str, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict, compare=False)

    def __bool__(self) -> bool:
        """Tell whether the question was answered."""
        return self.text is not None

    def __str__(self) -> str:
        """Return the answer with its place, or the refusal's message."""
        if self.text is None:
            return self.refusal.message if self.refusal else ""
        return f"{self.text} [{self.citations[0].place}]"

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as JSON-ready data."""
        return {
            "question": self.question,
            "understood": self.understood,
            "text": self.text,
            "confidence": self.confidence,
            "citations": [citation.to_dict() for citation in self.citations],
            "refusal": self.refusal.to_dict() if self.refusal else None,
            "note": self.note,
            "rivals": [citation.to_dict() for citation in self.rivals],
            "calibration": self.calibration,
            "unsaid": list(self.unsaid),
            "seconds": dict(self.seconds),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Answer:
        """Return the answer that `to_dict` described.

        Raises:
            KeyError: A field is missing.
        """
        refusal = data["refusal"]
        return cls(
            question=data["question"],
            understood=data["understood"],
            text=data["text"],
            confidence=data["confidence"],
            citations=tuple(Citation.from_dict(one) for one in data["citations"]),
            refusal=Refusal.from_dict(refusal) if refusal else None,
            note=data["note"],
            rivals=tuple(Citation.from_dict(one) for one in data["rivals"]),
            calibration=data["calibration"],
            # Conversations kept by an earlier version lack it.
            unsaid=tuple(data.get("unsaid", ())),
            seconds=dict(data["seconds"]),
        )
