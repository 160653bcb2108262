# SPDX-License-Identifier: GPL-2.0-or-later
"""Many QEMUs at a time in one thread: an event loop over serial lines, ends and deadlines.

One selector waits for all serial lines and for signals, one of which is SIGCHLD; nothing polls.
QEMU writes its serial line one byte at a time, so that after each read the loop looks away for
a millisecond and then finds many bytes, and for longer in a flood. Whatever ends the `with` block,
no QEMU outlives it.
"""

import time
from selectors import EVENT_READ, DefaultSelector
from typing import TYPE_CHECKING, Final, Protocol, Self

from kut_runner.process.boot import Boot, ExitKind, Launch, ProcessExit
from kut_runner.process.signals import Signals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kut_runner.process.inspector import Source

#: Seconds for more bytes of a line to arrive before they are looked at; the most in a flood.
_COALESCE: Final = 0.001
_MOST_COALESCE: Final = 0.016
#: Bytes at a time that make a flood; what comes in the longest pause still fits into a pipe.
_FLOOD: Final = 512


class Stopper(Protocol):
    """Something beside a signal that may ask kut to stop."""

    def fileno(self) -> int:
        """Return a descriptor that is readable when there is something to look at."""

    def stop_requested(self) -> bool:
        """Take in what the descriptor has; tell whether to stop."""


class Pool:
    """Context manager that owns running QEMUs and the signal handlers."""

    def __init__(self, stoppers: "Iterable[Stopper]" = ()) -> None:
        """Start nothing yet; each of `stoppers` is asked until it wants kut to stop."""
        self._stoppers = list(stoppers)
        self._stops_asked = 0
        self._signals = Signals()
        self._running: list[Boot] = []
        self._stops_handled = 0
        self._has_handled_stop = False
        self._pause = _COALESCE

    def __enter__(self) -> Self:
        """Take over SIGINT, SIGTERM and SIGHUP."""
        self._signals.__enter__()
        self._selector = DefaultSelector()
        self._selector.register(self._signals, EVENT_READ)
        for stopper in self._stoppers:
            self._selector.register(stopper, EVENT_READ)
        return self

    def __exit__(self, *_error: object) -> None:
        """Kill every QEMU that still runs, which is none unless an error ends the block."""
        for boot in self._running:
            boot.abandon()
        self._selector.close()
        self._signals.__exit__()

    @property
    def stops(self) -> int:
        """How often kut was asked to stop; the QEMUs that run are told in the next `wait`."""
        return self._signals.stops + self._stops_asked

    def start(self, launch: Launch, on_output: "Callable[[bytes], None] | None" = None) -> Boot:
        """Start a QEMU, whose output `on_output` gets too; OSError when it or its log cannot be."""
        boot = Boot(launch, on_output)
        self._running.append(boot)
        self._selector.register(boot, EVENT_READ, boot)
        return boot

    def wait(
        self, *, is_busy: bool = False, until: float | None = None
    ) -> list[tuple[Boot, ProcessExit]]:
        """Wait until something happens; return the QEMUs that have ended, often none.

        A caller that `is_busy` has other work to do: what has happened is looked at, without
        waiting. In any case `until` is the end of waiting, on the monotonic clock. The log of each
        is the caller's to close. Raises InfrastructureError when one cannot be written.
        """
        ready = self._selector.select(
            0 if is_busy or self._has_handled_stop else self._seconds_to_wait(until)
        )
        self._signals.drain()
        heard = [key.data for key, _ in ready if key.data]
        most = 0
        for boot in heard:
            if size := boot.read():
                most = max(most, size)
            elif size is not None:
                self._selector.unregister(boot)
        self._ask({key.fileobj for key, _ in ready})
        # Who is told of a stop is told before those end that it asks to.
        self._has_handled_stop = self._handle_stops()
        gone = (
            [] if self._has_handled_stop else [boot for boot in self._running if boot.has_ended()]
        )
        process_exit = [self._finish(boot) for boot in gone]
        self._expire()
        if most and not process_exit and not is_busy:
            self._coalesce(most)
        return process_exit

    def _coalesce(self, size: int) -> None:
        """Look away for a moment; in a flood, of which `size` bytes just came, for a longer one."""
        longer = min(2 * self._pause, _MOST_COALESCE)
        self._pause = longer if size >= _FLOOD else _COALESCE
        self._signals.pause(self._pause)

    def take_slow(self) -> list[Boot]:
        """Return the QEMUs that have become slow since the last call, see `patience`."""
        return [boot for boot in self._running if boot.take_slow()]

    def _seconds_to_wait(self, until: float | None) -> float | None:
        """Return the seconds until the next deadline or `until`; None when there is neither."""
        due = [boot.deadline for boot in self._running if boot.deadline is not None]
        due += [] if until is None else [until]
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _finish(self, boot: Boot) -> tuple[Boot, ProcessExit]:
        sources: tuple[Boot | Source, ...] = (boot, *boot.sources)
        for source in sources:
            if source in self._selector.get_map():
                self._selector.unregister(source)
        self._running.remove(boot)
        return boot, boot.finish()

    def _ask(self, ready: "set[object]") -> None:
        """Let stoppers that are ready say whether they want a stop; each gets its way once."""
        for stopper in [*self._stoppers]:
            if stopper in ready and stopper.stop_requested():
                self._stoppers.remove(stopper)
                self._selector.unregister(stopper)
                self._stops_asked = 1

    def _handle_stops(self) -> bool:
        """Act on requests to stop: the first asks the QEMUs to end, another one kills them.

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
                for source in boot.expire(now):
                    self._selector.register(source, EVENT_READ, source)
