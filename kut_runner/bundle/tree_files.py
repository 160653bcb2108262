# SPDX-License-Identifier: GPL-2.0-or-later
"""The unittests.cfg of a kvm-unit-tests source tree, and messages for any other path."""

import os
from pathlib import Path
from typing import Final

from kut_runner.errors import UsageError
from kut_runner.text import printable

_NAME: Final = "unittests.cfg"
#: Paths of the file in a source tree, in the order of the search, and those of others.
_PATHS: Final = (f"arm64/{_NAME}", f"arm/{_NAME}", _NAME)
_OTHERS: Final = ("x86", "s390x", "powerpc", "riscv")
#: Begin of the second line of a standalone test.
_STANDALONE: Final = b"export KUT_STANDALONE="
_LONGEST_HEAD: Final = 200
_HINT: Final = "give the top of a source tree that is configured for arm64 and built"


def find(tree: Path) -> Path:
    """Return the path of the unittests.cfg of a source tree; raises UsageError without one."""
    shown = printable(str(tree))
    if tree.is_file():
        _refuse_file(tree, shown)
    for name in _PATHS:
        if (path := tree / name).is_file():
            return path
    if not tree.exists():
        raise UsageError(f"{shown} does not exist", "correct the path of the source tree")
    if others := [name for name in _OTHERS if (tree / name / _NAME).is_file()]:
        raise UsageError(f"{shown} has tests for {', '.join(others)} only", "kut runs arm64")
    paths = ", ".join(_PATHS)
    raise UsageError(
        f"{shown} is not a source tree of kvm-unit-tests: it has none of {paths}", _hint(tree)
    )


def _refuse_file(path: Path, shown: str) -> None:
    if _is_standalone(path):
        raise UsageError(
            f"{shown} is a standalone test of kvm-unit-tests, a script that starts QEMU itself",
            "give the source tree that it was built from; `kut parse` judges its output",
        )
    raise UsageError(f"{shown} is a file, not a source tree of kvm-unit-tests", _hint(path))


def _hint(path: Path) -> str:
    """Return a hint that names the source tree that `path` is in."""
    tops = Path(os.path.normpath(path.absolute())).parents[:2]
    found = (top for top in tops if any((top / name).is_file() for name in _PATHS[:2]))
    top = next(found, None)
    return f"give the top of the source tree, {printable(str(top))}" if top else _HINT


def _is_standalone(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            lines = file.read(_LONGEST_HEAD).splitlines()
    except OSError:
        return False
    return any(line.startswith(_STANDALONE) for line in lines[1:2])
