# SPDX-License-Identifier: GPL-2.0-or-later
"""Rerun of the tests of a past run that failed or have no result, with the same options.

The new run is complete by itself: its document has the kept results of the old run, whose logs are
linked into its directory, and the results of the tests that ran again.
"""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kut_runner.bundle import qemu_options
from kut_runner.definitions.config import BUILT_IN
from kut_runner.definitions.overrides import Overrides
from kut_runner.errors import ExitCode, NothingSelectedError, UsageError
from kut_runner.records.document import Document, RunMetadata
from kut_runner.records.policy import NO_POLICY, Policy
from kut_runner.records.run_record import Run
from kut_runner.records.store import kept_log
from kut_runner.records.view import View
from kut_runner.run.options import RunOptions
from kut_runner.verdict.result import TestResult, exit_code

if TYPE_CHECKING:
    from kut_runner.definitions.config import TestDef
    from kut_runner.run.execute import OpenViews
    from kut_runner.run.workspace import Workspace
    from kut_runner.targets.protocol import Target


def names_to_run(document: Document) -> tuple[str, ...]:
    """Return the tests that failed or lack results.

    Raises NothingSelectedError when all passed.
    """
    if document.has_cells:
        raise UsageError(
            f"{_named(document.metadata)} has results on several targets",
            "rerun one of the merged runs",
        )
    again = document.to_repeat
    if names := tuple(dict.fromkeys(name for name in document.names if name in again)):
        return names
    raise NothingSelectedError(
        f"{_named(document.metadata)} has no failed or missing tests", "`kut run` runs all tests"
    )


def kept_results(document: Document) -> tuple[TestResult, ...]:
    """Return the results of the tests that do not run again."""
    again = document.to_repeat
    return tuple(result for result in document.results if result.id not in again)


def metadata(old: RunMetadata, new: RunMetadata) -> RunMetadata:
    """Return the metadata of the new run, with options and seed of the old one."""
    return replace(new, options=old.options, seed=old.seed, rerun_of=old.run)


def options(old: RunMetadata) -> RunOptions:
    """Return the options of the old run."""
    return RunOptions.from_json(old.options, old.seed)


def overrides(old: RunMetadata, tree: Path, *, trust: bool) -> Overrides:
    """Return the changes of the machines in the old run.

    Raises UsageError for invalid ones and, without `trust`, for options of QEMU that may reach
    files other than those below `tree`, programs or the network.
    """
    found = Overrides.from_json(old.options)
    refused = "" if trust else qemu_options.refusal(found.qemu_args, tree)
    if refused:
        raise UsageError(f"{_named(old)}: {qemu_options.explain(refused)}")
    return found


def with_rows(
    old: RunMetadata, workspace: "Workspace", tests: "Sequence[TestDef]"
) -> "Sequence[TestDef]":
    """Return the tests with the rows of the conformance suite that the old run selected.

    Raises KutError if they are not there any more, or if it ran random cases.
    """
    if any(old.options.get(name) for name in ("random", "cases")):
        raise UsageError(f"{_named(old)} ran random cases", _random_hint(old.options))
    patterns = old.options.get("rows")
    if not patterns:
        return tests
    from kut_runner.run import row_selection

    return row_selection.select(tests, workspace.row_lists(patterns), patterns, strict=False)


def _random_hint(options: "Mapping[str, Any]") -> str:
    """Return how the random cases of a run run again."""
    if count := options.get("random"):
        what = "".join(f"{name} " for name in options.get("rows", ()))
        return f"run them again: `kut conform {what}--random {count} --seed {options.get('seed')}`"
    return "run them again: `kut conform --case CASE`"


def target(old: RunMetadata, workspace: "Workspace", *, trust: bool) -> "Target":
    """Return the target of the old run; raises KutError when it is not available.

    Without `trust` the QEMU of the old run is not started, but the one of a new run.
    """
    name = old.target or None
    is_qemu = name is None or name in BUILT_IN
    qemu = old.program or None if is_qemu and trust else None
    accel = old.options.get("accel") or ""
    return workspace.target(name, qemu=qemu, accel=accel, record=bool(old.options.get("record")))


def headline(document: Document, names: Sequence[str]) -> str:
    """Return a line with the numbers of tests that run again and that are kept."""
    failed = len(document.failed)
    missing = len(names) - failed
    parts = [f"{failed} failed"] if failed else []
    rounds = f"all {document.rounds} results" if document.rounds > 1 else "result"
    parts += [f"{missing} without {rounds}"] if missing else []
    kept = len(document.names) - len(names)
    return f"rerun of {_named(document.metadata)}: {' and '.join(parts)}; {kept} kept"


@dataclass(frozen=True, slots=True)
class Joining:
    """Opens the views of the new run, to which the kept results are added."""

    old: Document
    open_views: "OpenViews"

    def __call__(self, log_dir: Path, metadata: RunMetadata) -> Sequence[View]:
        """Open the views, and link the logs of the kept results into `log_dir`."""
        kept = [_with_log_in(result, log_dir) for result in kept_results(self.old)]
        *files, terminal = self.open_views(log_dir, metadata)
        policy = Policy.of(self.old.metadata.options)
        joined = [Joined(view, kept, shows_kept=True, policy=policy) for view in files]
        return [*joined, Joined(terminal, kept, shows_kept=False, policy=policy)]


class Joined(View):
    """Adds kept results to a run before it reaches another view."""

    def __init__(
        self,
        view: View,
        kept: Sequence[TestResult],
        *,
        shows_kept: bool,
        policy: Policy = NO_POLICY,
    ) -> None:
        """Forward all events to `view`; with `shows_kept` send it the kept results first.

        `policy` decides the exit code of the kept results.
        """
        self._view = view
        self._policy = policy
        self._kept = tuple(kept)
        self._shown = self._kept if shows_kept else ()

    def on_start(self, cases: Sequence[str]) -> None:
        """Start with the kept results."""
        self._view.on_start([*(result.id for result in self._shown), *cases])
        for result in self._shown:
            self._view.on_result(result)

    def on_begin(self, case: str, attempt: int) -> None:
        """Forward to the view."""
        self._view.on_begin(case, attempt)

    def on_slow(self, case: str, attempt: int, seconds: float) -> None:
        """Forward to the view."""
        self._view.on_slow(case, attempt, seconds)

    @property
    def wants_output(self) -> bool:
        """The value of the view."""
        return self._view.wants_output

    def on_output(self, case: str, attempt: int, data: bytes) -> None:
        """Forward to the view."""
        self._view.on_output(case, attempt, data)

    def on_stop(self, stops: int, running: int) -> None:
        """Forward to the view."""
        self._view.on_stop(stops, running)

    def on_retry(self, result: TestResult) -> None:
        """Forward to the view."""
        self._view.on_retry(result)

    @property
    def due(self) -> float | None:
        """The value of the view."""
        return self._view.due

    def on_due(self) -> None:
        """Forward to the view."""
        self._view.on_due()

    def on_result(self, result: TestResult) -> None:
        """Forward to the view."""
        self._view.on_result(result)

    def on_end(self, run: Run) -> None:
        """End with the results of both runs."""
        joined = replace(
            run,
            results=(*self._kept, *run.results),
            selected=len(self._kept) + run.selected,
            exit_code=exit_code([run.exit_code, *self._policy.exit_codes(self._kept)]),
        )
        self._view.on_end(joined)


def joined_code(code: ExitCode, old: Document) -> ExitCode:
    """Return the exit code for both the new run, which ended with `code`, and kept results."""
    return exit_code([code, *Policy.of(old.metadata.options).exit_codes(kept_results(old))])


def _named(run: RunMetadata) -> str:
    return f"run {run.run}" if run.run else "the given run"


def _with_log_in(result: TestResult, directory: Path) -> TestResult:
    """Return the result with its log hard-linked into `directory`.

    The log then outlives the old run. Returns the result unchanged when it cannot be linked.
    """
    if not (old := kept_log(result.log)):
        return result
    with suppress(OSError):
        os.link(old, directory / old.name)
        new = directory / old.name
        for suffix in (".stderr", ".trace"):
            with suppress(FileNotFoundError):
                os.link(old.with_suffix(suffix), new.with_suffix(suffix))
        is_beside = result.trace == str(old.with_suffix(".trace"))
        trace = str(new.with_suffix(".trace")) if is_beside else result.trace
        return replace(result, log=str(new), trace=trace)
    return result
