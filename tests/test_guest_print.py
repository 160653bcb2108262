# SPDX-License-Identifier: GPL-2.0-or-later
"""Lines that guests print through the host."""

import re

import pytest
import realtree

pytestmark = pytest.mark.qemu

PRINTED = [
    "printed in a guest: 40, a string",
    "PASS: {0}: guest 1: a check",
    "XFAIL: {0}: guest 1: a check that fails as expected",
    "KFAIL: {0}: guest 1: a check that fails for a known reason",
    "SKIP: {0}: guest 1: a check that is left out",
    "INFO: {0}: guest 1: no check",
]
"""Output of guest_print() in subtest {0}, which also counts a check without a line."""
COUNTS = "1 known failures, 1 expected failures, 1 skipped"


def lines(subtest: str, *options: str, image: str = "guest-print") -> list[str]:
    return realtree.boot(realtree.build(image), subtest, *options)[1].splitlines()


@pytest.mark.parametrize("cpu", ["max", "cortex-a35", "neoverse-n1"])
@pytest.mark.parametrize("subtest", ["el1", "el0", "stage1", "high", "other-ipa", "own-stack"])
def test_lines_and_counts_are_those_of_the_host(subtest: str, cpu: str) -> None:
    *printed, check, summary, end = lines(subtest, "-cpu", cpu)
    assert printed == [line.format(subtest) for line in PRINTED]
    assert check.startswith(f"PASS: {subtest}: ")
    assert summary == f"SUMMARY: 6 tests, {COUNTS}"
    assert end == "EXIT: STATUS=1"


def test_a_failure_has_its_place() -> None:
    output = lines("failure")
    assert output[0] == "FAIL: failure: fails in a guest"
    assert re.fullmatch(r"    at arm/guest-print\.c:\d+", output[1])
    assert output[-2:] == ["SUMMARY: 2 tests, 1 unexpected failures", "EXIT: STATUS=3"]


def test_a_long_string_is_whole() -> None:
    assert lines("long")[0] == "0123456789" * 300


def test_a_line_begins_at_its_start() -> None:
    first, second, third, check, *_ = lines("line")
    assert first == third == "a line that does not end"
    assert second == "another line"
    assert check.startswith("PASS: line: printf_line()")


def test_exits_of_one_instruction_in_a_row_are_printed_once() -> None:
    exits = [line for line in lines("unhandled") if "guest: exit " in line]
    assert len(exits) == 2, exits


def test_exceptions_that_run_in_el1_reports_are_not_printed() -> None:
    output = lines("exceptions", image="run-in")
    assert not [line for line in output if line.startswith("INFO:")]


def test_the_summary_is_that_of_the_host() -> None:
    output = lines("summary")
    assert output.index("SUMMARY: 1 tests") == 1
    assert output[-2:] == ["SUMMARY: 2 tests", "EXIT: STATUS=1"]


def test_exit_in_a_guest_ends_the_run() -> None:
    assert lines("exit") == ["EXIT: STATUS=11"]


def test_lines_of_two_vcpus_are_whole() -> None:
    output = lines("vcpus", "-smp", "2")
    text = re.compile(r"PASS: vcpus: vCPU (\d), line (\d+), 0123456789 0123456789")
    found = [match.groups() for line in output if (match := text.fullmatch(line))]
    assert sorted(found) == sorted((str(cpu), str(line)) for cpu in range(2) for line in range(20))


def test_the_stack_of_a_guest_can_be_printed_in_it() -> None:
    stack, *rest = lines("stack")
    assert re.fullmatch(r"\tSTACK:( [0-9a-f]+){4,}", stack)
    assert rest[-1] == "EXIT: STATUS=1"
