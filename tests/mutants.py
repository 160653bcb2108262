# SPDX-License-Identifier: GPL-2.0-or-later
"""Break the framework on purpose, one way at a time, and see the tests go red.

A mutant is an entry of mutants.toml: a replacement in one source file, and the tests that must
notice it. Each is applied to a copy of the sources whose images are built once. The images of its
tests are built with the mutant and booted, one after the other until one fails; then the source
and what was built from it are put back. A mutant that no test notices has survived; a test that
fails without a mutant as well notices nothing.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import realtree

from kut_runner.build.builder import Image
from kut_runner.definitions import config
from kut_runner.errors import ExitCode, KutError
from kut_runner.run import bench, engine, workspace
from kut_runner.run.options import RunOptions
from kut_runner.targets.case import Case
from kut_runner.verdict.status import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kut_runner.definitions.config import TestDef
    from kut_runner.verdict.result import TestResult

LIST = realtree.ROOT / "tests" / "mutants.toml"
#: Runs that may miss a mutant: a race between CPUs does not show in each.
TRIES = 3
#: A test with a mutant may take so many times what it takes without, and at least these seconds;
#: as in all timeouts of kut, time in which other processes had the CPUs does not count.
PATIENCE, LEAST = 10, 0.5
PAGE = realtree.ROOT / "docs" / "mutants.md"
TABLE = "| mutant | what it breaks | killed by |\n|---|---|---|\n"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One breakage."""

    name: str
    property: str
    file: str
    find: str
    replace: str
    tests: tuple[str, ...]
    family: str
    """The name of its entry in mutants.toml, which may be several mutants."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the tests made of a mutant: `words` is the first failing check, or what went wrong."""

    killed: bool
    words: str


def load() -> list[Mutant]:
    """All mutants of mutants.toml, in its order."""
    with LIST.open("rb") as file:
        entries = tomllib.load(file)
    return [mutant for name, entry in entries.items() for mutant in expand(name, entry)]


def expand(name: str, entry: dict[str, Any]) -> Iterator[Mutant]:
    """One mutant, or with `values` one for each, which stands for {value} in the other keys."""
    for value in entry.get("values", [None]):
        texts = {
            key: entry[key].replace("{value}", value) if value else entry[key]
            for key in ("property", "file", "find", "replace")
        }
        yield Mutant(
            name=f"{name}[{value}]" if value else name,
            tests=tuple(entry["tests"]),
            family=name,
            **texts,
        )


def first_failure(result: TestResult) -> str:
    """The first check that failed, or the reason for which the test ended badly."""
    for check in result.output.checks:
        if check.status is Status.FAIL:
            return f"{result.id}: {check.text}"
    return f"{result.id}: {result.status.value}: {result.verdict.reason}"


class Workbench:
    """A copy of the sources with all images built, which a mutant changes only while it runs."""

    def __init__(self, tree: Path, mutants: Iterable[Mutant]) -> None:
        """Copy the sources to the directory @tree, and build the images that @mutants need."""
        tests = config.load(realtree.ROOT / "configs").tests
        needed = {name for mutant in mutants for name in mutant.tests}
        self._tests = {test.name: test for test in tests if test.name in needed}
        images = sorted({test.image for test in self._tests.values()})
        self._tree = realtree.copy(tree, images=images)
        self._workspace = workspace.of_tree(tree, "gcc", None)
        self._target = self._workspace.target()
        self._workspace.supply(images)
        self._built = tree / "build" / self._workspace.compiler
        self._kept = tree / "kept"
        shutil.copytree(self._built, self._kept)
        self._images = {name: self._kept_image(name) for name in images}
        self._times = {file: (self._kept / file).stat().st_mtime_ns for file in files(self._kept)}
        self._timeouts: dict[str, float] = {}
        self._logs = tree / "logs"
        self._logs.mkdir()

    def run(self, mutant: Mutant) -> Outcome:
        """Apply @mutant, run its tests until one fails, and put everything back."""
        path = self._tree / mutant.file
        source, before = path.read_text(), path.stat()
        if source.count(mutant.find) != 1:
            words = f"`find` stands {source.count(mutant.find)} times in {mutant.file}"
            return Outcome(killed=False, words=words)
        path.write_text(source.replace(mutant.find, mutant.replace))
        try:
            return self._run_tests(mutant)
        except KutError as error:
            return Outcome(killed=False, words=error.message)
        finally:
            path.write_text(source)
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
            self._put_back()

    def _kept_image(self, name: str) -> Image:
        return Image(name, self._kept / f"{name}.elf", self._kept / f"{name}.flat")

    def _run_tests(self, mutant: Mutant) -> Outcome:
        words = "no image has what is changed"
        for test in [self._tests[name] for name in mutant.tests] * TRIES:
            image = self._workspace.supply([test.image])[test.image]
            if image.build_id == self._images[test.image].build_id:
                continue
            result = self._boot(test, image, self._timeout(test))
            if result.verdict.exit_code is ExitCode.TESTS_FAILED:
                return Outcome(killed=True, words=first_failure(result))
            words = f"{test.name}: {result.status.value} {result.verdict.reason}"
        return Outcome(killed=False, words=words)

    def _timeout(self, test: TestDef) -> float:
        """The seconds that @test gets with a mutant; it runs without one to find out."""
        if test.name not in self._timeouts:
            result = self._boot(test, self._images[test.image], test.timeout)
            if result.status.is_failure or not result.process_exit:
                raise KutError(f"without a mutant: {first_failure(result)}")
            taken = result.process_exit.seconds - result.process_exit.starved_seconds
            self._timeouts[test.name] = max(LEAST, PATIENCE * taken)
        return self._timeouts[test.name]

    def _boot(self, test: TestDef, image: Image, timeout: float) -> TestResult:
        seen = bench.Collector()
        options = RunOptions(timeout=timeout, inspect=False)
        case = Case(test, self._target, image)
        if engine.run([case], options, [seen], log_dir=self._logs) is ExitCode.INTERRUPTED:
            raise KeyboardInterrupt
        (result,) = seen.results
        return result

    def _put_back(self) -> None:
        """Give what was built the content and the time that it had before.

        So ninja has nothing to do for sources that are as they were.
        """
        for file, time in self._times.items():
            if (self._built / file).stat().st_mtime_ns != time:
                shutil.copy2(self._kept / file, self._built / file)


def files(top: Path) -> list[str]:
    """The files that were built below the directory @top, relative to it; none of ninja's own."""
    return [
        os.path.relpath(Path(directory) / name, top)
        for directory, _, names in os.walk(top)
        for name in names
        if not name.startswith(".")
    ]


def page(text: str) -> str:
    """@text of the page of mutants, with the table as mutants.toml has it."""
    entries = tomllib.loads(LIST.read_text()).items()
    lines = [
        f"| `{name}` | {entry['property']} | `{'`, `'.join(entry['tests'])}` |\n"
        for name, entry in entries
    ]
    return text.partition(TABLE)[0] + TABLE + "".join(lines)


def main(names: list[str]) -> int:
    """Run the mutants called @names, or all: 0 all killed, 1 some survived, 2 unknown name.

    The name of an entry with `values` means all of them. `--table` brings the page of mutants up
    to date instead.
    """
    if names == ["--table"]:
        PAGE.write_text(page(PAGE.read_text()))
        return 0
    mutants = [m for m in load() if not names or {m.name, m.family} & set(names)]
    unknown = set(names) - {name for m in mutants for name in (m.name, m.family)}
    if unknown:
        print(f"mutants: unknown: {', '.join(sorted(unknown))}; see {LIST}", file=sys.stderr)
        return 2
    survived = 0
    with tempfile.TemporaryDirectory(prefix="kut-mutants-") as directory:
        bench = Workbench(Path(directory), mutants)
        for mutant in mutants:
            outcome = bench.run(mutant)
            survived += not outcome.killed
            verdict = "killed" if outcome.killed else "SURVIVED"
            print(f"{verdict:9} {mutant.name:30} {mutant.property}")
            print(f"{'':9} {outcome.words}", flush=True)
    print(f"{len(mutants)} mutants: {len(mutants) - survived} killed, {survived} survived")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
