# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut build`: build of images."""

import os
from pathlib import Path

import click

from kut_runner.commands import options, progress, where
from kut_runner.commands.output import echo
from kut_runner.errors import ExitCode


@click.command("build")
@click.argument("images", nargs=-1, shell_complete=options.offers("images"))
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Commands to run in parallel.")
@options.compiler
@options.variant
@options.verbose
@click.pass_obj
def command(  # noqa: PLR0913 - one for each option
    root: Path | None,
    *,
    images: tuple[str, ...],
    jobs: int | None,
    compiler: str,
    variant: str | None,
    verbose: bool,
) -> int:
    """Build IMAGES, or all images of the source tree."""
    from kut_runner.build import builder, toolchain
    from kut_runner.definitions import config, plan

    tree = where.tree_of(root)
    definitions = config.load(tree / "configs", tree / "arm") if variant else config.Config(())
    tools = toolchain.find(compiler, os.environ, plan.variant(definitions, variant))
    with progress.shown(verbose=verbose) as show:
        built = builder.build(tree, tools, images, verbose=verbose, jobs=jobs, progress=show)
    for image in built.values():
        echo(os.path.relpath(image.flat))
    return ExitCode.OK
