# SPDX-License-Identifier: GPL-2.0-or-later
"""A child process that runs a machine, with its inspector and the connection to its harness."""

import os
import subprocess
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Final, Self

from kut_runner.process.child import Child

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Sequence
    from io import FileIO

    from kut_runner.process.cpu_usage import Usage
    from kut_runner.process.inspector import Attachment, Inspector

_KEY: Final = b"\n"


class Pipe:
    """Context manager for a pipe; `close` may be called again."""

    def __init__(self) -> None:
        """Open both ends."""
        self.reader, self.writer = os.pipe()
        self._open = {self.reader, self.writer}

    def close_writer(self) -> None:
        """Close the end for writing, so that the pipe ends when nobody else has it."""
        self._close(self.writer)

    def close_reader(self) -> None:
        """Close the end for reading."""
        self._close(self.reader)

    def close(self) -> None:
        """Close both ends."""
        self.close_reader()
        self.close_writer()

    def __enter__(self) -> Self:
        """Return the pipe, which is closed at the end of the block."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Close both ends."""
        self.close()

    def _close(self, end: int) -> None:
        if end in self._open:
            self._open.remove(end)
            os.close(end)


class Machine:
    """A running machine; `reap` ends it, `close` closes its descriptors."""

    def __init__(
        self,
        command: "Sequence[str]",
        *,
        serial: int,
        stderr: "FileIO",
        inspector: "Callable[[], Inspector] | None",
        attachment: "Attachment | None",
    ) -> None:
        """Start the process; raises OSError.

        `serial` is the descriptor for its stdout. Only a process with an attachment has a keyboard.
        """
        with ExitStack() as undo:
            self._keyboard = undo.enter_context(Pipe()) if attachment else None
            self.inspector = inspector() if inspector else None
            """Access to the state of the machine; None for none."""
            attached = [each for each in (self.inspector, attachment) if each]
            if self.inspector:
                undo.callback(self.inspector.close)
            self._child = Child(
                (*command, *(option for each in attached for option in each.options)),
                stdin=self._keyboard.reader if self._keyboard else subprocess.DEVNULL,
                stdout=serial,
                stderr=stderr,
                descriptors=[end for each in attached for end in each.descriptors],
            )
            undo.pop_all()
        for each in attached:
            each.on_started()
        if self._keyboard:
            self._keyboard.close_reader()
            os.set_blocking(self._keyboard.writer, False)

    @property
    def cpu_seconds(self) -> float:
        """CPU time of all threads; known after `reap`."""
        return self._child.cpu_seconds

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._child.pid

    def usage(self) -> "Usage | None":
        """Return the CPU usage of the live threads; None if it is unknown."""
        return self._child.usage()

    def has_ended(self) -> bool:
        """Return whether the process has ended, without waiting."""
        return self._child.has_ended()

    def signal(self, number: "signal.Signals") -> None:
        """Send a signal to the process and its children."""
        self._child.signal(number)

    def press_key(self) -> None:
        """Send a newline to the serial line."""
        assert self._keyboard  # noqa: S101 - only a harness presses keys
        with suppress(OSError):  # it has ended, or it reads nothing
            os.write(self._keyboard.writer, _KEY)

    def reap(self) -> int:
        """Kill the process, wait for it and return its status; see `Child.reap`."""
        return self._child.reap()

    def close(self) -> None:
        """Close the keyboard and the inspector."""
        if self._keyboard:
            self._keyboard.close()
        if self.inspector:
            self.inspector.close()
