"""Pure measures on plain strings and arrays: nothing here loads a model, a file or an index.

Answers      `normalize`, `exact_match`, `f1` (as the SQuAD 1.1 and 2.0 scripts compute them),
             `word_for_word` (what a golden pair must be), `acceptable` (what confidence is the
             probability of), `numbers`, `contradict`
Retrieval    `recall_at`, `mean_reciprocal_rank` (of the first right passage)
Confidence   `calibration_bins`, `calibration_error` (ECE), `brier_score`
Refusing     `risk_coverage`, `area_under_risk_coverage`, `coverage_at_accuracy`, `best_threshold`
Uncertainty  `bootstrap_interval`, `paired_difference` (interval and permutation p-value)

"Confidence" is any score where higher means surer, except for calibration, which needs
probabilities. "Right" is 1.0 or 0.0 for every question: `acceptable`, wherever confidence is fitted
or judged.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_DIGITS = re.compile(r"\d+")
# The dash of "-5" and "(-$5)" is a sign, that of "2019-20" is none.
_NUMBERS = re.compile(r"((?<![^\s($€£])[-−–][$€£]?)?(\d+(?:[.,]\d+)*)")
# 83,000, 83.000, 83,000.50 and 83.000,50; 0.125 is none.
_GROUPED = re.compile(r"[1-9]\d{0,2}([.,])\d{3}(?:\1\d{3})*(?:(?!\1)[.,]\d+)?")
# Of one decimal or two.
_TRAILING_ZEROS = re.compile(r"(?<=\d)\.0{1,2}$|(?<=\.\d)0$")


# Answers ---------------------------------------------------------------------------------------


def normalize(text: str) -> str:
    """Lower the case, drop ASCII punctuation and English articles, collapse white space.

    The order is that of the SQuAD scripts (Rajpurkar et al. 2016, 2018), so figures compare.
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def _words(text: str) -> str:
    """Normalise an answer; one that this would leave nothing of, the rating "A+", keeps its own."""
    return normalize(text) or " ".join(text.lower().split())


def exact_match(got: str | None, answers: Sequence[str]) -> float:
    """Return 1.0 when `got` equals one of `answers` after normalising, else 0.0.

    No answers means the question is unanswerable: then refusing (None or an empty text) is right.
    The answer "A+", of which normalising leaves nothing, is none; the SQuAD 2.0 script takes it so.
    """
    if not answers:
        return float(not (got or "").strip())
    return float(bool(got) and _words(got or "") in {_words(answer) for answer in answers})


def f1(got: str | None, answers: Sequence[str]) -> float:
    """Return the word overlap with the best of `answers`, 0..1; unanswerable: 1.0 if refused."""
    if not answers:
        return float(not (got or "").strip())
    return max(_overlap(_words(got or ""), _words(answer)) for answer in answers)


def acceptable(got: str | None, answers: Sequence[str]) -> float:
    """Return 1.0 when `got` is one of `answers`, a word more or less, else 0.0.

    More than half of the words are shared (F1 > 0.5), and where both hold numbers, those of one
    are among those of the other: "212 boats" is as good as "212", "17 November 2025" is not
    "16 November 2025". Nothing is acceptable for an unanswerable question.

    Confidence is the probability of this and not of an exact match, because people who mark
    answers agree on the place nearly always, and on its first and last word in 4 of 5 cases
    (Rajpurkar et al. 2016): word for word, the confidence would tell of the annotators' taste.
    """
    said = got or ""
    return float(
        any(
            _overlap(_words(said), _words(answer)) > 0.5 and not contradict(said, answer)
            for answer in answers
        )
    )


def word_for_word(got: str | None, answers: Sequence[str]) -> bool:
    """Tell whether `got` matches exactly, and in its numbers: SQuAD takes "3.5 %" for "35 %"."""
    return bool(exact_match(got, answers) and (not answers or acceptable(got, answers)))


def numbers(text: str) -> set[str]:
    """Return the numbers of a text, each in one spelling: 83,000 is 83000, and 2.30 is 2.3.

    So is version 3.10 version 3.1; one of three parts, or an address, stays as it is. A mark before
    three digits parts thousands, any other one decimals.
    """
    return set(_written(text))


def _written(text: str) -> dict[str, str]:
    """Return the digits of each number as they are written, by the number's one spelling."""
    found: dict[str, str] = {}
    for sign, number in _NUMBERS.findall(text):
        grouped = _GROUPED.fullmatch(number)
        spelt = number.replace(grouped[1], "") if grouped else number
        if len(_DIGITS.findall(spelt)) == 2:
            spelt = _TRAILING_ZEROS.sub("", spelt.replace(",", "."))
        found["-" + spelt if sign else spelt] = "".join(_DIGITS.findall(number))
    return found


def contradict(one: str, other: str) -> bool:
    """Tell whether two texts hold numbers, and neither those of the other: "3.5 %" and "35 %".

    "10:30" and "10.30" are one time, as "31/1/2026" and "31.1.2026" are one date: all their digits
    are the same, and are parted otherwise.
    """
    first, second = _written(one), _written(other)
    if not first or not second or _nested(first.keys(), second.keys()):
        return False
    if {first[n] for n in first if n not in second} & {second[n] for n in second if n not in first}:
        return True
    return not _nested(*({*_DIGITS.findall(normalize(text))} for text in (one, other)))


def _nested(one: AbstractSet[str], other: AbstractSet[str]) -> bool:
    return one <= other or other <= one


def _overlap(got: str, expected: str) -> float:
    got_words, expected_words = got.split(), expected.split()
    if not got_words or not expected_words:
        return float(got_words == expected_words)
    common = (Counter(got_words) & Counter(expected_words)).total()
    return 2 * common / (len(got_words) + len(expected_words))


# Retrieval -------------------------------------------------------------------------------------


def recall_at(ranks: Sequence[int | None], k: int) -> float:
    """Return the share of questions whose right passage is among the first `k`.

    Args:
        ranks: 1-based rank of the first right passage of each question, None when it is not found.
        k: How many passages are looked at.
    """
    return float(np.mean([rank is not None and rank <= k for rank in ranks])) if ranks else 0.0


def mean_reciprocal_rank(ranks: Sequence[int | None]) -> float:
    """Return the mean of 1 / rank over the questions; a passage that is not found counts 0."""
    return float(np.mean([1 / rank if rank else 0.0 for rank in ranks])) if ranks else 0.0


# Confidence ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bin:
    """The questions whose confidence lies in [low, high); the last bin holds 1.0 too."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


def calibration_bins(confidence: ArrayLike, right: ArrayLike, bins: int = 10) -> list[Bin]:
    """Group probabilities into bins of equal width and return those that are not empty."""
    probability, hit = _paired(confidence, right)
    if probability.size and (probability.min() < 0 or probability.max() > 1):
        raise ValueError(
            f"probabilities lie in 0..1; found {probability.min():g}..{probability.max():g}"
        )
    # The small addend keeps 0.3 (stored as 0.29999…) in the bin that begins at 0.3.
    member = np.minimum((probability * bins + 1e-9).astype(int), bins - 1)
    return [
        Bin(
            low=index / bins,
            high=(index + 1) / bins,
            count=int(inside.sum()),
            confidence=float(probability[inside].mean()),
            accuracy=float(hit[inside].mean()),
        )
        for index in range(bins)
        if (inside := member == index).any()
    ]


def calibration_error(confidence: ArrayLike, right: ArrayLike, bins: int = 10) -> float:
    """Return the expected calibration error (Guo et al. 2017): |confidence − accuracy|, weighed."""
    groups = calibration_bins(confidence, right, bins)
    total = sum(group.count for group in groups)
    return sum(g.count * abs(g.confidence - g.accuracy) for g in groups) / total if total else 0.0


def brier_score(confidence: ArrayLike, right: ArrayLike) -> float:
    """Return the mean squared distance of the probabilities from 0 and 1 (lower is better)."""
    probability, hit = _paired(confidence, right)
    return float(np.mean((probability - hit) ** 2)) if hit.size else 0.0


# Refusing --------------------------------------------------------------------------------------


def risk_coverage(confidence: ArrayLike, right: ArrayLike) -> tuple[Floats, Floats]:
    """Return what answering only the surest questions would cost.

    Returns:
        `(coverage, risk)`, one point a distinct confidence, the surest first: the share of
        questions at least that sure, and the share of wrong ones among them. Questions of equal
        confidence come in together, since no threshold parts them.
    """
    counts, errors = _steps(confidence, right)
    total = counts[-1] if counts.size else 1.0
    return counts / total, errors / np.maximum(counts, 1)


def area_under_risk_coverage(confidence: ArrayLike, right: ArrayLike) -> float:
    """Return the mean risk over the coverages 1/n, 2/n … 1 (Geifman and El-Yaniv 2017).

    Within a group of equal confidence the errors are spread evenly, so that the result does not
    depend on the order of the questions.
    """
    counts, errors = _steps(confidence, right)
    if not counts.size:
        return 0.0
    answered = np.arange(1, int(counts[-1]) + 1)
    wrong = np.interp(answered, np.concatenate(([0.0], counts)), np.concatenate(([0.0], errors)))
    return float(np.mean(wrong / answered))


def coverage_at_accuracy(confidence: ArrayLike, right: ArrayLike, accuracy: float) -> float:
    """Return the largest share of questions that can be answered with at least this accuracy."""
    coverage, risk = risk_coverage(confidence, right)
    good = coverage[1 - risk >= accuracy - 1e-12]
    return float(good.max()) if good.size else 0.0


def best_threshold(
    scores: ArrayLike, if_answered: ArrayLike, if_refused: ArrayLike
) -> tuple[float, float]:
    """Find the score above which answering pays best, as the SQuAD 2.0 script does.

    Args:
        scores: One score a question; it is answered when the score exceeds the threshold.
        if_answered: The measure (F1 or EM) of each question when it is answered.
        if_refused: The measure of each question when it is refused: 1.0 for the unanswerable.

    Returns:
        `(threshold, mean measure at it)`; infinity when refusing everything is best.
    """
    score, gain = _paired(scores, np.asarray(if_answered, float) - np.asarray(if_refused, float))
    if not score.size:
        return float("inf"), 0.0
    order = np.argsort(-score, kind="stable")
    score, total = score[order], np.cumsum(gain[order])
    ends = np.append(np.flatnonzero(np.diff(score)), score.size - 1)
    base = float(np.sum(np.asarray(if_refused, float)))
    best = int(np.argmax(total[ends]))
    if total[ends][best] <= 0:
        return float("inf"), base / score.size
    last = ends[best]
    following = score[last + 1] if last + 1 < score.size else score[last] - 1.0
    return float((score[last] + following) / 2), (base + float(total[last])) / score.size


# Uncertainty -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure with its interval and the number of questions it was computed over."""

    value: float
    low: float
    high: float
    n: int

    def to_dict(self) -> dict[str, Any]:
        """Return the figure as JSON-ready data."""
        return asdict(self)

    def __str__(self) -> str:
        """Return `0.912 [0.871, 0.944]`."""
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def mean(values: ArrayLike) -> float:
    """Return the mean, 0.0 for no values."""
    array = np.asarray(values, float)
    return float(array.mean()) if array.size else 0.0


def bootstrap_interval(
    statistic: Callable[..., float],
    *columns: ArrayLike,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> Measure:
    """Return a statistic with its percentile bootstrap interval (Efron 1979).

    Args:
        statistic: Called with the columns, and with the columns resampled by question.
        columns: Arrays of one row a question, all of one length.
        level: Share of resamples that the interval holds.
        resamples: How often the questions are drawn anew.
        seed: Of the generator; equal seeds give equal intervals.
    """
    arrays = [np.asarray(column, float) for column in columns]
    size = arrays[0].size
    value = float(statistic(*arrays))
    if size == 0:
        return Measure(value, value, value, 0)
    generator = np.random.default_rng(seed)
    drawn: list[float] = []
    while len(drawn) < resamples:
        # Drawn in blocks, so that the means of a block are one operation and memory is bounded.
        count = min(resamples - len(drawn), 1 + 1_000_000 // size)
        rows = generator.integers(0, size, (count, size))
        if statistic is mean:
            drawn.extend(arrays[0][rows].mean(axis=1))
        else:
            drawn.extend(float(statistic(*(array[row] for array in arrays))) for row in rows)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Measure(value, float(low), float(high), size)


@dataclass(frozen=True, slots=True)
class Difference:
    """How much the second run is above the first on the same questions.

    Attributes:
        value: Mean of second minus first.
        low: Lower end of the 95 % bootstrap interval.
        high: Upper end.
        p: Two-sided p-value of the sign-flip permutation test; 1.0 when nothing differs.
        n: Number of questions.
    """

    value: float
    low: float
    high: float
    p: float
    n: int

    def to_dict(self) -> dict[str, Any]:
        """Return the difference as JSON-ready data."""
        return asdict(self)


def paired_difference(
    first: ArrayLike, second: ArrayLike, *, permutations: int = 10_000, seed: int = 0
) -> Difference:
    """Compare two runs question by question (Fisher's randomisation test, bootstrap interval).

    If the runs do not differ, each question's difference is as likely to have the other sign. The
    p-value is the share of random sign patterns whose mean is at least as far from 0, the
    observed pattern counted once.
    """
    before, after = _paired(first, second)
    change = after - before
    interval = bootstrap_interval(mean, change, seed=seed)
    moved = change[change != 0]
    if not moved.size:
        return Difference(interval.value, interval.low, interval.high, 1.0, int(change.size))
    generator = np.random.default_rng(seed)
    extreme = 1
    for start in range(0, permutations, 1000):
        shape = (min(1000, permutations - start), moved.size)
        signs = 2.0 * generator.integers(0, 2, shape) - 1
        extreme += int(np.sum(np.abs(signs @ moved) >= abs(moved.sum()) - 1e-9))
    p = extreme / (permutations + 1)
    return Difference(interval.value, interval.low, interval.high, p, int(change.size))


# Helpers ---------------------------------------------------------------------------------------


def _paired(first: ArrayLike, second: ArrayLike) -> tuple[Floats, Floats]:
    a, b = np.asarray(first, float), np.asarray(second, float)
    if a.ndim != 1 or a.shape != b.shape:
        raise ValueError(f"expected two rows of one length, found shapes {a.shape} and {b.shape}")
    return a, b


def _steps(confidence: ArrayLike, right: ArrayLike) -> tuple[Floats, Floats]:
    """Return, at each distinct confidence from the highest, questions so far and errors so far."""
    score, hit = _paired(confidence, right)
    if not score.size:
        return np.empty(0), np.empty(0)
    order = np.argsort(-score, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(score[order])), score.size - 1)
    return (ends + 1).astype(float), np.cumsum(1 - hit[order])[ends]
