# SPDX-License-Identifier: GPL-2.0-or-later
"""Break the framework on purpose, one way at a time, and see the tests go red.

A mutant is an entry of mutants.toml: a replacement in one source file, and the tests that must
notice it. Each is applied to a copy of the tree, which is built and run; a mutant that no test
notices has survived.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
LIST = ROOT / "tests" / "mutants.toml"
PARTS = ("arm", "configs", "lib")
#: Runs that may miss a mutant: a race between CPUs does not show in each.
TRIES = 3
PAGE = ROOT / "docs" / "mutants.md"
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


def copy_tree(to: Path) -> None:
    """Copy what an image is built from."""
    for part in PARTS:
        shutil.copytree(ROOT / part, to / part)


def first_failure(results: dict[str, object]) -> str:
    """The first check that failed, or the reason of the first test that ended badly."""
    tests = results["tests"]
    assert isinstance(tests, list)
    for test in tests:
        for check in test["checks"]:
            if check["status"] == "fail":
                return ": ".join((test["id"], *check["prefixes"], check["message"]))
        if test["status"] not in ("pass", "skip"):
            return f"{test['id']}: {test['status']}: {test['reason']}"
    return ""


def run_tests(mutant: Mutant, tree: Path) -> Outcome:
    """Run the tests of @mutant in @tree, which it has changed."""
    report = tree / "results.json"
    report.unlink(missing_ok=True)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "kut_runner", "--root", str(tree), "run"),
            *("--timeout", "5", "--json", str(report), *mutant.tests),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 1):
        words = f"kut ended with {done.returncode}: {done.stderr.strip()}"
        return Outcome(killed=False, words=words)
    return Outcome(killed=done.returncode == 1, words=first_failure(json.loads(report.read_text())))


def run(mutant: Mutant, tree: Path) -> Outcome:
    """Apply @mutant to @tree, run its tests until one fails, and put the file back."""
    path = tree / mutant.file
    source = path.read_text()
    if source.count(mutant.find) != 1:
        words = f"`find` stands {source.count(mutant.find)} times in {mutant.file}"
        return Outcome(killed=False, words=words)
    path.write_text(source.replace(mutant.find, mutant.replace))
    try:
        outcome = run_tests(mutant, tree)
        for _ in range(TRIES - 1):
            outcome = outcome if outcome.killed else run_tests(mutant, tree)
        return outcome
    finally:
        path.write_text(source)


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
        tree = Path(directory)
        copy_tree(tree)
        for mutant in mutants:
            outcome = run(mutant, tree)
            survived += not outcome.killed
            verdict = "killed" if outcome.killed else "SURVIVED"
            print(f"{verdict:9} {mutant.name:30} {mutant.property}")
            print(f"{'':9} {outcome.words}", flush=True)
    print(f"{len(mutants)} mutants: {len(mutants) - survived} killed, {survived} survived")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
