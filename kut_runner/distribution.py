# SPDX-License-Identifier: GPL-2.0-or-later
"""What a tool is called by the distribution this is, and the command that installs it."""

import os
import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kut_runner.toolchain import find_program

if TYPE_CHECKING:
    from collections.abc import Mapping

_RELEASE: Final = Path("/etc/os-release")


class Distribution(Enum):
    """The kinds of distribution whose packages are known."""

    DEBIAN = "debian"
    FEDORA = "fedora"
    ARCH = "arch"
    MACOS = "macos"


#: Packages by what is needed; as in scripts/setup.sh, which a test holds.
PACKAGES: Final[dict[str, dict[Distribution, str]]] = {
    name: dict(zip(Distribution, packages, strict=True))
    for name, packages in {
        "qemu": ("qemu-system-arm", "qemu-system-aarch64", "qemu-system-aarch64", "qemu"),
        "gcc": (
            *("gcc-aarch64-linux-gnu", "gcc-aarch64-linux-gnu"),
            *("aarch64-linux-gnu-gcc", "aarch64-elf-gcc"),
        ),
        "clang": ("clang lld llvm", "clang lld llvm", "clang lld llvm", "llvm lld"),
        "gdb": ("gdb-multiarch", "gdb", "gdb", "gdb"),
    }.items()
}

_INSTALL: Final = {
    Distribution.DEBIAN: "apt-get install --no-install-recommends",
    Distribution.FEDORA: "dnf install",
    Distribution.ARCH: "pacman -S",
    Distribution.MACOS: "brew install",
}
_REINSTALL: Final = {
    Distribution.DEBIAN: "apt-get install --reinstall",
    Distribution.FEDORA: "dnf reinstall",
    Distribution.ARCH: "pacman -S",
    Distribution.MACOS: "brew reinstall",
}


def identify(platform: str = sys.platform, release: Path = _RELEASE) -> Distribution | None:
    """Return what this machine runs, None where its packages are not known."""
    if platform == "darwin":
        return Distribution.MACOS
    try:
        lines = release.read_text().splitlines()
    except OSError:
        return None
    fields = dict(line.partition("=")[::2] for line in lines)
    words = [fields.get(key, "").strip("\"'") for key in ("ID", "ID_LIKE")]
    names = " ".join(words).replace("ubuntu", "debian").replace("rhel", "fedora").split()
    return next((each for each in Distribution if each.value in names), None)


def fix(
    what: str,
    distribution: Distribution | None,
    environ: "Mapping[str, str]",
    *,
    broken: bool = False,
    is_root: bool | None = None,
) -> str:
    """Return the command that installs `what`, a key of PACKAGES, or one that is `broken` again.

    Without root and sudo, on Debian and its kin, that is the one that unpacks it for this user.
    """
    if distribution is None:
        return f"install {what} for arm64 with the package manager of this system"
    install = (_REINSTALL if broken else _INSTALL)[distribution]
    command = f"{install} {PACKAGES[what][distribution]}"
    if is_root is None:
        is_root = os.geteuid() == 0
    if is_root or distribution is Distribution.MACOS:
        return command
    if distribution is Distribution.DEBIAN and not find_program("sudo", environ):
        return f"kut toolchain install {what}"
    return f"sudo {command}"
