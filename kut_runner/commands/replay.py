# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut replay`: replay of recorded tests."""

from pathlib import Path

import click

from kut_runner.commands import options, where
from kut_runner.commands.output import echo
from kut_runner.errors import ExitCode


@click.command("replay")
@click.argument(
    "patterns", metavar="[NAMES or globs]...", nargs=-1, shell_complete=options.offers("tests")
)
@options.recorded_run
@click.option(
    "--qemu-arg",
    "qemu_args",
    metavar="ARG",
    multiple=True,
    help="Pass this argument to QEMU too, as in --qemu-arg=-d --qemu-arg=int; repeatable.",
)
@options.jobs
@click.pass_obj
def command(
    root: Path | None,
    *,
    patterns: tuple[str, ...],
    run: str,
    qemu_args: tuple[str, ...],
    jobs: int | None,
) -> int:
    """Replay recorded tests, and compare their serial output.

    The tests of RUN were recorded with `kut run --record`. By default replays those that failed.
    """
    from kut_runner.definitions.overrides import Overrides
    from kut_runner.run import engine, replay
    from kut_runner.run.options import RunOptions

    Overrides(qemu_args=qemu_args)  # checks them
    store = where.store_of(root)
    attempts = replay.recorded(replay.load(store, run), patterns)
    cases = [each.case(store.build / "qemu-versions", qemu_args) for each in attempts]
    comparer = replay.Comparer(attempts, lambda outcome: echo("\n".join(outcome.lines())))
    log_dir = store.build / "replay"
    log_dir.mkdir(exist_ok=True)
    code = engine.run(cases, RunOptions(jobs=jobs), [comparer], log_dir=log_dir)
    if code is ExitCode.INTERRUPTED:
        return code
    return ExitCode.TESTS_FAILED if comparer.different else ExitCode.OK
