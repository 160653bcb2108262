# SPDX-License-Identifier: GPL-2.0-or-later
"""Patches as `git format-patch` writes them, for `git am`."""

import difflib
from collections.abc import Iterator, Mapping
from datetime import datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Final

from kut_runner import __version__

_SUBJECT: Final = "arm64: Add stage-2 page tables and nested guests"
_BODY: Final = """\
Tests at EL2 need guests: code at EL1 and EL0 behind a stage 2 of the
test's own, whose exits are handled in C. Add a stage-2 library for all
granules, guests with their own EL1 state, handlers, devices and virtual
interrupts, and tests of them.

lib/arm64/guest-bridge.c and asm/guest-bridge.h are what the framework
needs of its host. The tests need a host at EL2 with FEAT_VHE, as in
EL2=1 ./run_tests.sh -g guest, and skip elsewhere.
"""
_ZEROS: Final = "0" * 40


def mail(directory: Path, files: Mapping[str, str], author: str, *, signed: bool) -> str:
    """Return the patch that gives the files below `directory` their new texts."""
    diffs = [(path, _diff(directory / path, path, text)) for path, text in sorted(files.items())]
    diffs = [(path, diff) for path, diff in diffs if diff]
    return "".join(
        [
            f"From {_ZEROS} Mon Sep 17 00:00:00 2001\n",
            f"From: {author}\nDate: {format_datetime(datetime.now().astimezone())}\n",
            f"Subject: [PATCH] {_SUBJECT}\n\n{_BODY}\n",
            f"Signed-off-by: {author}\n" if signed else "",
            "---\n",
            *(f" {path} | {_changed(diff)}\n" for path, diff in diffs),
            f" {len(diffs)} files changed\n\n",
            *(diff for _, diff in diffs),
            f"-- \nkut {__version__}\n",
        ]
    )


def _diff(old_file: Path, path: str, text: str) -> str:
    """Return the difference of a file, "" without any."""
    is_new = not old_file.exists()
    old = "" if is_new else old_file.read_text(encoding="utf-8")
    if old == text:
        return ""
    lines = difflib.unified_diff(
        old.splitlines(keepends=True),
        text.splitlines(keepends=True),
        "/dev/null" if is_new else f"a/{path}",
        f"b/{path}",
    )
    new = "new file mode 100644\n" if is_new else ""
    return f"diff --git a/{path} b/{path}\n{new}{''.join(_lines(lines))}"


def _lines(lines: Iterator[str]) -> Iterator[str]:
    """Mark the end of a file without a newline."""
    for line in lines:
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _changed(diff: str) -> int:
    return sum(
        line.startswith(("+", "-")) and not line.startswith(("+++", "---"))
        for line in diff.splitlines()
    )
