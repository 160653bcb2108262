# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds of a revision: a shell command in a build directory outside the checkout.

The command sees `KUT_SOURCE`, the checkout of the revision, and `KUT_JOBS`, the number of CPUs. The
build directory is kept from one revision to the next, so that a build is incremental. When one
fails there that another revision has left, it is repeated in an empty directory: what is left over
must not decide that a revision does not build.
"""

import os
import selectors
import signal
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Final

from kut_runner.errors import InfrastructureError
from kut_runner.process.child import die_with_parent
from kut_runner.process.resources import available
from kut_runner.process.signals import Signals
from kut_runner.text import decode

if TYPE_CHECKING:
    from io import BufferedWriter

#: Shell that ends all processes of a command with itself. A kut that is killed cannot do that: the
#: kernel then sends SIGTERM to this shell only.
_SUPERVISOR: Final = """
trap 'trap - TERM; kill -TERM 0' TERM
/bin/sh -c "$1" &
wait "$!"
"""
#: Seconds for a command to end after SIGTERM.
_GRACE: Final = 5.0
_PART: Final = 1 << 16
#: Bytes at the end of a log in which the error is looked for.
_TAIL: Final = 1 << 14
#: Message of a full disk, for which no revision is to blame.
_DISK_FULL: Final = "No space left on device"
#: Words in the line of a log that says why a build failed, the best first.
_ERRORS: Final = ("error:", "ERROR:", "Error ", "FAILED:", "fatal:", "not found")
_LONGEST: Final = 200

#: Called with each line of a build.
OnLine = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a revision is built."""

    command: str
    """For /bin/sh, in the build directory."""
    program: str
    """The product, relative to the build directory."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Further variables of the environment."""


def build(recipe: Recipe, source: Path, directory: Path, log: Path, on_line: OnLine) -> str:
    """Build a checkout; return why it does not build, "" if it does.

    `log` gets the output. Raises InfrastructureError for a full disk, KeyboardInterrupt for a
    request to stop, and OSError.
    """
    was_used = directory.is_dir() and any(directory.iterdir())
    problem = _build(recipe, source, directory, log, on_line)
    if problem and was_used:
        rmtree(directory)
        problem = _build(recipe, source, directory, log, on_line)
    return problem


def _build(recipe: Recipe, source: Path, directory: Path, log: Path, on_line: OnLine) -> str:
    directory.mkdir(parents=True, exist_ok=True)
    product = directory / recipe.program
    product.unlink(missing_ok=True)  # that of another revision
    environment = {
        **os.environ,
        **recipe.variables,
        "KUT_SOURCE": str(source),
        "KUT_JOBS": str(max(1, int(available().cpus))),
    }
    code = run_shell(recipe.command, directory, environment, log, on_line)
    if code == 0:
        return "" if product.is_file() else f"the build leaves no {recipe.program}"
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _TAIL))
        lines = [decode(line) for line in file.read().splitlines()]
    if any(_DISK_FULL in line for line in lines):
        raise InfrastructureError(
            f"the build has no space left in {directory}", "free up space, and resume"
        )
    return f"does not build: {_error_of(lines) or f'exit status {code}'}"


def _error_of(lines: list[str]) -> str:
    """Return the line of the output of a build that says why it failed."""
    told = [line.strip() for line in lines if line.strip()]
    for word in _ERRORS:
        for line in told:
            if word in line:
                return line[:_LONGEST]
    return told[-1][:_LONGEST] if told else ""


def run_shell(
    command: str, directory: Path, environment: Mapping[str, str], log: Path, on_line: OnLine
) -> int:
    """Run a shell command with its output in a log; return its exit status.

    Its processes end with it, and with kut. Raises KeyboardInterrupt for a request to stop.
    """
    with Signals() as signals, log.open("wb") as out:
        process = subprocess.Popen(
            ["/bin/sh", "-c", _SUPERVISOR, "sh", command],
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 - see there
        )
        try:
            if not _follow(process, signals, out, on_line):
                raise KeyboardInterrupt
        finally:
            _end(process)
        return process.returncode


def _follow(
    process: "subprocess.Popen[bytes]", signals: Signals, out: "BufferedWriter", on_line: OnLine
) -> bool:
    """Write the output of a process until it ends; return False for a request to stop."""
    assert process.stdout  # noqa: S101 - it is a pipe
    os.set_blocking(process.stdout.fileno(), False)
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        selector.register(signals, selectors.EVENT_READ)
        is_open = True
        while True:
            selector.select()
            if signals.stop_requested():
                return False
            # The pipe may outlive the process: a server that the build has started holds it.
            has_ended = process.poll() is not None
            while data := process.stdout.read(_PART):
                out.write(data)
                if lines := data.splitlines():
                    on_line(decode(lines[-1]))
            if has_ended:
                return True
            if is_open and data is not None:  # the end of the pipe: only the exit is awaited
                selector.unregister(process.stdout)
                is_open = False


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End all processes of the group, first by SIGTERM."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout:
        process.stdout.close()
