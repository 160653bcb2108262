# SPDX-License-Identifier: GPL-2.0-or-later
"""The interface through which a run is shown and written while it lasts."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kut_runner.records.run_record import Run
    from kut_runner.verdict.result import TestResult


class View:
    """Something that shows or writes results; it leaves out what it does not care about."""

    def on_start(self, cases: "Sequence[str]") -> None:
        """Take note of what is going to run."""

    def on_begin(self, case: str, attempt: int) -> None:
        """Take note that a QEMU was started; `attempt` counts those of this test, from 1."""

    def on_slow(self, case: str, attempt: int, seconds: float) -> None:
        """Take note that a test has run for `seconds` and still has not ended."""

    @property
    def wants_output(self) -> bool:
        """Whether it wants `on_output`, which costs a little for each piece of output."""
        return False

    def on_output(self, case: str, attempt: int, data: bytes) -> None:
        """Take note of bytes that a guest has said just now, cut anywhere."""

    def on_stop(self, stops: int, running: int) -> None:
        """Take note that kut was asked to stop, for the `stops`-th time, while so many run."""

    def on_retry(self, result: "TestResult") -> None:
        """Take note that a test failed and will be tried again; its result comes later."""

    @property
    def due(self) -> float | None:
        """When `on_due` wants to be called, on the monotonic clock; None for not at all."""
        return None

    def on_due(self) -> None:
        """Show that time has passed."""

    def on_result(self, result: "TestResult") -> None:
        """Show one result; they come in the order in which tests end."""

    def on_end(self, run: "Run") -> None:
        """Show the whole; called exactly once, also when the run is cut short."""
