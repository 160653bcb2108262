# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls of programs that answer and end, such as `qemu --version`."""

import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kut_runner.process.child import die_with_parent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Outcome:
    """Outcome of a call of a program."""

    code: int | None
    """Exit status, negative for a signal; None for a timeout or a program that cannot start."""
    output: str
    """Its stdout and stderr, or the reason why it has no exit status."""


def call(argv: "Sequence[str]", time_limit: float, cwd: "Path | None" = None) -> Outcome:
    """Run a program for at most `time_limit` seconds, and kill its remaining processes.

    Its children may hold the pipe of its output after its own end, so its process group is killed.
    """
    try:
        process = subprocess.Popen(
            argv,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGKILL),  # noqa: PLW1509 - see there
        )
    except OSError as error:
        return Outcome(None, f"{argv[0]}: {error.strerror}")
    with process:
        try:
            out = process.communicate(timeout=time_limit)[0]
            return Outcome(process.returncode, out.decode(errors="backslashreplace").strip())
        except subprocess.TimeoutExpired:
            return Outcome(None, f"timeout after {time_limit:g} s")
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
