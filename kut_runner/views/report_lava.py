# SPDX-License-Identifier: GPL-2.0-or-later
"""Results as signals of LAVA: a test case for each test, read by LAVA from the console.

Output of guests that is shown beside them cannot issue signals: see `text.inert`.
"""

import re
from typing import TYPE_CHECKING, Final, TextIO

from kut_runner.records.view import View
from kut_runner.verdict.status import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kut_runner.records.run_record import Run
    from kut_runner.verdict.result import TestResult

#: Characters that the name of a test case does not have.
_UNFIT: Final = re.compile(r"[^A-Za-z0-9_.+-]")
_SIGNAL: Final = "<LAVA_SIGNAL_"


class Lava(View):
    """View that prints a signal for each test."""

    def __init__(self, stream: TextIO) -> None:
        """Write to `stream`."""
        self._stream = stream
        self._missing: dict[str, None] = {}

    def on_start(self, cases: "Sequence[str]") -> None:
        """Keep the names of the tests."""
        self._missing = dict.fromkeys(cases)

    def on_result(self, result: "TestResult") -> None:
        """Print the signal of the test."""
        self._missing.pop(result.id, None)
        seconds = f"MEASUREMENT={result.seconds:.3f} UNITS=seconds" if result.process_exit else ""
        self._print(result.id, _word(result.status), seconds)

    def on_end(self, run: "Run") -> None:  # noqa: ARG002 - the names tell what is missing
        """Print that the tests without a result are unknown."""
        for case in self._missing:
            self._print(case, "unknown")

    def _print(self, case: str, result: str, measurement: str = "") -> None:
        case_id = f"TEST_CASE_ID={_UNFIT.sub('_', case)}"
        fields = filter(None, (f"{_SIGNAL}TESTCASE", case_id, f"RESULT={result}", measurement))
        print(f"{' '.join(fields)}>", file=self._stream, flush=True)


def _word(status: Status) -> str:
    """Return LAVA's result; trouble of QEMU or the host is no failure of the test."""
    if status is Status.ERROR:
        return "unknown"
    if status is Status.SKIP:
        return "skip"
    return "fail" if status.is_failure else "pass"
