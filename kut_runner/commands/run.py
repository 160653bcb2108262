# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut run`: build, run, and give the verdict."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from kut_runner.commands import options
from kut_runner.errors import UsageError

if TYPE_CHECKING:
    from kut_runner.plan import Wish


@click.command("run")
@options.selection
@click.option("--failed", is_flag=True, help="Tests that failed in the last run, or were cut off.")
@click.option("--changed", is_flag=True, help="Tests whose images the last build linked.")
@click.option("--shard", metavar="I/N", help="Only part I of N; `kut shards` shows the parts.")
@click.option("--allow-empty", is_flag=True, help="A shard without tests is no error.")
@click.option(
    "--archive", type=options.IN_FILE, help="Images and tests of `kut archive`; nothing is built."
)
@options.manner
@options.reports
@options.qemu
@options.compiler
@options.variant
@options.verbose
@click.pass_obj
def command(  # noqa: PLR0913 - one for each option
    root: Path | None,
    *,
    wish: "Wish",
    failed: bool,
    changed: bool,
    shard: str | None,
    allow_empty: bool,
    archive: Path | None,
    manner: "dict[str, Any]",
    reports: dict[str, Path | None],
    qemu: str | None,
    compiler: str,
    variant: str | None,
    verbose: bool,
) -> int:
    """Build what is needed, then run the tests: all, or those that are named."""
    from kut_runner import build, plan, session, views
    from kut_runner.commands import prepare

    if archive:
        _refuse_building_options()
        place = prepare.from_archive(archive)
    else:
        place = prepare.workplace(root, compiler, variant)
    if failed:
        again = place.store.load("latest").to_repeat
        tests = plan.only(place.definitions, wish, again, "nothing failed in the last run")
    else:
        tests = plan.select(place.definitions, wish)
    if shard:
        tests = place.shard(tests, shard, allow_empty=allow_empty)
    emulator = place.qemu(qemu)
    with place.begin_run() as kept:
        # Before the build: when that fails, no results of an earlier run are there to be believed.
        facts = prepare.facts(
            kept.run,
            place,
            emulator,
            shard=shard,
            archive=str(archive.absolute()) if archive else None,
            **manner,
        )
        shown = views.open_views(log_dir=kept.path, facts=facts, verbose=verbose, reports=reports)
        images = place.images(tests)
        if changed:
            tests = plan.of_images(tests, build.relinked(place.tree, place.compiler))
        request = session.RunRequest(
            tests=tests,
            images=images,
            qemu=emulator,
            log_dir=kept.path,
            times=place.own_times(emulator),
            **manner,
        )
        return session.run(request, shown)


def _refuse_building_options() -> None:
    """Raise UsageError for options that mean nothing where nothing is built."""
    context = click.get_current_context()
    for name in ("compiler", "variant", "changed"):
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise UsageError(
                f"--{name} and --archive contradict each other: nothing is built",
                "leave out one of them",
            )
