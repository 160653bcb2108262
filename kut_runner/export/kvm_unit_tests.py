# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut export kvm-unit-tests`: changes of a checkout, made there or as a series of patches."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from kut_runner.definitions import config, source_trees
from kut_runner.errors import UsageError
from kut_runner.export import checkout, framework, patch, series
from kut_runner.export.patch import Patch
from kut_runner.export.series import Change

#: Most files that an error names.
_MOST_NAMED: Final = 5


def export(tree: Path, directory: Path, tests: Sequence[str]) -> list[Change]:
    """Return the changes of the checkout in `directory`.

    Raises UsageError if it is no checkout of kvm-unit-tests, has another framework, or if there is
    no such test.
    """
    checkout.check(directory)
    names = list(dict.fromkeys(tests or framework.TESTS))
    if not tests and not (tree / "arm" / f"{names[0]}.c").is_file():
        raise UsageError(
            f"{tree} does not have the tests of kut that are exported by default",
            "name tests of its arm/, or run this in a clone of kut",
        )
    cpus = _cpus(tree)
    sources = framework.Sources(tree, tree / source_trees.library(tree), directory)
    made = series.changes(sources, directory, [(name, cpus.get(name, 1)) for name in names])
    checkout.check_new(directory, files_of(made), series.EDITED)
    return made


def files_of(changes: Sequence[Change]) -> dict[str, str]:
    """Return the texts of all files after the changes, by path below the checkout."""
    return {path: text for change in changes for path, text in change.files.items()}


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
            "-o FILE writes patches instead, --force changes the files all the same",
        )
    if not force and changed:
        raise _not_committed(
            directory, changed, "commit them, or --force changes the files all the same"
        )
    checkout.write(directory, files)


def patches(directory: Path, changes: Sequence[Change], *, signed: bool) -> list[Patch]:
    """Return the series of the changes, unless it would not apply to git's last commit."""
    if changed := checkout.changes(directory, sorted(files_of(changes))):
        raise _not_committed(directory, changed, "commit them: patches are for the last commit")
    return patch.series(directory, changes, checkout.author(directory), signed=signed)


def write_mailbox(patches: Sequence[Patch], file: Path) -> None:
    """Write all patches to one file; raises InfrastructureError."""
    checkout.write(file.parent, {file.name: "".join(each.mail for each in patches)})


def write_patches(patches: Sequence[Patch], directory: Path) -> None:
    """Write each patch to a file of the directory.

    Raises UsageError if the directory has other patches, InfrastructureError if writing fails.
    """
    names = {each.file_name for each in patches}
    others = sorted({each.name for each in directory.glob("[0-9]*.patch")} - names)
    if others:
        raise UsageError(
            f"{directory} has patches of another series, such as {others[0]}",
            "name an empty directory",
        )
    checkout.write(directory, {each.file_name: each.mail for each in patches})


def _not_committed(directory: Path, changed: list[str], hint: str) -> UsageError:
    named = ", ".join(changed[:_MOST_NAMED])
    more = len(changed) - _MOST_NAMED
    rest = f", and {more} more" if more > 0 else ""
    return UsageError(f"{directory} has changes that are not committed: {named}{rest}", hint)
