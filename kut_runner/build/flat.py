# SPDX-License-Identifier: GPL-2.0-or-later
"""Conversion of ELF files to flat images, for toolchains without objcopy.

A stand-alone program with the arguments of objcopy: `python flat.py -O binary ELF FLAT`. The build
runs it by path, so that it must not import other modules of kut.
"""

import sys
from pathlib import Path
from typing import Final

_ALLOCATED: Final = 2


def flatten(elf: Path) -> bytes:
    """Return the loaded bytes of an ELF file, from its lowest address.

    Raises OSError, and ELFError for an invalid file.
    """
    from elftools.elf.elffile import ELFFile

    with elf.open("rb") as file:
        parts = [
            (section["sh_addr"], section.data())
            for section in ELFFile(file).iter_sections()
            if section["sh_flags"] & _ALLOCATED
            and section["sh_type"] != "SHT_NOBITS"
            and section["sh_size"]
        ]
    base = min((address for address, _ in parts), default=0)
    flat = bytearray()
    for address, data in sorted(parts):
        flat.extend(bytes(address - base - len(flat)))
        flat.extend(data)
    return bytes(flat)


if __name__ == "__main__":
    source, target = sys.argv[-2:]
    Path(target).write_bytes(flatten(Path(source)))
