# SPDX-License-Identifier: GPL-2.0-or-later
"""The one place that runs tests: a directory for the run, its metadata, views, images, cases."""

from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from kut_runner.run import engine

if TYPE_CHECKING:
    from kut_runner.errors import ExitCode
    from kut_runner.process.pool import Stopper
    from kut_runner.records.document import RunMetadata
    from kut_runner.records.view import View
    from kut_runner.run.options import RunOptions
    from kut_runner.run.workspace import Workspace
    from kut_runner.targets.case import Case

#: Opens the views of a run that writes into a directory; raises UsageError for bad files.
OpenViews = Callable[[Path, "RunMetadata"], "Sequence[View]"]
#: Gives the cases of a run in its directory, with their images brought up to date.
SupplyCases = Callable[[], "Sequence[Case]"]


def execute(  # noqa: PLR0913 - what to run, how, and for whom
    workspace: "Workspace",
    cases: SupplyCases,
    options: "RunOptions",
    views: OpenViews,
    *,
    metadata: "RunMetadata",
    log_dir: Path | None = None,
    first: Collection[str] = (),
    stoppers: "Sequence[Stopper]" = (),
) -> "ExitCode":
    """Run cases and return the exit code; each view has then had everything.

    The views are opened before the images are built: when that fails, no results of an earlier
    run are left to be believed. The store keeps the run, unless `log_dir` is given for its logs.
    `first` and `stoppers` are as `engine.run` takes them. Raises KutError and OSError.
    """
    with ExitStack() as stack:
        times = None if log_dir else workspace.times()
        if not log_dir:
            kept = stack.enter_context(workspace.begin_run())
            log_dir, metadata = kept.path, replace(metadata, run=kept.run)
        opened = views(log_dir, metadata)
        return engine.run(
            cases(),
            options,
            opened,
            log_dir=log_dir,
            times=times,
            first=first,
            stoppers=stoppers,
        )
