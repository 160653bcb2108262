# SPDX-License-Identifier: GPL-2.0-or-later
"""Keep tests without the marker `qemu` from starting QEMU, a compiler or a debugger.

While such a test runs, fixtures of any scope included, stand-ins come first along PATH. They fail,
and leave a note, by which the test fails even where it does not mind.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from kut_runner.build.toolchain import GNU_PREFIXES

TOOLS: Final = (
    *("qemu-system-aarch64", "clang", "ld.lld", "llvm-objcopy", "gdb-multiarch", "gdb", "lldb"),
    *(f"{prefix}{tool}" for prefix in GNU_PREFIXES for tool in ("gcc", "as", "ld", "objcopy")),
)


class Guard:
    """The stand-ins, and the PATH of each test."""

    def __init__(self, directory: Path) -> None:
        """Make the stand-ins in an empty directory."""
        self._notes = directory / "notes"
        self._plain = os.environ["PATH"]
        self._guarded = f"{directory}{os.pathsep}{self._plain}"
        for tool in TOOLS:
            stand_in = directory / tool
            message = f"{tool} is for tests with the marker qemu"
            stand_in.write_text(
                f"#!/bin/sh\necho '{tool}' >>'{self._notes}'\necho '{message}' >&2\nexit 86\n"
            )
            stand_in.chmod(0o755)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Set the PATH before any fixture is."""
        os.environ["PATH"] = self._plain if item.get_closest_marker("qemu") else self._guarded
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self) -> Iterator[None]:
        """Fail a test by the notes of the stand-ins."""
        yield
        if self._notes.exists():
            started = ", ".join(sorted(set(self._notes.read_text().split())))
            self._notes.unlink()
            pytest.fail(f"started without the marker qemu: {started}", pytrace=False)


def pytest_configure(config: pytest.Config) -> None:
    """Guard all tests of this process."""
    directory = tempfile.TemporaryDirectory(prefix="kut-guard-")
    config.add_cleanup(directory.cleanup)
    config.pluginmanager.register(Guard(Path(directory.name)))
