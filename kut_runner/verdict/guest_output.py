# SPDX-License-Identifier: GPL-2.0-or-later
"""Output of a guest, collected from its events for the verdict and the views."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from kut_runner.verdict.events import At, Check, Event, Exit, Fatal, Info, Output, Summary, Syndrome

AnyEvent = TypeVar("AnyEvent", bound=Event)

#: Last lines of the output that are kept: more than a dump of all registers.
_LAST_LINES: Final = 40


@dataclass(frozen=True, slots=True)
class GuestOutput:
    """Output of one boot: its checks, the last event of each kind, and its last lines."""

    checks: tuple[Check, ...] = ()
    last: Mapping[type[Event], Event] = field(default_factory=dict)
    """Last event of each kind."""
    checks_and_infos: tuple[Check | Info, ...] = ()
    """Checks and INFO lines, in order."""
    after_exit: str = ""
    """First line after the last EXIT line."""
    last_lines: tuple[str, ...] = ()
    """Last lines of any kind, without blank lines."""

    def latest(self, kind: "type[AnyEvent]") -> "AnyEvent | None":
        """Return the last event of a kind, None if there is none."""
        event = self.last.get(kind)
        return event if isinstance(event, kind) else None

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that failed, or passed against expectation."""
        return tuple(check for check in self.checks if check.status.is_failure)

    @property
    def exit_status(self) -> int | None:
        """Number in the last EXIT line, None without one."""
        event = self.latest(Exit)
        return event.status if event else None

    @property
    def fatal_message(self) -> str:
        """The library's message about a fatal exception or assertion; empty without one."""
        fatal, syndrome = self.latest(Fatal), self.latest(Syndrome)
        if fatal and syndrome:
            return f"{fatal.line}: {syndrome.description}"
        return fatal.line if fatal else ""

    @property
    def counted(self) -> int:
        """Number of checks, silent ones included."""
        summary = self.latest(Summary)
        return max(summary.tests if summary else 0, len(self.checks))


class OutputCollector:
    """Builder of a `GuestOutput`, fed with events in parts."""

    def __init__(self) -> None:
        """Start without events."""
        self._checks_and_infos: list[Check | Info] = []
        self._last: dict[type[Event], Event] = {}
        self._lines: deque[str] = deque(maxlen=_LAST_LINES)
        self._after_exit = ""
        self._failed: Check | None = None

    def feed(self, events: Iterable[Event]) -> None:
        """Add events."""
        last, keep_line = self._last, self._lines.append
        for event in events:
            kind = type(event)
            if kind is Output:  # the fast path: there may be 200,000 of them
                last[kind] = event
                self._failed = None
            else:
                self._add(event)
            line = event.line
            if line and not line.isspace():
                keep_line(line)
                if kind is Exit:
                    self._after_exit = ""
                elif not self._after_exit:
                    self._after_exit = line.strip()

    def output(self) -> GuestOutput:
        """Return the output of the events so far."""
        return GuestOutput(
            checks=tuple(event for event in self._checks_and_infos if isinstance(event, Check)),
            last=dict(self._last),
            checks_and_infos=tuple(self._checks_and_infos),
            after_exit=self._after_exit if Exit in self._last else "",
            last_lines=tuple(self._lines),
        )

    def _add(self, event: Event) -> None:
        """Add an event; the source line of a failed check is in the line right after it."""
        failed, self._failed = self._failed, None
        if isinstance(event, At):
            if failed:
                self._checks_and_infos[-1] = self._last[Check] = replace(failed, place=event.place)
                return
            event = Output(event.line)
        self._last[type(event)] = event
        if isinstance(event, Check | Info):
            self._checks_and_infos.append(event)
            if isinstance(event, Check) and event.status.is_failure:
                self._failed = event


def collect(events: Iterable[Event]) -> GuestOutput:
    """Return the output with these events."""
    collector = OutputCollector()
    collector.feed(events)
    return collector.output()
