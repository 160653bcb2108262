# SPDX-License-Identifier: GPL-2.0-or-later
"""Comparison of the rows of the conformance suite in two runs, by their ids."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from kut_runner.verdict.result import TestResult
from kut_runner.verdict.rows import FAILED, NONE, PASS, SKIP, STATUSES, AreaRows

#: Most rows of a kind that are listed for a reader; the JSON has all.
_MOST: Final = 20


class RowKind(Enum):
    """Change of a row between two runs."""

    NEWLY_FAILING = "newly failing"
    FIXED = "fixed"
    NEWLY_SKIPPED = "newly skipped"
    CHANGED = "changed"
    """From a failure to a crash, from skipped to passed, and the like."""


@dataclass(frozen=True, slots=True)
class RowChange:
    """Change of one row that is in both runs."""

    kind: RowKind
    test: str
    row: str
    before: str
    """Its verdict, as in "pass"."""
    after: str

    def __str__(self) -> str:
        """Return the change in one line."""
        return (
            f"{self.kind.value.upper():13}  {self.test}: {self.row}  {self.before} -> {self.after}"
        )


def changes(old: Mapping[str, TestResult], new: Mapping[str, TestResult]) -> tuple[RowChange, ...]:
    """Return the changes of rows in tests that both runs have, sorted by kind."""
    found = [
        change
        for test in new
        if test in old and (one := old[test].output.rows) and (other := new[test].output.rows)
        for change in _of_test(test, one, other)
    ]
    order = list(RowKind)
    return tuple(sorted(found, key=lambda change: order.index(change.kind)))


def lines(found: Sequence[RowChange]) -> Iterator[str]:
    """Yield the changes for a reader, of many of a kind the first ones."""
    seen = Counter[RowKind]()
    for change in found:
        seen[change.kind] += 1
        if seen[change.kind] <= _MOST:
            yield str(change)
    parts = [f"{count} {kind.value}" for kind, count in seen.items()]
    if parts:
        yield f"rows: {', '.join(parts)}"


def _of_test(test: str, one: AreaRows, other: AreaRows) -> Iterator[RowChange]:
    if one.ids == other.ids and one.runs == other.runs and one.reasons == other.reasons:
        return
    before = dict(zip(one.ids, one.codes(), strict=False))
    for row, code in zip(other.ids, other.codes(), strict=False):
        was, now = before.get(row, NONE)[0], code[0]
        if was != now and NONE not in (was, now):
            yield RowChange(_kind(was, now), test, row, STATUSES[was], STATUSES[now])


def _kind(was: str, now: str) -> RowKind:
    if now in FAILED:
        return RowKind.CHANGED if was in FAILED else RowKind.NEWLY_FAILING
    if was in FAILED and now == PASS:
        return RowKind.FIXED
    return RowKind.NEWLY_SKIPPED if now == SKIP else RowKind.CHANGED
