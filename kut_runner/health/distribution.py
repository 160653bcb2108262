# SPDX-License-Identifier: GPL-2.0-or-later
"""What a tool is called by the distribution this is, and the command that installs it."""

import sys
from enum import Enum
from pathlib import Path
from typing import Final

_RELEASE: Final = Path("/etc/os-release")
_LISTS: Final = Path("/var/lib/apt/lists")


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

#: Those behind them, which hold most of the tool: to be installed again with them. For apt-get
#: these are patterns, installed packages by a part of the name, as theirs have versions in them.
_PARTS: Final[dict[str, dict[Distribution, str]]] = {
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
#: Where Debian and its kin keep the release that is newer than what is installed.
_NEWER: Final = {"debian": "stable", "ubuntu": "devel"}


def identify(platform: str = sys.platform, release: Path = _RELEASE) -> Distribution | None:
    """Return what this machine runs, None where its packages are not known."""
    if platform == "darwin":
        return Distribution.MACOS
    names = " ".join(_identity(release)).replace("ubuntu", "debian").replace("rhel", "fedora")
    return next((each for each in Distribution if each.value in names.split()), None)


def newer_release(release: Path = _RELEASE) -> str | None:
    """Return what names a newer release on this machine's mirror, None where nothing does."""
    return _NEWER.get((*_identity(release), "")[0])


def install(
    what: str,
    distribution: Distribution,
    *,
    broken: bool = False,
    sudo: bool = False,
) -> str:
    """Return the command that installs `what`, a key of PACKAGES, or a `broken` one once more.

    On Debian it fetches the lists of packages first where there are none.
    """
    privilege = "sudo " if sudo and distribution is not Distribution.MACOS else ""
    words = [(_REINSTALL if broken else _INSTALL)[distribution], PACKAGES[what][distribution]]
    if broken:
        words.append(_PARTS[what][distribution])
    command = f"{privilege}{' '.join(filter(None, words))}"
    if distribution is Distribution.DEBIAN and not any(_LISTS.glob("*_Packages*")):
        return f"{privilege}apt-get update && {command}"
    return command


def _identity(release: Path) -> list[str]:
    """Return what the distribution calls itself, and then what it is like."""
    try:
        lines = release.read_text().splitlines()
    except OSError:
        return []
    fields = dict(line.partition("=")[::2] for line in lines)
    return [fields.get(key, "").strip("\"'") for key in ("ID", "ID_LIKE")]
