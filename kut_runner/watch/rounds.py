# SPDX-License-Identifier: GPL-2.0-or-later
"""The loop of `kut watch`: one round for each change of the sources.

A round loads the definitions, builds, and runs the tests without a current verdict. A change or a
key stops the round in progress, including its build, and starts the next one; tests that already
have their verdict keep it.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from typing import TYPE_CHECKING, Final

from kut_runner.errors import BuildError, ConfigError, ExitCode, KutError
from kut_runner.process.signals import Signals
from kut_runner.records.view import View
from kut_runner.run.test_states import TestStates
from kut_runner.views.report_rounds import Round, Screen, headline
from kut_runner.watch import source_watcher
from kut_runner.watch.keyboard import END

if TYPE_CHECKING:
    from kut_runner.process.pool import Stopper
    from kut_runner.records.policy import Policy
    from kut_runner.records.run_record import Run
    from kut_runner.targets.case import Case
    from kut_runner.verdict.result import TestResult
    from kut_runner.views.display import DisplayOptions
    from kut_runner.watch.keyboard import Keyboard
    from kut_runner.watch.source_watcher import SourceWatcher

#: Keys that `kut watch` accepts.
KEYS: Final = "\naAfFqQ" + END
_HELP: Final = "Enter: run all tests, f: run failed tests, q: quit"


@dataclass(frozen=True, slots=True)
class Work:
    """Functions to build and run the selected tests, as currently defined."""

    build: "Callable[[], Sequence[Case]]"
    """Builds the images and returns the cases."""
    run: "Callable[[Sequence[Case], Extra], object]"
    """Runs cases."""
    dependencies: Callable[[], frozenset[str]]
    """Returns the files from which the images were compiled."""
    times: int | None
    """Number of times that a run repeats each test; None for no limit."""


@dataclass(frozen=True, slots=True)
class Extra:
    """Arguments that a round adds to a run."""

    views: Sequence[View]
    """Views that replace the terminal view."""
    first: frozenset[str]
    """Ids of the cases to start first."""
    stoppers: "Sequence[Stopper]"
    """Sources of requests to stop."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Cause of a round: changed files, a key, or both."""

    paths: tuple[str, ...] = ()
    key: str = ""

    @property
    def headline(self) -> str:
        """The cause as a line of text, "" for the first round."""
        if self.paths:
            return headline(self.paths)
        return {"": "", "f": "failed tests"}.get(self.key, "all tests")


class _Superseded(Exception):  # noqa: N818 - never leaves this module
    """The build was stopped by a change, a key or a signal."""


class Watch:
    """The loop over rounds."""

    def __init__(  # noqa: PLR0913 - its inputs and outputs, and two options
        self,
        tree: Path,
        watcher: "SourceWatcher",
        keyboard: "Keyboard",
        display: "DisplayOptions",
        *,
        policy: "Policy",
        clears: bool = False,
    ) -> None:
        """Create the loop for a source tree; `watcher` and `keyboard` must have been entered.

        `policy` decides the exit code. With `clears` the terminal is cleared for each round.
        """
        self._tree = tree
        self._watcher = watcher
        self._keyboard = keyboard
        self._signals = Signals()
        self._stoppers: tuple[Stopper, ...] = (self._signals, watcher, *keyboard.stoppers)
        self._states = TestStates(policy)
        self._screen = Screen(
            self._states, display, clears=clears, is_superseded=self._is_superseded
        )
        self._error: ExitCode | None = None

    def check_for_stop(self) -> None:
        """Raise the exception that stops a build if a stop was requested."""
        if self._is_stop_requested():
            raise _Superseded

    def run(self, load: Callable[[], Work], *, postpone: bool = False) -> ExitCode:
        """Run rounds until a signal or a key ends the loop; return the exit code.

        It is INTERRUPTED after a signal; after a key, that of the last round's error, or else of
        the current verdicts. `load` loads the selected tests, and may raise KutError. With
        `postpone` the first round only builds. Raises KutError for errors of the first round other
        than bad definitions and a failed build.
        """
        with self._signals:
            cause = Cause()
            is_first = True
            while cause.key.lower() not in ("q", END):
                self._round(load, cause, is_first=is_first, postpone=is_first and postpone)
                is_first = False
                self._wait()
                if self._signals.stops:
                    return ExitCode.INTERRUPTED
                cause = Cause(self._watcher.take(), self._keyboard.take())
        return self._error or self._states.exit_code

    def _round(
        self, load: Callable[[], Work], cause: Cause, *, is_first: bool, postpone: bool
    ) -> None:
        """Run one round, and show an error that ends it early."""
        saved = source_watcher.saved_at(self._tree, cause.paths) if cause.paths else None
        self._screen.begin(cause.headline, saved)
        self._error = None
        try:
            self._try_round(load, cause, postpone=postpone)
        except _Superseded:
            pass
        except BrokenPipeError:
            raise
        except (KutError, OSError) as error:
            if self._signals.stops:
                return  # Ctrl-C has also interrupted the compiler
            if is_first and not isinstance(error, (BuildError, ConfigError)):
                raise
            self._error = getattr(error, "exit_code", ExitCode.INFRASTRUCTURE)
            self._screen.show_error(error, in_build=isinstance(error, BuildError))

    def _try_round(self, load: Callable[[], Work], cause: Cause, *, postpone: bool) -> None:
        """Load, build and run the due tests; raises _Superseded, KutError and OSError."""
        work = load()
        began, started = time.time(), time.monotonic()
        try:
            cases = work.build()
        finally:
            self._screen.built(time.monotonic() - started)
        self.check_for_stop()
        self._states.see(cases)
        if postpone:
            self._states.settle()
        if cause.key in ("f", "F"):
            self._states.forget(self._states.bad)
        elif cause.key:
            self._states.forget([*self._states.names])
        if due := self._states.due(cases):
            views = (
                _Recorder(self._states, due, work.times),
                Round(self._screen, rounds=work.times),
            )
            work.run(due, Extra(views, frozenset(self._states.bad), self._stoppers))
        else:
            self._screen.show_idle()
        self._watcher.also(work.dependencies(), since=began)

    def _wait(self) -> None:
        """Wait for a signal, a change or an accepted key."""
        if self._is_stop_requested():
            return
        self._screen.wait(_HELP if self._keyboard.stoppers else "")
        with DefaultSelector() as selector:
            for stopper in self._stoppers:
                selector.register(stopper, EVENT_READ)
            while not self._is_stop_requested():
                selector.select()
        self._screen.stop_waiting()

    def _is_stop_requested(self) -> bool:
        """Return whether a signal, a change or an accepted key is pending, without waiting."""
        return any([each.stop_requested() for each in self._stoppers])  # noqa: C419 - call them all

    def _is_superseded(self) -> bool:
        """Return whether another round follows when the run in progress is stopped."""
        return not self._signals.stops


class _Recorder(View):
    """View that records the results of a round in the states."""

    def __init__(self, states: TestStates, cases: "Sequence[Case]", times: int | None) -> None:
        self._states = states
        self._cases = cases
        self._times = times or 1
        self._results: list[TestResult] = []

    def on_result(self, result: "TestResult") -> None:
        self._results.append(result)

    def on_end(self, run: "Run") -> None:  # noqa: ARG002 - of the interface
        self._states.record(self._cases, self._results, self._times)
