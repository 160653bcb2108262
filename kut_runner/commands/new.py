# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut new`: a test to start from."""

import os
from pathlib import Path

import click

from kut_runner.commands import options
from kut_runner.errors import ExitCode


@click.command("new")
@click.argument("name")
@click.pass_obj
def command(root: Path | None, *, name: str) -> int:
    """Write a test NAME that passes: arm/NAME.c and configs/NAME.toml."""
    from kut_runner import scaffold

    for path in scaffold.new_test(options.tree_of(root), name):
        click.echo(os.path.relpath(path))
    return ExitCode.OK
