# SPDX-License-Identifier: GPL-2.0-or-later
"""Progress display at the bottom of a terminal: a few lines with the running tests.

The board is redrawn at most five times a second, and once a second while only the time changes.
Lines that stay, such as that of a passed test, wait for the next redraw unless they are urgent, and
everything is written in one piece. The cursor rests at the start of the first line of the board, so
that erasing from the cursor removes it entirely, also after the terminal was made narrower, and
"^C" is overwritten. No terminal mode is changed: a kut that is killed leaves at most the board.
"""

import os
import time
from collections import Counter
from collections.abc import Callable
from io import UnsupportedOperation
from typing import Final, TextIO

from kut_runner.verdict.status import Status
from kut_runner.views.display import clipped

#: Maximum number of lines of the board.
MOST_LINES: Final = 8
#: Minimum seconds between two redraws.
PAUSE: Final = 0.2

#: Seconds between two redraws while only the time changes.
_TICK: Final = 1.0
#: Seconds before the board appears, and before a test appears on it.
_DELAY: Final = 0.5
_ERASE: Final = "\r\033[J"
_YELLOW: Final = "\033[33m{}\033[0m"


class Plain:
    """Output without a board, with the same methods."""

    def __init__(self, stream: TextIO) -> None:
        """Write to `stream`."""
        self._stream = stream

    def write(self, text: str, *, is_urgent: bool = False) -> None:  # noqa: ARG002 - every line is
        """Print lines immediately."""
        print(text, file=self._stream, flush=True)

    def start(self, total: int | None) -> None:
        """Do nothing."""

    def begin(self, name: str) -> None:
        """Do nothing."""

    def mark_slow(self, name: str) -> None:
        """Do nothing."""

    def end(self, name: str, status: Status | None) -> None:
        """Do nothing."""

    @property
    def due(self) -> float | None:
        """None: there is nothing to redraw."""
        return None

    def draw(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class Board(Plain):
    """The board of a run, below the lines that are printed about it."""

    def __init__(
        self,
        stream: TextIO,
        *,
        is_coloured: bool = True,
        clock: Callable[[], float] = time.monotonic,
        size: Callable[[], tuple[int, int]] | None = None,
    ) -> None:
        """Write to `stream`, a terminal; `size` returns its columns and lines."""
        super().__init__(stream)
        self._is_coloured = is_coloured
        self._clock = clock
        self._size = size or self._terminal_size
        self._total: int | None = None
        self._counts: Counter[Status] = Counter()
        self._running: dict[str, float] = {}
        self._slow: set[str] = set()
        self._waiting: list[str] = []
        self._is_open = False
        self._is_stale = False
        self._is_shown = False
        self._started = self._drawn = 0.0

    def start(self, total: int | None) -> None:
        """Start a run of `total` tests, None when the number is not known."""
        self._total = total
        self._is_open = True
        self._started = self._clock()
        self._drawn = self._started + _DELAY - PAUSE

    def begin(self, name: str) -> None:
        """Add a test that has started."""
        self._running[name] = self._clock()
        self._is_stale = True

    def mark_slow(self, name: str) -> None:
        """Mark a test as slow."""
        self._slow.add(name)
        self._is_stale = True

    def end(self, name: str, status: Status | None) -> None:
        """Remove a test, and count its status; None for a test that gets another attempt."""
        self._running.pop(name, None)
        self._slow.discard(name)
        if status:
            self._counts[status] += 1
        self._is_stale = True

    def write(self, text: str, *, is_urgent: bool = False) -> None:
        """Print lines above the board: with the next redraw, or immediately if urgent."""
        self._waiting.append(f"{text}\n")
        if is_urgent or not self._is_open:
            self._emit(self._lines() if self._is_shown else [])

    @property
    def due(self) -> float | None:
        """Time of the clock at which to call `draw`; None while nothing changes."""
        if self._is_stale or self._waiting:
            return self._drawn + PAUSE
        return self._drawn + _TICK if self._running else None

    def draw(self) -> None:
        """Print the waiting lines and redraw the board below them."""
        is_early = self._clock() < self._started + _DELAY
        self._emit([] if is_early else self._lines())

    def close(self) -> None:
        """Erase the board and print the waiting lines."""
        self._is_open = False
        self._running.clear()
        self._emit([])

    def _emit(self, lines: list[str]) -> None:
        """Write the waiting lines and the board in one piece."""
        waiting = "".join(self._waiting)
        erase = _ERASE if self._is_shown and (waiting or not lines) else ""
        if text := erase + waiting + _drawing(lines):
            self._stream.write(text)
            self._stream.flush()
        self._waiting.clear()
        self._is_shown = bool(lines)
        self._is_stale = False
        self._drawn = self._clock()

    def _lines(self) -> list[str]:
        """Return the lines of the board, each narrower than the terminal."""
        columns, rows = self._size()
        now = self._clock()
        most = max(min(MOST_LINES, rows - 1), 1) - 1
        tests = [(name, now - begun) for name, begun in self._running.items()]
        tests = [(name, age) for name, age in tests if age >= _DELAY]
        shown = tests if len(tests) <= most else tests[: max(most - 1, 0)]
        lines = [(self._head(now), False)]
        lines += [(f"{_clock(age)}  {name}", name in self._slow) for name, age in shown]
        if most and len(shown) < len(tests):
            lines.append((f"       and {len(tests) - len(shown)} more", False))
        return [self._clipped(line, columns - 1, is_slow=is_slow) for line, is_slow in lines]

    def _head(self, now: float) -> str:
        done = self._counts.total()
        of = f" of {self._total}" if self._total is not None else ""
        counts = [f"{self._counts[each]} {each.value}" for each in Status if self._counts[each]]
        parts = [f"{done}{of} done", *counts, f"{len(self._running)} running"]
        return f"{_clock(now - self._started)}  {', '.join(parts)}"

    def _clipped(self, line: str, columns: int, *, is_slow: bool) -> str:
        if not is_slow:
            return clipped(line, columns)
        text = clipped(f"{line}  slow", columns)
        return _YELLOW.format(text) if self._is_coloured else text

    def _terminal_size(self) -> tuple[int, int]:
        try:
            columns, rows = os.get_terminal_size(self._stream.fileno())
        except (OSError, UnsupportedOperation):
            columns, rows = 0, 0
        return columns or 80, rows or 24


def _drawing(lines: list[str]) -> str:
    """Return the output that draws lines over older ones and returns to the start of the first."""
    if not lines:
        return ""
    up = f"\033[{len(lines) - 1}A" if len(lines) > 1 else ""
    return "\r" + "\n".join(f"{line}\033[K" for line in lines) + f"\033[J{up}\r"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes:2}:{rest:02}"
