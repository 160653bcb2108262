# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut watch`: build and run of tests on each change of the sources."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kut_runner.commands import options, where

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kut_runner.definitions.overrides import Overrides
    from kut_runner.definitions.plan import Selection
    from kut_runner.records.document import RunMetadata
    from kut_runner.records.view import View
    from kut_runner.run.options import RunOptions
    from kut_runner.targets.case import Case
    from kut_runner.views.display import DisplayOptions


@click.command("watch")
@options.selection
@click.option("--postpone", is_flag=True, help="Only build at the start; run tests after a change.")
@click.option("--clear", is_flag=True, help="Clear the terminal at the start of each round.")
@options.run_options
@options.machine
@options.target
@options.qemu
@options.compiler
@options.variant
@partial(options.display, github=False)
@click.pass_obj
def command(  # noqa: PLR0913 - one for each option
    root: Path | None,
    *,
    selection: "Selection",
    postpone: bool,
    clear: bool,
    run_options: "RunOptions",
    overrides: "Overrides",
    target_name: str | None,
    qemu: str | None,
    compiler: str,
    variant: str | None,
    display: "DisplayOptions",
) -> int:
    """Run tests, and run those affected again whenever a source is saved."""
    from kut_runner.build import builder
    from kut_runner.run.execute import execute
    from kut_runner.views.opening import Opener
    from kut_runner.watch import rounds
    from kut_runner.watch.keyboard import Keyboard
    from kut_runner.watch.source_watcher import SourceWatcher

    tree = where.tree_of(root)

    def load() -> rounds.Work:
        workspace = where.workspace(root, compiler, variant, check_for_stop=loop.check_for_stop)
        tests = overrides.apply(workspace.select(selection))
        target = workspace.target(target_name, qemu=qemu)

        def run(cases: "Sequence[Case]", extra: rounds.Extra) -> int:
            def open_views(log_dir: Path, metadata: "RunMetadata") -> "Sequence[View]":
                *files, _ = Opener(display=display)(log_dir, metadata)
                return [*files, *extra.views]

            return execute(
                workspace,
                lambda: cases,
                run_options,
                open_views,
                metadata=workspace.metadata(target, run_options, **overrides.to_json()),
                first=extra.first,
                stoppers=extra.stoppers,
            )

        return rounds.Work(
            build=partial(workspace.cases, tests, target),
            run=run,
            dependencies=partial(builder.dependencies, tree, workspace.compiler),
            times=run_options.repeat,
        )

    with SourceWatcher(tree) as watcher, Keyboard(rounds.KEYS) as keyboard:
        loop = rounds.Watch(
            tree, watcher, keyboard, display, policy=run_options.policy, clears=clear
        )
        return loop.run(load, postpone=postpone)
