# SPDX-License-Identifier: GPL-2.0-or-later
"""CPUs and memory that this process really has, and what a test takes of them.

In a container, or under `taskset`, the machine has more than kut may use: what counts is the
affinity mask, the quota and the memory limit of the control groups (version 1 and 2), and what
is free. A test weighs as many CPUs as its machine has; one that is known to sleep for most of
its time weighs what it uses.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Final

#: MiB that QEMU itself needs, on top of its guest's memory.
OVERHEAD: Final = 96
#: CPUs that a test weighs at least, however much it sleeps.
_LEAST_CPUS: Final = 0.25
#: No limit.
_NONE: Final = 1 << 40
_MIB: Final = 1 << 20

_CGROUPS: Final = Path("/sys/fs/cgroup")
_MEMBERSHIP: Final = Path("/proc/self/cgroup")
_MEMORY: Final = Path("/proc/meminfo")


@dataclass(frozen=True, slots=True)
class Resources:
    """CPUs and memory: of the host, or the cost of a test."""

    cpus: float
    memory: int
    """MiB."""

    def bounded(self, cpu_demand: float | None, whole: "Resources") -> "Resources":
        """Return the cost of a test within `whole`: never more, so that it can run alone.

        `cpu_demand` is the number of CPUs that it was seen to use on average, None when not known.
        """
        cpus = self.cpus
        if cpu_demand is not None and cpu_demand <= cpus / 2 and whole.cpus > 1:
            # In eighths, so that there are few kinds of tests; and some more than the average.
            cpus = max(_LEAST_CPUS, ceil(cpu_demand * 8 + 0.5) / 8)
        return Resources(min(cpus, whole.cpus), min(self.memory, whole.memory))

    def fits(self, free: "Resources") -> bool:
        """Tell whether there is room for it."""
        return self.cpus <= free.cpus and self.memory <= free.memory

    def __add__(self, other: "Resources") -> "Resources":
        """Return both together."""
        return Resources(self.cpus + other.cpus, self.memory + other.memory)

    def __sub__(self, other: "Resources") -> "Resources":
        """Return what is left when `other` is taken."""
        return Resources(self.cpus - other.cpus, self.memory - other.memory)


def available(jobs: int | None = None) -> Resources:
    """Return what tests may take together: `jobs` CPUs, by default all that there are."""
    return Resources(float(jobs or available_cpus()), available_memory())


def available_cpus() -> int:
    """Return the number of CPUs to use, 1 or more."""
    return max(1, min(_affinity(), ceil(_quota(_CGROUPS, _MEMBERSHIP))))


def available_memory() -> int:
    """Return the MiB of memory to use; a very large number where nobody tells."""
    free = _fields(_MEMORY).get("MemAvailable:", _NONE) * 1024
    return min(free, _memory_left(_CGROUPS, _MEMBERSHIP)) // _MIB


def _affinity() -> int:
    if ask := getattr(os, "sched_getaffinity", None):  # macOS has no such thing
        return len(ask(0))
    return os.cpu_count() or 1


def _quota(mount: Path, membership: Path) -> float:
    """Return the smallest quota of CPU time that holds for this process, in CPUs."""
    quotas = [_of_period(_read(level / "cpu.max")) for level in _levels(mount, membership, "")]
    for level in _levels(mount, membership, "cpu"):
        old = (_read(level / f"cpu.cfs_{what}_us") for what in ("quota", "period"))
        quotas.append(_of_period(" ".join(old)))
    return min(quotas, default=float(_NONE))


def _of_period(text: str) -> float:
    """Return "QUOTA PERIOD" in CPUs; "max", "-1", or a file that is not there, is no limit."""
    match text.split():
        case [quota, period] if quota.isdigit() and period.isdigit() and int(period):
            return int(quota) / int(period)
    return float(_NONE)


def _memory_left(mount: Path, membership: Path) -> int:
    """Return the bytes that are left of the tightest limit that holds for this process.

    What the page cache of a group holds counts as left: the kernel takes it back when needed.
    """
    names = {"": ("memory.max", "memory.current"), "memory": _OLD_MEMORY}
    left = [_NONE * _MIB]
    for controller, (limit, used) in names.items():
        for level in _levels(mount, membership, controller):
            most, now = _read(level / limit).strip(), _read(level / used).strip()
            if most.isdigit() and now.isdigit() and int(most) < _NONE * _MIB:
                cache = _fields(level / "memory.stat").get("inactive_file", 0)
                left.append(max(0, int(most) - max(0, int(now) - cache)))
    return min(left)


_OLD_MEMORY: Final = ("memory.limit_in_bytes", "memory.usage_in_bytes")


def _levels(mount: Path, membership: Path, controller: str) -> Iterator[Path]:
    """Yield the directories of this process's group and of all above it, up to the mount.

    Without a controller they are those of version 2. In a container the path may be one of the
    host's that cannot be seen from inside; then the mount itself is the group.
    """
    for line in _read(membership).splitlines():
        _, controllers, group = (*line.split(":", 2), "", "")[:3]
        if controller in controllers.split(","):
            top = mount / controller
            own = top / group.strip("/")
            yield from (level for level in (own, *own.parents) if level.is_relative_to(top))


def _fields(path: Path) -> dict[str, int]:
    """Return lines of a name and a number, and whatever else, as numbers by name."""
    lines = (line.split() for line in _read(path).splitlines())
    return {words[0]: int(words[1]) for words in lines if len(words) > 1 and words[1].isdigit()}


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, ValueError):
        return ""
