# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut conform`: rows of the conformance suite."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from kut_runner.commands import options, random_output, where
from kut_runner.commands.output import echo
from kut_runner.errors import KutError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from kut_runner.definitions.overrides import Overrides
    from kut_runner.run.options import RunOptions
    from kut_runner.run.workspace import Workspace
    from kut_runner.verdict.row_list import RowList
    from kut_runner.views.display import DisplayOptions

#: Most rows that --explain describes.
_MOST_EXPLAINED: Final = 20


@click.command("conform")
@click.argument("patterns", metavar="[ROWS or AREAS]...", nargs=-1)
@click.option("--list", "lists_rows", is_flag=True, help="List the rows instead of running them.")
@click.option(
    "--explain", is_flag=True, help="Show expected outcome, rule and section of each row instead."
)
@click.option(
    "--against",
    metavar="QEMU",
    shell_complete=options.offers("qemus"),
    help="Compare with the same rows on this QEMU, and show the differences only.",
)
@click.option(
    "--random",
    "count",
    type=int,
    metavar="N",
    help="Run N random cases of translation, or programs of tlb-random, instead of rows, and shrink"
    " those that fail.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, (1 << 64) - 1),
    metavar="S",
    help="Seed of --random; a new one by default. It is part of the ids.",
)
@click.option(
    "--case",
    "texts",
    metavar="CASE",
    multiple=True,
    help="Run this random case, as in 'op=write s2.out.d3=0x80'.",
)
@options.run_options
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
    patterns: tuple[str, ...],
    lists_rows: bool,
    explain: bool,
    against: str | None,
    count: int | None,
    seed: int | None,
    texts: tuple[str, ...],
    run_options: "RunOptions",
    overrides: "Overrides",
    reports: dict[str, Path | None],
    target_name: str | None,
    qemu: str | None,
    compiler: str,
    variant: str | None,
    display: "DisplayOptions",
) -> int:
    """Run rows of the conformance suite.

    Rows are named by areas, by names of tests, or by ids with globs, as in 'hvc.smc.*'. Without a
    name all areas run, with --random or --case random cases of translation. --explain also searches
    for words, as in `S1PTW permission`, and for values of ESR_ELx.
    """
    from kut_runner.run.execute import execute
    from kut_runner.views.opening import Opener

    if wanted := random_output.Wanted(count, seed, texts):
        workspace = where.workspace(root, compiler, variant)
        request = wanted.request(workspace, patterns, is_of_rows=bool(against or lists_rows))
        if explain:
            return _show(_explanations(lambda _: {"": request.cases.rows}, ()))
        target = workspace.target(target_name, qemu=qemu)
        opener = Opener(display, reports, workspace.tree)
        return random_output.run_and_show(request, target, run_options, overrides, opener)
    if against:
        return _compare(
            root,
            patterns,
            _Compared(against, qemu, target_name, compiler, variant),
            run_options=run_options,
            overrides=overrides,
            reports=reports,
        )
    workspace = where.workspace(root, compiler, variant)
    if explain:
        return _show(_explanations(workspace.row_lists, patterns))
    if lists_rows:
        return _show(_ids(workspace, patterns))
    tests = overrides.apply(workspace.select_rows(patterns))
    target = workspace.target(target_name, qemu=qemu)
    chosen = {"rows": list(patterns)} if patterns else {}
    return execute(
        workspace,
        lambda: workspace.cases(tests, target),
        run_options,
        Opener(display=display, reports=reports, tree=workspace.tree),
        metadata=workspace.metadata(target, run_options, **chosen, **overrides.to_json()),
    )


def _show(lines: "Iterable[str]") -> int:
    for line in lines:
        echo(line)
    return 0


def _ids(workspace: "Workspace", patterns: "Sequence[str]") -> "Iterator[str]":
    from kut_runner.run import row_selection

    lists = workspace.row_lists(patterns).values()
    areas = row_selection.areas(workspace.definitions.tests).values()
    return (row.id for row in row_selection.rows(lists, patterns, areas))


def _explanations(
    row_lists: "Callable[[Sequence[str]], Mapping[str, RowList]]", patterns: "Sequence[str]"
) -> "Iterator[str]":
    """Yield what is expected of the rows with these names, or of those that have all the words.

    `row_lists` returns the lists with the rows of patterns.
    """
    from kut_runner.run import row_search, row_selection
    from kut_runner.views import row_explanations

    try:
        lists = row_lists(patterns).values()
        found = [*row_search.distinct(row_selection.rows(lists, patterns))]
    except KutError:
        found = row_search.search(row_lists(()).values(), patterns)
        if not found:
            raise
        if len(found) > _MOST_EXPLAINED:
            yield from row_explanations.by_rule(found)
            return
    for row in found[:_MOST_EXPLAINED]:
        yield from row_explanations.of_row(row)
    if len(found) > _MOST_EXPLAINED:
        yield f"and {len(found) - _MOST_EXPLAINED} more rows"


@dataclass(frozen=True, slots=True)
class _Compared:
    """Two QEMUs to compare, and the images that run on them."""

    reference: str
    qemu: str | None
    """The other one, None for that of a run without --qemu."""
    target: str | None
    compiler: str
    variant: str | None


def _compare(  # noqa: PLR0913 - the options of the command that matter
    root: Path | None,
    patterns: "Sequence[str]",
    compared: _Compared,
    *,
    run_options: "RunOptions",
    overrides: "Overrides",
    reports: "Mapping[str, Path | None]",
) -> int:
    """Run rows on two QEMUs, as a grid, and show the differences."""
    from kut_runner.commands.grid_output import Output, run_and_show
    from kut_runner.definitions.plan import Selection
    from kut_runner.run.grid import Axes
    from kut_runner.run.grid_run import Request
    from kut_runner.run.row_selection import GROUP
    from kut_runner.targets.qemu import DEFAULT, asked_for

    files = {kind: path for kind, path in reports.items() if path}
    if unfit := next((kind for kind in files if kind not in {"json", "html"}), None):
        raise UsageError(f"--{unfit} and --against contradict each other", "use --json or --html")
    if overrides.memory or overrides.append or overrides.qemu_args:
        raise UsageError(
            "--memory, --append and --qemu-arg cannot be used with --against", "omit them"
        )
    axes = Axes(
        targets=(compared.target,) if compared.target else (),
        qemus=(compared.reference, asked_for(compared.qemu, os.environ) or DEFAULT),
        cpus=(overrides.cpu,) if overrides.cpu else (),
        variants=(compared.variant,) if compared.variant else (),
        smps=(overrides.smp,) if overrides.smp else (),
    )
    selection = Selection(tuple(patterns), () if patterns else (GROUP,))
    output = Output(files.get("json"), files.get("html"))
    return run_and_show(root, Request(axes, selection, compared.compiler), run_options, output)
