# SPDX-License-Identifier: GPL-2.0-or-later
"""A run of random cases: all tests that take them, and the failures, shrunk."""

import secrets
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from kut_runner.run import random_cases, shrinking
from kut_runner.run.execute import OpenViews, execute

if TYPE_CHECKING:
    from collections.abc import Callable

    from kut_runner.definitions.overrides import Overrides
    from kut_runner.errors import ExitCode
    from kut_runner.records.document import RunMetadata
    from kut_runner.records.view import View
    from kut_runner.run.options import RunOptions
    from kut_runner.run.random_cases import Cases, Model, Subject
    from kut_runner.run.shrinking import Failure, Kind
    from kut_runner.run.workspace import Workspace
    from kut_runner.targets.case import Case
    from kut_runner.targets.protocol import Target


@dataclass(frozen=True, slots=True)
class RandomRun:
    """Cases, and the workspace in which they run."""

    workspace: "Workspace"
    model: "Model"
    cases: "Cases"
    options: dict[str, Any]
    """Options for the document of the run."""

    @classmethod
    def drawn(
        cls, workspace: "Workspace", subject: "Subject", count: int, seed: int | None
    ) -> Self:
        """Draw cases, without a seed by a new one; raises KutError."""
        model = random_cases.model_of(workspace, subject)
        seed = secrets.randbelow(1 << 32) if seed is None else seed
        options: dict[str, Any] = {"random": count, "seed": seed}
        if subject.area:
            options["rows"] = [subject.area]
        return cls(workspace, model, model.draw(count, seed), options)

    @classmethod
    def given(cls, workspace: "Workspace", texts: Sequence[str]) -> Self:
        """Take cases as texts; raises KutError."""
        model = random_cases.model_of(workspace, random_cases.subject_of(texts))
        return cls(workspace, model, model.take(texts), {"cases": list(texts)})

    def run(
        self, target: "Target", options: "RunOptions", overrides: "Overrides", views: OpenViews
    ) -> "tuple[ExitCode, Iterator[Kind]]":
        """Run the cases; return the exit code, and the kinds of failures, which are yet to shrink.

        Raises KutError and OSError.
        """
        tests = overrides.apply(random_cases.tests_of(self.workspace, self.model.subject))
        collector = shrinking.Collector(self.cases.rows.cases)

        def opened(log_dir: "Path", metadata: "RunMetadata") -> "Sequence[View]":
            return (*views(log_dir, metadata), collector)

        def prepare(cases: "Cases", name: str) -> "Case":
            (case,) = cases.of(
                self.workspace, [each for each in tests if each.name == name], target
            )
            return case

        code = execute(
            self.workspace,
            lambda: self.cases.of(self.workspace, tests, target),
            options,
            opened,
            metadata=self.workspace.metadata(
                target, options, **self.options, **overrides.to_json()
            ),
        )
        quiet = shrinking.quiet_run(prepare, options.timeout)
        failures = collector.failures if collector.is_complete else []
        return code, self._shrunk(failures, quiet)

    def _shrunk(
        self, failures: "Sequence[Failure]", run: "Callable[[Cases, str], list[Failure]]"
    ) -> "Iterator[Kind]":
        """Yield the kinds of failures; their smaller cases are kept no longer."""
        with tempfile.TemporaryDirectory(prefix="kut-cases-") as directory:
            model = replace(self.model, directory=Path(directory))
            yield from shrinking.shrink(model, failures, run)
