# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut archive`: tests and images for machines without a compiler."""

import os
from collections.abc import Sized
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kut_runner.commands import options, where
from kut_runner.commands.output import echo
from kut_runner.errors import ExitCode

if TYPE_CHECKING:
    from kut_runner.definitions.plan import Selection


@click.command("archive")
@click.argument("file", type=options.OUT_FILE)
@options.selection
@options.compiler
@options.variant
@click.pass_obj
def command(
    root: Path | None, *, file: Path, selection: "Selection", compiler: str, variant: str | None
) -> int:
    """Pack tests and their images into an archive.

    FILE (.tar.xz) is for `kut run --archive` on another machine.
    """
    from kut_runner.bundle import archive

    workspace = where.workspace(root, compiler, variant)
    tests = workspace.select(selection)
    images = workspace.supply(sorted({test.image for test in tests}))
    size = archive.pack(
        file, tree=workspace.tree, compiler=workspace.compiler, tests=tests, images=images
    )
    content = f"{_count(tests, 'test')} with {_count(images, 'image')}, {size / 1e6:.1f} MB"
    echo(f"{os.path.relpath(file)}: {content}")
    return ExitCode.OK


def _count(things: Sized, name: str) -> str:
    return f"{len(things)} {name}{'s' if len(things) != 1 else ''}"
