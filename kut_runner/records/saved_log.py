# SPDX-License-Identifier: GPL-2.0-or-later
"""Verdicts on a saved serial log.

For a log in the directory of a run, the exit of QEMU, the image and its build-id are read from
`results.jsonl` beside it, and the log is read as the output of a run is. Any other log may have
several tests and what CI, mail or a console added (`surroundings`); each test is judged as if QEMU
had exited with status 0, unless the log says that timeout(1) ended it.
"""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Final

from kut_runner.definitions.no_checks import NoChecks
from kut_runner.diagnose.explain import Elf, explain
from kut_runner.errors import ExitCode, KutError, UsageError
from kut_runner.process.boot import ExitKind, ProcessExit
from kut_runner.records import document, saved_tests, surroundings
from kut_runner.records.run_record import Run
from kut_runner.records.saved_tests import SavedTest
from kut_runner.records.view import View
from kut_runner.targets.selection import exit_reader
from kut_runner.verdict import events, lines
from kut_runner.verdict.cause import Cause
from kut_runner.verdict.guest_output import GuestOutput, collect
from kut_runner.verdict.judge import judge, last_line
from kut_runner.verdict.result import TestResult, Verdict, exit_code

#: Path that stands for standard input.
STDIN: Final = "-"
_RESULTS: Final = "results.jsonl"
#: First bytes of files that are no text, and what they are.
_BINARY: Final = {
    b"\x7fELF": ("an ELF file", "name the serial log, and the image with --elf"),
    b"\x1f\x8b": ("compressed", "pipe its text: zcat FILE | kut parse -"),
    b"\xfd7zXZ": ("compressed", "pipe its text: xzcat FILE | kut parse -"),
    b"\x28\xb5\x2f\xfd": ("compressed", "pipe its text: zstdcat FILE | kut parse -"),
    b"PK\x03\x04": ("an archive", "unpack it, and name the log of a test"),
}
_POWERED_OFF: Final = ProcessExit(ExitKind.EXITED, 0, 0.0, "")


def results(
    path: str, data: bytes, elf: Path | None = None, no_checks: NoChecks | None = None
) -> Sequence[TestResult]:
    """Return the results that the log `data` stands for; `path` is its file, or STDIN.

    `elf` has the symbols of the image; the default is the ELF file that the run's results name.
    `no_checks` is the verdict on an image that ends well without a SUMMARY line; the default is
    that of the run, else a crash.
    Raises UsageError for a report or a binary file in place of a log.
    """
    if known := _known_result(path):
        return (_again(known, path, data, elf, no_checks),)
    shown = "standard input" if path == STDIN else path
    for magic, (kind, hint) in _BINARY.items():
        if data.startswith(magic):
            raise UsageError(f"{shown} is {kind}, not the serial output of a test", hint)
    tests = saved_tests.tests_of(surroundings.lines_of(data), shown)
    names = _names(tests, Path(path).stem if path != STDIN else "stdin")
    return tuple(
        _diagnosed(_result(test, name, path, no_checks or NoChecks.FAIL), Elf(elf) if elf else None)
        for test, name in zip(tests, names, strict=True)
    )


def show(results: Sequence[TestResult], views: Sequence[View]) -> ExitCode:
    """Show results in views, of which the last one is for people; return the exit code of all.

    A log in which every test was skipped is no failure.
    """
    code = exit_code(result.verdict.exit_code for result in results)
    code = ExitCode.OK if code is ExitCode.NOTHING_RAN else code
    run = Run(results, len(results), time.time(), 0.0, code, is_complete=True)
    for view in views:
        view.on_start([result.id for result in results])
        for result in results:
            view.on_result(result)
        if view is not views[-1] or len(results) > 1:
            view.on_end(run)
    return code


def _names(tests: Sequence[SavedTest], log: str) -> Sequence[str]:
    """Return a name for each test: that of the log, or for several the test's own."""
    if len(tests) == 1:
        return (log,)
    names = [test.name or f"{log}-{number}" for number, test in enumerate(tests, 1)]
    counts = Counter(names)
    used: Counter[str] = Counter()
    for index, name in enumerate(names):
        if counts[name] > 1:
            used[name] += 1
            names[index] = f"{name}#{used[name]}"
    return names


def _again(
    known: TestResult, path: str, data: bytes, elf: Path | None, no_checks: NoChecks | None
) -> TestResult:
    """Return the result of a run, judged again from its log."""
    output = collect(events.parse(lines.split([data])))
    reader = exit_reader(known.target, known.command[0] if known.command else "")
    was_pass = known.verdict.cause is Cause.PASSED_UNCHECKED
    policy = no_checks or (NoChecks.PASS if was_pass else NoChecks.FAIL)
    verdict = judge(output, known.process_exit or _POWERED_OFF, reader, policy)
    kept = known.diagnosis if not elf else None
    found = replace(known, verdict=verdict, output=output, log=path, diagnosis=kept)
    return _diagnosed(found, Elf(elf) if elf else _elf_of(known))


def _result(test: SavedTest, name: str, path: str, no_checks: NoChecks) -> TestResult:
    """Return the result of a test whose run is not known."""
    output = collect(events.parse(test.lines))
    process_exit = _POWERED_OFF
    if test.was_timed_out:
        kind = ExitKind.LINGERED if test.has_ended else ExitKind.TIMED_OUT
        process_exit = replace(process_exit, kind=kind, seconds=test.seconds)
    verdict = judge(output, process_exit, exit_reader("", ""), no_checks)
    verdict = replace(verdict, reason=_reason(verdict, output, test))
    return TestResult(id=name, verdict=verdict, output=output, process_exit=process_exit, log=path)


def _reason(verdict: Verdict, output: GuestOutput, test: SavedTest) -> str:
    """Return the reason of a verdict as a log has it, which does not show how QEMU ended."""
    ended = f"timeout(1) ended QEMU{f' after {test.seconds:g} s' if test.seconds else ''}"
    match verdict.cause:
        case Cause.NO_EXIT:
            return f"the log has no EXIT line{last_line(output)}"
        case Cause.TIMEOUT:
            return f"no verdict before {ended}{last_line(output)}"
        case Cause.NO_POWER_OFF:
            return f"no power-off after EXIT: STATUS={output.exit_status}, until {ended}"
    return verdict.reason


def _diagnosed(result: TestResult, elf: Elf | None) -> TestResult:
    """Return a failed result with its diagnosis."""
    if result.diagnosis or not result.status.is_failure:
        return result
    return replace(result, diagnosis=explain(result.output, None, elf))


def _known_result(path: str) -> TestResult | None:
    """Return the result of this log in `results.jsonl` beside it, None without one."""
    log = Path(path)
    try:
        results = document.load(log.with_name(_RESULTS)).results
    except (KutError, OSError):
        return None
    return next((each for each in results if Path(each.log).name == log.name), None)


def _elf_of(known: TestResult) -> Elf | None:
    """Return the ELF file beside the image that ran."""
    kernel = next((value for each, value in pairwise(known.command) if each == "-kernel"), None)
    return Elf(Path(kernel).with_suffix(".elf"), known.build_id) if kernel else None
