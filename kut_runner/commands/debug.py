# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut debug`: debugging of a test."""

from pathlib import Path

import click

from kut_runner.commands import options, where
from kut_runner.errors import UsageError

_PORT = 1234


@click.command("debug")
@click.argument("name", shell_complete=options.offers("tests"))
@click.option(
    "--debugger",
    metavar="NAME|PATH",
    envvar="KUT_DEBUGGER",
    help="gdb, lldb or a path; by default the first that is there. Also $KUT_DEBUGGER.",
)
@click.option("--wait", is_flag=True, help="Let a debugger of your own connect, an IDE's say.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help=f"With --wait: where it connects on this machine; {_PORT}, 0 for any that is free.",
)
@click.option("--at-reset", is_flag=True, help="Stop at the machine's first instruction.")
@click.option("--serial", type=options.OUT_FILE, help="Send the serial line to this file only.")
@click.option("--batch", is_flag=True, help="End after the last command.")
@click.option(
    "-x",
    "scripts",
    type=options.IN_FILE,
    multiple=True,
    help="Let the debugger run the commands of this file.",
)
@click.option(
    "-ex",
    "commands",
    metavar="COMMAND",
    multiple=True,
    help="Let the debugger run this, after the files.",
)
@options.target
@options.qemu
@options.compiler
@options.variant
@click.pass_obj
def command(  # noqa: PLR0913 - one for each option
    root: Path | None,
    *,
    name: str,
    debugger: str | None,
    wait: bool,
    port: int | None,
    at_reset: bool,
    serial: Path | None,
    batch: bool,
    scripts: tuple[Path, ...],
    commands: tuple[str, ...],
    target_name: str | None,
    qemu: str | None,
    compiler: str,
    variant: str | None,
) -> int:
    """Stop the machine of a test at the first instruction of main, in gdb or lldb."""
    import os

    from kut_runner.debugging import debug
    from kut_runner.debugging import debugger as debuggers
    from kut_runner.definitions import plan

    if port is not None and not wait:
        raise UsageError("--port is for --wait", "the debugger that kut starts finds its way")
    if wait and (debugger or batch or scripts or commands):
        raise UsageError("--wait starts no debugger", "leave out what is meant for one")
    workspace = where.workspace(root, compiler, variant)
    test = plan.select_one(workspace.definitions, name)
    tool = None if wait else debuggers.find(debugger, os.environ)
    target = workspace.target(target_name, qemu=qemu)
    request = debug.Request(
        case=workspace.cases((test,), target)[0],
        tree=workspace.tree,
        serial=serial or workspace.tree / f"build/debug/{test.name}.log",
        at_reset=at_reset,
        show=None if serial else lambda text: click.echo(text, nl=False),
    )
    if tool:
        return debug.with_debugger(
            request, tool, debuggers.DebuggerOptions(batch, scripts, commands)
        )
    return debug.for_client(request, _PORT if port is None else port)
