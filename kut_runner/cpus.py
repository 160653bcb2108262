# SPDX-License-Identifier: GPL-2.0-or-later
"""How many CPUs this process really has, which in a container is fewer than the host's."""

import os
from math import ceil
from pathlib import Path
from typing import Final

_CGROUPS: Final = Path("/sys/fs/cgroup")


def available() -> int:
    """Return the number of CPUs to use, 1 or more: affinity, and the quota of the control group."""
    quota = _quota(_CGROUPS, _own_group(Path("/proc/self/cgroup")))
    return max(1, min(_affinity(), ceil(quota)))


def _affinity() -> int:
    if ask := getattr(os, "sched_getaffinity", None):  # macOS has no such thing
        return len(ask(0))
    return os.cpu_count() or 1


def _own_group(membership: Path) -> str:
    """Return this process's group in the version 2 hierarchy, relative to its mount."""
    for line in _read(membership).splitlines():
        if line.startswith("0::"):
            return line.removeprefix("0::").strip("/")
    return ""


def _quota(mount: Path, group: str) -> float:
    """Return the smallest `cpu.max` from `group` up to the mount, in CPUs; 9999 without any."""
    levels = [mount / group, *(mount / group).parents]
    inside = [level for level in levels if level.is_relative_to(mount)]
    return min(_limit(_read(level / "cpu.max")) for level in inside)


def _limit(text: str) -> float:
    """Return "QUOTA PERIOD" in CPUs; "max", or a file that is not there, is no limit."""
    match text.split():
        case [quota, period] if quota.isdigit() and period.isdigit() and int(period):
            return int(quota) / int(period)
    return 9999.0


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
