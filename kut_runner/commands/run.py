# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut run`: build, run, and give the verdict."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kut_runner.commands import options

if TYPE_CHECKING:
    from kut_runner.plan import Wish


@click.command("run")
@options.selection
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="CPUs to fill with tests.")
@click.option(
    "--timeout",
    type=float,
    metavar="SECONDS",
    callback=options.check_seconds,
    help="Time for each test, in place of its own.",
)
@click.option("--json", type=options.OUT_FILE, help="Write the results to this file.")
@click.option("--junit", type=options.OUT_FILE, help="Write the results as JUnit XML to this file.")
@options.qemu
@options.compiler
@options.variant
@options.verbose
@click.pass_obj
def command(  # noqa: PLR0913 - one for each option
    root: Path | None,
    *,
    wish: "Wish",
    jobs: int | None,
    timeout: float | None,
    json: Path | None,
    junit: Path | None,
    qemu: str | None,
    compiler: str,
    variant: str | None,
    verbose: bool,
) -> int:
    """Build what is needed, then run the tests: all, or those that are named."""
    from kut_runner import plan, session, views
    from kut_runner.commands import prepare

    place = prepare.workplace(root, compiler, variant)
    tests = plan.select(place.definitions, wish)
    emulator = place.qemu(qemu)
    # Before the build: when that fails, no results of an earlier run are there to be believed.
    shown = views.open_views(log_dir=place.logs, json=json, junit=junit, verbose=verbose)
    request = session.RunRequest(
        tests=tests,
        images=place.images(tests),
        qemu=emulator,
        log_dir=place.logs,
        jobs=jobs,
        timeout=timeout,
    )
    return session.run(request, shown)
