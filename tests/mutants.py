# SPDX-License-Identifier: GPL-2.0-or-later
"""Break the framework on purpose, one way at a time, and see the tests go red.

A mutant is an entry of mutants.toml: a replacement in one source file, and the tests that must
notice it. Each is applied to a copy of the sources whose images are built once. The images of its
tests are built with the mutant and booted, one after the other until one fails; then the source
and what was built from it are put back. A mutant that no test notices has survived; a test that
fails without a mutant as well notices nothing.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import emulators
import invisible
import random_mutants
import realtree
import tree_mutations
import workbench

from kut_runner.definitions import config
from kut_runner.errors import ExitCode, KutError
from kut_runner.run import row_selection
from kut_runner.targets.qemu import find_qemu
from kut_runner.verdict import row_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from kut_runner.build.builder import Image
    from kut_runner.definitions.config import TestDef

LIST = realtree.ROOT / "tests" / "mutants.toml"
#: Runs that may miss a mutant: a race between CPUs does not show in each.
TRIES = 3
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
    newest: bool = False
    """Its tests run on the newest QEMU: the installed one may lack the feature."""
    rows: tuple[str, ...] = ()
    """Globs over rows of the conformance suite that its tests run; all of them without any."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the tests made of a mutant: `reason` is the first failing check, or what went wrong."""

    killed: bool
    reason: str


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
            newest=entry.get("newest_qemu", False),
            rows=tuple(entry.get("rows", ())),
            **texts,
        )


class Workbench(workbench.Workbench):
    """A copy of the sources with the images that some mutants need."""

    def __init__(self, tree: Path, mutants: Iterable[Mutant]) -> None:
        """Copy the sources to the directory @tree, and build the images that @mutants need."""
        tests = config.load(realtree.ROOT / "configs").tests
        needed = {name for mutant in mutants for name in mutant.tests}
        self._tests = {test.name: test for test in tests if test.name in needed}
        images = sorted({test.image for test in self._tests.values()})
        super().__init__(realtree.copy(tree, images=images), images)

    def run(self, mutant: Mutant) -> Outcome:
        """Apply @mutant, run its tests until one fails, and put everything back."""
        source = (self._tree / mutant.file).read_text()
        if source.count(mutant.find) != 1:
            reason = f"`find` stands {source.count(mutant.find)} times in {mutant.file}"
            return Outcome(killed=False, reason=reason)
        try:
            with self.changed(mutant.file, source.replace(mutant.find, mutant.replace)):
                return self._run_tests(mutant)
        except KutError as error:
            return Outcome(killed=False, reason=error.message)

    def _run_tests(self, mutant: Mutant) -> Outcome:
        reason = "no image has what is changed"
        qemu = emulators.unpacked() if mutant.newest else None
        for test in [self._tests[name] for name in mutant.tests] * TRIES:
            image = self.changed_images([test.image]).get(test.image)
            if not image:
                continue
            result = self.run_test(_selected(test, image, mutant.rows), image, qemu)
            if result.verdict.exit_code is ExitCode.TESTS_FAILED:
                return Outcome(killed=True, reason=workbench.first_failure(result))
            reason = f"{test.name}: {result.status.value} {result.verdict.reason}"
        return Outcome(killed=False, reason=reason)


def _selected(test: TestDef, image: Image, rows: Sequence[str]) -> TestDef:
    """@test with the argument of its image that selects @rows, if there are any."""
    if not rows:
        return test
    lists = {test.image: row_list.load(image.row_list)}
    (selected,) = row_selection.select([test], lists, rows)
    return selected


def page(text: str) -> str:
    """@text of the page of mutants, with the tables of mutants.toml and invisible.toml."""
    entries = tomllib.loads(LIST.read_text()).items()
    lines = [
        f"| `{name}` | {entry['property']} | `{'`, `'.join(entry['tests'])}` |\n"
        for name, entry in entries
    ]
    before, _, rest = text.partition(TABLE)[0].partition(invisible.TABLE)
    between = rest[rest.index("\n") :] if rest.startswith("\n") else rest[rest.index("\n\n") + 1 :]
    unseen = invisible.table(invisible.load(invisible.LIST.read_text()))
    return before + unseen + between + TABLE + "".join(lines)


def main(argv: list[str]) -> int:
    """Run mutants: 0 all killed, 1 some survived, 2 unknown name, or the code of an error.

    The name of an entry with `values` means all of them. `--table` brings the page of mutants up
    to date instead.
    """
    options = arguments(argv)
    try:
        return run(options)
    except KutError as error:
        print(f"mutants: {error.message}", file=sys.stderr)
        if error.hint:
            print(f"mutants: hint: {error.hint}", file=sys.stderr)
        return error.exit_code
    except subprocess.CalledProcessError as error:  # which has said why
        print(f"mutants: failed: {shlex.join(error.cmd)}", file=sys.stderr)
        return ExitCode.BUILD_FAILED
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED


def run(options: argparse.Namespace) -> int:
    """Run what the options ask for."""
    if options.table:
        PAGE.write_text(page(PAGE.read_text()))
        return 0
    if options.random or any(name.startswith(tree_mutations.TOP) for name in options.names):
        named = [(mutant.file, test) for mutant in load() for test in mutant.tests]
        wanted = random_mutants.Options(
            options.random, options.seed, options.names, options.jobs, options.qemu
        )
        return random_mutants.main(wanted, named, lists=options.list)
    return run_listed(options.names)


def arguments(argv: list[str]) -> argparse.Namespace:
    """Return the options; a value that cannot be right is a usage error."""
    options = parser().parse_args(argv)
    for path in options.qemu:
        try:
            find_qemu(path, cache=realtree.ROOT / "build/qemu-versions")
        except KutError as error:
            parser().error(f"argument --qemu: {error}")
    for name in ("random", "jobs"):
        if getattr(options, name) < 0:
            parser().error(f"argument --{name}: expected a positive number")
    return options


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    found = argparse.ArgumentParser(
        prog="scripts/mutants", description="Break the library, and see the tests fail."
    )
    found.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="a mutant of tests/mutants.toml, by default all of them; or a mechanical one, as in"
        " lib/arm64/guest.c:98:2:delete-statement, or all of a file or line",
    )
    found.add_argument("--table", action="store_true", help="update docs/mutants.md instead")
    found.add_argument(
        "--random", type=int, default=0, metavar="N", help="try N random mechanical mutants"
    )
    found.add_argument("--seed", type=int, default=1, metavar="S", help="seed of --random (1)")
    found.add_argument("-j", "--jobs", type=int, default=1, help="trials at the same time (1)")
    found.add_argument(
        "--qemu",
        action="append",
        default=[],
        metavar="PATH",
        help="another QEMU for mechanical mutants that survive on the default one; repeatable",
    )
    found.add_argument("--list", action="store_true", help="print mechanical mutants instead")
    return found


def run_listed(names: list[str]) -> int:
    """Run the mutants of mutants.toml called @names, or all."""
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
            print(f"{'':9} {outcome.reason}", flush=True)
    print(f"{len(mutants)} mutants: {len(mutants) - survived} killed, {survived} survived")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
