# SPDX-License-Identifier: GPL-2.0-or-later
"""What `kut watch` shows: what changed, the results of a round, one line of where all stands."""

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
    """Where rounds are shown, one below the other."""

    def __init__(
        self,
        states: TestStates,
        display: DisplayOptions,
        *,
        clears: bool,
        is_superseded: Callable[[], bool],
    ) -> None:
        """Show on stdout where `states` stands, on an empty screen for each round if `clears`.

        `is_superseded` tells whether a round that is stopped is so for another round.
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

    def begin(self, why: str, saved: float | None) -> None:
        """Begin a round: why there is one, and when the sources were saved, if they were."""
        self.stop_waiting()
        self._saved = saved
        self._build_seconds = 0.0
        self._write((_CLEAR if self._clears else "") + (f"{why}\n" if why else ""))

    def built(self, seconds: float) -> None:
        """Take note of how long the build took."""
        self._build_seconds = seconds

    def wait(self, keys: str) -> None:
        """Say that there is nothing to do, and which keys there are; on a terminal only."""
        if self._is_live:
            columns = os.get_terminal_size(sys.stdout.fileno()).columns or 80
            text = f"watching the sources{f'; {keys}' if keys else ''}"
            self._write(f"{clipped(text, columns - 1)}\r")
            self._is_waiting = True

    def stop_waiting(self) -> None:
        """Take away what `wait` said."""
        if self._is_waiting:
            self._write(_ERASE)
            self._is_waiting = False

    def complain(self, error: "KutError | OSError", *, in_build: bool) -> None:
        """Show what ended a round before its tests."""
        lines = [f"kut: error: {getattr(error, 'message', error)}"]
        if hint := getattr(error, "hint", ""):
            lines.append(f"kut: hint: {hint}")
        print(*lines, sep="\n", file=self._errors, flush=True)
        what = self.colour(Status.FAIL, "the build failed" if in_build else "nothing could run")
        self._say(what, *self._when(), *self._bad())

    def idle(self) -> None:
        """Show a round without a test."""
        self._say("nothing to run", *self._when(), *self._stand())

    def summary(self, counts: str, seconds: float) -> str:
        """Return the line that ends a run of so many seconds: its counts, and where all stands."""
        ran = f" in {seconds:.2f} s" if self._saved is None else ""
        return "; ".join((f"{counts}{ran}", *self._when(), *self._stand()))

    def _say(self, *parts: str) -> None:
        self._write("; ".join(parts) + "\n")

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()

    def colour(self, status: Status, text: str) -> str:
        """Return text in the colour of a status, where there is colour."""
        return coloured(status, text) if self._is_coloured else text

    def _when(self) -> Iterator[str]:
        """Yield how long the verdict took, from the save on."""
        build = f"{self._build_seconds:.2f} s"
        if self._saved is not None:
            seconds = f"{max(time.time() - self._saved, 0.0):.2f} s"
            yield f"{seconds} from save to verdict" + (
                f", {build} of it to build" if self._build_seconds else ""
            )
        elif self._build_seconds:
            yield f"built in {build}"

    def _stand(self) -> Iterator[str]:
        """Yield in words where all tests stand."""
        total, unknown = len(self.states.names), self.states.unknown
        yield from self._bad()
        if unknown:
            yield f"{unknown} of {total} still to run"
        elif not self.states.bad:
            yield self.colour(Status.PASS, f"all {total} good")

    def _bad(self) -> Iterator[str]:
        if bad := self.states.bad:
            words = f"{len(bad)} of {len(self.states.names)} bad: {listed(bad)}"
            yield self.colour(Status.FAIL, words)


class Round(Terminal):
    """The results of one round."""

    def __init__(self, screen: Screen, *, rounds: int | None = 1) -> None:
        """Show them on `screen`; each test is to run in so many `rounds`, None for any number."""
        super().__init__(screen.display, rounds=rounds)
        self._screen = screen

    def on_stop(self, stops: int, running: int) -> None:
        """Say why the round is stopped."""
        if stops > 1 or not self._screen.is_superseded():
            super().on_stop(stops, running)
        elif running:
            tests = "1 test" if running == 1 else f"{running} tests"
            self._out.write(f"starting over: ending {tests}", is_urgent=True)

    def on_result(self, result: "TestResult") -> None:
        """Print it; one that was cut off for the next round is no failure."""
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
    """Return in words which files changed."""
    if len(paths) == 1:
        return f"{paths[0]} changed"
    return f"{len(paths)} files changed: {listed(paths, 3)}"
