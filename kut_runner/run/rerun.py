# SPDX-License-Identifier: GPL-2.0-or-later
"""A run again: what failed or has no result, as it ran the first time, joined to what was good.

The new run is whole. Its document has the good results of the old run, whose logs become its own
as well, and those of the tests that ran now.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from kut_runner.definitions.config import BUILT_IN
from kut_runner.errors import ExitCode, NothingSelectedError
from kut_runner.records.document import Document, RunMetadata
from kut_runner.records.run_record import Run
from kut_runner.records.view import View
from kut_runner.run.options import RunOptions
from kut_runner.verdict.result import TestResult, exit_code

if TYPE_CHECKING:
    from kut_runner.run.execute import OpenViews
    from kut_runner.run.workspace import Workspace
    from kut_runner.targets.protocol import Target


def names_to_run(document: Document) -> tuple[str, ...]:
    """Return the tests that failed or lack results; raises NothingSelectedError for none."""
    again = document.to_repeat
    if names := tuple(dict.fromkeys(name for name in document.names if name in again)):
        return names
    raise NothingSelectedError(
        f"no test of {_named(document)} failed, and each has a result", "`kut run` runs all tests"
    )


def kept_results(document: Document) -> tuple[TestResult, ...]:
    """Return the results that stand."""
    again = document.to_repeat
    return tuple(result for result in document.results if result.id not in again)


def metadata(old: RunMetadata, new: RunMetadata) -> RunMetadata:
    """Return what is known about the new run: it does as the old one did."""
    return replace(new, options=old.options, seed=old.seed, rerun_of=old.run)


def options(old: RunMetadata) -> RunOptions:
    """Return the options of the old run."""
    return RunOptions.from_json(old.options, old.seed)


def target(old: RunMetadata, workspace: "Workspace") -> "Target":
    """Return the target of the old run; raises KutError where it is not available."""
    name = old.target or None
    is_qemu = name is None or name in BUILT_IN
    qemu = old.program or None if is_qemu else None
    return workspace.target(name, qemu=qemu, accel=old.options.get("accel") or "")


def headline(document: Document, names: Sequence[str]) -> str:
    """Return in words what is run and what is kept."""
    failed = len(document.failed)
    missing = len(names) - failed
    parts = [f"{failed} failed"] if failed else []
    rounds = f"all {document.rounds} results" if document.rounds > 1 else "result"
    parts += [f"{missing} without {rounds}"] if missing else []
    return f"of {_named(document)}: {' and '.join(parts)}; {len(document.names) - len(names)} kept"


@dataclass(frozen=True, slots=True)
class Joining:
    """Opens views of the new run that show it together with the results that stand."""

    old: Document
    open_views: "OpenViews"

    def __call__(self, log_dir: Path, metadata: RunMetadata) -> Sequence[View]:
        """Open them; the logs of the results that stand are in `log_dir` too, from now on."""
        kept = [_with_log_in(result, log_dir) for result in kept_results(self.old)]
        *files, terminal = self.open_views(log_dir, metadata)
        joined = [Joined(view, kept, shows_kept=True) for view in files]
        return [*joined, Joined(terminal, kept, shows_kept=False)]


class Joined(View):
    """A view of the new run together with results that stand."""

    def __init__(self, view: View, kept: Sequence[TestResult], *, shows_kept: bool) -> None:
        """Pass everything on to `view`; when it `shows_kept`, those results as well, first."""
        self._view = view
        self._kept = tuple(kept)
        self._shown = self._kept if shows_kept else ()

    def on_start(self, cases: Sequence[str]) -> None:
        """Begin with the results that stand."""
        self._view.on_start([*(result.id for result in self._shown), *cases])
        for result in self._shown:
            self._view.on_result(result)

    def on_begin(self, case: str, attempt: int) -> None:
        """Pass it on."""
        self._view.on_begin(case, attempt)

    def on_slow(self, case: str, attempt: int, seconds: float) -> None:
        """Pass it on."""
        self._view.on_slow(case, attempt, seconds)

    @property
    def wants_output(self) -> bool:
        """As the view says."""
        return self._view.wants_output

    def on_output(self, case: str, attempt: int, data: bytes) -> None:
        """Pass it on."""
        self._view.on_output(case, attempt, data)

    def on_stop(self, stops: int, running: int) -> None:
        """Pass it on."""
        self._view.on_stop(stops, running)

    def on_retry(self, result: TestResult) -> None:
        """Pass it on."""
        self._view.on_retry(result)

    @property
    def due(self) -> float | None:
        """As the view says."""
        return self._view.due

    def on_due(self) -> None:
        """Pass it on."""
        self._view.on_due()

    def on_result(self, result: TestResult) -> None:
        """Pass it on."""
        self._view.on_result(result)

    def on_end(self, run: Run) -> None:
        """End with the whole."""
        whole = replace(
            run,
            results=(*self._kept, *run.results),
            selected=len(self._kept) + run.selected,
            exit_code=joined_code(run.exit_code, self._kept),
        )
        self._view.on_end(whole)


def joined_code(code: ExitCode, kept: Sequence[TestResult]) -> ExitCode:
    """Return the exit code of a run that ended with `code`, and of the results that stand."""
    return exit_code([code, *(result.verdict.exit_code for result in kept)])


def _named(document: Document) -> str:
    return f"run {document.metadata.run}" if document.metadata.run else "the given run"


def _with_log_in(result: TestResult, directory: Path) -> TestResult:
    """Return the result with its log in `directory` too, so that it stays when the old run goes.

    It is the same file under one more name. Where that cannot be, the result is as it was.
    """
    if not result.log:
        return result
    old = Path(result.log)
    with suppress(OSError):
        os.link(old, directory / old.name)
        with suppress(FileNotFoundError):
            os.link(old.with_suffix(".stderr"), (directory / old.name).with_suffix(".stderr"))
        return replace(result, log=str(directory / old.name))
    return result
