# SPDX-License-Identifier: GPL-2.0-or-later
"""Shell commands that fix the problems of a host, ready to be pasted, or advice where none can.

They depend on the user and on the problem: with root or sudo packages are installed, otherwise they
are unpacked. A broken program that is not from a package is overridden instead of reinstalled.
"""

import errno
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kut_runner.build import python_packages, rootless
from kut_runner.build.toolchain import find_program
from kut_runner.health import distribution
from kut_runner.health.distribution import Distribution

#: Directories in which packages install programs.
_PACKAGE_DIRECTORIES: Final = ("/usr/bin", "/bin", "/usr/sbin", "/sbin")


class Advice(str):
    """A fix that is no command, as text for people."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Fixes:
    """Fixes that the user can apply on this host."""

    environ: Mapping[str, str]
    distribution: Distribution | None
    tree: Path | None
    is_root: bool

    def missing(self, tool: str) -> str:
        """Return the command that installs gcc, clang, qemu or gdb, or Advice."""
        if tool == "gcc" and self.environ.get("CROSS_COMPILE"):
            return "unset CROSS_COMPILE"
        if self.distribution is None:
            return Advice(f"install {tool} for arm64 with the package manager of this system")
        if self._can_install():
            return self._install(tool)
        return f"{self.kut()} toolchain install {tool}"

    def broken(self, tool: str, programs: Sequence[str], message: str = "") -> str:
        """Return the command that replaces gcc, clang or qemu, which consists of `programs`.

        If `message`, the output of one of them, reports a missing library, its package is not
        known; an unpacked set has all libraries that it needs.
        """
        foreign = (each for each in programs if not _is_packaged(each))
        program = next(foreign, programs[0])
        tools = rootless.directory(self.environ)
        if tools and program.startswith(f"{tools}/"):
            name = program.removeprefix(f"{tools}/").partition("/")[0]
            return f"{self.kut()} toolchain remove {name} && {self._unpack(name)}"
        if self.distribution is None:
            return Advice(f"reinstall {tool} for arm64, or remove {program}")
        has_libraries = "loading shared libraries" not in message
        if has_libraries and _is_packaged(program) and self._can_install():
            return self._install(tool, broken=True)
        if self.distribution is Distribution.DEBIAN:
            return f"{self._unpack(tool)} && {self._prefer(tool)}"
        if self.distribution is Distribution.MACOS:
            return self._install(tool, broken=True)
        sudo = "" if self.is_root else "sudo "
        return f"{sudo}rm {shlex.quote(program)} && {self._install(tool)}"

    def newer_qemu(self, program: str) -> str:
        """Return the command that provides a newer QEMU than `program`."""
        if self.distribution is Distribution.DEBIAN and (release := distribution.newer_release()):
            return f"{self._unpack(f'qemu@{release}')} && {self._prefer(f'qemu@{release}')}"
        return Advice(f"name a newer QEMU than {program} with --qemu or KUT_QEMU")

    def package(self, name: str, *, broken: bool = True) -> str:
        """Return the command that installs a Python package for kut; reinstalls it if `broken`."""
        return python_packages.install(name, tree=self.tree, again=broken)

    def unwritable(self, directory: Path, error: OSError) -> str:
        """Return the command that makes a directory of the tree writable."""
        path = shlex.quote(str(directory))
        if directory.exists() and not directory.is_dir():
            return f"rm {path}"
        existing = directory if directory.exists() else directory.parent
        denied = error.errno in {errno.EACCES, errno.EPERM}
        if denied and existing.stat().st_uid == os.geteuid():
            return f"chmod -R u+rwX {shlex.quote(str(existing))}"
        if denied and find_program("sudo", self.environ):
            return f"sudo mkdir -p {path} && sudo chown -R {os.geteuid()} {path}"
        tree = directory.parent
        copy = "git clone" if (tree / ".git").exists() else "cp -R"
        return f"{copy} {shlex.quote(str(tree))} ~/{shlex.quote(tree.name)}-of-mine"

    def kut(self) -> str:
        """Return the command that calls kut from a shell in the current directory."""
        if find_program("kut", self.environ):
            return "kut"
        script = self.tree and self.tree / "scripts/kut"
        if self.tree and script and script.exists() and Path(sys.prefix) == self.tree / ".venv":
            is_here = Path.cwd() == self.tree
            return "scripts/kut" if is_here else shlex.quote(str(script))
        return f"{shlex.quote(sys.executable)} -m kut_runner"

    def _can_install(self) -> bool:
        """Return whether to install packages: the user may do so, or they cannot be unpacked."""
        if self.distribution is not Distribution.DEBIAN:
            return True
        return self.is_root or find_program("sudo", self.environ) is not None

    def _install(self, tool: str, *, broken: bool = False) -> str:
        if self.distribution is None:
            return ""
        sudo = not self.is_root
        return distribution.install(tool, self.distribution, broken=broken, sudo=sudo)

    def _unpack(self, name: str) -> str:
        return f"{self.kut()} toolchain install {name}"

    def _prefer(self, name: str) -> str:
        """Return the command that makes the shell prefer an unpacked set of tools."""
        if name.startswith("qemu"):
            return f"export KUT_QEMU={name}"
        directory = f"{rootless.directory(self.environ)}/{name}/bin"
        return f'unset CROSS_COMPILE && export PATH={shlex.quote(directory)}:"$PATH"'


def _is_packaged(program: str) -> bool:
    return str(Path(program).parent) in _PACKAGE_DIRECTORIES
