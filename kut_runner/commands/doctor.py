# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut doctor`: diagnosis of the host."""

import os
import shutil
import sys
from pathlib import Path

import click

from kut_runner.commands import options, where
from kut_runner.commands.output import echo
from kut_runner.errors import ExitCode, InfrastructureError, UsageError


@click.command("doctor")
@click.option("--json", type=options.OUT_FILE, help="Write the findings to this file; - is stdout.")
@click.option(
    "--compiler",
    type=click.Choice(["gcc", "clang", "zig"]),
    envvar="KUT_COMPILER",
    help="Compiler that must work; by default that of the source tree, else any.",
)
@options.qemu
@click.pass_obj
def command(root: Path | None, *, json: Path | None, compiler: str | None, qemu: str | None) -> int:
    """Check that kut can run on this host.

    Tests every tool that kut needs by using it, and prints a command to fix each problem.
    """
    from kut_runner.build import toolchain
    from kut_runner.health import distribution, doctor
    from kut_runner.views.opening import text_stream

    tree: Path | None = None
    tree_error: InfrastructureError | None = None
    try:
        tree = where.tree_of(root)
    except UsageError:
        if root:
            raise
    except InfrastructureError as error:
        tree_error = error
    host = doctor.Host(
        environ=os.environ,
        tree=tree,
        tree_error=tree_error,
        qemu=qemu,
        compiler=compiler or (toolchain.choice(str(tree)) if tree else None),
        distribution=distribution.identify(),
    )
    findings = doctor.examine(host)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for line in doctor.table(findings, width):
        echo(line, file=text_stream({"json": json}))
    if json:
        from json import dumps

        from kut_runner.views.outfile import OutFile

        OutFile(json).write(dumps(doctor.document(findings), indent=1) + "\n")
    return ExitCode.OK if doctor.is_good(findings) else ExitCode.INFRASTRUCTURE
