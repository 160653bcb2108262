# SPDX-License-Identifier: GPL-2.0-or-later
"""A run: every selected test once, as many at a time as there are CPUs for.

Tests start in the order given. A test weighs as many CPUs as its machine has, but never more
than there are, so that a large one runs alone rather than not at all. Views are told of each
result as it comes, and in any case of the end: they write what is known when kut is stopped.
"""

import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kut_runner import cpus, events, lines, machine, results
from kut_runner.boot import Boot, Ended, How, Launch
from kut_runner.errors import ExitCode
from kut_runner.pool import Pool
from kut_runner.results import TestResult

if TYPE_CHECKING:
    from kut_runner.build import Image
    from kut_runner.config import TestDef
    from kut_runner.diagnosis import Diagnosis
    from kut_runner.machine import Qemu


#: Events of a log that are read at a time: some milliseconds.
_PART: Final = 4096


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What to run, and with what."""

    tests: "Sequence[TestDef]"
    images: "Mapping[str, Image]"
    qemu: "Qemu"
    log_dir: Path
    jobs: int | None = None
    """CPUs to fill with tests, 1 or more; None for all that this process has."""
    timeout: float | None = None
    """Seconds for every test, in place of each test's own."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run that has ended, or been ended."""

    results: Sequence[TestResult]
    selected: int
    """Number of tests that were to run."""
    started: float
    """When, in seconds since the epoch."""
    seconds: float
    exit_code: ExitCode
    is_complete: bool
    """Every selected test has its result."""


class View:
    """Something that shows or writes results; it leaves out what it does not care about."""

    def on_start(self, tests: "Sequence[TestDef]") -> None:
        """Take note of what is going to run."""

    def on_begin(self, test: "TestDef", attempt: int) -> None:
        """Take note that a QEMU was started; `attempt` counts those of this test, from 1."""

    def on_slow(self, test: "TestDef", attempt: int, seconds: float) -> None:
        """Take note that a test has run for `seconds` and still has not ended."""

    def on_result(self, result: TestResult) -> None:
        """Show one result; they come in the order in which tests end."""

    def on_end(self, run: Run) -> None:
        """Show the whole; called exactly once, also when the run is cut short."""


def run(request: RunRequest, views: Sequence[View]) -> ExitCode:
    """Run the tests and return the exit code; each view has then been told everything.

    Takes over SIGINT, SIGTERM and SIGHUP meanwhile, so it belongs in the main thread. Raises
    OSError when a log or a view cannot be written.
    """
    runner = _Runner(request, views)
    started = time.time(), time.monotonic()
    for view in views:
        view.on_start(request.tests)
    try:
        runner.run()
    finally:
        done = runner.summarise(started)
        with ExitStack() as each:  # every view, even when one of them fails
            for view in reversed(views):
                each.callback(view.on_end, done)
    return done.exit_code


@dataclass(frozen=True, slots=True)
class _Running:
    """A test that has been started."""

    test: "TestDef"
    launch: Launch
    build_id: str = ""


class _Hearing:
    """The log of a QEMU that has ended, being read."""

    def __init__(self, running: _Running, boot: Boot, ended: Ended) -> None:
        self.running = running
        self.ended = ended
        self._log = boot.log
        self._events = events.parse(lines.split(boot.log.chunks()))
        self._listener = results.Listener()

    def go_on(self) -> results.Said | None:
        """Read a part; return what was said once all is read."""
        part = list(islice(self._events, _PART))
        self._listener.hear(part)
        if len(part) == _PART:
            return None
        self._log.close()
        return self._listener.said()


class _Runner:
    """The state of a run: what waits, what runs, what is done."""

    def __init__(self, request: RunRequest, views: Sequence[View]) -> None:
        self._request = request
        self._views = views
        self._capacity = request.jobs or cpus.available()
        self._waiting = deque(request.tests)
        self._running: dict[Boot, _Running] = {}
        self._hearings: deque[_Hearing] = deque()
        self._results: list[TestResult] = []
        self._is_interrupted = False

    def run(self) -> None:
        with Pool() as pool:
            while self._is_at_work or (self._waiting and not pool.is_interrupted):
                if not pool.is_interrupted:
                    self._start_what_fits(pool)
                if self._hearings:
                    self._listen()
                if self._running:
                    self._wait(pool)
            self._is_interrupted = pool.is_interrupted

    @property
    def _is_at_work(self) -> bool:
        return bool(self._running or self._hearings)

    def summarise(self, started: tuple[float, float]) -> Run:
        is_complete = len(self._results) == len(self._request.tests)
        codes = [result.verdict.exit_code for result in self._results]
        if not self._request.tests:  # asked for: a selection that happens to be empty is refused
            codes.append(ExitCode.OK)
        if self._is_interrupted:
            codes.append(ExitCode.INTERRUPTED)
        elif not is_complete:
            codes.append(ExitCode.INFRASTRUCTURE)
        return Run(
            results=tuple(self._results),
            selected=len(self._request.tests),
            started=started[0],
            seconds=time.monotonic() - started[1],
            exit_code=results.exit_code(codes),
            is_complete=is_complete,
        )

    def _weight(self, test: "TestDef") -> int:
        return min(test.smp, self._capacity)

    def _start_what_fits(self, pool: Pool) -> None:
        taken = sum(self._weight(running.test) for running in self._running.values())
        room = self._capacity - taken
        while self._waiting and self._weight(self._waiting[0]) <= room:
            test = self._waiting.popleft()
            if self._start(pool, test):
                room -= self._weight(test)

    def _start(self, pool: Pool, test: "TestDef") -> bool:
        """Start the test, or report why it does not run; return whether it runs."""
        request = self._request
        if reason := machine.unmet_need(request.qemu, test):
            self._report(TestResult(test.name, results.skipped(reason)))
            return False
        command = machine.command_line(request.qemu, test, request.images[test.image].flat)
        log = request.log_dir / f"{test.name}.log"
        launch = Launch(command, log, request.timeout or test.timeout, request.qemu.version)
        try:
            boot = pool.start(launch)
        except OSError as error:
            ended = Ended(How.NOT_STARTED, 0, 0.0, str(error))
            self._conclude(_Running(test, launch), results.Said(), ended)
            return False
        # Read now: what is built meanwhile is not what runs.
        build_id = request.images[test.image].build_id
        self._running[boot] = _Running(test, launch, build_id)
        for view in self._views:
            view.on_begin(test, 1)
        return True

    def _wait(self, pool: Pool) -> None:
        for boot, ended in pool.wait(is_busy=bool(self._hearings)):
            self._hearings.append(_Hearing(self._running.pop(boot), boot, ended))

    def _listen(self) -> None:
        """Read a part of the oldest log, so that the QEMUs that run need not wait for a flood."""
        hearing = self._hearings[0]
        said = hearing.go_on()
        if said is not None:
            self._hearings.popleft()
            self._conclude(hearing.running, said, hearing.ended)

    def _conclude(self, running: _Running, said: results.Said, ended: Ended) -> None:
        verdict = results.judge(said, ended)
        is_bad = verdict.status.is_failure
        self._report(
            TestResult(
                name=running.test.name,
                verdict=verdict,
                said=said,
                ended=ended,
                command=running.launch.command,
                qemu_version=self._request.qemu.release,
                log=str(running.launch.log),
                build_id=running.build_id,
                diagnosis=self._diagnose(running, said, ended) if is_bad else None,
            )
        )

    def _diagnose(self, running: _Running, said: results.Said, ended: Ended) -> "Diagnosis | None":
        from kut_runner.explain import Elf, explain  # slow to import, and seldom needed

        elf = self._request.images[running.test.image].elf
        return explain(said, ended.snapshot, Elf(elf, running.build_id))

    def _report(self, result: TestResult) -> None:
        self._results.append(result)
        for view in self._views:
            view.on_result(result)
