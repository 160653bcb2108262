# SPDX-License-Identifier: GPL-2.0-or-later
"""Rows of the conformance suite that an image has run: verdicts by number, run-length coded.

An image prints one line for a block of rows (`lib/arm64/asm/conform.h`). There may be 50,000 rows,
so they stay runs of equal verdicts, and only what needs single rows expands them.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Final

from kut_runner.verdict.events import Summary

if TYPE_CHECKING:
    from kut_runner.verdict.events import Check, RowLine

#: Codes of verdicts; that of a skipped row is followed by the number of its reason, from 1.
PASS: Final = "P"  # noqa: S105 - a verdict, not a password
FAIL: Final = "F"
SKIP: Final = "S"
CRASH: Final = "C"
"""The machine died or hung at this row."""
KNOWN: Final = "K"
"""It failed, as an entry of the errata says."""
NONE: Final = "-"
"""It did not run."""

#: Statuses of rows by their codes.
STATUSES: Final = {
    PASS: "pass",
    FAIL: "fail",
    CRASH: "crash",
    KNOWN: "kfail",
    SKIP: "skip",
    NONE: "none",
}

#: Codes of rows that failed, and whose failure is not known.
FAILED: Final = (FAIL, CRASH)
#: Codes of rows that ran to a verdict.
RAN: Final = (PASS, FAIL, KNOWN)

#: Most rows of an area: more than one that runs in seconds.
MOST_ROWS: Final = 1_000_000

_RUN: Final = re.compile(r"([0-9]{0,7})([PFCK-]|S[1-9][0-9]{0,2})")

#: Most features that a summary names.
_FEATURES: Final = 4

#: A number of rows in sequence, and their code.
Run = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Reason:
    """Reason why rows were skipped: a feature that the machine lacks."""

    feature: str
    field: str
    """Field of the ID register that shows it, as in "ID_AA64MMFR0_EL1.FGT"."""

    def __str__(self) -> str:
        """Return the reason as in "FEAT_FGT (ID_AA64MMFR0_EL1.FGT)"."""
        return f"{self.feature} ({self.field})"


@dataclass(frozen=True, slots=True)
class Coverage:
    """Number of checks of a row of the coverage table, by what became of them."""

    checks: int
    """Those that ran or were skipped."""
    verified: int
    """Those that ran to a verdict."""
    skipped: int
    failed: int
    """Those that failed, or at which the machine died; also those that errata list."""
    known: int = 0
    """Failed ones that errata list."""

    @staticmethod
    def of(counts: Mapping[str, int], known: int = 0) -> "Coverage":
        """Return the coverage of rows with these numbers of codes.

        `known` of the failed rows are known failures, besides those with code `KNOWN`.
        """
        verified = sum(counts.get(code, 0) for code in RAN)
        failed = sum(counts.get(code, 0) for code in (*FAILED, KNOWN))
        checks = sum(count for code, count in counts.items() if code != NONE)
        skipped, known = counts.get(SKIP, 0), known + counts.get(KNOWN, 0)
        return Coverage(checks, verified, skipped, failed, known)

    def __add__(self, other: "Coverage") -> "Coverage":
        """Return the sums."""
        return Coverage(
            self.checks + other.checks,
            self.verified + other.verified,
            self.skipped + other.skipped,
            self.failed + other.failed,
            self.known + other.known,
        )


NO_COVERAGE: Final = Coverage(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Listed:
    """Number of rows that an erratum lists, by what became of them."""

    failed: int
    passed: int
    skipped: int

    def __add__(self, other: "Listed") -> "Listed":
        """Return the sums."""
        return Listed(
            self.failed + other.failed, self.passed + other.passed, self.skipped + other.skipped
        )


@dataclass(frozen=True, slots=True)
class AreaRows:
    """Verdicts on the rows of an area."""

    area: str
    count: int
    """Number of rows of the area."""
    hash: str
    """Hash of the table of the rows: 16 hexadecimal digits."""
    runs: tuple[Run, ...]
    """Verdicts of all rows of the area, in their order."""
    reasons: tuple[Reason, ...] = ()
    traced: int | None = None
    """The row that was announced last; None if none was."""
    problem: str = ""
    """What is wrong with the lines about rows; empty if nothing is."""
    ids: tuple[str, ...] = ()
    """Ids of the rows; empty if they are not known."""
    verified: Mapping[str, int] = field(default_factory=dict)
    """Number of rows by kind that ran and are of a kind, such as "undefined"."""
    matrix: Mapping[str, Coverage] = field(default_factory=dict)
    """Coverage by row of the coverage table; empty if it is not known."""
    errata: Mapping[str, Listed] = field(default_factory=dict)
    """Rows that errata of the machine list, by name of the erratum."""

    @property
    def counts(self) -> Counter[str]:
        """Number of rows by the letter of their code."""
        found = Counter[str]()
        for count, code in self.runs:
            found[code[0]] += count
        return found

    @property
    def failed(self) -> int:
        """Number of rows that failed, or at which the machine died, without known failures."""
        counts = self.counts
        return sum(counts[code] for code in FAILED)

    @property
    def passed(self) -> int:
        """Number of rows that passed."""
        return self.counts[PASS]

    @property
    def skipped(self) -> int:
        """Number of rows that were skipped."""
        return self.counts[SKIP]

    @property
    def skips(self) -> Mapping[str, int]:
        """Number of skipped rows by feature, the most frequent first."""
        found = Counter[str]()
        for count, code in self.runs:
            if code[0] == SKIP:
                found[self.reason_of(code).feature] += count
        return dict(found.most_common())

    @property
    def summary(self) -> str:
        """Number of rows by verdict, as in "333 rows: 259 verified, 74 skipped (74 FEAT_FGT)"."""
        return summary([self])

    def codes(self) -> Iterator[str]:
        """Yield the code of each row."""
        for count, code in self.runs:
            for _ in range(count):
                yield code

    def code_of(self, number: int) -> str:
        """Return the code of one row."""
        for count, code in self.runs:
            if number < count:
                return code
            number -= count
        raise IndexError(number)

    def reason_of(self, code: str) -> Reason:
        """Return the reason of the code of a skipped row."""
        return self.reasons[int(code[1:]) - 1]

    def has_verdict(self, number: int) -> bool:
        """Return whether a row ran or was skipped."""
        return self.code_of(number) != NONE

    def name(self, number: int) -> str:
        """Return the id of a row, or its number if the ids are not known."""
        return self.ids[number] if self.ids else f"row {number}"


def summary(areas: Sequence[AreaRows]) -> str:
    """Return the number of rows of areas by verdict, in one line."""
    counts, kinds, skips = Counter[str](), Counter[str](), Counter[str]()
    for rows in areas:
        counts.update(rows.counts)
        kinds.update(rows.verified)
        skips.update(rows.skips)
    parts = [f"{sum(counts[code] for code in RAN)} verified"]
    parts += [f"{count} {kind}" for kind, count in kinds.items()]
    names = {FAIL: "failed", CRASH: "crash", KNOWN: "known", NONE: "did not run"}
    parts += [f"{counts[code]} {name}" for code, name in names.items() if counts[code]]
    if counts[SKIP]:
        features = [f"{count} {name}" for name, count in skips.most_common(_FEATURES)]
        more = f", and {len(skips) - _FEATURES} more" if len(skips) > _FEATURES else ""
        parts.append(f"{counts[SKIP]} skipped ({', '.join(features)}{more})")
    return f"{sum(counts.values())} rows: {', '.join(parts)}"


def summary_event(rows: AreaRows) -> Summary:
    """Return the SUMMARY line of rows, as an image prints it that runs all of them."""
    counts = rows.counts
    numbers = (rows.failed, counts[KNOWN], counts[SKIP])
    names = ("unexpected failures", "known failures", "skipped")
    parts = [f", {number} {name}" for number, name in zip(numbers, names, strict=True) if number]
    tests = rows.count - counts[NONE]
    line = f"SUMMARY: {tests} tests{''.join(parts)}"
    return Summary(line, tests, rows.failed, counts[KNOWN], 0, counts[SKIP])


def errata_notes(areas: Iterable[AreaRows]) -> list[str]:
    """Return what is out of date in the errata, as results of a run show."""
    totals = dict[str, Listed]()
    for rows in areas:
        for name, each in rows.errata.items():
            totals[name] = totals.get(name, Listed(0, 0, 0)) + each
    found = []
    for name, total in totals.items():
        if total.passed:
            found.append(
                f"erratum {name}: {total.passed} of its rows passed, {total.failed} failed"
            )
        elif total.skipped and not total.failed:
            found.append(f"erratum {name}: none of its rows ran: {total.skipped} skipped")
    return found


def parts_of(check: "Check") -> tuple[str, str, str] | None:
    """Return area, row and message of "FAIL: AREA: ROW: MESSAGE"; None for any other check."""
    area, _, rest = check.text.partition(": ")
    row, _, message = rest.partition(": ")
    return (area, row, message) if message else None


def text_of(runs: Iterable[Run]) -> str:
    """Return runs as text, as in "120P F 12S1"."""
    return " ".join(f"{count if count > 1 else ''}{code}" for count, code in runs)


def runs_of(text: str) -> tuple[Run, ...]:
    """Return the runs of a text that `text_of` wrote; raises ValueError for any other."""
    runs = []
    for part in text.split():
        match = _RUN.fullmatch(part)
        if not match or match[1] == "0":
            raise ValueError(f"{part!r} is no run of verdicts")
        runs.append((int(match[1] or 1), match[2]))
    return tuple(runs)


def coded(codes: Iterable[str]) -> tuple[Run, ...]:
    """Return the runs of single codes."""
    return tuple((len(list(group)), code) for code, group in groupby(codes))


class RowsCollector:
    """Builder of an `AreaRows`, from the lines of one boot."""

    def __init__(self) -> None:
        """Start without an area."""
        self._area: tuple[str, int, str] | None = None
        self._reasons: list[Reason] = []
        self._blocks: list[tuple[int, tuple[Run, ...]]] = []
        self._traced: int | None = None
        self._problem = ""

    def add(self, line: "RowLine") -> None:
        """Add a line about rows."""
        area, number = line.area, line.number
        match line.keyword:
            case "AREA":
                self._begin(area, number, *line.fields)
            case "REASON":
                self._add_reason(area, number, Reason(*line.fields))
            case "ROWS":
                self._add_block(area, number, runs_of(*line.fields))
            case "ROW":
                self._trace(area, number)

    def rows(self) -> AreaRows | None:
        """Return the verdicts so far; None without an AREA line."""
        if not self._area:
            return None
        runs = list[Run]()
        at = 0
        for first, block in sorted(self._blocks):
            if first < at:
                self._note(f"row {first} of area {self._area[0]} is reported twice")
                break
            runs += [(first - at, NONE)] if first > at else []
            runs += block
            at = first + sum(count for count, _ in block)
        runs += [(self._rows - at, NONE)] if at < self._rows else []
        return AreaRows(
            *self._area,
            runs=_joined(runs),
            reasons=tuple(self._reasons),
            traced=self._traced,
            problem=self._problem,
        )

    def _begin(self, area: str, count: int, hash_: str) -> None:
        """Begin the rows of an area."""
        if self._area:
            self._note("two AREA lines")
        elif count > MOST_ROWS:
            self._note(f"{count} rows in an area, and at most {MOST_ROWS} are supported")
        else:
            self._area = area, count, hash_

    def _add_reason(self, area: str, number: int, reason: Reason) -> None:
        """Add the reason with the next number."""
        if not self._is_of(area) or number != len(self._reasons) + 1:
            self._note(f"REASON {number} after {len(self._reasons)} of them, for area {area}")
        else:
            self._reasons.append(reason)

    def _add_block(self, area: str, first: int, runs: tuple[Run, ...]) -> None:
        """Add the verdicts of consecutive rows."""
        last = first + sum(count for count, _ in runs) - 1
        known = {f"{SKIP}{number + 1}" for number in range(len(self._reasons))} | {PASS, FAIL}
        unknown = next((code for _, code in runs if code not in known), "")
        if not self._is_of(area) or last >= self._rows:
            self._note(f"rows {first} to {last} of area {area} are reported, which do not exist")
        elif unknown:
            self._note(f"a row is skipped for reason {unknown[1:]}, which has no REASON line")
        else:
            self._blocks.append((first, runs))

    def _trace(self, area: str, number: int) -> None:
        """Note that a row runs next."""
        if self._is_of(area) and number < self._rows:
            self._traced = number
        else:
            self._note(f"row {number} of area {area} begins, which does not exist")

    @property
    def _rows(self) -> int:
        return self._area[1] if self._area else 0

    def _is_of(self, area: str) -> bool:
        return self._area is not None and self._area[0] == area

    def _note(self, problem: str) -> None:
        """Keep the first problem."""
        self._problem = self._problem or problem


def _joined(runs: Sequence[Run]) -> tuple[Run, ...]:
    """Return runs in which neighbours have different codes."""
    groups = groupby(runs, key=lambda run: run[1])
    return tuple((sum(count for count, _ in group), code) for code, group in groups)
