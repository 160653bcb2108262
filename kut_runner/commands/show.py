# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut show`: display of a past run."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kut_runner.commands import options, where
from kut_runner.errors import ExitCode

if TYPE_CHECKING:
    from kut_runner.views.display import DisplayOptions


@click.command("show")
@click.argument("run", metavar="[RUN]", default="latest", shell_complete=options.offers("runs"))
@click.argument("test", metavar="[TEST]", required=False, shell_complete=options.offers("tests"))
@options.reports
@options.display
@click.pass_obj
def command(
    root: Path | None,
    *,
    run: str,
    test: str | None,
    reports: dict[str, Path | None],
    display: "DisplayOptions",
) -> int:
    """Show a past run, or one test of it.

    The output is that of the run; the options for files write its results again.
    """
    from kut_runner.records import document
    from kut_runner.views import opening

    shown = where.store_of(root).load(run)
    if test:
        shown = document.only(shown, test)
    document.replay(
        shown, opening.open_views(metadata=shown.metadata, display=display, reports=reports)
    )
    return ExitCode.OK
