# SPDX-License-Identifier: GPL-2.0-or-later
"""Trials of revisions: build one, and run the tests with what it makes."""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kut_runner.bisection import builds, kinds
from kut_runner.bisection.builds import OnLine, Recipe
from kut_runner.bisection.watch import Mark, Observation, Watch, observe
from kut_runner.definitions.plan import Selection
from kut_runner.errors import ExitCode, InfrastructureError, KutError
from kut_runner.records.view import View
from kut_runner.run import engine, grid
from kut_runner.run.options import RunOptions
from kut_runner.verdict.cause import Cause
from kut_runner.verdict.status import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kut_runner.bisection.session import Request
    from kut_runner.definitions.config import TestDef
    from kut_runner.run.workspace import Workspace
    from kut_runner.targets.case import Case
    from kut_runner.targets.protocol import Target
    from kut_runner.verdict.result import TestResult

#: Causes for which no revision is to blame.
_OF_HOST: Final = (Cause.NO_MEMORY,)


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of a revision."""

    problem: str = ""
    """Why it cannot be judged: it does not build, or does not boot; "" if the tests ran."""
    observations: tuple[Observation, ...] = ()

    def judge(self, watch: Watch) -> tuple[Mark, str]:
        """Return the mark of the revision, and the line that decides."""
        return (Mark.SKIP, self.problem) if self.problem else watch.mark(self.observations)


class _Collector(View):
    """Collects the results of a run."""

    def __init__(self) -> None:
        self.results: list[TestResult] = []

    def on_result(self, result: "TestResult") -> None:
        self.results.append(result)


@dataclass(frozen=True, slots=True)
class Bench:
    """Where revisions are built and tested."""

    workspace: "Workspace"
    tests: "tuple[TestDef, ...]"
    recipe: Recipe
    open_target: "Callable[[Path], Target]"
    """Returns the target for the product of a build; raises KutError if it does not start."""
    build: Path
    """Build directory."""
    logs: Path
    options: RunOptions
    on_line: OnLine

    def only(self, test: str) -> "Bench":
        """Return the bench for a single test of these."""
        return replace(self, tests=tuple(each for each in self.tests if each.name == test))

    def try_out(
        self, source: Path, label: str, check: "Callable[[Sequence[Case]], None]" = lambda _: None
    ) -> Tried:
        """Build the checkout `source` and run the tests; `label` is the directory of its logs.

        `check` is called with the cases before they run. Raises KutError if the host is to blame,
        and KeyboardInterrupt for a request to stop.
        """
        logs = self.logs / label
        logs.mkdir(parents=True, exist_ok=True)
        problem = builds.build(self.recipe, source, self.build, logs / "build.log", self.on_line)
        if problem:
            return Tried(problem)
        try:
            target = self.open_target(self.build / self.recipe.program)
        except KutError as error:
            return Tried(f"does not start: {error.message}")
        cases = self._cases(target)
        check(cases)
        return self._run(cases, logs)

    def _cases(self, target: "Target") -> "tuple[Case, ...]":
        """Return the cases without errata: these depend on the version, and hide failures."""
        definitions = replace(self.workspace.definitions, errata=None)
        return replace(self.workspace, definitions=definitions).cases(self.tests, target)

    def _run(self, cases: "Sequence[Case]", logs: Path) -> Tried:
        """Run the cases, those with a timeout twice: a busy host must not mark a revision."""
        observations = self._observe(cases, logs)
        late = {each.test for each in observations if each.status is Status.TIMEOUT}
        if late:
            again = self._observe([case for case in cases if case.test.name in late], logs)
            observations = [each for each in observations if each.test not in late] + again
        return Tried(observations=tuple(observations))

    def _observe(self, cases: "Sequence[Case]", logs: Path) -> list[Observation]:
        collector = _Collector()
        code = engine.run(cases, self.options, [collector], log_dir=logs)
        if code is ExitCode.INTERRUPTED:
            raise KeyboardInterrupt
        for result in collector.results:
            if result.verdict.cause in _OF_HOST:
                raise InfrastructureError(f"{result.id}: {result.verdict.reason}", "free up memory")
        return [*map(observe, collector.results)]


def bench(  # noqa: PLR0913 - a request, and the surroundings of its trials
    request: "Request",
    workspace: "Workspace",
    *,
    build: Path,
    logs: Path,
    jobs: int | None,
    on_line: OnLine,
) -> Bench:
    """Return the bench for a request; raises UsageError for a test that does not exist."""
    return Bench(
        workspace,
        grid.select(workspace, Selection((request.pattern,))),
        kinds.recipe(request),
        partial(kinds.open_target, request, workspace, build.with_name("boots")),
        build,
        logs,
        RunOptions(jobs=jobs, timeout=request.timeout, repeat=request.repeat),
        on_line,
    )
