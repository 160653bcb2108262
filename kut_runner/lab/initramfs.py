# SPDX-License-Identifier: GPL-2.0-or-later
"""User space of the lab, as an initramfs: busybox, the VMM and `init`."""

from pathlib import Path
from typing import Final

from kut_runner.lab import store
from kut_runner.lab.cpio import Archive

_INIT: Final = Path(__file__).with_name("init")
_NAME: Final = "initramfs.cpio"
_DIRECTORIES: Final = ("bin", "dev", "proc", "sys", "test")
#: Device of the kernel's console, for messages before devtmpfs is mounted.
_CONSOLE: Final = (5, 1)


def create(kind: Path, busybox: Path, vmm: Path) -> Path:
    """Return the initramfs with these programs, kept in the directory `kind`."""
    archive = Archive()
    for name in _DIRECTORIES:
        archive.add_directory(name)
    archive.add_character_device("dev/console", *_CONSOLE)
    archive.add_file("init", _INIT.read_bytes(), executable=True)
    archive.add_file("bin/busybox", busybox.read_bytes(), executable=True)
    archive.add_file("bin/kut-vmm", vmm.read_bytes(), executable=True)
    data = archive.finish()

    def make(directory: Path) -> None:
        (directory / _NAME).write_bytes(data)

    return store.made(kind, store.key([data]), make) / _NAME
