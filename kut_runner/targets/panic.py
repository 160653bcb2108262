# SPDX-License-Identifier: GPL-2.0-or-later
"""Harness of a test that is to panic: QEMU's event GUEST_PANICKED decides."""

from typing import TYPE_CHECKING, Final

from kut_runner.process.harness import Finding, FindingKind
from kut_runner.targets.dialogue import Dialogue, lost_socket

if TYPE_CHECKING:
    from kut_runner.process.harness import Stage
    from kut_runner.targets.remote import Steps

#: The machine starts stopped, so that no event is before the monitor is ready.
_STOPPED: Final = ("-S",)


class Panic:
    """Harness of one test; see `process.harness.Harness`."""

    moves: Final = 0

    def __init__(self, version: tuple[int, ...], stage: "Stage") -> None:
        """Start nothing yet; `version` is that of QEMU."""
        self._stage = stage
        self._finding = Finding(FindingKind.UNMET_END, "no-panic", "the guest did not panic")
        self._dialogue = Dialogue(version, stage.watcher, self._steps, self._fail, _STOPPED)

    def attach(self) -> Dialogue:
        """Return the connection to the machine."""
        return self._dialogue

    def on_started(self) -> None:
        """Do nothing: the dialogue has begun."""

    def on_output(self, data: bytes) -> None:
        """Do nothing: output does not matter."""

    def on_spare_exit(self, code: int, stderr: str) -> None:
        """Do nothing: there is no spare machine."""

    def finish(self, stderr: str) -> Finding:
        """Return whether the guest has panicked."""
        self._dialogue.drain()
        if reason := lost_socket(stderr):
            return Finding(FindingKind.FAILED, "panic-failed", reason)
        return self._finding

    def close(self) -> None:
        """Close all descriptors."""
        self._dialogue.close()

    def _fail(self, text: str) -> None:
        self._finding = Finding(FindingKind.FAILED, "panic-failed", text)
        self._stage.give_up()

    def _steps(self, dialogue: Dialogue) -> "Steps[None]":
        yield from dialogue.monitor.ask("qmp_capabilities")
        yield from dialogue.monitor.ask("cont")
        yield from dialogue.monitor.event("GUEST_PANICKED")
        self._finding = Finding(FindingKind.PASSED, "panicked", "the guest panicked")
        self._stage.give_up()  # QEMU may be set up to pause
