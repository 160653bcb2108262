# SPDX-License-Identifier: GPL-2.0-or-later
"""Interface to the state of a running machine."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from kut_runner.process.snapshot import Snapshot


class Source(Protocol):
    """A descriptor that a selector waits for."""

    def fileno(self) -> int:
        """Return the descriptor."""

    def read(self) -> int | None:
        """Receive data and process it; return 0 at the end, None before."""


class Watcher(Protocol):
    """A selector that waits for sources."""

    def watch(self, source: Source) -> None:
        """Read from the source whenever it has data, until it ends."""

    def ignore(self, source: Source) -> None:
        """Stop waiting for a source; its descriptor is still open."""


class Attachment(Protocol):
    """Descriptors and options of a process that connect it to kut."""

    @property
    def descriptors(self) -> tuple[int, ...]:
        """Descriptors for the process to inherit."""

    @property
    def options(self) -> tuple[str, ...]:
        """Options to add to the command line."""

    def on_started(self) -> None:
        """Close the ends of the child in this process."""

    def close(self) -> None:
        """Close all descriptors."""


class NoAttachment:
    """Attachment without descriptors and options."""

    descriptors: tuple[int, ...] = ()
    options: tuple[str, ...] = ()

    def on_started(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class Inspector(Attachment, Protocol):
    """Access to the machine of a process: opened before its start, used at a timeout."""

    @property
    def time_limit(self) -> float:
        """Seconds for an inspection."""

    def begin(self, on_end: Callable[[], None]) -> tuple[Source, ...]:
        """Begin the inspection; return the sources to wait for until `on_end` is called."""

    @property
    def alarm(self) -> float | None:
        """Time of the next `ring`, in seconds of the monotonic clock."""

    def ring(self) -> None:
        """Go on at the time of `alarm`."""

    def give_up(self) -> None:
        """End an inspection in progress with an incomplete snapshot."""

    @property
    def sources(self) -> tuple[Source, ...]:
        """Sources that `begin` returned; empty before."""

    @property
    def snapshot(self) -> "Snapshot | None":
        """State read so far; None before `begin`."""

    def was_reached(self) -> bool:
        """Return whether the child has used its ends; a wrapper script may close them."""
