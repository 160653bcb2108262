# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut new`: templates of a test and of a source tree."""

import os
from pathlib import Path
from typing import Final

import click

from kut_runner.commands import where
from kut_runner.commands.output import echo
from kut_runner.errors import ExitCode, UsageError

_FIRST: Final = "first"


@click.command("new")
@click.argument("name", required=False)
@click.option(
    "--tree",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help=f"Create a source tree in this directory, with NAME ({_FIRST}) as its test.",
)
@click.option(
    "--sources",
    type=click.Choice(["kvm-unit-tests"]),
    help="With --tree: compile sources in arm/ as this project does, for tests that come from it.",
)
@click.pass_obj
def command(root: Path | None, *, name: str | None, tree: Path | None, sources: str | None) -> int:
    """Create a test that passes: arm/NAME.c and configs/NAME.toml."""
    from kut_runner.definitions import scaffold, source_trees

    written: tuple[Path, ...]
    if tree:
        written = scaffold.new_tree(tree, name or _FIRST, sources or "")
    elif sources:
        raise UsageError("--sources is for a new source tree", "add --tree DIR")
    elif name:
        top = where.tree_of(root, quiet=True)
        source_trees.refuse_change(top)
        written = scaffold.new_test(top, name)
    else:
        raise UsageError("no name for the new test", "name it, as in `kut new mine`")
    for path in written:
        echo(os.path.relpath(path))
    return ExitCode.OK
