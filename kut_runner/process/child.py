# SPDX-License-Identifier: GPL-2.0-or-later
"""A child process in its own session, which ends with kut.

If kut dies, even by SIGKILL, the kernel kills the process (parent-death signal). When it is reaped,
the rest of its process group is killed, for example the children of a wrapper script.

macOS lacks two of these features. Without a parent-death signal, the process survives a SIGKILL of
kut. Before Python 3.13 an exit cannot be detected without reaping the process; in the short time
until its process group is killed, the number of the group could be reused.
"""

import ctypes
import os
import resource
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from kut_runner.process.cpu_usage import Usage

if TYPE_CHECKING:
    from io import FileIO

_PR_SET_PDEATHSIG: Final = 1


class Child:
    """A started process; `reap` kills it and cleans up."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        stdin: int,
        stdout: int,
        stderr: "FileIO",
        descriptors: Sequence[int] = (),
    ) -> None:
        """Start the process with these descriptors; raises OSError if it cannot be executed."""
        self._process = subprocess.Popen(
            command,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
            pass_fds=descriptors,
            preexec_fn=die_with_parent(signal.SIGKILL),  # noqa: PLW1509 - see there
        )
        self._is_reaped = False
        self.cpu_seconds = 0.0
        """CPU time of all threads; known after `reap`."""

    @property
    def pid(self) -> int:
        """Number of the process, which is also that of its session and its process group."""
        return self._process.pid

    def usage(self) -> Usage | None:
        """Return the CPU usage of the live threads; None if it is unknown."""
        return Usage.of(self.pid)

    def has_ended(self) -> bool:
        """Return whether the process has ended, without waiting."""
        if self._is_reaped or not hasattr(os, "waitid"):
            return self._process.poll() is not None
        return bool(os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT))

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process group."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def reap(self) -> int:
        """Kill the process group, wait for the process and return its status.

        The status is negative, the number of the signal, if one killed the process. The number of
        the group cannot be reused before the process is reaped; further calls return the status.
        """
        if self._is_reaped:
            return self._process.wait()
        try:
            self.signal(signal.SIGKILL)
        except PermissionError:  # on macOS, for a group whose only member is dead
            if not self.has_ended():
                raise
        before = _cpu_seconds_of_children()
        status = self._process.wait()
        self.cpu_seconds = _cpu_seconds_of_children() - before
        self._is_reaped = True
        return status


def _cpu_seconds_of_children() -> float:
    """Return the CPU time of all reaped children, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


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
