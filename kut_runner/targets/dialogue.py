# SPDX-License-Identifier: GPL-2.0-or-later
"""Dialogue of a harness with one QEMU, through a monitor of its own."""

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from kut_runner.targets.remote import Link, Monitor, RemoteError, Steps, monitor_options

if TYPE_CHECKING:
    from kut_runner.process.inspector import Watcher

_NAME: Final = "kut-harness"
#: Message of QEMU about the socket of the monitor.
_NO_SOCKET: Final = f"-chardev socket,id={_NAME},"


def lost_socket(stderr: str) -> str:
    """Return the reason why QEMU did not get the socket of its monitor, "" if it did."""
    if _NO_SOCKET not in stderr:
        return ""
    return (
        "QEMU did not inherit the socket of its monitor: a wrapper of QEMU that closes descriptors"
        " (ssh, docker, sudo) cannot run this test"
    )


class Dialogue:
    """Attachment of a QEMU that is directed by steps; see `process.inspector.Attachment`."""

    def __init__(
        self,
        version: tuple[int, ...],
        watcher: "Watcher",
        steps: "Callable[[Dialogue], Steps[None]]",
        on_error: Callable[[str], None],
        options: tuple[str, ...] = (),
    ) -> None:
        """Open the socket; `options` are further ones for QEMU, of this version.

        `steps` begin when QEMU has started. `on_error` is called with the reason when QEMU refuses
        one; that it closes the connection at its end is no error.
        """
        self._version = version
        self._watcher = watcher
        self._on_error = on_error
        self._extra = options
        self._ours, self._theirs = socket.socketpair()
        self._link = Link(self._ours, self.advance)
        self.monitor = Monitor(self._link)
        """Monitor of this QEMU."""
        self._steps = steps(self)
        self._is_advancing = False
        self._is_over = False

    @property
    def descriptors(self) -> tuple[int, ...]:
        """Descriptors for QEMU to inherit."""
        return (self._theirs.fileno(),)

    @property
    def options(self) -> tuple[str, ...]:
        """Options to add to QEMU's command line."""
        return (*monitor_options(self._version, _NAME, self._theirs.fileno()), *self._extra)

    def on_started(self) -> None:
        """Close QEMU's end in this process, and begin."""
        self._theirs.close()
        self._watcher.watch(self._link)
        self.advance()

    def advance(self) -> bool:
        """Run the next step, if none is running; return whether the dialogue is over."""
        if self._is_advancing or self._is_over:
            return self._is_over
        self._is_advancing = True
        try:
            next(self._steps)
        except StopIteration:
            self._is_over = True
        except RemoteError as error:
            self._is_over = True
            if not self._link.is_closed:
                self._on_error(str(error))
        finally:
            self._is_advancing = False
        return self._is_over

    def drain(self) -> None:
        """Process what a QEMU that has ended has sent."""
        if self._ours.fileno() >= 0:
            self._link.read()

    def close(self) -> None:
        """Close the socket; a second call does nothing."""
        if self._ours.fileno() >= 0:
            self._watcher.ignore(self._link)
        self._is_over = True
        self._ours.close()
        self._theirs.close()
