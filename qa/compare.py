"""Two runs over one golden set: what changed, whether by chance, and which answers flipped.

```python
comparison = compare(golden.load_report("monday.json"), golden.load_report("friday.json"))
print(comparison.text())
comparison.broken      # right on Monday, lost on Friday
```
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from qa.evaluate import Difference, paired_difference
from qa.golden import GoldenReport, Record
from qa.golden_formats import GoldenError
from qa.golden_summary import label


@dataclass(frozen=True, slots=True)
class Flip:
    """A pair that passed in one run and not in the other."""

    before: Record
    after: Record

    @property
    def mended(self) -> bool:
        """Tell whether the second run passes."""
        return self.after.passed

    def to_dict(self) -> dict[str, Any]:
        """Return the flip as JSON-ready data."""
        return {"mended": self.mended, "before": asdict(self.before), "after": asdict(self.after)}


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two runs have in common, and not.

    Attributes:
        first: Name of the earlier run.
        second: Name of the later run.
        differences: Second minus first, by figure; pairs that both runs have.
        flips: Pairs that passed in one of them only.
        moved: Pairs answered differently that neither passed.
        only_first: Conversations that the second run did not have.
        only_second: Conversations that the first run did not have.
        changed: What the runs say of what was asked, where it differs: (first, second) by name.
    """

    first: str
    second: str
    differences: dict[str, Difference]
    flips: tuple[Flip, ...]
    moved: tuple[Flip, ...]
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]
    changed: dict[str, tuple[Any, Any]]

    @property
    def broken(self) -> list[Flip]:
        """Return the pairs that the first run passed and the second lost."""
        return [flip for flip in self.flips if not flip.mended]

    @property
    def mended(self) -> list[Flip]:
        """Return the pairs that the first run lost and the second passes."""
        return [flip for flip in self.flips if flip.mended]

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as JSON-ready data."""
        return {
            "first": self.first,
            "second": self.second,
            "differences": {name: d.to_dict() for name, d in self.differences.items()},
            "flips": [flip.to_dict() for flip in self.flips],
            "moved": [flip.to_dict() for flip in self.moved],
            "only_first": list(self.only_first),
            "only_second": list(self.only_second),
            "changed": {name: list(values) for name, values in self.changed.items()},
        }

    def text(self) -> str:
        """Return the comparison for a terminal."""
        width = max(len(label(name)) for name in self.differences)
        lines = [f"{self.first} → {self.second}"]
        lines += [f"{name}: {before} → {after}" for name, (before, after) in self.changed.items()]
        lines.append(f"{'':{width}}   change   95 % interval          p      n")
        for name, d in self.differences.items():
            low_high = f"{d.low:+.3f} – {d.high:+.3f}"
            lines.append(
                f"{label(name):{width}}   {d.value:+.3f}   {low_high}   {d.p:6.4f}  {d.n:5d}"
            )
        for title, flips in (
            ("broken", self.broken), ("mended", self.mended), ("lost otherwise", self.moved),
        ):  # fmt: skip
            lines.append(f"\n{len(flips)} {title}")
            lines += [_line(flip) for flip in flips]
        for title, keys in (("first", self.only_first), ("second", self.only_second)):
            if keys:
                lines.append(f"\n{len(keys)} in the {title} run only: {'; '.join(keys[:5])}")
        return "\n".join(lines)


def _line(flip: Flip) -> str:
    before, after = _given(flip.before), _given(flip.after)
    stage = flip.after.stage or flip.before.stage or ""
    return f"  {flip.after.key}\n      {before} → {after}  ({stage.replace('_', ' ')})"


def _given(record: Record) -> str:
    if record.got is None:
        return "refused" if record.asked else "not asked"
    return f"“{' '.join(record.got.split())}”"


Value = Callable[[Record], float]

_ANSWERABLE: dict[str, Value] = {
    "exact_match": lambda r: r.em,
    "f1": lambda r: r.f1,
    "recall_at_5": lambda r: float(r.rank is not None and r.rank <= 5),
    "mrr": lambda r: 1 / r.rank if r.rank else 0.0,
}
_ALL: dict[str, Value] = {
    "passed": lambda r: float(r.passed),
    "overall_exact_match": lambda r: r.em,
    "overall_f1": lambda r: r.f1,
    "brier": lambda r: (r.confidence - r.best_right) ** 2,
}


def compare(first: GoldenReport, second: GoldenReport) -> Comparison:
    """Compare two runs pair by pair; a pair is the same when its conversation is.

    Raises:
        GoldenError: The runs have no pair in common.
    """
    before, after = _by_key(first.records), _by_key(second.records)
    shared = [(before[key], after[key]) for key in before if key in after]
    if not shared:
        raise GoldenError(
            f"{first.golden} and {second.golden} have no question in common; "
            "compare two runs over one golden set"
        )
    answerable = [(b, a) for b, a in shared if not a.unanswerable and not b.unanswerable]
    refusable = [(b, a) for b, a in shared if a.unanswerable and b.unanswerable]
    differences = _differences(_ANSWERABLE, answerable)
    differences |= _differences({"refused": lambda r: float(r.refused)}, refusable)
    differences |= _differences(_ALL, shared)
    changed = [Flip(b, a) for b, a in shared if (b.passed, b.got) != (a.passed, a.got)]
    return Comparison(
        first=first.created,
        second=second.created,
        differences=differences,
        flips=tuple(flip for flip in changed if flip.before.passed != flip.after.passed),
        moved=tuple(f for f in changed if not f.before.passed and not f.after.passed),
        only_first=tuple(key[0] for key in before if key not in after),
        only_second=tuple(key[0] for key in after if key not in before),
        changed=_changed(first.about, second.about),
    )


def _changed(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return what differs between what two runs were asked of; kept by both of them."""
    before, after = _flat(first), _flat(second)
    return {
        name: (before[name], after[name])
        for name in before
        if name in after and before[name] != after[name]
    }


def _flat(about: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings among the rest, each by its name."""
    rest = {name: value for name, value in about.items() if name != "settings"}
    return {**rest, **about.get("settings", {})}


def _differences(
    values: dict[str, Value], shared: Sequence[tuple[Record, Record]]
) -> dict[str, Difference]:
    if not shared:
        return {}
    return {
        name: paired_difference([value(b) for b, _ in shared], [value(a) for _, a in shared])
        for name, value in values.items()
    }


def _by_key(records: Sequence[Record]) -> dict[tuple[str, int], Record]:
    """Return the records by conversation; a repeated one is numbered in the set's order."""
    seen: Counter[str] = Counter()
    found: dict[tuple[str, int], Record] = {}
    for record in records:
        found[record.key, seen[record.key]] = record
        seen[record.key] += 1
    return found
