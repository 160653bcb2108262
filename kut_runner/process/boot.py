# SPDX-License-Identifier: GPL-2.0-or-later
"""One QEMU process: started, listened to, stopped in time, and gone for certain at the end.

QEMU runs in a session of its own, so that Ctrl-C reaches only kut, with stdin from /dev/null,
so that it never touches the terminal, its serial line in a pipe and its complaints in a file.
When kut dies, even by SIGKILL, the kernel kills QEMU (parent-death signal). When QEMU ends, what
is left of its process group, as a wrapper script would leave, is killed as well.

Linux gives all of this. macOS has no parent-death signal: there a QEMU outlives a kut that was
killed by SIGKILL. Nor can it tell, before Python 3.13, of an end without reaping the process, so
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
from itertools import pairwise
from pathlib import Path
from typing import Final

from kut_runner.process.capture import Capture, create
from kut_runner.process.cpu_timeout import CpuTimeout, TimeoutState
from kut_runner.process.cpu_usage import Usage
from kut_runner.process.inspection import TIME_LIMIT, Inspection, Snapshot, Sockets
from kut_runner.process.remote import Link

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
    """What ended a QEMU process."""

    EXITED = auto()
    """QEMU itself, with an exit status: power-off, or an error that QEMU reports."""
    KILLED = auto()
    """A signal that kut did not send: QEMU crashed, or someone killed it."""
    TIMED_OUT = auto()
    LINGERED = auto()
    """It was stopped after an EXIT line that no power-off followed."""
    INTERRUPTED = auto()
    """It was stopped because kut was told to stop."""
    NOT_STARTED = auto()
    """The program could not be executed."""


@dataclass(frozen=True, slots=True)
class Launch:
    """A QEMU to run."""

    command: tuple[str, ...]
    log: Path
    """Where the serial line's raw bytes go."""
    timeout: float
    """Seconds until it is stopped, as `patience` counts them."""
    inspect_version: tuple[int, ...] = ()
    """Version of this QEMU when its CPUs are to be looked at before a time-out stops it."""
    stderr: Path | None = None
    """Where QEMU's stderr goes; None for a file beside the log."""

    @property
    def stderr_path(self) -> Path:
        """Where QEMU's stderr goes."""
        return self.stderr or self.log.with_suffix(".stderr")


@dataclass(frozen=True, slots=True)
class ProcessExit:
    """How a QEMU process ended."""

    kind: ExitKind
    code: int
    """EXITED: the exit status; KILLED: the signal; otherwise of no meaning."""
    seconds: float
    """Wall time from start to end."""
    stderr: str
    """The end of what QEMU wrote to stderr."""
    missing: int = 0
    """Bytes of a flood that the log leaves out."""
    snapshot: Snapshot | None = None
    """After a time-out: what the CPUs were doing, when that was asked for."""
    cpu_seconds: float = 0.0
    """CPU time of QEMU, all its threads together."""
    starved_seconds: float = 0.0
    """Seconds of wall time for which the lack of CPUs held it up, as far as known."""
    cpu_demand: float | None = None
    """CPUs that it would have used on average; None when it ended too soon to tell."""


class Boot:
    """A QEMU process that was started; `finish` or `abandon` clears up after it."""

    def __init__(self, launch: Launch, on_output: Callable[[bytes], None] | None = None) -> None:
        """Start it; raises OSError when the program or the log cannot be opened.

        `on_output` gets what the guest says, as it comes.
        """
        self.launch = launch
        """What was asked for."""
        self._on_output = on_output
        with ExitStack() as undo:
            self.log = undo.enter_context(Capture(launch.log))
            self._stderr = undo.enter_context(create(launch.stderr_path))
            self._started = time.monotonic()
            self._sockets = Sockets(launch.inspect_version) if launch.inspect_version else None
            if self._sockets:
                undo.callback(self._sockets.close)
            self._process = _spawn(launch.command, self._stderr, self._sockets)
            undo.pop_all()
        self._timeout = CpuTimeout(launch.timeout, self._started)
        self._linger: CpuTimeout | None = None
        self._is_slow = False
        self._due: float | None = None
        self._why: ExitKind | None = None
        self._inspection: Inspection | None = None
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
        """Take to disk what the guest has said, a pipe full at most; return the number of bytes.

        None means that there are none yet, 0 that no more will come.
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
        """Ask QEMU to end (SIGTERM); the next `expire` does not ask."""
        self._why = why
        self._is_asked = True
        self._due = time.monotonic() + GRACE
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End QEMU (SIGKILL)."""
        self._why = self._why or ExitKind.INTERRUPTED
        self._due = None
        self._signal(signal.SIGKILL)

    def expire(self, now: float) -> tuple[Link, ...]:
        """Do what is due at `now`: look, examine, then ask, then kill.

        Returns what there is to listen to, beside the serial line, from now on.
        """
        if self._is_asked:
            self.kill()
        elif self._why:
            if self._inspection:
                self._inspection.give_up()
            self.stop(self._why)
        elif why := self._check_timeout(now):
            return self._give_up_on(why)
        return ()

    def take_slow(self) -> bool:
        """Tell whether QEMU has become slow since the last call, see `patience`."""
        is_slow, self._is_slow = self._is_slow, False
        return is_slow

    @property
    def sockets(self) -> Sockets | None:
        """The ways to this QEMU, where it was started with some."""
        return self._sockets

    @property
    def links(self) -> tuple[Link, ...]:
        """What `expire` said to listen to."""
        return self._inspection.links if self._inspection else ()

    def has_ended(self) -> bool:
        """Tell whether QEMU has ended, without waiting."""
        if not hasattr(os, "waitid"):
            return self._process.poll() is not None
        which = os.P_PID, self._process.pid
        return bool(os.waitid(*which, os.WEXITED | os.WNOHANG | os.WNOWAIT))

    def finish(self) -> ProcessExit:
        """Clear up after a QEMU that has ended; nothing of it is left but the log.

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
        kind = self._why or (ExitKind.EXITED if status >= 0 else ExitKind.KILLED)
        return ProcessExit(
            kind=kind,
            code=abs(status),
            seconds=seconds,
            stderr=self._stderr_tail(),
            missing=self.log.missing,
            snapshot=self._inspection.snapshot if self._inspection else None,
            cpu_seconds=cpu_seconds,
            starved_seconds=self._timeout.starved_seconds,
            cpu_demand=Usage(cpu_seconds, usage.waited).cpu_demand(seconds) if usage else None,
        )

    def abandon(self) -> None:
        """Kill QEMU and wait for its end; the log stays as it is."""
        self._clear()
        self._pipe.close()
        self._stderr.close()
        self.log.close()

    def _clear(self) -> int:
        """Kill all that is left of QEMU's process group and return QEMU's status.

        Where QEMU has not been reaped yet, the number of the group cannot be anyone else's.
        """
        try:
            self._signal(signal.SIGKILL)
        except PermissionError:  # what macOS says of a group whose only member is dead
            if not self.has_ended():
                raise
        status = self._process.wait()
        if self._inspection:
            self._inspection.give_up()
        if self._sockets:
            self._sockets.close()
        return status

    def _check_timeout(self, now: float) -> ExitKind | None:
        """Return why QEMU is to be stopped, None when it may go on."""
        usage = Usage.of(self._process.pid)
        check = self._timeout.check(now, usage)
        self._is_slow = self._is_slow or check is TimeoutState.SLOW
        if check is TimeoutState.OVER:
            return ExitKind.TIMED_OUT
        if self._linger and self._linger.check(now, usage) is TimeoutState.OVER:
            return ExitKind.LINGERED
        return None

    def _give_up_on(self, why: ExitKind) -> tuple[Link, ...]:
        """Stop QEMU, or look at its CPUs first."""
        if not self._sockets:
            self.stop(why)
            return ()
        self._why = why
        self._due = time.monotonic() + TIME_LIMIT
        kernel = _after("-kernel", self.launch.command)
        self._inspection = Inspection(self._sockets, kernel, self._on_inspected)
        return self._inspection.links

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
        """Lose patience sooner while an EXIT line is the last thing said."""
        self._recent = (self._recent + data[-_EXIT_WINDOW:])[-_EXIT_WINDOW:]
        self._linger = None
        if not self._why and _EXIT_SAID.search(self._recent):
            self._linger = CpuTimeout(LINGER, time.monotonic(), Usage.of(self._process.pid))


def _cpu_seconds_of_children() -> float:
    """Return the CPU time of all children that have been waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _spawn(
    command: tuple[str, ...], stderr_path: FileIO, sockets: Sockets | None
) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        (*command, *(sockets.options if sockets else ())),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr_path,
        bufsize=0,
        start_new_session=True,
        pass_fds=sockets.descriptors if sockets else (),
        preexec_fn=die_with_parent(signal.SIGKILL),  # noqa: PLW1509 - see there
    )
    if sockets:
        sockets.close_theirs()
    return process


def _after(option: str, command: tuple[str, ...]) -> str:
    """Return the value of an option, "" when it is not there."""
    return next((value for each, value in pairwise(command) if each == option), "")


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
