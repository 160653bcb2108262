# SPDX-License-Identifier: GPL-2.0-or-later
"""A process that runs a machine: start, output, timeouts and cleanup.

The process has its own session, so that Ctrl-C reaches only kut (see `child`). Its stdin is
/dev/null, so that it never reads from the terminal; its stdout (the serial line) is a pipe, its
stderr a file.

With a harness there may be a second process, a spare, which takes over from the first. Both have
the same pipe for stdout and the same file for stderr, so that the kernel keeps their output in
order; stdin is a pipe of each process, for the keys that the harness presses.
"""

import fcntl
import os
import re
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kut_runner.process.capture import Capture, create
from kut_runner.process.cpu_timeout import CpuTimeout, TimeoutState
from kut_runner.process.cpu_usage import Usage
from kut_runner.process.machine import Machine, Pipe
from kut_runner.process.snapshot import Snapshot

if TYPE_CHECKING:
    from kut_runner.process.harness import Finding, Harness, Stage
    from kut_runner.process.inspector import Inspector, Source, Watcher

#: Seconds from SIGTERM to SIGKILL.
GRACE: Final = 1.0
#: Seconds from an EXIT line without further output to the stop of the process.
LINGER: Final = 2.0

_PIPE_SIZE: Final = 1 << 20
_READ_SIZE: Final = 1 << 16
_STDERR_TAIL: Final = 4096
_EXIT_PRINTED: Final = re.compile(rb"(?:^|\n)EXIT: STATUS=[0-9]+\r*\n\s*\Z")
_EXIT_WINDOW: Final = 128


class ExitKind(Enum):
    """Reason for the end of a process."""

    EXITED = auto()
    """With an exit status: after a power-off or an error of the program."""
    KILLED = auto()
    """By a signal that kut did not send."""
    TIMED_OUT = auto()
    """Stopped at the timeout."""
    LINGERED = auto()
    """Stopped after an EXIT line without a power-off."""
    INTERRUPTED = auto()
    """Stopped because kut was asked to stop."""
    GIVEN_UP = auto()
    """Stopped by its harness."""
    NOT_STARTED = auto()
    """The program could not be executed."""


@dataclass(frozen=True, slots=True)
class Launch:
    """Parameters of a process to start."""

    command: tuple[str, ...]
    log: Path
    """File for the raw bytes of the serial line."""
    timeout: float
    """Seconds until the process is stopped, as `cpu_timeout` counts them."""
    inspector: "Callable[[], Inspector] | None" = None
    """Factory of the access to the machine's state, which is read before a stop at a timeout."""
    uninspectable: str = ""
    """Reason why there is no inspector, for the report of a timeout."""
    stderr: Path | None = None
    """File for stderr; None for one next to the log."""
    trace: Path | None = None
    """File to which the program itself writes what the user asked it to trace; None for none."""
    harness: "Callable[[Stage], Harness] | None" = None
    """Factory of the harness that directs the machine; None for a test that runs by itself."""
    slowness: float = 1.0
    """Factor of the limits that do not depend on the test, such as `LINGER`."""
    stall: float | None = None
    """Seconds without output until it is stopped, counted as the timeout is; None for no limit."""

    @property
    def stderr_path(self) -> Path:
        """File for stderr."""
        return self.stderr or self.log.with_suffix(".stderr")


@dataclass(frozen=True, slots=True)
class ProcessExit:
    """Exit of a process."""

    kind: ExitKind
    code: int
    """Exit status (EXITED) or number of the signal (KILLED); otherwise without meaning."""
    seconds: float
    """Wall time from start to end."""
    stderr: str
    """End of stderr."""
    missing: int = 0
    """Bytes that the log leaves out of a flood."""
    snapshot: Snapshot | None = None
    """State of the CPUs at a timeout, or the reason why it could not be read."""
    slowness: float = 1.0
    """That of its launch."""
    cpu_seconds: float = 0.0
    """CPU time of all threads."""
    starved_seconds: float = 0.0
    """Seconds of wall time lost to a lack of CPUs; 0 if unknown."""
    cpu_demand: float | None = None
    """Average CPUs that it would have used without a lack; None if it ended too early to tell."""
    moves: int = 0
    """Migrations: completed moves to another process."""
    finding: "Finding | None" = None
    """Finding of the harness; None without one."""


class _NoWatcher:
    """Stands for a selector where nothing needs one."""

    def watch(self, source: "Source") -> None:
        """Do nothing."""

    def ignore(self, source: "Source") -> None:
        """Do nothing."""


class Boot:
    """A started process; `finish` or `abandon` cleans up after it."""

    def __init__(
        self,
        launch: Launch,
        on_output: Callable[[bytes], None] | None = None,
        watcher: "Watcher | None" = None,
    ) -> None:
        """Start the process; raises OSError if the program or the log cannot be opened.

        `on_output` is called with each part of the guest's output. `watcher` waits for the sources
        of an inspection and of the harness.
        """
        self.launch = launch
        """Parameters of the process."""
        self.watcher = watcher or _NoWatcher()
        """Selector for the sources of the harness."""
        self.was_inspectable = False
        """Whether the descriptors of the inspector reached the process; set by `finish`."""
        self._on_output = on_output
        self._cpu_seconds = 0.0
        self._past_usage = Usage()
        self._spare: Machine | None = None
        self._linger: CpuTimeout | None = None
        self._stall: CpuTimeout | None = None
        self._is_slow = False
        self._due: float | None = None
        self._reason: ExitKind | None = None
        self._is_terminating = False
        self._is_reaped = False
        self._recent = b""
        with ExitStack() as undo:
            self.log = undo.enter_context(Capture(launch.log))
            self._stderr = undo.enter_context(create(launch.stderr_path))
            self._serial = undo.enter_context(Pipe())
            self._started = time.monotonic()
            self._harness = launch.harness(self) if launch.harness else None
            if self._harness:
                undo.callback(self._harness.close)
            self._current = self._start_machine()
            undo.callback(self._current.close)
            undo.callback(self._current.reap)
            self._timeout = CpuTimeout(launch.timeout, self._started)
            self._stall = self._stall_timeout(self._started)
            if self._harness:
                self._harness.on_started()
            else:
                self._serial.close_writer()  # so that the pipe ends with the process
            undo.pop_all()
        os.set_blocking(self._serial.reader, False)
        with suppress(OSError, AttributeError):
            # Above the limit of the user, or not Linux: the default size is only slower.
            fcntl.fcntl(self._serial.reader, fcntl.F_SETPIPE_SZ, _PIPE_SIZE)

    def fileno(self) -> int:
        """Return the descriptor of the serial line."""
        return self._serial.reader

    @property
    def deadline(self) -> float | None:
        """Time of the next `expire`, in seconds of the monotonic clock; None after the last."""
        if self._reason:
            return min((due for due in (self._due, self._alarm) if due is not None), default=None)
        timeouts = (self._timeout, self._linger, self._stall)
        return min(timeout.due for timeout in timeouts if timeout)

    def age(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self._started

    def read(self) -> int | None:
        """Read available output, at most as much as the pipe holds, and write it to the log.

        Returns the number of bytes, None if none are available yet, 0 at the end of the output.
        """
        size = 0
        while size < _PIPE_SIZE:
            try:
                data = os.read(self._serial.reader, _READ_SIZE)
            except BlockingIOError:
                return size or None
            if not data:
                break
            self.log.write(data)
            self._stall = self._stall_timeout(time.monotonic())
            if self._on_output:
                self._on_output(data)
            self._watch_for_exit(data)
            if self._harness and self._is_directed:
                self._harness.on_output(data)
            size += len(data)
            if len(data) < _READ_SIZE:
                break
        return size

    def stop(self, reason: ExitKind) -> None:
        """Terminate the process (SIGTERM); the next `expire` kills it."""
        self._reason = reason
        self._is_terminating = True
        self._due = time.monotonic() + GRACE
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the process (SIGKILL)."""
        self._reason = self._reason or ExitKind.INTERRUPTED
        self._due = None
        self._signal(signal.SIGKILL)

    def expire(self, now: float) -> None:
        """Run the step that is due at `now`: check the timeout, inspect, terminate, or kill."""
        if self._is_terminating:
            self.kill()
        elif self._reason and self.inspector and self._due and now < self._due:
            self.inspector.ring()
        elif self._reason:
            if self.inspector:
                self.inspector.give_up()
            self.stop(self._reason)
        elif reason := self._check_timeout(now):
            self._inspect_or_stop(reason)

    def take_slow(self) -> bool:
        """Return whether the process became slow since the last call; see `cpu_timeout`."""
        is_slow, self._is_slow = self._is_slow, False
        return is_slow

    @property
    def inspector(self) -> "Inspector | None":
        """Access to the state of the machine; None if the launch has none."""
        return self._current.inspector

    @property
    def sources(self) -> "tuple[Source, ...]":
        """Sources of an inspection that the watcher waits for."""
        return self.inspector.sources if self.inspector else ()

    def start_spare(self) -> None:
        """Start a further machine for the harness; raises OSError."""
        self._spare = self._start_machine()

    def hand_over(self) -> None:
        """Make the spare machine the current one, and kill the current one."""
        if self._spare and self._is_directed:
            self._retire(self._current)
            self._current, self._spare = self._spare, None

    def press_key(self) -> None:
        """Send a newline to the serial line of the current machine."""
        if self._is_directed:
            self._current.press_key()

    def give_up(self) -> None:
        """Kill the process because of a finding of the harness."""
        if self._is_directed:
            self._reason = ExitKind.GIVEN_UP
            self.kill()

    def has_ended(self) -> bool:
        """Return whether the process has ended, without waiting."""
        if self._spare and self._is_directed and self._spare.has_ended():
            self._lose_spare(self._spare)
        return self._current.has_ended()

    def finish(self) -> ProcessExit:
        """Clean up after a process that has ended; only the log remains.

        Raises InfrastructureError if the log cannot be written.
        """
        status = self._reap()
        seconds = self.age()
        usage = self._timeout.usage
        self._serial.close_writer()
        self.read()
        finding = self._harness.finish(self._stderr_tail()) if self._harness else None
        self._close()
        self.log.finish()
        cpu_seconds = self._cpu_seconds
        return ProcessExit(
            kind=self._reason or (ExitKind.EXITED if status >= 0 else ExitKind.KILLED),
            code=abs(status),
            seconds=seconds,
            stderr=self._take_stderr(),
            missing=self.log.missing,
            snapshot=self._snapshot(),
            slowness=self.launch.slowness,
            cpu_seconds=cpu_seconds,
            starved_seconds=self._timeout.starved_seconds,
            cpu_demand=Usage(cpu_seconds, usage.waited).cpu_demand(seconds) if usage else None,
            moves=self._harness.moves if self._harness else 0,
            finding=finding,
        )

    def abandon(self) -> None:
        """Kill the process and wait for its end; the log remains as it is."""
        self._reap()
        self._close()
        self._stderr.close()
        self.log.close()

    @property
    def _is_directed(self) -> bool:
        """Whether the harness may act: not while the processes are stopped, and not after."""
        return not (self._reason or self._is_reaped)

    def _start_machine(self) -> Machine:
        attachment = self._harness.attach() if self._harness else None
        return Machine(
            self.launch.command,
            serial=self._serial.writer,
            stderr=self._stderr,
            inspector=self.launch.inspector,
            attachment=attachment,
        )

    def _lose_spare(self, spare: Machine) -> None:
        """Report a spare machine that has ended by itself to the harness.

        It may have ended right after it took over, before the harness knew.
        """
        assert self._harness  # noqa: S101 - there is no spare without a harness
        self._harness.on_spare_exit(spare.reap(), self._stderr_tail())
        if self._spare is spare:
            self._spare = None
            self._retire(spare)

    def _retire(self, machine: Machine) -> None:
        """Kill and reap a machine."""
        self._past_usage += machine.usage() or Usage()
        machine.reap()
        machine.close()
        self._cpu_seconds += machine.cpu_seconds

    def _reap(self) -> int:
        """Kill all processes, wait for them, and return the status of the current one."""
        if self._spare:
            self._retire(self._spare)
            self._spare = None
        status = self._current.reap()
        self._is_reaped = True
        if self.inspector:
            self.inspector.give_up()
            self.was_inspectable = self.inspector.was_reached()
        self._retire(self._current)
        return status

    def _close(self) -> None:
        self._serial.close()
        if self._harness:
            self._harness.close()

    def _snapshot(self) -> Snapshot | None:
        if self.inspector:
            return self.inspector.snapshot
        if self._reason is ExitKind.TIMED_OUT and self.launch.uninspectable:
            return Snapshot(trouble=self.launch.uninspectable)
        return None

    def _check_timeout(self, now: float) -> ExitKind | None:
        """Return the reason to stop the process, None to continue."""
        usage = self._usage()
        state = self._timeout.check(now, usage)
        self._is_slow = self._is_slow or state is TimeoutState.SLOW
        if state is TimeoutState.OVER:
            return ExitKind.TIMED_OUT
        if self._linger and self._linger.check(now, usage) is TimeoutState.OVER:
            return ExitKind.LINGERED
        if self._stall and self._stall.check(now, usage) is TimeoutState.OVER:
            return ExitKind.TIMED_OUT
        return None

    def _stall_timeout(self, now: float) -> CpuTimeout | None:
        """Return the timeout until further output, None without a limit."""
        if self.launch.stall is None:
            return None
        return CpuTimeout(self.launch.stall, now, self._usage())

    def _usage(self) -> Usage | None:
        """Return the CPU usage of all processes so far; None if it is unknown."""
        used = self._current.usage()
        spare = self._spare.usage() if self._spare else None
        return used and used + (spare or Usage()) + self._past_usage

    def _inspect_or_stop(self, reason: ExitKind) -> None:
        """Begin the inspection of the machine, or stop the process if it has no inspector."""
        if not self.inspector:
            self.stop(reason)
            return
        self._reason = reason
        self._due = time.monotonic() + self.inspector.time_limit
        for source in self.inspector.begin(self._on_inspected):
            self.watcher.watch(source)

    @property
    def _alarm(self) -> float | None:
        return self.inspector.alarm if self.inspector and not self._is_terminating else None

    def _on_inspected(self) -> None:
        if not self._is_terminating:
            self._due = time.monotonic()

    def _stderr_tail(self) -> str:
        """Return the end of stderr, without a seek: the position is that of the processes too."""
        size = os.fstat(self._stderr.fileno()).st_size
        tail = os.pread(self._stderr.fileno(), _STDERR_TAIL, max(0, size - _STDERR_TAIL))
        return tail.decode(errors="backslashreplace").strip()

    def _take_stderr(self) -> str:
        with self._stderr:
            return self._stderr_tail()

    def _signal(self, number: signal.Signals) -> None:
        for machine in (self._current, self._spare):
            if machine:
                machine.signal(number)

    def _watch_for_exit(self, data: bytes) -> None:
        """Shorten the timeout while the last line of the output is an EXIT line."""
        self._recent = (self._recent + data[-_EXIT_WINDOW:])[-_EXIT_WINDOW:]
        self._linger = None
        if not self._reason and _EXIT_PRINTED.search(self._recent):
            limit = LINGER * self.launch.slowness
            self._linger = CpuTimeout(limit, time.monotonic(), self._usage())
