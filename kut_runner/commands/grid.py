# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut grid`: tests on several QEMUs, kernels, CPU models, GICs, builds and CPU counts."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kut_runner.commands import options, where
from kut_runner.errors import UsageError

if TYPE_CHECKING:
    from kut_runner.definitions.plan import Selection


@click.command("grid")
@options.selection
@click.option("--qemu", "qemus", metavar="[LABEL=]PATH", multiple=True, help="A QEMU; repeatable.")
@click.option("--cpu", "cpus", metavar="MODEL", multiple=True, help='A model, or "all".')
@click.option("--gic", "gics", metavar="VERSION", multiple=True, help="A gic-version, as in 3.")
@click.option(
    "--variant",
    "variants",
    metavar="NAME",
    multiple=True,
    shell_complete=options.offers("variants"),
    help='A variant of the build, as in page-64k, or "default".',
)
@click.option("--smp", "smps", type=int, metavar="N", multiple=True, help="A number of CPUs.")
@click.option(
    "--target",
    "targets",
    metavar="NAME",
    multiple=True,
    shell_complete=options.offers("targets"),
    help="A target.",
)
@click.option(
    "--kernel",
    "kernels",
    metavar="VERSION|FILE",
    multiple=True,
    help="A kernel of the lab, as in 6.18; without --target tcg is the reference.",
)
@click.option("--reference", metavar="CELL", help="Compare with this cell instead of the first.")
@click.option("--against", type=options.IN_FILE, help="Show what is new since this saved grid.")
@click.option("--resume", is_flag=True, help="Continue the last grid, which was interrupted.")
@options.jobs
@options.timeout
@click.option("--json", type=options.OUT_FILE, help="Write the grid to this file; - is stdout.")
@click.option("--html", type=options.OUT_FILE, help="Write a page to this file; - is stdout.")
@options.compiler
@options.verbose
@click.pass_obj
def command(  # noqa: PLR0913 - one for each option
    root: Path | None,
    *,
    selection: "Selection",
    qemus: tuple[str, ...],
    cpus: tuple[str, ...],
    gics: tuple[str, ...],
    variants: tuple[str, ...],
    smps: tuple[int, ...],
    targets: tuple[str, ...],
    kernels: tuple[str, ...],
    reference: str | None,
    against: Path | None,
    resume: bool,
    jobs: int | None,
    timeout: float | None,
    json: Path | None,
    html: Path | None,
    compiler: str,
    verbose: bool,
) -> int:
    """Run tests in each combination of machines, and show where they differ.

    Tests are also areas and rows of the conformance suite. The first value of each option makes
    the reference. Exit code 1 if a test fails in a cell and not in the reference; with --against
    if that is new.
    """
    from kut_runner.commands.grid_output import Output, run_and_show
    from kut_runner.definitions.plan import Selection
    from kut_runner.run.grid import Axes
    from kut_runner.run.grid_run import Request, last_request, store_of
    from kut_runner.run.options import RunOptions

    if kernels:
        targets = (*(targets or ("tcg",)), *(f"lab@{kernel}" for kernel in kernels))
    axes = Axes(targets, qemus, cpus, gics, variants, smps)
    request, old = Request(axes, selection, compiler, reference), None
    if resume:
        if (axes, selection, reference) != (Axes(), Selection(), None):
            raise UsageError("--resume takes tests and machines of the grid", "omit the others")
        request, old = last_request(store_of(where.tree_of(root)))
    return run_and_show(
        root,
        request,
        RunOptions(jobs=jobs, timeout=timeout),
        Output(json, html, against, verbose=verbose),
        old=old,
    )
