# SPDX-License-Identifier: GPL-2.0-or-later
"""A serial log that someone saved becomes a result again, as far as a log can tell.

A log in the directory of a run has its result beside it: how QEMU ended, and which image with
which build-id ran. Any other log is taken as if QEMU had ended by itself.
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

#: What a log from standard input is called.
STDIN: Final = "-"
_RESULTS: Final = "results.jsonl"


def result(path: str, data: bytes, elf: Path | None = None) -> TestResult:
    """Return what the log `data` shows; `path` is where it is from, or STDIN.

    `elf` has the symbols of the image; by default it is the one that the run's results name.
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
    """Return the result that this log's run has written beside it; None where there is none."""
    log = Path(path)
    try:
        beside = document.load(log.with_name(_RESULTS)).results
    except (KutError, OSError):
        return None
    return next((each for each in beside if Path(each.log).name == log.name), None)


def _elf(given: Path | None, known: TestResult | None) -> Elf | None:
    if given:
        return Elf(given)
    if not known:
        return None
    kernel = next((value for each, value in pairwise(known.command) if each == "-kernel"), None)
    return Elf(Path(kernel).with_suffix(".elf"), known.build_id) if kernel else None
