# SPDX-License-Identifier: GPL-2.0-or-later
"""Series of patches as `git format-patch` writes them, for `git am`."""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Final

from kut_runner import __version__
from kut_runner.export.series import Change

_ZEROS: Final = "0" * 40
#: That of the mailing list of kvm-unit-tests, where others share it
_PREFIX: Final = "kvm-unit-tests PATCH"
_NOT_IN_A_NAME: Final = re.compile(r"[^\w.]+")
_LONGEST_NAME: Final = 52


@dataclass(frozen=True, slots=True)
class Patch:
    """A patch as a mail, with the name of its file."""

    file_name: str
    mail: str


def series(directory: Path, changes: Sequence[Change], author: str, *, signed: bool) -> list[Patch]:
    """Return the patches that make the changes below `directory`, without empty ones."""
    done: dict[str, str] = {}
    steps = []
    for change in changes:
        diffs = [
            (path, _diff(_old(directory, done, path), path, text))
            for path, text in sorted(change.files.items())
        ]
        done |= change.files
        if any(diff for _, diff in diffs):
            steps.append((change, [(path, diff) for path, diff in diffs if diff]))
    now = format_datetime(datetime.now().astimezone())
    head = f"From {_ZEROS} Mon Sep 17 00:00:00 2001\nFrom: {author}\nDate: {now}\n"
    trailer = f"Signed-off-by: {author}\n" if signed else ""
    return [
        Patch(
            _file_name(number, change.subject),
            f"{head}Subject: {_subject(number, len(steps), change.subject)}\n\n"
            f"{change.reason.strip()}\n\n{trailer}---\n{_body(diffs)}",
        )
        for number, (change, diffs) in enumerate(steps, 1)
    ]


def _old(directory: Path, done: Mapping[str, str], path: str) -> str | None:
    """Return the text of a file before a change, None where there is none."""
    if path in done:
        return done[path]
    file = directory / path
    return file.read_text(encoding="utf-8") if file.exists() else None


def _subject(number: int, total: int, subject: str) -> str:
    width = len(str(total))
    return f"[{_PREFIX} {number:0{width}}/{total}] {subject}"


def _file_name(number: int, subject: str) -> str:
    name = _NOT_IN_A_NAME.sub("-", subject).strip("-")[:_LONGEST_NAME]
    return f"{number:04}-{name.rstrip('-.')}.patch"


def _body(diffs: Sequence[tuple[str, str]]) -> str:
    """Return what follows the message: the files, and their differences."""
    stat = "".join(f" {path} | {_changed(diff)}\n" for path, diff in diffs)
    files = "1 file" if len(diffs) == 1 else f"{len(diffs)} files"
    text = "".join(diff for _, diff in diffs)
    return f"{stat} {files} changed\n\n{text}-- \nkut {__version__}\n\n"


def _diff(old: str | None, path: str, text: str) -> str:
    """Return the difference of a file, "" without any."""
    if old == text:
        return ""
    lines = difflib.unified_diff(
        (old or "").splitlines(keepends=True),
        text.splitlines(keepends=True),
        "/dev/null" if old is None else f"a/{path}",
        f"b/{path}",
    )
    new = "new file mode 100644\n" if old is None else ""
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
