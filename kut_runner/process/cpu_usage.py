# SPDX-License-Identifier: GPL-2.0-or-later
"""How much of the CPUs a process uses, and how much more it would if there were enough of them.

Linux counts for each thread how long it ran and how long it was ready to run and had to wait
(`/proc/PID/task/TID/schedstat`). What is left of the wall time it slept.
"""

import os
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process's threads have had up to now, in seconds, all threads added up."""

    ran: float = 0.0
    """On a CPU."""
    waited: float = 0.0
    """Ready to run, but for a CPU."""

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """Return the usage of a process's live threads; None where nobody counts it."""
        ran = waited = 0
        seen = False
        try:
            for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - as quick as can be
                with open(f"/proc/{pid}/task/{thread}/schedstat", "rb") as file:  # noqa: PTH123
                    fields = file.read().split()
                ran, waited, seen = ran + int(fields[0]), waited + int(fields[1]), True
        except (OSError, ValueError, IndexError):  # not Linux, or the last thread is gone
            pass
        return cls(ran / 1e9, waited / 1e9) if seen else None

    def since(self, earlier: "Usage") -> "Usage":
        """Return what came after `earlier`, which may have counted a thread that is gone."""
        return Usage(max(0.0, self.ran - earlier.ran), max(0.0, self.waited - earlier.waited))

    def cpu_demand(self, seconds: float) -> float:
        """Return how many CPUs it would have used on average in so many seconds of wall time."""
        return (self.ran + self.waited) / seconds if seconds > 0 else 0.0

    def starved_seconds(self, seconds: float) -> float:
        """Return the part of so many seconds of wall time in which the lack of CPUs held it up.

        Of threads that wait side by side, each is held up for its own share only.
        """
        return min(seconds, self.waited / max(1.0, self.cpu_demand(seconds)))
