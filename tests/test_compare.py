# SPDX-License-Identifier: GPL-2.0-or-later
"""Comparison of two runs."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kut_runner.errors import ExitCode
from kut_runner.process.boot import ExitKind, ProcessExit
from kut_runner.records.compare import Comparison, Kind, compare
from kut_runner.records.document import Document, RunMetadata
from kut_runner.verdict.result import TestResult, Verdict
from kut_runner.verdict.status import Status


def result(name: str, status: Status = Status.PASS, seconds: float = 1.0) -> TestResult:
    code = ExitCode.TESTS_FAILED if status.is_failure else ExitCode.OK
    reason = "" if status is Status.PASS else "why"
    ended = ProcessExit(ExitKind.EXITED, 0, seconds, "")
    return TestResult(name, Verdict(status, reason, code), process_exit=ended)


def run(*results: TestResult, also: tuple[str, ...] = (), **metadata: str) -> Document:
    names = tuple(dict.fromkeys((*(one.id for one in results), *also)))
    return Document(
        metadata=RunMetadata(selection=names, **metadata),  # type: ignore[arg-type]
        results=results,
        seconds=1.0,
        exit_code=ExitCode.OK,
        is_complete=not also,
    )


def kinds(found: Comparison) -> dict[str, Kind]:
    return {change.name: change.kind for change in found.changes}


PASS, FAIL, SKIP = Status.PASS, Status.FAIL, Status.SKIP
CRASH, FLAKY = Status.CRASH, Status.FLAKY


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (PASS, PASS, None),
        (PASS, FAIL, Kind.NEWLY_FAILING),
        (PASS, CRASH, Kind.NEWLY_FAILING),
        (PASS, SKIP, Kind.NEWLY_SKIPPED),
        (PASS, FLAKY, Kind.NEWLY_FLAKY),
        (PASS, None, Kind.GONE),
        (FAIL, PASS, Kind.FIXED),
        (FAIL, FAIL, Kind.STILL_FAILING),
        (FAIL, CRASH, Kind.STILL_FAILING),
        (FAIL, SKIP, Kind.NEWLY_SKIPPED),
        (FAIL, FLAKY, Kind.NEWLY_FLAKY),
        (FAIL, None, Kind.GONE),
        (SKIP, PASS, None),
        (SKIP, SKIP, None),
        (SKIP, FAIL, Kind.NEWLY_FAILING),
        (FLAKY, PASS, None),
        (FLAKY, FLAKY, None),
        (FLAKY, FAIL, Kind.NEWLY_FAILING),
        (None, PASS, Kind.NEW),
        (None, SKIP, Kind.NEW),
        (None, FAIL, Kind.NEWLY_FAILING),
    ],
)
def test_what_becomes_of_a_test(
    before: Status | None, after: Status | None, kind: Kind | None
) -> None:
    old = run(*([result("x", before)] if before else []), result("same"))
    new = run(*([result("x", after)] if after else []), result("same"))
    found = compare(old, new)
    assert kinds(found) == ({"x": kind} if kind else {})
    assert found.unchanged == (1 if kind else 2)
    assert found.has_newly_failing is (kind is Kind.NEWLY_FAILING)


def test_a_test_without_result_is_not_gone() -> None:
    found = compare(run(result("a"), result("b")), run(result("a"), also=("b", "c")))
    assert kinds(found) == {"b": Kind.NO_RESULT, "c": Kind.NO_RESULT}
    assert not found.has_newly_failing


def test_of_a_repeated_test_a_failure_counts() -> None:
    repeated = run(result("x"), result("x", FAIL), result("x"))
    assert kinds(compare(run(result("x")), repeated)) == {"x": Kind.NEWLY_FAILING}
    assert kinds(compare(repeated, run(result("x")))) == {"x": Kind.FIXED}


def suite(times: list[float]) -> Document:
    return run(*(result(f"t{number}", seconds=each) for number, each in enumerate(times)))


def test_a_slower_test_among_many() -> None:
    found = compare(suite([1.0] * 8), suite([1.0] * 7 + [2.0]))
    assert kinds(found) == {"t7": Kind.SLOWER}
    assert found.changes[0].description == "1.00 s -> 2.00 s, 2.0 times as long"
    assert not found.has_newly_failing


def test_what_all_have_in_common_is_taken_out() -> None:
    assert kinds(compare(suite([1.0] * 8), suite([3.0] * 8))) == {}
    found = compare(suite([1.0] * 8), suite([3.0] * 7 + [9.0]))
    assert kinds(found) == {"t7": Kind.SLOWER}
    assert found.changes[0].description.endswith("9.0 times as long; all tests: 3.0 times")
    assert found.drift == pytest.approx(3.0)


def test_what_chance_does_is_not_slower() -> None:
    """The threshold is higher when the times of all tests scatter."""
    noisy = [0.5, 0.7, 0.8, 1.0, 1.0, 1.3, 1.5, 1.9]
    assert kinds(compare(suite([1.0] * 8), suite(noisy))) == {}
    assert kinds(compare(suite([1.0] * 8), suite([*noisy[:-1], 8.0]))) == {"t7": Kind.SLOWER}


def test_a_small_difference_is_not_told() -> None:
    assert kinds(compare(suite([0.03] * 8), suite([0.03] * 7 + [0.12]))) == {}
    assert kinds(compare(suite([0.03] * 8), suite([0.03] * 7 + [0.14]))) == {"t7": Kind.SLOWER}


def test_few_tests_are_compared_as_they_are() -> None:
    assert kinds(compare(suite([1.0]), suite([2.0]))) == {"t0": Kind.SLOWER}
    assert kinds(compare(suite([1.0]), suite([1.4]))) == {}


def test_the_ratio_is_the_users() -> None:
    assert kinds(compare(suite([1.0]), suite([2.0]), ratio=2.5)) == {}
    assert kinds(compare(suite([1.0]), suite([1.4]), ratio=1.2)) == {"t0": Kind.SLOWER}


def test_a_failing_or_skipped_test_is_not_compared_by_time() -> None:
    for status in (FAIL, SKIP):
        old, new = run(result("x", status, 1.0)), run(result("x", status, 9.0))
        assert Kind.SLOWER not in kinds(compare(old, new)).values()


def test_lines() -> None:
    old = run(result("a"), result("bb", FAIL), result("c"), result("d"), version="7.2.0")
    new = run(
        *(result("d"), result("c", SKIP), result("bb"), result("a", CRASH), result("e")),
        compiler="gcc",
        variant="o3",
        version="10.0.0",
    )
    assert list(compare(old, new).lines()) == [
        "note: QEMU 7.2.0 before, 10.0.0 after",
        "NEWLY FAILING  a   pass -> crash: why",
        "FIXED          bb  fail -> pass",
        "NEWLY SKIPPED  c   pass -> skip: why",
        "NEW            e   new -> pass",
        "1 newly failing, 1 fixed, 1 newly skipped, 1 new, 1 unchanged",
    ]
    assert list(compare(run(), run()).lines()) == ["no test in either run"]


def test_a_first_result_of_a_test_that_had_none() -> None:
    old = run(result("a"), also=("b", "c"))
    new = run(result("a"), result("b"), result("c", CRASH), result("d"))
    assert [*compare(old, new).lines()] == [
        "NEWLY FAILING  c  no result -> crash: why",
        "NEW            b  no result -> pass",
        "NEW            d  new -> pass",
        "1 newly failing, 2 new, 1 unchanged",
    ]


def test_the_comparison_for_programs() -> None:
    old = run(result("a", PASS), result("b", PASS), result("gone", PASS))
    new = run(result("a", CRASH), result("b", PASS))
    found = compare(old, new).as_json()
    assert found == {
        "schema": 1,
        "drift": 1.0,
        "unchanged": 1,
        "notes": [],
        "rows": [],
        "changes": [
            {
                "test": "a",
                "kind": "newly failing",
                "words": "pass -> crash: why",
                "before": {"status": "pass", "reason": "", "seconds": 1.0},
                "after": {"status": "crash", "reason": "why", "seconds": 1.0},
            },
            {
                "test": "gone",
                "kind": "gone",
                "words": "was pass",
                "before": {"status": "pass", "reason": "", "seconds": 1.0},
                "after": None,
            },
        ],
    }


STATUSES = [PASS, FAIL, SKIP, CRASH, FLAKY]
RUNS = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(STATUSES)).map(
    lambda found: run(*(result(name, status) for name, status in found.items()))
)


@given(before=RUNS, after=RUNS)
def test_every_test_is_counted_once(before: Document, after: Document) -> None:
    found = compare(before, after)
    names = [change.name for change in found.changes]
    assert len(names) == len(set(names))
    assert len(names) + found.unchanged == len({*before.names, *after.names})
    if found.has_newly_failing:
        assert any(one.status.is_failure for one in after.results)


@given(run_=RUNS)
def test_a_run_beside_itself(run_: Document) -> None:
    assert set(kinds(compare(run_, run_)).values()) <= {Kind.STILL_FAILING}


def test_noise_alone_is_seldom_told() -> None:
    """Compare twenty pairs of runs of a hundred tests whose times scatter by a fifth."""
    chance = random.Random(7)  # noqa: S311 - no secret
    told = 0
    for _ in range(20):
        before, after = ([chance.lognormvariate(0, 0.2) for _ in range(100)] for _ in range(2))
        told += len(compare(suite(before), suite(after)).changes)
    assert told < 20, "of 2000 tests"
