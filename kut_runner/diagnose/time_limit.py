# SPDX-License-Identifier: GPL-2.0-or-later
"""Limit of the CPU time that a block of Python may take."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


class TimeLimitError(Exception):
    """The block took too long."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeLimitError in the block after `seconds` of CPU time in user mode.

    Outside of the main thread, where Python runs no signal handlers, there is no limit.
    """
    try:
        old = signal.signal(signal.SIGVTALRM, _expire)
    except ValueError:
        yield
        return
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, old)


def _expire(_number: int, _frame: object) -> None:
    raise TimeLimitError
