# SPDX-License-Identifier: GPL-2.0-or-later
"""What tests took when they ran before: how long, and how many CPUs they kept busy.

Times are kept by name of the test, for each compiler and each release of QEMU: a file of JSON in
the build directory, replaced in one step at the end of a run. They are advice, about the order of
tests and their weights: a file that is damaged, missing or not to be written is no error. Where
this machine knows no time of a test, that counts which the tree keeps.
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
    """What one test took."""

    seconds: float
    """Wall time, less what the lack of CPUs added to it."""
    cpu_demand: float | None = None
    """CPUs kept busy on average; None when not known."""


@dataclass(frozen=True, slots=True)
class Times:
    """The times of one compiler and one QEMU, in a file with those of others."""

    path: Path
    key: str
    """As in "gcc 7.2.22"."""
    elsewhere: Mapping[str, float] = field(default_factory=dict)
    """Seconds of tests on other machines, for those that never ran on this one."""

    def load(self) -> dict[str, Timing]:
        """Return what each test took, by name; of a file that cannot be read, nothing."""
        others = {name: Timing(seconds) for name, seconds in self.elsewhere.items()}
        return others | _checked(_read(self.path).get(self.key))

    def update(self, timings: Mapping[str, Timing]) -> None:
        """Add new times, or replace those of the same tests, as far as they can be written."""
        if not timings:
            return
        with suppress(OSError), _lock(self.path.parent):
            known = _read(self.path)
            kept = _checked(known.get(self.key)) | dict(timings)
            known[self.key] = {name: _shown(each) for name, each in sorted(kept.items())}
            temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}")
            try:
                temporary.write_text(json.dumps({"schema": _SCHEMA, "times": known}) + "\n")
                temporary.replace(self.path)
            finally:
                temporary.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class RunTimes:
    """The times of the cases of a run, whose targets may have several keys."""

    path: Path
    compiler: str
    """Compiler and variant of the images."""
    elsewhere: Mapping[str, float] = field(default_factory=dict)
    """Seconds by name of the test, as in `Times`."""

    def load(self, cases: "Iterable[Case]") -> dict[str, Timing]:
        """Return by id the timings of the cases that have run before."""
        found: dict[str, Timing] = {}
        for key, group in self._by_key(cases).items():
            known = Times(self.path, key, self.elsewhere).load()
            found |= {each.id: known[each.test.name] for each in group if each.test.name in known}
        return found

    def update(self, cases: "Iterable[Case]", timings: Mapping[str, Timing]) -> None:
        """Keep the timings, which are by id, as far as they can be written."""
        for key, group in self._by_key(cases).items():
            fresh = {each.test.name: timings[each.id] for each in group if each.id in timings}
            Times(self.path, key).update(fresh)

    def _by_key(self, cases: "Iterable[Case]") -> "dict[str, list[Case]]":
        groups = defaultdict[str, list["Case"]](list)
        for case in cases:
            groups[f"{self.compiler} {case.target.times_key}"].append(case)
        return groups


def _read(path: Path) -> dict[str, Any]:
    """Return the tables of the file by key."""
    try:
        document = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(document, dict) or document.get("schema") != _SCHEMA:
        return {}
    times = document.get("times")
    return times if isinstance(times, dict) else {}


def _checked(table: object) -> dict[str, Timing]:
    """Return the entries of a table that are what they should be."""
    found = {}
    for name, entry in table.items() if isinstance(table, dict) else ():
        if isinstance(entry, dict) and _is_number(seconds := entry.get("seconds")):
            cpu_demand: object = entry.get("cpus")
            found[name] = Timing(seconds, cpu_demand if _is_number(cpu_demand) else None)
    return found


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and 0 <= value < float("inf")


def _shown(timings: Timing) -> dict[str, float]:
    entry = {"seconds": round(timings.seconds, 4)}
    return entry if timings.cpu_demand is None else entry | {"cpus": round(timings.cpu_demand, 3)}


@contextmanager
def _lock(directory: Path) -> Iterator[None]:
    """Keep other kuts from changing the file meanwhile; the lock leaves nothing behind."""
    import fcntl

    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
