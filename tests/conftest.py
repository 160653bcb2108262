# SPDX-License-Identifier: GPL-2.0-or-later
"""What several test modules share: a small tree, and kut as a process of its own."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from guard import pytest_configure as pytest_configure  # noqa: PLC0414 - a hook of this file too
from hypothesis import HealthCheck, settings

# A busy machine is slow, not wrong.
settings.register_profile("kut", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("kut")

# Nor does it matter where the tests run: kut on a CI server shows other things.
GITHUB = ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE")
for name in ("CI", *GITHUB, "NO_COLOR", "CLICOLOR_FORCE"):
    os.environ.pop(name, None)

# Nor how they are started: a shell's background job ignores Ctrl-C, and so would all its children.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with tests that may take long, so that at the end no worker is left alone with one."""
    items.sort(key=lambda item: item.get_closest_marker("qemu") is None)


@pytest.fixture
def handled_signals() -> Iterator[None]:
    """Handle signals even if pytest ignores them, as in a background job of a shell."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    old = [signal.signal(number, signal.default_int_handler) for number in numbers]
    yield
    for number, handler in zip(numbers, old, strict=True):
        signal.signal(number, handler)


Kut = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree of two images that builds in a moment; a test may change it as it likes."""
    return shutil.copytree(Path(__file__).with_name("tiny_tree"), tmp_path / "tree")


@pytest.fixture
def kut(tree: Path) -> Kut:
    """Run `kut ARGS...` in the small tree; `env` is added to the environment, `cwd` is where."""

    def run(
        *args: str, cwd: Path = tree, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "kut_runner", *args],
            cwd=cwd,
            env=os.environ | (env or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run
