# SPDX-License-Identifier: GPL-2.0-or-later
"""CPUs and memory available to kut, and the cost of a test.

In a container or under `taskset`, kut may use only a part of the host: the limits are the affinity
mask, the CPU quota and the memory limit of the control groups (version 1 and 2), and free memory. A
test costs the CPUs that it used in earlier runs, at most those of its machine. One without earlier
runs costs the square root of the CPUs of its machine: CPUs of a guest often wait for each other, so
that 2 of them used 1.0 to 1.7, 4 of them 0.9 to 3.5, and 8 of them 1.1 to 2.9.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, sqrt
from pathlib import Path
from typing import Final

#: MiB that QEMU needs in addition to the memory of its machine.
OVERHEAD: Final = 96
#: Lowest cost of a test in CPUs.
_LEAST_CPUS: Final = 0.25
#: Most CPUs that a test uses on average if it mostly sleeps.
_SLEEPS: Final = 0.5
#: Stands for no limit.
_UNLIMITED: Final = 1 << 40
_MIB: Final = 1 << 20

_CGROUPS: Final = Path("/sys/fs/cgroup")
_MEMBERSHIP: Final = Path("/proc/self/cgroup")
_MEMORY: Final = Path("/proc/meminfo")


@dataclass(frozen=True, slots=True)
class Resources:
    """CPUs and memory of the host, or the cost of a test."""

    cpus: float
    memory: int
    """MiB."""

    def bounded(self, cpu_demand: float | None, total: "Resources") -> "Resources":
        """Return the cost of a test, at most `total`, so that every test can run.

        `cpu_demand` is the average number of CPUs that it used before, None if unknown.
        """
        cpus = self.cpus
        if total.cpus > 1:
            cpus = min(cpus, _rounded(sqrt(cpus) if cpu_demand is None else cpu_demand))
        return Resources(cpus, self.memory).limited(total)

    def limited(self, total: "Resources") -> "Resources":
        """Return the cost, at most `total`."""
        return Resources(min(self.cpus, total.cpus), min(self.memory, total.memory))

    def fits(self, free: "Resources") -> bool:
        """Return whether the cost is within the `free` resources."""
        return self.cpus <= free.cpus and self.memory <= free.memory

    def __add__(self, other: "Resources") -> "Resources":
        """Return the sum."""
        return Resources(self.cpus + other.cpus, self.memory + other.memory)

    def __sub__(self, other: "Resources") -> "Resources":
        """Return the difference."""
        return Resources(self.cpus - other.cpus, self.memory - other.memory)


def _rounded(cpu_demand: float) -> float:
    """Return a demand as one of few different costs.

    That of a test that sleeps is in eighths, rounded up, as it varies. From half a CPU on it is in
    whole CPUs: at 1.2 CPUs, vCPUs take turns, and a whole CPU for the rest would be idle.
    """
    if cpu_demand <= _SLEEPS:
        return max(_LEAST_CPUS, ceil(cpu_demand * 8 + 0.5) / 8)
    return max(1.0, float(round(cpu_demand)))


def available(jobs: int | None = None) -> Resources:
    """Return the resources for all tests: `jobs` CPUs, by default all available ones."""
    return Resources(float(jobs or available_cpus()), available_memory())


def available_cpus() -> int:
    """Return the number of available CPUs, at least 1."""
    return max(1, min(_affinity(), ceil(_quota(_CGROUPS, _MEMBERSHIP))))


def available_memory() -> int:
    """Return the available memory in MiB; a very large number if it is unknown."""
    free = _fields(_MEMORY).get("MemAvailable:", _UNLIMITED) * 1024
    return min(free, _memory_left(_CGROUPS, _MEMBERSHIP)) // _MIB


def _affinity() -> int:
    if get_affinity := getattr(os, "sched_getaffinity", None):  # not on macOS
        return len(get_affinity(0))
    return os.cpu_count() or 1


def _quota(mount: Path, membership: Path) -> float:
    """Return the lowest CPU quota of this process, in CPUs."""
    quotas = [_of_period(_read(level / "cpu.max")) for level in _levels(mount, membership, "")]
    for level in _levels(mount, membership, "cpu"):
        old = (_read(level / f"cpu.cfs_{name}_us") for name in ("quota", "period"))
        quotas.append(_of_period(" ".join(old)))
    return min(quotas, default=float(_UNLIMITED))


def _of_period(text: str) -> float:
    """Return the CPUs of "QUOTA PERIOD"; "max", "-1" and a missing file mean no limit."""
    match text.split():
        case [quota, period] if quota.isdigit() and period.isdigit() and int(period):
            return int(quota) / int(period)
    return float(_UNLIMITED)


def _memory_left(mount: Path, membership: Path) -> int:
    """Return the free bytes of the tightest memory limit of this process.

    The inactive page cache of a group counts as free: the kernel reclaims it when needed.
    """
    names = {"": ("memory.max", "memory.current"), "memory": _OLD_MEMORY}
    left = [_UNLIMITED * _MIB]
    for controller, (limit, used) in names.items():
        for level in _levels(mount, membership, controller):
            most, now = _read(level / limit).strip(), _read(level / used).strip()
            if most.isdigit() and now.isdigit() and int(most) < _UNLIMITED * _MIB:
                cache = _fields(level / "memory.stat").get("inactive_file", 0)
                left.append(max(0, int(most) - max(0, int(now) - cache)))
    return min(left)


_OLD_MEMORY: Final = ("memory.limit_in_bytes", "memory.usage_in_bytes")


def _levels(mount: Path, membership: Path, controller: str) -> Iterator[Path]:
    """Yield the directories of this process's control group and its parents, up to the mount.

    Without a controller they are those of version 2. In a container the path may be that of the
    host, which is not visible inside; then only the mount itself has files.
    """
    for line in _read(membership).splitlines():
        _, controllers, group = (*line.split(":", 2), "", "")[:3]
        if controller in controllers.split(","):
            top = mount / controller
            own = top / group.strip("/")
            yield from (level for level in (own, *own.parents) if level.is_relative_to(top))


def _fields(path: Path) -> dict[str, int]:
    """Return the numbers in lines "NAME NUMBER ..." by name."""
    lines = (line.split() for line in _read(path).splitlines())
    return {parts[0]: int(parts[1]) for parts in lines if len(parts) > 1 and parts[1].isdigit()}


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, ValueError):
        return ""
