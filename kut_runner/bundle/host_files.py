# SPDX-License-Identifier: GPL-2.0-or-later
"""Files that the tests of a kvm-unit-tests build depend on: settings of the host, ELF files."""

import os
from pathlib import Path
from typing import Final

#: Offset of e_machine in an ELF header, and its value for arm64.
_ELF_MACHINE: Final = 18
_AARCH64: Final = 183
#: Most bytes of a setting.
_LARGEST_CHECK: Final = 4096


def other_machine(elf: Path) -> int:
    """Return the machine of an ELF file that is not for arm64; 0 for arm64 or without a file."""
    try:
        with elf.open("rb") as file:
            head = file.read(_ELF_MACHINE + 2)
    except OSError:
        return 0
    machine = int.from_bytes(head[_ELF_MACHINE:], "little")
    return machine if head.startswith(b"\x7fELF") and machine != _AARCH64 else 0


def content(path: Path) -> str | None:
    """Return the content of a short text file without final newlines, None if unreadable.

    It never waits: some files of the kernel have no data until an event happens.
    """
    try:
        if not path.is_file():
            return None
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
        try:
            data = os.read(descriptor, _LARGEST_CHECK)
        finally:
            os.close(descriptor)
    except OSError:
        return None
    return data.decode(errors="backslashreplace").rstrip("\n")
