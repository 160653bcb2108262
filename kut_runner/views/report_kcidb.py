# SPDX-License-Identifier: GPL-2.0-or-later
"""Results as a report for KCIDB, the database of Linux kernel CI: JSON of its schema 5.

Trouble of QEMU or the host is an ERROR and a test that did not run a MISS, never a FAIL; a test
that made no check is DONE, and so is each of its measurements.
"""

import json
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

from kut_runner.errors import UsageError
from kut_runner.records.document import RunMetadata
from kut_runner.records.view import View
from kut_runner.run.bench import metrics
from kut_runner.text import printable
from kut_runner.verdict.cause import Cause
from kut_runner.verdict.status import Status
from kut_runner.views.outfile import OutFile

if TYPE_CHECKING:
    from pathlib import Path

    from kut_runner.records.run_record import Run
    from kut_runner.verdict.result import TestResult

#: Names the CI system, and the build that was tested where KCIDB knows it already.
_ORIGIN_VARIABLE: Final = "KUT_KCIDB_ORIGIN"
_BUILD_VARIABLE: Final = "KUT_KCIDB_BUILD"
_ORIGIN: Final = re.compile("[a-z0-9_]+")
_BUILD: Final = re.compile("[a-z0-9_]+:.*")
_UNFIT: Final = re.compile("[^A-Za-z0-9_-]")
#: Most characters of an excerpt of a log.
_EXCERPT: Final = 16384
_MISSING: Final = {"status": "MISS", "comment": "the test did not run"}
#: Causes of a test that was not started, or not run to its end.
_NOT_RUN: Final = (Cause.NOT_STARTED, Cause.BAD_DEFINITION, Cause.INTERRUPTED)


class Kcidb(View):
    """View that writes the report at the end of the run; until then the file does not exist."""

    def __init__(
        self,
        path: "Path",
        metadata: RunMetadata | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Check that the file can be written and the names are valid; raises UsageError if not."""
        environment = os.environ if environment is None else environment
        self._metadata = metadata or RunMetadata()
        self._origin = environment.get(_ORIGIN_VARIABLE) or "kut"
        self._build = environment.get(_BUILD_VARIABLE) or ""
        if not _ORIGIN.fullmatch(self._origin):
            raise UsageError(
                f'${_ORIGIN_VARIABLE} is "{printable(self._origin)}"',
                "give the name of a CI system: lower-case letters, digits and _",
            )
        if self._build and not _BUILD.fullmatch(self._build):
            raise UsageError(
                f'${_BUILD_VARIABLE} is "{printable(self._build)}"',
                "give the ID of a build in KCIDB, as in maestro:67f0",
            )
        self._out = OutFile(path)
        self._cases: Sequence[str] = ()

    def on_start(self, cases: Sequence[str]) -> None:
        """Keep the names of the tests."""
        self._cases = cases

    def on_end(self, run: "Run") -> None:
        """Write the report."""
        self._out.write(json.dumps(self._report(run), indent=1) + "\n")

    def _report(self, run: "Run") -> dict[str, Any]:
        run_id = (
            printable(self._metadata.run)
            or f"{run.started:.3f}-{crc32(repr(self._cases).encode()):08x}"
        )
        own = f"{self._origin}:{run_id}"
        sources = {} if self._build else self._sources(own, run.started)
        build = self._build or own
        return {
            "version": {"major": 5, "minor": 3},
            **sources,
            "tests": [
                {"build_id": build, "id": f"{own}:{test.pop('name')}", "origin": self._origin}
                | test
                for test in self._tests(run)
            ],
        }

    def _sources(self, own: str, started: float) -> dict[str, Any]:
        """Return the checkout and the build of the images."""
        metadata = self._metadata
        common = {"id": own, "origin": self._origin, "start_time": _iso(started)}
        compiler = {"compiler": _text(metadata.compiler)} if metadata.compiler else {}
        variant = {"config_name": _text(metadata.variant)} if metadata.variant else {}
        return {
            "checkouts": [{**common, "comment": f"images run by kut {metadata.kut}"}],
            "builds": [
                {
                    **common,
                    "checkout_id": own,
                    "architecture": "arm64",
                    **compiler,
                    **variant,
                    "status": "PASS",
                }
            ],
        }

    def _tests(self, run: "Run") -> Iterator[dict[str, Any]]:
        for result in run.results:
            name = f"{printable(result.id)}@{result.attempt}"
            yield {"name": name, "path": _path(result.id), **_test(result)}
            for metric, found in metrics([result]).items():
                number = {"value": found.value, "unit": found.unit}
                path = f"{_path(result.id)}.{_UNFIT.sub('_', metric)}"
                yield {"name": f"{name}:{metric}", "path": path, "status": "DONE", "number": number}
        seen = {result.id for result in run.results}
        for case in self._cases:
            if case not in seen:
                yield {"name": printable(case), "path": _path(case), **_MISSING}


def _test(result: "TestResult") -> dict[str, Any]:
    lines = [line for check in result.output.failed for line in check.lines]
    lines += result.diagnosis.lines() if result.diagnosis else ()
    excerpt = _text("\n".join(lines or result.output.last_lines))[-_EXCERPT:]
    program = " ".join(filter(None, (result.target, result.version)))
    values: dict[str, Any] = {
        "status": _status(result),
        "duration": round(result.seconds, 6) if result.process_exit else None,
        "comment": _text(result.verdict.reason),
        "log_excerpt": excerpt,
        "environment": {"comment": _text(program), "compatible": ["linux,dummy-virt"]},
        "misc": {
            "status": result.status.value,
            "cause": result.verdict.cause.value if result.verdict.cause else "",
            "checks": result.output.counted,
        },
    }
    return {key: value for key, value in values.items() if value not in (None, "")}


def _status(result: "TestResult") -> str:
    status = result.status
    if status is Status.SKIP:
        return "SKIP"
    if status is Status.ERROR:
        return "MISS" if result.verdict.cause in _NOT_RUN else "ERROR"
    if status.is_failure:
        return "FAIL"
    return "PASS" if result.output.counted else "DONE"


def _path(case: str) -> str:
    """Return the path in the tree of tests, whose separator is a dot."""
    return f"kut.{_UNFIT.sub('_', case)}"


def _text(text: str) -> str:
    return "\n".join(map(printable, text.splitlines()))


def _iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(seconds))
