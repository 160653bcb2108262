# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut shards`: the shards of a selection."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kut_runner.commands import options, where
from kut_runner.commands.output import echo
from kut_runner.errors import ExitCode

if TYPE_CHECKING:
    from kut_runner.definitions.plan import Selection


@click.command("shards")
@click.option(
    "-n",
    "--count",
    type=click.IntRange(1, 9999),
    default=2,
    show_default=True,
    help="Number of shards.",
)
@click.option(
    "--update",
    type=options.IN_FILE,
    metavar="RESULTS",
    help="First update the times in the source tree from this file of `kut run --json`.",
)
@options.selection
@click.pass_obj
def command(root: Path | None, *, selection: "Selection", count: int, update: Path | None) -> int:
    """Show the shards of a selection.

    Lists the tests that `kut run --shard I/N` runs, and how long they take according to the times
    in the source tree.
    """
    from kut_runner.definitions import config, plan, shards, source_trees

    tree = where.tree_of(root)
    times = tree / shards.TIMES
    if update:
        source_trees.refuse_change(tree)
        echo(f"{shards.update_times(times, update)} times updated from {update}")
    tests = plan.select(config.load(tree / "configs", tree / "arm"), selection)
    seconds = shards.load_times(times)
    for index in range(1, count + 1):
        shard = shards.Shard(index, count)
        mine = shards.take(tests, shard, seconds)
        names = [test.name for test in mine]
        echo(f"{shard}  {sum(seconds.get(name, 0.0) for name in names):7.2f} s  ", nl=False)
        echo(" ".join(names) or "(none)")
    return ExitCode.OK
