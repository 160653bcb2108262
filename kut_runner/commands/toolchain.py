# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut toolchain`: choice of the compiler, and tools that need no root."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kut_runner.commands import where
from kut_runner.commands.output import echo
from kut_runner.errors import ExitCode, MissingToolError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kut_runner.build.rootless import Unpacked


@click.group("toolchain", invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> int:
    """Choose the compiler, and unpack tools without root.

    Without a subcommand, lists the compilers, with a star at the one in use, and the unpacked
    tools.
    """
    if context.invoked_subcommand is None:
        _show(context.obj)
    return ExitCode.OK


@command.command("use")
@click.argument("compiler", type=click.Choice(["gcc", "clang", "zig", "any"]))
@click.pass_obj
def use(root: Path | None, compiler: str) -> int:
    """Choose the compiler of a source tree; "any" is the first one installed."""
    from kut_runner.build import toolchain

    tree = where.tree_of(root)
    toolchain.choose(str(tree), None if compiler == "any" else compiler)
    _show(tree)
    return ExitCode.OK


@command.command("install")
@click.argument("names", metavar="NAME[@RELEASE]...", nargs=-1)
def install(names: tuple[str, ...]) -> int:
    """Unpack tools into the user's cache, without root.

    A name is gcc, clang, qemu, gdb or python; with a release, as in qemu@trixie-backports, it is
    taken from there. Without names, unpacks gcc and qemu.

    The packages are those of the distribution, downloaded by apt-get. Nothing is installed on the
    system.
    """
    from kut_runner.build import rootless

    names = names or ("gcc", "qemu")
    rootless.install(names, os.environ)
    _print_unpacked(each for each in rootless.unpacked(os.environ) if each.name in names)
    return ExitCode.OK


@command.command("remove")
@click.argument("names", metavar="NAME...", nargs=-1)
def remove(names: tuple[str, ...]) -> int:
    """Remove unpacked tools, all of them without names."""
    from kut_runner.build import rootless

    for gone in rootless.remove(names, os.environ):
        echo(f"removed {gone.name}: {_megabytes(gone)}")
    return ExitCode.OK


def _show(tree: Path | None) -> None:
    from kut_runner.build import rootless, toolchain
    from kut_runner.definitions import source_trees
    from kut_runner.errors import KutError

    try:
        tree = source_trees.work_dir(tree) if tree else source_trees.find(Path.cwd())
        used = toolchain.choice(str(tree))
    except KutError:
        used = None
    used = os.environ.get("KUT_COMPILER") or used or toolchain.preferred(os.environ)
    for name in toolchain.NAMES:
        try:
            found = toolchain.find(name, os.environ).compiler
        except MissingToolError as error:
            found = f"not installed: {error.hint}"
        echo(f"{'*' if name == used else ' '} {name:6} {found}")
    _print_unpacked(rootless.unpacked(os.environ))


def _print_unpacked(sets: "Iterable[Unpacked]") -> None:
    for each in sets:
        size = f"{_megabytes(each)}, {len(each.packages)} packages in {each.directory}"
        echo(f"  {each.name}: {f'version {each.version}, ' if each.version else ''}{size}")


def _megabytes(each: "Unpacked") -> str:
    return f"{each.size // 1024} MiB"
