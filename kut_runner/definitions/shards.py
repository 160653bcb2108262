# SPDX-License-Identifier: GPL-2.0-or-later
"""Shards: parts of a selection that take about the same time, for several machines.

The division depends only on the times in a file of the source tree, so that all machines compute
the same one. Each test is in exactly one shard. Tests are assigned in order of decreasing time,
each to the shard with the least total so far; the longest shard is then at most 4/3 - 1/(3n) times
as long as that of the optimal division into n (Graham 1969).
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kut_runner.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from kut_runner.definitions.config import TestDef

#: File of the times, relative to the source tree.
TIMES: Final = "configs/times.json"

_SHARD: Final = re.compile(r"([0-9]{1,4})/([0-9]{1,4})")
#: Seconds of every test if no time is known.
_DEFAULT_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Shard:
    """Shard `index` of `count`, counted from 1."""

    index: int
    count: int

    def __str__(self) -> str:
        """Return the value of the option --shard, as in "2/4"."""
        return f"{self.index}/{self.count}"


def parse(text: str) -> Shard:
    """Return the shard for "i/n"; raises UsageError unless 1 <= i <= n."""
    match = _SHARD.fullmatch(text)
    shard = Shard(int(match[1]), int(match[2])) if match else None
    if not shard or not 1 <= shard.index <= shard.count:
        raise UsageError(f'"{text}" is not a shard', 'give "i/n" with 1 <= i <= n, as in 2/4')
    return shard


def take(
    tests: "Sequence[TestDef]", shard: Shard, seconds: Mapping[str, float]
) -> "tuple[TestDef, ...]":
    """Return the tests of a shard, in their order; there may be none.

    `seconds` has the known times by name; a test without one counts with the median of the known.
    """
    from statistics import median  # the import takes 10 ms

    known = [seconds[test.name] for test in tests if test.name in seconds]
    default = median(known) if known else _DEFAULT_SECONDS
    length = {test.name: seconds.get(test.name, default) for test in tests}
    loads = [0.0] * shard.count
    mine = set()
    for name in sorted(length, key=lambda name: (-length[name], name)):
        shortest = loads.index(min(loads))
        loads[shortest] += length[name]
        if shortest == shard.index - 1:
            mine.add(name)
    return tuple(test for test in tests if test.name in mine)


#: Errors of JSON that is not what it should be.
_BAD: Final = (
    *(ValueError, LookupError, TypeError, AttributeError),
    *(RecursionError, OverflowError),
)


def load_times(path: Path) -> dict[str, float]:
    """Return the seconds of each test in the file, {} if it does not exist.

    Raises ConfigError for an invalid file.
    """
    if not path.exists():
        return {}
    try:
        return _times(json.loads(path.read_text())["seconds"])
    except _BAD as error:
        hint = "write a new one with `kut shards --update RESULTS.json`"
        raise ConfigError([f"{path}: not a file of test times ({error!r}); {hint}"]) from None


def update_times(path: Path, results: Path) -> int:
    """Update the times with those of the passed tests in a results document; return their number.

    Other tests keep their times. Raises UsageError for an invalid document.
    """
    try:
        found = {
            test["id"]: round(test["seconds"], 2)
            for test in json.loads(results.read_text())["tests"]
            if test["status"] == "pass"
        }
        times = {**load_times(path), **_times(found)}
    except OSError as error:
        raise UsageError(f"{results} cannot be read: {error.strerror}") from None
    except _BAD as error:
        raise UsageError(
            f"{results} is not a results document ({error!r})", "give a file of `kut run --json`"
        ) from None
    path.write_text(json.dumps({"seconds": dict(sorted(times.items()))}, indent=1) + "\n")
    return len(found)


def _times(seconds: Mapping[str, Any]) -> dict[str, float]:
    times = {name: float(value) for name, value in seconds.items()}
    if not all(0 <= value < math.inf for value in times.values()):
        raise ValueError("a time is negative or not finite")
    return times
