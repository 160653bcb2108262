# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut history`: list of past runs."""

from pathlib import Path

import click

from kut_runner.commands import options, where
from kut_runner.commands.output import echo
from kut_runner.errors import ExitCode, NothingSelectedError


@click.command("history")
@click.argument(
    "patterns", metavar="[TESTS or ROWS]...", nargs=-1, shell_complete=options.offers("tests")
)
@click.option("-n", "--number", type=click.IntRange(min=1), help="Number of latest runs to list.")
@click.option("--tests", is_flag=True, help="List tests, or rows, with a mark for each run.")
@click.pass_obj
def command(
    root: Path | None, *, patterns: tuple[str, ...], number: int | None, tests: bool
) -> int:
    """List past runs, the newest last.

    With names of tests, or with ids of rows of the conformance suite, both also as globs, lists
    their results in each run.
    """
    from kut_runner.records import history, row_history

    stored = where.store_of(root).runs()[-(number or 0) :]
    if not stored:
        raise NothingSelectedError("no past runs", "start one with `kut run`")
    runs = [history.past(each) for each in stored]
    if row_history.are_rows(runs, patterns):
        runs = [history.past(each, brief=False) for each in stored]
        lines = row_history.lines(runs, patterns, by_row=tests)
    else:
        lines = history.lines(runs, patterns, by_test=tests)
    for line in lines:
        echo(line)
    return ExitCode.OK
