# SPDX-License-Identifier: GPL-2.0-or-later
"""Timeouts that do not count time lost to a lack of CPUs.

A timeout counts the wall time in which a process could run or slept, not the time in which it
waited for a CPU: on a busy host tests are slower, but their verdicts are the same. The limit is ten
times the timeout. A test is reported as slow at half of its timeout, and again each time its age
has doubled. The module reads no clock: all times are arguments.
"""

from enum import Enum, auto
from typing import Final

from kut_runner.process.cpu_usage import Usage

#: Limit of the wall time, as a multiple of the timeout.
WALL_FACTOR: Final = 10

#: Seconds to the first check of the CPU usage; further ones follow as the age doubles.
_FIRST_CHECK: Final = 0.1
#: Smallest extension, as a fraction of the timeout.
_LEAST_EXTENSION: Final = 0.01


class TimeoutState(Enum):
    """State of a timeout."""

    FINE = auto()
    SLOW = auto()
    OVER = auto()
    """The timeout has expired."""


class CpuTimeout:
    """The timeout of one process; all times are seconds of the same clock."""

    def __init__(self, timeout: float, now: float, usage: Usage | None = None) -> None:
        """Start at `now`; `usage` is that of the process before, None for none."""
        self._timeout = timeout
        self._started = now
        self._before = usage or Usage()
        self._end = now + timeout
        self._last = now + WALL_FACTOR * timeout
        self._slow = now + timeout / 2
        self._next_check = now + _FIRST_CHECK
        self.usage: Usage | None = None
        """CPU usage from the start to the last check with a known usage."""
        self.seconds = 0.0
        """Seconds from the start to that check."""

    @property
    def due(self) -> float:
        """Time of the next check."""
        return min(self._end, self._slow, self._next_check)

    def check(self, now: float, usage: Usage | None) -> TimeoutState:
        """Return the state at `now`; `usage` is that of the process up to now, None if unknown."""
        age = now - self._started
        self._next_check = self._after(self._next_check, now)
        if usage:
            self.usage, self.seconds = usage.since(self._before), age
        left = self._timeout - (age - self.starved_seconds)
        if left <= 0 or now >= self._last:
            return TimeoutState.OVER
        self._end = min(now + max(left, self._timeout * _LEAST_EXTENSION), self._last)
        if now < self._slow:
            return TimeoutState.FINE
        self._slow = self._after(self._slow, now)
        return TimeoutState.SLOW

    def _after(self, due: float, now: float) -> float:
        """Return the first time after `now` when the age at `due` has doubled, repeatedly."""
        while due <= now:
            due = self._started + 2 * (due - self._started)
        return due

    @property
    def starved_seconds(self) -> float:
        """Seconds lost to a lack of CPUs, up to the last check with a known usage."""
        return self.usage.starved_seconds(self.seconds) if self.usage else 0.0
