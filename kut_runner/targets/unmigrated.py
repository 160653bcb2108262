# SPDX-License-Identifier: GPL-2.0-or-later
"""Harness that answers requests for a migration without one, for a test in a debugger."""

from typing import TYPE_CHECKING, Final

from kut_runner.process.inspector import NoAttachment
from kut_runner.targets.migration_requests import Request, RequestReader

if TYPE_CHECKING:
    from collections.abc import Callable

    from kut_runner.process.harness import Stage


class Unmigrated:
    """Harness of one test; see `process.harness.Harness`."""

    moves: Final = 0

    def __init__(self, on_request: "Callable[[], None]", stage: "Stage") -> None:
        """Call `on_request` for each request, before the key that answers it."""
        self._on_request = on_request
        self._stage = stage
        self._requests = RequestReader()

    def attach(self) -> NoAttachment:
        """Return no connection."""
        return NoAttachment()

    def on_started(self) -> None:
        """Do nothing."""

    def on_output(self, data: bytes) -> None:
        """Press a key for each request in the output."""
        for request in self._requests.feed(data):
            if request is not Request.EXIT:
                self._on_request()
                self._stage.press_key()

    def on_spare_exit(self, code: int, stderr: str) -> None:
        """Do nothing: there is no spare machine."""

    def finish(self, stderr: str) -> None:
        """Add nothing to the verdict."""

    def close(self) -> None:
        """Do nothing."""
