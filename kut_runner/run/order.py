# SPDX-License-Identifier: GPL-2.0-or-later
"""The order in which tests start: slow ones first, or shuffled, once or again and again.

When slow tests start first, the last ones to end are small and all CPUs are busy up to the end. A
test without a known time counts as slow. A test that does not fit beside those that run lets
others pass; as a round ends before the next one begins, its turn comes.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import count
from typing import TYPE_CHECKING

from kut_runner.run.resources import Resources
from kut_runner.run.times import Timing

if TYPE_CHECKING:
    from kut_runner.definitions.config import TestDef


def rounds(
    tests: "Sequence[TestDef]",
    timings: Mapping[str, Timing],
    *,
    seed: int | None,
    times: int | None,
    first: Collection[str] = (),
) -> "Iterator[list[TestDef]]":
    """Yield the tests in their order `times` times, for ever when that is None.

    With a seed each round has an order of its own, and the same seed gives the same orders. In any
    case the tests of `first` come first.
    """
    slow_first = sorted(tests, key=lambda test: -_seconds(timings, test))
    for number in range(times) if times is not None else count():
        ordered = shuffled(tests, seed, number) if seed is not None else slow_first
        yield sorted(ordered, key=lambda test: test.name not in first)


def shuffled(tests: "Sequence[TestDef]", seed: int, number: int) -> "list[TestDef]":
    """Return the tests of a round in an order that the seed and the round's number give."""
    from random import Random

    order = sorted(tests, key=lambda test: test.name)  # it is the seed alone that counts
    Random(f"{seed} {number}").shuffle(order)  # noqa: S311 - nothing secret
    return order


def _seconds(timings: Mapping[str, Timing], test: "TestDef") -> float:
    return timings[test.name].seconds if test.name in timings else float("inf")


class Queue:
    """Tests that wait for their turn, and for room."""

    def __init__(self, resources: "Callable[[TestDef], Resources]") -> None:
        """Start empty; `resources` tells what a test takes."""
        self._share = resources
        self._lanes: dict[Resources, deque[tuple[int, TestDef]]] = {}
        self._count = count()

    def __len__(self) -> int:
        """Return the number of tests that wait."""
        return sum(map(len, self._lanes.values()))

    def add(self, test: "TestDef") -> None:
        """Add a test at the end."""
        self._lanes.setdefault(self._share(test), deque()).append((next(self._count), test))

    def take(self, free: Resources) -> "tuple[TestDef, Resources] | None":
        """Take the first test that there is room for, with what it takes; None for none."""
        fitting = [
            (lane[0][0], resources)
            for resources, lane in self._lanes.items()
            if resources.fits(free)
        ]
        if not fitting:
            return None
        _, resources = min(fitting, key=lambda each: each[0])
        _, test = self._lanes[resources].popleft()
        if not self._lanes[resources]:
            del self._lanes[resources]
        return test, resources
