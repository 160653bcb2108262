# SPDX-License-Identifier: GPL-2.0-or-later
"""The command that mends what is wrong on a machine: one to paste into a shell as it stands.

What of it works depends on who asks and on what is broken: root or sudo install packages, others
unpack them. A program that the distribution did not bring is not mended by its packages; it is
passed over.
"""

import errno
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kut_runner.build import rootless
from kut_runner.build.toolchain import find_program
from kut_runner.health import distribution
from kut_runner.health.distribution import Distribution

#: Where distributions have the programs of their packages.
_OF_PACKAGES: Final = ("/usr/bin", "/bin", "/usr/sbin", "/sbin")


@dataclass(frozen=True, slots=True)
class Fixes:
    """What can be done on a machine by who asks."""

    environ: Mapping[str, str]
    distribution: Distribution | None
    tree: Path | None
    is_root: bool

    def missing(self, what: str) -> str:
        """Return what installs gcc, clang, qemu or gdb."""
        if what == "gcc" and self.environ.get("CROSS_COMPILE"):
            return "unset CROSS_COMPILE"
        if self.distribution is None:
            return f"install {what} for arm64 with the package manager of this system"
        if self._can_install():
            return self._install(what)
        return f"{self.kut()} toolchain install {what}"

    def broken(self, what: str, programs: Sequence[str], output: str = "") -> str:
        """Return what exchanges gcc, clang or qemu, of which these programs are used.

        When the dynamic linker's `output` says that one of them lacks a library, no known package
        has it; unpacked tools bring all of their own.
        """
        foreign = (each for each in programs if not _is_packaged(each))
        program = next(foreign, programs[0])
        tools = rootless.directory(self.environ)
        if tools and program.startswith(f"{tools}/"):
            name = program.removeprefix(f"{tools}/").partition("/")[0]
            return f"{self.kut()} toolchain remove {name} && {self._unpack(name)}"
        if self.distribution is None:
            return f"install {what} for arm64 again, or take {program} out of the way"
        complete = "loading shared libraries" not in output
        if complete and _is_packaged(program) and self._can_install():
            return self._install(what, broken=True)
        if self.distribution is Distribution.DEBIAN:
            return f"{self._unpack(what)} && {self._prefer(what)}"
        if self.distribution is Distribution.MACOS:
            return self._install(what, broken=True)
        return f"take {program} out of the way, and then: {self._install(what)}"

    def another_qemu(self, program: str) -> str:
        """Return what brings a newer QEMU than `program`."""
        if self.distribution is Distribution.DEBIAN and (release := distribution.newer_release()):
            return f"{self._unpack(f'qemu@{release}')} && {self._prefer(f'qemu@{release}')}"
        return f"let --qemu or KUT_QEMU name a newer one than {program}"

    def package(self, name: str, *, broken: bool = True) -> str:
        """Return what installs a Python package beside kut."""
        again = ["--force-reinstall"] if broken else []
        pins = self.tree / "constraints.txt" if self.tree else None
        bounds = ["-c", str(pins)] if pins and pins.exists() else []
        return shlex.join([sys.executable, "-m", "pip", "install", *again, *bounds, name])

    def unwritable(self, directory: Path, error: OSError) -> str:
        """Return what lets a directory of the tree be written."""
        path = shlex.quote(str(directory))
        if directory.exists() and not directory.is_dir():
            return f"rm {path}"
        available = directory if directory.exists() else directory.parent
        denied = error.errno in {errno.EACCES, errno.EPERM}
        if denied and available.stat().st_uid == os.geteuid():
            return f"chmod -R u+rwX {shlex.quote(str(available))}"
        if denied and find_program("sudo", self.environ):
            return f"sudo mkdir -p {path} && sudo chown -R {os.geteuid()} {path}"
        return f"git clone {shlex.quote(str(directory.parent))} into a directory that is yours"

    def kut(self) -> str:
        """Return how kut is called from a shell here."""
        if find_program("kut", self.environ):
            return "kut"
        door = self.tree and self.tree / "scripts/kut"
        if self.tree and door and door.exists() and Path(sys.prefix) == self.tree / ".venv":
            at_hand = Path.cwd() == self.tree
            return "scripts/kut" if at_hand else shlex.quote(str(door))
        return f"{shlex.quote(sys.executable)} -m kut_runner"

    def _can_install(self) -> bool:
        """Tell whether packages can be installed, or nothing but that is left."""
        if self.distribution is not Distribution.DEBIAN:
            return True
        return self.is_root or find_program("sudo", self.environ) is not None

    def _install(self, what: str, *, broken: bool = False) -> str:
        if self.distribution is None:
            return ""
        sudo = not self.is_root
        return distribution.install(what, self.distribution, broken=broken, sudo=sudo)

    def _unpack(self, name: str) -> str:
        return f"{self.kut()} toolchain install {name}"

    def _prefer(self, name: str) -> str:
        """Return what makes this shell use a set that is unpacked before all else."""
        if name.startswith("qemu"):
            return f"export KUT_QEMU={name}"
        directory = f"{rootless.directory(self.environ)}/{name}/bin"
        return f'unset CROSS_COMPILE && export PATH={shlex.quote(directory)}:"$PATH"'


def _is_packaged(program: str) -> bool:
    return str(Path(program).parent) in _OF_PACKAGES
