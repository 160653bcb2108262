# SPDX-License-Identifier: GPL-2.0-or-later
"""A run: every selected test, as many at a time as there are CPUs and memory for.

`order` says which test is next, `resources` what it takes. The next test starts before the log of
the last one is read, and a long log is read in parts: neither QEMUs that run nor CPUs that are
free wait for kut. Views are told of each result as it comes, and in any case of the end: they
write what is known when kut is stopped.
"""

import time
from collections import Counter, deque
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kut_runner.errors import ExitCode
from kut_runner.process.boot import Boot, ExitKind, Launch, ProcessExit
from kut_runner.process.pool import Pool
from kut_runner.records.run_record import Run
from kut_runner.run import order, resources
from kut_runner.run.resources import Resources
from kut_runner.run.times import Timing
from kut_runner.targets import machine
from kut_runner.verdict import events, lines, results
from kut_runner.verdict.results import TestResult

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kut_runner.build.builder import Image
    from kut_runner.definitions.config import TestDef
    from kut_runner.process.pool import Stopper
    from kut_runner.records.view import View
    from kut_runner.run.times import Times
    from kut_runner.targets.machine import Qemu
    from kut_runner.verdict.diagnosis import Diagnosis


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
    times: "Times | None" = None
    """Where the times of earlier runs are, for the order, and those of this one go."""
    seed: int | None = None
    """Shuffle the tests, in the way that this number gives."""
    repeat: int | None = 1
    """How many times each test runs; None for ever."""
    until_fail: bool = False
    """Start nothing more once a test has failed."""
    retries: int = 0
    """How often a test that fails runs again; one that passes then is flaky."""
    first: frozenset[str] = frozenset()
    """Tests that start before all others."""
    stoppers: "Sequence[Stopper]" = ()
    """What may stop the run, as a signal does."""


def run(request: RunRequest, views: "Sequence[View]") -> ExitCode:
    """Run the tests and return the exit code; each view has then been told everything.

    Takes over SIGINT, SIGTERM and SIGHUP meanwhile, so it belongs in the main thread. Raises
    InfrastructureError when a log, OSError when a view cannot be written.
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
            each.callback(runner.keep_times)
            for view in reversed(views):
                each.callback(view.on_end, done)
    return done.exit_code


@dataclass(frozen=True, slots=True)
class _Turn:
    """A test whose turn has come, and its results up to now if it is run again for them."""

    test: "TestDef"
    resources: Resources
    attempt: int
    earlier: tuple[TestResult, ...] = ()


@dataclass(frozen=True, slots=True)
class _Running:
    """A turn for which a QEMU was started."""

    turn: _Turn
    launch: Launch
    build_id: str = ""


class _Hearing:
    """The log of a QEMU that has ended, being read."""

    def __init__(self, running: _Running, boot: Boot, process_exit: ProcessExit) -> None:
        self.running = running
        self.process_exit = process_exit
        self._log = boot.log
        self._events = events.parse(lines.split(boot.log.chunks()))
        self._listener = results.OutputCollector()

    def go_on(self) -> results.GuestOutput | None:
        """Read a part; return what was said once all is read."""
        part = list(islice(self._events, _PART))
        self._listener.feed(part)
        if len(part) == _PART:
            return None
        self._log.close()
        return self._listener.output()


class _Agenda:
    """What is still to run: rounds of tests, and those that get another attempt."""

    def __init__(self, request: RunRequest) -> None:
        timings = request.times.load() if request.times else {}
        cpu_demand = {name: each.cpu_demand for name, each in timings.items()}
        self.whole = resources.available(request.jobs)
        self._queue = order.Queue(
            lambda test: Resources.of(test, cpu_demand.get(test.name), self.whole),
        )
        times = request.repeat
        self._rounds = order.rounds(
            request.tests, timings, seed=request.seed, times=times, first=request.first
        )
        self._again: list[_Turn] = []
        self._attempts: Counter[str] = Counter()
        self._next_round()

    def __bool__(self) -> bool:
        """Whether anything is left."""
        return bool(self._queue or self._again)

    def take(self, free: Resources) -> _Turn | None:
        """Return the next turn that there is room for."""
        for turn in self._again:
            if turn.resources.fits(free):
                self._again.remove(turn)
                return turn
        if not (taken := self._queue.take(free)):
            return None
        if not self._queue:
            self._next_round()
        test, resources = taken
        return _Turn(test, resources, self._count(test))

    def try_again(self, turn: _Turn, result: TestResult) -> None:
        """Give a test another attempt, before all others."""
        attempt = self._count(turn.test)
        self._again.append(replace(turn, attempt=attempt, earlier=(*turn.earlier, result)))

    def clear(self) -> None:
        """Drop what is left."""
        self._rounds = iter(())
        self._queue = order.Queue(lambda _: self.whole)
        self._again.clear()

    def _count(self, test: "TestDef") -> int:
        self._attempts[test.name] += 1
        return self._attempts[test.name]

    def _next_round(self) -> None:
        for test in next(self._rounds, ()):
            self._queue.add(test)


class _Runner:
    """The state of a run: what waits, what runs, what is done."""

    def __init__(self, request: RunRequest, views: "Sequence[View]") -> None:
        self._request = request
        self._views = views
        self._agenda = _Agenda(request)
        self._free = self._agenda.whole
        self._running: dict[Boot, _Running] = {}
        self._hearings: deque[_Hearing] = deque()
        self._results: list[TestResult] = []
        self._selected = len(request.tests) * (request.repeat or 1)
        self._stops = 0

    def run(self) -> None:
        with Pool(self._request.stoppers) as pool:
            while self._running or self._hearings or self._agenda:
                if pool.stops > self._stops:
                    self._tell_of_stop(pool.stops)
                self._start_what_fits(pool)
                if self._hearings:
                    self._listen(pool)
                if self._running:
                    self._wait(pool)
            self._stops = pool.stops

    def summarise(self, started: tuple[float, float]) -> Run:
        is_complete = len(self._results) >= self._selected
        codes = [result.verdict.exit_code for result in self._results]
        if not self._request.tests:  # asked for: a selection that happens to be empty is refused
            codes.append(ExitCode.OK)
        if self._stops:
            codes.append(ExitCode.INTERRUPTED)
        elif not is_complete:
            codes.append(ExitCode.INFRASTRUCTURE)
        return Run(
            results=tuple(self._results),
            selected=self._selected,
            started=started[0],
            seconds=time.monotonic() - started[1],
            exit_code=results.exit_code(codes),
            is_complete=is_complete,
        )

    def keep_times(self) -> None:
        """Write down what the tests took that ended by themselves."""
        if self._request.times:
            ends = {each.name: each.process_exit for each in self._results if each.process_exit}
            timings = {
                name: Timing(
                    max(0.0, process_exit.seconds - process_exit.starved_seconds),
                    process_exit.cpu_demand,
                )
                for name, process_exit in ends.items()
                if process_exit.kind is ExitKind.EXITED
            }
            self._request.times.update(timings)

    def _start_what_fits(self, pool: Pool) -> None:
        while turn := self._agenda.take(self._free):
            if reason := machine.unmet_need(self._request.qemu, turn.test):
                self._report(TestResult(turn.test.name, results.skipped(reason)))
            else:
                self._start(pool, turn)

    def _start(self, pool: Pool, turn: _Turn) -> None:
        """Start a test, or report why it does not run."""
        request, test = self._request, turn.test
        command = machine.command_line(request.qemu, test, request.images[test.image].flat)
        name = test.name if turn.attempt == 1 else f"{test.name}@{turn.attempt}"
        log = request.log_dir / f"{name}.log"
        launch = Launch(command, log, request.timeout or test.timeout, request.qemu.version)
        try:
            boot = pool.start(launch, self._ear(turn))
        except OSError as error:
            process_exit = ProcessExit(ExitKind.NOT_STARTED, 0, 0.0, str(error))
            self._conclude(
                _Running(turn, launch), results.GuestOutput(), process_exit, may_retry=False
            )
            return
        # Read now: what is built meanwhile is not what runs.
        build_id = request.images[test.image].build_id
        self._running[boot] = _Running(turn, launch, build_id)
        self._free -= turn.resources
        for view in self._views:
            view.on_begin(test, turn.attempt)

    def _ear(self, turn: _Turn) -> "Callable[[bytes], None] | None":
        """Return what takes the output of a QEMU to the views that want it; None for no view."""
        views = [view for view in self._views if view.wants_output]
        if not views:
            return None

        def feed(data: bytes) -> None:
            for view in views:
                view.on_output(turn.test, turn.attempt, data)

        return feed

    def _tell_of_stop(self, stops: int) -> None:
        """Start nothing more, and tell the views of it."""
        self._stops = stops
        self._agenda.clear()
        for view in self._views:
            view.on_stop(stops, len(self._running))

    def _wait(self, pool: Pool) -> None:
        due = [each for view in self._views if (each := view.due) is not None]
        for boot, process_exit in pool.wait(
            is_busy=bool(self._hearings), until=min(due, default=None)
        ):
            running = self._running.pop(boot)
            self._free += running.turn.resources
            self._hearings.append(_Hearing(running, boot, process_exit))
        for boot in pool.take_slow():
            turn = self._running[boot].turn
            for view in self._views:
                view.on_slow(turn.test, turn.attempt, boot.age())
        if due and min(due) <= (now := time.monotonic()):
            for view in self._views:
                if (each := view.due) is not None and each <= now:
                    view.on_due()

    def _listen(self, pool: Pool) -> None:
        """Read a part of the oldest log, so that the QEMUs that run need not wait for a flood."""
        hearing = self._hearings[0]
        output = hearing.go_on()
        if output is not None:
            self._hearings.popleft()
            may_retry = not pool.stops
            self._conclude(hearing.running, output, hearing.process_exit, may_retry=may_retry)

    def _conclude(
        self,
        running: _Running,
        output: results.GuestOutput,
        process_exit: ProcessExit,
        *,
        may_retry: bool,
    ) -> None:
        turn = running.turn
        verdict = results.judge(output, process_exit)
        is_bad = verdict.status.is_failure
        result = TestResult(
            name=turn.test.name,
            verdict=verdict,
            output=output,
            process_exit=process_exit,
            command=running.launch.command,
            qemu_version=self._request.qemu.release,
            log=str(running.launch.log),
            build_id=running.build_id,
            diagnosis=self._diagnose(running, output, process_exit) if is_bad else None,
            attempt=turn.attempt,
        )
        if may_retry and is_bad and len(turn.earlier) < self._request.retries:
            self._agenda.try_again(turn, result)
            for view in self._views:
                view.on_retry(result)
        else:
            self._report(results.after(turn.earlier, result))

    def _diagnose(
        self, running: _Running, output: results.GuestOutput, process_exit: ProcessExit
    ) -> "Diagnosis | None":
        from kut_runner.diagnose.explain import Elf, explain  # slow to import, and seldom needed

        elf = self._request.images[running.turn.test.image].elf
        return explain(output, process_exit.snapshot, Elf(elf, running.build_id))

    def _report(self, result: TestResult) -> None:
        self._results.append(result)
        for view in self._views:
            view.on_result(result)
        if self._request.until_fail and result.status.is_failure:
            self._agenda.clear()
            self._selected = len(self._results) + len(self._running) + len(self._hearings)
