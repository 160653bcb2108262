# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut run`: build and run of tests."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from click.core import ParameterSource

from kut_runner.commands import options, where
from kut_runner.errors import UsageError

if TYPE_CHECKING:
    from kut_runner.definitions.config import TestDef
    from kut_runner.definitions.overrides import Overrides
    from kut_runner.definitions.plan import Selection
    from kut_runner.run.options import RunOptions
    from kut_runner.run.workspace import Workspace
    from kut_runner.views.display import DisplayOptions


@click.command("run")
@options.selection
@click.option(
    "--failed", is_flag=True, help="Select tests that failed or have no result in the last run."
)
@click.option("--changed", is_flag=True, help="Select tests whose images the last build linked.")
@click.option("--shard", metavar="I/N", help="Run only part I of N; see `kut shards`.")
@click.option("--allow-empty", is_flag=True, help="Accept a shard without tests.")
@click.option(
    "--archive", type=options.IN_FILE, help="Run an archive of `kut archive`, without a build."
)
@options.tree
@click.option(
    "--el2/--no-el2", default=None, help="With --tree: whether machines have EL2; also $EL2."
)
@options.trust
@options.strict
@click.option(
    "--probe-maxsmp", is_flag=True, help="With --tree: lower MAX_SMP to what QEMU supports."
)
@options.run_options
@click.option("--record", is_flag=True, help="Record each machine for `kut replay`.")
@options.machine
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
    trust: bool,
    strict: bool,
    probe_maxsmp: bool,
    run_options: "RunOptions",
    record: bool,
    overrides: "Overrides",
    reports: dict[str, Path | None],
    target_name: str | None,
    qemu: str | None,
    compiler: str,
    variant: str | None,
    display: "DisplayOptions",
) -> int:
    """Build and run tests.

    Without a selection, runs all tests except those of group "nodefault".
    """
    from kut_runner.run import workspace as workspaces
    from kut_runner.run.execute import execute
    from kut_runner.views.opening import Opener

    _refuse_contradictions()
    if archive:
        workspace = workspaces.of_archive(archive, trust=trust)
    elif tree:
        choices = workspaces.TreeOptions(
            el2, target_name, trust, is_strict=strict, probes_max_smp=probe_maxsmp, qemu=qemu
        )
        workspace = where.kvm_unit_tests(tree, choices)
    else:
        workspace = where.workspace(root, compiler, variant)
    tests = _selected(workspace, selection, failed=failed)
    if shard:
        tests = workspace.shard(tests, shard, allow_empty=allow_empty)
    tests = overrides.apply(tests)
    target = workspace.target(target_name, qemu=qemu, record=record)
    extra = {"shard": shard, **overrides.to_json(), **({"record": True} if record else {})}
    return execute(
        workspace,
        lambda: workspace.cases(tests, target, changed=changed),
        run_options,
        Opener(display=display, reports=reports, tree=workspace.tree),
        metadata=workspace.metadata(target, run_options, **extra),
    )


def _selected(
    workspace: "Workspace", selection: "Selection", *, failed: bool
) -> "tuple[TestDef, ...]":
    """Return the selected tests; with `failed` those of them that the last run has to repeat."""
    from kut_runner.definitions import plan

    if not failed:
        return workspace.select(selection)
    again = workspace.store.load("latest").to_repeat
    return plan.restrict(workspace.definitions, selection, again, "nothing failed in the last run")


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
            raise UsageError(f"--{other} and --{one} contradict each other", "omit one of them")
    if "el2" in given and "tree" not in given:
        raise UsageError("--el2 needs --tree", "other tests define their machine in configs/")
    if "trust" in given and not given & {"tree", "archive"}:
        raise UsageError("--trust needs --tree or --archive", "a source tree is always trusted")
    if "strict" in given and "tree" not in given:
        raise UsageError("--strict needs --tree", "other definitions have no warnings")
    if "probe_maxsmp" in given and "tree" not in given:
        raise UsageError("--probe-maxsmp needs --tree", "other tests have a fixed number of CPUs")
