# SPDX-License-Identifier: GPL-2.0-or-later
"""Time-outs, without a clock of their own: when to look at a QEMU again, and what to think of it.

A time-out counts the time in which QEMU could run or chose to sleep, not that in which other
processes had the CPUs: a busy machine makes tests slow, not wrong. However little it gets, ten
times the time-out is the end. Half-way to the time-out a test is slow, and again each time that
its age has doubled.
"""

from enum import Enum, auto
from typing import Final

from kut_runner.process.cpu_usage import Usage

#: Time-outs of wall time after which nothing more is granted.
MOST: Final = 10

#: Seconds to the first look at what is used; there is another one each time the age has doubled.
_FIRST_CHECK: Final = 0.1
#: What is granted at a time, at least, as a part of the time-out.
_LEAST_MORE: Final = 0.01


class TimeoutState(Enum):
    """What a look at a QEMU says."""

    FINE = auto()
    SLOW = auto()
    OVER = auto()
    """The time is up."""


class CpuTimeout:
    """The patience with one QEMU; all times are of one clock, in seconds."""

    def __init__(self, timeout: float, now: float, usage: Usage | None = None) -> None:
        """Start now; `usage` is what it has used before, None for nothing."""
        self._timeout = timeout
        self._started = now
        self._before = usage or Usage()
        self._end = now + timeout
        self._last = now + MOST * timeout
        self._slow = now + timeout / 2
        self._next_check = now + _FIRST_CHECK
        self.usage: Usage | None = None
        """What it had used from the start to the last look that could tell."""
        self.seconds = 0.0
        """From the start to that look."""

    @property
    def due(self) -> float:
        """When to look again."""
        return min(self._end, self._slow, self._next_check)

    def check(self, now: float, usage: Usage | None) -> TimeoutState:
        """Return what to think of it, given what it has used up to now."""
        age = now - self._started
        self._next_check = self._after(self._next_check, now)
        if usage:
            self.usage, self.seconds = usage.since(self._before), age
        left = self._timeout - (age - self.starved_seconds)
        if left <= 0 or now >= self._last:
            return TimeoutState.OVER
        self._end = min(now + max(left, self._timeout * _LEAST_MORE), self._last)
        if now < self._slow:
            return TimeoutState.FINE
        self._slow = self._after(self._slow, now)
        return TimeoutState.SLOW

    def _after(self, moment: float, now: float) -> float:
        """Return the next moment at which the age has doubled."""
        while moment <= now:
            moment = self._started + 2 * (moment - self._started)
        return moment

    @property
    def starved_seconds(self) -> float:
        """For how long the lack of CPUs held it up, up to the last look that could tell."""
        return self.usage.starved_seconds(self.seconds) if self.usage else 0.0
