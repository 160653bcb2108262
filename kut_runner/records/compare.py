# SPDX-License-Identifier: GPL-2.0-or-later
"""Two runs side by side: what fails now and did not, what is mended, what became slower.

A test is slower when it takes more than `ratio` times as long as before, apart from what all
tests have in common: the median of all tests' ratios is a faster or busier machine, and is taken
out. And it must be significant: by more than a tenth of a second, and, where enough tests can be
compared, further from the median than three times the spread of the others' ratios (median
absolute deviation, scaled to a standard deviation), for that is what mere chance does.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from math import exp, log
from statistics import median
from typing import Any, Final

from kut_runner.records.document import Document
from kut_runner.verdict.result import TestResult
from kut_runner.verdict.status import Status

#: Changes when a program that reads the old one would misread the new one.
SCHEMA: Final = 1

#: Times as long as before, for a test to be slower.
RATIO: Final = 1.5

#: Seconds: shorter tests are not compared by time, and smaller differences not told.
_SHORTEST: Final = 0.02
_LEAST: Final = 0.1
#: Tests that it takes to know the spread, and multiples of it that are no chance.
_ENOUGH: Final = 5
_SPREADS: Final = 3.0
_TO_DEVIATION: Final = 1.4826


class Kind(Enum):
    """What may have become of a test; a test has one of these, or none."""

    NEWLY_FAILING = "newly failing"
    STILL_FAILING = "still failing"
    FIXED = "fixed"
    NEWLY_SKIPPED = "newly skipped"
    NEWLY_FLAKY = "newly flaky"
    SLOWER = "slower"
    NEW = "new"
    GONE = "gone"
    NO_RESULT = "no result"
    """It was to run, and has none: the run was cut short."""


_GOOD_KINDS: Final = {Status.SKIP: Kind.NEWLY_SKIPPED, Status.FLAKY: Kind.NEWLY_FLAKY}


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one test."""

    kind: Kind
    name: str
    words: str
    """From what to what, in words."""
    before: TestResult | None = None
    after: TestResult | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What became of all tests."""

    changes: tuple[Change, ...]
    """Grouped as `Kind` is ordered; in a group as the tests ended."""
    unchanged: int
    drift: float
    """Median of the ratios of times: what all tests have in common; 1.0 when not known."""
    notes: tuple[str, ...] = field(default=())
    """In what the runs themselves differ, which may explain the rest."""

    @property
    def has_newly_failing(self) -> bool:
        """A test fails that did not fail before."""
        return any(change.kind is Kind.NEWLY_FAILING for change in self.changes)

    def lines(self) -> Iterator[str]:
        """Yield the comparison for people."""
        yield from self.notes
        width = max((len(change.name) for change in self.changes), default=0)
        for change in self.changes:
            kind = change.kind.value.upper()
            yield f"{kind:13}  {change.name:{width}}  {change.words}".rstrip()
        yield self._summary()

    def as_json(self) -> dict[str, Any]:
        """Return the comparison for programs, as docs/commands/compare.md describes it."""
        return {
            "schema": SCHEMA,
            "drift": round(self.drift, 3),
            "unchanged": self.unchanged,
            "notes": [*self.notes],
            "changes": [
                {
                    "test": change.name,
                    "kind": change.kind.value,
                    "words": change.words,
                    "before": _brief(change.before),
                    "after": _brief(change.after),
                }
                for change in self.changes
            ],
        }

    def _summary(self) -> str:
        kinds = [change.kind for change in self.changes]
        parts = [f"{kinds.count(kind)} {kind.value}" for kind in Kind if kind in kinds]
        if self.unchanged:
            parts.append(f"{self.unchanged} as before")
        return ", ".join(parts) or "no test in either run"


def compare(before: Document, after: Document, *, ratio: float = RATIO) -> Comparison:
    """Return what became of the tests of `before` in `after`; `ratio` is above 1."""
    old, new = _by_name(before), _by_name(after)
    ratios = _ratios(old, new)
    drift, spread = _drift_and_spread(ratios)
    slower = {
        name: Change(Kind.SLOWER, name, _slower_words(old[name], new[name], drift))
        for name, found in ratios.items()
        if found / drift > ratio
        and _is_significant(old[name].seconds, new[name].seconds, drift, spread)
    }
    missing, had_none = {*after.missing}, {*before.missing}
    found: list[Change] = []
    for name in dict.fromkeys((*new, *old, *after.missing)):
        was = old[name].status.value if name in old else "no result" if name in had_none else "new"
        change = _change(name, old.get(name), new.get(name), was, is_missing=name in missing)
        if change or (change := slower.get(name)):
            found.append(replace(change, before=old.get(name), after=new.get(name)))
    order = list(Kind)
    found.sort(key=lambda change: order.index(change.kind))
    return Comparison(
        changes=tuple(found),
        unchanged=len({*old, *new, *after.missing}) - len(found),
        drift=drift,
        notes=tuple(_notes(before, after)),
    )


def _by_name(document: Document) -> dict[str, TestResult]:
    """Return a result per test; of one that ran repeatedly the last failure, else the last."""
    found: dict[str, TestResult] = {}
    for result in document.results:
        seen = found.get(result.id)
        if not seen or result.status.is_failure or not seen.status.is_failure:
            found[result.id] = result
    return found


def _change(
    name: str, before: TestResult | None, after: TestResult | None, was: str, *, is_missing: bool
) -> Change | None:
    if not after:
        words = f"was {was}" if before else ""
        return Change(Kind.NO_RESULT if is_missing else Kind.GONE, name, words)
    now = after.status
    words = f"{was} -> {': '.join(filter(None, (now.value, after.verdict.reason)))}"
    if now.is_failure:
        return Change(_failing(before), name, words)
    if not before:
        return Change(Kind.NEW, name, words)
    kind = _GOOD_KINDS.get(now) if before.status is not now else None
    if not kind and before.status.is_failure:
        kind = Kind.FIXED
    return Change(kind, name, words) if kind else None


def _failing(before: TestResult | None) -> Kind:
    has_failed = before and before.status.is_failure
    return Kind.STILL_FAILING if has_failed else Kind.NEWLY_FAILING


def _ratios(old: Mapping[str, TestResult], new: Mapping[str, TestResult]) -> dict[str, float]:
    """Return how many times as long each test takes that ran to its end in both runs."""
    return {
        name: result.seconds / old[name].seconds
        for name, result in new.items()
        if name in old and _is_timed(result) and _is_timed(old[name])
    }


def _is_timed(result: TestResult) -> bool:
    process_exit = not result.status.is_failure and result.status is not Status.SKIP
    return process_exit and result.seconds >= _SHORTEST


def _drift_and_spread(ratios: Mapping[str, float]) -> tuple[float, float]:
    """Return the median ratio, and the spread of the logarithms around it."""
    if len(ratios) < _ENOUGH:
        return 1.0, 0.0
    logs = [log(each) for each in ratios.values()]
    middle = median(logs)
    return exp(middle), _TO_DEVIATION * median(abs(each - middle) for each in logs)


def _is_significant(before: float, after: float, drift: float, spread: float) -> bool:
    expected = before * drift
    return after - expected > _LEAST and log(after / expected) > _SPREADS * spread


def _slower_words(before: TestResult, after: TestResult, drift: float) -> str:
    times = after.seconds / before.seconds
    words = f"{before.seconds:.2f} s -> {after.seconds:.2f} s, {times:.1f} times as long"
    return words if abs(drift - 1) < RATIO - 1 else f"{words}, where all take {drift:.1f} times"


def _brief(result: TestResult | None) -> dict[str, Any] | None:
    if not result:
        return None
    reason = result.verdict.reason
    return {"status": result.status.value, "reason": reason, "seconds": round(result.seconds, 6)}


def _notes(before: Document, after: Document) -> Iterator[str]:
    old, new = before.metadata, after.metadata
    kinds = (
        ("built with", _build(before), _build(after)),
        ("QEMU", old.version, new.version),
        ("kut", old.kut, new.kut),
    )
    for what, one, other in kinds:
        if one and other and one != other:
            yield f"note: {what} {one} before, {other} after"


def _build(document: Document) -> str:
    metadata = document.metadata
    return "-".join(filter(None, (metadata.compiler, metadata.variant)))
