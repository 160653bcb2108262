# SPDX-License-Identifier: GPL-2.0-or-later
"""Results as JSON: the document described in docs/results.md and by the JSON Schema."""

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

#: Minimum seconds between two writes of an incomplete document.
INTERVAL: Final = 1.0


class JsonLines(View):
    """View that appends one line per result, so that no result is lost when kut is killed."""

    def __init__(self, path: Path) -> None:
        """Create the file; raises UsageError when it cannot be written."""
        try:
            self._file = create(path)
            self._path = path
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}") from None

    def on_result(self, result: "TestResult") -> None:
        """Append the result; raises InfrastructureError when the disk is full."""
        write_all(self._file, self._path, result_line(result).encode() + b"\n")

    def on_end(self, run: "Run") -> None:  # noqa: ARG002 - of the interface
        """Close the file."""
        self._file.close()


class JsonFile(View):
    """View that writes the document of the run, with `"complete": false` until its end."""

    def __init__(
        self, path: Path, metadata: RunMetadata | None = None, *, interval: float = INTERVAL
    ) -> None:
        """Check that the file can be written; raises UsageError if not.

        During the run it is rewritten at most once in `interval` seconds.
        """
        self._out = OutFile(path)
        self._metadata = metadata or RunMetadata()
        self._tests: list[str] = []
        self._counts: Counter[str] = Counter()
        self._interval = interval
        self._written = 0.0

    def on_start(self, cases: "Sequence[str]") -> None:
        """Write the selection, without results."""
        self._metadata = replace(self._metadata, selection=tuple(cases))
        self._write_progress()

    def on_result(self, result: "TestResult") -> None:
        """Add the result, and rewrite the document if the interval has passed."""
        self._tests.append(result_line(result))
        self._counts[result.status.value] += 1
        if time.monotonic() - self._written >= self._interval:
            self._write_progress()

    def on_end(self, run: "Run") -> None:
        """Write the complete document."""
        self._write(run)

    def _write_progress(self) -> None:
        if self._out.is_regular:
            self._write(None)
        self._written = time.monotonic()

    def _write(self, run: "Run | None") -> None:
        self._out.write(dumps(self._metadata, self._tests, self._counts, run))
