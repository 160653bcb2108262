# SPDX-License-Identifier: GPL-2.0-or-later
"""Single keys of a terminal, for use with a selector.

The terminal is switched to unbuffered input without echo; Ctrl-C and Ctrl-Z work as usual. No keys
are read when stdin is not a terminal, or kut is in the background.
"""

import os
import select
import signal
import sys
import termios
from collections.abc import Collection
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from kut_runner.process.pool import Stopper

#: Index of the local modes in the attributes of a terminal.
_LOCAL: Final = 3
#: Key for Ctrl-D and for a terminal that hangs up.
END: Final = "\x04"


class Keyboard:
    """Context manager that reads keys, and restores the modes of the terminal at its end."""

    def __init__(self, keys: Collection[str]) -> None:
        """Accept these keys; others are ignored."""
        self._keys = keys
        self._key = ""
        self._before: list[Any] | None = None

    def __enter__(self) -> Self:
        """Switch the terminal to single keys, if stdin is one."""
        with suppress(OSError, ValueError, termios.error, AttributeError):
            self._descriptor = sys.stdin.fileno()
            if os.isatty(self._descriptor) and self._is_foreground():
                self._before = termios.tcgetattr(self._descriptor)
                self._old = signal.signal(signal.SIGCONT, self._continue)
                self._set_modes()
        return self

    def __exit__(self, *_error: object) -> None:
        """Restore the modes of the terminal."""
        if self._before is not None:
            signal.signal(signal.SIGCONT, self._old)
            with suppress(OSError, termios.error):
                if self._is_foreground():
                    termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._before)

    @property
    def stoppers(self) -> "tuple[Stopper, ...]":
        """This keyboard if keys can be read, else nothing."""
        return () if self._before is None else (self,)

    def fileno(self) -> int:
        """Return the descriptor that a key makes readable."""
        return self._descriptor

    def stop_requested(self) -> bool:
        """Read the keys that were typed; return whether an accepted one is pending."""
        with suppress(OSError):
            if self._is_foreground() and select.select([self._descriptor], [], [], 0)[0]:
                typed = os.read(self._descriptor, 64).decode(errors="replace") or END
                self._key = next((key for key in reversed(typed) if key in self._keys), self._key)
        return bool(self._key)

    def take(self) -> str:
        """Return the last accepted key since the previous call, "" for none."""
        key, self._key = self._key, ""
        return key

    def _is_foreground(self) -> bool:
        """Return whether kut is in the foreground of the terminal."""
        return os.tcgetpgrp(self._descriptor) == os.getpgrp()

    def _set_modes(self) -> None:
        modes = termios.tcgetattr(self._descriptor)
        modes[_LOCAL] &= ~(termios.ICANON | termios.ECHO)
        termios.tcsetattr(self._descriptor, termios.TCSADRAIN, modes)

    def _continue(self, _number: int, _frame: FrameType | None) -> None:
        """Set the modes again after Ctrl-Z, since the shell has used the terminal meanwhile."""
        with suppress(OSError, termios.error):
            if self._is_foreground():
                self._set_modes()
