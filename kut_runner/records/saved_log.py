# SPDX-License-Identifier: GPL-2.0-or-later
"""Verdict on a saved serial log.

For a log in the directory of a run, the exit of QEMU, the image and its build-id are read from
`results.jsonl` beside it. Any other log is judged as if QEMU had exited with status 0.
"""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Final

from kut_runner.diagnose.explain import Elf, explain
from kut_runner.errors import KutError
from kut_runner.process.boot import ExitKind, ProcessExit
from kut_runner.records import document
from kut_runner.targets.selection import exit_reader
from kut_runner.verdict import events, lines
from kut_runner.verdict.cause import Cause
from kut_runner.verdict.guest_output import collect
from kut_runner.verdict.judge import judge, last_line
from kut_runner.verdict.result import TestResult

#: Path that stands for standard input.
STDIN: Final = "-"
_RESULTS: Final = "results.jsonl"


def result(path: str, data: bytes, elf: Path | None = None) -> TestResult:
    """Return the result that the log `data` stands for; `path` is its file, or STDIN.

    `elf` has the symbols of the image; the default is the ELF file that the run's results name.
    """
    known = _known_result(path)
    output = collect(events.parse(lines.split([data])))
    process_exit = (
        known.process_exit
        if known and known.process_exit
        else ProcessExit(ExitKind.EXITED, 0, 0.0, "")
    )
    reader = exit_reader(
        known.target if known else "", known.command[0] if known and known.command else ""
    )
    verdict = judge(output, process_exit, reader)
    if not known and verdict.cause is Cause.NO_EXIT:
        verdict = replace(verdict, reason=f"the log has no EXIT line{last_line(output)}")
    found = TestResult(
        id=Path(path).stem if path != STDIN else "stdin", verdict=verdict, output=output, log=path
    )
    if known:
        kept = known.diagnosis if not elf else None
        found = replace(known, verdict=verdict, output=output, log=path, diagnosis=kept)
    if found.diagnosis or not verdict.status.is_failure:
        return found
    return replace(found, diagnosis=explain(output, None, _elf(elf, known)))


def _known_result(path: str) -> TestResult | None:
    """Return the result of this log in `results.jsonl` beside it, None without one."""
    log = Path(path)
    try:
        results = document.load(log.with_name(_RESULTS)).results
    except (KutError, OSError):
        return None
    return next((each for each in results if Path(each.log).name == log.name), None)


def _elf(given: Path | None, known: TestResult | None) -> Elf | None:
    """Return the ELF file for symbols: the one given, else the one beside the image that ran."""
    if given:
        return Elf(given)
    if not known:
        return None
    kernel = next((value for each, value in pairwise(known.command) if each == "-kernel"), None)
    return Elf(Path(kernel).with_suffix(".elf"), known.build_id) if kernel else None
