# SPDX-License-Identifier: GPL-2.0-or-later
"""Flat images are equal to the output of objcopy."""

import subprocess
import sys
from pathlib import Path

import pytest
import realtree

from kut_runner.build import flat

pytestmark = pytest.mark.qemu


def test_it_is_what_objcopy_makes(tmp_path: Path) -> None:
    built = realtree.build("selftest")
    out = tmp_path / "flat"
    program = [sys.executable, "-P", flat.__file__]
    subprocess.run([*program, "-O", "binary", built.with_suffix(".elf"), out], check=True)
    assert out.read_bytes() == built.read_bytes()
    assert out.stat().st_size > 10_000


def test_a_file_without_anything_to_load_is_empty(tmp_path: Path) -> None:
    source = tmp_path / "empty.s"
    source.touch()
    elf = tmp_path / "empty.o"
    subprocess.run(["aarch64-linux-gnu-as", source, "-o", elf], check=True)  # noqa: S607 - PATH's
    assert flat.flatten(elf) == b""
