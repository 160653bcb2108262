# SPDX-License-Identifier: GPL-2.0-or-later
"""Events, and how QEMU ended, become a verdict; verdicts become an exit code.

`judge` is pure. The first row that holds decides:

===  ==================================================================  ========  =========
row  what is known                                                       status    exit code
===  ==================================================================  ========  =========
 1   QEMU could not be executed                                          error     5
 2   kut was told to stop                                                error     130
 3   a signal that kut did not send ended QEMU                           error     5
 4   QEMU reported an error before the guest said anything: it refuses   error     6
     the machine, the CPU or an option, not for want of memory
 5   QEMU reported an error later, or cannot get its memory              error     5
 6   the time was up                                                     timeout   1
 7   there is no EXIT line                                               crash     1
 8   there are words after the last EXIT line                            crash     1
 9   EXIT says "gave up", and the image said ABORT                       fail      1
10   EXIT says "gave up": an unhandled exception, a failed assertion     crash     1
11   there is no SUMMARY line                                            crash     1
12   SUMMARY does not fit the check lines                                crash     1
13   SUMMARY announces failures                                          fail      1
14   EXIT says neither "passed" nor "skipped"                            fail      1
15   QEMU still ran long after the EXIT line                             timeout   1
16   no check was made and EXIT says "passed", or some were made and     crash     1
     EXIT says "skipped"
17   every check was skipped, or none was made and EXIT says "skipped"   skip      0, or 4
18   nothing of the above                                                pass      0
===  ==================================================================  ========  =========

Only the last SUMMARY and the last EXIT count: earlier ones were forged by the guest. SUMMARY fits
when it announces as many failed, known, expected and skipped checks as there are lines of each,
and at least as many checks as lines: a check that passes may be silent. Of a flood, whose middle
the log leaves out, fewer lines are enough. So a pass needs a SUMMARY without failures and an
EXIT line that agree with each other and with every check line, as the last words, and then the
power-off. A guest that forges all of these, and then never says anything again, is believed.

QEMU's exit status is an error unless it is 0 or the number in the EXIT line, which QEMU's testdev
makes its own. A run with several exit codes among its tests ends with the first of
130, 6, 5, 1, 0, 4: 4 is left when all tests were skipped, or there was none.
"""

import re
import signal
from collections import Counter, deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypeVar

from kut_runner.errors import ExitCode
from kut_runner.process.boot import LINGER, ExitKind, ProcessExit
from kut_runner.verdict.events import (
    Abort,
    Check,
    Event,
    Exit,
    Fatal,
    Info,
    Output,
    Summary,
    Syndrome,
)
from kut_runner.verdict.lines import printable
from kut_runner.verdict.status import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kut_runner.verdict.diagnosis import Diagnosis

AnyEvent = TypeVar("AnyEvent", bound=Event)

#: QEMU's words where the machine under it has too little memory.
_NO_MEMORY: Final = re.compile("annot set up guest memory|annot allocate memory")
_PASSED: Final = 1
_SKIPPED: Final = 77
_GAVE_UP: Final = (127, 255)
#: Lines kept of the end of the output: more than a dump of all registers has.
_LAST_LINES: Final = 40
#: Characters of a line that are quoted in a reason.
_QUOTE: Final = 120
_PRECEDENCE: Final = (
    ExitCode.INTERRUPTED,
    ExitCode.MACHINE_REFUSED,
    ExitCode.INFRASTRUCTURE,
    ExitCode.TESTS_FAILED,
    ExitCode.OK,
)


@dataclass(frozen=True, slots=True)
class GuestOutput:
    """What the image said, in the large."""

    checks: tuple[Check, ...] = ()
    last: "Mapping[type[Event], Event]" = field(default_factory=dict)
    """The last event of each kind."""
    told: tuple[Check | Info, ...] = ()
    """The checks and what was said about them, in order."""
    after_exit: str = ""
    """The first words after the last EXIT line."""
    last_lines: tuple[str, ...] = ()
    """The end of the output, whatever its kind, without blank lines."""

    def latest(self, kind: "type[AnyEvent]") -> "AnyEvent | None":
        """Return the last event of a kind."""
        event = self.last.get(kind)
        return event if isinstance(event, kind) else None

    @property
    def exit_status(self) -> int | None:
        """The number in the last EXIT line."""
        event = self.latest(Exit)
        return event.status if event else None

    @property
    def fatal_message(self) -> str:
        """The library's words for what killed the guest, "" when it has not said any."""
        died, syndrome = self.latest(Fatal), self.latest(Syndrome)
        if died and syndrome:
            return f"{died.line}: {syndrome.words}"
        return died.line if died else ""

    @property
    def counted(self) -> int:
        """Number of checks made, silent ones included."""
        summary = self.latest(Summary)
        return max(summary.tests if summary else 0, len(self.checks))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a test, and what that means for the exit code of the run."""

    status: Status
    reason: str
    """In words; empty for a pass only."""
    exit_code: ExitCode


@dataclass(frozen=True, slots=True)
class TestResult:
    """All that is known about one test after it ran, or why it did not run."""

    __test__ = False  # not a class for pytest to collect

    name: str
    verdict: Verdict
    output: GuestOutput = GuestOutput()
    process_exit: ProcessExit | None = None
    """None when the test was not started."""
    command: tuple[str, ...] = ()
    """QEMU's argument vector: paste it to run the test again."""
    qemu_version: str = ""
    log: str = ""
    """Path of the serial line's raw bytes."""
    build_id: str = ""
    diagnosis: "Diagnosis | None" = None
    """What went wrong, in words; None when nothing did, or nothing more is known."""
    attempt: int = 1
    """Which QEMU of this test in the run it was, from 1."""
    earlier: tuple["TestResult", ...] = ()
    """The failures after which the test was tried again, oldest first."""

    @property
    def status(self) -> Status:
        """The verdict's status."""
        return self.verdict.status

    @property
    def seconds(self) -> float:
        """Wall time of QEMU, from start to end."""
        return self.process_exit.seconds if self.process_exit else 0.0


class OutputCollector:
    """What events say in the large, heard a part at a time."""

    def __init__(self) -> None:
        """Start without having heard anything."""
        self._told: list[Check | Info] = []
        self._last: dict[type[Event], Event] = {}
        self._lines: deque[str] = deque(maxlen=_LAST_LINES)
        self._after_exit = ""

    def feed(self, events: "Iterable[Event]") -> None:
        """Take in the events that come next."""
        last, keep_line = self._last, self._lines.append
        for event in events:
            kind = type(event)
            last[kind] = event
            if kind is not Output and isinstance(event, Check | Info):
                self._told.append(event)
            line = event.line
            if line and not line.isspace():
                keep_line(line)
                if kind is Exit:
                    self._after_exit = ""
                elif not self._after_exit:
                    self._after_exit = line.strip()

    def output(self) -> GuestOutput:
        """Return what was said so far."""
        return GuestOutput(
            checks=tuple(event for event in self._told if isinstance(event, Check)),
            last=dict(self._last),
            told=tuple(self._told),
            after_exit=self._after_exit if Exit in self._last else "",
            last_lines=tuple(self._lines),
        )


def collect(events: "Iterable[Event]") -> GuestOutput:
    """Return what `events` say in the large."""
    listener = OutputCollector()
    listener.feed(events)
    return listener.output()


def judge(output: GuestOutput, process_exit: ProcessExit) -> Verdict:
    """Return the verdict by the table above."""
    if verdict := _judge_process(output, process_exit) or _judge_ending(output):
        return verdict
    if not (summary := output.latest(Summary)):
        return _failed(Status.CRASH, f"no SUMMARY line before EXIT: STATUS={output.exit_status}")
    if misfit := _misfit(output, summary, is_cut=process_exit.missing > 0):
        return _failed(Status.CRASH, misfit)
    return _judge_summary(output, summary, process_exit)


def after(earlier: tuple[TestResult, ...], result: TestResult) -> TestResult:
    """Return the result of a test that failed `earlier`: what passes then is flaky."""
    if not earlier:
        return result
    verdict = result.verdict
    if verdict.status is Status.PASS:
        before = "; ".join(f"{each.status.value}: {each.verdict.reason}" for each in earlier)
        reason = f"passed at attempt {len(earlier) + 1}, after {before}"
        verdict = Verdict(Status.FLAKY, reason, verdict.exit_code)
    return replace(result, verdict=verdict, earlier=earlier)


def exit_code(codes: "Iterable[ExitCode]") -> ExitCode:
    """Return the exit code of a run whose tests stand for `codes`."""
    seen = set(codes)
    return next((code for code in _PRECEDENCE if code in seen), ExitCode.NOTHING_RAN)


def skipped(reason: str) -> Verdict:
    """Return the verdict of a test that cannot run here."""
    return Verdict(Status.SKIP, reason, ExitCode.NOTHING_RAN)


def _judge_process(  # noqa: PLR0911 - a return per row of the table
    output: GuestOutput, process_exit: ProcessExit
) -> Verdict | None:
    """Rows 1 to 6: the process did not end as a power-off ends it."""
    words = printable(" / ".join(process_exit.stderr.splitlines()))
    if process_exit.kind is ExitKind.NOT_STARTED:
        return _error(f"QEMU could not be started: {words}")
    if process_exit.kind is ExitKind.INTERRUPTED:
        return _error(f"interrupted after {process_exit.seconds:.2f} s", ExitCode.INTERRUPTED)
    if process_exit.kind is ExitKind.KILLED:
        return _error(_joined(f"QEMU crashed: {_signal_name(process_exit.code)}", words))
    if process_exit.kind is ExitKind.TIMED_OUT:
        return _failed(
            Status.TIMEOUT, f"no verdict after {_duration(process_exit)}{_last_words(output)}"
        )
    if process_exit.kind is ExitKind.LINGERED or process_exit.code in (0, output.exit_status):
        return None
    if (
        not output.last_lines
        and process_exit.code == 1
        and not _NO_MEMORY.search(process_exit.stderr)
    ):
        return _error(f"QEMU refused: {words}", ExitCode.MACHINE_REFUSED)
    return _error(_joined(f"QEMU failed with exit status {process_exit.code}", words))


def _duration(process_exit: ProcessExit) -> str:
    """Return the wall time, and what of it QEMU could not use if that is much."""
    words = f"{process_exit.seconds:.1f} s"
    if process_exit.starved_seconds < process_exit.seconds / 10:
        return words
    return f"{words}, without a CPU for {process_exit.starved_seconds:.1f} s"


def _judge_ending(output: GuestOutput) -> Verdict | None:
    """Rows 7 to 11: the image did not end with a verdict of its own."""
    if output.exit_status is None:
        words = _last_words(output) or ", without a word"
        return _failed(
            Status.CRASH, output.fatal_message or f"power-off without an EXIT line{words}"
        )
    if output.after_exit:
        return _failed(Status.CRASH, f"words after the EXIT line: {_quoted(output.after_exit)}")
    if output.exit_status in _GAVE_UP:
        if abort := output.latest(Abort):
            return _failed(Status.FAIL, abort.line)
        words = _last_words(output, f"EXIT: STATUS={output.exit_status}")
        return _failed(Status.CRASH, output.fatal_message or f"the image gave up{words}")
    return None


def _misfit(output: GuestOutput, summary: Summary, *, is_cut: bool) -> str:
    """Return how SUMMARY and the check lines disagree; a log that `is_cut` lacks lines."""
    seen = Counter(check.status for check in output.checks)
    kinds = (
        ("failed", seen[Status.FAIL] + seen[Status.XPASS], summary.unexpected),
        ("known to fail", seen[Status.KFAIL], summary.known),
        ("expected to fail", seen[Status.XFAIL], summary.expected),
        ("skipped", seen[Status.SKIP], summary.skipped),
    )
    for kind, lines, announced in kinds:
        if lines > announced or (lines < announced and not is_cut):
            return f"{_checks(lines)} {kind}, but SUMMARY announces {announced}"
    needed = sum(announced for _, _, announced in kinds) + seen[Status.PASS]
    if needed > summary.tests:
        return f"{_checks(needed)} made, but SUMMARY announces {summary.tests}"
    return ""


def _judge_summary(  # noqa: PLR0911 - a return per row of the table
    output: GuestOutput, summary: Summary, process_exit: ProcessExit
) -> Verdict:
    """Rows 13 to 18: the image gave a verdict of its own, and it is in order."""
    status = output.exit_status
    if summary.unexpected:
        return _failed(Status.FAIL, f"{summary.unexpected} of {_checks(summary.tests)} failed")
    if status not in (_PASSED, _SKIPPED):
        return _failed(Status.FAIL, f"EXIT: STATUS={status}, although no check failed")
    if process_exit.kind is ExitKind.LINGERED:
        words = f"no power-off within {LINGER:.0f} s after EXIT: STATUS={status}"
        return _failed(Status.TIMEOUT, words)
    if status == _SKIPPED and summary.skipped < summary.tests:
        return _failed(Status.CRASH, "EXIT says that all was skipped, but checks were made")
    if status == _PASSED and not summary.tests:
        return _failed(Status.CRASH, "EXIT says that all passed, but no check was made")
    if summary.skipped == summary.tests:
        return skipped(_skip_reason(output))
    return Verdict(Status.PASS, "", ExitCode.OK)


def _skip_reason(output: GuestOutput) -> str:
    reasons = [check.text for check in output.checks if check.status is Status.SKIP]
    if len(reasons) > 1:
        return f"{_quoted(reasons[0])} (and {len(reasons) - 1} more)"
    return reasons[0] if reasons else "no check was made"


def _error(reason: str, code: ExitCode = ExitCode.INFRASTRUCTURE) -> Verdict:
    return Verdict(Status.ERROR, reason, code)


def _failed(status: Status, reason: str) -> Verdict:
    return Verdict(status, reason, ExitCode.TESTS_FAILED)


def _joined(what: str, words: str) -> str:
    return f"{what}: {words}" if words else what


def _last_words(output: GuestOutput, but: str = "") -> str:
    """Return the last line said, other than `but`, as the end of a sentence."""
    words = [line.strip() for line in output.last_lines if line != but]
    return f"; last words: {_quoted(words[-1])}" if words else ""


def _quoted(line: str) -> str:
    return line if len(line) <= _QUOTE else line[: _QUOTE - 3] + "..."


def _checks(count: int) -> str:
    return f"{count} check{'' if count == 1 else 's'}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
