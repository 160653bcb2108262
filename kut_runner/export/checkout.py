# SPDX-License-Identifier: GPL-2.0-or-later
"""Checkouts of kvm-unit-tests: what they are, what git says of them, and changes of their files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from kut_runner.errors import InfrastructureError, UsageError, describe
from kut_runner.process import program

_FILES: Final = (
    "arm/Makefile.arm64",
    "arm/unittests.cfg",
    "lib/arm64/asm-offsets.c",
    "run_tests.sh",
)
_LICENCE: Final = "SPDX-License-Identifier: GPL-2.0-or-later"
_TIME_LIMIT: Final = 60.0


def check(directory: Path) -> None:
    """Raise UsageError if a directory is not the top of a source tree of kvm-unit-tests."""
    for name in _FILES:
        if not (directory / name).is_file():
            raise UsageError(
                f"{directory} is not a source tree of kvm-unit-tests: it has no {name}",
                "name a clone of https://gitlab.com/kvm-unit-tests/kvm-unit-tests",
            )


def check_new(directory: Path, files: Mapping[str, str], edited: frozenset[str]) -> None:
    """Raise UsageError if a file of another origin is where a new one belongs."""
    for path in sorted(files.keys() - edited):
        if (directory / path).exists() and _LICENCE not in _first_line(directory / path):
            raise UsageError(
                f"{directory / path} exists, and is not kut's",
                "leave out the test of that name, or export to a tree without a guest framework",
            )


def _first_line(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.readline()


def changes(directory: Path, paths: list[str]) -> list[str] | None:
    """Return the files among `paths` that differ from git's last commit, None without git."""
    outcome = program.call(
        ["git", "-C", str(directory), "status", "--porcelain", "--", *paths], _TIME_LIMIT
    )
    if outcome.code != 0:
        return None
    return [line[2:].strip() for line in outcome.output.splitlines()]


def author(directory: Path) -> str:
    """Return the author of a patch, "Name <mail>", as git has it."""
    outcome = program.call(["git", "-C", str(directory), "var", "GIT_AUTHOR_IDENT"], _TIME_LIMIT)
    if outcome.code != 0:
        raise UsageError(
            "git does not know the author of the patch",
            "git config --global user.name and user.email",
        )
    return outcome.output.rpartition(" ")[0].rpartition(" ")[0]


def write(directory: Path, files: Mapping[str, str]) -> None:
    """Write the files; raises InfrastructureError."""
    try:
        for path, text in files.items():
            (directory / path).parent.mkdir(parents=True, exist_ok=True)
            (directory / path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InfrastructureError(f"{directory} cannot be written: {describe(error)}") from None
