# SPDX-License-Identifier: GPL-2.0-or-later
"""Many processes in parallel in one thread: an event loop over output, exits and deadlines.

One selector waits for all serial lines and for signals, among them SIGCHLD, without polling. QEMU
writes each byte of the serial line separately, so that the loop pauses after each read to collect
bytes: for a millisecond, and for longer in a flood. No process outlives the `with` block.
"""

import time
from selectors import EVENT_READ, DefaultSelector, SelectorKey
from typing import TYPE_CHECKING, Final, Protocol, Self

from kut_runner.process.boot import Boot, ExitKind, Launch, ProcessExit
from kut_runner.process.signals import Signals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kut_runner.process.inspector import Source

#: Seconds of the pause after a read, and its maximum in a flood.
_COALESCE: Final = 0.001
_LONGEST_COALESCE: Final = 0.016
#: Bytes in one read that count as a flood; the pipe holds the bytes of the longest pause.
_FLOOD: Final = 512


class Stopper(Protocol):
    """A source of stop requests other than signals."""

    def fileno(self) -> int:
        """Return a descriptor that is readable when `stop_requested` should be called."""

    def stop_requested(self) -> bool:
        """Read from the descriptor; return whether to stop."""


class Pool:
    """Context manager that owns running processes and the signal handlers."""

    def __init__(self, stoppers: "Iterable[Stopper]" = ()) -> None:
        """Start no process yet; each of `stoppers` may request one stop."""
        self._stoppers = list(stoppers)
        self._stops_requested = 0
        self._signals = Signals()
        self._running: list[Boot] = []
        self._stops_handled = 0
        self._has_handled_stop = False
        self._pause = _COALESCE

    def __enter__(self) -> Self:
        """Install handlers for SIGINT, SIGTERM and SIGHUP."""
        self._signals.__enter__()
        self._selector = DefaultSelector()
        self._selector.register(self._signals, EVENT_READ)
        for stopper in self._stoppers:
            self._selector.register(stopper, EVENT_READ)
        return self

    def __exit__(self, *_error: object) -> None:
        """Kill all running processes: after an error there may be some."""
        for boot in self._running:
            boot.abandon()
        self._selector.close()
        self._signals.__exit__()

    @property
    def stops(self) -> int:
        """Number of stop requests; the next `wait` stops the processes."""
        return self._signals.stops + self._stops_requested

    def start(self, launch: Launch, on_output: "Callable[[bytes], None] | None" = None) -> Boot:
        """Start a process; raises OSError. `on_output` is called with each part of its output."""
        boot = Boot(launch, on_output, self)
        self._running.append(boot)
        self._selector.register(boot, EVENT_READ, boot)
        return boot

    def watch(self, source: "Source") -> None:
        """Read from the source whenever it has data, until it ends."""
        self._selector.register(source, EVENT_READ, source)

    def ignore(self, source: "Source") -> None:
        """Stop waiting for a source; its descriptor is still open."""
        if source in self._selector.get_map():
            self._selector.unregister(source)

    def wait(
        self, *, is_busy: bool = False, until: float | None = None
    ) -> list[tuple[Boot, ProcessExit]]:
        """Wait for the next event; return the processes that have ended, often none.

        With `is_busy` pending events are handled without waiting, for a caller with other work.
        `until` limits the wait, in seconds of the monotonic clock. The caller closes the logs.
        Raises InfrastructureError if a log cannot be written.
        """
        ready = self._selector.select(
            0 if is_busy or self._has_handled_stop else self._seconds_to_wait(until)
        )
        self._signals.drain()
        largest = 0
        for key in [key for key, _ in ready if key.data]:
            if not self._is_watched(key):  # a source before it has ended it
                continue
            if size := key.data.read():
                largest = max(largest, size)
            elif size is not None:
                self.ignore(key.data)
        self._query_stoppers({key.fileobj for key, _ in ready})
        # A stop is handled, and visible in `stops`, before the processes that it ends.
        self._has_handled_stop = self._handle_stops()
        ended = (
            [] if self._has_handled_stop else [boot for boot in self._running if boot.has_ended()]
        )
        exits = [self._finish(boot) for boot in ended]
        self._expire()
        if largest and not exits and not is_busy:
            self._coalesce(largest)
        return exits

    def _is_watched(self, key: SelectorKey) -> bool:
        """Return whether the key is still that of its descriptor."""
        now = self._selector.get_map().get(key.fd)
        return now is not None and now.data is key.data

    def _coalesce(self, size: int) -> None:
        """Pause after a read of `size` bytes; in a flood twice as long as before."""
        longer = min(2 * self._pause, _LONGEST_COALESCE)
        self._pause = longer if size >= _FLOOD else _COALESCE
        self._signals.pause(self._pause)

    def take_slow(self) -> list[Boot]:
        """Return the processes that became slow since the last call; see `cpu_timeout`."""
        return [boot for boot in self._running if boot.take_slow()]

    def _seconds_to_wait(self, until: float | None) -> float | None:
        """Return the seconds until the next deadline or `until`; None without either."""
        due = [boot.deadline for boot in self._running if boot.deadline is not None]
        due += [] if until is None else [until]
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _finish(self, boot: Boot) -> tuple[Boot, ProcessExit]:
        sources: tuple[Boot | Source, ...] = (boot, *boot.sources)
        for source in sources:
            self.ignore(source)
        self._running.remove(boot)
        return boot, boot.finish()

    def _query_stoppers(self, ready: "set[object]") -> None:
        """Query the stoppers that are ready, and remove one that requests a stop."""
        for stopper in [*self._stoppers]:
            if stopper in ready and stopper.stop_requested():
                self._stoppers.remove(stopper)
                self._selector.unregister(stopper)
                self._stops_requested = 1

    def _handle_stops(self) -> bool:
        """Handle new stop requests: the first terminates the processes, a later one kills them.

        Returns whether there was one.
        """
        if self.stops == self._stops_handled:
            return False
        for boot in self._running:
            if self._stops_handled:
                boot.kill()
            else:
                boot.stop(ExitKind.INTERRUPTED)
        self._stops_handled = self.stops
        return True

    def _expire(self) -> None:
        now = time.monotonic()
        for boot in self._running:
            due = boot.deadline
            if due is not None and due <= now:
                boot.expire(now)
