# SPDX-License-Identifier: GPL-2.0-or-later
"""Output of a guest, collected from its events for the verdict and the views."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypeVar

from kut_runner.verdict.events import (
    Abort,
    At,
    Check,
    Event,
    Exit,
    Fatal,
    Info,
    Output,
    RowLine,
    Stack,
    Summary,
    Syndrome,
)

if TYPE_CHECKING:
    from kut_runner.verdict.rows import AreaRows, RowsCollector

AnyEvent = TypeVar("AnyEvent", bound=Event)

#: Last lines of the output that are kept: more than a dump of all registers.
_LAST_LINES: Final = 40
#: Lines kept of a dump: those before its message, as kvm-unit-tests prints them, and all of them.
_BEFORE_MESSAGE: Final = 4
_DUMP_LINES: Final = 60


@dataclass(frozen=True, slots=True)
class GuestOutput:
    """Output of one boot: its checks, the events that decide, and its last lines.

    The first EXIT line ends the test: checks and events after it do not count.
    """

    checks: tuple[Check, ...] = ()
    last: Mapping[type[Event], Event] = field(default_factory=dict)
    """Last event of each kind; of `Fatal` and `Abort` only the first one of both."""
    checks_and_infos: tuple[Check | Info, ...] = ()
    """Checks and INFO lines, in order."""
    after_exit: str = ""
    """First line after the first EXIT line."""
    last_lines: tuple[str, ...] = ()
    """Last lines of any kind, without blank lines."""
    rows: "AreaRows | None" = None
    """Rows of the conformance suite; None for any other test."""
    dump_lines: tuple[str, ...] = field(default=(), compare=False)
    """Lines around the first `Fatal` or `Abort`; not part of documents."""
    exit_statuses: frozenset[int] = field(default=frozenset(), compare=False)
    """Numbers in all EXIT lines, also in those after the first; not part of documents."""
    most_unexpected: int = field(default=0, compare=False)
    """Most unexpected failures that a SUMMARY line announces; not part of documents."""

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
        """Number in the first EXIT line, None without one."""
        event = self.latest(Exit)
        return event.status if event else None

    @property
    def fatal_message(self) -> str:
        """First message of the library about an exception or assertion; empty without one."""
        fatal, syndrome = self.latest(Fatal), self.latest(Syndrome)
        if fatal and syndrome and syndrome.description not in fatal.line:
            return f"{fatal.line.strip()}: {syndrome.description}"
        return fatal.line.strip() if fatal else ""

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
        self._dump_lines: list[str] = []
        self._exit_statuses: set[int] = set()
        self._most_unexpected = 0
        self._rows: RowsCollector | None = None
        self._follows = False

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
                if self._follows:
                    self._follow(event)

    def output(self) -> GuestOutput:
        """Return the output of the events so far."""
        return GuestOutput(
            checks=tuple(event for event in self._checks_and_infos if isinstance(event, Check)),
            last=dict(self._last),
            checks_and_infos=tuple(self._checks_and_infos),
            after_exit=self._after_exit,
            last_lines=tuple(self._lines),
            rows=self._rows.rows() if self._rows else None,
            dump_lines=tuple(self._dump_lines),
            exit_statuses=frozenset(self._exit_statuses),
            most_unexpected=self._most_unexpected,
        )

    def _add(self, event: Event) -> None:
        """Add an event; the source line of a failed check is in the line right after it."""
        failed, self._failed = self._failed, None
        if isinstance(event, Exit):
            self._exit_statuses.add(event.status)
        if Exit in self._last:
            return
        if isinstance(event, RowLine):
            self._add_row_line(event)
            return
        if isinstance(event, At):
            if failed:
                self._checks_and_infos[-1] = self._last[Check] = replace(failed, place=event.place)
                return
            event = Output(event.line)
        self._record(event)
        if isinstance(event, Check | Info):
            self._checks_and_infos.append(event)
            if isinstance(event, Check) and event.status.is_failure:
                self._failed = event

    def _add_row_line(self, line: RowLine) -> None:
        """Add a line about rows of the conformance suite."""
        if not self._rows:
            from kut_runner.verdict.rows import RowsCollector  # only for the conformance suite

            self._rows = RowsCollector()
        self._rows.add(line)

    def _record(self, event: Event) -> None:
        """Make the event the last of its kind, or keep the first one of those of a dump."""
        last = self._last
        if isinstance(event, Summary):
            self._most_unexpected = max(self._most_unexpected, event.unexpected)
        elif isinstance(event, Exit):
            self._follows = True
        elif Fatal in last or Abort in last:
            if isinstance(event, Fatal | Abort):
                return
            if isinstance(event, Stack | Syndrome):
                last.setdefault(type(event), event)
                return
        elif isinstance(event, Fatal | Abort):
            self._begin_dump()
        last[type(event)] = event

    def _begin_dump(self) -> None:
        """Keep the lines from here on, with those before that belong to the dump."""
        self._follows = True
        self._dump_lines = list(self._lines)[-_BEFORE_MESSAGE:]
        self._last.pop(Syndrome, None)
        self._last.pop(Stack, None)

    def _follow(self, event: Event) -> None:
        """Add a line after the first message to the dump, or one after the EXIT line."""
        if (end := self._last.get(Exit)) is None:
            if len(self._dump_lines) < _DUMP_LINES:
                self._dump_lines.append(event.line)
        elif not self._after_exit and event is not end:
            self._after_exit = event.line.strip()


def collect(events: Iterable[Event]) -> GuestOutput:
    """Return the output with these events."""
    collector = OutputCollector()
    collector.feed(events)
    return collector.output()
