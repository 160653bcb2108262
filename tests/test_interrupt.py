# SPDX-License-Identifier: GPL-2.0-or-later
"""SIGINT at the start of kut, and SIGKILL while it builds."""

import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import realtree

#: Seconds until something has happened that takes milliseconds on an idle machine.
PATIENCE = 30
KUT = (sys.executable, "-m", "kut_runner")


def interrupted_at_start() -> None:
    """Leave a SIGINT for the process to take, as soon as it no longer blocks the signal."""
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT,))
    os.kill(os.getpid(), signal.SIGINT)


def ignoring() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def run(*args: str, before: "Callable[[], None]") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        (*KUT, *args),
        cwd=realtree.ROOT,
        preexec_fn=before,
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_interrupt_before_the_command_line_ends_kut_silently() -> None:
    done = run("--version", before=interrupted_at_start)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


def test_an_interrupt_that_is_ignored_stays_so() -> None:
    def before() -> None:
        ignoring()
        interrupted_at_start()

    assert run("--version", before=before).returncode == 0


def marked(mark: str) -> Iterator[int]:
    """Yield the processes with this text in their environment."""
    for directory in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark.encode() in directory.joinpath("environ").read_bytes():
                yield int(directory.name)


def wait_for_end(processes: list[int]) -> list[int]:
    """Return the processes that have not ended after a while."""
    left = []
    for process in processes:
        with suppress(ProcessLookupError):
            descriptor = os.pidfd_open(process)
            if not select.select([descriptor], [], [], PATIENCE)[0]:
                left.append(process)
            os.close(descriptor)
    return left


@pytest.mark.qemu
@pytest.mark.parametrize("seed", range(6))
def test_kut_that_is_killed_leaves_no_compilers(seed: int, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    realtree.linked(tree)
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("gcc", "ld", "objcopy"):
        tool = tools / f"slow-{name}"
        tool.write_text(f"#!/bin/sh\n: >{tmp_path}/started\nsleep 1000\n")
        tool.chmod(0o755)
    mark = f"KUT_TEST_MARK={tmp_path}"
    environment = {
        **os.environ,
        "CROSS_COMPILE": "slow-",
        "PATH": f"{tools}:{os.environ['PATH']}",
        "KUT_TEST_MARK": str(tmp_path),
        "KUT_ROOT": str(tree),
    }
    with subprocess.Popen(
        (*KUT, "build"), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as kut:
        deadline = time.monotonic() + PATIENCE
        while seed % 2 and not (tmp_path / "started").exists():
            assert time.monotonic() < deadline
            time.sleep(0.001)
        time.sleep(random.Random(seed).uniform(0, 0.3))  # noqa: S311 - any moment
        kut.kill()
    assert wait_for_end([*marked(mark)]) == []
    assert [*marked(mark)] == []
