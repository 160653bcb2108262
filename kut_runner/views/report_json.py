# SPDX-License-Identifier: GPL-2.0-or-later
"""Results for programs: the document that docs/results.md and the JSON Schema describe."""

import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kut_runner.errors import UsageError
from kut_runner.process.capture import create, write_all
from kut_runner.records.document import RunMetadata, dumps, result_line
from kut_runner.records.view import View
from kut_runner.views.outfile import OutFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kut_runner.records.run_record import Run
    from kut_runner.verdict.result import TestResult

#: Seconds from one writing of an incomplete file to the next.
INTERVAL: Final = 1.0


class JsonLines(View):
    """One line per result, written as it comes: whole up to the last line whatever happens."""

    def __init__(self, path: Path) -> None:
        """Start the file anew; raises UsageError when it cannot be written."""
        try:
            self._file = create(path)
            self._path = path
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}") from None

    def on_result(self, result: "TestResult") -> None:
        """Append the result; raises InfrastructureError when the disk is full."""
        write_all(self._file, self._path, result_line(result).encode() + b"\n")

    def on_end(self, run: "Run") -> None:  # noqa: ARG002 - all is said
        """Close the file."""
        self._file.close()


class JsonFile(View):
    """One document for the run; until its end it says `"complete": false`."""

    def __init__(
        self, path: Path, metadata: RunMetadata | None = None, *, interval: float = INTERVAL
    ) -> None:
        """Check that the file can be written; raises UsageError when not.

        While tests run it is rewritten, at most once in `interval` seconds.
        """
        self._out = OutFile(path)
        self._metadata = metadata or RunMetadata()
        self._tests: list[str] = []
        self._counts: Counter[str] = Counter()
        self._interval = interval
        self._written = 0.0

    def on_start(self, cases: "Sequence[str]") -> None:
        """Write what is to run, and that nothing is known yet."""
        self._metadata = replace(self._metadata, selection=tuple(cases))
        self._write_progress()

    def on_result(self, result: "TestResult") -> None:
        """Add the result; write what is known, but not more than once an interval."""
        self._tests.append(result_line(result))
        self._counts[result.status.value] += 1
        if time.monotonic() - self._written >= self._interval:
            self._write_progress()

    def on_end(self, run: "Run") -> None:
        """Write the whole."""
        self._write(run)

    def _write_progress(self) -> None:
        if self._out.is_regular:
            self._write(None)
        self._written = time.monotonic()

    def _write(self, run: "Run | None") -> None:
        self._out.write(dumps(self._metadata, self._tests, self._counts, run))
