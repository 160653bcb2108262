# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut compare`: comparison of two past runs."""

from pathlib import Path

import click

from kut_runner.commands import options, where
from kut_runner.errors import ExitCode


@click.command("compare")
@click.argument("before", metavar="A", default="latest~1", shell_complete=options.offers("runs"))
@click.argument("after", metavar="B", default="latest", shell_complete=options.offers("runs"))
@click.option(
    "--slower",
    type=click.FloatRange(min=1, min_open=True),
    metavar="TIMES",
    default=1.5,
    show_default=True,
    help="Ratio of times above which a test is slower.",
)
@click.option("--json", type=options.OUT_FILE, help="Write the comparison to this file.")
@click.pass_obj
def command(root: Path | None, *, before: str, after: str, slower: float, json: Path | None) -> int:
    """Compare two past runs.

    Lists the tests that changed from run A to run B. The exit code is 1 if a test newly fails.
    """
    from kut_runner.records import compare

    store = where.store_of(root)
    runs = (store.load(name, brief=True) for name in (before, after))
    found = compare.compare(*runs, ratio=slower)
    for line in found.lines():
        click.echo(line)
    if json:
        from json import dumps

        from kut_runner.views.outfile import OutFile

        OutFile(json).write(dumps(found.as_json(), indent=1) + "\n")
    return ExitCode.TESTS_FAILED if found.has_newly_failing else ExitCode.OK
