# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut export kvm-unit-tests`: what changes in a checkout, as changes or as a patch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from kut_runner.definitions import config, source_trees
from kut_runner.errors import UsageError
from kut_runner.export import checkout, framework, patch

#: Files of kvm-unit-tests that get lines; all others are new.
EDITED = frozenset({"arm/Makefile.arm64", "arm/unittests.cfg", "lib/arm64/asm-offsets.c"})

#: Most files that an error names.
_MOST_NAMED: Final = 5


def export(tree: Path, directory: Path, tests: Sequence[str]) -> dict[str, str]:
    """Return the new texts of files of the checkout in `directory`, by path below it.

    Raises UsageError if it is no checkout of kvm-unit-tests, has another framework, or if there is
    no such test.
    """
    checkout.check(directory)
    names = tests or framework.TESTS
    if not tests and not (tree / "arm" / f"{names[0]}.c").is_file():
        raise UsageError(
            f"{tree} does not have the tests of kut that are exported by default",
            "name tests of its arm/, or run this in a clone of kut",
        )
    cpus = _cpus(tree)
    made = framework.Export(tree, tree / source_trees.library(tree), directory)
    files = made.add([(name, cpus.get(name, 1)) for name in names])
    checkout.check_new(directory, files, EDITED)
    return files


def _cpus(tree: Path) -> dict[str, int]:
    """Return the number of CPUs of each test that has the name of its image."""
    tests = config.load(tree / "configs", tree / "arm").tests
    return {test.name: test.smp for test in tests if test.name == test.image}


def apply(directory: Path, files: dict[str, str], *, force: bool) -> None:
    """Write the files, unless git could not restore what they replace."""
    changed = checkout.changes(directory, sorted(files))
    if not force and changed is None:
        raise UsageError(
            f"{directory} is not a git checkout: its files could not be restored",
            "-o FILE writes a patch instead, --force changes the files all the same",
        )
    if not force and changed:
        raise _not_committed(
            directory, changed, "commit them, or --force changes the files all the same"
        )
    checkout.write(directory, files)


def patch_of(directory: Path, files: dict[str, str], *, signed: bool) -> str:
    """Return the patch that makes the changes, unless it would not apply to git's last commit."""
    if changed := checkout.changes(directory, sorted(files)):
        raise _not_committed(directory, changed, "commit them: the patch is for the last commit")
    return patch.mail(directory, files, checkout.author(directory), signed=signed)


def _not_committed(directory: Path, changed: list[str], hint: str) -> UsageError:
    named = ", ".join(changed[:_MOST_NAMED])
    more = len(changed) - _MOST_NAMED
    rest = f", and {more} more" if more > 0 else ""
    return UsageError(f"{directory} has changes that are not committed: {named}{rest}", hint)
