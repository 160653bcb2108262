# SPDX-License-Identifier: GPL-2.0-or-later
"""A git repository with a made-up history, whose revisions "build" a QEMU: a shell script."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

#: The build command of each revision.
BUILD = 'sh "$KUT_SOURCE/build.sh"'
_QEMU = """#!/bin/sh
[ "$1" = --version ] && echo 'QEMU emulator version 7.2.0' && exit
{body}
"""
_WRAPPER = """#!/bin/bash
args=("$@")
for i in "${!args[@]}"; do
	[ "${args[i]}" != "$old" ] || args[i]=$new
done
exec qemu-system-aarch64 "${args[@]}"
"""


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit: its subject, and the script that builds it."""

    subject: str
    build: str


def prints(subject: str, *lines: str, status: int = 0) -> Revision:
    """A QEMU whose guest prints lines, and that exits with a status."""
    text = "\n".join(f"echo '{line}'" for line in lines)
    return Revision(subject, _script(_QEMU.format(body=f"{text}\nexit {status}")))


def checks(subject: str, *made: str) -> Revision:
    """A QEMU whose guest makes these checks."""
    failed = sum(check.startswith("FAIL") for check in made)
    summary = f"SUMMARY: {len(made)} tests" + (f", {failed} unexpected failures" * bool(failed))
    return prints(subject, *made, summary, f"EXIT: STATUS={3 if failed else 1}")


def alternates(subject: str, counter: Path, one: str, other: str) -> Revision:
    """A QEMU whose guest makes one check in the first run, and another one in the second."""
    lines = [
        f"n=$(cat {counter} 2>/dev/null)",
        f"echo 1$n >{counter}",
        f"case $n in '') echo '{one}'; n=1 ;; *) echo '{other}'; n=3 ;; esac",
        "[ $n = 1 ] && echo 'SUMMARY: 1 tests' || echo 'SUMMARY: 1 tests, 1 unexpected failures'",
        "echo EXIT: STATUS=$n",
    ]
    return Revision(subject, _script(_QEMU.format(body="\n".join(lines))))


def edits(subject: str, old: str = "", new: str = "") -> Revision:
    """The installed QEMU, which gets the argument @new in place of @old."""
    return Revision(subject, _script(_WRAPPER.replace("$old", old).replace("$new", new)))


def _script(text: str) -> str:
    return f"cat >qemu-system-aarch64 <<'END'\n{text}END\nchmod +x qemu-system-aarch64\n"


def git(top: Path, *arguments: str) -> str:
    """The output of git, without the configuration of whoever runs the tests."""
    environment = os.environ | {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    command = ["git", "-C", str(top), "-c", "user.name=n", "-c", "user.email=e", *arguments]
    return subprocess.check_output(command, env=environment, text=True, stderr=subprocess.STDOUT)


def repository(top: Path, revisions: Sequence[Revision]) -> Path:
    """Make a repository with one commit for each revision."""
    top.mkdir()
    git(top, "init", "--quiet", "--initial-branch=main")
    for revision in revisions:
        commit(top, revision)
    return top


def commit(top: Path, revision: Revision) -> None:
    """Add a commit."""
    (top / "build.sh").write_text(revision.build)
    (top / "subject").write_text(revision.subject)
    git(top, "add", "--all")
    git(top, "commit", "--quiet", "--message", revision.subject)
