# SPDX-License-Identifier: GPL-2.0-or-later
"""Symbol files for debuggers: copies of ELF files without code at address 0.

An image is linked at 0. The debug information of functions that the linker dropped has address 0 as
well, so a debugger takes the code in the first bytes for them. gdb and lldb ignore such functions
only if no section with code is there. In the copy the section begins after the header of the
image, 64 bytes of which only the first four are an instruction; and the addresses in the tables by
which lldb finds compilation units are out of the way.
"""

import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kut_runner.errors import InfrastructureError
from kut_runner.process.capture import create, write_all

if TYPE_CHECKING:
    from elftools.elf.elffile import ELFFile

#: Bytes of the header of an image, as of a Linux kernel (Documentation/arch/arm64/booting.rst).
_HEADER: Final = 64
#: Offset of sh_addr in an Elf64_Shdr; sh_offset and sh_size follow.
_SH_ADDR: Final = 16
_EXECUTABLE: Final = 4
#: An address that no machine has.
_NOWHERE: Final = 1 << 63
#: Bytes of the header of a unit in .debug_aranges, with its padding, and in .debug_addr.
_ARANGES_HEADER, _ADDR_HEADER = 16, 8
#: Bytes of a unit's length field, which does not count itself.
_LENGTH: Final = 4


def write(elf: Path, directory: Path) -> Path:
    """Write the symbol file for `elf` below `directory`, by build and name, and return its path.

    Another process may use or write the same file. Raises InfrastructureError for an invalid file,
    and OSError.
    """
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    data = bytearray(elf.read_bytes())
    try:
        with elf.open("rb") as file:
            _clear_address_zero(ELFFile(file), data)
    except (ELFError, struct.error) as error:
        raise InfrastructureError(f"{elf}: invalid ELF file: {error}") from None
    copy = directory / elf.parent.name / elf.name
    temporary = copy.with_name(f".{copy.name}.{os.getpid()}")
    with create(temporary) as target:
        write_all(target, temporary, bytes(data))
    return temporary.replace(copy)


def _clear_address_zero(elf: "ELFFile", data: bytearray) -> None:
    for number, section in enumerate(elf.iter_sections()):
        header = elf["e_shoff"] + number * elf["e_shentsize"]
        is_code = section["sh_flags"] & _EXECUTABLE
        if is_code and section["sh_addr"] == 0 and section["sh_size"] > _HEADER:
            values = _HEADER, section["sh_offset"] + _HEADER, section["sh_size"] - _HEADER
            struct.pack_into("<3Q", data, header + _SH_ADDR, *values)
        elif section.name == ".debug_aranges":
            _move_zeros(section, data, _ARANGES_HEADER, 2)
        elif section.name == ".debug_addr":
            _move_zeros(section, data, _ADDR_HEADER, 1)


def _move_zeros(section: Any, data: bytearray, header: int, words: int) -> None:  # noqa: ANN401
    """Replace zero addresses of a table's entries, which have one or two words of 8 bytes."""
    at, end = section["sh_offset"], section["sh_offset"] + section["sh_size"]
    while at < end:
        after = at + _LENGTH + struct.unpack_from("<I", data, at)[0]
        for entry in range(at + header, after, words * 8):
            is_last = words > 1 and not any(data[entry : entry + words * 8])
            if not any(data[entry : entry + 8]) and not is_last:
                struct.pack_into("<Q", data, entry, _NOWHERE)
        at = after
