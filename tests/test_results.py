# SPDX-License-Identifier: GPL-2.0-or-later
"""Verdicts that depend on the exit of QEMU; golden logs test those that depend on output."""

import signal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kut_runner.errors import ExitCode
from kut_runner.process.boot import ExitKind, ProcessExit
from kut_runner.verdict.cause import Cause
from kut_runner.verdict.events import parse
from kut_runner.verdict.guest_output import GuestOutput, collect
from kut_runner.verdict.judge import judge
from kut_runner.verdict.lines import split
from kut_runner.verdict.result import Verdict, exit_code
from kut_runner.verdict.status import Status

PASSED = b"PASS: a\nSUMMARY: 1 tests\n\nEXIT: STATUS=1\n"
FAILED = b"FAIL: a\nSUMMARY: 1 tests, 1 unexpected failures\n\nEXIT: STATUS=3\n"


def said(log: bytes) -> GuestOutput:
    return collect(parse(split([log])))


def verdict(
    log: bytes, how: ExitKind, code: int = 0, stderr: str = "", missing: int = 0
) -> Verdict:
    return judge(said(log), ProcessExit(how, code, 1.5, stderr, missing))


@pytest.mark.parametrize(
    ("log", "how", "code", "stderr", "expected"),
    [
        (
            b"",
            ExitKind.NOT_STARTED,
            0,
            "no such file",
            Verdict(
                Status.ERROR,
                "QEMU could not be started: no such file",
                ExitCode.INFRASTRUCTURE,
                Cause.NOT_STARTED,
            ),
        ),
        (
            PASSED,
            ExitKind.INTERRUPTED,
            0,
            "",
            Verdict(
                Status.ERROR, "interrupted after 1.50 s", ExitCode.INTERRUPTED, Cause.INTERRUPTED
            ),
        ),
        (
            PASSED,
            ExitKind.KILLED,
            signal.SIGABRT,
            "ERROR:x.c:1: assertion failed\nBail out!",
            Verdict(
                Status.ERROR,
                "QEMU crashed: SIGABRT: ERROR:x.c:1: assertion failed / Bail out!",
                ExitCode.INFRASTRUCTURE,
                Cause.KILLED,
            ),
        ),
        (
            b"",
            ExitKind.EXITED,
            1,
            "unsupported machine type\x1b",
            Verdict(
                Status.ERROR,
                "QEMU refused: unsupported machine type\\x1b",
                ExitCode.MACHINE_REFUSED,
                Cause.REFUSED,
            ),
        ),
        (
            b"",
            ExitKind.EXITED,
            1,
            "cannot set up guest memory 'mach-virt.ram': Cannot allocate memory",
            Verdict(
                Status.ERROR,
                "QEMU failed with exit status 1:"
                " cannot set up guest memory 'mach-virt.ram': Cannot allocate memory",
                ExitCode.INFRASTRUCTURE,
                Cause.NO_MEMORY,
            ),
        ),
        (
            b"PASS: a\n",
            ExitKind.EXITED,
            1,
            "device broke",
            Verdict(
                Status.ERROR,
                "QEMU failed with exit status 1: device broke",
                ExitCode.INFRASTRUCTURE,
                Cause.PROGRAM_FAILED,
            ),
        ),
        (
            PASSED,
            ExitKind.EXITED,
            2,
            "",
            Verdict(
                Status.ERROR,
                "QEMU failed with exit status 2",
                ExitCode.INFRASTRUCTURE,
                Cause.PROGRAM_FAILED,
            ),
        ),
        (PASSED, ExitKind.EXITED, 1, "", Verdict(Status.PASS, "", ExitCode.OK, Cause.PASSED)),
        (
            FAILED,
            ExitKind.EXITED,
            3,
            "",
            Verdict(Status.FAIL, "1 of 1 check failed", ExitCode.TESTS_FAILED, Cause.CHECKS_FAILED),
        ),
        (
            PASSED,
            ExitKind.TIMED_OUT,
            0,
            "",
            Verdict(
                Status.TIMEOUT,
                "no verdict after 1.5 s; last words: EXIT: STATUS=1",
                ExitCode.TESTS_FAILED,
                Cause.TIMEOUT,
            ),
        ),
        (
            PASSED,
            ExitKind.LINGERED,
            0,
            "",
            Verdict(
                Status.TIMEOUT,
                "no power-off within 2 s after EXIT: STATUS=1",
                ExitCode.TESTS_FAILED,
                Cause.NO_POWER_OFF,
            ),
        ),
        (
            FAILED,
            ExitKind.LINGERED,
            0,
            "",
            Verdict(Status.FAIL, "1 of 1 check failed", ExitCode.TESTS_FAILED, Cause.CHECKS_FAILED),
        ),
    ],
)
def test_how_qemu_ended(
    log: bytes, how: ExitKind, code: int, stderr: str, expected: Verdict
) -> None:
    assert verdict(log, how, code, stderr) == expected


lines = st.sampled_from(
    [
        *("PASS: a", "FAIL: b", "XPASS: c", "SKIP: d", "KFAIL: e", "noise", ""),
        *("SUMMARY: 1 tests", "SUMMARY: 2 tests, 1 skipped", "SUMMARY: 3 tests, 1 known failures"),
        *("SUMMARY: 1 tests, 1 unexpected failures", "SUMMARY: 0 tests"),
        *("EXIT: STATUS=1", "EXIT: STATUS=3", "EXIT: STATUS=77", "EXIT: STATUS=127"),
    ]
)


@given(st.lists(lines, max_size=7), st.sampled_from(ExitKind), st.sampled_from([0, 1, 3, 77]))
@settings(max_examples=1000)
def test_only_a_whole_and_consistent_story_is_a_pass(
    story: list[str], how: ExitKind, code: int
) -> None:
    found = verdict("".join(f"{line}\n" for line in story).encode(), how, code)
    spoken = [line for line in story if line]
    if found.status in (Status.PASS, Status.SKIP):
        assert how is ExitKind.EXITED
        assert spoken[-1] in ("EXIT: STATUS=1", "EXIT: STATUS=77")
        assert any(line.startswith("SUMMARY: ") for line in spoken)
        assert not {"FAIL: b", "XPASS: c"} & set(spoken)
    assert bool(found.reason) is (found.status is not Status.PASS)
    assert (found.exit_code is ExitCode.OK) is (found.status is Status.PASS)


@pytest.mark.parametrize(
    ("log", "status"),
    [
        (
            b"PASS: a\n[500 bytes left out]\nSUMMARY: 90 tests, 3 skipped\n\nEXIT: STATUS=1\n",
            "pass",
        ),
        (b"FAIL: a\n[500 bytes left out]\nSUMMARY: 90 tests\n\nEXIT: STATUS=1\n", "crash"),
    ],
)
def test_a_flood_may_lack_lines_but_not_contradict_its_summary(log: bytes, status: str) -> None:
    assert verdict(log, ExitKind.EXITED, missing=500).status.value == status
    assert verdict(log, ExitKind.EXITED, missing=0).status is Status.CRASH


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ([], 4),
        ([4, 4], 4),
        ([4, 0], 0),
        ([0, 1, 4], 1),
        ([1, 5, 0], 5),
        ([5, 6, 1], 6),
        ([6, 130, 5], 130),
    ],
)
def test_the_worst_exit_code_is_that_of_the_run(codes: list[int], expected: int) -> None:
    assert exit_code(map(ExitCode, codes)) == expected


def test_every_status_knows_whether_it_is_a_failure() -> None:
    good = {status for status in Status if not status.is_failure}
    assert good == {Status.PASS, Status.FLAKY, Status.SKIP, Status.XFAIL, Status.KFAIL}
    assert all(status.is_failure for status in Status if status.is_unfinished)
