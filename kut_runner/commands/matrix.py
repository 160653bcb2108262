# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut matrix`: coverage of the conformance suite."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kut_runner.commands import options, where
from kut_runner.commands.output import echo
from kut_runner.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from kut_runner.records.document import Document
    from kut_runner.records.matrix import Table
    from kut_runner.records.store import Store


@click.command("matrix")
@click.argument("names", metavar="[RUN]...", nargs=-1, shell_complete=options.offers("runs"))
@click.option("--json", type=options.OUT_FILE, help="Write the coverage to this file; - is stdout.")
@click.pass_obj
def command(root: Path | None, *, names: tuple[str, ...], json: Path | None) -> int:
    """Show what past runs of the conformance suite cover, by default the newest.

    Of several runs, such as those of two QEMUs, each gets a column.
    """
    from kut_runner.records import matrix
    from kut_runner.views.opening import text_stream

    store = where.store_of(root)
    documents = [store.load(name) for name in names] or [_newest(store)]
    runs = [matrix.of(each) for each in documents]
    table = _table(root)
    for line in matrix.lines(runs, table):
        echo(line, file=text_stream({"json": json}))
    if json:
        from json import dumps

        from kut_runner.views.outfile import OutFile

        OutFile(json).write(dumps(matrix.as_json(runs, table), indent=1) + "\n")
    return ExitCode.OK


def _newest(store: "Store") -> "Document":
    """Return the newest run with rows of the suite."""
    for stored in reversed(store.runs()):
        document = stored.load()
        if any(result.output.rows for result in document.results):
            return document
    raise UsageError(
        "no run of the conformance suite is kept",
        "run `kut conform`, or name a file of `kut conform --json FILE`",
    )


def _table(root: Path | None) -> "Table":
    """Return the coverage table, as any build has it; an empty one without a build."""
    from kut_runner.records.matrix import Table
    from kut_runner.verdict import row_list

    builds = (where.tree_of(root, quiet=True) / "build").glob("*/conform-*.rows")
    newest = max(builds, key=lambda path: path.stat().st_mtime, default=None)
    if not newest:
        return Table({}, {})
    rows = row_list.load(newest)
    return Table(rows.matrix, rows.not_covered)
