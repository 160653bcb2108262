# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut watch`: build and run again whenever a source is saved."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kut_runner.commands import options

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kut_runner.build.builder import Image
    from kut_runner.commands.prepare import Workspace
    from kut_runner.definitions.config import TestDef
    from kut_runner.definitions.plan import Selection
    from kut_runner.targets.machine import Qemu
    from kut_runner.views.display import DisplayOptions
    from kut_runner.watch.rounds import Extra


@click.command("watch")
@options.selection
@click.option(
    "--postpone", is_flag=True, help="Build at the start, but run nothing until a change."
)
@click.option("--clear", is_flag=True, help="Clear the terminal when a round begins.")
@options.run_options
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
    run_options: "dict[str, Any]",
    qemu: str | None,
    compiler: str,
    variant: str | None,
    display: "DisplayOptions",
) -> int:
    """Run the tests; then, whenever a source is saved, those again that it changes."""
    from kut_runner.build import builder
    from kut_runner.commands import prepare
    from kut_runner.definitions import plan
    from kut_runner.watch import rounds
    from kut_runner.watch.keyboard import Keyboard
    from kut_runner.watch.source_watcher import SourceWatcher

    tree = options.tree_of(root)

    def load() -> rounds.Work:
        place = prepare.workplace(root, compiler, variant, check_for_stop=loop.check_for_stop)
        tests = plan.select(place.definitions, selection)
        return rounds.Work(
            tests=tests,
            build=partial(place.images, tests),
            run=_Rounds(place, place.qemu(qemu), display, run_options).run,
            dependencies=partial(builder.dependencies, tree, place.compiler),
            times=run_options["repeat"],
        )

    with SourceWatcher(tree) as changes, Keyboard(rounds.KEYS) as keyboard:
        loop = rounds.Watch(tree, changes, keyboard, display, clears=clear)
        return loop.run(load, postpone=postpone)


@dataclass(frozen=True, slots=True)
class _Rounds:
    """Runs tests as the options say."""

    place: "Workspace"
    emulator: "Qemu"
    display: "DisplayOptions"
    run_options: "dict[str, Any]"

    def run(self, tests: "Sequence[TestDef]", images: "Mapping[str, Image]", extra: "Extra") -> int:
        from kut_runner.commands import prepare
        from kut_runner.run import engine
        from kut_runner.views import opening

        with self.place.begin_run() as kept:
            metadata = prepare.metadata(kept.run, self.place, self.emulator, **self.run_options)
            *files, _ = opening.open_views(
                log_dir=kept.path, metadata=metadata, display=self.display
            )
            request = engine.RunRequest(
                tests=tests,
                images=images,
                qemu=self.emulator,
                log_dir=kept.path,
                times=self.place.own_times(self.emulator),
                first=extra.first,
                stoppers=extra.stoppers,
                **self.run_options,
            )
            return engine.run(request, [*files, *extra.views])
