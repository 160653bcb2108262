# SPDX-License-Identifier: GPL-2.0-or-later
"""Lines of output of the commands."""

from typing import TYPE_CHECKING

import click

from kut_runner import text

if TYPE_CHECKING:
    from typing import TextIO


def echo(
    lines: object, *, err: bool = False, nl: bool = True, file: "TextIO | None" = None
) -> None:
    """Print text, which may be foreign, line by line: to `file`, else to stderr with `err`."""
    shown = "\n".join(map(text.line, str(lines).split("\n")))
    click.echo(shown, file=file, err=err, nl=nl)
