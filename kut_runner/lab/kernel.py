# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernels of the lab: their files, and the options that they need."""

import gzip
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kut_runner.errors import UsageError
from kut_runner.lab import store

#: Options that the lab needs as "y": it loads no modules.
NEEDED: Final = (
    "KVM",
    "BLK_DEV_INITRD",
    "BINFMT_ELF",
    "BINFMT_SCRIPT",
    "DEVTMPFS",
    "PROC_FS",
    "SYSFS",
    "SERIAL_AMBA_PL011_CONSOLE",
    "PCI_HOST_GENERIC",
    "VIRTIO_PCI",
    "VIRTIO_CONSOLE",
)

#: Places of the image in packages of Debian.
_IN_PACKAGE: Final = ("boot/vmlinuz-*", "usr/lib/modules/*/vmlinuz")
#: Places of the configuration: beside an image, and in a build tree of Linux.
_BESIDE: Final = (".config", "config", "../../../.config")
#: Header of an image (Linux, Documentation/arch/arm64/booting.rst), and of one in an EFI wrapper.
_MAGIC_OFFSET: Final = 56
_MAGIC: Final = b"ARM\x64"
_WRAPPED: Final = b"zimg"
_WRAPPED_OFFSET: Final = 4
_ELF: Final = b"\x7fELF"
#: Configuration in an image (CONFIG_IKCONFIG): compressed by gzip, between two marks.
_IKCONFIG: Final = re.compile(rb"IKCFG_ST(\x1f\x8b.+?)IKCFG_ED", re.DOTALL)
_BANNER: Final = re.compile(rb"Linux version (\S{1,80}) \(")


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel image for arm64."""

    name: str
    """Name for `--kernel`: a version, or the path of a file."""
    image: Path
    release: str
    """Release, as uname prints it; "" if the image does not show it."""
    digest: str
    """Of the content."""


def of_package(name: str, directory: Path) -> Kernel:
    """Return the kernel in an unpacked package; raises UsageError if there is none.

    Nothing is read: the package is what its name says.
    """
    for pattern in _IN_PACKAGE:
        for image in sorted(directory.glob(pattern)):
            release = image.name.partition("-")[2] or image.parent.name
            return Kernel(name, image, release, store.key([directory.name]))
    raise UsageError(
        f"the package of kernel {name} has no image: {directory}",
        f"kut knows {' and '.join(_IN_PACKAGE)}",
    )


def of_file(path: Path) -> Kernel:
    """Return the kernel of a user; raises UsageError if it cannot be one, or lacks an option."""
    if not path.is_file():
        raise UsageError(f"kernel {path}: no such file", "give a version, or an image")
    path = path.absolute()
    data = path.read_bytes()
    if problem := _problem(data):
        raise UsageError(f"{path}: {problem}", "give arch/arm64/boot/Image of a build of Linux")
    config = embedded_config(data) or _config_beside(path)
    if config and (missing := missing_options(config)):
        options = " ".join(f"CONFIG_{option}=y" for option in missing)
        raise UsageError(f"{path}: the lab needs {options}", "set it and build the kernel again")
    banner = _BANNER.search(data)
    release = banner[1].decode(errors="replace") if banner else ""
    return Kernel(str(path), path, release, store.key([data]))


def missing_options(config: str) -> tuple[str, ...]:
    """Return the options of `NEEDED` that a configuration does not have as "y"."""
    found = set(re.findall(r"^CONFIG_(\w+)=y$", config, re.MULTILINE))
    return tuple(option for option in NEEDED if option not in found)


def embedded_config(data: bytes) -> str:
    """Return the configuration in an image, "" without one."""
    if match := _IKCONFIG.search(data):
        try:
            return gzip.decompress(match[1]).decode(errors="replace")
        except (OSError, EOFError, zlib.error):
            return ""
    return ""


def _problem(data: bytes) -> str:
    """Return the reason why data is no kernel image for arm64, "" if it may be one."""
    if data.startswith(_ELF):
        return "an ELF file, which QEMU does not boot as Linux"
    has_magic = data[_MAGIC_OFFSET : _MAGIC_OFFSET + len(_MAGIC)] == _MAGIC
    is_wrapped = data[_WRAPPED_OFFSET : _WRAPPED_OFFSET + len(_WRAPPED)] == _WRAPPED
    return "" if has_magic or is_wrapped else "not a kernel image for arm64"


def _config_beside(image: Path) -> str:
    """Return the configuration of an image from a file near it, "" without one."""
    names = (*_BESIDE, f"config-{image.name.removeprefix('vmlinuz-')}")
    path = next((path for name in names if (path := image.parent / name).is_file()), None)
    return path.read_text(errors="replace") if path else ""
