# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut show`: a past run."""

from pathlib import Path

import click

from kut_runner.commands import options
from kut_runner.errors import ExitCode


@click.command("show")
@click.argument("run", metavar="[RUN]", default="latest")
@click.argument("test", metavar="[TEST]", required=False)
@options.reports
@options.verbose
@click.pass_obj
def command(
    root: Path | None,
    *,
    run: str,
    test: str | None,
    reports: dict[str, Path | None],
    verbose: bool,
) -> int:
    """Show a past RUN, or one TEST of it, as it was shown then, or write it to files."""
    from kut_runner import document, views

    shown = options.store_of(root).load(run)
    if test:
        shown = document.only(shown, test)
    document.replay(shown, views.open_views(facts=shown.facts, verbose=verbose, reports=reports))
    return ExitCode.OK
