# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMUs of other releases of the distribution, unpacked once into this tree's build directory."""

import functools
import os
import sys
from typing import Final

import pytest
import realtree

from kut_runner.build import rootless

#: Value of XDG_CACHE_HOME with which these QEMUs have the names that `unpacked` takes.
CACHE: Final = realtree.ROOT / "build/test-cache"
#: The newest QEMU of the releases that tests use.
NEWEST: Final = "qemu@trixie-backports"


@functools.cache
def unpacked(name: str = NEWEST) -> str:
    """Path of the QEMU `name`; the test is skipped where its packages cannot be fetched.

    The first call downloads some 40 MB, which takes about ten seconds.
    """
    environ = {**os.environ, "XDG_CACHE_HOME": str(CACHE)}
    if not any(each.name == name for each in rootless.unpacked(environ)):
        done = realtree.kut(realtree.ROOT, "toolchain", "install", name, env=environ)
        if done.returncode:
            errors = [line for line in done.stderr.splitlines() if line.startswith("kut: error")]
            pytest.skip(f"{name}: {' '.join(errors) or done.stderr}")
        sys.stderr.write(done.stderr)
    return rootless.program(name, "qemu-system-aarch64", environ)
