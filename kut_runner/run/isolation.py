# SPDX-License-Identifier: GPL-2.0-or-later
"""Isolation of rows of the conformance suite: a machine that dies or hangs costs one row.

An image reports rows in blocks, so the row at which its machine died is not known at once. The
machine is started again from the first row without a verdict, and names each row before it runs
(`trace=N`). The row that it names last is a crash, and another machine goes on after it, tracing
too, as such rows are often neighbours. Where nothing dies there is one machine, as for any test.

The boots of a test become one output and one verdict here; the functions are pure.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from kut_runner.errors import ExitCode
from kut_runner.process.boot import ExitKind, ProcessExit
from kut_runner.run.boots import Boot
from kut_runner.verdict.cause import Cause
from kut_runner.verdict.events import Check, Event, Info, Summary
from kut_runner.verdict.guest_output import GuestOutput
from kut_runner.verdict.result import Verdict
from kut_runner.verdict.rows import CRASH, NONE, SKIP, AreaRows, Reason, coded, summary_event
from kut_runner.verdict.status import Status

if TYPE_CHECKING:
    from kut_runner.verdict.row_list import RowList

#: Most rows of a test at which the machine may die, and at which it may hang.
MOST_CRASHES: Final = 500
MOST_HANGS: Final = 20
#: Rows that a machine traces: those of a block, so that the row that killed the last one is among
#: them.
_TRACED: Final = 1000
#: Seconds of CPU time without output after which a row hangs: a block takes 0.1 s.
STALL: Final = 2.0


def arguments(boots: Sequence[Boot]) -> str:
    """Return the arguments of the image that another machine is to have, "" if none is needed."""
    last = boots[-1]
    rows = last.output.rows
    if not rows or not last.has_died or _is_hopeless(boots):
        return ""
    first = _first_unreported(boots)
    if len(boots) > 1 and first == _first_unreported(boots[:-1]):
        return ""  # it died again, and at no row
    return f"start={first} trace={_TRACED}" if first < rows.count else ""


def merged(boots: Sequence[Boot]) -> GuestOutput:
    """Return the output of all machines of a test as that of one."""
    last = boots[-1].output
    if len(boots) == 1 or not last.rows:
        return last
    rows = _merged_rows(boots)
    checks = dict[str, Check | Info]()
    for boot in boots:
        checks |= {event.line: event for event in boot.output.checks_and_infos}
        if (row := boot.crashed_row) is not None:
            line = f"CRASH: {rows.area}: {rows.name(row)}: {_reason(boot)}"
            checks[line] = Check(line, Status.CRASH)
    kept = tuple(checks.values())
    ends: dict[type[Event], Event] = {**last.last, Summary: summary_event(rows)}
    return replace(
        last,
        checks=tuple(event for event in kept if isinstance(event, Check)),
        checks_and_infos=kept,
        last=ends,
        rows=rows,
    )


def verdict(boots: Sequence[Boot], rows: AreaRows) -> Verdict:
    """Return the verdict on a test with several machines, whose rows are `rows`."""
    last = boots[-1]
    if last.verdict.status.is_unfinished and last.crashed_row is None:
        return last.verdict
    if arguments(boots):  # nobody has started the machine that is needed
        reason = f"interrupted after {len(boots)} machines"
        return Verdict(Status.ERROR, reason, ExitCode.INTERRUPTED, Cause.INTERRUPTED)
    if _is_hopeless(boots):
        reason = f"the machine died at {_crashes(boots)} rows, and the rows after them did not run"
        return Verdict(Status.CRASH, reason, ExitCode.TESTS_FAILED, Cause.ROWS_CRASHED)
    if lone := next(_deaths_without_row(boots), None):
        reason = f"{_reason(lone)}; traced, it did not happen again"
        return replace(lone.verdict, reason=reason)
    reason = f"{rows.failed} of {rows.count} rows failed"
    return Verdict(Status.FAIL, reason, ExitCode.TESTS_FAILED, Cause.ROWS_CRASHED)


def whole_exit(boots: Sequence[Boot]) -> ProcessExit:
    """Return the exit of the last machine, with the times of all."""
    ends = [boot.process_exit for boot in boots]
    return replace(
        ends[-1],
        seconds=sum(end.seconds for end in ends),
        cpu_seconds=sum(end.cpu_seconds for end in ends),
        starved_seconds=sum(end.starved_seconds for end in ends),
    )


def with_list(boots: Sequence[Boot], row_list: "RowList") -> list[Boot]:
    """Return the machines with the ids of their rows, which are those of the list."""
    return [
        replace(boot, output=replace(boot.output, rows=row_list.named(boot.output.rows)))
        if boot.output.rows
        else boot
        for boot in boots
    ]


def _renumbered(code: str, boot: Boot, reasons: dict[Reason, int]) -> str:
    """Return a code with the number that its reason has among `reasons`, which may grow."""
    if code[0] != SKIP or not boot.output.rows:
        return code
    reason = boot.output.rows.reason_of(code)
    return f"{SKIP}{reasons.setdefault(reason, len(reasons) + 1)}"


def _reason(boot: Boot) -> str:
    """Return the reason why a machine died."""
    if boot.process_exit.kind is not ExitKind.TIMED_OUT:
        return boot.verdict.reason
    where = f": {boot.diagnosis.headline}" if boot.diagnosis else ""
    seconds = STALL * boot.process_exit.slowness
    return f"no progress for {seconds:g} s of CPU time{where}"


def _is_hopeless(boots: Sequence[Boot]) -> bool:
    """Return whether the machine died or hung too often to go on."""
    hangs = sum(boot.process_exit.kind is ExitKind.TIMED_OUT for boot in boots)
    return _crashes(boots) >= MOST_CRASHES or hangs >= MOST_HANGS


def _crashes(boots: Sequence[Boot]) -> int:
    return sum(boot.crashed_row is not None for boot in boots)


def _deaths_without_row(boots: Sequence[Boot]) -> Iterator[Boot]:
    """Yield the machines that died, when no row of the next machine died, which was to find it."""
    for boot, following in pairwise(boots):
        if boot.has_died and boot.crashed_row is None and following.crashed_row is None:
            yield boot


def _first_unreported(boots: Sequence[Boot]) -> int:
    """Return the row after the last one with a verdict, or a crash, in any machine."""
    return max(map(_end, boots))


def _end(boot: Boot) -> int:
    rows = boot.output.rows
    if not rows:
        return 0
    if (row := boot.crashed_row) is not None:
        return row + 1
    end = rows.count
    for count, code in reversed(rows.runs):
        if code != NONE:
            break
        end -= count
    return end


def _merged_rows(boots: Sequence[Boot]) -> AreaRows:
    """Return the verdicts of all machines; they number their reasons each for itself."""
    first = next(boot.output.rows for boot in boots if boot.output.rows)
    codes = [NONE] * first.count
    reasons = dict[Reason, int]()
    for boot in boots:
        at = 0
        for count, code in boot.output.rows.runs if boot.output.rows else ():
            if code != NONE:
                codes[at : at + count] = [_renumbered(code, boot, reasons)] * count
            at += count
        if (row := boot.crashed_row) is not None:
            codes[row] = CRASH
    return replace(first, runs=coded(codes), reasons=tuple(reasons), traced=None)
