# SPDX-License-Identifier: GPL-2.0-or-later
"""Interface to a harness: it directs the machines of a test while they run.

A test without a harness is one process from start to end. A harness talks to the machine through
its monitor, sees its output, presses keys, and may move the test to a further machine, which is
the same process started again.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from kut_runner.process.inspector import Attachment, Watcher


class FindingKind(Enum):
    """Weight of a finding of a harness, in descending order."""

    FAILED = auto()
    """The harness could not do its work: an error, whatever the guest has printed."""
    MISUSED = auto()
    """The guest asked for something that makes no sense: the test fails."""
    BROKEN = auto()
    """What runs the machine misbehaved, which is what the test is about: it fails."""
    PASSED = auto()
    """The harness has seen what the test is about: it passes, unless a check failed."""
    UNMET_END = auto()
    """The test should have ended in another way: it fails, with or without an EXIT line."""
    UNMET = auto()
    """The harness has not seen what the test is about: the test does not pass."""
    UNFINISHED = auto()
    """Something was in progress; of interest after a timeout only."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Contribution of a harness to the verdict on a test."""

    kind: FindingKind
    cause: str
    """Value of the cause of the verdict."""
    text: str
    """One sentence."""


class Stage(Protocol):
    """The machines of a test, for its harness."""

    @property
    def watcher(self) -> "Watcher":
        """Selector for the sources of the harness."""

    def start_spare(self) -> None:
        """Start a further machine, attached to what `Harness.attach` returns."""

    def hand_over(self) -> None:
        """Make the spare machine the current one, and kill the current one."""

    def press_key(self) -> None:
        """Send a newline to the serial line of the current machine."""

    def give_up(self) -> None:
        """Kill the machines; `finish` returns the reason."""


class Harness(Protocol):
    """Director of the machines of one test."""

    def attach(self) -> "Attachment":
        """Return the connection to the next machine, the first one or a spare."""

    def on_started(self) -> None:
        """Begin, after the start of the first machine."""

    def on_output(self, data: bytes) -> None:
        """Process output of the guest."""

    def on_spare_exit(self, code: int, stderr: str) -> None:
        """Handle the exit of the spare machine by itself; `code` is negative for a signal."""

    def finish(self, stderr: str) -> Finding | None:
        """Return the finding after the end of the last machine; None for nothing to add."""

    @property
    def moves(self) -> int:
        """Number of completed moves to another machine."""

    def close(self) -> None:
        """Close all descriptors."""
