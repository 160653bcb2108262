# SPDX-License-Identifier: GPL-2.0-or-later
"""The search for the first bad commit, one revision after the other."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kut_runner.bisection.session import SCHEMA, Session, Trial
from kut_runner.bisection.watch import Mark, Observation, Watch, difference
from kut_runner.errors import BuildError, InfrastructureError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kut_runner.bisection.repository import Commit, Position, Repository
    from kut_runner.bisection.trials import Bench, Tried
    from kut_runner.targets.case import Case

_GOOD, _BAD = "good end", "bad end"


@dataclass(frozen=True, slots=True)
class Step:
    """A revision with its mark."""

    commit: "Commit"
    trial: Trial
    end: str = ""
    """"good end" or "bad end"; else empty."""
    left: int = 0
    """Number of steps that git expects before the end."""


@dataclass(frozen=True, slots=True)
class Found:
    """The result."""

    watch: Watch
    first_bad: "Commit | None"
    """None if only skipped commits are left."""
    candidates: "tuple[Commit, ...]"
    """Commits of which one is the first bad one; the one that was found."""
    before: Trial
    """Trial of the last good commit before it."""
    after: Trial
    """Trial of the first bad commit, or of the bad end."""
    steps: tuple[Step, ...]

    def to_json(self, session: Session) -> dict[str, Any]:
        """Return the document that docs/commands/bisect.md describes."""
        return {
            "schema": SCHEMA,
            "request": session.request.to_json(),
            "test": self.watch.test,
            "check": self.watch.check,
            "others": session.others,
            "first_bad": self.first_bad.to_json() if self.first_bad else None,
            "candidates": [each.to_json() for each in self.candidates],
            "before": self.before.line,
            "after": self.after.line,
            "steps": [
                {**each.commit.to_json(), "end": each.end, **each.trial.to_json()}
                for each in self.steps
            ],
        }


class Search:
    """A bisection in progress."""

    def __init__(self, session: Session, repository: "Repository", bench: "Bench") -> None:
        """Take a session, whose worktree need not exist, and the repository of the user."""
        self._session = session
        self._repository = repository
        self._bench = bench
        self._worktree: Repository | None = None
        self._steps: list[Step] = []
        self.found: Found | None = None
        """The result; None until the end."""

    def steps(self) -> Iterator[Step]:
        """Yield each revision after its trial, first both ends; raises KutError.

        Revisions that an earlier, interrupted search has tried are not tried again.
        """
        session, request = self._session, self._session.request
        watch = session.watch or self._watch()
        for commit, end in ((request.bad, _BAD), (request.good, _GOOD)):
            yield self._step(commit, session.trials[commit], end=end)
        self._bench = self._bench.only(watch.test)
        worktree = self._checkout()
        position = worktree.begin(request.good, request.bad, request.paths)
        while position.next:
            commit = position.next
            trial = session.trials.get(commit) or self._try_out(commit, watch)
            yield self._step(commit, trial, left=position.steps)
            position = worktree.mark(commit, trial.mark.value)
        self.found = self._result(watch, position)
        worktree.end()

    def _watch(self) -> Watch:
        """Try both ends, and find what tells them apart."""
        session, request = self._session, self._session.request
        bad, of_bad = self._end(request.bad, _BAD)
        good, of_good = self._end(request.good, _GOOD)
        found = difference(good, bad, request.only)
        session.watch, session.others = found.watch, found.others
        session.trials[request.bad] = Trial(*found.watch.mark(bad), of_bad)
        session.trials[request.good] = Trial(*found.watch.mark(good), of_good)
        session.save()
        return found.watch

    def _end(self, commit: str, end: str) -> "tuple[Sequence[Observation], float]":
        """Return the results at an end, which must build and boot, and the seconds it took."""
        began = time.monotonic()
        tried = self._tried(commit)
        if tried.problem:
            name = self._repository.describe(commit).short
            hint = f"the log of its build is {self._logs(commit)}/build.log"
            raise BuildError(f"the {end} {name} {tried.problem}", hint)
        if not tried.observations:
            raise InfrastructureError(f"no test ran at the {end}")
        return tried.observations, time.monotonic() - began

    def _try_out(self, commit: str, watch: Watch) -> Trial:
        began = time.monotonic()
        trial = Trial(*self._tried(commit).judge(watch), time.monotonic() - began)
        self._session.trials[commit] = trial
        self._session.save()
        return trial

    def _tried(self, commit: str) -> "Tried":
        worktree = self._checkout()
        worktree.check_out(commit)

        def check(cases: "Sequence[Case]") -> None:
            self._session.check_images({case.image.name: case.image.build_id for case in cases})

        return self._bench.try_out(worktree.top, self._repository.describe(commit).short, check)

    def _logs(self, commit: str) -> str:
        return str(self._session.logs / self._repository.describe(commit).short)

    def _checkout(self) -> "Repository":
        """Return the worktree; the first call adds it where an earlier kut has not."""
        if not self._worktree:
            self._worktree = self._repository.worktree(
                self._session.source, self._session.request.bad
            )
        return self._worktree

    def _step(self, commit: str, trial: Trial, *, end: str = "", left: int = 0) -> Step:
        step = Step(self._repository.describe(commit), trial, end, left)
        self._steps.append(step)
        return step

    def _result(self, watch: Watch, position: "Position") -> Found:
        trials, request = self._session.trials, self._session.request
        hashes = (position.first_bad,) if position.first_bad else position.candidates
        commits = tuple(map(self._repository.describe, hashes))
        bad = trials.get(position.first_bad) or trials[request.bad]
        parents = self._repository.parents(position.first_bad) if position.first_bad else ()
        tried = [trials[each] for each in parents if each in trials]
        good = [each for each in tried if each.mark is Mark.GOOD]
        return Found(
            watch,
            commits[0] if position.first_bad else None,
            commits,
            good[0] if good else trials[request.good],
            bad,
            tuple(self._steps),
        )
