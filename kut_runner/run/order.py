# SPDX-License-Identifier: GPL-2.0-or-later
"""Order in which cases start: slow ones first or shuffled, for one or more rounds.

With slow tests first, short ones fill the CPUs at the end. A test without a known time counts as
slow. Of equally slow tests those that check latencies are first, while all CPUs are free. A test
that does not fit into the free resources lets others pass, but only within a round: the next round
begins when all cases of this one have started.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import count
from typing import TYPE_CHECKING

from kut_runner.process.resources import Resources
from kut_runner.run.times import Timing

if TYPE_CHECKING:
    from kut_runner.targets.case import Case


def rounds(
    cases: "Sequence[Case]",
    timings: Mapping[str, Timing],
    *,
    seed: int | None,
    times: int | None,
    first: Collection[str] = (),
) -> "Iterator[list[Case]]":
    """Yield the cases of `times` rounds in their order; without end if `times` is None.

    With a seed every round has a different order, and the same seed gives the same orders. Cases
    with an id in `first` always come first.
    """
    slow_first = sorted(cases, key=lambda case: (-_seconds(timings, case), not case.test.latency))
    for number in range(times) if times is not None else count():
        ordered = shuffled(cases, seed, number) if seed is not None else slow_first
        yield sorted(ordered, key=lambda case: case.id not in first)


def shuffled(cases: "Sequence[Case]", seed: int, number: int) -> "list[Case]":
    """Return the cases in the order given by the seed and the number of the round."""
    from random import Random

    order = sorted(cases, key=lambda case: case.id)  # the order of the definitions does not matter
    Random(f"{seed} {number}").shuffle(order)  # noqa: S311 - not for cryptography
    return order


def _seconds(timings: Mapping[str, Timing], case: "Case") -> float:
    return timings[case.id].seconds if case.id in timings else float("inf")


class Queue:
    """Cases that wait for their turn and for resources."""

    def __init__(self, cost: "Callable[[Case], Resources]") -> None:
        """Create an empty queue; `cost` returns the resources that a case takes."""
        self._cost = cost
        self._lanes: dict[Resources, deque[tuple[int, Case]]] = {}
        self._count = count()

    def __len__(self) -> int:
        """Return the number of waiting cases."""
        return sum(map(len, self._lanes.values()))

    def add(self, case: "Case") -> None:
        """Add a case at the end."""
        self._lanes.setdefault(self._cost(case), deque()).append((next(self._count), case))

    def take(self, free: Resources) -> "tuple[Case, Resources] | None":
        """Remove and return the first case that fits into `free`, and its cost; None for none."""
        fitting = [(lane[0][0], cost) for cost, lane in self._lanes.items() if cost.fits(free)]
        if not fitting:
            return None
        _, cost = min(fitting, key=lambda each: each[0])
        _, case = self._lanes[cost].popleft()
        if not self._lanes[cost]:
            del self._lanes[cost]
        return case, cost
