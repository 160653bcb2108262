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
    from kut_runner.commands.prepare import Workplace
    from kut_runner.definitions.config import TestDef
    from kut_runner.definitions.plan import Wish
    from kut_runner.targets.machine import Qemu
    from kut_runner.views.display import Look
    from kut_runner.watch.rounds import Extra


@click.command("watch")
@options.selection
@click.option(
    "--postpone", is_flag=True, help="Build at the start, but run nothing until a change."
)
@click.option("--clear", is_flag=True, help="Clear the terminal when a round begins.")
@options.manner
@options.qemu
@options.compiler
@options.variant
@partial(options.look, github=False)
@click.pass_obj
def command(  # noqa: PLR0913 - one for each option
    root: Path | None,
    *,
    wish: "Wish",
    postpone: bool,
    clear: bool,
    manner: "dict[str, Any]",
    qemu: str | None,
    compiler: str,
    variant: str | None,
    look: "Look",
) -> int:
    """Run the tests; then, whenever a source is saved, those again that it changes."""
    from kut_runner.build import builder
    from kut_runner.commands import prepare
    from kut_runner.definitions import plan
    from kut_runner.watch import rounds
    from kut_runner.watch.keyboard import Keyboard
    from kut_runner.watch.source_watcher import Changes

    tree = options.tree_of(root)

    def load() -> rounds.Work:
        place = prepare.workplace(root, compiler, variant, heed=loop.heed)
        tests = plan.select(place.definitions, wish)
        return rounds.Work(
            tests=tests,
            build=partial(place.images, tests),
            run=_Rounds(place, place.qemu(qemu), look, manner).run,
            dependencies=partial(builder.dependencies, tree, place.compiler),
            times=manner["repeat"],
        )

    with Changes(tree) as changes, Keyboard(rounds.KEYS) as keyboard:
        loop = rounds.Watch(tree, changes, keyboard, look, clears=clear)
        return loop.run(load, postpone=postpone)


@dataclass(frozen=True, slots=True)
class _Rounds:
    """Runs tests as the options say."""

    place: "Workplace"
    emulator: "Qemu"
    look: "Look"
    manner: "dict[str, Any]"

    def run(self, tests: "Sequence[TestDef]", images: "Mapping[str, Image]", extra: "Extra") -> int:
        from kut_runner.commands import prepare
        from kut_runner.run import engine
        from kut_runner.views import opening

        with self.place.begin_run() as kept:
            facts = prepare.facts(kept.run, self.place, self.emulator, **self.manner)
            *files, _ = opening.open_views(log_dir=kept.path, facts=facts, look=self.look)
            request = engine.RunRequest(
                tests=tests,
                images=images,
                qemu=self.emulator,
                log_dir=kept.path,
                times=self.place.own_times(self.emulator),
                first=extra.first,
                stoppers=extra.stoppers,
                **self.manner,
            )
            return engine.run(request, [*files, *extra.views])
