# SPDX-License-Identifier: GPL-2.0-or-later
"""Results on a terminal: a line per test, its failures right below it, and a summary."""

import os
import sys
from collections import Counter
from io import TextIOWrapper
from typing import TYPE_CHECKING, Final, TextIO

from kut_runner.errors import ExitCode
from kut_runner.records.policy import NO_POLICY, Policy
from kut_runner.records.store import shown_log
from kut_runner.records.view import View
from kut_runner.targets.case import attempt_name
from kut_runner.text import decode, inert, printable
from kut_runner.verdict.events import Check
from kut_runner.verdict.lines import MAX_LINE
from kut_runner.verdict.status import Status
from kut_runner.views.board import Board, Plain
from kut_runner.views.display import DisplayOptions, coloured, padded, width
from kut_runner.views.tty import takes_board, takes_colour

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kut_runner.records.run_record import Run
    from kut_runner.verdict.guest_output import GuestOutput
    from kut_runner.verdict.result import TestResult

#: Maximum number of failed checks shown per test; the log and the JSON have all.
_MOST_CHECKS: Final = 20
#: Maximum number of last lines of output shown, except for the dump of a crashed guest.
_MOST_LINES: Final = 10
#: Seconds after which a slow test is reported when there is no board.
_LONG: Final = 5.0
_INDENT: Final = " " * 9
_CR: Final = b"\r"
_PLAIN_DISPLAY: Final = DisplayOptions()

_NOTABLE: Final = (Status.SKIP, Status.XFAIL, Status.KFAIL)


class Terminal(View):
    """View that prints lines; on a terminal also with colour and a board of running tests."""

    def __init__(
        self,
        display: DisplayOptions = _PLAIN_DISPLAY,
        *,
        rounds: int | None = 1,
        policy: Policy = NO_POLICY,
        stream: TextIO | None = None,
        environment: "Mapping[str, str] | None" = None,
    ) -> None:
        """Write to `stream`, by default stdout.

        Each test runs `rounds` times, None when the number is not known; the summary tells the
        effect of `policy`.
        """
        stream = stream or sys.stdout
        environment = os.environ if environment is None else environment
        if isinstance(stream, TextIOWrapper):  # a character missing in the locale is no error
            stream.reconfigure(errors="backslashreplace")
        self._display = display
        self._rounds = rounds
        self._policy = policy
        is_console = display.lava  # which a program reads
        self._is_coloured = not is_console and takes_colour(stream, environment)
        self._has_board = not is_console and takes_board(stream, environment)
        self._out = (
            Board(stream, is_coloured=self._is_coloured) if self._has_board else Plain(stream)
        )
        self._partial_lines: dict[str, bytes] = {}
        self._width = 0

    def on_start(self, cases: "Sequence[str]") -> None:
        """Take the width of the names."""
        self._width = max(map(width, cases), default=0)
        self._out.start(None if self._rounds is None else len(cases) * self._rounds)

    def on_begin(self, case: str, attempt: int) -> None:
        """Add the test to the board."""
        self._out.begin(attempt_name(case, attempt))

    def on_slow(self, case: str, attempt: int, seconds: float) -> None:
        """Mark the test on the board; without a board, print that it still runs."""
        self._out.mark_slow(attempt_name(case, attempt))
        if not self._has_board and self._display.verbosity >= 0 and seconds >= _LONG:
            label = padded(attempt_name(case, attempt), self._width)
            self._write(f"SLOW     {label} {seconds:6.2f} s  still running")

    @property
    def wants_output(self) -> bool:
        """Whether to show the serial lines live."""
        return self._display.verbosity > 1

    def on_output(self, case: str, attempt: int, data: bytes) -> None:
        """Print the completed lines, each after the name of its test."""
        label = attempt_name(case, attempt)
        *complete, rest = (self._partial_lines.pop(label, b"") + data).split(b"\n")
        if len(rest) > MAX_LINE:
            complete, rest = [*complete, rest], b""
        self._partial_lines[label] = rest
        if complete:
            self._write(*(f"{label}| {decode(line.rstrip(_CR))}" for line in complete))

    def on_stop(self, stops: int, running: int) -> None:
        """Print the effect of a request to stop, and that of another one."""
        if not running:
            return
        tests = _tests(running)
        if stops == 1:
            message = f"interrupted: stopping {tests}, then reporting; interrupt again to kill"
        else:
            message = f"interrupted again: killing {tests}"
        self._write(message, is_urgent=True)

    def on_retry(self, result: "TestResult") -> None:
        """Remove the attempt from the board; if verbose, print its outcome."""
        label = attempt_name(result.id, result.attempt)
        self._out.end(label, None)
        self._flush_output(label)
        if self._display.verbosity > 0:
            self._write(f"RETRY    {label}: {_outcome(result)}")

    def on_result(self, result: "TestResult") -> None:
        """Print the line of the test and its details; failures immediately."""
        label = attempt_name(result.id, result.attempt)
        self._out.end(label, result.status)
        self._flush_output(label)
        is_bad = result.status.is_failure
        if is_bad or result.status is Status.FLAKY or self._display.verbosity >= 0:
            status = self._coloured(result.status, f"{result.status.value.upper():7}")
            name = padded(result.id, self._width)
            head = f"{status}  {name} {result.seconds:6.2f} s  {_outcome(result)}"
            details = (_INDENT + line for line in self._details(result))
            self._write(head, *details, is_urgent=is_bad)

    @property
    def due(self) -> float | None:
        """Time of the monotonic clock at which to redraw the board."""
        return self._out.due

    def on_due(self) -> None:
        """Redraw the board."""
        self._out.draw()

    def on_end(self, run: "Run") -> None:
        """Remove the board, and print the slowest tests and the summary."""
        self._out.close()
        for line in (*_slowest(run.results, self._display.slowest), *self._summary(run)):
            self._write(line)

    def _summary(self, run: "Run") -> "Iterator[str]":
        areas = [result.output.rows for result in run.results if result.output.rows]
        if areas:
            from kut_runner.verdict import rows  # only for the conformance suite

            if len(areas) > 1:
                yield rows.summary(areas)
            yield from rows.errata_notes(areas)
        yield f"{_tests(len(run.results))} in {run.seconds:.2f} s: {self._counts(run)}"
        if not run.is_complete:
            left = run.selected - len(run.results)
            yield f"cut short: {_tests(left)} {'has' if left == 1 else 'have'} no result"
        elif run.exit_code is ExitCode.NOTHING_RAN:
            yield "nothing ran: every test was skipped"
        yield from self._policy.notes(run.results, is_complete=run.is_complete)

    def _counts(self, run: "Run") -> str:
        """Return the number of results of each status."""
        counts = Counter(result.status for result in run.results)
        parts = [
            self._coloured(status, f"{counts[status]} {status.value}")
            for status in Status
            if counts[status]
        ]
        return ", ".join(parts) or "none ran"

    def _flush_output(self, label: str) -> None:
        """Print the incomplete last line of a serial line."""
        if rest := self._partial_lines.pop(label, b""):
            self._write(f"{label}| {decode(rest)}")

    def _write(self, *lines: str, is_urgent: bool = False) -> None:
        """Print lines that quote foreign text."""
        self._out.write("\n".join(map(inert, lines)), is_urgent=is_urgent)

    def _details(self, result: "TestResult") -> "Iterator[str]":
        failed = result.output.failed
        if self._display.verbosity > 0:
            yield from _command(result)
            for event in result.output.checks_and_infos:
                yield from event.lines if isinstance(event, Check) else (event.line,)
        else:
            yield from (line for check in failed[:_MOST_CHECKS] for line in check.lines)
            if len(failed) > _MOST_CHECKS:
                yield f"and {len(failed) - _MOST_CHECKS} more"
        if result.status.is_failure:
            found = result.diagnosis
            if found:
                yield from found.lines(result.verdict.reason)
            if (result.status.is_unfinished or not failed) and not (found and found.frames):
                yield from (f"| {line}" for line in _last_lines(result.output))
            if result.output.last_lines:
                yield f"log: {shown_log(result.log)}"
        if result.trace:
            yield f"trace: {shown_log(result.trace)}"

    def _coloured(self, status: Status, text: str) -> str:
        return coloured(status, text) if self._is_coloured else text


def _tests(count: int) -> str:
    return f"{count} test{'' if count == 1 else 's'}"


def _slowest(results: "Sequence[TestResult]", most: int) -> "Iterator[str]":
    shown = sorted(results, key=lambda result: -result.seconds)[:most]
    if shown:
        yield f"slowest {len(shown)} of {len(results)}:"
    for result in shown:
        yield f"{result.seconds:9.2f} s  {attempt_name(result.id, result.attempt)}"


def _outcome(result: "TestResult") -> str:
    """Return the reason of the verdict, or for a pass the number of checks."""
    reason, area = result.verdict.reason, result.output.rows
    if reason:
        return f"{reason}; {area.summary}" if area and result.status is Status.FAIL else reason
    if area:
        return area.summary
    kinds = Counter(check.status for check in result.output.checks)
    parts = [f"{result.output.counted} checks" if result.output.counted != 1 else "1 check"]
    parts += [f"{kinds[status]} {status.value}" for status in _NOTABLE if kinds[status]]
    return ", ".join(parts)


def _last_lines(output: "GuestOutput") -> "Sequence[str]":
    """Return the last lines of output: all of a dump, else a few."""
    return output.last_lines if output.fatal_message else output.last_lines[-_MOST_LINES:]


def _command(result: "TestResult") -> "Iterator[str]":
    if result.command:
        from shlex import join

        yield f"$ {printable(join(result.command))}"
