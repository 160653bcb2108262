# SPDX-License-Identifier: GPL-2.0-or-later
"""The order of cases, and the queue that waits for resources."""

from itertools import islice

from cases import case_of, definition
from hypothesis import given
from hypothesis import strategies as st

from kut_runner.process.resources import Resources
from kut_runner.run.order import Queue, rounds
from kut_runner.run.times import Timing
from kut_runner.targets.case import Case


def case(name: str, smp: int = 1, memory: int = 128) -> Case:
    return case_of(definition(name, smp=smp, memory=memory))


def named(names: str) -> list[Case]:
    return [case(name) for name in names]


def names(order: list[Case]) -> str:
    return "".join(case.id for case in order)


def test_slow_ones_first_and_the_unknown_before_them() -> None:
    took = {"a": Timing(1), "b": Timing(3), "c": Timing(2), "gone": Timing(9)}
    (order,) = rounds(named("axbyc"), took, seed=None, times=1)
    assert names(order) == "xybca"


def test_without_times_those_that_check_latencies_are_first() -> None:
    cases = [case_of(definition(name, latency=name == "c")) for name in "abcd"]
    (order,) = rounds(cases, {}, seed=None, times=1)
    assert names(order) == "cabd"
    (order,) = rounds(cases, dict.fromkeys("abcd", Timing(1)), seed=None, times=1)
    assert names(order) == "cabd"
    (order,) = rounds(cases, {"a": Timing(2), "b": Timing(1), "c": Timing(1)}, seed=None, times=1)
    assert names(order) == "dacb"


def test_without_times_the_order_stays() -> None:
    assert [names(order) for order in rounds(named("bca"), {}, seed=None, times=2)] == ["bca"] * 2


def test_a_seed_gives_the_order() -> None:
    def orders(seed: int, given: str = "abcdefgh") -> list[str]:
        took = {"a": Timing(1)}
        return [names(o) for o in islice(rounds(named(given), took, seed=seed, times=None), 3)]

    assert orders(1) == orders(1) == orders(1, "hgfedcba")
    assert len({*orders(1), *orders(2)}) == 6, "each round has an order of its own"
    assert all(sorted(order) == [*"abcdefgh"] for order in orders(1))


def test_those_that_are_to_be_first_are_so_in_any_order() -> None:
    took = {"a": Timing(1), "b": Timing(3), "c": Timing(2), "d": Timing(4)}
    (order,) = rounds(named("abcd"), took, seed=None, times=1, first="ac")
    assert names(order) == "cadb"
    (order,) = rounds(named("abcd"), took, seed=7, times=1, first="ac")
    assert {*names(order)[:2]} == {*"ac"}


def test_the_first_that_fits_is_next() -> None:
    queue = Queue(lambda case: Resources(case.test.smp, case.test.memory))
    for name, smp, memory in [("a", 4, 100), ("b", 1, 500), ("c", 1, 100), ("d", 2, 100)]:
        queue.add(case(name, smp, memory))
    taken = []
    for room in [
        Resources(2, 300),
        Resources(2, 300),
        Resources(0, 900),
        Resources(4, 900),
        Resources(9, 900),
    ]:
        found = queue.take(room)
        taken.append(found[0].id if found else "-")
    assert taken == ["c", "d", "-", "a", "b"]
    assert not queue


@given(st.lists(st.integers(1, 8), max_size=30), st.integers(1, 4))
def test_all_run_and_never_more_than_fit(sizes: list[int], cpus: int) -> None:
    """Whenever no case fits, the one that has run longest ends."""
    whole = Resources(cpus, 1000)
    queue = Queue(lambda case: case.target.cost(case.test).bounded(None, whole))
    for number, smp in enumerate(sizes):
        queue.add(case(str(number), smp))
    room, running, ran = whole, list[Resources](), []
    while queue or running:
        while taken := queue.take(room):
            ran.append(taken[0].id)
            running.append(taken[1])
            room -= taken[1]
            assert room.cpus >= 0
            assert room.memory >= 0
        room += running.pop(0)
    assert sorted(ran, key=int) == [str(number) for number in range(len(sizes))]
    assert room == whole
