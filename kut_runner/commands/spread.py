# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut spread`: run on several machines."""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kut_runner.commands import options
from kut_runner.commands.output import echo
from kut_runner.errors import InfrastructureError, MissingToolError, UsageError, describe

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from kut_runner.definitions.plan import Selection
    from kut_runner.views.display import DisplayOptions


@click.command("spread")
@click.argument("archive", type=options.IN_FILE)
@options.selection
@click.option(
    "--scheduler", metavar="ADDRESS", help="Address of the Dask scheduler, as in tcp://host:8786."
)
@click.option(
    "--local", type=click.IntRange(1, 1024), metavar="N", help="Start N workers on this host."
)
@options.trust
@options.reports
@options.display
def command(  # noqa: PLR0913 - one for each option
    *,
    archive: Path,
    selection: "Selection",
    scheduler: str | None,
    local: int | None,
    trust: bool,
    reports: dict[str, Path | None],
    display: "DisplayOptions",
) -> int:
    """Run an archive on the workers of a Dask cluster.

    Distributes the selected tests of ARCHIVE to the workers, and merges their results.
    """
    from kut_runner.definitions import plan, shards
    from kut_runner.records import document, merge
    from kut_runner.run import spread
    from kut_runner.run import workspace as workspaces
    from kut_runner.views import opening

    if bool(scheduler) == bool(local):
        raise UsageError("needs either --scheduler or --local", "give one of them")
    workspace = workspaces.of_archive(archive, trust=trust)
    tests = plan.select(workspace.definitions, selection)
    with workspace.begin_run() as directory, ExitStack() as cluster:
        executor, workers = _executor(cluster, scheduler, local)
        parts = {}
        for part in spread.spread(
            executor,
            archive,
            tests,
            workers=workers,
            seconds=shards.load_times(workspace.shard_times),
            log_dir=directory.path,
            trust=trust,
        ):
            parts[part.name] = part.document
            if part.stderr:
                echo(f"kut: {part.name}: {part.stderr}", err=True)
        merged = merge.merge(parts)
        shown = opening.open_views(
            log_dir=directory.path,
            metadata=replace(merged.document.metadata, run=directory.run),
            reports=reports,
            display=display,
        )
        code = document.replay(merged.document, shown)
    for missing in merged.missing:
        echo(f"kut: missing: {missing}", err=True)
    return code


def _executor(
    cluster: ExitStack, scheduler: str | None, local: int | None
) -> "tuple[Executor, int]":
    """Return an executor and its number of workers, which `cluster` closes.

    Raises MissingToolError without Dask, UsageError for a malformed address, and
    InfrastructureError when no scheduler or no worker answers.
    """
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        from kut_runner.build import python_packages

        raise MissingToolError(
            "Dask is not installed",
            f"install it here and on the workers: {python_packages.install('distributed')}",
        ) from None
    try:
        if local:
            made = LocalCluster(n_workers=local, threads_per_worker=1, dashboard_address=None)
            client = cluster.enter_context(Client(cluster.enter_context(made)))
        else:
            client = cluster.enter_context(Client(scheduler, timeout="10s"))
        workers = len(client.scheduler_info(n_workers=-1)["workers"])
    except ValueError as error:
        raise UsageError(f"--scheduler {scheduler}: {error}", "as in tcp://host:8786") from None
    except OSError as error:
        raise InfrastructureError(
            f"no scheduler answers at {scheduler}: {describe(error)}",
            "start one with `dask scheduler`",
        ) from None
    if not workers:
        raise InfrastructureError(
            f"the scheduler at {scheduler} has no workers", "start some with `dask worker ADDRESS`"
        )
    executor: Executor = client.get_executor(pure=False)
    return executor, workers
