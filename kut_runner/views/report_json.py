# SPDX-License-Identifier: GPL-2.0-or-later
"""Results for programs: the schema is in docs/results.md."""

import json
import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kut_runner import __version__
from kut_runner.boot import How
from kut_runner.capture import create
from kut_runner.errors import UsageError
from kut_runner.session import View
from kut_runner.views.outfile import OutFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kut_runner.boot import Ended
    from kut_runner.config import TestDef
    from kut_runner.events import Check
    from kut_runner.results import TestResult
    from kut_runner.session import Run

#: Changes when a program that reads the old one would misread the new one.
SCHEMA: Final = 1

#: Seconds from one writing of an incomplete file to the next.
_INTERVAL: Final = 1.0


class JsonLines(View):
    """One line per result, written as it comes: whole up to the last line whatever happens."""

    def __init__(self, path: Path) -> None:
        """Start the file anew; raises UsageError when it cannot be written."""
        try:
            self._file = create(path)
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}") from None

    def on_result(self, result: "TestResult") -> None:
        """Append the result."""
        self._file.write(json.dumps(_test(result)).encode() + b"\n")

    def on_end(self, run: "Run") -> None:  # noqa: ARG002 - all is said
        """Close the file."""
        self._file.close()


class JsonFile(View):
    """One document for the run; until its end it says `"complete": false`."""

    def __init__(self, path: Path) -> None:
        """Check that the file can be written; raises UsageError when not."""
        self._out = OutFile(path)
        self._tests: list[dict[str, Any]] = []
        self._selected = 0
        self._started = time.time()
        self._written = 0.0

    def on_start(self, tests: "Sequence[TestDef]") -> None:
        """Write that nothing is known yet."""
        self._selected = len(tests)
        self._write_progress()

    def on_result(self, result: "TestResult") -> None:
        """Add the result; write what is known, but not more than once a second."""
        self._tests.append(_test(result))
        if time.monotonic() - self._written >= _INTERVAL:
            self._write_progress()

    def on_end(self, run: "Run") -> None:
        """Write the whole."""
        self._write(run)

    def _write_progress(self) -> None:
        if self._out.is_regular:
            self._write(None)
        self._written = time.monotonic()

    def _write(self, run: "Run | None") -> None:
        document = {
            "schema": SCHEMA,
            "kut": __version__,
            "started": _iso(self._started),
            "complete": bool(run and run.is_complete),
            "seconds": round(run.seconds, 6) if run else None,
            "exit_code": int(run.exit_code) if run else None,
            "selected": self._selected,
            "counts": _counts(self._tests),
            "tests": self._tests,
        }
        self._out.write(json.dumps(document, indent=1) + "\n")


def _test(result: "TestResult") -> dict[str, Any]:
    return {
        "id": result.name,
        "status": result.status.value,
        "reason": result.verdict.reason,
        "exit_code": int(result.verdict.exit_code),
        "seconds": round(result.seconds, 6),
        "checks_made": result.said.counted,
        "checks": [_check(check) for check in result.said.checks],
        "last_lines": list(result.said.last_lines),
        "qemu": {
            "version": result.qemu_version,
            "command": shlex.join(result.command),
            "argv": list(result.command),
            "ended": _ended(result.ended),
        },
        "log": result.log,
        "build_id": result.build_id,
        "diagnosis": result.diagnosis.to_json() if result.diagnosis else None,
    }


def _check(check: "Check") -> dict[str, Any]:
    return {
        "status": check.status.value,
        "prefixes": check.prefixes,
        "message": check.message,
    }


def _ended(ended: "Ended | None") -> dict[str, Any] | None:
    if not ended:
        return None
    return {
        "how": ended.how.name.lower(),
        "exit_status": ended.code if ended.how is How.EXITED else None,
        "signal": ended.code if ended.how is How.KILLED else None,
        "stderr": ended.complaint,
    }


def _counts(tests: "list[dict[str, Any]]") -> dict[str, int]:
    counts: dict[str, int] = {}
    for test in tests:
        counts[test["status"]] = counts.get(test["status"], 0) + 1
    return counts


def _iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
