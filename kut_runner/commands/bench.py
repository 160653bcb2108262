# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut bench`: instruction counts."""

from pathlib import Path

import click

from kut_runner.commands import options, where
from kut_runner.commands.output import echo
from kut_runner.errors import ExitCode


@click.command("bench")
@click.option("--json", type=options.OUT_FILE, help="Write the counts to this file; - is stdout.")
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
    """Count instructions and compare them with the baseline."""
    import os

    from kut_runner.build import toolchain
    from kut_runner.definitions import plan, source_trees
    from kut_runner.run import bench
    from kut_runner.run.execute import execute
    from kut_runner.run.options import RunOptions
    from kut_runner.views.opening import text_stream
    from kut_runner.views.outfile import OutFile

    workspace = where.workspace(root, compiler, variant)
    if update:
        source_trees.refuse_change(workspace.tree)
    tests = plan.select(workspace.definitions, plan.Selection(groups=("bench",)))
    path = workspace.tree / "configs/bench-baseline.json"
    tools = toolchain.find(compiler, os.environ)
    build = f"{workspace.compiler} {tools.major_version()}"  # another compiler, other counts
    baseline = bench.load_baseline(path, build)
    out = OutFile(json) if json else None
    target = workspace.target(qemu=qemu)
    collector = bench.Collector()
    code = execute(
        workspace,
        lambda: workspace.cases(tests, target),
        RunOptions(),
        lambda *_: [collector],
        metadata=workspace.metadata(target),
        log_dir=workspace.tree / "build/bench",
    )
    found = bench.metrics(collector.results)
    if out:
        out.write(bench.report(found, qemu=target.version, compiler=workspace.compiler))
    for problem in bench.problems(collector.results):
        echo(problem, err=True)
    if update and code == ExitCode.OK:
        bench.update_baseline(path, build, found)
        baseline = bench.load_baseline(path, build)
    rows = bench.compare(found, baseline)
    for row in rows:
        echo(row, file=text_stream({"json": json}))
    return code or (ExitCode.OK if all(row.is_good for row in rows) else ExitCode.TESTS_FAILED)
