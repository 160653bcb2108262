# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut bench`: instruction counts."""

from pathlib import Path

import click

from kut_runner.commands import options, where
from kut_runner.errors import ExitCode


@click.command("bench")
@click.option("--json", type=options.OUT_FILE, help="Write the counts to this file.")
@click.option("--update", is_flag=True, help="Make these counts the baseline.")
@options.qemu
@options.compiler
@options.variant
@click.pass_obj
def command(  # noqa: PLR0913 - one for each option
    root: Path | None,
    *,
    json: Path | None,
    update: bool,
    qemu: str | None,
    compiler: str,
    variant: str | None,
) -> int:
    """Count instructions, and compare the counts with the baseline of the tree."""
    from kut_runner.definitions import plan, source_trees
    from kut_runner.run import bench
    from kut_runner.run.execute import execute
    from kut_runner.run.options import RunOptions
    from kut_runner.views.outfile import OutFile

    place = where.workspace(root, compiler, variant)
    if update:
        source_trees.refuse_change(place.tree)
    tests = plan.select(place.definitions, plan.Selection(groups=("bench",)))
    baseline = place.tree / "configs/bench-baseline.json"
    kept = bench.load_baseline(baseline, place.compiler)
    out = OutFile(json) if json else None
    machine = place.target(qemu=qemu)
    collector = bench.Collector()
    code = execute(
        place,
        lambda: place.cases(tests, machine),
        RunOptions(),
        lambda *_: [collector],
        metadata=place.metadata(machine),
        log_dir=place.tree / "build/bench",
    )
    found = bench.metrics(collector.results)
    if out:
        out.write(bench.report(found, qemu=machine.version, compiler=place.compiler))
    for problem in bench.problems(collector.results):
        click.echo(problem, err=True)
    if update and code == ExitCode.OK:
        bench.update_baseline(baseline, place.compiler, found)
        kept = bench.load_baseline(baseline, place.compiler)
    rows = bench.compare(found, kept)
    for row in rows:
        click.echo(row)
    return code or (ExitCode.OK if all(row.is_good for row in rows) else ExitCode.TESTS_FAILED)
