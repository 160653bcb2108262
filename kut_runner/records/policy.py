# SPDX-License-Identifier: GPL-2.0-or-later
"""Options that decide which results make a run end early, or fail."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from kut_runner.errors import ExitCode
from kut_runner.verdict.status import Status

if TYPE_CHECKING:
    from kut_runner.verdict.result import TestResult


@dataclass(frozen=True, slots=True)
class Policy:
    """Limits of a run."""

    max_fail: int | None = None
    """Number of failed tests after which nothing more starts, 1 or more; None for no limit."""
    skips_fail: bool = False
    """Whether a skipped test makes the run fail."""

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Self:
        """Return the policy in the options of a document."""
        return cls(options.get("max_fail"), bool(options.get("skips_fail")))

    def to_json(self) -> dict[str, Any]:
        """Return the options for a document, those that were given."""
        options = {"max_fail": self.max_fail, "skips_fail": self.skips_fail}
        return {key: value for key, value in options.items() if value}

    def is_reached(self, failures: int) -> bool:
        """Return whether as many tests failed as `max_fail` allows."""
        return self.max_fail is not None and failures >= self.max_fail

    def exit_codes(self, results: "Iterable[TestResult]") -> list[ExitCode]:
        """Return the exit code of each result."""
        return [
            ExitCode.TESTS_FAILED
            if self.skips_fail and result.status is Status.SKIP
            else result.verdict.exit_code
            for result in results
        ]

    def notes(self, results: "Sequence[TestResult]", *, is_complete: bool) -> Iterator[str]:
        """Yield a line for each option that decided how the run ended."""
        failures = sum(result.status.is_failure for result in results)
        if not is_complete and self.is_reached(failures):
            option = "--fail-fast" if self.max_fail == 1 else f"--max-fail {self.max_fail}"
            yield f"stopped after {_tests(failures)} failed ({option})"
        skips = sum(result.status is Status.SKIP for result in results)
        if self.skips_fail and skips:
            yield f"{_tests(skips)} skipped, which is a failure here (--skips-fail)"


#: Without limits.
NO_POLICY: Final = Policy()


def _tests(count: int) -> str:
    return f"{count} test{'' if count == 1 else 's'}"
