# SPDX-License-Identifier: GPL-2.0-or-later
"""Results of the rounds of `kut watch`: changed files, results, and the state of all tests."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from kut_runner.process.boot import ExitKind
from kut_runner.records.store import shown_log
from kut_runner.run.test_states import TestStates, listed
from kut_runner.verdict.status import Status
from kut_runner.views.display import DisplayOptions, clipped, coloured, padded
from kut_runner.views.report_terminal import Terminal
from kut_runner.views.tty import takes_board, takes_colour

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kut_runner.errors import KutError
    from kut_runner.records.run_record import Run
    from kut_runner.verdict.result import TestResult

_CLEAR: Final = "\033[H\033[2J"
_ERASE: Final = "\r\033[K"


class Screen:
    """Output of `kut watch`, on which rounds follow each other."""

    def __init__(
        self,
        states: TestStates,
        display: DisplayOptions,
        *,
        clears: bool,
        is_superseded: Callable[[], bool],
    ) -> None:
        """Show rounds and `states` on stdout; with `clears` clear the screen for each round.

        `is_superseded` returns whether a stopped round is followed by another one.
        """
        self.states = states
        self.display = display
        self.is_superseded = is_superseded
        self._out, self._errors = sys.stdout, sys.stderr
        self._is_live = takes_board(sys.stdout, os.environ)
        self._clears = clears and self._is_live
        self._is_coloured = takes_colour(sys.stdout, os.environ)
        self._is_waiting = False
        self._saved: float | None = None
        self._build_seconds = 0.0

    def begin(self, reason: str, saved: float | None) -> None:
        """Begin a round, with its reason and the time at which the sources were saved, if any."""
        self.stop_waiting()
        self._saved = saved
        self._build_seconds = 0.0
        self._write((_CLEAR if self._clears else "") + (f"{reason}\n" if reason else ""))

    def built(self, seconds: float) -> None:
        """Record the time of the build."""
        self._build_seconds = seconds

    def wait(self, keys: str) -> None:
        """Show that kut waits, and the keys that it takes; on a terminal only."""
        if self._is_live:
            columns = os.get_terminal_size(sys.stdout.fileno()).columns or 80
            text = f"watching sources{f'; {keys}' if keys else ''}"
            self._write(f"{clipped(text, columns - 1)}\r")
            self._is_waiting = True

    def stop_waiting(self) -> None:
        """Erase the line of `wait`."""
        if self._is_waiting:
            self._write(_ERASE)
            self._is_waiting = False

    def show_error(self, error: "KutError | OSError", *, in_build: bool) -> None:
        """Show an error that ended a round before its tests."""
        lines = [f"kut: error: {getattr(error, 'message', error)}"]
        if hint := getattr(error, "hint", ""):
            lines.append(f"kut: hint: {hint}")
        print(*lines, sep="\n", file=self._errors, flush=True)
        outcome = self.colour(Status.FAIL, "build failed" if in_build else "no test could run")
        self._write_parts(outcome, *self._durations(), *self._failed())

    def show_idle(self) -> None:
        """Show a round without tests."""
        self._write_parts("nothing to run", *self._durations(), *self._state())

    def summary(self, counts: str, seconds: float) -> str:
        """Return the last line of a round that took `seconds`: counts, and state of all tests."""
        duration = f" in {seconds:.2f} s" if self._saved is None else ""
        return "; ".join((f"{counts}{duration}", *self._durations(), *self._state()))

    def _write_parts(self, *parts: str) -> None:
        self._write("; ".join(parts) + "\n")

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()

    def colour(self, status: Status, text: str) -> str:
        """Return text in the colour of a status, if colour is on."""
        return coloured(status, text) if self._is_coloured else text

    def _durations(self) -> Iterator[str]:
        """Yield the times from save to verdict and of the build."""
        build = f"{self._build_seconds:.2f} s"
        if self._saved is not None:
            seconds = f"{max(time.time() - self._saved, 0.0):.2f} s"
            yield f"{seconds} from save to verdict" + (
                f", {build} of it for the build" if self._build_seconds else ""
            )
        elif self._build_seconds:
            yield f"built in {build}"

    def _state(self) -> Iterator[str]:
        """Yield the state of all tests."""
        total, unknown = len(self.states.names), self.states.unknown
        yield from self._failed()
        if unknown:
            yield f"{unknown} of {total} not run yet"
        elif not self.states.bad:
            yield self.colour(Status.PASS, f"all {total} good")

    def _failed(self) -> Iterator[str]:
        if bad := self.states.bad:
            text = f"{len(bad)} of {len(self.states.names)} bad: {listed(bad)}"
            yield self.colour(Status.FAIL, text)


class Round(Terminal):
    """View of one round on the screen."""

    def __init__(self, screen: Screen, *, rounds: int | None = 1) -> None:
        """Show results on `screen`; each test runs `rounds` times, None for any number."""
        super().__init__(screen.display, rounds=rounds)
        self._screen = screen

    def on_stop(self, stops: int, running: int) -> None:
        """Print why the round is stopped."""
        if stops > 1 or not self._screen.is_superseded():
            super().on_stop(stops, running)
        elif running:
            tests = "1 test" if running == 1 else f"{running} tests"
            self._out.write(f"restarting: stopping {tests}", is_urgent=True)

    def on_result(self, result: "TestResult") -> None:
        """Print the result; one that was interrupted for the next round is no failure."""
        if not (_is_cut(result) and self._screen.is_superseded()):
            super().on_result(result)
            return
        self._out.end(result.id, None)
        self._flush_output(result.id)
        head = f"CUT      {padded(result.id, self._width)} {result.seconds:6.2f} s"
        failed = [line for check in result.output.failed for line in check.lines]
        lines = [f"         {line}" for line in failed]
        if failed:
            lines.append(f"         log: {shown_log(result.log)}")
        self._out.write("\n".join((head, *lines)))

    def _summary(self, run: "Run") -> "Iterator[str]":
        is_cut = len(run.results) < run.selected or any(map(_is_cut, run.results))
        if not (is_cut and self._screen.is_superseded()):
            yield self._screen.summary(self._counts(run), run.seconds)


def _is_cut(result: "TestResult") -> bool:
    return result.process_exit is not None and result.process_exit.kind is ExitKind.INTERRUPTED


def headline(paths: "Sequence[str]") -> str:
    """Return a line that names the changed files."""
    if len(paths) == 1:
        return f"{paths[0]} changed"
    return f"{len(paths)} files changed: {listed(paths, 3)}"
