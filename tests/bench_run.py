# SPDX-License-Identifier: GPL-2.0-or-later
"""Three bounds on wall time, measured side by side; scripts/bench-run starts this.

What is compared runs in turns, round by round, so that a busy moment of the machine hits all of
it; the figures are medians. Everything happens in a copy of the tree.
"""

import argparse
import json
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent

#: The process of the smallest test, relative to a QEMU whose image powers off at once.
MOST_TIMES_FLOOR = 1.5
#: kut's own seconds around QEMU's, and around one compile, one link and one boot.
MOST_OWN = 0.25

#: Python keeps what it has compiled, as it does unless told otherwise.
ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}

#: PSCI SYSTEM_OFF in the first instruction that can; HVC is the way where there is no EL2.
POWER_OFF = """
	.globl _start
_start:	movz	w0, #0x8400, lsl #16
	movk	w0, #8
	{conduit}	#0
"""


@dataclass(frozen=True, slots=True)
class Bound:
    """One line of the table."""

    what: str
    found: float
    most: float
    unit: str

    @property
    def holds(self) -> bool:
        return self.found <= self.most

    def __str__(self) -> str:
        verdict = "ok" if self.holds else "TOO MUCH"
        return f"{self.what:58} {self.found:7.3f} {self.most:7.3f} {self.unit:6} {verdict}"


class Tree:
    """A copy of the tree, and kut in it."""

    def __init__(self, top: Path) -> None:
        self.top = top
        for name in ("arm", "configs", "lib"):
            shutil.copytree(ROOT / name, top / name)

    def run(self, *command: str | Path) -> float:
        """Run a command in the tree; return its wall time in seconds."""
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
        if done.returncode:
            sys.exit(f"{shlex.join(map(str, command))}\n{done.stdout}{done.stderr}")
        return seconds

    def kut_run(self, test: str) -> tuple[float, dict[str, Any]]:
        """Run one test; return the wall time of all of kut in seconds, and the result."""
        seconds = self.run(BIN / "kut", "run", test, "--json", "report.json")
        (result,) = json.loads((self.top / "report.json").read_text())["tests"]
        return seconds, result

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


def rounds(count: int, *measures: Callable[[], float]) -> list[float]:
    """Take each measure in turn, `count` times and once before; return the medians."""
    taken = [[measure() for measure in measures] for _ in range(count + 1)]
    return [statistics.median(column) for column in zip(*taken[1:], strict=True)]


def smallest_test(tree: Tree) -> str:
    """Return the test of the default selection whose QEMU takes least time."""
    seconds: dict[str, float] = {}
    for _ in range(3):
        tree.run(BIN / "kut", "run", "-j", "1", "--json", "report.json")
        for result in json.loads((tree.top / "report.json").read_text())["tests"]:
            if result["status"] == "pass":
                name = result["id"]
                seconds[name] = min(result["seconds"], seconds.get(name, result["seconds"]))
    return min(seconds, key=lambda name: seconds[name])


def boot_to_floor(tree: Tree, count: int) -> Bound:
    """The smallest test's QEMU against one whose image powers off at once."""
    test = smallest_test(tree)
    qemu = tree.kut_run(test)[1]["qemu"]["argv"]
    floor = list(qemu)
    floor[floor.index("-kernel") + 1] = str(tree.power_off_image(qemu))
    least, whole = rounds(count, lambda: tree.run(*floor), lambda: tree.run(*qemu))
    print(f"QEMU that powers off at once {least:.4f} s, with {test} {whole:.4f} s")
    return Bound(
        f"QEMU of {test} / QEMU that powers off at once", whole / least, MOST_TIMES_FLOOR, "times"
    )


def own_time(tree: Tree, count: int) -> Bound:
    """Whole `kut run selftest`, nothing to build, less QEMU's time."""

    def own() -> float:
        seconds, result = tree.kut_run("selftest")
        return seconds - float(result["seconds"])

    (seconds,) = rounds(count, own)
    return Bound("kut run selftest, nothing to build, less QEMU", seconds, MOST_OWN, "s")


def edit_to_verdict(tree: Tree, count: int) -> Bound:
    """An edited line of arm/stage2.c to the verdict, less one compile, one link, one boot."""
    commands = subprocess.run(
        [BIN / "ninja", "-f", "build/gcc/build.ninja", "-t", "commands", "build/gcc/stage2.flat"],
        cwd=tree.top,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    (compile_,) = (shlex.split(line) for line in commands if " arm/stage2.c " in line)
    link, flatten = (shlex.split(line) for line in commands[-2:])
    source = tree.top / "arm/stage2.c"
    text = source.read_text()
    edits = iter(range(count + 1))

    def own() -> float:
        source.write_text(f"{text}\nconst int edit = {next(edits)};\n")
        seconds, result = tree.kut_run("stage2")
        return seconds - float(result["seconds"])

    whole, compiled, linked = rounds(
        count,
        own,
        lambda: tree.run(*compile_),
        lambda: tree.run(*link) + tree.run(*flatten),
    )
    print(
        f"edit to verdict, less QEMU {whole:.4f} s, compile {compiled:.4f} s, link {linked:.4f} s"
    )
    what = "edit of arm/stage2.c to verdict, less compile, link, boot"
    return Bound(what, whole - compiled - linked, MOST_OWN, "s")


@contextmanager
def copy_of_the_tree() -> Iterator[Tree]:
    with tempfile.TemporaryDirectory(prefix="kut-bench-") as directory:
        yield Tree(Path(directory))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="measurements of each kind")
    count = parser.parse_args().rounds
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs")
    with copy_of_the_tree() as tree:
        bounds = [measure(tree, count) for measure in (boot_to_floor, own_time, edit_to_verdict)]
    print(f"\n{'what':58} {'found':>7} {'most':>7}")
    print(*bounds, sep="\n")
    return 0 if all(bound.holds for bound in bounds) else 1


if __name__ == "__main__":
    sys.exit(main())
