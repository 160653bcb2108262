# SPDX-License-Identifier: GPL-2.0-or-later
"""The options of a run, typed and as JSON in its document."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from kut_runner.definitions.no_checks import NoChecks
from kut_runner.records.policy import NO_POLICY, Policy

_NO_CHECKS: Final[Mapping[str | None, NoChecks]] = {each.value: each for each in NoChecks}


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Options that decide how tests run."""

    jobs: int | None = None
    """Number of CPUs to use, 1 or more; None for all that this process may use."""
    timeout: float | None = None
    """Seconds for every test; None for the timeout of each test."""
    seed: int | None = None
    """Seed to shuffle the tests with; None for slow tests first."""
    repeat: int | None = 1
    """Number of rounds, 1 or more; None for no limit."""
    until_fail: bool = False
    """Whether to start nothing more once a test has failed."""
    retries: int = 0
    """Number of further attempts after a failure, 0 or more; a later pass is flaky."""
    policy: Policy = NO_POLICY
    """Results that end the run early, or make it fail."""
    no_checks: NoChecks | None = None
    """Verdict on images that end well without a SUMMARY line; None for that of each test."""
    inspect: bool = True
    """Whether to read the state of a hanging machine, if its target allows it."""

    def to_json(self) -> dict[str, Any]:
        """Return the options for the document of a run, without the seed, which has its own key."""
        options: dict[str, Any] = {
            "jobs": self.jobs,
            "timeout": self.timeout,
            "retries": self.retries,
            "until_fail": self.until_fail,
            "repeat": self.repeat,
            **self.policy.to_json(),
            **({"no_checks": self.no_checks.value} if self.no_checks else {}),
        }
        return options if self.inspect else options | {"inspect": False}

    @classmethod
    def from_json(cls, data: Mapping[str, Any], seed: int | None) -> Self:
        """Return the options that `to_json` wrote, with the default for each missing key."""
        return cls(
            jobs=data.get("jobs"),
            timeout=data.get("timeout"),
            seed=seed,
            repeat=data.get("repeat", 1),
            until_fail=data.get("until_fail", False),
            retries=data.get("retries", 0),
            policy=Policy.of(data),
            no_checks=_NO_CHECKS.get(data.get("no_checks")),
            inspect=data.get("inspect", True),
        )
