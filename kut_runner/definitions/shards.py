# SPDX-License-Identifier: GPL-2.0-or-later
"""Shards: a selection cut into parts of about the same length, for as many machines.

Every machine cuts alike, as it goes by the times in a file that the tree keeps and by nothing
of its own. Each test is in exactly one shard. The longest go first, each to the shard that has
the least so far, so that the longest shard is at most 4/3 - 1/3n times as long as the best cut of
n (Graham 1969).
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

#: Where a tree keeps the times.
TIMES: Final = "configs/times.json"

_SHARD: Final = re.compile(r"([0-9]{1,4})/([0-9]{1,4})")
#: Seconds for every test when no time of any is known: all the same.
_UNKNOWN: Final = 1.0


@dataclass(frozen=True, slots=True)
class Shard:
    """Shard `index` of `count`, from 1."""

    index: int
    count: int

    def __str__(self) -> str:
        """Return it as the option takes it."""
        return f"{self.index}/{self.count}"


def parse(text: str) -> Shard:
    """Return the shard that "i/n" names; raises UsageError unless 1 <= i <= n."""
    match = _SHARD.fullmatch(text)
    shard = Shard(int(match[1]), int(match[2])) if match else None
    if not shard or not 1 <= shard.index <= shard.count:
        raise UsageError(f'"{text}" is no shard', 'give "i/n" with 1 <= i <= n, as in 2/4')
    return shard


def take(
    tests: "Sequence[TestDef]", shard: Shard, seconds: Mapping[str, float]
) -> "tuple[TestDef, ...]":
    """Return the shard's part of `tests`, in their order; it may be empty.

    `seconds` has the times that are known; a test without one is taken to be as long as the
    median of those with one.
    """
    from statistics import median  # it takes 10 ms

    known = [seconds[test.name] for test in tests if test.name in seconds]
    usual = median(known) if known else _UNKNOWN
    length = {test.name: seconds.get(test.name, usual) for test in tests}
    loads = [0.0] * shard.count
    mine = set()
    for name in sorted(length, key=lambda name: (-length[name], name)):
        least = loads.index(min(loads))
        loads[least] += length[name]
        if least == shard.index - 1:
            mine.add(name)
    return tuple(test for test in tests if test.name in mine)


def load_times(path: Path) -> dict[str, float]:
    """Return the seconds of each test that the file knows, none when there is no file.

    Raises ConfigError for a file that is something else.
    """
    if not path.exists():
        return {}
    try:
        return _times(json.loads(path.read_text())["seconds"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        hint = "write a new one with `kut shards --update RESULTS.json`"
        raise ConfigError([f"{path}: no times of tests ({error!r}); {hint}"]) from None


def update_times(path: Path, results: Path) -> int:
    """Take the times of the tests that passed in a results document; return how many there are.

    Tests of which the document knows nothing keep their times. Raises UsageError when it is not
    the document of a run.
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
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{results} is not the results of a run ({error!r})", "give a file of `kut run --json`"
        ) from None
    path.write_text(json.dumps({"seconds": dict(sorted(times.items()))}, indent=1) + "\n")
    return len(found)


def _times(seconds: Mapping[str, Any]) -> dict[str, float]:
    times = {name: float(value) for name, value in seconds.items()}
    if not all(0 <= value < math.inf for value in times.values()):
        raise ValueError("a time below 0, or none")
    return times
