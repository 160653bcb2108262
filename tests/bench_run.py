# SPDX-License-Identifier: GPL-2.0-or-later
"""Bounds on what kut and an image add to a bare QEMU; scripts/bench-run starts this.

What is compared runs in turns, round by round. A busy machine makes everything slower and nothing
quicker, so a bound is on the least of all rounds, and a bound that does not hold gets more rounds
to find a quiet moment. CPU time bears any load: of kut it is its own, without its children's; and
a QEMU that boots a small test takes as much of it as of wall time on a quiet machine. Everything
happens in a copy of the tree.
"""

import argparse
import itertools
import json
import os
import resource
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent

#: CPU time of the smallest test, relative to a QEMU whose image powers off at once.
MOST_TIMES_FLOOR = 1.5
#: kut's own seconds around QEMU's, and around one compile, one link and one boot.
MOST_OWN = 0.15
MOST_OWN_OF_EDIT = 0.25
#: Seconds of `kut watch` around a compile and a link, QEMU's among them.
MOST_OF_SAVE = 0.5
#: CPU seconds of reports of 10,000 results.
MOST_REPORTS = 3.0

#: Python keeps what it has compiled, as it does unless told otherwise.
ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}

#: PSCI SYSTEM_OFF in the first instruction that can; HVC is the way where there is no EL2.
POWER_OFF = """
	.globl _start
_start:	movz	w0, #0x8400, lsl #16
	movk	w0, #8
	{conduit}	#0
"""


#: 40 small tests side by side, relative to their QEMUs alone on two CPUs; the start-up apart.
MOST_MANY = 1.15
START_UP = 0.2
#: The same, when some sleep for most of their time.
MOST_SLEEPERS = 0.9
#: A build of kvm-unit-tests, relative to its QEMUs alone on two CPUs; the start-up apart.
MOST_KVM_UNIT_TESTS = 1.15
#: CPU seconds of kut for a flood, and MiB more than for a small test.
MOST_FLOOD = 0.5
MOST_FLOOD_MEMORY = 32.0

LOAD = (
    """
[defaults]
machine = { virtualization = "on", gic-version = "3" }
timeout = 60

[test.flood]
image = "bench-load"
args = "flood 200000"
groups = ["nodefault"]
"""
    + "".join(
        f"""
[test.many-{number}]
image = "selftest"
args = "smp=1 mem=128 el=2"
groups = ["nodefault", "many"{', "sleepers"' if number <= 10 else ""}]
"""
        for number in range(1, 41)
    )
    + "".join(
        f"""
[test.sleep-{number}]
image = "bench-load"
args = "sleep 700"
groups = ["nodefault", "sleepers"]
"""
        for number in range(1, 7)
    )
)

#: Rounds for a bound that does not hold, in multiples of those asked for.
MOST_ROUNDS = 4

#: Runs kut and leaves its CPU time and its memory (KiB) in a file: its own, not that of QEMU,
#: ninja or compilers.
COUNTED = """
import os, resource

leave = os._exit  # kut runs no handlers of atexit

def tell(code):
    used = resource.getrusage(resource.RUSAGE_SELF)
    with open("own-cpu", "w") as file:
        print(used.ru_utime + used.ru_stime, used.ru_maxrss, file=file)
    leave(code)

os._exit = tell
from kut_runner.cli import main
main()
"""


@dataclass(frozen=True, slots=True)
class Bound:
    """One line of the table, of the least of all rounds or of the median."""

    what: str
    found: float
    most: float
    unit: str

    @property
    def holds(self) -> bool:
        return self.found <= self.most


Sample = tuple[float, ...]
Bounds = Callable[[Sample], list[Bound]]


@dataclass(frozen=True, slots=True)
class Tree:
    """A copy of the tree, and kut in it."""

    top: Path

    def run(self, *command: str | Path, good: tuple[int, ...] = (0,)) -> float:
        """Run a command in the tree; return its wall time in seconds.

        Ends the process if the exit status is not one of `good`.
        """
        started = time.perf_counter()
        done = subprocess.run(
            command,
            cwd=self.top,
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - started
        if done.returncode not in good:
            sys.exit(f"{shlex.join(map(str, command))}\n{done.stdout}{done.stderr}")
        return seconds

    def cpu_of(self, *command: str | Path) -> float:
        """Run a command in the tree; return its CPU time in seconds."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.run(*command)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

    def result(self) -> dict[str, Any]:
        """Return what the last run says of its only test."""
        (result,) = json.loads((self.top / "report.json").read_text())["tests"]
        return dict(result)

    def kut_run(self, test: str, *options: str) -> Sample:
        """Run one test; return kut's own seconds: of wall time, without QEMU's, and of CPU."""
        command = (sys.executable, "-c", COUNTED, "run", test, "--json", "report.json", *options)
        seconds = self.run(*command)
        return seconds - float(self.result()["seconds"]), self.own_use()[0]

    def own_use(self) -> Sample:
        """Return CPU seconds and MiB of memory of the last kut that was counted."""
        cpu, memory = (self.top / "own-cpu").read_text().split()
        return float(cpu), float(memory) / 1024

    def power_off_image(self, qemu: list[str]) -> Path:
        """Return an image that powers off at once on the machine of a QEMU command line."""
        machine = qemu[qemu.index("-machine") + 1]
        conduit = "smc" if "virtualization=on" in machine.split(",") else "hvc"
        source = self.top / "power-off.S"
        source.write_text(POWER_OFF.format(conduit=conduit))
        self.run("aarch64-linux-gnu-gcc", "-c", source, "-o", source.with_suffix(".o"))
        flat = source.with_suffix(".flat")
        self.run(
            *("aarch64-linux-gnu-objcopy", "-O", "binary", "-j", ".text"),
            *(source.with_suffix(".o"), flat),
        )
        return flat


def measure(count: int, bounds: Bounds, *measures: Callable[[], Sample]) -> list[list[Bound]]:
    """Take each measure in turn, `count` times and once before, or more often if bounds fail.

    Return pairs of bounds: of the least of all rounds, and of the median.
    """
    taken: list[Sample] = []
    for turn in range(MOST_ROUNDS * count + 1):
        sample = tuple(value for each in measures for value in each())
        if turn:  # the first one warms the caches
            taken.append(sample)
        if turn >= count and all(bound.holds for bound in bounds(_of_each(min, taken))):
            break
    least, median = (bounds(_of_each(which, taken)) for which in (min, statistics.median))
    return [list(pair) for pair in zip(least, median, strict=True)]


def _of_each(which: Callable[[list[float]], float], taken: list[Sample]) -> Sample:
    return tuple(which(list(column)) for column in zip(*taken, strict=True))


def smallest_test(tree: Tree) -> list[str]:
    """Return QEMU's command line of the test of the default selection that takes least of it."""
    tree.run(BIN / "kut", "run", "-j", "1", "--json", "report.json")
    results = json.loads((tree.top / "report.json").read_text())["tests"]
    passed = [result for result in results if result["status"] == "pass"]
    passed.sort(key=lambda result: float(result["seconds"]))
    commands: list[list[str]] = [result["qemu"]["argv"] for result in passed[:8]]
    return min(commands, key=lambda command: min(tree.cpu_of(*command) for _ in range(3)))


def boot_to_floor(tree: Tree, count: int) -> list[list[Bound]]:
    """The smallest test's QEMU against one whose image powers off at once."""
    qemu = smallest_test(tree)
    floor = list(qemu)
    floor[floor.index("-kernel") + 1] = str(tree.power_off_image(qemu))
    test = Path(qemu[qemu.index("-kernel") + 1]).stem
    what = f"QEMU with {test} / QEMU that powers off at once, CPU"

    def bounds(sample: Sample) -> list[Bound]:
        least, whole = sample
        return [Bound(what, whole / least, MOST_TIMES_FLOOR, "times")]

    return measure(count, bounds, lambda: (tree.cpu_of(*floor),), lambda: (tree.cpu_of(*qemu),))


def own_time(tree: Tree, count: int) -> list[list[Bound]]:
    """Whole `kut run selftest`, nothing to build, less QEMU's time."""

    def bounds(sample: Sample) -> list[Bound]:
        wall, cpu = sample
        return [
            Bound("kut run selftest, nothing to build, less QEMU", wall, MOST_OWN, "s"),
            Bound("the same, CPU time of kut alone", cpu, MOST_OWN, "s"),
        ]

    return measure(count, bounds, lambda: tree.kut_run("selftest"))


def commands_for(tree: Tree, image: str) -> list[list[str]]:
    """The commands that compile arm/IMAGE.c, link the image and make it flat."""
    flat = f"build/gcc/{image}.flat"
    commands = subprocess.run(
        [BIN / "ninja", "-f", "build/gcc/build.ninja", "-t", "commands", flat],
        cwd=tree.top,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    (compile_,) = (line for line in commands if f" arm/{image}.c " in line)
    return [["sh", "-c", line] for line in (compile_, *commands[-2:])]


def edit_to_verdict(tree: Tree, count: int) -> list[list[Bound]]:
    """An edited line of arm/stage2.c to the verdict, less one compile, one link, one boot."""
    compile_, link, flatten = commands_for(tree, "stage2")
    source = tree.top / "arm/stage2.c"
    text = source.read_text()
    edits = itertools.count()

    def edit_and_run() -> Sample:
        source.write_text(f"{text}\nconst int edit = {next(edits)};\n")
        return tree.kut_run("stage2")

    def bounds(sample: Sample) -> list[Bound]:
        wall, cpu, compiled, linked = sample
        what = "edit of arm/stage2.c to verdict, less compile, link, boot"
        return [
            Bound(what, wall - compiled - linked, MOST_OWN_OF_EDIT, "s"),
            Bound("the same, CPU time of kut alone", cpu, MOST_OWN_OF_EDIT, "s"),
        ]

    return measure(
        count,
        bounds,
        edit_and_run,
        lambda: (tree.run(*compile_),),
        lambda: (tree.run(*link) + tree.run(*flatten),),
    )


def save_to_verdict(tree: Tree, count: int) -> list[list[Bound]]:
    """An edited line of arm/selftest.c to the verdict of `kut watch`, less compile and link."""
    tree.run(BIN / "kut", "build", "selftest")
    steps = commands_for(tree, "selftest")
    source = tree.top / "arm/selftest.c"
    text = source.read_text()
    edits = itertools.count()

    with subprocess.Popen(
        [BIN / "kut", "watch", "selftest"],
        cwd=tree.top,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as watch:

        def verdict(text: str) -> float:
            """Wait for a line; return the seconds that the QEMU before it took."""
            qemu = 0.0
            for line in watch.stdout or ():
                if line.startswith("PASS "):
                    qemu = float(line.split()[2])
                if text in line:
                    return qemu
            sys.exit("kut watch has ended")

        def edit_and_wait() -> Sample:
            started = time.perf_counter()
            source.write_text(f"{text}\nconst int edit = {next(edits)};\n")
            qemu = verdict("from save to verdict")
            return time.perf_counter() - started, qemu

        def bounds(sample: Sample) -> list[Bound]:
            wall, qemu, built = sample
            what = "kut watch: a save of arm/selftest.c to verdict, less compile, link"
            return [
                Bound(what, wall - built, MOST_OF_SAVE, "s"),
                Bound("the same, less QEMU", wall - built - qemu, MOST_OF_SAVE, "s"),
            ]

        verdict("all 1 good")
        try:
            return measure(
                count,
                bounds,
                edit_and_wait,
                lambda: (sum(tree.run(*step) for step in steps),),
            )
        finally:
            watch.terminate()


def lanes(commands: list[list[str]], seconds: list[float]) -> list[str]:
    """Two shell scripts that share the commands as evenly as their known times allow."""
    scripts: list[list[str]] = [[], []]
    loads = [0.0, 0.0]
    for length, command in sorted(zip(seconds, commands, strict=True), reverse=True):
        shorter = loads.index(min(loads))
        loads[shorter] += length
        scripts[shorter].append(f"{shlex.join(command)} </dev/null >/dev/null")
    return ["\n".join(script) for script in scripts]


def makespan(scripts: list[str]) -> float:
    """Run shell scripts side by side; return the wall time of all."""
    started = time.perf_counter()
    running = [subprocess.Popen(["/bin/sh", "-c", script]) for script in scripts]
    for process in running:
        process.wait()
    return time.perf_counter() - started


def against_bare(
    tree: Tree, count: int, selection: tuple[str | Path, ...], what: str, bound: float
) -> list[list[Bound]]:
    """`kut run -j2`, less the start-up, over the same QEMU commands without kut."""
    command = (BIN / "kut", "run", "-j", "2", *selection, "--json", "report.json")
    good = (0, 1) if "--tree" in selection else (0,)
    for _ in range(2):  # to have built, and to know the times
        tree.run(*command, good=good)
    tests = json.loads((tree.top / "report.json").read_text())["tests"]
    results = [result for result in tests if result["qemu"]]
    assert good != (0,) or {result["status"] for result in results} == {"pass"}
    scripts = lanes(
        [result["qemu"]["argv"] for result in results],
        [result["seconds"] for result in results],
    )

    def bounds(sample: Sample) -> list[Bound]:
        bare, kut = sample
        return [Bound(f"{what}, wall", (kut - START_UP) / bare, bound, "times")]

    measures = (lambda: (makespan(scripts),), lambda: (tree.run(*command, good=good),))
    return measure(count, bounds, *measures)


def many(tree: Tree, count: int) -> list[list[Bound]]:
    """Forty small images."""
    what = "40 small tests, -j2 / QEMU on two CPUs"
    return against_bare(tree, count, ("-g", "many"), what, MOST_MANY)


def sleepers(tree: Tree, count: int) -> list[list[Bound]]:
    """Small images among which some sleep for most of their time."""
    what = "with 6 that sleep, -j2 / QEMU on two CPUs"
    return against_bare(tree, count, ("-g", "sleepers"), what, MOST_SLEEPERS)


def kvm_unit_tests(tree: Tree, count: int, build: Path) -> list[list[Bound]]:
    """The default tests of a build of kvm-unit-tests, but those with a second QEMU or a QMP."""
    selection = ("--tree", build.absolute(), "--no-el2", "-k", "not migration and not panic")
    what = "tests of kvm-unit-tests, -j2 / QEMU on two CPUs"
    return against_bare(tree, count, selection, what, MOST_KVM_UNIT_TESTS)


def flood(tree: Tree, count: int) -> list[list[Bound]]:
    """A test that says 200,000 lines."""

    def run(test: str) -> Sample:
        tree.kut_run(test)
        return tree.own_use()

    def bounds(sample: Sample) -> list[Bound]:
        _, usual_memory, cpu, memory = sample
        return [
            Bound("a flood of 200,000 lines, CPU time of kut alone", cpu, MOST_FLOOD, "s"),
            Bound("the same, memory of kut", memory - usual_memory, MOST_FLOOD_MEMORY, "MiB"),
        ]

    return measure(count, bounds, lambda: run("many-1"), lambda: run("flood"))


def reports(tree: Tree, count: int) -> list[list[Bound]]:
    """What becomes of runs of 10,000 tests."""
    import bench_report

    for seed, name in enumerate(("a.json", "b.json")):
        bench_report.write_run(tree.top / name, seed)
    compare = (BIN / "kut", "compare", "a.json", "b.json")
    page = (BIN / "kut", "show", "b.json", "--html", "b.html")

    def bounds(sample: Sample) -> list[Bound]:
        compared, made = sample
        what = "10,000 results compared and made a page, CPU"
        return [Bound(what, compared + made, MOST_REPORTS, "s")]

    few = min(count, 3)  # each takes seconds
    return measure(few, bounds, lambda: (tree.cpu_of(*compare),), lambda: (tree.cpu_of(*page),))


def thousand(tree: Tree, count: int) -> bool:
    """Run small tests again and again, each time a kut of its own; tell whether all was well."""
    command = (sys.executable, "-m", "kut_runner", "run", "many-1", "many-2", "sleep-1")
    tree.run(*command)
    before = files(tree.top)
    odd = 0
    for _ in range(count):
        done = subprocess.run(
            command, cwd=tree.top, env=ENVIRONMENT, capture_output=True, text=True, check=False
        )
        if done.returncode or done.stdout.count("PASS ") != 3:
            odd += 1
            print(done.stdout + done.stderr if odd <= 3 else "", end="")
    left = sorted(files(tree.top) - before)
    alive = processes(str(tree.top))
    print(
        f"{count} runs: {odd} with another verdict, {len(left)} files left, {len(alive)} processes"
    )
    print(*left, *alive, sep="\n")
    return not (odd or left or alive)


def files(top: Path) -> set[str]:
    """What there is in the tree and beside it, but for the runs that kut keeps."""
    kept = (top / "build/runs", top / "build/logs")
    inside = (path for path in top.rglob("*") if not any(path.is_relative_to(k) for k in kept))
    outside = (path for path in Path(tempfile.gettempdir()).glob("*kut*"))
    return {*map(str, inside), *map(str, outside)}


def processes(text: str) -> list[str]:
    """The command lines of other processes that hold some text."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and entry.name != str(os.getpid()):
            with suppress(OSError):
                line = (
                    (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                )
                found += [line] if text in line else []
    return found


@contextmanager
def copy_of_the_tree() -> Iterator[Tree]:
    with tempfile.TemporaryDirectory(prefix="kut-bench-") as directory:
        for name in ("arm", "configs", "lib"):
            shutil.copytree(ROOT / name, Path(directory, name))
        shutil.copy(ROOT / "tests/bench_load.c", Path(directory, "arm/bench-load.c"))
        Path(directory, "configs/bench-load.toml").write_text(LOAD)
        yield Tree(Path(directory))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", metavar="NAME", help="only the measurements of this name")
    parser.add_argument("--rounds", type=int, default=15, help="measurements of each kind")
    parser.add_argument(
        "--thousand",
        type=int,
        nargs="?",
        const=1000,
        metavar="N",
        help="run kut 1000 times instead",
    )
    parser.add_argument(
        "--tree", type=Path, metavar="DIR", help="only the tests of this build of kvm-unit-tests"
    )
    options = parser.parse_args()
    count = options.rounds
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs")
    with copy_of_the_tree() as tree:
        if options.thousand:
            return 0 if thousand(tree, options.thousand) else 1
        kinds = [
            kind
            for kind in (
                *(boot_to_floor, own_time, edit_to_verdict, save_to_verdict),
                *(many, sleepers, flood, reports),
            )
            if options.only in (None, kind.__name__)
        ]
        if options.tree:
            pairs = kvm_unit_tests(tree, count, options.tree)
        else:
            pairs = [pair for kind in kinds for pair in kind(tree, count)]
    print(f"{'what':66} {'least':>7} {'median':>7} {'bound':>7}")
    for least, median in pairs:
        verdict = "ok" if least.holds else "TOO MUCH"
        figures = f"{least.found:7.3f} {median.found:7.3f} {least.most:7.3f}"
        print(f"{least.what:66} {figures} {least.unit:6} {verdict}")
    return 0 if all(least.holds for least, _ in pairs) else 1


if __name__ == "__main__":
    sys.exit(main())
