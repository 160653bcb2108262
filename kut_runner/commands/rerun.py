# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut rerun`: what is not good of a past run."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kut_runner.commands import options

if TYPE_CHECKING:
    from kut_runner.views.display import DisplayOptions


@click.command("rerun")
@click.argument("run", metavar="[RUN]", default="latest", shell_complete=options.offers("runs"))
@options.reports
@options.display
@click.pass_obj
def command(
    root: Path | None, *, run: str, reports: dict[str, Path | None], display: "DisplayOptions"
) -> int:
    """Run again what failed in RUN or has no result, as it ran then; the rest is kept."""
    from kut_runner.commands import prepare
    from kut_runner.definitions import plan
    from kut_runner.run import engine, rerun
    from kut_runner.views import opening

    old = options.store_of(root).load_ended(run)
    names = rerun.names_to_run(old)
    place = prepare.again(root, old.metadata)
    tests = plan.select(place.definitions, plan.Selection(names))
    emulator = place.qemu(old.metadata.qemu or None)
    with place.begin_run() as new:
        kept = rerun.carried_over(old, new.path)
        metadata = rerun.metadata(old.metadata, prepare.metadata(new.run, place, emulator))
        *files, terminal = opening.open_views(
            log_dir=new.path, metadata=metadata, display=display, reports=reports, tree=place.tree
        )
        joined = [
            *(rerun.Joined(view, kept, shows_kept=True) for view in files),
            rerun.Joined(terminal, kept, shows_kept=False),
        ]
        request = engine.RunRequest(
            tests=tests,
            images=place.images(tests),
            qemu=emulator,
            log_dir=new.path,
            times=place.own_times(emulator),
            **rerun.run_options(old.metadata),
        )
        click.echo(rerun.headline(old, names), file=opening.people(reports))
        return rerun.joined_code(engine.run(request, joined), kept)
