# SPDX-License-Identifier: GPL-2.0-or-later
"""Run of a grid from a command, and its table on the terminal and in files."""

import os
from dataclasses import dataclass
from functools import cache
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

from kut_runner.commands import where
from kut_runner.commands.output import echo
from kut_runner.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kut_runner.records.document import Document, RunMetadata
    from kut_runner.records.grid import Grid
    from kut_runner.records.view import View
    from kut_runner.run.grid_run import Request
    from kut_runner.run.options import RunOptions
    from kut_runner.views.outfile import OutFile
    from kut_runner.views.report_grid import Progress


@dataclass(frozen=True, slots=True)
class Output:
    """Where the table of a grid goes, and what it is compared with."""

    json: Path | None = None
    html: Path | None = None
    against: Path | None = None
    verbose: bool = False


def run_and_show(
    root: Path | None,
    request: "Request",
    run_options: "RunOptions",
    output: Output,
    *,
    old: "Document | None" = None,
) -> int:
    """Run a grid, show its table and return the exit code; `old` has results to keep."""
    from kut_runner.records import grid
    from kut_runner.run import grid_run
    from kut_runner.views.outfile import OutFile
    from kut_runner.views.report_grid import Progress

    before = grid.load(output.against) if output.against else None
    files = {path: OutFile(path) for path in (output.json, output.html) if path}
    progress = Progress(os.environ)
    ended = grid_run.run(
        request,
        cache(lambda variant: where.workspace(root, request.compiler, variant)),
        run_options,
        lambda log_dir, metadata: _views(log_dir, metadata, progress),
        store=grid_run.store_of(where.tree_of(root)),
        old=old,
    )
    if ended.code is ExitCode.INTERRUPTED:
        echo("kut: `kut grid --resume` runs what is left", err=True)
        return ended.code
    found = grid.grid(progress.results, ended.problems, ended.reference, ended.run)
    new = found.new_since(before) if before else None
    _show(found, new, output, files)
    if found.failures if new is None else found.failures & new:
        return ExitCode.TESTS_FAILED
    return progress.code if found.has_bad_reference else ExitCode.OK


def _views(log_dir: Path, metadata: "RunMetadata", progress: "Progress") -> "Sequence[View]":
    """Return the views of the run in a directory of the store, and its progress."""
    from kut_runner.views.report_json import JsonFile, JsonLines

    document = JsonFile(log_dir / "results.json", metadata, interval=inf)
    return JsonLines(log_dir / "results.jsonl"), document, progress


def _show(
    found: "Grid",
    new: frozenset[tuple[str, str]] | None,
    output: Output,
    files: "dict[Path, OutFile]",
) -> None:
    from json import dumps

    from kut_runner.views.opening import text_stream
    from kut_runner.views.report_grid import lines

    stream = text_stream({"json": output.json, "html": output.html})
    for line in lines(found, new, verbose=output.verbose):
        echo(line, file=stream)
    if output.json:
        files[output.json].write(dumps(found.to_json(new), indent=1) + "\n")
    if output.html:
        from kut_runner.views.html.grid import page

        files[output.html].write(page(found, new))
