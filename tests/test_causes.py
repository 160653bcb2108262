# SPDX-License-Identifier: GPL-2.0-or-later
"""Causes of verdicts: each row of the table in `judge`, and the documents of runs."""

import json
import signal
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kut_runner.definitions.no_checks import NoChecks
from kut_runner.errors import ExitCode
from kut_runner.process.boot import ExitKind, ProcessExit
from kut_runner.process.harness import Finding, FindingKind
from kut_runner.records.document import result_from_json, result_to_json
from kut_runner.verdict import judge as judge_module
from kut_runner.verdict.cause import Cause
from kut_runner.verdict.events import parse
from kut_runner.verdict.guest_output import collect
from kut_runner.verdict.judge import judge
from kut_runner.verdict.lines import split
from kut_runner.verdict.result import TestResult, after, exit_code, skipped, undefined
from kut_runner.verdict.status import Status

PASSED = "PASS: a\nSUMMARY: 1 tests\nEXIT: STATUS=1\n"
FAILED = "FAIL: a\nSUMMARY: 1 tests, 1 unexpected failures\nEXIT: STATUS=3\n"
END = ProcessExit(ExitKind.EXITED, 0, 1.0, "")


def found(kind: FindingKind, cause: Cause) -> ProcessExit:
    """An exit with a finding of a harness."""
    return replace(END, finding=Finding(kind, cause.value, "it was found"), moves=2)


OUT_OF_MEMORY = "cannot set up guest memory 'mach-virt.ram': Cannot allocate memory"

#: An output and an exit for each cause of each row, to which no earlier row applies.
EXAMPLES = [
    (1, Cause.NOT_STARTED, "", replace(END, kind=ExitKind.NOT_STARTED)),
    (2, Cause.INTERRUPTED, PASSED, replace(END, kind=ExitKind.INTERRUPTED)),
    (3, Cause.KILLED, PASSED, replace(END, kind=ExitKind.KILLED, code=signal.SIGSEGV)),
    (4, Cause.MIGRATION_FAILED, PASSED, found(FindingKind.FAILED, Cause.MIGRATION_FAILED)),
    (4, Cause.PANIC_FAILED, PASSED, found(FindingKind.FAILED, Cause.PANIC_FAILED)),
    (4, Cause.LAB_FAILED, PASSED, found(FindingKind.FAILED, Cause.LAB_FAILED)),
    (5, Cause.MIGRATION_MISUSED, PASSED, found(FindingKind.MISUSED, Cause.MIGRATION_MISUSED)),
    (5, Cause.KVM_FAILED, PASSED, found(FindingKind.BROKEN, Cause.KVM_FAILED)),
    (5, Cause.KERNEL_LOG, PASSED, found(FindingKind.BROKEN, Cause.KERNEL_LOG)),
    (6, Cause.CHECKS_FAILED, "FAIL: a\n", found(FindingKind.PASSED, Cause.PANICKED)),
    (7, Cause.PANICKED, "PASS: a\n", found(FindingKind.PASSED, Cause.PANICKED)),
    (8, Cause.REFUSED, "", replace(END, code=1, stderr="no such CPU")),
    (9, Cause.PROGRAM_FAILED, "PASS: a\n", replace(END, code=2, stderr="device broke")),
    (9, Cause.NO_MEMORY, "", replace(END, code=1, stderr=OUT_OF_MEMORY)),
    (10, Cause.TIMEOUT, PASSED, replace(END, kind=ExitKind.TIMED_OUT)),
    (11, Cause.FATAL, f"Unhandled exception\n{PASSED}", END),
    (12, Cause.ABORT, f"ABORT: no\n{PASSED}", END),
    (13, Cause.NO_PANIC, "a\n", found(FindingKind.UNMET_END, Cause.NO_PANIC)),
    (14, Cause.NO_EXIT, "PASS: a\nSUMMARY: 1 tests\n", END),
    (15, Cause.GAVE_UP, "PASS: a\nEXIT: STATUS=255\n", END),
    (16, Cause.OUTPUT_AFTER_EXIT, f"{PASSED}more\n", END),
    (17, Cause.NO_SUMMARY, "PASS: a\nEXIT: STATUS=1\n", END),
    (18, Cause.SUMMARY_MISMATCH, FAILED.replace("1 unexpected", "2 unexpected"), END),
    (19, Cause.CHECKS_FAILED, f"{FAILED}{PASSED}", END),
    (20, Cause.EXIT_STATUS, PASSED.replace("STATUS=1", "STATUS=3"), END),
    (21, Cause.FATAL, f"\tSTACK: 10 20\n{PASSED}", END),
    (22, Cause.NO_POWER_OFF, PASSED, replace(END, kind=ExitKind.LINGERED)),
    (23, Cause.EXIT_CONTRADICTS, PASSED.replace("STATUS=1", "STATUS=77"), END),
    (24, Cause.ALL_SKIPPED, "SKIP: a\nSUMMARY: 1 tests, 1 skipped\nEXIT: STATUS=77\n", END),
    (25, Cause.NOT_MIGRATED, PASSED, found(FindingKind.UNMET, Cause.NOT_MIGRATED)),
    (25, Cause.MIGRATION_MISUSED, PASSED, found(FindingKind.UNMET, Cause.MIGRATION_MISUSED)),
    (25, Cause.NO_PANIC, PASSED, found(FindingKind.UNMET_END, Cause.NO_PANIC)),
    (27, Cause.PASSED, PASSED, END),
]
#: The row that needs a policy.
UNCHECKED = (26, Cause.PASSED_UNCHECKED)
#: Causes that are not in the table: before a test, of several attempts, of rows (test_isolation).
NOT_JUDGED = {
    Cause.UNMET_NEED,
    Cause.BAD_DEFINITION,
    Cause.PASSED_LATER,
    Cause.ROWS_CRASHED,
    Cause.ROWS_MISSING,
}


def result(log: str, end: ProcessExit) -> TestResult:
    output = collect(parse(split([log.encode()])))
    return TestResult("t", judge(output, end), output, end)


def table() -> list[tuple[int, str, str, str]]:
    """Return the rows of the docstring, one for each cause: number, status, code, cause."""
    rows: list[tuple[int, str, str, str]] = []
    _, _, *lines = (judge_module.__doc__ or "").partition("===  ")[2].splitlines()
    for line in lines[1:]:
        if line.startswith("==="):
            break
        number, status, code, cause = (
            line[start:end].strip() for start, end in ((0, 3), (65, 72), (74, 81), (83, None))
        )
        if number:
            rows.append((int(number), status, code, cause))
        elif cause:
            rows.append((*rows[-1][:3], cause))
    return rows


def test_the_table_has_a_row_for_each_example() -> None:
    shown = [(number, cause) for number, _, _, cause in table()]
    examples = [*((number, cause) for number, cause, _, _ in EXAMPLES), UNCHECKED]
    assert sorted(shown) == sorted((number, cause.value) for number, cause in examples)
    assert max(number for number, *_ in EXAMPLES) == len({number for number, *_ in shown})


@pytest.mark.parametrize(("row", "cause", "log", "end"), EXAMPLES)
def test_each_row_has_its_cause_status_and_code(
    row: int, cause: Cause, log: str, end: ProcessExit
) -> None:
    (rule,) = (each for each in table() if (each[0], each[3]) == (row, cause.value))
    found = result(log, end)
    assert found.verdict.cause is cause
    assert found.status.value == rule[1]
    assert str(int(found.verdict.exit_code)) in rule[2].replace(",", "").split()
    data = json.loads(json.dumps(result_to_json(found)))
    assert data["cause"] == cause.value
    assert result_from_json(data) == found


def test_each_cause_can_be_reached() -> None:
    assert {cause for _, cause, _, _ in EXAMPLES} | {UNCHECKED[1]} | NOT_JUDGED == set(Cause)
    assert skipped("needs qemu>=99").cause is Cause.UNMET_NEED
    assert undefined("a bad option").cause is Cause.BAD_DEFINITION
    assert exit_code((undefined("").exit_code, ExitCode.TESTS_FAILED)) is ExitCode.USAGE
    failed, passed = result(FAILED, END), result(PASSED, END)
    assert after((failed,), passed).verdict.cause is Cause.PASSED_LATER
    assert after((failed,), failed).verdict.cause is Cause.CHECKS_FAILED
    assert after((), passed).verdict.cause is Cause.PASSED


@pytest.mark.parametrize(
    ("log", "cause", "reason"),
    [
        ("EXIT: STATUS=1\n", Cause.PASSED_UNCHECKED, "passed with no check and no SUMMARY line"),
        (
            "PASS: a\nSKIP: b\nXFAIL: c\nEXIT: STATUS=1\n",
            Cause.PASSED_UNCHECKED,
            "passed with 3 checks and no SUMMARY line",
        ),
        (
            "SUMMARY: 0 tests\nEXIT: STATUS=1\n",
            Cause.PASSED_UNCHECKED,
            "passed with no check and an empty SUMMARY line",
        ),
        ("SKIP: b\nEXIT: STATUS=1\n", Cause.ALL_SKIPPED, "b"),
        (PASSED, Cause.PASSED, ""),
        ("FAIL: a\nEXIT: STATUS=1\n", Cause.NO_SUMMARY, "no SUMMARY line before EXIT: STATUS=1"),
        ("XPASS: a\nEXIT: STATUS=1\n", Cause.NO_SUMMARY, None),
        ("EXIT: STATUS=3\n", Cause.NO_SUMMARY, None),
        ("EXIT: STATUS=77\n", Cause.NO_SUMMARY, None),
        ("\tSTACK: 10\nEXIT: STATUS=1\n", Cause.FATAL, None),
        ("EXIT: STATUS=1\nmore\n", Cause.OUTPUT_AFTER_EXIT, None),
        ("Unhandled exception\nEXIT: STATUS=1\n", Cause.FATAL, None),
        ("SUMMARY: 1 tests, 1 unexpected failures\nEXIT: STATUS=1\n", Cause.SUMMARY_MISMATCH, None),
        ("PASS: a\n", Cause.NO_EXIT, None),
    ],
)
def test_an_image_may_pass_without_a_summary_where_that_is_allowed(
    log: str, cause: Cause, reason: str | None
) -> None:
    output = collect(parse(split([log.encode()])))
    found = judge(output, END, no_checks=NoChecks.PASS)
    assert found.cause is cause
    assert reason is None or found.reason == reason
    assert judge(output, END).status.is_failure == (log != PASSED)
    lingered = judge(output, replace(END, kind=ExitKind.LINGERED), no_checks=NoChecks.PASS)
    assert lingered.status is not Status.PASS


def test_an_image_without_a_summary_fails_with_what_to_do() -> None:
    reason = result("PASS: a\nEXIT: STATUS=1\n", END).verdict.reason
    assert "`return report_summary()`" in reason
    assert "--no-checks=pass" in reason


def test_keys_are_of_one_shape_and_none_is_taken_twice() -> None:
    assert not [key for key, count in Counter(c.value for c in Cause).items() if count > 1]
    assert all(cause.value == cause.name.lower().replace("_", "-") for cause in Cause)


@pytest.mark.parametrize("first", range(len(EXAMPLES)))
def test_the_first_row_that_holds_decides(first: int) -> None:
    """The row of an exit takes precedence over the output of later rows."""
    row, cause, _, end = EXAMPLES[first]
    needs_silence = cause in {Cause.REFUSED, Cause.NO_MEMORY}
    for later, _, log, _ in EXAMPLES[first + 1 :]:
        assert later >= row
        depends_on_checks = row == 6 or (row == 7 and "FAIL" in log)
        if row <= 10 and log and not needs_silence and not depends_on_checks:
            assert result(log, end).verdict.cause is cause


LINES = st.lists(
    st.sampled_from("".join(log for _, _, log, _ in EXAMPLES).splitlines(keepends=True)), max_size=6
)


@given(LINES, st.sampled_from([end for *_, end in EXAMPLES]))
def test_a_cause_has_one_status_and_one_exit_code(lines: list[str], end: ProcessExit) -> None:
    verdict = result("".join(lines), end).verdict
    assert verdict.cause
    rules = {(status, code) for _, status, code, cause in table() if cause == verdict.cause.value}
    ((status, code),) = {(s, c.replace(",", "")) for s, c in rules if s == verdict.status.value}
    assert (verdict.status, str(int(verdict.exit_code)) in code.split()) == (Status(status), True)


@pytest.mark.parametrize(
    ("log", "cause"),
    [
        ("Unhandled exception\n", Cause.FATAL),
        (FAILED, Cause.CHECKS_FAILED),
        ("SKIP: a\nSUMMARY: 1 tests, 1 skipped\nEXIT: STATUS=77\n", Cause.ALL_SKIPPED),
    ],
)
@pytest.mark.parametrize("kind", [FindingKind.UNMET, FindingKind.UNMET_END])
def test_what_a_harness_has_not_seen_matters_for_a_pass_only(
    log: str, cause: Cause, kind: FindingKind
) -> None:
    assert result(log, found(kind, Cause.NOT_MIGRATED)).verdict.cause is cause


def test_a_timeout_names_the_migration_in_progress() -> None:
    end = replace(found(FindingKind.UNFINISHED, Cause.NOT_MIGRATED), kind=ExitKind.TIMED_OUT)
    verdict = result("Now migrate\n", end).verdict
    assert verdict.cause is Cause.TIMEOUT
    assert verdict.reason == "no verdict after 1.0 s, it was found; last words: Now migrate"


@pytest.mark.parametrize(
    "request_line",
    [
        "Now migrate the VM, then press a key to continue...",
        "Now migrate the VM (quiet)",
        "Begin continuous migration",
    ],
)
def test_a_timeout_names_the_missing_key_of_a_test_that_waits_for_a_migration(
    request_line: str,
) -> None:
    advice = ": it waits for a migration, and its definition has no `migration = true`"
    timed_out = replace(END, kind=ExitKind.TIMED_OUT)
    assert advice in result(f"PASS: a\n{request_line}\n", timed_out).verdict.reason
    assert advice not in result(f"{request_line}\nPASS: a\n", timed_out).verdict.reason
    migrated = replace(timed_out, moves=1)
    assert advice not in result(f"{request_line}\n", migrated).verdict.reason


@pytest.mark.parametrize("prefix", ["", "a: b: "])
@pytest.mark.parametrize(
    ("line", "end"),
    [
        ("exit SVC: ISS 0", "SVC: ISS 0"),
        ("exception at EL1 without handler, vector EL1H_SYNC", None),
    ],
)
def test_a_guest_that_ended_before_the_first_check_is_no_skip(
    prefix: str, line: str, end: str | None
) -> None:
    info = f"INFO: {prefix}guest: "
    dump = f"{info}{line}\n{info}ESR_EL2 0 FAR_EL2 0\n"
    verdict = result(f"{dump}SUMMARY: 0 tests\n\nEXIT: STATUS=77\n", END).verdict
    assert (verdict.status, verdict.cause) == (Status.CRASH, Cause.EXIT_CONTRADICTS)
    expected = f"no check was made, and an exit without a handler ended a guest: {end or line}"
    assert verdict.reason == expected
    skipped = f"{dump}SKIP: a\nSUMMARY: 1 tests, 1 skipped\n\nEXIT: STATUS=77\n"
    assert result(skipped, END).verdict.status is Status.SKIP


def test_other_lines_about_a_guest_do_not_forbid_a_skip() -> None:
    log = "INFO: guest: 5 exits by IRQ\nSUMMARY: 0 tests\n\nEXIT: STATUS=77\n"
    assert result(log, END).verdict.status is Status.SKIP


def test_a_test_that_its_harness_stopped_is_no_pass() -> None:
    verdict = result(PASSED, replace(END, kind=ExitKind.GIVEN_UP)).verdict
    assert (verdict.cause, verdict.status) == (Cause.MIGRATION_FAILED, Status.ERROR)


def test_a_cause_of_a_later_kut_is_none() -> None:
    data = result_to_json(result(PASSED, END)) | {"cause": "by-lightning"}
    assert result_from_json(data).verdict.cause is None
