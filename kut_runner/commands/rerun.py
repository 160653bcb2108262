# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut rerun`: rerun of the failed and missing tests of a past run."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kut_runner.commands import options, progress, where
from kut_runner.commands.output import echo

if TYPE_CHECKING:
    from kut_runner.views.display import DisplayOptions


@click.command("rerun")
@click.argument("run", metavar="[RUN]", default="latest", shell_complete=options.offers("runs"))
@options.trust
@options.reports
@options.display
@click.pass_obj
def command(
    root: Path | None,
    *,
    run: str,
    trust: bool,
    reports: dict[str, Path | None],
    display: "DisplayOptions",
) -> int:
    """Rerun the failed tests of a past run.

    Runs the tests of RUN that failed or have no result, with the options of that run, and keeps the
    other results.
    """
    from kut_runner.definitions import plan
    from kut_runner.run import rerun
    from kut_runner.run import workspace as workspaces
    from kut_runner.run.execute import execute
    from kut_runner.views.opening import Opener, text_stream

    store = where.store_of(root)
    old = store.load_ended(run)
    names = rerun.names_to_run(old)
    workspace = workspaces.again(
        old.metadata, lambda: where.tree_of(root), progress.on_one_line, trust=trust
    )
    is_own = trust or store.keeps(run)
    changes = rerun.overrides(old.metadata, workspace.tree, trust=is_own)
    tests = plan.select(workspace.definitions, plan.Selection(names))
    tests = changes.apply(rerun.with_rows(old.metadata, workspace, tests))
    target = rerun.target(old.metadata, workspace, trust=is_own)
    echo(rerun.headline(old, names), file=text_stream(reports))
    return rerun.joined_code(
        execute(
            workspace,
            lambda: workspace.cases(tests, target),
            rerun.options(old.metadata),
            rerun.Joining(old, Opener(display=display, reports=reports, tree=workspace.tree)),
            metadata=rerun.metadata(old.metadata, workspace.metadata(target)),
        ),
        old,
    )
