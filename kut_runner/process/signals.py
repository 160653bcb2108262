# SPDX-License-Identifier: GPL-2.0-or-later
"""Signals as something a selector can wait for.

While a `Signals` is open, SIGINT, SIGTERM and SIGHUP only count as a wish to stop, and they and
the end of a child make its file descriptor readable: nothing interrupts the code at a random
place, and nothing needs to be polled. One that opens within another passes the wish on to it.
"""

import os
import select
import signal
from types import FrameType
from typing import Final, Self

_STOP: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """Context manager; the handlers that were there before come back at its end.

    Works in the main thread only: there Python runs signal handlers.
    """

    def __init__(self) -> None:
        """Change nothing yet."""
        self.stops = 0
        """How many times a stop was asked for."""
        self.handles_interrupts = True
        """Whether SIGINT counts: it does not where another program has the terminal."""

    def __enter__(self) -> Self:
        """Install the handlers."""
        self._reader, self._writer = os.pipe()  # children do not inherit it: PEP 446
        for end in (self._reader, self._writer):
            os.set_blocking(end, False)
        self._old_writer = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        self._old = {number: signal.signal(number, self._stop) for number in _to_handle()}
        self._old[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, _woken)
        return self

    def __exit__(self, *_error: object) -> None:
        """Put everything back."""
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
        """Take in what the descriptor has; tell whether a stop was asked for."""
        self.drain()
        return bool(self.stops)

    def pause(self, seconds: float) -> None:
        """Wait for a signal, for so long at most."""
        poll = select.poll()
        poll.register(self._reader, select.POLLIN)
        poll.poll(seconds * 1000)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.stops += number != signal.SIGINT or self.handles_interrupts
        outer = self._old.get(signal.Signals(number))
        if callable(outer) and isinstance(getattr(outer, "__self__", None), Signals):
            outer(number, frame)


def _to_handle() -> list[signal.Signals]:
    """Return the stop signals that kut was not started with orders to ignore, as by nohup."""
    return [number for number in _STOP if signal.getsignal(number) is not signal.SIG_IGN]


def _woken(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: the wake-up descriptor is enough, but an ignored signal would not reach it."""
