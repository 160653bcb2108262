# SPDX-License-Identifier: GPL-2.0-or-later
"""The source tree and the past runs that a command works on."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kut_runner.commands import progress
from kut_runner.commands.output import echo
from kut_runner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from kut_runner.definitions.config import Config
    from kut_runner.records.store import Store
    from kut_runner.run.workspace import TreeOptions, Workspace

#: Most warnings that are printed.
_MOST_WARNINGS: Final = 20


def workspace(
    root: Path | None,
    compiler: str,
    variant: str | None,
    *,
    check_for_stop: "Callable[[], None] | None" = None,
) -> "Workspace":
    """Return the workspace of the source tree to work in; raises KutError.

    `check_for_stop` is passed to `workspace.of_tree`.
    """
    from kut_runner.run import workspace as workspaces

    return workspaces.of_tree(
        tree_of(root),
        compiler,
        variant,
        progress=progress.on_one_line,
        check_for_stop=check_for_stop,
    )


def kvm_unit_tests(directory: Path, choices: "TreeOptions") -> "Workspace":
    """Return the workspace of a kvm-unit-tests build; see `workspace.of_kvm_unit_tests`.

    Prints its warnings; of many, the first ones and their number.
    """
    from kut_runner.run import workspace as workspaces

    found = workspaces.of_kvm_unit_tests(directory, choices)
    for warning in found.warnings[:_MOST_WARNINGS]:
        echo(f"kut: warning: {warning}", err=True)
    if (more := len(found.warnings) - _MOST_WARNINGS) > 0:
        echo(f"kut: warning: {more} more warnings", err=True)
    return found


def definitions(root: Path | None) -> "Config":
    """Return the definitions of the source tree to work in; raises KutError."""
    from kut_runner.definitions import config

    tree = tree_of(root)
    return config.load(tree / "configs", tree / "arm")


def store_of(root: Path | None, *, quiet: bool = False) -> "Store":
    """Return the store of past runs in the current directory, else in the source tree.

    Archives and builds of kvm-unit-tests run in any directory, and write their results there.
    `quiet` and errors are those of `tree_of`.
    """
    from kut_runner.records.store import Store

    here = Path.cwd()
    has_runs = root is None and (here / "build/runs").is_dir()
    return Store((here if has_runs else tree_of(root, quiet=quiet)) / "build")


def tree_of(root: Path | None, *, quiet: bool = False) -> Path:
    """Return the top directory of the source tree to work in, and prepare it.

    Prints a message if it is the tree that comes with kut, unless `quiet`. Raises UsageError when
    no source tree is found, ConfigError when it requires another version of kut.
    """
    from kut_runner.definitions import config, source_trees

    if root is None:
        tree = source_trees.find(Path.cwd())
    elif config.is_root(root):
        tree = source_trees.work_dir(root.resolve())
    else:
        raise UsageError(
            f"{root} is not a source tree of kut ({config.TREE_DESCRIPTION})", "correct --root"
        )
    source_trees.prepare(tree)
    if not quiet and root is None:
        if source_trees.is_bundled(tree):
            _report_carried(tree)
        elif source_trees.is_outside(Path.cwd()):
            _report_default(tree)
        if source_trees.is_kvm_unit_tests(Path.cwd()):
            _report_other_tests()
    return tree


@cache
def _report_carried(tree: Path) -> None:
    """Print once that the source tree is not one of the user."""
    echo(f"kut: no source tree here; using the one of kut, built in {tree}", err=True)


@cache
def _report_default(tree: Path) -> None:
    """Print once that the source tree is that of the checkout of `scripts/kut`."""
    echo(f"kut: no source tree here; using {tree}", err=True)


@cache
def _report_other_tests() -> None:
    """Print once that a command does not use the tests in the current directory."""
    echo("kut: using kut's own tests; `--tree .` selects those of kvm-unit-tests here", err=True)
