# SPDX-License-Identifier: GPL-2.0-or-later
"""Results as JUnit XML: one test case per test, with its failed checks as text of the failure.

All strings are made printable (`text.printable`), because XML 1.0 cannot represent control
characters.
"""

import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from kut_runner.records.view import View
from kut_runner.text import printable
from kut_runner.verdict.status import Status
from kut_runner.views.outfile import OutFile

if TYPE_CHECKING:
    from kut_runner.records.run_record import Run
    from kut_runner.verdict.result import TestResult


class JUnit(View):
    """View that writes the file at the end of the run, since the counts come first.

    Until then the file does not exist.
    """

    def __init__(self, path: Path) -> None:
        """Check that the file can be written; raises UsageError if not."""
        self._out = OutFile(path)

    def on_end(self, run: "Run") -> None:
        """Write the file."""
        root = ET.Element("testsuites")
        suite = ET.SubElement(root, "testsuite", _totals(run))
        for result in run.results:
            _add_case(suite, result)
        if not run.is_complete:
            left = run.selected - len(run.results)
            case = ET.SubElement(suite, "testcase", classname="kut", name="(run)")
            _add(
                case, "error", f"the run was cut short: {left} tests have no result", "interrupted"
            )
        ET.indent(root)
        text = ET.tostring(root, encoding="unicode")
        self._out.write(f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n')


def _totals(run: "Run") -> dict[str, str]:
    statuses = [result.status for result in run.results]
    cut_short = int(not run.is_complete)
    errors = statuses.count(Status.ERROR)
    return {
        "name": "kut",
        "tests": str(len(statuses) + cut_short),
        "failures": str(sum(status.is_failure for status in statuses) - errors),
        "errors": str(errors + cut_short),
        "skipped": str(statuses.count(Status.SKIP)),
        "time": f"{run.seconds:.3f}",
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(run.started)),
    }


def _add_case(suite: ET.Element, result: "TestResult") -> None:
    name, seconds = printable(result.id), f"{result.seconds:.3f}"
    case = ET.SubElement(suite, "testcase", classname="kut", name=name, time=seconds)
    properties = ET.SubElement(case, "properties")
    for key, value in _properties(result).items():
        ET.SubElement(properties, "property", name=key, value=printable(value))
    reason = result.verdict.reason
    if result.status is Status.SKIP:
        ET.SubElement(case, "skipped", message=printable(reason))
    elif result.status.is_failure:
        tag = "error" if result.status is Status.ERROR else "failure"
        lines = [line for check in result.output.failed for line in check.lines]
        lines += result.diagnosis.lines(reason) if result.diagnosis else ()
        _add(case, tag, reason, result.status.value, "\n".join(map(printable, lines)))
    _add_output(case, result)


def _add(case: ET.Element, tag: str, message: str, kind: str, text: str = "") -> None:
    element = ET.SubElement(case, tag, message=printable(message), type=kind)
    element.text = text or printable(message)


def _add_output(case: ET.Element, result: "TestResult") -> None:
    if result.output.last_lines:
        output = ET.SubElement(case, "system-out")
        output.text = "\n".join(map(printable, result.output.last_lines))
    if result.process_exit and result.process_exit.stderr:
        stderr = ET.SubElement(case, "system-err")
        stderr.text = "\n".join(map(printable, result.process_exit.stderr.splitlines()))


def _properties(result: "TestResult") -> dict[str, str]:
    rows = result.output.rows
    return {
        "status": result.status.value,
        "checks": str(result.output.counted),
        **({"rows": rows.summary} if rows else {}),
        "qemu": result.version,
        "command": shlex.join(result.command),
        "log": result.log,
        "build_id": result.build_id,
    }
