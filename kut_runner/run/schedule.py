# SPDX-License-Identifier: GPL-2.0-or-later
"""Schedule of a run: its rounds, and further attempts after failures."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kut_runner.process import resources
from kut_runner.process.resources import Resources
from kut_runner.run import order

if TYPE_CHECKING:
    from kut_runner.run.options import RunOptions
    from kut_runner.run.times import Timing
    from kut_runner.targets.case import Case
    from kut_runner.verdict.result import TestResult


@dataclass(frozen=True, slots=True)
class Attempt:
    """One execution of a case."""

    case: "Case"
    cost: Resources
    number: int
    """Number of this attempt among those of the case in the run, from 1."""
    earlier: "tuple[TestResult, ...]" = ()
    """Failures of earlier attempts that this one retries."""


class Scheduler:
    """Returns the next attempt for which resources are free."""

    def __init__(
        self,
        cases: "Sequence[Case]",
        options: "RunOptions",
        timings: "Mapping[str, Timing]",
        first: Collection[str],
    ) -> None:
        """Schedule `cases`; `timings` are by id, and cases with an id in `first` start first."""
        self.capacity = resources.available(options.jobs)
        self._timings = timings
        self._queue = order.Queue(self._cost)
        self._rounds = order.rounds(
            cases, timings, seed=options.seed, times=options.repeat, first=first
        )
        self._again: list[Attempt] = []
        self._attempts: Counter[str] = Counter()
        self._next_round()

    def __bool__(self) -> bool:
        """Return whether any attempt is left."""
        return bool(self._queue or self._again)

    def take(self, free: Resources) -> Attempt | None:
        """Remove and return the next attempt that fits into `free`, None for none."""
        for attempt in self._again:
            if attempt.cost.fits(free):
                self._again.remove(attempt)
                return attempt
        if not (taken := self._queue.take(free)):
            return None
        if not self._queue:
            self._next_round()
        case, cost = taken
        return Attempt(case, cost, self._count(case))

    def try_again(self, attempt: Attempt, result: "TestResult") -> None:
        """Schedule another attempt after a failure, ahead of all other cases."""
        number = self._count(attempt.case)
        self._again.append(replace(attempt, number=number, earlier=(*attempt.earlier, result)))

    def clear(self) -> None:
        """Drop all attempts that are left."""
        self._rounds = iter(())
        self._queue = order.Queue(self._cost)
        self._again.clear()

    def _cost(self, case: "Case") -> Resources:
        known = self._timings.get(case.id)
        cost = case.target.cost(case.test)
        if case.test.latency:
            return cost.limited(self.capacity)
        return cost.bounded(known.cpu_demand if known else None, self.capacity)

    def _count(self, case: "Case") -> int:
        self._attempts[case.id] += 1
        return self._attempts[case.id]

    def _next_round(self) -> None:
        for case in next(self._rounds, ()):
            self._queue.add(case)
