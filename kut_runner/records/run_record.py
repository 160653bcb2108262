# SPDX-License-Identifier: GPL-2.0-or-later
"""A run as data: its results and how it ended."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kut_runner.errors import ExitCode
    from kut_runner.verdict.result import TestResult


@dataclass(frozen=True, slots=True)
class Run:
    """A run that has ended or was stopped."""

    results: "Sequence[TestResult]"
    selected: int
    """Number of results that a complete run has."""
    started: float
    """Start, in seconds since the epoch."""
    seconds: float
    exit_code: "ExitCode"
    is_complete: bool
    """Whether every selected test has its result."""
