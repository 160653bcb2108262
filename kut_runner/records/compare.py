# SPDX-License-Identifier: GPL-2.0-or-later
"""Comparison of two runs: newly failing tests, fixed tests, slower tests.

A test is slower when it takes more than `ratio` times as long as before, after removal of the
drift that all tests share: the median of the ratios, which stands for a faster or a busier host.
The difference must also be significant: more than a tenth of a second and, when enough tests can
be compared, further from the median than three times the spread of the ratios (median absolute
deviation, scaled to a standard deviation).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from math import exp, log
from statistics import median
from typing import Any, Final

from kut_runner.errors import UsageError
from kut_runner.records import compare_rows
from kut_runner.records.compare_rows import RowChange, RowKind
from kut_runner.records.document import Document, RunMetadata
from kut_runner.targets.selection import label
from kut_runner.verdict.result import TestResult
from kut_runner.verdict.status import Status

#: Changes when a program that reads the old one would misread the new one.
SCHEMA: Final = 1

#: Ratio of times above which a test is slower.
RATIO: Final = 1.5

#: Seconds that a test must take for its times to be compared.
_SHORTEST: Final = 0.02
#: Smallest difference in seconds that is reported.
_LEAST: Final = 0.1
#: Number of ratios from which drift and spread are estimated.
_ENOUGH: Final = 5
#: Multiple of the spread that is significant.
_SPREADS: Final = 3.0
#: Factor from median absolute deviation to standard deviation of a normal distribution.
_TO_DEVIATION: Final = 1.4826


class Kind(Enum):
    """Change of a test between two runs; a test has at most one."""

    NEWLY_FAILING = "newly failing"
    STILL_FAILING = "still failing"
    FIXED = "fixed"
    NEWLY_SKIPPED = "newly skipped"
    NEWLY_FLAKY = "newly flaky"
    SLOWER = "slower"
    NEW = "new"
    GONE = "gone"
    NO_RESULT = "no result"
    """It was selected but the run was cut short before it ended."""


_GOOD_KINDS: Final = {Status.SKIP: Kind.NEWLY_SKIPPED, Status.FLAKY: Kind.NEWLY_FLAKY}


@dataclass(frozen=True, slots=True)
class Change:
    """Change of one test."""

    kind: Kind
    name: str
    description: str
    """Old and new status or time, as in "pass -> fail: 1 of 5 checks failed"."""
    before: TestResult | None = None
    after: TestResult | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Changes of all tests between two runs."""

    changes: tuple[Change, ...]
    """Sorted by kind, in the order of `Kind`, and then in the order in which the tests ended."""
    unchanged: int
    drift: float
    """Median of the ratios of times; 1.0 when too few tests can be compared."""
    notes: tuple[str, ...] = field(default=())
    """Differences between the runs themselves, which may explain the changes."""
    rows: tuple[RowChange, ...] = ()
    """Changes of rows of the conformance suite, in tests that both runs have."""

    @property
    def has_newly_failing(self) -> bool:
        """Whether a test or a row fails that did not fail before."""
        return any(change.kind is Kind.NEWLY_FAILING for change in self.changes) or any(
            change.kind is RowKind.NEWLY_FAILING for change in self.rows
        )

    def lines(self) -> Iterator[str]:
        """Yield the comparison as lines of text."""
        yield from self.notes
        width = max((len(change.name) for change in self.changes), default=0)
        for change in self.changes:
            kind = change.kind.value.upper()
            yield f"{kind:13}  {change.name:{width}}  {change.description}".rstrip()
        yield from compare_rows.lines(self.rows)
        yield self._summary()

    def as_json(self) -> dict[str, Any]:
        """Return the comparison as JSON values; docs/commands/compare.md describes the keys."""
        return {
            "schema": SCHEMA,
            "drift": round(self.drift, 3),
            "unchanged": self.unchanged,
            "notes": [*self.notes],
            "changes": [
                {
                    "test": change.name,
                    "kind": change.kind.value,
                    "words": change.description,
                    "before": _brief(change.before),
                    "after": _brief(change.after),
                }
                for change in self.changes
            ],
            "rows": [
                {
                    "test": change.test,
                    "row": change.row,
                    "kind": change.kind.value,
                    "before": change.before,
                    "after": change.after,
                }
                for change in self.rows
            ],
        }

    def _summary(self) -> str:
        kinds = [change.kind for change in self.changes]
        parts = [f"{kinds.count(kind)} {kind.value}" for kind in Kind if kind in kinds]
        if self.unchanged:
            parts.append(f"{self.unchanged} unchanged")
        return ", ".join(parts) or "no test in either run"


def compare(before: Document, after: Document, *, ratio: float = RATIO) -> Comparison:
    """Return the changes from `before` to `after`; `ratio` is above 1."""
    _refuse_cells_of_one(before, after)
    old, new = _by_name(before), _by_name(after)
    ratios = _ratios(old, new)
    drift, spread = _drift_and_spread(ratios)
    slower = {
        name: Change(Kind.SLOWER, name, _describe_slower(old[name], new[name], drift))
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
        rows=compare_rows.changes(old, new),
    )


def _refuse_cells_of_one(before: Document, after: Document) -> None:
    """Raise UsageError when only one of two runs has results on several targets."""
    if before.names and after.names and before.has_cells != after.has_cells:
        which = "the first" if before.has_cells else "the second"
        raise UsageError(
            f"only {which} of the two runs has results on several targets",
            "compare the runs that were merged, or two merged runs",
        )


def _by_name(document: Document) -> dict[str, TestResult]:
    """Return one result per test; its last failure, or its last result if it never failed."""
    found: dict[str, TestResult] = {}
    for result in document.results:
        seen = found.get(result.id)
        if not seen or result.status.is_failure or not seen.status.is_failure:
            found[result.id] = result
    return found


def _change(
    name: str, before: TestResult | None, after: TestResult | None, was: str, *, is_missing: bool
) -> Change | None:
    """Return the change of one test whose earlier status is `was`; None without one."""
    if not after:
        description = f"was {was}" if before else ""
        return Change(Kind.NO_RESULT if is_missing else Kind.GONE, name, description)
    now = after.status
    description = f"{was} -> {': '.join(filter(None, (now.value, after.verdict.reason)))}"
    if now.is_failure:
        return Change(_failing(before), name, description)
    if not before:
        return Change(Kind.NEW, name, description)
    kind = _GOOD_KINDS.get(now) if before.status is not now else None
    if not kind and before.status.is_failure:
        kind = Kind.FIXED
    return Change(kind, name, description) if kind else None


def _failing(before: TestResult | None) -> Kind:
    has_failed = before and before.status.is_failure
    return Kind.STILL_FAILING if has_failed else Kind.NEWLY_FAILING


def _ratios(old: Mapping[str, TestResult], new: Mapping[str, TestResult]) -> dict[str, float]:
    """Return the ratio of new to old time of each test that ran to its end in both runs."""
    return {
        name: result.seconds / old[name].seconds
        for name, result in new.items()
        if name in old and _is_timed(result) and _is_timed(old[name])
    }


def _is_timed(result: TestResult) -> bool:
    has_ended = not result.status.is_failure and result.status is not Status.SKIP
    return has_ended and result.seconds >= _SHORTEST


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


def _describe_slower(before: TestResult, after: TestResult, drift: float) -> str:
    times = after.seconds / before.seconds
    change = f"{before.seconds:.2f} s -> {after.seconds:.2f} s, {times:.1f} times as long"
    return change if abs(drift - 1) < RATIO - 1 else f"{change}; all tests: {drift:.1f} times"


def _brief(result: TestResult | None) -> dict[str, Any] | None:
    if not result:
        return None
    reason = result.verdict.reason
    return {"status": result.status.value, "reason": reason, "seconds": round(result.seconds, 6)}


def _notes(before: Document, after: Document) -> Iterator[str]:
    old, new = before.metadata, after.metadata
    kinds = (
        ("built with", _build(before), _build(after)),
        *_target_versions(old, new),
        ("kut", old.kut, new.kut),
    )
    for what, one, other in kinds:
        if one and other and one != other:
            yield f"note: {what} {one} before, {other} after"


def _target_versions(old: RunMetadata, new: RunMetadata) -> Iterator[tuple[str, str, str]]:
    """Yield the versions of one target, or of two with their names."""
    before, after = label(old.target), label(new.target)
    if before == after:
        yield before, old.version, new.version
    elif old.version or new.version:
        yield "target", f"{before} {old.version}".strip(), f"{after} {new.version}".strip()


def _build(document: Document) -> str:
    metadata = document.metadata
    return "-".join(filter(None, (metadata.compiler, metadata.variant)))
