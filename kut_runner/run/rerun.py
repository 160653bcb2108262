# SPDX-License-Identifier: GPL-2.0-or-later
"""A run again: what failed or has no result, as it ran the first time, joined to what was good.

The new run is whole. Its document has the good results of the old run, whose logs become its own
as well, and those of the tests that ran now.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kut_runner.errors import ExitCode, NothingSelectedError
from kut_runner.records.document import Document, RunMetadata, definition
from kut_runner.records.run_record import Run
from kut_runner.records.view import View
from kut_runner.run.engine import RunRequest
from kut_runner.verdict import results
from kut_runner.verdict.results import TestResult

if TYPE_CHECKING:
    from kut_runner.definitions.config import TestDef


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
    return tuple(result for result in document.results if result.name not in again)


def carried_over(document: Document, directory: Path) -> tuple[TestResult, ...]:
    """Return the results that stand, with their logs in the new run's directory too."""
    return tuple(_with_log_in(result, directory) for result in kept_results(document))


def metadata(old: RunMetadata, new: RunMetadata) -> RunMetadata:
    """Return what is known about the new run: it does as the old one did."""
    return replace(new, options=old.options, seed=old.seed, rerun_of=old.run)


def run_options(old: RunMetadata) -> dict[str, Any]:
    """Return how the tests ran, by the names that RunRequest has for it."""
    names = {each.name for each in fields(RunRequest)} & old.options.keys()
    return {name: old.options[name] for name in names} | {"seed": old.seed}


def headline(document: Document, names: Sequence[str]) -> str:
    """Return in words what is run and what is kept."""
    failed = len(document.failed)
    missing = len(names) - failed
    parts = [f"{failed} failed"] if failed else []
    rounds = f"all {document.rounds} results" if document.rounds > 1 else "result"
    parts += [f"{missing} without {rounds}"] if missing else []
    return f"of {_named(document)}: {' and '.join(parts)}; {len(document.names) - len(names)} kept"


class Joined(View):
    """A view of the new run together with results that stand."""

    def __init__(self, view: View, kept: Sequence[TestResult], *, shows_kept: bool) -> None:
        """Pass everything on to `view`; when it `shows_kept`, those results as well, first."""
        self._view = view
        self._kept = tuple(kept)
        self._shown = self._kept if shows_kept else ()

    def on_start(self, tests: "Sequence[TestDef]") -> None:
        """Begin with the results that stand."""
        names = (result.name for result in self._shown)
        self._view.on_start([*map(definition, names), *tests])
        for result in self._shown:
            self._view.on_result(result)

    def on_begin(self, test: "TestDef", attempt: int) -> None:
        """Pass it on."""
        self._view.on_begin(test, attempt)

    def on_slow(self, test: "TestDef", attempt: int, seconds: float) -> None:
        """Pass it on."""
        self._view.on_slow(test, attempt, seconds)

    @property
    def wants_output(self) -> bool:
        """As the view says."""
        return self._view.wants_output

    def on_output(self, test: "TestDef", attempt: int, data: bytes) -> None:
        """Pass it on."""
        self._view.on_output(test, attempt, data)

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
    return results.exit_code([code, *(result.verdict.exit_code for result in kept)])


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
