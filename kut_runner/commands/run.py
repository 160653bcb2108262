# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut run`: build, run, and give the verdict."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from click.core import ParameterSource

from kut_runner.commands import options, where
from kut_runner.errors import UsageError

if TYPE_CHECKING:
    from kut_runner.definitions.plan import Selection
    from kut_runner.run.options import RunOptions
    from kut_runner.views.display import DisplayOptions


@click.command("run")
@options.selection
@click.option("--failed", is_flag=True, help="Tests that failed in the last run, or were cut off.")
@click.option("--changed", is_flag=True, help="Tests whose images the last build linked.")
@click.option("--shard", metavar="I/N", help="Only part I of N; `kut shards` shows the parts.")
@click.option("--allow-empty", is_flag=True, help="A shard without tests is no error.")
@click.option(
    "--archive", type=options.IN_FILE, help="Images and tests of `kut archive`; nothing is built."
)
@click.option(
    "--tree",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A built tree of kvm-unit-tests: run its unittests.cfg.",
)
@click.option("--el2/--no-el2", default=None, help="With --tree: machines with EL2; else $EL2.")
@options.run_options
@options.reports
@options.target
@options.qemu
@options.compiler
@options.variant
@options.display
@click.pass_obj
def command(  # noqa: PLR0913 - one for each option
    root: Path | None,
    *,
    selection: "Selection",
    failed: bool,
    changed: bool,
    shard: str | None,
    allow_empty: bool,
    archive: Path | None,
    tree: Path | None,
    el2: bool | None,
    run_options: "RunOptions",
    reports: dict[str, Path | None],
    target: str | None,
    qemu: str | None,
    compiler: str,
    variant: str | None,
    display: "DisplayOptions",
) -> int:
    """Build what is needed, then run the tests: all, or those that are named."""
    from kut_runner.definitions import plan
    from kut_runner.run import workspace
    from kut_runner.run.execute import execute
    from kut_runner.views.opening import Opener

    _refuse_contradictions()
    if archive:
        place = workspace.of_archive(archive)
    elif tree:
        place = workspace.of_kvm_unit_tests(tree, el2=el2, target=target)
    else:
        place = where.workspace(root, compiler, variant)
    if failed:
        again = place.store.load("latest").to_repeat
        tests = plan.restrict(place.definitions, selection, again, "nothing failed in the last run")
    else:
        tests = plan.select(place.definitions, selection)
    if shard:
        tests = place.shard(tests, shard, allow_empty=allow_empty)
    machine = place.target(target, qemu=qemu)
    return execute(
        place,
        lambda: place.cases(tests, machine, changed=changed),
        run_options,
        Opener(display=display, reports=reports, tree=place.tree),
        metadata=place.metadata(machine, run_options, shard=shard),
    )


#: Options of which at most one can be given.
_APART: Final = (
    *(("archive", other) for other in ("tree", "compiler", "variant", "changed")),
    *(("tree", other) for other in ("compiler", "variant", "changed")),
)


def _refuse_contradictions() -> None:
    """Raise UsageError for options that mean nothing together: nothing is built, say."""
    context = click.get_current_context()
    given = {
        name
        for name in context.params
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }
    for one, other in _APART:
        if {one, other} <= given:
            raise UsageError(f"--{other} and --{one} contradict each other", "leave out one")
    if "el2" in given and "tree" not in given:
        raise UsageError("--el2 is for --tree", "a definition in configs/ says what machine it has")
