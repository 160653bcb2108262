# SPDX-License-Identifier: GPL-2.0-or-later
"""Random cases for `kut conform`: what its options ask for, and what a run shows of them."""

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kut_runner.commands.output import echo
from kut_runner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kut_runner.definitions.overrides import Overrides
    from kut_runner.errors import ExitCode
    from kut_runner.run.options import RunOptions
    from kut_runner.run.random_run import RandomRun
    from kut_runner.run.workspace import Workspace
    from kut_runner.targets.protocol import Target
    from kut_runner.views.opening import Opener


@dataclass(frozen=True, slots=True)
class Wanted:
    """Values of --random, --seed and --case."""

    count: int | None
    seed: int | None
    texts: tuple[str, ...]

    def __bool__(self) -> bool:
        """Whether any is given."""
        return self.count is not None or self.seed is not None or bool(self.texts)

    def request(
        self, workspace: "Workspace", patterns: "Sequence[str]", *, is_of_rows: bool
    ) -> "RandomRun":
        """Return the run that the options ask for; raises KutError.

        The only name among `patterns` may be that of the area with random programs.
        """
        from kut_runner.run.random_cases import TLB, TRANSLATION
        from kut_runner.run.random_run import RandomRun

        subject = TLB if tuple(patterns) == (TLB.area,) else TRANSLATION
        if is_of_rows or (patterns and subject is not TLB):
            problem = "--random and --case do not run rows of areas"
            raise UsageError(problem, "leave out names of rows, --against and --list")
        if self.texts and (self.count is not None or self.seed is not None):
            raise UsageError("--case and --random contradict each other", "use one of them")
        if self.texts:
            return RandomRun.given(workspace, self.texts)
        if self.count is None:
            raise UsageError("--seed is the seed of random cases", "add --random N")
        return RandomRun.drawn(workspace, subject, self.count, self.seed)


def run_and_show(
    request: "RandomRun",
    target: "Target",
    run_options: "RunOptions",
    overrides: "Overrides",
    opener: "Opener",
) -> "ExitCode":
    """Run random cases, and show the kinds of failures, each with a small case."""
    from kut_runner.views.opening import text_stream
    from kut_runner.views.report_random import lines

    code, kinds = request.run(target, run_options, overrides, opener)
    is_stderr = text_stream(opener.reports) is not sys.stdout
    for line in lines(kinds):
        echo(line, err=is_stderr)
    return code
