# SPDX-License-Identifier: GPL-2.0-or-later
"""Verdict on a test, from its output and the exit of its process.

`judge` is a pure function. The first row whose condition holds decides:

===  ==========================================================  =======  =======  =================
row  condition                                                   status   code     cause
===  ==========================================================  =======  =======  =================
 1   the program could not be executed                           error    5        not-started
 2   kut was asked to stop                                       error    130      interrupted
 3   a signal that kut did not send ended the program            error    5        killed
 4   the harness failed: a migration,                            error    5        migration-failed
     a test that is to panic, or the lab                                           panic-failed
                                                                                   lab-failed
 5   a request for a migration that makes no sense,              fail     1        migration-misused
     an error of the lab's KVM, or in its kernel's log                             kvm-failed
                                                                                   kernel-log
 6   a check failed, then the guest panicked as it is to         fail     1        checks-failed
 7   the guest panicked, in a test that is to panic              pass     0        panicked
 8   the program rejects the machine, the CPU or an option       error    6        refused
 9   the program reports an error later,                         error    5        program-failed
     or the host has no memory for the machine                                     no-memory
10   the timeout expired                                         timeout  1        timeout
11   a fatal message                                             crash    1        fatal
12   the image printed ABORT                                     fail     1        abort
13   no EXIT line, instead of a panic                            fail     1        no-panic
14   no EXIT line                                                crash    1        no-exit
15   EXIT says "gave up"                                         crash    1        gave-up
16   output after an EXIT that says "passed" or "skipped"        crash    1        output-after-exit
17   no SUMMARY line, unless row 26 allows that                  crash    1        no-summary
18   SUMMARY contradicts the check lines, an earlier SUMMARY     crash    1        summary-mismatch
     or the rows of the conformance suite
19   SUMMARY announces failures                                  fail     1        checks-failed
20   EXIT says neither "passed" nor "skipped"                    fail     1        exit-status
21   a STACK line                                                crash    1        fatal
22   the machine still ran long after the EXIT line              timeout  1        no-power-off
23   EXIT says "passed" without a check, or "skipped" with some  crash    1        exit-contradicts
     or after an exit without a handler that ended a guest
24   every check was skipped, or none was made                   skip     0, or 4  all-skipped
25   the test ended without a migration that it is to make,      fail     1        not-migrated
     or during a continuous one,                                                   migration-misused
     or without the panic that it is to cause                                      no-panic
26   EXIT says "passed" without SUMMARY or check, if allowed     pass     0        passed-unchecked
27   none of the above                                           pass     0        passed
===  ==========================================================  =======  =======  =================

What ended badly once is not a pass, whatever the image prints later. A fatal message (an unhandled
exception, a stack overflow, a failed assertion) or ABORT decides wherever its line is, and of
several the first one. The first EXIT ends the test: checks and a SUMMARY after it do not count, and
any output after an EXIT that confirms a pass is a crash, a second EXIT line too. A STACK line alone
may belong to a failed check (`TEST_EXPECT_EQ` of kvm-unit-tests prints one), but not to a pass.
These lines count only if they begin a line: a message such as "PASS: Unhandled exception: taken"
is a check.

The last SUMMARY before the EXIT counts: a guest may have forged earlier ones. It must announce
exactly as many failed, known, expected and skipped checks as there are lines of each, at least as
many checks as lines, because a passing check may be silent, and no fewer failures than an earlier
SUMMARY, since counts only grow. If the log leaves out the middle of a flood, fewer lines are
enough; the log keeps the lines of the middle that decide (see `capture`). A pass therefore needs a
SUMMARY without failures and an EXIT line that agree with each other and with every check line, no
output after them, and a power-off. A guest that forges all of these and then prints nothing more is
believed.

A `main()` that returns 0 without `report_summary()` is a crash by default (`NoChecks`): it may have
returned before its checks. In kvm-unit-tests it is a pass, and where that is allowed (row 26) it
has a cause of its own. A check line that failed forbids it.

The target defines the meaning of the program's exit status (rows 8 and 9): see `ExitReader`. The
exit code of a run is the first of 130, 6, 5, 2, 1, 0, 4 that one of its tests has: 4 if all tests
were skipped, or without tests.
"""

import re
import signal
from collections import Counter
from typing import TYPE_CHECKING, Final

from kut_runner.definitions.no_checks import NoChecks
from kut_runner.errors import ExitCode
from kut_runner.process.boot import LINGER, ExitKind, ProcessExit
from kut_runner.process.harness import FindingKind
from kut_runner.targets.migration_requests import Request
from kut_runner.targets.protocol import ExitMeaning
from kut_runner.targets.qemu_machine import QemuExits
from kut_runner.text import printable
from kut_runner.verdict.cause import Cause
from kut_runner.verdict.events import Abort, Info, Stack, Summary
from kut_runner.verdict.guest_output import GuestOutput
from kut_runner.verdict.result import Verdict, skipped
from kut_runner.verdict.status import Status

if TYPE_CHECKING:
    from kut_runner.process.harness import Finding
    from kut_runner.targets.protocol import ExitReader
    from kut_runner.verdict.rows import AreaRows

_PASSED: Final = 1
_SKIPPED: Final = 77
_GAVE_UP: Final = (127, 255)
#: Most characters of a line that a reason quotes.
_QUOTE: Final = 120
_QEMU: Final = QemuExits()
#: Lines of `lib/migrate.c` after which a test waits for a key.
_MIGRATION_REQUESTS: Final = tuple(each.value for each in Request if each is not Request.EXIT)
#: INFO text of `lib/arm64/guest-dump.c` about an exit without a handler.
_GUEST_END: Final = re.compile(
    r"(?:.*: )?guest: (?:exit (.+)|(exception at EL1 without handler, .+))"
)


def judge(
    output: GuestOutput,
    process_exit: ProcessExit,
    reader: "ExitReader" = _QEMU,
    no_checks: NoChecks = NoChecks.FAIL,
) -> Verdict:
    """Return the verdict by the table above.

    `reader` interprets the exit status, `no_checks` decides on an image that ends well without a
    SUMMARY line, or without a check.
    """
    verdict = _judge_process(output, process_exit, reader) or _judge_ending(output, process_exit)
    if verdict:
        return verdict
    may_pass = no_checks is NoChecks.PASS and output.exit_status == _PASSED
    summary = output.latest(Summary) or (_summary_of(output) if may_pass else None)
    if not summary:
        return _failed(Status.CRASH, _without_summary(output), Cause.NO_SUMMARY)
    if mismatch := _mismatch(output, summary, is_truncated=process_exit.missing > 0):
        return _failed(Status.CRASH, mismatch, Cause.SUMMARY_MISMATCH)
    return _judge_failures(output, summary) or _judge_summary(
        output, summary, process_exit, may_pass=may_pass
    )


def _judge_process(
    output: GuestOutput, process_exit: ProcessExit, reader: "ExitReader"
) -> Verdict | None:
    """Return the verdict of rows 1 to 10: the process did not end by a power-off."""
    verdict = _judge_loss(process_exit, reader) or _judge_finding(output, process_exit)
    if verdict:
        return verdict
    if process_exit.kind is ExitKind.TIMED_OUT:
        duration = f"{_duration(process_exit)}{_unfinished(process_exit.finding)}"
        reason = f"no verdict after {duration}{_unmigrated(output, process_exit)}"
        reason += _last_if_any(output)
        return _failed(Status.TIMEOUT, reason, Cause.TIMEOUT)
    if process_exit.kind is ExitKind.EXITED:
        return _judge_exit(output, process_exit, reader)
    return None  # LINGERED


def _judge_loss(process_exit: ProcessExit, reader: "ExitReader") -> Verdict | None:
    """Return the verdict of rows 1 to 3: the process was never there, or something ended it."""
    message = _one_line(process_exit.stderr)
    seconds = process_exit.seconds
    match process_exit.kind:
        case ExitKind.NOT_STARTED:
            reason = f"{reader.label} could not be started: {message}"
            return _error(reason, Cause.NOT_STARTED)
        case ExitKind.INTERRUPTED:
            reason = f"interrupted after {seconds:.2f} s"
            return _error(reason, Cause.INTERRUPTED, ExitCode.INTERRUPTED)
        case ExitKind.KILLED:
            crash = f"{reader.label} crashed: {_signal_name(process_exit.code)}"
            return _error(_joined(crash, message), Cause.KILLED)
    return None


def _judge_exit(
    output: GuestOutput, process_exit: ProcessExit, reader: "ExitReader"
) -> Verdict | None:
    """Return the verdict of rows 8 and 9: an exit status other than that of a power-off."""
    message = _one_line(process_exit.stderr)
    has_printed = process_exit.code in output.exit_statuses
    exit_status = process_exit.code if has_printed else output.exit_status
    meaning = reader.meaning(
        process_exit.code,
        stderr=process_exit.stderr,
        has_output=bool(output.last_lines),
        exit_status=exit_status,
    )
    if meaning is ExitMeaning.POWERED_OFF:
        return None
    if meaning is ExitMeaning.REFUSED:
        reason = _joined(f"{reader.label} refused", message)
        return _error(reason, Cause.REFUSED, ExitCode.MACHINE_REFUSED)
    no_memory = meaning is ExitMeaning.NO_MEMORY
    failure = f"{reader.label} failed with exit status {process_exit.code}"
    return _error(_joined(failure, message), Cause.NO_MEMORY if no_memory else Cause.PROGRAM_FAILED)


def _judge_finding(output: GuestOutput, process_exit: ProcessExit) -> Verdict | None:
    """Return the verdict of rows 4 to 7: the harness decides, unless a check failed."""
    finding = process_exit.finding
    if not finding:
        is_given_up = process_exit.kind is ExitKind.GIVEN_UP
        return _error("the harness gave up", Cause.MIGRATION_FAILED) if is_given_up else None
    cause, text = Cause(finding.cause), printable(finding.text)
    match finding.kind:
        case FindingKind.FAILED:
            return _error(text, cause)
        case FindingKind.MISUSED | FindingKind.BROKEN:
            return _failed(Status.FAIL, text, cause)
        case FindingKind.PASSED if output.failed:
            reason = f"{len(output.failed)} of {_checks(len(output.checks))} failed"
            return _failed(Status.FAIL, reason, Cause.CHECKS_FAILED)
        case FindingKind.PASSED:
            return Verdict(Status.PASS, "", ExitCode.OK, cause)
    return None


def _unfinished(finding: "Finding | None") -> str:
    is_unfinished = finding and finding.kind is FindingKind.UNFINISHED
    return f", {printable(finding.text)}" if finding and is_unfinished else ""


def _unmigrated(output: GuestOutput, process_exit: ProcessExit) -> str:
    """Return the advice for a test that waits for a migration and is not defined as such."""
    last = next(reversed(output.last_lines), "")
    has_harness = process_exit.finding or process_exit.moves
    if has_harness or not last.startswith(_MIGRATION_REQUESTS):
        return ""
    return ": it waits for a migration, and its definition has no `migration = true`"


def _duration(process_exit: ProcessExit) -> str:
    """Return the wall time, and the time without a CPU if that is a tenth or more."""
    seconds = f"{process_exit.seconds:.1f} s"
    if process_exit.starved_seconds < process_exit.seconds / 10:
        return seconds
    return f"{seconds}, without a CPU for {process_exit.starved_seconds:.1f} s"


def _judge_ending(output: GuestOutput, process_exit: ProcessExit) -> Verdict | None:
    """Return the verdict of rows 11 to 16: the image did not end with its own verdict."""
    status = output.exit_status
    if message := output.fatal_message:
        return _failed(Status.CRASH, message, Cause.FATAL)
    if abort := output.latest(Abort):
        return _failed(Status.FAIL, abort.line, Cause.ABORT)
    if status is None:
        return _judge_no_exit(output, process_exit.finding)
    if status in _GAVE_UP:
        last = _last_if_any(output, f"EXIT: STATUS={status}")
        return _failed(Status.CRASH, f"the image gave up{last}", Cause.GAVE_UP)
    if output.after_exit and status in (_PASSED, _SKIPPED):
        reason = f"words after the EXIT line: {_quoted(output.after_exit)}"
        return _failed(Status.CRASH, reason, Cause.OUTPUT_AFTER_EXIT)
    return None


def _judge_no_exit(output: GuestOutput, finding: "Finding | None") -> Verdict:
    """Return the verdict of rows 13 and 14: a power-off without an EXIT line."""
    if finding and finding.kind is FindingKind.UNMET_END:
        reason = f"{printable(finding.text)}{last_line(output)}"
        return _failed(Status.FAIL, reason, Cause(finding.cause))
    reason = f"power-off without an EXIT line{last_line(output)}"
    return _failed(Status.CRASH, reason, Cause.NO_EXIT)


def _summary_of(output: GuestOutput) -> Summary | None:
    """Return the SUMMARY that the check lines would have; None if one of them failed."""
    seen = Counter(check.status for check in output.checks)
    if output.failed:
        return None
    kinds = (seen[status] for status in (Status.KFAIL, Status.XFAIL, Status.SKIP))
    return Summary("", len(output.checks), 0, *kinds)


def _without_summary(output: GuestOutput) -> str:
    reason = f"no SUMMARY line before EXIT: STATUS={output.exit_status}"
    if output.exit_status != _PASSED or output.failed:
        return reason
    return f"{reason}: end main() with `return report_summary()`, or use --no-checks=pass"


def _mismatch(output: GuestOutput, summary: Summary, *, is_truncated: bool) -> str:
    """Return the contradiction of SUMMARY to other lines, "" without one.

    A truncated log may have fewer check lines than SUMMARY announces.
    """
    if output.most_unexpected > summary.unexpected:
        return (
            f"SUMMARY announces {_failures(summary.unexpected)},"
            f" but an earlier one {_failures(output.most_unexpected)}"
        )
    seen = Counter(check.status for check in output.checks)
    rows = output.rows
    skipped, passed = (rows.skipped, rows.passed) if rows else (0, 0)
    kinds = (
        ("failed", seen[Status.FAIL] + seen[Status.XPASS], summary.unexpected),
        ("known to fail", seen[Status.KFAIL], summary.known),
        ("expected to fail", seen[Status.XFAIL], summary.expected),
        ("skipped", seen[Status.SKIP] + skipped, summary.skipped),
    )
    for kind, lines, announced in kinds:
        if lines > announced or (lines < announced and not is_truncated):
            return f"{_checks(lines)} {kind}, but SUMMARY announces {announced}"
    needed = sum(announced for _, _, announced in kinds) + seen[Status.PASS] + passed
    if needed > summary.tests:
        return f"{_checks(needed)} made, but SUMMARY announces {summary.tests}"
    return _rows_mismatch(rows, len(output.failed)) if rows else ""


def _rows_mismatch(rows: "AreaRows", failed: int) -> str:
    """Return the contradiction of lines about rows to each other or to failed checks, else ""."""
    if rows.problem or rows.failed == failed:
        return rows.problem
    return f"{_checks(failed)} failed, but ROWS lines have {rows.failed} failed rows"


def _judge_failures(output: GuestOutput, summary: Summary) -> Verdict | None:
    """Return the verdict of rows 19 to 21: the image ended with a failure."""
    status = output.exit_status
    if summary.unexpected:
        reason = f"{summary.unexpected} of {_checks(summary.tests)} failed"
        return _failed(Status.FAIL, reason, Cause.CHECKS_FAILED)
    if status not in (_PASSED, _SKIPPED):
        reason = f"EXIT: STATUS={status}, although no check failed"
        return _failed(Status.FAIL, reason, Cause.EXIT_STATUS)
    if stack := output.latest(Stack):
        reason = f"a stack was printed, although no check failed: {_quoted(stack.line.strip())}"
        return _failed(Status.CRASH, reason, Cause.FATAL)
    return None


def _judge_summary(
    output: GuestOutput, summary: Summary, process_exit: ProcessExit, *, may_pass: bool
) -> Verdict:
    """Return the verdict of rows 22 to 27: the image confirmed that no check failed."""
    status = output.exit_status
    if process_exit.kind is ExitKind.LINGERED:
        seconds = LINGER * process_exit.slowness
        reason = f"no power-off within {seconds:.0f} s after EXIT: STATUS={status}"
        return _failed(Status.TIMEOUT, reason, Cause.NO_POWER_OFF)
    unchecked = _unchecked(output, summary) if may_pass else ""
    if not unchecked and (contradiction := _contradiction(output, summary)):
        return _failed(Status.CRASH, contradiction, Cause.EXIT_CONTRADICTS)
    return _judge_checks(output, summary, process_exit, unchecked)


def _judge_checks(
    output: GuestOutput, summary: Summary, process_exit: ProcessExit, unchecked: str
) -> Verdict:
    """Return the verdict of rows 24 to 27: all checks agree.

    `unchecked` is the reason of a pass without a SUMMARY line or a check; "" for any other.
    """
    if summary.skipped == summary.tests and not unchecked:
        return skipped(_skip_reason(output), Cause.ALL_SKIPPED)
    if finding := process_exit.finding:
        return _failed(Status.FAIL, printable(finding.text), Cause(finding.cause))
    cause = Cause.PASSED_UNCHECKED if unchecked else Cause.PASSED
    return Verdict(Status.PASS, unchecked, ExitCode.OK, cause)


def _unchecked(output: GuestOutput, summary: Summary) -> str:
    """Return what is missing for an ordinary pass, "" if nothing is, or if all was skipped."""
    has_summary = output.latest(Summary) is not None
    if summary.tests and (has_summary or summary.skipped == summary.tests):
        return ""
    made = _checks(summary.tests) if summary.tests else "no check"
    return f"passed with {made} and {'an empty' if has_summary else 'no'} SUMMARY line"


def _contradiction(output: GuestOutput, summary: Summary) -> str:
    status = output.exit_status
    if status == _SKIPPED and summary.skipped < summary.tests:
        return "EXIT says that all was skipped, but checks were made"
    if status == _SKIPPED and not summary.tests and (end := _ended_guest(output)):
        return f"no check was made, and an exit without a handler ended a guest: {end}"
    if status == _PASSED and not summary.tests:
        return "EXIT says that all passed, but no check was made"
    return ""


def _skip_reason(output: GuestOutput) -> str:
    reasons = [check.text for check in output.checks if check.status is Status.SKIP]
    reasons += [str(reason) for reason in output.rows.reasons] if output.rows else ()
    if len(reasons) > 1:
        return f"{_quoted(reasons[0])} (and {len(reasons) - 1} more)"
    return reasons[0] if reasons else "no check was made"


def _ended_guest(output: GuestOutput) -> str:
    """Return the last exit without a handler, which ended a guest; "" for none."""
    texts = [info.text for info in output.checks_and_infos if isinstance(info, Info)]
    ends = [found[1] or found[2] for text in texts if (found := _GUEST_END.fullmatch(text))]
    return _quoted(ends[-1]) if ends else ""


def _error(reason: str, cause: Cause, code: ExitCode = ExitCode.INFRASTRUCTURE) -> Verdict:
    return Verdict(Status.ERROR, reason, code, cause)


def _failed(status: Status, reason: str, cause: Cause) -> Verdict:
    return Verdict(status, reason, ExitCode.TESTS_FAILED, cause)


def _one_line(stderr: str) -> str:
    return printable(" / ".join(stderr.splitlines()))


def _joined(text: str, message: str) -> str:
    return f"{text}: {message}" if message else text


def last_line(output: GuestOutput) -> str:
    """Return the end of a sentence: the last line of the output, or that there is no output."""
    return _last_if_any(output) or ", without any output"


def _last_if_any(output: GuestOutput, excluded: str = "") -> str:
    """Return the end of a sentence: the last line other than `excluded`, "" without one."""
    lines = [line.strip() for line in output.last_lines if line != excluded]
    return f"; last words: {_quoted(lines[-1])}" if lines else ""


def _quoted(line: str) -> str:
    return line if len(line) <= _QUOTE else line[: _QUOTE - 3] + "..."


def _checks(count: int) -> str:
    return f"{count} check{'' if count == 1 else 's'}"


def _failures(count: int) -> str:
    return f"{count} unexpected failure{'' if count == 1 else 's'}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
