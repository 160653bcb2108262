# SPDX-License-Identifier: GPL-2.0-or-later
"""Run of a bisection from a command, and its output."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kut_runner.bisection import kinds, trials
from kut_runner.bisection.repository import Repository
from kut_runner.bisection.search import Search
from kut_runner.bisection.session import Directory, Session
from kut_runner.bisection.watch import Mark, Watch
from kut_runner.commands import progress, where
from kut_runner.commands.output import echo
from kut_runner.errors import ExitCode, InfrastructureError, KutError
from kut_runner.views import report_bisect
from kut_runner.views.opening import text_stream
from kut_runner.views.outfile import OutFile

if TYPE_CHECKING:
    from typing import TextIO

    from kut_runner.bisection.search import Found
    from kut_runner.bisection.session import Request

#: Added to an exit code, it stops `git bisect run`, to which most others mean "bad".
_STOPS_GIT: Final = 128


@dataclass(frozen=True, slots=True)
class Bisection:
    """Options of a bisection that do not decide its result."""

    root: Path | None
    jobs: int | None
    json: Path | None
    verbose: bool

    def begin(self, request: "Request") -> int:
        """Start a bisection; return the exit code."""
        full, repository = kinds.completed(request)
        full = kinds.with_ends(full, repository)
        directory = self._directory()
        with directory.locked():
            return self._run(full, lambda: directory.begin(full))

    def resume(self) -> int:
        """Continue the interrupted bisection; return the exit code."""
        directory = self._directory()
        with directory.locked():
            session = directory.resume()
            return self._run(session.request, lambda: session)

    def reset(self) -> int:
        """Remove the interrupted bisection."""
        directory = self._directory()
        with directory.locked():
            directory.remove()
        return ExitCode.OK

    def step(self, request: "Request") -> int:
        """Try the checkout as it is; return the exit code for `git bisect run`."""
        try:
            return self._step(request)
        except KutError as error:
            echo(f"kut: error: {error.message}", err=True)
            echo(f"kut: hint: {error.hint}", err=True)
            return _STOPS_GIT + error.exit_code
        except KeyboardInterrupt:
            echo("kut: interrupted", err=True)
            return ExitCode.INTERRUPTED

    def _step(self, request: "Request") -> int:
        full, repository = kinds.completed(replace(request, bad="HEAD"))
        kinds.check_clean(repository, "as a part of --build for a patch that all revisions need")
        workspace = where.workspace(self.root, full.compiler, full.variant)
        name = sha256(full.tree.encode()).hexdigest()[:12]
        directory = workspace.tree / "build/bisect" / f"step-{name}"
        with progress.on_one_line() as show:
            bench = trials.bench(
                full,
                workspace,
                build=directory / "build",
                logs=directory / "logs",
                jobs=self.jobs,
                on_line=show or _ignore,
            )
            tried = bench.try_out(repository.top, repository.describe("HEAD").short)
        mark, line = tried.judge(Watch("", full.only or "", is_pattern=True))
        echo(f"{mark.value}: {line}")
        return mark.exit_code

    def _run(self, request: "Request", open_session: Callable[[], Session]) -> int:
        """Run a bisection to its end, and remove what it leaves but its logs."""
        out = OutFile(self.json) if self.json else None
        workspace = where.workspace(self.root, request.compiler, request.variant)
        directory = Directory(workspace.tree / "build")
        with progress.on_one_line() as show:
            bench = trials.bench(
                request,
                workspace,
                build=directory.path / "build",
                logs=directory.path / "logs",
                jobs=self.jobs,
                on_line=show or _ignore,
            )
            session = open_session()
            search = Search(session, Repository(Path(request.tree)), bench)
            try:
                found = self._searched(session, search, show or _ignore)
            except (KeyboardInterrupt, InfrastructureError):
                echo("kut: `kut bisect --resume` continues this bisection", err=True)
                raise
            except KutError:
                directory.remove(keeps=("logs",))
                raise
        directory.remove(keeps=("logs",))
        for line in report_bisect.result_lines(found):
            echo(line, file=self._stream)
        if out:
            out.write(dumps(found.to_json(session), indent=1) + "\n")
        return ExitCode.OK if found.first_bad else ExitCode.TESTS_FAILED

    def _searched(self, session: Session, search: Search, show: Callable[[str], None]) -> "Found":
        """Show each revision that is tried, and return the result."""
        is_shown = False
        for step in search.steps():
            show("")
            if session.watch and not is_shown:
                echo(report_bisect.watched(session.watch, session.others), file=self._stream)
                is_shown = True
            echo(report_bisect.step_line(step), file=self._stream)
            if self.verbose or step.trial.mark is Mark.SKIP:
                echo(report_bisect.details(step), file=self._stream)
        show("")
        assert search.found  # noqa: S101 - the iterator has ended
        return search.found

    @property
    def _stream(self) -> "TextIO":
        return text_stream({"json": self.json})

    def _directory(self) -> Directory:
        return Directory(where.tree_of(self.root) / "build")


def _ignore(_line: str) -> None:
    """Show nothing."""
