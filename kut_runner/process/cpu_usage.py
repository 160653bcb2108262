# SPDX-License-Identifier: GPL-2.0-or-later
"""CPU usage of a process, and the usage that it would have without a lack of CPUs.

Linux counts for each thread the time on a CPU and the time on a run queue
(`/proc/PID/task/TID/schedstat`). For the rest of the wall time the thread slept.
"""

import os
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU usage of a process in seconds, the sum over its threads."""

    ran: float = 0.0
    """On a CPU."""
    waited: float = 0.0
    """On a run queue, waiting for a CPU."""

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """Return the usage of the live threads of a process; None if it is unknown."""
        ran = waited = 0
        seen = False
        try:
            for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - the fastest way
                with open(f"/proc/{pid}/task/{thread}/schedstat", "rb") as file:  # noqa: PTH123
                    fields = file.read().split()
                ran, waited, seen = ran + int(fields[0]), waited + int(fields[1]), True
        except (OSError, ValueError, IndexError):  # not Linux, or the last thread is gone
            pass
        return cls(ran / 1e9, waited / 1e9) if seen else None

    def __add__(self, other: "Usage") -> "Usage":
        """Return the sum of two processes."""
        return Usage(self.ran + other.ran, self.waited + other.waited)

    def since(self, earlier: "Usage") -> "Usage":
        """Return the usage since `earlier`, which may include threads that have ended."""
        return Usage(max(0.0, self.ran - earlier.ran), max(0.0, self.waited - earlier.waited))

    def cpu_demand(self, seconds: float) -> float:
        """Return the average CPUs that it would have used in `seconds` of wall time."""
        return (self.ran + self.waited) / seconds if seconds > 0 else 0.0

    def starved_seconds(self, seconds: float) -> float:
        """Return the part of `seconds` of wall time that was lost to a lack of CPUs.

        The waiting time of threads that would run in parallel is divided by their number.
        """
        return min(seconds, self.waited / max(1.0, self.cpu_demand(seconds)))
