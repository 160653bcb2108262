# SPDX-License-Identifier: GPL-2.0-or-later
"""Inspection of a test in the lab: at a timeout the VMM is asked to stop, and reports its vCPUs."""

import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kut_runner.targets import lab_harness, lab_machine, lab_report

if TYPE_CHECKING:
    from collections.abc import Callable

    from kut_runner.process.snapshot import Snapshot

#: Seconds for the report, the end of the VMM and that of its QEMU.
TIME_LIMIT: Final = 30.0

_REQUEST: Final = b"stop\n"


class LabInspector:
    """A socket to the VMM; see `process.inspector.Inspector`."""

    time_limit: Final = TIME_LIMIT
    alarm: Final = None

    def __init__(self, chardev: str, log: Path) -> None:
        """Open the socket behind `chardev`; the report is beside `log`."""
        self._chardev = chardev
        self._log = log
        self._ours, self._theirs = socket.socketpair()
        self._inspection: Inspection | None = None

    @property
    def descriptors(self) -> tuple[int, ...]:
        """Descriptors for QEMU to inherit."""
        return (self._theirs.fileno(),)

    @property
    def options(self) -> tuple[str, ...]:
        """Options to add to QEMU's command line."""
        return lab_machine.to_socket(self._chardev, self._theirs.fileno())

    def on_started(self) -> None:
        """Close QEMU's end in this process, so that its exit closes the connection."""
        self._theirs.close()

    def begin(self, on_end: "Callable[[], None]") -> "tuple[Inspection, ...]":
        """Ask the VMM to stop; the connection ends with its QEMU."""
        self._inspection = Inspection(self._ours, on_end)
        self._send(_REQUEST)
        return self.sources

    def _send(self, request: bytes) -> None:
        """Send a request to the VMM."""
        with suppress(OSError):  # QEMU has ended
            self._ours.send(request)

    def ring(self) -> None:
        """Do nothing: there is no alarm."""

    def give_up(self) -> None:
        """End an inspection in progress with an incomplete snapshot."""
        if self._inspection:
            self._inspection.end(f"the VMM did not report within {TIME_LIMIT:.0f} s")

    @property
    def sources(self) -> "tuple[Inspection, ...]":
        """Sources that `begin` returned; empty before."""
        return (self._inspection,) if self._inspection else ()

    @property
    def snapshot(self) -> "Snapshot | None":
        """State in the VMM's report; None if it has not stopped."""
        report = lab_report.parse(lab_harness.read(lab_harness.files_of(self._log).report))
        if not self._inspection:
            return report.snapshot() if report.error and report.cpus else None
        trouble = "" if report.cpus else self._inspection.trouble or "the VMM has reported no CPU"
        return report.snapshot(trouble, self._inspection.seconds)

    def was_reached(self) -> bool:
        """Return whether QEMU has used the socket, which a VMM at work does not show."""
        return True

    def close(self) -> None:
        """Close all sockets."""
        self._ours.close()
        self._theirs.close()


class Inspection:
    """An inspection in progress, which ends when QEMU closes the socket."""

    def __init__(self, end: socket.socket, on_end: "Callable[[], None]") -> None:
        """Wait for the end of a socket; `on_end` is called then."""
        end.settimeout(0)
        self._end = end
        self._on_end = on_end
        self._started = time.monotonic()
        self._is_over = False
        self.trouble = ""
        """Reason why it is incomplete; empty if it is complete."""
        self.seconds = 0.0
        """Wall time of the inspection."""

    def fileno(self) -> int:
        """Return the descriptor of the socket."""
        return self._end.fileno()

    def read(self) -> int | None:
        """Discard data; return 0 at the end, None before."""
        with suppress(BlockingIOError):
            try:
                data = self._end.recv(1024)
            except ConnectionError:
                data = b""
            if not data:
                self.end("")
                return 0
        return None

    def end(self, trouble: str) -> None:
        """End it, if it has not ended."""
        if not self._is_over:
            self._is_over = True
            self.trouble = trouble
            self.seconds = time.monotonic() - self._started
            self._on_end()
