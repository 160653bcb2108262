# SPDX-License-Identifier: GPL-2.0-or-later
"""Output of a guest, collected from its events for the verdict and the views."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from kut_runner.verdict.events import At, Check, Event, Exit, Fatal, Info, Output, Summary, Syndrome

AnyEvent = TypeVar("AnyEvent", bound=Event)

#: Lines kept of the end of the output: more than a dump of all registers has.
_LAST_LINES: Final = 40


@dataclass(frozen=True, slots=True)
class GuestOutput:
    """The output of one boot: its checks, the events that count, and its last lines."""

    checks: tuple[Check, ...] = ()
    last: Mapping[type[Event], Event] = field(default_factory=dict)
    """The last event of each kind."""
    told: tuple[Check | Info, ...] = ()
    """The checks and the INFO lines, in order."""
    after_exit: str = ""
    """The first line after the last EXIT line."""
    last_lines: tuple[str, ...] = ()
    """The end of the output, whatever its kind, without blank lines."""

    def latest(self, kind: "type[AnyEvent]") -> "AnyEvent | None":
        """Return the last event of a kind."""
        event = self.last.get(kind)
        return event if isinstance(event, kind) else None

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that failed, or passed against expectation."""
        return tuple(check for check in self.checks if check.status.is_failure)

    @property
    def exit_status(self) -> int | None:
        """The number in the last EXIT line."""
        event = self.latest(Exit)
        return event.status if event else None

    @property
    def fatal_message(self) -> str:
        """The library's message about a fatal exception or assertion, "" when there is none."""
        died, syndrome = self.latest(Fatal), self.latest(Syndrome)
        if died and syndrome:
            return f"{died.line}: {syndrome.description}"
        return died.line if died else ""

    @property
    def counted(self) -> int:
        """Number of checks made, silent ones included."""
        summary = self.latest(Summary)
        return max(summary.tests if summary else 0, len(self.checks))


class OutputCollector:
    """Collects events a part at a time."""

    def __init__(self) -> None:
        """Start empty."""
        self._told: list[Check | Info] = []
        self._last: dict[type[Event], Event] = {}
        self._lines: deque[str] = deque(maxlen=_LAST_LINES)
        self._after_exit = ""
        self._failed: Check | None = None

    def feed(self, events: Iterable[Event]) -> None:
        """Add the events that come next."""
        last, keep_line = self._last, self._lines.append
        for event in events:
            kind = type(event)
            if kind is Output:  # at once: there may be 200,000 of them
                last[kind] = event
                self._failed = None
            else:
                self._sort_in(event)
            line = event.line
            if line and not line.isspace():
                keep_line(line)
                if kind is Exit:
                    self._after_exit = ""
                elif not self._after_exit:
                    self._after_exit = line.strip()

    def output(self) -> GuestOutput:
        """Return what was collected so far."""
        return GuestOutput(
            checks=tuple(event for event in self._told if isinstance(event, Check)),
            last=dict(self._last),
            told=tuple(self._told),
            after_exit=self._after_exit if Exit in self._last else "",
            last_lines=tuple(self._lines),
        )

    def _sort_in(self, event: Event) -> None:
        """Keep what counts of an event; a failed check has its place in the very next line."""
        failed, self._failed = self._failed, None
        if isinstance(event, At):
            if failed:
                self._told[-1] = self._last[Check] = replace(failed, place=event.place)
                return
            event = Output(event.line)
        self._last[type(event)] = event
        if isinstance(event, Check | Info):
            self._told.append(event)
            if isinstance(event, Check) and event.status.is_failure:
                self._failed = event


def collect(events: Iterable[Event]) -> GuestOutput:
    """Return the output that `events` make up."""
    collector = OutputCollector()
    collector.feed(events)
    return collector.output()
