# SPDX-License-Identifier: GPL-2.0-or-later
"""Execution of cases, as many in parallel as CPUs and memory allow.

`schedule` decides which case is next. The next case starts before the log of the previous one is
read, and a long log is read in parts, so that neither running processes nor free CPUs wait for kut.
Views get each result as it comes, and the end of the run even when it is interrupted.
"""

import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Final

from kut_runner.errors import ExitCode, describe
from kut_runner.process.boot import Boot, ExitKind, Launch, ProcessExit
from kut_runner.process.pool import Pool
from kut_runner.records.run_record import Run
from kut_runner.run import boots as ended
from kut_runner.run.schedule import Attempt, Scheduler
from kut_runner.run.times import Timing
from kut_runner.targets.case import file_name
from kut_runner.verdict import events, lines
from kut_runner.verdict.guest_output import GuestOutput, OutputCollector
from kut_runner.verdict.judge import judge
from kut_runner.verdict.result import TestResult, after, exit_code, skipped, undefined

if TYPE_CHECKING:
    from pathlib import Path

    from kut_runner.process.pool import Stopper
    from kut_runner.records.view import View
    from kut_runner.run.options import RunOptions
    from kut_runner.run.times import RunTimes
    from kut_runner.targets.case import Case
    from kut_runner.verdict.diagnosis import Diagnosis

#: Events to read from a log before processes are served again; takes some milliseconds.
_PART: Final = 4096


def run(  # noqa: PLR0913 - cases, options, views, and their environment
    cases: "Sequence[Case]",
    options: "RunOptions",
    views: "Sequence[View]",
    *,
    log_dir: "Path",
    times: "RunTimes | None" = None,
    first: Collection[str] = (),
    stoppers: "Sequence[Stopper]" = (),
) -> ExitCode:
    """Run the cases, pass all results to the views, and return the exit code.

    `times` gives the times of earlier runs, for the order, and receives those of this run. Cases
    whose ids are in `first` start before all others. `stoppers` can stop the run, as signals do.
    Call it from the main thread only: it handles SIGINT, SIGTERM and SIGHUP. Raises
    InfrastructureError when a log cannot be written, and OSError when a view cannot.
    """
    timings = times.load(cases) if times else {}
    runner = _Runner(cases, options, views, log_dir, Scheduler(cases, options, timings, first))
    started = time.time(), time.monotonic()
    for view in views:
        view.on_start([case.id for case in cases])
    try:
        runner.run(stoppers)
    finally:
        done = runner.summarise(started)
        with ExitStack() as stack:  # calls every view, even when one of them raises
            if times:
                stack.callback(times.update, cases, runner.timings())
            for view in reversed(views):
                stack.callback(view.on_end, done)
    return done.exit_code


@dataclass(frozen=True, slots=True)
class _Running:
    """An attempt with its process."""

    attempt: Attempt
    launch: Launch
    build_id: str = ""
    first_size: int | None = None
    """Bytes of output of a first start that failed; this one is without an inspector."""
    boots: tuple[ended.Boot, ...] = ()
    """Machines of this attempt before this one, which died at rows of the conformance suite."""
    more: str = ""
    """Arguments of the image with which this machine goes on after the last of them."""
    first_launch: Launch | None = None
    """Launch of the first of them; None if this is the first machine."""


class _LogReader:
    """Reads the log of a process that has ended, part by part."""

    def __init__(self, running: _Running, boot: Boot, process_exit: ProcessExit) -> None:
        self.running = running
        self.process_exit = process_exit
        self._log = boot.log
        self._events = events.parse(lines.split(boot.log.chunks()))
        self._collector = OutputCollector()

    def read_part(self) -> GuestOutput | None:
        """Read the next part; return the output after the last one, else None."""
        part = list(islice(self._events, _PART))
        self._collector.feed(part)
        if len(part) == _PART:
            return None
        self._log.close()
        return self._collector.output()


class _Runner:
    """State of a run: running attempts, logs to read, results."""

    def __init__(
        self,
        cases: "Sequence[Case]",
        options: "RunOptions",
        views: "Sequence[View]",
        log_dir: "Path",
        scheduler: Scheduler,
    ) -> None:
        self._options = options
        self._views = views
        self._log_dir = log_dir
        self._scheduler = scheduler
        self._free = scheduler.capacity
        self._running: dict[Boot, _Running] = {}
        self._readers: deque[_LogReader] = deque()
        self._results: list[TestResult] = []
        self._failures = 0
        self._selected = len(cases) * (options.repeat or 1)
        self._stops = 0
        self._unreachable: set[str] = set()
        """Programs that do not pass inherited descriptors on."""

    def run(self, stoppers: "Sequence[Stopper]") -> None:
        with Pool(stoppers) as pool:
            while self._running or self._readers or self._scheduler:
                if pool.stops > self._stops:
                    self._stop(pool.stops)
                self._start_what_fits(pool)
                if self._readers:
                    self._read_log(pool)
                if self._running:
                    self._wait(pool)
            self._stops = pool.stops

    def summarise(self, started: tuple[float, float]) -> Run:
        is_complete = len(self._results) >= self._selected
        policy = self._options.policy
        codes = policy.exit_codes(self._results)
        if not self._selected:  # allowed with --allow-empty only
            codes.append(ExitCode.OK)
        if self._stops:
            codes.append(ExitCode.INTERRUPTED)
        elif not is_complete and not policy.is_reached(self._failures):
            codes.append(ExitCode.INFRASTRUCTURE)
        return Run(
            results=tuple(self._results),
            selected=self._selected,
            started=started[0],
            seconds=time.monotonic() - started[1],
            exit_code=exit_code(codes),
            is_complete=is_complete,
        )

    def timings(self) -> dict[str, Timing]:
        """Return the timings of the cases whose process exited by itself, by id."""
        ends = {each.id: each.process_exit for each in self._results if each.process_exit}
        return {
            case: Timing(max(0.0, end.seconds - end.starved_seconds), end.cpu_demand)
            for case, end in ends.items()
            if end.kind is ExitKind.EXITED
        }

    def _start_what_fits(self, pool: Pool) -> None:
        while attempt := self._scheduler.take(self._free):
            case = attempt.case
            if problem := case.test.problem:
                self._report(TestResult(case.id, undefined(problem), target=case.target.name))
            elif reason := case.target.unmet_need(case.test):
                self._report(TestResult(case.id, skipped(reason), target=case.target.name))
            else:
                self._start(pool, attempt)

    def _start(self, pool: Pool, attempt: Attempt) -> None:
        """Start the first process of an attempt."""
        if self._boot(pool, _Running(attempt, self._launch(attempt))):
            for view in self._views:
                view.on_begin(attempt.case.id, attempt.number)

    def _boot(self, pool: Pool, running: _Running) -> bool:
        """Start a process; return whether it could start, and report the error if not."""
        try:
            boot = pool.start(running.launch, self._output_callback(running.attempt))
        except OSError as error:
            process_exit = ProcessExit(ExitKind.NOT_STARTED, 0, 0.0, describe(error))
            end = self._judge(running, GuestOutput(), process_exit)
            self._conclude(running, (*running.boots, end), may_retry=False)
            return False
        # Read the build-id now: a build in the meantime may replace the image.
        self._running[boot] = replace(running, build_id=running.attempt.case.image.build_id)
        self._free -= running.attempt.cost
        return True

    def _launch(
        self, attempt: Attempt, *, is_second: bool = False, number: int = 1, more: str = ""
    ) -> Launch:
        """Return the process of an attempt; `number` counts its machines from 1.

        `more` are further arguments of the image.
        """
        case, options, test = attempt.case, self._options, attempt.case.test
        if more:
            test = replace(test, args=f"{test.args} {more}".strip())
        name = file_name(case.id, attempt.number)
        log = self._log_dir / f"{name if number == 1 else f'{name}-boot{number}'}.log"
        is_reachable = not is_second and case.target.program not in self._unreachable
        launch = case.target.launch(
            test,
            case.image,
            log,
            options.timeout or case.test.timeout,
            inspect=options.inspect and is_reachable,
        )
        if case.image.row_list.exists():
            from kut_runner.run import isolation  # only for the conformance suite

            launch = replace(launch, stall=isolation.STALL * launch.slowness)
        if launch.inspector or launch.uninspectable:
            return launch
        if options.inspect:
            reason = f"{case.target.program} does not pass on file descriptors, so it is a wrapper"
        else:
            reason = "--no-inspect"
        return replace(launch, uninspectable=reason)

    def _go_on(self, pool: Pool, running: _Running, more: str) -> None:
        """Start another machine for the rows that are left; `more` are arguments of the image."""
        launch = self._launch(running.attempt, number=len(running.boots) + 1, more=more)
        first = running.first_launch or running.launch
        changed = replace(running, launch=launch, more=more, first_launch=first, first_size=None)
        self._boot(pool, changed)

    def _output_callback(self, attempt: Attempt) -> Callable[[bytes], None] | None:
        """Return a function that passes output to the views that want it; None without any."""
        views = [view for view in self._views if view.wants_output]
        if not views:
            return None

        def pass_on(data: bytes) -> None:
            for view in views:
                view.on_output(attempt.case.id, attempt.number, data)

        return pass_on

    def _stop(self, stops: int) -> None:
        """Start nothing more, and report the stop to the views."""
        self._stops = stops
        self._scheduler.clear()
        for view in self._views:
            view.on_stop(stops, len(self._running))

    def _wait(self, pool: Pool) -> None:
        due = [each for view in self._views if (each := view.due) is not None]
        for boot, process_exit in pool.wait(
            is_busy=bool(self._readers), until=min(due, default=None)
        ):
            self._end(pool, boot, process_exit)
        for boot in pool.take_slow():
            attempt = self._running[boot].attempt
            for view in self._views:
                view.on_slow(attempt.case.id, attempt.number, boot.age())
        if due and min(due) <= (now := time.monotonic()):
            for view in self._views:
                if (each := view.due) is not None and each <= now:
                    view.on_due()

    def _end(self, pool: Pool, boot: Boot, process_exit: ProcessExit) -> None:
        """Free the resources of an ended process; queue its log, or start the attempt again."""
        running = self._running.pop(boot)
        self._free += running.attempt.cost
        has_failed = process_exit.kind is ExitKind.EXITED and process_exit.code != 0
        if has_failed and not pool.stops and boot.inspector and not boot.was_inspectable:
            # Either it refused its options, or the descriptors for its inspector are not open:
            # wrappers such as ssh, docker and sudo close them. A second start shows which.
            boot.log.close()
            number, more = len(running.boots) + 1, running.more
            launch = self._launch(running.attempt, is_second=True, number=number, more=more)
            self._boot(pool, replace(running, launch=launch, first_size=boot.log.size))
            return
        first_size = running.first_size
        if first_size is not None and not (has_failed and boot.log.size <= first_size):
            self._unreachable.add(running.attempt.case.target.program)
        self._readers.append(_LogReader(running, boot, process_exit))

    def _read_log(self, pool: Pool) -> None:
        """Read a part of the oldest log; a long one is read over several calls."""
        reader = self._readers[0]
        output = reader.read_part()
        if output is not None:
            self._readers.popleft()
            boot = self._judge(reader.running, output, reader.process_exit)
            boots = (*reader.running.boots, boot)
            if not pool.stops and (more := _arguments(boots)):
                self._go_on(pool, replace(reader.running, boots=boots), more)
            else:
                self._conclude(reader.running, boots, may_retry=not pool.stops)

    def _judge(
        self, running: _Running, output: GuestOutput, process_exit: ProcessExit
    ) -> ended.Boot:
        """Return a machine that has ended, with its verdict."""
        case = running.attempt.case
        no_checks = self._options.no_checks or case.test.no_checks
        verdict = judge(output, process_exit, case.target, no_checks)
        is_bad = verdict.status.is_failure
        diagnosis = _diagnose(running, output, process_exit) if is_bad else None
        return ended.Boot(output, process_exit, verdict, diagnosis)

    def _conclude(
        self, running: _Running, boots: tuple[ended.Boot, ...], *, may_retry: bool
    ) -> None:
        attempt = running.attempt
        target = attempt.case.target
        first = running.first_launch or running.launch
        end = _conclusion(boots, attempt.case)
        result = TestResult(
            id=attempt.case.id,
            verdict=end.verdict,
            output=end.output,
            process_exit=end.process_exit,
            command=first.command,
            version=target.version,
            log=str(first.log),
            trace=_existing(running.launch.trace),
            build_id=running.build_id,
            diagnosis=end.diagnosis,
            attempt=attempt.number,
            target=target.name,
        )
        is_bad = end.verdict.status.is_failure
        if may_retry and is_bad and len(attempt.earlier) < self._options.retries:
            self._scheduler.try_again(attempt, result)
            for view in self._views:
                view.on_retry(result)
        else:
            self._report(after(attempt.earlier, result))

    def _report(self, result: TestResult) -> None:
        self._results.append(result)
        for view in self._views:
            view.on_result(result)
        if not result.status.is_failure:
            return
        self._failures += 1
        if self._options.policy.is_reached(self._failures):
            self._scheduler.clear()
        if self._options.until_fail:
            self._scheduler.clear()
            self._selected = len(self._results) + len(self._running) + len(self._readers)


def _arguments(boots: tuple[ended.Boot, ...]) -> str:
    """Return the arguments of the image that another machine is to have, "" if none is needed."""
    if not boots[-1].output.rows:
        return ""
    from kut_runner.run import isolation  # only for the conformance suite

    return isolation.arguments(boots)


def _conclusion(boots: tuple[ended.Boot, ...], case: "Case") -> ended.Boot:
    """Return what all machines of an attempt come to, as that of one."""
    if not any(boot.output.rows for boot in boots):
        return boots[-1]
    from kut_runner.run import conclusion  # only for the conformance suite

    return conclusion.of(boots, case)


def _existing(path: "Path | None") -> str:
    return str(path) if path and path.exists() else ""


def _diagnose(
    running: _Running, output: GuestOutput, process_exit: ProcessExit
) -> "Diagnosis | None":
    from kut_runner.diagnose.explain import Elf, explain  # slow to import, and rarely needed

    elf = running.attempt.case.image.elf
    return explain(output, process_exit.snapshot, Elf(elf, running.build_id))
