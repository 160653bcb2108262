# SPDX-License-Identifier: GPL-2.0-or-later
"""Results for people: one line per test, what failed right below it, and a summary."""

import os
import sys
from collections import Counter
from io import TextIOWrapper
from typing import TYPE_CHECKING, Final, TextIO

from kut_runner.errors import ExitCode
from kut_runner.lines import printable
from kut_runner.session import View
from kut_runner.status import Status
from kut_runner.store import shown_log

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kut_runner.config import TestDef
    from kut_runner.results import Said, TestResult
    from kut_runner.session import Run

#: Failing checks shown per test; the log and the JSON have all.
_MOST_CHECKS: Final = 20
#: Lines shown of the end of the output, unless it is the dump of a dead guest.
_MOST_LINES: Final = 10
_INDENT: Final = " " * 9

_RED, _GREEN, _YELLOW = "31", "32", "33"
_NOTABLE: Final = (Status.SKIP, Status.XFAIL, Status.KFAIL)
_COLOURS: Final = {Status.PASS: _GREEN, Status.SKIP: _YELLOW}


class Terminal(View):
    """Plain lines that are right in a file too; colour on a terminal that may have it."""

    def __init__(
        self,
        *,
        verbose: bool = False,
        stream: TextIO | None = None,
        environment: "Mapping[str, str] | None" = None,
    ) -> None:
        """Write to `stream`, by default stdout; `verbose` shows checks, INFO and the command."""
        self._stream = stream or sys.stdout
        if isinstance(self._stream, TextIOWrapper):  # a character the locale lacks is no error
            self._stream.reconfigure(errors="backslashreplace")
        self._verbose = verbose
        self._is_coloured = _takes_colour(self._stream, environment or os.environ)
        self._width = 0

    def on_start(self, tests: "Sequence[TestDef]") -> None:
        """Take the width of the names."""
        self._width = max((len(test.name) for test in tests), default=0)

    def on_result(self, result: "TestResult") -> None:
        """Print the test's line and what explains it."""
        status = self._coloured(result.status, f"{result.status.value.upper():7}")
        name = f"{result.name:{self._width}}"
        head = f"{status}  {name} {result.seconds:6.2f} s  {_outcome(result)}"
        self._print("\n".join((head, *(_INDENT + line for line in self._details(result)))))

    def on_end(self, run: "Run") -> None:
        """Print the summary."""
        counts = Counter(result.status for result in run.results)
        parts = [
            self._coloured(status, f"{counts[status]} {status.value}")
            for status in Status
            if counts[status]
        ]
        total = f"{len(run.results)} test{'' if len(run.results) == 1 else 's'}"
        self._print(f"{total} in {run.seconds:.2f} s: {', '.join(parts) or 'none ran'}")
        if not run.is_complete:
            self._print(f"cut short: {run.selected - len(run.results)} tests have no result")
        elif run.exit_code is ExitCode.NOTHING_RAN:
            self._print("nothing ran: every test was skipped")

    def _details(self, result: "TestResult") -> "Iterator[str]":
        checks = result.said.checks
        failed = [check.line for check in checks if check.status.is_failure]
        if self._verbose:
            yield from _command(result)
            yield from (event.line for event in result.said.told)
        else:
            yield from failed[:_MOST_CHECKS]
            if len(failed) > _MOST_CHECKS:
                yield f"and {len(failed) - _MOST_CHECKS} more"
        if result.status.is_failure:
            found = result.diagnosis
            if found:
                shown = found.lines()
                first = next(shown)
                yield from () if first == result.verdict.reason else (first,)
                yield from shown
            if (result.status.is_unfinished or not failed) and not (found and found.frames):
                yield from (f"| {line}" for line in _last_lines(result.said))
            if result.said.last_lines:
                yield f"log: {shown_log(result.log)}"

    def _coloured(self, status: Status, text: str) -> str:
        if not self._is_coloured:
            return text
        return f"\033[{_COLOURS.get(status, _RED)}m{text}\033[0m"

    def _print(self, text: str) -> None:
        print(text, file=self._stream, flush=True)


def _outcome(result: "TestResult") -> str:
    """Return the reason, or for a pass what was checked."""
    if result.verdict.reason:
        return result.verdict.reason
    kinds = Counter(check.status for check in result.said.checks)
    parts = [f"{result.said.counted} checks" if result.said.counted != 1 else "1 check"]
    parts += [f"{kinds[status]} {status.value}" for status in _NOTABLE if kinds[status]]
    return ", ".join(parts)


def _last_lines(said: "Said") -> "Sequence[str]":
    """Return what was said last: a dump as a whole, otherwise enough to know where it was."""
    return said.last_lines if said.death else said.last_lines[-_MOST_LINES:]


def _command(result: "TestResult") -> "Iterator[str]":
    if result.command:
        from shlex import join

        yield f"$ {printable(join(result.command))}"


def _takes_colour(stream: TextIO, environment: "Mapping[str, str]") -> bool:
    if environment.get("NO_COLOR") or environment.get("TERM") == "dumb":
        return False
    return stream.isatty()
