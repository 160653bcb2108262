# SPDX-License-Identifier: GPL-2.0-or-later
"""The interface to the state of a machine that runs: what a process is started with for it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from kut_runner.process.snapshot import Snapshot


class Source(Protocol):
    """A descriptor that a selector waits for while a machine is inspected."""

    def fileno(self) -> int:
        """Return the descriptor."""

    def read(self) -> int | None:
        """Take what has come and go on with it; return 0 when no more will come, else None."""


class Inspector(Protocol):
    """Access to one process's machine: opened before the process, used after a timeout."""

    @property
    def time_limit(self) -> float:
        """Seconds that an inspection may take."""

    @property
    def descriptors(self) -> tuple[int, ...]:
        """Descriptors for the process to inherit."""

    @property
    def options(self) -> tuple[str, ...]:
        """Options to add to the command line."""

    def on_started(self) -> None:
        """Close the process's ends in this process."""

    def begin(self, on_end: Callable[[], None]) -> tuple[Source, ...]:
        """Begin to read the machine's state; return what to listen to until `on_end` is called."""

    def give_up(self) -> None:
        """End an inspection in progress; the snapshot says that it is not complete."""

    @property
    def sources(self) -> tuple[Source, ...]:
        """What `begin` returned; empty before."""

    @property
    def snapshot(self) -> "Snapshot | None":
        """The state read so far; None when no inspection has begun."""

    def was_reached(self) -> bool:
        """Return whether the process has used its ends: a wrapper may close them instead."""

    def close(self) -> None:
        """Close all descriptors."""
