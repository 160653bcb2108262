# SPDX-License-Identifier: GPL-2.0-or-later
"""CPU time of reports: 10,000 results loaded, compared with a run of as many, and made a page.

Each is a `kut` as a user starts it. A busy machine makes everything slower and nothing quicker, so
the bound is on the least of all rounds, and there are more of them as long as it does not hold.
Half of the tests have their logs on disk. scripts/bench-run starts this.
"""

import random
import resource
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from kut_runner.boot import Ended, How
from kut_runner.document import Facts, dumps, host_facts, result_line
from kut_runner.errors import ExitCode
from kut_runner.events import parse
from kut_runner.lines import split
from kut_runner.results import TestResult, judge, listen
from kut_runner.session import Run

TESTS = 10_000
#: CPU seconds for all of it.
MOST = 3.0
#: Rounds, and how many there are at most.
ROUNDS, MOST_ROUNDS = 3, 12


def make_result(number: int, chance: random.Random, logs: Path) -> TestResult:
    """A test of ten checks, of which one in fifty fails."""
    fails = chance.random() < 0.02
    lines = [f"PASS: stage2: part {number}: property {each} holds\n" for each in range(10)]
    lines += ["FAIL: stage2: expected 0x40000000, found 0x0\n"] * fails
    count = len(lines)
    lines += [f"SUMMARY: {count} tests{', 1 unexpected failures' if fails else ''}\n", "\n"]
    lines += [f"EXIT: STATUS={3 if fails else 1}\n"]
    log = logs / f"test-{number}.log"
    if number % 2:
        log.write_text("".join(lines))
    said = listen(parse(split(["".join(lines).encode()])))
    ended = Ended(How.EXITED, 0, chance.lognormvariate(-1.5, 0.5), "")
    command = ("qemu-system-aarch64", "-machine", "virt", "-kernel", "build/gcc/stage2.flat")
    return TestResult(
        f"test-{number}", judge(said, ended), said, ended, command, "7.2.22", str(log), "0a" * 20
    )


def write_run(path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secret
    logs = path.with_suffix("")
    logs.mkdir()
    results = [make_result(number, chance, logs) for number in range(TESTS)]
    names = tuple(result.name for result in results)
    facts = Facts(host=host_facts(), selection=names, compiler="gcc", qemu_version="7.2.22")
    counts = Counter(result.status.value for result in results)
    done = Run(results, TESTS, 0.0, 60.0, ExitCode.TESTS_FAILED, is_complete=True)
    path.write_text(dumps(facts, [*map(result_line, results)], counts, done))


def cpu_time(*args: str | Path, cwd: Path) -> float:
    """The CPU time of `kut ARGS`."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "kut_runner", "--root", Path(__file__).parents[1], *args],
        cwd=cwd,
        stdout=subprocess.DEVNULL,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> int:
    with tempfile.TemporaryDirectory() as directory:
        here = Path(directory)
        write_run(here / "a.json", 1)
        write_run(here / "b.json", 2)
        compare: list[float] = []
        page: list[float] = []
        for number in range(MOST_ROUNDS):
            if number >= ROUNDS and min(compare) + min(page) <= MOST:
                break
            compare.append(cpu_time("compare", "a.json", "b.json", cwd=here))
            page.append(cpu_time("show", "b.json", "--html", "b.html", cwd=here))
        size = (here / "b.html").stat().st_size
    total = min(compare) + min(page)
    print(f"two runs of {TESTS} tests loaded and compared: {min(compare):.2f} s of CPU time")
    print(f"one loaded, shown and made a page: {min(page):.2f} s ({size / 1e6:.1f} MB)")
    print(f"both: {total:.2f} s, at most {MOST} s")
    return int(total > MOST)


if __name__ == "__main__":
    sys.exit(main())
