# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut run`: build and run of tests."""

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
    target_name: str | None,
    qemu: str | None,
    compiler: str,
    variant: str | None,
    display: "DisplayOptions",
) -> int:
    """Build what is needed, then run the tests: all, or those that are named."""
    from kut_runner.definitions import plan
    from kut_runner.run import workspace as workspaces
    from kut_runner.run.execute import execute
    from kut_runner.views.opening import Opener

    _refuse_contradictions()
    if archive:
        workspace = workspaces.of_archive(archive)
    elif tree:
        workspace = workspaces.of_kvm_unit_tests(tree, el2=el2, target=target_name)
    else:
        workspace = where.workspace(root, compiler, variant)
    if failed:
        again = workspace.store.load("latest").to_repeat
        tests = plan.only(workspace.definitions, selection, again, "nothing failed in the last run")
    else:
        tests = plan.select(workspace.definitions, selection)
    if shard:
        tests = workspace.shard(tests, shard, allow_empty=allow_empty)
    target = workspace.target(target_name, qemu=qemu)
    return execute(
        workspace,
        lambda: workspace.cases(tests, target, changed=changed),
        run_options,
        Opener(display=display, reports=reports, tree=workspace.tree),
        metadata=workspace.metadata(target, run_options, shard=shard),
    )


#: Pairs of options that exclude each other.
_EXCLUSIVE: Final = (
    *(("archive", other) for other in ("tree", "compiler", "variant", "changed")),
    *(("tree", other) for other in ("compiler", "variant", "changed")),
)


def _refuse_contradictions() -> None:
    """Raise UsageError for options that cannot be combined."""
    context = click.get_current_context()
    given = {
        name
        for name in context.params
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }
    for one, other in _EXCLUSIVE:
        if {one, other} <= given:
            raise UsageError(f"--{other} and --{one} contradict each other", "leave out one")
    if "el2" in given and "tree" not in given:
        raise UsageError("--el2 is for --tree", "a definition in configs/ says what machine it has")
