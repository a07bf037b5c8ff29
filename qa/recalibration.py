"""Calibrate on a user's own documents: refit, say what it gained, keep it with the library, undo.

```python
assistant = qa.open("~/papers")
refit = recalibration.calibrate(assistant, golden.load("golden.yaml"), target_accuracy=0.9)
print(refit.text())             # before → after, cross-validated, and the weights
recalibration.undo(assistant)   # what was there before
```

Where it is kept, and what comes before what: `qa/own_calibration.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from qa import fitting, own_calibration, stop_fitting
from qa.calibration import CONFIDENCE, RANKING, REFUSING, STOPPING, Calibration, Logistic
from qa.evaluate import Difference, paired_difference
from qa.golden_formats import GoldenError

if TYPE_CHECKING:
    from qa.assistant import Assistant
    from qa.goldenset import GoldenSet

LEAST = 20
"""Pairs below which nothing is fitted."""
LEAST_OF_A_KIND = 5
"""Answered pairs, unanswerable pairs, and right spans, below which nothing is fitted."""

MEANING = {
    "margin": "the reader's log-odds of the span against “no answer here”",
    "answerability": "the reader's log-odds that the passage answers at all",
    "relevance": "the reader's log-odds that the passage is about the question",
    "retrieval": "how far behind the best passage the search put this one, as a negative number",
    "dense": "likeness of meaning of question and passage, −1 to 1",
    "missing": "names and numbers of the question that the passage never mentions, 0 to 3",
    "coverage": "share of the question's content words in the span's sentence, 0 to 1",
    "score": "the ranking's log-odds of the span that came first",
    "lead": "that score less the best one of a span that says otherwise, at most 10",
    "agreement": "other passages that say the same, 0 to 3",
    "needed": "log-odds that reading it would have to add to what the search says, to be taken",
    "short": "log-odds that the confidence so far lacks to the threshold, at most 6",
    "behind": "how far behind the best passage the search put it",
    "echo": "1 when it holds the answer's words, else 0",
}
_FIGURES = (
    ("calibration_error", "calibration error (ECE)"),
    ("brier", "Brier score"),
    ("aurc", "area under risk–coverage"),
    ("coverage_at_80", "coverage at 80 % accuracy"),
    ("coverage_at_90", "coverage at 90 % accuracy"),
    ("accuracy", "answers given that are right"),
    ("answered_right", "answered pairs: answered right"),
    ("refused_right", "unanswerable pairs: refused"),
    ("f1", "all pairs: F1, a right refusal counting 1"),
)


@dataclass(frozen=True, slots=True)
class Refit:
    """A calibration fitted to a library's golden pairs, and what it gains.

    Attributes:
        calibration: What was fitted.
        shipped: The calibration of the reader's weights, from which the fit sets out.
        before: Figures of the shipped one, see `fitting.measure`.
        after: Figures of the fitted one, cross-validated: no pair was seen by what it measures.
        change: Change of the Brier score from pair to pair; below 0 is better.
        answered: Pairs with an answer.
        unanswerable: Pairs without one.
        new_weights: False when the shipped weights did better on these pairs than fitted ones;
            then they are kept, and only the threshold is new.
        target_accuracy: What the threshold was to reach; None for the best mean F1.
    """

    calibration: Calibration
    shipped: Calibration
    before: Mapping[str, float]
    after: Mapping[str, float]
    change: Difference
    answered: int
    unanswerable: int
    new_weights: bool
    target_accuracy: float | None = None

    def text(self) -> str:
        """Return figures, remarks and weights for a terminal."""
        width = max(len(title) for _, title in _FIGURES)
        count = self.answered + self.unanswerable
        lines = [
            f"{count} pairs, {self.unanswerable} of them unanswerable; "
            "after = cross-validated in 5 parts",
            f"{'':{width}}  before   after",
        ]
        lines += [
            f"{title:{width}}  {self.before[name]:6.3f}  {self.after[name]:6.3f}"
            for name, title in _FIGURES
        ]
        lines += ["", *(f"- {remark}" for remark in self.remarks()), ""]
        return "\n".join([*lines, describe(self.calibration, self.shipped)])

    def remarks(self) -> list[str]:
        """Return what a person should know before trusting the figures."""
        low, high = self.change.low, self.change.high
        interval = f"{self.change.value:+.3f}, 95 % interval {low:+.3f} – {high:+.3f}"
        found = []
        if not self.new_weights:
            found.append(
                "Fitted weights did no better on these pairs than the shipped ones, which are "
                "kept: only the threshold is new."
            )
        elif high < 0:
            found.append(f"Better: change of the Brier score {interval}.")
        else:
            found.append(
                f"Not shown to be better on so few pairs: change of the Brier score {interval}."
            )
        if self.target_accuracy is not None and self.after["accuracy"] < self.target_accuracy:
            found.append(
                f"On pairs that it had not seen, {self.after['accuracy']:.3f} of the answers given "
                f"were right, not {self.target_accuracy:g}: more pairs make the threshold surer."
            )
        share = self.unanswerable / (self.answered + self.unanswerable)
        found.append(
            f"Confidence takes for granted that {share:.0%} of what is asked has no answer in the "
            "documents, as in this set."
        )
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return the refit as JSON-ready data."""
        return {**asdict(self), "remarks": self.remarks()}


def calibrate(
    assistant: Assistant,
    golden: GoldenSet,
    target_accuracy: float | None = None,
    *,
    keep_it: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> Refit:
    """Ask a golden set, fit confidence and threshold to it, and keep them with the library.

    The assistant uses them at once, and so does `qa.open` from then on.

    Args:
        assistant: Of the library; its settings name the reader's weights.
        golden: Answered and unanswerable pairs; their share is what confidence will assume.
        target_accuracy: Accuracy that the answers given must reach, 0..1; the threshold of the
            best mean F1 when None.
        keep_it: Whether to keep it, or only to say what it would gain.
        progress: Called with (done, total) after each pair.

    Raises:
        GoldenError: Too few pairs, pairs of one kind only, or a target out of reach.
        LibraryError: It cannot be written.
    """
    from qa.diagnosis import Places
    from qa.golden import refuse_itself

    _check_pairs(golden)
    refuse_itself(golden, Places(assistant.library.snapshot()))
    shipped = own_calibration.shipped(assistant.settings)
    cases = fitting.collect(golden, assistant, progress)
    today = datetime.now(UTC).date().isoformat()
    fitted_on = f"{len(cases)} pairs of {golden.path.name}, {today}"
    found = refit(cases, shipped, fitted_on, target_accuracy)
    if keep_it:
        own_calibration.keep(assistant.library.folder, found.calibration, assistant.settings)
        assistant.calibration = found.calibration
    return found


def undo(assistant: Assistant) -> Calibration:
    """Take back the last `calibrate` of an assistant's library; return what is in force again.

    Raises:
        LibraryError: There is none to take back, or its file is damaged or cannot be written.
    """
    library, settings = assistant.library.folder, assistant.settings
    own_calibration.drop(library)
    own = own_calibration.in_force(library, settings)
    assistant.calibration = own or own_calibration.shipped(settings)
    return assistant.calibration


def refit(
    cases: Sequence[fitting.Case],
    shipped: Calibration,
    fitted_on: str,
    target_accuracy: float | None = None,
) -> Refit:
    """Fit a calibration to cases and compare it, cross-validated, with the shipped one.

    Raises:
        GoldenError: The first spans are nearly all right, or nearly all wrong, or no threshold
            is as accurate as it must be.
    """
    before = [fitting.outcome(case, shipped) for case in cases]
    try:
        fitted = fitting.fit(cases, fitted_on, target_accuracy, known=shipped)
        after = fitting.cross_fitted(cases, target_accuracy, known=shipped)
    except ValueError as error:
        raise GoldenError(
            f"the best spans of {len(cases)} pairs leave nothing to learn ({error}); are these "
            "the documents that the golden set is about? ask it with: citespan eval"
        ) from error
    new_weights = _brier(after) <= _brier(before)
    if not new_weights:
        fitted = fitting.with_threshold(replace(shipped, fitted_on=fitted_on), cases,
                                        target_accuracy)  # fmt: skip
        after = fitting.cross_fitted(cases, target_accuracy, known=shipped, weights=False)
    if target_accuracy is not None and not any(
        fitting.outcome(case, fitted).answered for case in cases
    ):
        raise GoldenError(
            f"no threshold makes {target_accuracy:g} of the answers given right on these pairs; "
            "ask for less, or see with citespan eval which answers are wrong"
        )
    fitted = stop_fitting.keep(shipped, cases, fitted)
    change = paired_difference([_squared(item) for item in before], [_squared(o) for o in after])
    unanswerable = sum(case.pair.unanswerable for case in cases)
    return Refit(
        calibration=fitted,
        shipped=shipped,
        before=fitting.measure(before),
        after=fitting.measure(after),
        change=change,
        answered=len(cases) - unanswerable,
        unanswerable=unanswerable,
        new_weights=new_weights,
        target_accuracy=target_accuracy,
    )


def describe(calibration: Calibration, shipped: Calibration | None = None) -> str:
    """Return a calibration's weights with what each means, beside the shipped ones."""
    other = shipped or calibration
    lines = []
    parts = [
        ("which span comes first", RANKING, calibration.ranking, other.ranking),
        ("confidence in it", CONFIDENCE, calibration.confidence, other.confidence),
    ]
    rule, early = calibration.stopping, calibration.refusing
    if rule:
        title = "that a passage which is not read yet has something to say"
        parts.append((title, STOPPING, rule.chance, (other.stopping or rule).chance))
    if early:
        title = "that a passage which is not read yet makes an answer, where there is none"
        parts.append((title, REFUSING, early.chance, (other.refusing or early).chance))
    for title, names, own, known in parts:
        lines.append(f"{title}: log-odds = bias + Σ weight · value")
        lines.append(f"  {'':13}  {'shipped':>8}  {'now':>8}")
        lines.append(f"  {'bias':13}  {known.bias:8.3f}  {own.bias:8.3f}")
        lines += [_weight(name, known, own) for name in names]
    threshold = calibration.threshold
    lines.append(f"answered from confidence {threshold:.3f} on (shipped: {other.threshold:.3f})")
    if rule:
        lines.append(f"once answered, reading stops at {rule.limit:g} such passages expected")
    if early:
        lines.append(f"with no answer, reading stops at {early.limit:g} such passages expected")
    else:
        lines.append(f"every passage is read{' before a refusal' if rule else ''}")
    return "\n".join(lines)


def _weight(name: str, known: Logistic, own: Logistic) -> str:
    cells = [
        f"{logistic.weights[name]:8.3f}" if logistic.weights.get(name) else f"{'–':>8}"
        for logistic in (known, own)
    ]
    return f"  {name:13}  {'  '.join(cells)}   {MEANING[name]}"


# Checks ----------------------------------------------------------------------------------------


def _check_pairs(golden: GoldenSet) -> None:
    unanswerable = sum(pair.unanswerable for pair in golden)
    answered = len(golden) - unanswerable
    found = f"{golden.path}: found {answered} answered and {unanswerable} unanswerable pairs"
    if not unanswerable:
        raise GoldenError(
            f"{found}; when to refuse cannot be learned from questions that all have answers: add "
            f"at least {LEAST_OF_A_KIND} that the documents do not answer, near misses above all"
        )
    if not answered:
        raise GoldenError(
            f"{found}; when to answer cannot be learned from questions that have no answers: add "
            f"at least {LEAST_OF_A_KIND} that the documents answer"
        )
    if len(golden) < LEAST or min(answered, unanswerable) < LEAST_OF_A_KIND:
        raise GoldenError(
            f"{found}, expected at least {LEAST} pairs and {LEAST_OF_A_KIND} of each kind; "
            "propose more with: citespan suggest"
        )


def _squared(outcome: fitting.Outcome) -> float:
    return (outcome.confidence - outcome.right) ** 2


def _brier(outcomes: Sequence[fitting.Outcome]) -> float:
    return sum(map(_squared, outcomes)) / len(outcomes)
