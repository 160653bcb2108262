# SPDX-License-Identifier: GPL-2.0-or-later
"""Times of tests in earlier runs: wall time, and the number of CPUs that they kept busy.

Times are stored by test for each compiler and release of QEMU, in a JSON file in the build
directory, which is replaced in one step at the end of a run. They only affect the order of tests
and their CPU cost, so a file that is damaged, missing or read-only is no error. The source tree has
times for tests that never ran on this host.
"""

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeGuard

if TYPE_CHECKING:
    from kut_runner.targets.case import Case

_SCHEMA: Final = 1


@dataclass(frozen=True, slots=True)
class Timing:
    """Time and CPU demand of one test."""

    seconds: float
    """Wall time, without the time in which it was starved of CPUs."""
    cpu_demand: float | None = None
    """Average number of CPUs that it would keep busy; None when not known."""


@dataclass(frozen=True, slots=True)
class Times:
    """The times for one compiler and one QEMU; a file holds those of several."""

    path: Path
    key: str
    """Compiler and version of QEMU, as in "gcc 7.2.22"."""
    defaults: Mapping[str, float] = field(default_factory=dict)
    """Seconds by test, for tests that never ran on this host."""

    def load(self) -> dict[str, Timing]:
        """Return timings by test; only the defaults when the file cannot be read."""
        defaults = {name: Timing(seconds) for name, seconds in self.defaults.items()}
        return defaults | _checked(_read(self.path).get(self.key))

    def update(self, timings: Mapping[str, Timing]) -> None:
        """Add or replace timings; does nothing when the file cannot be written."""
        if not timings:
            return
        with suppress(OSError), _lock(self.path.parent):
            known = _read(self.path)
            kept = _checked(known.get(self.key)) | dict(timings)
            known[self.key] = {name: _to_json(each) for name, each in sorted(kept.items())}
            temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}")
            try:
                temporary.write_text(json.dumps({"schema": _SCHEMA, "times": known}) + "\n")
                temporary.replace(self.path)
            finally:
                temporary.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class RunTimes:
    """The times for all cases of a run, whose targets may have different keys."""

    path: Path
    compiler: str
    """Compiler and variant of the images."""
    defaults: Mapping[str, float] = field(default_factory=dict)
    """Seconds by test, for tests that never ran on this host."""

    def load(self, cases: "Iterable[Case]") -> dict[str, Timing]:
        """Return the known timings of `cases`, by id."""
        found: dict[str, Timing] = {}
        for key, group in self._by_key(cases).items():
            known = Times(self.path, key, self.defaults).load()
            found |= {each.id: known[each.test.name] for each in group if each.test.name in known}
        return found

    def update(self, cases: "Iterable[Case]", timings: Mapping[str, Timing]) -> None:
        """Add or replace timings, which are by id; does nothing if the file cannot be written."""
        for key, group in self._by_key(cases).items():
            fresh = {each.test.name: timings[each.id] for each in group if each.id in timings}
            Times(self.path, key).update(fresh)

    def _by_key(self, cases: "Iterable[Case]") -> "dict[str, list[Case]]":
        groups = defaultdict[str, list["Case"]](list)
        for case in cases:
            groups[f"{self.compiler} {case.target.times_key}"].append(case)
        return groups


def _read(path: Path) -> dict[str, Any]:
    """Return the tables of the file by key; none when it cannot be read."""
    try:
        document = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(document, dict) or document.get("schema") != _SCHEMA:
        return {}
    times = document.get("times")
    return times if isinstance(times, dict) else {}


def _checked(table: object) -> dict[str, Timing]:
    """Return the valid entries of a table."""
    found = {}
    for name, entry in table.items() if isinstance(table, dict) else ():
        if isinstance(entry, dict) and _is_number(seconds := entry.get("seconds")):
            cpu_demand: object = entry.get("cpus")
            found[name] = Timing(seconds, cpu_demand if _is_number(cpu_demand) else None)
    return found


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and 0 <= value < float("inf")


def _to_json(timing: Timing) -> dict[str, float]:
    entry = {"seconds": round(timing.seconds, 4)}
    return entry if timing.cpu_demand is None else entry | {"cpus": round(timing.cpu_demand, 3)}


@contextmanager
def _lock(directory: Path) -> Iterator[None]:
    """Lock the directory, so that no other kut changes the file; creates no lock file."""
    import fcntl

    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
