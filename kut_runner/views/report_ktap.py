# SPDX-License-Identifier: GPL-2.0-or-later
"""Results as KTAP 1, the format of Linux's tests: a test with its checks as subtests, as it ends.

The format is that of Documentation/dev-tools/ktap.rst in Linux. A test that did not run is an ERROR
at the end of the stream.
"""

from typing import TYPE_CHECKING, Final

from kut_runner.records.view import View
from kut_runner.text import printable
from kut_runner.verdict.status import Status
from kut_runner.views.outfile import OutStream

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from kut_runner.records.run_record import Run
    from kut_runner.verdict.events import Check
    from kut_runner.verdict.result import TestResult

_VERSION: Final = "KTAP version 1"
#: Directives by status; a result without one is told by "ok" and "not ok".
_DIRECTIVES: Final = {
    Status.SKIP: "SKIP",
    Status.XFAIL: "XFAIL",
    Status.KFAIL: "XFAIL",
    Status.TIMEOUT: "TIMEOUT",
    Status.ERROR: "ERROR",
}
#: Statuses whose name stands before the reason, as no directive says it.
_NAMED: Final = (Status.CRASH, Status.FLAKY, Status.XPASS)


class Ktap(View):
    """View that writes a KTAP stream to a file or, for "-", to stdout."""

    def __init__(self, path: "Path", *, has_plan: bool = True) -> None:
        """Start the stream, replacing an existing file; raises UsageError when that fails.

        `has_plan` is whether each test has one result, so that their number is known.
        """
        self._out = OutStream(path)
        self._has_plan = has_plan
        self._number = 0
        self._missing: dict[str, None] = {}

    def on_start(self, cases: "Sequence[str]") -> None:
        """Print the version and the plan."""
        self._missing = dict.fromkeys(cases)
        self._out.print(_VERSION)
        if self._has_plan:
            self._out.print(f"1..{len(cases)}")

    def on_result(self, result: "TestResult") -> None:
        """Print the checks of the test, and its result."""
        self._number += 1
        self._missing.pop(result.id, None)
        self._out.print("\n".join(_lines(self._number, result)))

    def on_end(self, run: "Run") -> None:  # noqa: ARG002 - the cases tell what is missing
        """Print the tests without a result."""
        for number, case in enumerate(self._missing, self._number + 1):
            self._out.print(_result(number, case, "ERROR the test did not run", is_ok=False))
        self._out.close()


def _lines(number: int, result: "TestResult") -> "Iterator[str]":
    if checks := result.output.checks:
        yield f"  {_VERSION}"
        yield f"  1..{len(checks)}"
        for index, check in enumerate(checks, 1):
            yield from _check_lines(index, check)
    status = result.status
    reason = result.verdict.reason
    if status.is_failure and result.diagnosis:
        yield from (f"# {printable(line)}" for line in result.diagnosis.lines(reason))
    directive = _DIRECTIVES.get(status, f"{status.value}:" if status in _NAMED else "")
    parts = (directive, _plain(reason))
    yield _result(number, result.id, " ".join(filter(None, parts)), is_ok=not status.is_failure)


def _check_lines(number: int, check: "Check") -> "Iterator[str]":
    if check.place:
        yield f"  # at {_plain(check.place)}"
    directive = _DIRECTIVES.get(check.status, "")
    yield f"  {_result(number, check.text, directive, is_ok=not check.status.is_failure)}"


def _result(number: int, name: str, data: str, *, is_ok: bool) -> str:
    """Return a result line; the hash sign cannot be part of a description."""
    start = f"{'ok' if is_ok else 'not ok'} {number} {_plain(name)}".rstrip()
    return f"{start} # {data}" if data else start


def _plain(text: str) -> str:
    return printable(text).replace("\t", " ").replace("#", "\\x23")
