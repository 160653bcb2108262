# SPDX-License-Identifier: GPL-2.0-or-later
"""The loop of `kut watch`: a round for each change of the sources, and between them silence.

A round reads the definitions, builds, and runs what has no verdict as it is now. A change or a key
ends the round in progress, also its build, and the next one begins; what had its verdict keeps it.
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
    from kut_runner.records.run_record import Run
    from kut_runner.targets.case import Case
    from kut_runner.verdict.result import TestResult
    from kut_runner.views.display import DisplayOptions
    from kut_runner.watch.keyboard import Keyboard
    from kut_runner.watch.source_watcher import SourceWatcher

#: The keys there are.
KEYS: Final = "\naAfFqQ" + END
_HELP: Final = "Enter: run all, f: run what failed, q: quit"


@dataclass(frozen=True, slots=True)
class Work:
    """The tests of the selection as they are defined now, and how to build and run them."""

    build: "Callable[[], Sequence[Case]]"
    """Brings the images up to date, and returns the cases."""
    run: "Callable[[Sequence[Case], Extra], object]"
    """Runs some of them."""
    dependencies: Callable[[], frozenset[str]]
    """The files that the images were compiled from."""
    times: int | None
    """How often a run repeats each test, None for ever."""


@dataclass(frozen=True, slots=True)
class Extra:
    """What a round adds to a run."""

    views: Sequence[View]
    """In place of that for people."""
    first: frozenset[str]
    stoppers: "Sequence[Stopper]"


@dataclass(frozen=True, slots=True)
class Cause:
    """Why there is a round: files that changed, a key that was typed, or both."""

    paths: tuple[str, ...] = ()
    key: str = ""

    @property
    def headline(self) -> str:
        """The cause in words, "" for the first round."""
        if self.paths:
            return headline(self.paths)
        return {"": "", "f": "what failed"}.get(self.key, "all tests")


class _Superseded(Exception):  # noqa: N818 - never leaves this module
    """The build was stopped for another round, or for the end."""


class Watch:
    """The loop, from its first round to its end."""

    def __init__(
        self,
        tree: Path,
        changed: "SourceWatcher",
        keyboard: "Keyboard",
        display: "DisplayOptions",
        *,
        clears: bool = False,
    ) -> None:
        """Watch a tree; changes and keys must be open."""
        self._tree = tree
        self._changes = changed
        self._keyboard = keyboard
        self._signals = Signals()
        self._stoppers: tuple[Stopper, ...] = (self._signals, changed, *keyboard.stoppers)
        self._states = TestStates()
        self._screen = Screen(
            self._states, display, clears=clears, is_superseded=self._is_superseded
        )
        self._trouble: ExitCode | None = None

    def check_for_stop(self) -> None:
        """Raise what ends a build if there is a reason to."""
        if self._is_asked():
            raise _Superseded

    def run(self, load: Callable[[], Work], *, postpone: bool = False) -> ExitCode:
        """Go round until a signal or a key ends it; return the exit code.

        A signal: INTERRUPTED. A key: what the verdicts stand for, or the trouble that the last
        round had. Errors of the first round other than of definitions and of the build are raised:
        KutError. `load` reads what there is to do, and raises KutError; with `postpone` the first
        round runs nothing.
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
                cause = Cause(self._changes.take(), self._keyboard.take())
        return self._trouble or self._states.exit_code

    def _round(
        self, load: Callable[[], Work], cause: Cause, *, is_first: bool, postpone: bool
    ) -> None:
        saved = source_watcher.saved_at(self._tree, cause.paths) if cause.paths else None
        self._screen.begin(cause.headline, saved)
        self._trouble = None
        try:
            self._try_round(load, cause, postpone=postpone)
        except _Superseded:
            pass
        except BrokenPipeError:
            raise
        except (KutError, OSError) as error:
            if self._signals.stops:
                return  # Ctrl-C is for the compiler too: it says so
            if is_first and not isinstance(error, (BuildError, ConfigError)):
                raise
            self._trouble = getattr(error, "exit_code", ExitCode.INFRASTRUCTURE)
            self._screen.show_error(error, in_build=isinstance(error, BuildError))

    def _try_round(self, load: Callable[[], Work], cause: Cause, *, postpone: bool) -> None:
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
        self._changes.also(work.dependencies(), since=began)

    def _wait(self) -> None:
        """Wait for a signal, a change or a key that counts."""
        if self._is_asked():
            return
        self._screen.wait(_HELP if self._keyboard.stoppers else "")
        with DefaultSelector() as selector:
            for stopper in self._stoppers:
                selector.register(stopper, EVENT_READ)
            while not self._is_asked():
                selector.select()
        self._screen.stop_waiting()

    def _is_asked(self) -> bool:
        """Tell whether there is a signal, a change or a key that counts, without waiting."""
        return any([each.stop_requested() for each in self._stoppers])  # noqa: C419 - ask them all

    def _is_superseded(self) -> bool:
        """Tell whether the run in progress is stopped for another round."""
        return not self._signals.stops


class _Recorder(View):
    """Takes the results of a round down."""

    def __init__(self, states: TestStates, cases: "Sequence[Case]", times: int | None) -> None:
        self._states = states
        self._cases = cases
        self._times = times or 1
        self._results: list[TestResult] = []

    def on_result(self, result: "TestResult") -> None:
        self._results.append(result)

    def on_end(self, run: "Run") -> None:  # noqa: ARG002 - of the interface
        self._states.record(self._cases, self._results, self._times)
