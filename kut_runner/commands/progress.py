# SPDX-License-Identifier: GPL-2.0-or-later
"""Progress of a build on stderr."""

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from kut_runner import text
from kut_runner.commands.output import echo
from kut_runner.views.tty import takes_board

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager


@contextmanager
def shown(*, verbose: bool) -> "Iterator[Callable[[str], None] | None]":
    """Yield a function that prints or updates a line of build progress; None to show nothing."""
    if verbose:
        yield lambda line: echo(line, err=True)
    elif not takes_board(sys.stderr, os.environ):
        yield None
    else:
        try:
            yield lambda line: click.echo(f"\r\033[K{text.line(line)[:79]}", err=True, nl=False)
        finally:
            click.echo("\r\033[K", err=True, nl=False)


def on_one_line() -> "AbstractContextManager[Callable[[str], None] | None]":
    """Return a context manager for build progress on one line, if stderr is a terminal."""
    return shown(verbose=False)
