# SPDX-License-Identifier: GPL-2.0-or-later
"""The check that matters in a bisection, and the mark of a revision by it.

It fails at the bad end and passes at the good one. A revision at which it fails is bad, one at
which it passes is good, whatever other checks do, and one that does not get as far as the check is
skipped. Where no single check tells the ends apart, as when the machine hangs, the test as a whole
is watched, and a revision is bad if the test ends there for the same cause as at the bad end.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final, Self

from kut_runner.errors import ExitCode, UsageError
from kut_runner.verdict import rows
from kut_runner.verdict.cause import Cause
from kut_runner.verdict.status import Status

if TYPE_CHECKING:
    from kut_runner.verdict.events import Check
    from kut_runner.verdict.result import TestResult
    from kut_runner.verdict.rows import AreaRows

#: Values of the message of a check, which differ between a pass and a failure.
_VALUES: Final = re.compile(r"[:,;] (?:expected|found) .*")
_BAD: Final = ("fail", "crash", "kfail", "xpass")
_GOOD: Final = ("pass", "xfail")
#: Statuses of a test that passed.
_PASSED: Final = (Status.PASS, Status.FLAKY)
#: Causes without a verdict on the guest that tell revisions apart: the program dies.
_DEATHS: Final = (Cause.KILLED, Cause.PROGRAM_FAILED)
#: Characters of a glob.
_GLOB: Final = re.compile(r"[*?\[]")


class Mark(Enum):
    """Mark of a revision, with the exit code that `git bisect run` wants."""

    GOOD = "good"
    BAD = "bad"
    SKIP = "skip"

    @property
    def exit_code(self) -> int:
        """Exit code of a script of `git bisect run`."""
        return {Mark.GOOD: 0, Mark.BAD: 1, Mark.SKIP: 125}[self]


@dataclass(frozen=True, slots=True)
class Seen:
    """A check in the output of a test."""

    status: str
    line: str
    """The line that the guest printed, or its equivalent for a row of the conformance suite."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One run of a test at a revision."""

    test: str
    status: Status
    cause: Cause | None
    reason: str
    checks: Mapping[str, Seen]
    """By name: the text without its values; of several with one name the second has " #2"."""
    is_verdict: bool
    """Whether the machine ran, or its program died."""

    @property
    def line(self) -> str:
        """The verdict in one line."""
        return (
            f"{self.status.value.upper()}: {self.test}{f': {self.reason}' if self.reason else ''}"
        )

    @property
    def passed(self) -> bool:
        """Whether the test passed."""
        return self.status in _PASSED


@dataclass(frozen=True, slots=True)
class Watch:
    """What is watched: a check of a test, or the end of a test."""

    test: str
    """Name of the test; "" for all tests."""
    check: str = ""
    """Name of the check, or a part or glob of names; "" for the test as a whole."""
    is_pattern: bool = False
    """Whether `check` may match several checks."""
    cause: str = ""
    """Cause of the end of the test at the bad end; "" for any failure."""

    def __str__(self) -> str:
        """Return what is watched, for a reader."""
        return ": ".join(filter(None, (self.test, self.check))) or "all tests"

    def to_json(self) -> dict[str, Any]:
        """Return the watch for a document."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the watch that `to_json` wrote."""
        return cls(data["test"], data["check"], data["is_pattern"], data["cause"])

    def mark(self, observations: "Iterable[Observation]") -> tuple[Mark, str]:
        """Return the mark of a revision by all runs of the test, and the line that decides.

        It is bad if one run is, and good if all are.
        """
        mine = [each for each in observations if self.test in {"", each.test}]
        found = [self._mark_of(each) for each in mine]
        order = (Mark.BAD, Mark.SKIP, Mark.GOOD)
        nothing = (Mark.SKIP, "the test did not run")
        return min(found, key=lambda each: order.index(each[0]), default=nothing)

    def _mark_of(self, observation: Observation) -> tuple[Mark, str]:
        if self.check:
            seen = [each for name, each in observation.checks.items() if self._is(name)]
            if bad := next((each for each in seen if each.status in _BAD), None):
                return Mark.BAD, bad.line
            if good := next((each for each in seen if each.status in _GOOD), None):
                return Mark.GOOD, good.line
            if observation.passed and not seen and not self.is_pattern:
                return Mark.GOOD, observation.line
            return Mark.SKIP, seen[0].line if seen else observation.line
        if observation.passed:
            return Mark.GOOD, observation.line
        is_same = self.cause in {"", observation.cause.value if observation.cause else ""}
        is_bad = is_same and observation.is_verdict
        return (Mark.BAD if is_bad else Mark.SKIP), observation.line

    def _is(self, name: str) -> bool:
        return matches(name, self.check) if self.is_pattern else name == self.check


def matches(name: str, pattern: str) -> bool:
    """Return whether a name has the pattern as a part, or matches it as a glob."""
    return fnmatchcase(name, pattern) if _GLOB.search(pattern) else pattern in name


def observe(result: "TestResult") -> Observation:
    """Return what matters of a result."""
    verdict, area = result.verdict, result.output.rows
    found = _rows(result.output.checks, area) if area else _checks(result.output.checks)
    is_failure = verdict.exit_code is ExitCode.TESTS_FAILED and verdict.status is not Status.SKIP
    return Observation(
        result.test,
        verdict.status,
        verdict.cause,
        verdict.reason,
        dict(found),
        is_failure or verdict.cause in _DEATHS,
    )


def _checks(checks: "Iterable[Check]") -> Iterator[tuple[str, Seen]]:
    counts = Counter[str]()
    for check in checks:
        name = _VALUES.sub("", check.text)
        counts[name] += 1
        number = f" #{counts[name]}" if counts[name] > 1 else ""
        yield f"{name}{number}", Seen(check.status.value, check.line)


def _rows(checks: "Iterable[Check]", area: "AreaRows") -> Iterator[tuple[str, Seen]]:
    """Yield the rows that ran."""
    lines = {parts[1]: check.line for check in checks if (parts := rows.parts_of(check))}
    for number, code in enumerate(area.codes()):
        if code != rows.NONE:
            name, status = area.name(number), rows.STATUSES[code[0]]
            needs = f": needs {area.reason_of(code)}" if code[0] == rows.SKIP else ""
            line = f"{status.upper()}: {area.area}: {name}{needs}"
            yield name, Seen(status, lines.get(name, line))


@dataclass(frozen=True, slots=True)
class Difference:
    """What tells the two ends apart."""

    watch: Watch
    others: int
    """Number of further checks that fail at the bad end only."""


def difference(
    good: Sequence[Observation], bad: Sequence[Observation], only: str | None
) -> Difference:
    """Return the first check that fails at the bad end and passes at the good one, else the test.

    `only` is a part or a glob of names of checks. Raises UsageError if nothing tells them apart.
    """
    found = [
        Watch(each.test, name)
        for each in bad
        for name, seen in each.checks.items()
        if seen.status in _BAD and (only is None or matches(name, only))
    ]
    found = [watch for watch in dict.fromkeys(found) if watch.mark(good)[0] is Mark.GOOD]
    if found:
        return Difference(found[0], len(found) - 1)
    if only is None:
        for each in bad:
            watch = Watch(each.test, cause=each.cause.value if each.cause else "")
            if watch.mark([each])[0] is Mark.BAD and watch.mark(good)[0] is Mark.GOOD:
                return Difference(watch, 0)
    raise _alike(good, bad, only)


def _alike(good: Sequence[Observation], bad: Sequence[Observation], only: str | None) -> UsageError:
    """Return the error for two ends that nothing tells apart."""
    if only is not None and not any(matches(name, only) for each in bad for name in each.checks):
        names = sorted({name for each in bad for name in each.checks})
        some = f"; there are {', '.join(names[:3])}, ..." if names else ""
        return UsageError(
            f"no check at the bad end matches --only {only}", f"name a part of a check's text{some}"
        )
    if all(each.passed for each in (*good, *bad)):
        return UsageError(
            "the test passes at both ends", "name another --bad, or a test that fails there"
        )
    ends = (f"{label}: {_worst(each)}" for label, each in (("good end", good), ("bad end", bad)))
    what = f"no check with {only}" if only is not None else "no check"
    return UsageError(
        f"{what} fails at the bad end and passes at the good one: {'; '.join(ends)}",
        "name other ends, or another test; see the logs of both in build/bisect/logs",
    )


def _worst(observations: Sequence[Observation]) -> str:
    bad = next((each for each in observations if not each.passed), None)
    return bad.line if bad else observations[0].line
