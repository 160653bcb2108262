# SPDX-License-Identifier: GPL-2.0-or-later
"""The source tree and the past runs that a command works on."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kut_runner.commands import progress
from kut_runner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from kut_runner.records.store import Store
    from kut_runner.run.workspace import Workspace


def workspace(
    root: Path | None,
    compiler: str,
    variant: str | None,
    *,
    check_for_stop: "Callable[[], None] | None" = None,
) -> "Workspace":
    """Return the workspace of the source tree to work in; as tree_of() and workspace.of_tree()."""
    from kut_runner.run import workspace as workspaces

    return workspaces.of_tree(
        tree_of(root),
        compiler,
        variant,
        progress=progress.on_one_line,
        check_for_stop=check_for_stop,
    )


def store_of(root: Path | None, *, quiet: bool = False) -> "Store":
    """Return the past runs of the current directory, else of the tree to work in; as tree_of().

    Archives and trees of kvm-unit-tests run in any directory, which has their results then.
    """
    from kut_runner.records.store import Store

    here = Path.cwd()
    has_runs = root is None and (here / "build/runs").is_dir()
    return Store((here if has_runs else tree_of(root, quiet=quiet)) / "build")


def tree_of(root: Path | None, *, quiet: bool = False) -> Path:
    """Return the top of the tree to work in, ready for it.

    Says which one it is when that is the one that kut carries, unless `quiet`. Raises UsageError
    when there is none, ConfigError when it asks for another kut.
    """
    from kut_runner.definitions import config, source_trees

    if root is None:
        tree = source_trees.find(Path.cwd())
    elif config.is_root(root):
        tree = source_trees.work_dir(root.resolve())
    else:
        raise UsageError(f"{root} is not a kut tree ({config.TREE_DESCRIPTION})", "correct --root")
    source_trees.prepare(tree)
    if not quiet and root is None and source_trees.is_bundled(tree):
        _say_carried(tree)
    return tree


@cache
def _say_carried(tree: Path) -> None:
    """Tell once that it is not a tree of the user's."""
    click.echo(f"kut: no tree here; this is the one that kut carries, built in {tree}", err=True)
