# SPDX-License-Identifier: GPL-2.0-or-later
"""The options that decide how tests run, typed, and as the document of a run keeps them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How tests run, whichever they are."""

    jobs: int | None = None
    """CPUs to fill with tests, 1 or more; None for all that this process has."""
    timeout: float | None = None
    """Seconds for every test, in place of each test's own."""
    seed: int | None = None
    """Shuffle the tests by this number; None for the order by times."""
    repeat: int | None = 1
    """How many times each test runs; None for ever."""
    until_fail: bool = False
    """Start nothing more once a test has failed."""
    retries: int = 0
    """How often a test that fails runs again; one that passes then is flaky."""
    inspect: bool = True
    """Read the state of a machine that hangs, where its target allows it."""

    def to_json(self) -> dict[str, Any]:
        """Return the options for the document of a run, which has the seed elsewhere."""
        options: dict[str, Any] = {
            "jobs": self.jobs,
            "timeout": self.timeout,
            "retries": self.retries,
            "until_fail": self.until_fail,
            "repeat": self.repeat,
        }
        return options if self.inspect else options | {"inspect": False}

    @classmethod
    def from_json(cls, data: Mapping[str, Any], seed: int | None) -> Self:
        """Return the options that `to_json` wrote; the default for each that is missing."""
        return cls(
            jobs=data.get("jobs"),
            timeout=data.get("timeout"),
            seed=seed,
            repeat=data.get("repeat", 1),
            until_fail=data.get("until_fail", False),
            retries=data.get("retries", 0),
            inspect=data.get("inspect", True),
        )
