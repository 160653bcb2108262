# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut compare`: comparison of two past runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kut_runner.commands import options, where
from kut_runner.commands.output import echo
from kut_runner.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@click.command("compare")
@click.argument("before", metavar="[A]", required=False, shell_complete=options.offers("runs"))
@click.argument("after", metavar="[B]", required=False, shell_complete=options.offers("runs"))
@click.option(
    "--slower",
    type=click.FloatRange(min=1, min_open=True),
    metavar="TIMES",
    default=1.5,
    show_default=True,
    help="Ratio of times above which a test is slower.",
)
@click.option(
    "--json", type=options.OUT_FILE, help="Write the comparison to this file; - is stdout."
)
@click.pass_obj
def command(
    root: Path | None, *, before: str | None, after: str | None, slower: float, json: Path | None
) -> int:
    """Compare two past runs, or the targets of one.

    Lists the tests that changed from run A to run B, by default from the last but one to the
    last. The exit code is 1 if a test newly fails. With A alone, if it has results on several
    targets, lists the tests whose results differ.
    """
    from kut_runner.records import cells, compare

    store = where.store_of(root)
    if before and not after:
        run = store.load(before, brief=True)
        if table := cells.cell_table(run.results, run.names):
            _show(table.lines(), table.as_json, json)
            return ExitCode.OK
    runs = (store.load(name) for name in (before or "latest~1", after or "latest"))
    found = compare.compare(*runs, ratio=slower)
    _show(found.lines(), found.as_json, json)
    return ExitCode.TESTS_FAILED if found.has_newly_failing else ExitCode.OK


def _show(
    lines: "Iterable[str]", as_json: "Callable[[], dict[str, Any]]", file: Path | None
) -> None:
    """Print the lines, and write the JSON to a file where one is given; see `text_stream`."""
    from kut_runner.views.opening import text_stream

    for line in lines:
        echo(line, file=text_stream({"json": file}))
    if file:
        from json import dumps

        from kut_runner.views.outfile import OutFile

        OutFile(file).write(dumps(as_json(), indent=1) + "\n")
