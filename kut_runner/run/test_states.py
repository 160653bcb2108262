# SPDX-License-Identifier: GPL-2.0-or-later
"""States of the tests of `kut watch` over its rounds: due, passed or failed.

A verdict belongs to a definition, a target and an image with its link time. A case is due when it
has no verdict for the current ones. A case that failed counts as bad until it passes.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from kut_runner.errors import ExitCode
from kut_runner.records.policy import NO_POLICY, Policy
from kut_runner.verdict.cause import Cause
from kut_runner.verdict.result import exit_code

if TYPE_CHECKING:
    from kut_runner.definitions.config import TestDef
    from kut_runner.targets.case import Case
    from kut_runner.verdict.result import TestResult
    from kut_runner.verdict.status import Status

#: Definition without its origin, program and version of the target, link time of the image in ns.
_Subject = tuple["TestDef", str, str, int]


class TestStates:
    """Verdicts on the selected cases over the rounds."""

    __test__ = False  # not a class for pytest to collect

    def __init__(self, policy: Policy = NO_POLICY) -> None:
        """Start without cases; `policy` decides the exit code."""
        self._policy = policy
        self._now: dict[str, _Subject] = {}
        self._judged: dict[str, _Subject] = {}
        self._verdicts: dict[str, tuple[Status, ExitCode]] = {}

    def see(self, cases: "Iterable[Case]") -> None:
        """Make `cases` the selection, with the current state of their images."""
        self._now = {case.id: _subject(case) for case in cases}
        for name in [*self._verdicts, *self._judged]:
            if name not in self._now:
                self._verdicts.pop(name, None)
                self._judged.pop(name, None)

    def due(self, cases: "Iterable[Case]") -> "tuple[Case, ...]":
        """Return those of `cases` without a current verdict; `see` must have got them before."""
        return tuple(case for case in cases if self._judged.get(case.id) != self._now[case.id])

    def settle(self) -> None:
        """Mark every case as judged in its current state."""
        self._judged = dict(self._now)

    def forget(self, ids: Iterable[str]) -> None:
        """Mark these cases as due."""
        for name in ids:
            self._judged.pop(name, None)

    def record(
        self, cases: "Iterable[Case]", found: "Iterable[TestResult]", times: int = 1
    ) -> None:
        """Record the results of a round in which each of `cases` should run `times` times.

        A case that was interrupted, or has no result, stays due.
        """
        by_id = defaultdict[str, list["TestResult"]](list)
        for result in found:
            if result.verdict.cause is not Cause.INTERRUPTED:
                by_id[result.id].append(result)
        for case in cases:
            mine = by_id[case.id]
            worst = next((each for each in mine if each.status.is_failure), None)
            if worst or len(mine) >= times:
                shown = worst or mine[-1]
                self._judged[case.id] = self._now[case.id]
                (code,) = self._policy.exit_codes([shown])
                self._verdicts[case.id] = shown.status, code
            else:
                self.forget([case.id])

    @property
    def names(self) -> Collection[str]:
        """Ids of all cases."""
        return self._now.keys()

    @property
    def bad(self) -> tuple[str, ...]:
        """Ids of the cases that failed and have not passed since, in order of definition."""
        verdicts = self._verdicts
        return tuple(
            name for name in self._now if name in verdicts and verdicts[name][0].is_failure
        )

    @property
    def unknown(self) -> int:
        """Number of cases that are due."""
        return sum(self._judged.get(name) != subject for name, subject in self._now.items())

    @property
    def exit_code(self) -> ExitCode:
        """Exit code of a run with these verdicts."""
        return exit_code(code for _, code in self._verdicts.values())


def _subject(case: "Case") -> _Subject:
    linked = 0
    with suppress(FileNotFoundError):
        linked = case.image.flat.stat().st_mtime_ns
    return replace(case.test, origin=""), case.target.program, case.target.version, linked


def listed(names: Sequence[str], most: int = 5) -> str:
    """Return names as part of a sentence, with at most `most` of them named."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
