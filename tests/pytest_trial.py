# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests of pytest that look at the output of images, on a copy of this tree with a mutant."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import realtree
from workbench import LENIENT

from kut_runner.errors import KutError

if TYPE_CHECKING:
    from pathlib import Path

#: Tests that take seconds, the quickest first.
_QUICK = (
    "register_names",
    "syndrome",
    "stage2_descriptions",
    "stage2_geometry",
    "smp",
    "failing_checks",
    "its_commands",
)
#: Tests that take a minute, for sources that print, end the run, or find devices. The default suite
#: of the framework's tests is `kut run`.
_OUTPUT = (
    "robust",
    "bench",
    "soak",
    "guest_print",
    "guest_dump",
    "framework",
    "misbehave",
    "explain",
)
_PRINTERS = re.compile(
    r"lib/arm64/(?:asm/)?(?:backtrace|console|esr|exit|guest-call|guest-call-host|guest-check"
    r"|guest-dump|guest-host-sve|guest-stack|host-vector|io|mmio-pl011|processor|setup|stack|stage2-check"
    r"|stage2-print|start|thread_info|vectors|virtio-testdev)\.[chS]"
)
#: For the rows of the conformance suite.
_ROWS = ("conform_images", "isolation")
_OF_ROWS = re.compile(r"lib/arm64/(?:asm/)?conform(?:-sysreg)?\.[ch]")
_ARGV = ("-m", "pytest", "-q", "-x", "-n0", "-pno:cacheprovider", "-k", "not default_suite")
#: Without its parameters: their names may have spaces.
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+?::\w+)", re.MULTILINE)
_WARNINGS = '    "-Werror",\n'
_LENIENT = "".join(f'    "{flag}",\n' for flag in LENIENT)


class PytestTree:
    """A copy of this tree whose tests are run, and whose images are built as mutants are."""

    def __init__(self, top: Path) -> None:
        """Copy the tree to the directory @top, which does not exist yet."""
        self._top = top
        self._unfit: list[str] = []
        shutil.copytree(realtree.ROOT, top, ignore=_ignored, symlinks=True)
        toolchain = top / "kut_runner/build/toolchain.py"
        text = toolchain.read_text()
        if _WARNINGS not in text:
            raise KutError(f"{toolchain}: no line {_WARNINGS.strip()}")
        toolchain.write_text(text.replace(_WARNINGS, _WARNINGS + _LENIENT))

    def failing(self, file: str, text: str) -> str:
        """Return a test that fails only when the source @file is @text, "" if there is none."""
        names = (*_QUICK, *(_OUTPUT if _PRINTERS.fullmatch(file) else ()))
        names = _ROWS if _OF_ROWS.fullmatch(file) else names
        path = self._top / file
        source = path.read_text()
        while True:
            path.write_text(text)
            try:
                failed = self._run([f"tests/test_{name}.py" for name in names])
            finally:
                path.write_text(source)  # newer than what was built of the mutant
            if not failed or not self._run([failed]):
                return failed
            self._unfit.append(failed)

    def _run(self, selection: list[str]) -> str:
        """Return the first test that fails, "" if all pass."""
        deselected = [f"--deselect={name}" for name in self._unfit]
        done = subprocess.run(
            [sys.executable, *_ARGV, *selection, *deselected],
            cwd=self._top,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 0:
            return ""
        failed = _FAILED.search(done.stdout)
        if not failed:
            raise KutError(f"pytest: {(done.stdout + done.stderr)[-2000:]}")
        return failed[1]


def _ignored(directory: str, names: list[str]) -> set[str]:
    """Return the names that are not copied: caches, and at the top what is not the sources."""
    left_out = {"__pycache__"}
    if directory == str(realtree.ROOT):
        left_out |= {"build", *(name for name in names if name.startswith("."))}
    return left_out.intersection(names)
