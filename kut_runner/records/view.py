# SPDX-License-Identifier: GPL-2.0-or-later
"""The interface of a view, which shows or writes a run while it runs."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kut_runner.records.run_record import Run
    from kut_runner.verdict.result import TestResult


class View:
    """Receives the events of a run; a subclass overrides the methods that it needs."""

    def on_start(self, cases: "Sequence[str]") -> None:
        """Handle the start of a run of `cases`, given by id."""

    def on_begin(self, case: str, attempt: int) -> None:
        """Handle the start of a process; `attempt` counts the attempts of this case, from 1."""

    def on_slow(self, case: str, attempt: int, seconds: float) -> None:
        """Handle an attempt that has run for `seconds` and has not ended yet."""

    @property
    def wants_output(self) -> bool:
        """Whether to call `on_output`, which has a cost for each piece of output."""
        return False

    def on_output(self, case: str, attempt: int, data: bytes) -> None:
        """Handle new bytes of the serial line; they may end in the middle of a character."""

    def on_stop(self, stops: int, running: int) -> None:
        """Handle the `stops`-th request to stop, counted from 1, while `running` cases run."""

    def on_retry(self, result: "TestResult") -> None:
        """Handle a failed attempt that is followed by another one."""

    @property
    def due(self) -> float | None:
        """Time of the monotonic clock at which to call `on_due`; None for never."""
        return None

    def on_due(self) -> None:
        """Handle the time that `due` has asked for."""

    def on_result(self, result: "TestResult") -> None:
        """Handle a result; results come in the order in which cases end."""

    def on_end(self, run: "Run") -> None:
        """Handle the end of the run; called exactly once, also for a run that is cut short."""
