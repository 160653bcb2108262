# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut debug`: debugging of a test."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from click.core import ParameterSource

from kut_runner.commands import options, where
from kut_runner.commands.output import echo
from kut_runner.errors import UsageError

if TYPE_CHECKING:
    from kut_runner.definitions.overrides import Overrides
    from kut_runner.targets.case import Case

_PORT = 1234


@click.command("debug")
@click.argument("name", shell_complete=options.offers("tests"))
@click.option(
    "--debugger",
    metavar="NAME|PATH",
    envvar="KUT_DEBUGGER",
    help="gdb, lldb or a path; by default the first one installed. Also $KUT_DEBUGGER.",
)
@click.option("--wait", is_flag=True, help="Wait for a debugger to connect, such as an IDE.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help=f"With --wait: local port to listen on; by default {_PORT}, 0 for any free one.",
)
@click.option("--at-reset", is_flag=True, help="Stop at the first instruction of the machine.")
@click.option("--serial", type=options.OUT_FILE, help="Write the serial output to this file only.")
@click.option("--batch", is_flag=True, help="Exit after the last command.")
@click.option(
    "-x",
    "scripts",
    type=options.IN_FILE,
    multiple=True,
    help="Run the debugger commands in this file.",
)
@click.option(
    "-ex",
    "commands",
    metavar="COMMAND",
    multiple=True,
    help="Run this debugger command, after those in files.",
)
@click.option("--replay", is_flag=True, help="Replay what `kut run --record` has recorded.")
@options.recorded_run
@options.machine
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
    replay: bool,
    run: str,
    overrides: "Overrides",
    target_name: str | None,
    qemu: str | None,
    compiler: str,
    variant: str | None,
) -> int:
    """Debug a test in gdb or lldb.

    Its machine is stopped at the first instruction of main.
    """
    import os

    from kut_runner.debugging import debug
    from kut_runner.debugging import debugger as debuggers
    from kut_runner.definitions import plan

    if port is not None and not wait:
        raise UsageError("--port needs --wait", "a debugger that kut starts connects by itself")
    if wait and (debugger or batch or scripts or commands):
        raise UsageError("--wait starts no debugger", "omit --debugger, --batch, -x and -ex")
    _refuse_contradictions(is_replay=replay)
    tool = None if wait else debuggers.find(debugger, os.environ)
    if replay:
        case, tree = _recorded_case(root, run, name)
    else:
        workspace = where.workspace(root, compiler, variant)
        (test,) = overrides.apply([plan.select_one(workspace.definitions, name)])
        target = workspace.target(target_name, qemu=qemu)
        case, tree = workspace.cases((test,), target)[0], workspace.tree
    request = debug.Request(
        case=case,
        tree=tree,
        serial=serial or tree / f"build/debug/{case.test.name}.log",
        at_reset=at_reset,
        snapshots=_disk_for_snapshots(tree, case) if replay else None,
        show=None if serial else lambda text: echo(text, nl=False),
    )
    if tool:
        return debug.with_debugger(
            request, tool, debuggers.DebuggerOptions(batch, scripts, commands)
        )
    return debug.for_client(request, _PORT if port is None else port)


#: Options that a recording decides.
_RECORDED: Final = (
    *("cpu", "smp", "memory", "append", "target_name", "qemu", "compiler", "variant"),
)


def _refuse_contradictions(*, is_replay: bool) -> None:
    """Raise UsageError for options that do nothing with, or without, --replay."""
    context = click.get_current_context()
    given = {
        parameter.opts[0]: parameter.name
        for parameter in context.command.params
        if parameter.name
        and context.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE
    }
    if not is_replay and "--run" in given:
        raise UsageError("--run needs --replay", "without a recording the test starts afresh")
    for option, name in given.items():
        if is_replay and name in _RECORDED:
            raise UsageError(
                f"{option} and --replay contradict each other", "the recording has the machine"
            )


def _recorded_case(root: Path | None, run: str, name: str) -> "tuple[Case, Path]":
    """Return the case that replays a recorded test, and the directory of its sources."""
    from kut_runner.run import replay

    store = where.store_of(root)
    found = replay.one(replay.load(store, run), name)
    return found.case(store.build / "qemu-versions"), store.build.parent


def _disk_for_snapshots(tree: Path, case: "Case") -> Path:
    from kut_runner.targets import snapshots

    disk = tree / f"build/debug/{case.test.name}.qcow2"
    snapshots.create(disk)
    return disk
