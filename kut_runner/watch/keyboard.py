# SPDX-License-Identifier: GPL-2.0-or-later
"""Single keys of a terminal, as something a selector can wait for.

The terminal gives each key at once and does not echo it meanwhile; Ctrl-C and Ctrl-Z do what they
always do. Where stdin is no terminal, or another program has it, there are no keys.
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

_LOCAL: Final = 3
#: What a terminal that hangs up, and Ctrl-D, stand for.
END: Final = "\x04"


class Keyboard:
    """Context manager; the terminal is as before at its end."""

    def __init__(self, keys: Collection[str]) -> None:
        """Heed these keys, and no others."""
        self._keys = keys
        self._key = ""
        self._before: list[Any] | None = None

    def __enter__(self) -> Self:
        """Take over the terminal, if there is one."""
        with suppress(OSError, ValueError, termios.error, AttributeError):
            self._descriptor = sys.stdin.fileno()
            if os.isatty(self._descriptor) and self._is_ours():
                self._before = termios.tcgetattr(self._descriptor)
                self._old = signal.signal(signal.SIGCONT, self._continue)
                self._take_over()
        return self

    def __exit__(self, *_error: object) -> None:
        """Give the terminal back."""
        if self._before is not None:
            signal.signal(signal.SIGCONT, self._old)
            with suppress(OSError, termios.error):
                if self._is_ours():
                    termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._before)

    @property
    def stoppers(self) -> "tuple[Stopper, ...]":
        """This, if there is a terminal."""
        return () if self._before is None else (self,)

    def fileno(self) -> int:
        """Return the descriptor that a key makes readable."""
        return self._descriptor

    def stop_requested(self) -> bool:
        """Take in what the descriptor has; tell whether a key that is heeded is among it."""
        with suppress(OSError):
            if self._is_ours() and select.select([self._descriptor], [], [], 0)[0]:
                typed = os.read(self._descriptor, 64).decode(errors="replace") or END
                self._key = next((key for key in reversed(typed) if key in self._keys), self._key)
        return bool(self._key)

    def take(self) -> str:
        """Return the key that was typed last since the last call, "" for none."""
        key, self._key = self._key, ""
        return key

    def _is_ours(self) -> bool:
        """Tell whether kut may use the terminal: it is not in the background."""
        return os.tcgetpgrp(self._descriptor) == os.getpgrp()

    def _take_over(self) -> None:
        modes = termios.tcgetattr(self._descriptor)
        modes[_LOCAL] &= ~(termios.ICANON | termios.ECHO)
        termios.tcsetattr(self._descriptor, termios.TCSADRAIN, modes)

    def _continue(self, _number: int, _frame: FrameType | None) -> None:
        """Take over again after a Ctrl-Z: the shell has had the terminal meanwhile."""
        with suppress(OSError, termios.error):
            if self._is_ours():
                self._take_over()
