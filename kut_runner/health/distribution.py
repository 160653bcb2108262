# SPDX-License-Identifier: GPL-2.0-or-later
"""Distributions: names of packages, and the commands that install them."""

import sys
from enum import Enum
from pathlib import Path
from typing import Final

_RELEASE: Final = Path("/etc/os-release")
_LISTS: Final = Path("/var/lib/apt/lists")


class Distribution(Enum):
    """Families of distributions with known packages."""

    DEBIAN = "debian"
    FEDORA = "fedora"
    ARCH = "arch"
    MACOS = "macos"


#: Packages by tool; a test compares them with scripts/setup.sh.
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

#: Dependencies that hold most of a tool, to be reinstalled with it. For apt-get they are patterns
#: that match installed packages by a part of their names, which contain versions.
_DEPENDENCIES: Final[dict[str, dict[Distribution, str]]] = {
    name: dict(zip(Distribution, packages, strict=True))
    for name, packages in {
        "qemu": ("'~i~nqemu'", "qemu-system-aarch64-core", "qemu-common", ""),
        "gcc": (
            *("'~i~naarch64-linux-gnu'", "binutils-aarch64-linux-gnu"),
            *("aarch64-linux-gnu-binutils", "aarch64-elf-binutils"),
        ),
        "clang": (
            *("'~i~nclang' '~i~nlld' '~i~nllvm'", "clang-libs lld-libs llvm-libs"),
            *("llvm-libs", ""),
        ),
    }.items()
}

_INSTALL: Final = {
    Distribution.DEBIAN: "apt-get install --no-install-recommends",
    Distribution.FEDORA: "dnf install",
    Distribution.ARCH: "pacman -S",
    Distribution.MACOS: "brew install",
}
_REINSTALL: Final = {
    Distribution.DEBIAN: "apt-get install --reinstall --no-install-recommends",
    Distribution.FEDORA: "dnf reinstall",
    Distribution.ARCH: "pacman -S",
    Distribution.MACOS: "brew reinstall",
}
#: Suites with a newer release, by ID of the distribution.
_NEWER: Final = {"debian": "stable", "ubuntu": "devel"}


def identify(platform: str = sys.platform, release: Path = _RELEASE) -> Distribution | None:
    """Return the distribution of this host, None if its packages are not known."""
    if platform == "darwin":
        return Distribution.MACOS
    names = " ".join(_identity(release)).replace("ubuntu", "debian").replace("rhel", "fedora")
    return next((each for each in Distribution if each.value in names.split()), None)


def newer_release(release: Path = _RELEASE) -> str | None:
    """Return the suite of a newer release on this host's mirror, None if it has none."""
    return _NEWER.get((*_identity(release), "")[0])


def install(
    tool: str,
    distribution: Distribution,
    *,
    broken: bool = False,
    sudo: bool = False,
) -> str:
    """Return the command that installs `tool`, a key of PACKAGES; reinstalls it if `broken`.

    On Debian it also fetches the package lists if they are missing.
    """
    privilege = "sudo " if sudo and distribution is not Distribution.MACOS else ""
    parts = [(_REINSTALL if broken else _INSTALL)[distribution], PACKAGES[tool][distribution]]
    if broken:
        parts.append(_DEPENDENCIES[tool][distribution])
    command = f"{privilege}{' '.join(filter(None, parts))}"
    if distribution is Distribution.DEBIAN and not any(_LISTS.glob("*_Packages*")):
        return f"{privilege}apt-get update && {command}"
    return command


def _identity(release: Path) -> list[str]:
    """Return ID and ID_LIKE of os-release; nothing when it cannot be read."""
    try:
        lines = release.read_text().splitlines()
    except OSError:
        return []
    fields = dict(line.partition("=")[::2] for line in lines)
    return [fields.get(key, "").strip("\"'") for key in ("ID", "ID_LIKE")]
