# SPDX-License-Identifier: GPL-2.0-or-later
"""One process that runs a machine: its start, output and timeouts, and its certain end.

It runs in a session of its own, so that Ctrl-C reaches only kut, with stdin from /dev/null, so
that it never touches the terminal, its stdout (the serial line) in a pipe and its stderr in a
file. When kut dies, even by SIGKILL, the kernel kills the process (parent-death signal). When it
ends, the rest of its process group, as a wrapper script would leave, is killed as well.

Linux gives all of this. macOS has no parent-death signal: there a process outlives a kut that was
killed by SIGKILL. Nor can macOS report, before Python 3.13, an exit without reaping the process, so
that the process group killed after it is, for a moment, one that could be another's.
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
#: Seconds of silence after an EXIT line before a QEMU that still runs is stopped.
LINGER: Final = 2.0

_PIPE_SIZE: Final = 1 << 20
_READ_SIZE: Final = 1 << 16
_PR_SET_PDEATHSIG: Final = 1
_STDERR_TAIL: Final = 4096
_EXIT_SAID: Final = re.compile(rb"(?:^|\n)EXIT: STATUS=[0-9]+\r*\n\s*\Z")
_EXIT_WINDOW: Final = 128


class ExitKind(Enum):
    """The reason why a process ended."""

    EXITED = auto()
    """By itself, with an exit status: power-off, or an error that the program reports."""
    KILLED = auto()
    """By a signal that kut did not send: it crashed, or someone killed it."""
    TIMED_OUT = auto()
    LINGERED = auto()
    """Stopped after an EXIT line that no power-off followed."""
    INTERRUPTED = auto()
    """Stopped because kut was told to stop."""
    NOT_STARTED = auto()
    """The program could not be executed."""


@dataclass(frozen=True, slots=True)
class Launch:
    """A process to start."""

    command: tuple[str, ...]
    log: Path
    """File for the raw bytes of the serial line."""
    timeout: float
    """Seconds until it is stopped, as `cpu_timeout` counts them."""
    inspector: "Callable[[], Inspector] | None" = None
    """Opens the access to the machine's state, which is read before a timeout stops it."""
    uninspectable: str = ""
    """Without an inspector: the reason, for the report of a timeout."""
    stderr: Path | None = None
    """File for its stderr; None for one beside the log."""

    @property
    def stderr_path(self) -> Path:
        """File for its stderr."""
        return self.stderr or self.log.with_suffix(".stderr")


@dataclass(frozen=True, slots=True)
class ProcessExit:
    """The end of a process."""

    kind: ExitKind
    code: int
    """EXITED: the exit status; KILLED: the signal; otherwise without meaning."""
    seconds: float
    """Wall time from start to end."""
    stderr: str
    """The end of its stderr."""
    missing: int = 0
    """Bytes of a flood that the log leaves out."""
    snapshot: Snapshot | None = None
    """After a timeout: state of the CPUs, or the reason why it could not be read."""
    cpu_seconds: float = 0.0
    """CPU time, all threads together."""
    starved_seconds: float = 0.0
    """Seconds of wall time for which the lack of CPUs held it up, as far as known."""
    cpu_demand: float | None = None
    """CPUs that it would have used on average; None when it ended too soon to tell."""


class Boot:
    """A process that was started; `finish` or `abandon` cleans up after it."""

    def __init__(self, launch: Launch, on_output: Callable[[bytes], None] | None = None) -> None:
        """Start it; raises OSError when the program or the log cannot be opened.

        `on_output` gets the output of the guest as it comes.
        """
        self.launch = launch
        """The arguments of the start."""
        self.was_inspectable = False
        """Whether the descriptors for an inspection reached the process; set by `finish`."""
        self._on_output = on_output
        with ExitStack() as undo:
            self.log = undo.enter_context(Capture(launch.log))
            self._stderr = undo.enter_context(create(launch.stderr_path))
            self._started = time.monotonic()
            self.inspector = launch.inspector() if launch.inspector else None
            """Access to the machine's state, where the launch asked for it."""
            if self.inspector:
                undo.callback(self.inspector.close)
            self._process = _spawn(launch.command, self._stderr, self.inspector)
            undo.pop_all()
        self._timeout = CpuTimeout(launch.timeout, self._started)
        self._linger: CpuTimeout | None = None
        self._is_slow = False
        self._due: float | None = None
        self._why: ExitKind | None = None
        self._is_asked = False
        self._recent = b""
        assert self._process.stdout  # noqa: S101 - for mypy: stdout=PIPE
        self._pipe = self._process.stdout
        os.set_blocking(self._pipe.fileno(), False)
        with suppress(OSError, AttributeError):
            # Above the user's limit, or not Linux: the default size is slower, not wrong.
            fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, _PIPE_SIZE)

    def fileno(self) -> int:
        """Return the descriptor of the serial line."""
        return self._pipe.fileno()

    @property
    def deadline(self) -> float | None:
        """When `expire` is due, in seconds of the monotonic clock; None when nothing is left."""
        if self._why:
            return self._due
        return min(self._timeout.due, self._linger.due) if self._linger else self._timeout.due

    def age(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self._started

    def read(self) -> int | None:
        """Write to disk the guest's output so far, a pipe full at most; return the bytes taken.

        None means that there is none yet, 0 that no more will come.
        """
        taken = 0
        while taken < _PIPE_SIZE:
            try:
                data = os.read(self._pipe.fileno(), _READ_SIZE)
            except BlockingIOError:
                return taken or None
            if not data:
                break
            self.log.write(data)
            if self._on_output:
                self._on_output(data)
            self._watch_for_exit(data)
            taken += len(data)
            if len(data) < _READ_SIZE:
                break
        return taken

    def stop(self, why: ExitKind) -> None:
        """Ask the process to end (SIGTERM); the next `expire` kills it."""
        self._why = why
        self._is_asked = True
        self._due = time.monotonic() + GRACE
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the process (SIGKILL)."""
        self._why = self._why or ExitKind.INTERRUPTED
        self._due = None
        self._signal(signal.SIGKILL)

    def expire(self, now: float) -> "tuple[Source, ...]":
        """Take the step that is due at `now`: check, inspect, then ask, then kill.

        Returns further sources to listen to, beside the serial line, from now on.
        """
        if self._is_asked:
            self.kill()
        elif self._why:
            if self.inspector:
                self.inspector.give_up()
            self.stop(self._why)
        elif why := self._check_timeout(now):
            return self._give_up_on(why)
        return ()

    def take_slow(self) -> bool:
        """Return whether the process has become slow since the last call, see `cpu_timeout`."""
        is_slow, self._is_slow = self._is_slow, False
        return is_slow

    @property
    def sources(self) -> "tuple[Source, ...]":
        """The sources that `expire` returned."""
        return self.inspector.sources if self.inspector else ()

    def has_ended(self) -> bool:
        """Return whether the process has ended, without waiting."""
        if not hasattr(os, "waitid"):
            return self._process.poll() is not None
        which = os.P_PID, self._process.pid
        return bool(os.waitid(*which, os.WEXITED | os.WNOHANG | os.WNOWAIT))

    def finish(self) -> ProcessExit:
        """Clean up after a process that has ended; nothing of it is left but the log.

        Raises InfrastructureError when the log cannot be written.
        """
        before = _cpu_seconds_of_children()
        status = self._clear()
        cpu_seconds = _cpu_seconds_of_children() - before
        seconds = self.age()
        usage = self._timeout.usage
        self.read()
        self._pipe.close()
        self.log.finish()
        return ProcessExit(
            kind=self._why or (ExitKind.EXITED if status >= 0 else ExitKind.KILLED),
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
        """Kill the process and wait for its end; the log stays as it is."""
        self._clear()
        self._pipe.close()
        self._stderr.close()
        self.log.close()

    def _clear(self) -> int:
        """Kill the rest of the process group and return the status of the process.

        As long as it has not been reaped, the number of the group cannot be anyone else's.
        """
        try:
            self._signal(signal.SIGKILL)
        except PermissionError:  # what macOS says of a group whose only member is dead
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
        if self._why is ExitKind.TIMED_OUT and self.launch.uninspectable:
            return Snapshot(trouble=self.launch.uninspectable)
        return None

    def _check_timeout(self, now: float) -> ExitKind | None:
        """Return why the process is to be stopped, None when it may go on."""
        usage = Usage.of(self._process.pid)
        state = self._timeout.check(now, usage)
        self._is_slow = self._is_slow or state is TimeoutState.SLOW
        if state is TimeoutState.OVER:
            return ExitKind.TIMED_OUT
        if self._linger and self._linger.check(now, usage) is TimeoutState.OVER:
            return ExitKind.LINGERED
        return None

    def _give_up_on(self, why: ExitKind) -> "tuple[Source, ...]":
        """Stop the process, or inspect its machine first."""
        if not self.inspector:
            self.stop(why)
            return ()
        self._why = why
        self._due = time.monotonic() + self.inspector.time_limit
        return self.inspector.begin(self._on_inspected)

    def _on_inspected(self) -> None:
        if not self._is_asked:
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
        """Shorten the timeout while an EXIT line is the last line of the output."""
        self._recent = (self._recent + data[-_EXIT_WINDOW:])[-_EXIT_WINDOW:]
        self._linger = None
        if not self._why and _EXIT_SAID.search(self._recent):
            self._linger = CpuTimeout(LINGER, time.monotonic(), Usage.of(self._process.pid))


def _cpu_seconds_of_children() -> float:
    """Return the CPU time of all children that have been waited for."""
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
    """Return what a child calls between fork and exec to get a signal when kut dies.

    None where there is no prctl.

    kut has one thread, so that no lock can be held by another at the time of the fork, and the
    signal comes at the death of the process: the kernel sends it when the forking thread ends.
    """
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if not prctl:
        return None
    parent = os.getpid()

    def in_child() -> None:
        prctl(_PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:  # it died before the call, so no signal will come
            os._exit(1)

    return in_child
