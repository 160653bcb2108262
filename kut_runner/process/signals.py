# SPDX-License-Identifier: GPL-2.0-or-later
"""Signals as a descriptor for a selector.

While a `Signals` is open, SIGINT, SIGTERM and SIGHUP only count stop requests. They and SIGCHLD
make its descriptor readable, so that signals do not interrupt the code at arbitrary points and
polling is unnecessary. A nested `Signals` passes stop requests on to the outer one.
"""

import os
import select
import signal
from types import FrameType
from typing import Final, Self

_STOP: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """Context manager that installs signal handlers and restores the previous ones.

    For the main thread only, where Python runs signal handlers.
    """

    def __init__(self) -> None:
        """Install no handler yet."""
        self.stops = 0
        """Number of stop requests."""
        self.handles_interrupts = True
        """Whether SIGINT counts; False while another program controls the terminal."""

    def __enter__(self) -> Self:
        """Install the handlers."""
        self._reader, self._writer = os.pipe()  # children do not inherit it: PEP 446
        for end in (self._reader, self._writer):
            os.set_blocking(end, False)
        self._old_writer = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        self._old = {number: signal.signal(number, self._stop) for number in _to_handle()}
        self._old[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, _on_child_exit)
        return self

    def __exit__(self, *_error: object) -> None:
        """Restore the previous handlers."""
        for number, handler in self._old.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._old_writer)
        os.close(self._reader)
        os.close(self._writer)

    def fileno(self) -> int:
        """Return the descriptor that a signal makes readable."""
        return self._reader

    def drain(self) -> None:
        """Make the descriptor unreadable until the next signal."""
        try:
            while os.read(self._reader, 512):
                pass
        except BlockingIOError:
            pass

    def stop_requested(self) -> bool:
        """Read from the descriptor; return whether a stop was requested."""
        self.drain()
        return bool(self.stops)

    def pause(self, seconds: float) -> None:
        """Wait for a signal, at most for `seconds`."""
        poll = select.poll()
        poll.register(self._reader, select.POLLIN)
        poll.poll(seconds * 1000)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.stops += number != signal.SIGINT or self.handles_interrupts
        outer = self._old.get(signal.Signals(number))
        if callable(outer) and isinstance(getattr(outer, "__self__", None), Signals):
            outer(number, frame)


def _to_handle() -> list[signal.Signals]:
    """Return the stop signals without those ignored at the start of kut, for example by nohup."""
    return [number for number in _STOP if signal.getsignal(number) is not signal.SIG_IGN]


def _on_child_exit(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: the wake-up descriptor needs a handler, as ignored signals do not reach it."""
