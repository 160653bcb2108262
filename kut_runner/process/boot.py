# SPDX-License-Identifier: GPL-2.0-or-later
"""A process that runs a machine: start, output, timeouts and cleanup.

The process has its own session, so that Ctrl-C reaches only kut. Its stdin is /dev/null, so that it
never reads from the terminal; its stdout (the serial line) is a pipe, its stderr a file. If kut
dies, even by SIGKILL, the kernel kills the process (parent-death signal). After its exit the rest
of its process group is killed, for example the children of a wrapper script.

macOS lacks two of these features. Without a parent-death signal, the process survives a SIGKILL of
kut. Before Python 3.13 an exit cannot be detected without reaping the process; in the short time
until its process group is killed, the number of the group could be reused.
"""

import ctypes
import fcntl
import os
import re
import resource
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from enum import Enum, auto
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kut_runner.process.capture import Capture, create
from kut_runner.process.cpu_timeout import CpuTimeout, TimeoutState
from kut_runner.process.cpu_usage import Usage

if TYPE_CHECKING:
    from kut_runner.process.inspector import Inspector, Source
from kut_runner.process.snapshot import Snapshot

#: Seconds from SIGTERM to SIGKILL.
GRACE: Final = 1.0
#: Seconds from an EXIT line without further output to the stop of the process.
LINGER: Final = 2.0

_PIPE_SIZE: Final = 1 << 20
_READ_SIZE: Final = 1 << 16
_PR_SET_PDEATHSIG: Final = 1
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
    cpu_seconds: float = 0.0
    """CPU time of all threads."""
    starved_seconds: float = 0.0
    """Seconds of wall time lost to a lack of CPUs; 0 if unknown."""
    cpu_demand: float | None = None
    """Average CPUs that it would have used without a lack; None if it ended too early to tell."""


class Boot:
    """A started process; `finish` or `abandon` cleans up after it."""

    def __init__(self, launch: Launch, on_output: Callable[[bytes], None] | None = None) -> None:
        """Start the process; raises OSError if the program or the log cannot be opened.

        `on_output` is called with each part of the guest's output.
        """
        self.launch = launch
        """Parameters of the process."""
        self.was_inspectable = False
        """Whether the descriptors of the inspector reached the process; set by `finish`."""
        self._on_output = on_output
        with ExitStack() as undo:
            self.log = undo.enter_context(Capture(launch.log))
            self._stderr = undo.enter_context(create(launch.stderr_path))
            self._started = time.monotonic()
            self.inspector = launch.inspector() if launch.inspector else None
            """Access to the state of the machine; None if the launch has none."""
            if self.inspector:
                undo.callback(self.inspector.close)
            self._process = _spawn(launch.command, self._stderr, self.inspector)
            undo.pop_all()
        self._timeout = CpuTimeout(launch.timeout, self._started)
        self._linger: CpuTimeout | None = None
        self._is_slow = False
        self._due: float | None = None
        self._reason: ExitKind | None = None
        self._is_terminating = False
        self._recent = b""
        assert self._process.stdout  # noqa: S101 - for mypy: stdout=PIPE
        self._pipe = self._process.stdout
        os.set_blocking(self._pipe.fileno(), False)
        with suppress(OSError, AttributeError):
            # Above the limit of the user, or not Linux: the default size is only slower.
            fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, _PIPE_SIZE)

    def fileno(self) -> int:
        """Return the descriptor of the serial line."""
        return self._pipe.fileno()

    @property
    def deadline(self) -> float | None:
        """Time of the next `expire`, in seconds of the monotonic clock; None after the last."""
        if self._reason:
            return self._due
        return min(self._timeout.due, self._linger.due) if self._linger else self._timeout.due

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
                data = os.read(self._pipe.fileno(), _READ_SIZE)
            except BlockingIOError:
                return size or None
            if not data:
                break
            self.log.write(data)
            if self._on_output:
                self._on_output(data)
            self._watch_for_exit(data)
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

    def expire(self, now: float) -> "tuple[Source, ...]":
        """Run the step that is due at `now`: check the timeout, inspect, terminate, or kill.

        Returns additional sources to wait for.
        """
        if self._is_terminating:
            self.kill()
        elif self._reason:
            if self.inspector:
                self.inspector.give_up()
            self.stop(self._reason)
        elif reason := self._check_timeout(now):
            return self._inspect_or_stop(reason)
        return ()

    def take_slow(self) -> bool:
        """Return whether the process became slow since the last call; see `cpu_timeout`."""
        is_slow, self._is_slow = self._is_slow, False
        return is_slow

    @property
    def sources(self) -> "tuple[Source, ...]":
        """Sources that `expire` returned."""
        return self.inspector.sources if self.inspector else ()

    def has_ended(self) -> bool:
        """Return whether the process has ended, without waiting."""
        if not hasattr(os, "waitid"):
            return self._process.poll() is not None
        which = os.P_PID, self._process.pid
        return bool(os.waitid(*which, os.WEXITED | os.WNOHANG | os.WNOWAIT))

    def finish(self) -> ProcessExit:
        """Clean up after a process that has ended; only the log remains.

        Raises InfrastructureError if the log cannot be written.
        """
        before = _cpu_seconds_of_children()
        status = self._reap()
        cpu_seconds = _cpu_seconds_of_children() - before
        seconds = self.age()
        usage = self._timeout.usage
        self.read()
        self._pipe.close()
        self.log.finish()
        return ProcessExit(
            kind=self._reason or (ExitKind.EXITED if status >= 0 else ExitKind.KILLED),
            code=abs(status),
            seconds=seconds,
            stderr=self._stderr_tail(),
            missing=self.log.missing,
            snapshot=self._snapshot(),
            cpu_seconds=cpu_seconds,
            starved_seconds=self._timeout.starved_seconds,
            cpu_demand=Usage(cpu_seconds, usage.waited).cpu_demand(seconds) if usage else None,
        )

    def abandon(self) -> None:
        """Kill the process and wait for its end; the log remains as it is."""
        self._reap()
        self._pipe.close()
        self._stderr.close()
        self.log.close()

    def _reap(self) -> int:
        """Kill the process group, wait for the process and return its status.

        The number of the group cannot be reused before the process is reaped.
        """
        try:
            self._signal(signal.SIGKILL)
        except PermissionError:  # on macOS, for a group whose only member is dead
            if not self.has_ended():
                raise
        status = self._process.wait()
        if self.inspector:
            self.inspector.give_up()
            self.was_inspectable = self.inspector.was_reached()
            self.inspector.close()
        return status

    def _snapshot(self) -> Snapshot | None:
        if self.inspector:
            return self.inspector.snapshot
        if self._reason is ExitKind.TIMED_OUT and self.launch.uninspectable:
            return Snapshot(trouble=self.launch.uninspectable)
        return None

    def _check_timeout(self, now: float) -> ExitKind | None:
        """Return the reason to stop the process, None to continue."""
        usage = Usage.of(self._process.pid)
        state = self._timeout.check(now, usage)
        self._is_slow = self._is_slow or state is TimeoutState.SLOW
        if state is TimeoutState.OVER:
            return ExitKind.TIMED_OUT
        if self._linger and self._linger.check(now, usage) is TimeoutState.OVER:
            return ExitKind.LINGERED
        return None

    def _inspect_or_stop(self, reason: ExitKind) -> "tuple[Source, ...]":
        """Begin the inspection of the machine, or stop the process if it has no inspector."""
        if not self.inspector:
            self.stop(reason)
            return ()
        self._reason = reason
        self._due = time.monotonic() + self.inspector.time_limit
        return self.inspector.begin(self._on_inspected)

    def _on_inspected(self) -> None:
        if not self._is_terminating:
            self._due = time.monotonic()

    def _stderr_tail(self) -> str:
        with self._stderr as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _STDERR_TAIL))
            return file.read().decode(errors="backslashreplace").strip()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _watch_for_exit(self, data: bytes) -> None:
        """Shorten the timeout while the last line of the output is an EXIT line."""
        self._recent = (self._recent + data[-_EXIT_WINDOW:])[-_EXIT_WINDOW:]
        self._linger = None
        if not self._reason and _EXIT_PRINTED.search(self._recent):
            self._linger = CpuTimeout(LINGER, time.monotonic(), Usage.of(self._process.pid))


def _cpu_seconds_of_children() -> float:
    """Return the CPU time of all reaped children, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _spawn(
    command: tuple[str, ...], stderr: FileIO, inspector: "Inspector | None"
) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        (*command, *(inspector.options if inspector else ())),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        bufsize=0,
        start_new_session=True,
        pass_fds=inspector.descriptors if inspector else (),
        preexec_fn=die_with_parent(signal.SIGKILL),  # noqa: PLW1509 - see there
    )
    if inspector:
        inspector.on_started()
    return process


def die_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """Return a `preexec_fn` that sets the parent-death signal of a child; None without prctl.

    It is safe because kut has one thread: no other thread can hold a lock at the time of the fork,
    and the kernel sends the signal at the end of the forking thread, which is that of kut.
    """
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if not prctl:
        return None
    parent = os.getpid()

    def in_child() -> None:
        prctl(_PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:  # kut died before the call: there will be no signal
            os._exit(1)

    return in_child
