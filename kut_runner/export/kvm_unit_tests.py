# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut export kvm-unit-tests`: what changes in a checkout, as changes or as a patch."""

from collections.abc import Sequence
from pathlib import Path

from kut_runner.definitions import config, source_trees
from kut_runner.errors import UsageError
from kut_runner.export import checkout, framework, patch

#: Files of kvm-unit-tests that get lines; all others are new.
EDITED = frozenset({"arm/Makefile.arm64", "arm/unittests.cfg", "lib/arm64/asm-offsets.c"})


def export(tree: Path, directory: Path, tests: Sequence[str]) -> dict[str, str]:
    """Return the new texts of files of the checkout in `directory`, by path below it.

    Raises UsageError if it is no checkout of kvm-unit-tests, has another framework, or if there is
    no such test.
    """
    checkout.check(directory)
    names = tests or framework.TESTS
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
        raise UsageError(
            f"{directory} has changes that are not committed: {', '.join(changed[:5])}",
            "commit them; or -o FILE writes a patch, --force changes the files all the same",
        )
    checkout.write(directory, files)


def patch_of(directory: Path, files: dict[str, str], *, signed: bool) -> str:
    """Return the patch that makes the changes."""
    return patch.mail(directory, files, checkout.author(directory), signed=signed)
