# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut history`: list of past runs."""

from pathlib import Path

import click

from kut_runner.commands import options, where
from kut_runner.commands.output import echo
from kut_runner.errors import ExitCode, NothingSelectedError


@click.command("history")
@click.argument(
    "patterns", metavar="[NAMES or globs]...", nargs=-1, shell_complete=options.offers("tests")
)
@click.option("-n", "--number", type=click.IntRange(min=1), help="Number of latest runs to list.")
@click.option("--tests", is_flag=True, help="List tests, with a mark for each run.")
@click.pass_obj
def command(
    root: Path | None, *, patterns: tuple[str, ...], number: int | None, tests: bool
) -> int:
    """List past runs, the newest last.

    With names of tests, lists their results in each run.
    """
    from kut_runner.records import history

    stored = where.store_of(root).runs()[-(number or 0) :]
    if not stored:
        raise NothingSelectedError("no past runs", "start one with `kut run`")
    runs = [history.past(each) for each in stored]
    for line in history.lines(runs, patterns, by_test=tests):
        echo(line)
    return ExitCode.OK
