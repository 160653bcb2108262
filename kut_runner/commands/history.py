# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut history`: list of past runs."""

from pathlib import Path

import click

from kut_runner.commands import options, where
from kut_runner.errors import ExitCode, NothingSelectedError


@click.command("history")
@click.argument(
    "patterns", metavar="[NAMES or globs]...", nargs=-1, shell_complete=options.offers("tests")
)
@click.option("-n", "--number", type=click.IntRange(min=1), help="Only so many of the last runs.")
@click.option("--tests", is_flag=True, help="A line per test, with a mark for each run.")
@click.pass_obj
def command(
    root: Path | None, *, patterns: tuple[str, ...], number: int | None, tests: bool
) -> int:
    """List past runs, the newest last; of tests that are named, their results in each run."""
    from kut_runner.records import history

    stored = where.store_of(root).runs()[-(number or 0) :]
    if not stored:
        raise NothingSelectedError("no run is kept", "`kut run` makes the first one")
    runs = [history.past(each) for each in stored]
    for line in history.lines(runs, patterns, by_test=tests):
        click.echo(line)
    return ExitCode.OK
