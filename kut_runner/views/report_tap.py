# SPDX-License-Identifier: GPL-2.0-or-later
"""Results as TAP 13: a line per test as it ends, with details of failures as YAML.

Strings in the YAML are printable JSON strings, which YAML 1.1 reads as such. The plan is the last
line, so a stream without a plan is incomplete.
"""

import json
import shlex
from typing import TYPE_CHECKING, Final

from kut_runner.records.view import View
from kut_runner.text import printable
from kut_runner.verdict.status import Status
from kut_runner.views.outfile import OutStream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kut_runner.records.run_record import Run
    from kut_runner.verdict.result import TestResult

#: Statuses that are "not ok", but expected.
_TODO: Final = (Status.XFAIL, Status.KFAIL)


class Tap(View):
    """View that writes a TAP stream to a file or, for "-", to stdout."""

    def __init__(self, path: "Path") -> None:
        """Start the stream, replacing an existing file; raises UsageError when that fails."""
        self._out = OutStream(path)
        self._number = 0
        self._out.print("TAP version 13")

    def on_result(self, result: "TestResult") -> None:
        """Print the test point."""
        self._number += 1
        self._out.print("\n".join(_point(self._number, result)))

    def on_end(self, run: "Run") -> None:
        """Print the plan, or "Bail out!" for a run that was cut short."""
        if run.is_complete:
            nothing = "" if self._number else " # SKIP no test is selected"
            self._out.print(f"1..{self._number}{nothing}")
        else:
            self._out.print(f"Bail out! {run.selected - len(run.results)} tests have no result")
        self._out.close()


def _point(number: int, result: "TestResult") -> "Iterator[str]":
    status, reason = result.status, _plain(result.verdict.reason)
    is_ok = not status.is_failure and status not in _TODO
    directive = ""
    if status is Status.SKIP:
        directive = f" # SKIP {reason}"
    elif status in _TODO:
        directive = f" # TODO {reason}"
    name = _plain(result.id).replace("#", "\\#")
    yield f"{'ok' if is_ok else 'not ok'} {number} - {name}{directive}"
    if status not in (Status.PASS, Status.SKIP):
        yield "  ---"
        for key, value in _properties(result).items():
            yield f"  {key}: {json.dumps(value, ensure_ascii=False)}"
        yield "  ..."


def _properties(result: "TestResult") -> "dict[str, str | float | list[str]]":
    failed = [line for check in result.output.failed for line in check.lines]
    found = result.diagnosis
    properties: dict[str, str | float | list[str]] = {
        "status": result.status.value,
        "message": printable(result.verdict.reason),
        "seconds": round(result.seconds, 6),
        "checks": [*map(printable, failed)],
        "diagnosis": [*map(printable, found.lines(result.verdict.reason))] if found else [],
        "command": printable(shlex.join(result.command)),
        "log": printable(result.log),
    }
    return {key: value for key, value in properties.items() if value}


def _plain(text: str) -> str:
    return printable(text).replace("\t", " ")
