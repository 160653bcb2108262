# SPDX-License-Identifier: GPL-2.0-or-later
"""Run of tests from start to end: its directory, metadata, views, images and cases."""

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

#: Opens the views of a run in a directory; raises UsageError for files that cannot be written.
OpenViews = Callable[[Path, "RunMetadata"], "Sequence[View]"]
#: Builds the images of a run and returns its cases.
SupplyCases = Callable[[], "Sequence[Case]"]


def execute(  # noqa: PLR0913 - cases, options, views, and their environment
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
    """Open views, build images, run cases, and return the exit code.

    The views are opened before the build, which removes the results of an earlier run: a failed
    build leaves no stale ones. The store keeps the run, unless `log_dir` is given for its logs.
    `first` and `stoppers` are passed to `engine.run`. Raises KutError and OSError.
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
