# SPDX-License-Identifier: GPL-2.0-or-later
"""Two runs of 10,000 tests, for the measurements of reports in bench_run."""

import random
from collections import Counter
from pathlib import Path

from kut_runner.errors import ExitCode
from kut_runner.process.boot import ExitKind, ProcessExit
from kut_runner.records.document import RunMetadata, dumps, host_metadata, result_line
from kut_runner.records.run_record import Run
from kut_runner.verdict.events import parse
from kut_runner.verdict.guest_output import collect
from kut_runner.verdict.judge import judge
from kut_runner.verdict.lines import split
from kut_runner.verdict.result import TestResult

TESTS = 10_000


def make_result(number: int, chance: random.Random, logs: Path) -> TestResult:
    """A test of ten checks, of which one in fifty fails."""
    fails = number % 50 == 0
    lines = [f"PASS: stage2: part {number}: property {each} holds\n" for each in range(10)]
    lines += ["FAIL: stage2: expected 0x40000000, found 0x0\n"] * fails
    count = len(lines)
    lines += [f"SUMMARY: {count} tests{', 1 unexpected failures' if fails else ''}\n", "\n"]
    lines += [f"EXIT: STATUS={3 if fails else 1}\n"]
    log = logs / f"test-{number}.log"
    if number % 2:
        log.write_text("".join(lines))
    said = collect(parse(split(["".join(lines).encode()])))
    ended = ProcessExit(ExitKind.EXITED, 0, chance.lognormvariate(-1.5, 0.5), "")
    command = ("qemu-system-aarch64", "-machine", "virt", "-kernel", "build/gcc/stage2.flat")
    return TestResult(
        f"test-{number}", judge(said, ended), said, ended, command, "7.2.22", str(log), "0a" * 20
    )


def write_run(path: Path, seed: int) -> None:
    """Write the document of a run; half of its tests have their logs beside it."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    logs = path.with_suffix("")
    logs.mkdir()
    results = [make_result(number, chance, logs) for number in range(TESTS)]
    names = tuple(result.id for result in results)
    metadata = RunMetadata(host=host_metadata(), selection=names, compiler="gcc", version="7.2.22")
    counts = Counter(result.status.value for result in results)
    done = Run(results, TESTS, 0.0, 60.0, ExitCode.TESTS_FAILED, is_complete=True)
    path.write_text(dumps(metadata, [*map(result_line, results)], counts, done))
