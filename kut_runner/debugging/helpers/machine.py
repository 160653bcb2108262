# SPDX-License-Identifier: GPL-2.0-or-later
"""A stopped machine: the interface of a debugger, and memory as the host at EL2 sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

_ADDRESS_MASK = (1 << 48) - 1
_PAGE = 0x1000
_LAST = 3
#: Page shifts by the TG0 field of TCR_EL2 and VTCR_EL2.
PAGE_SHIFTS = {0: 12, 1: 16, 2: 14}


class CommandError(Exception):
    """A command that cannot be carried out; the text gives the reason."""


class UnreadableError(CommandError):
    """Memory that cannot be read."""


class Value(NamedTuple):
    """Value of an expression."""

    number: int
    """The value itself; for a structure its address."""
    struct: str = ""
    """Name of the structure that it is or points to, "" for other values."""


class Member(NamedTuple):
    """A member of a structure: a number or pointer, or an array of them."""

    offset: int
    """In bytes, from the start of the structure."""
    size: int
    """Bytes of one element."""
    number: int = 1
    """Number of elements."""


class Debugger(Protocol):
    """The interface of a debugger that the commands use."""

    def evaluate(self, expression: str) -> Value:
        """Return the value of a C expression; raises CommandError."""

    def find_local(self, struct: str) -> int:
        """Return the nearest local variable that points to such a structure, 0 for none."""

    def members(self, struct: str) -> Mapping[str, Member]:
        """Return the members by name, nested ones as in "geometry.ds"; raises CommandError."""

    def enumerators(self, enum: str) -> Mapping[int, str]:
        """Return the names of an enumeration by value, the first of several.

        Raises CommandError for an unknown enumeration.
        """

    def register(self, name: str) -> int | None:
        """Return a register of the selected CPU, None when the debugger does not have it."""

    def read(self, address: int, size: int) -> bytes:
        """Return memory at a virtual address of the selected CPU; raises UnreadableError."""

    def read_physical(self, address: int, size: int) -> bytes:
        """Return physical memory; raises UnreadableError."""

    def symbol(self, address: int) -> str:
        """Return the symbol at an address, as "name+0x10"; "" for none."""


class Memory:
    """Memory of the host, also while the selected CPU is in a guest."""

    def __init__(self, debugger: Debugger) -> None:
        """Determine whether the selected CPU is in a guest."""
        self._debugger = debugger
        self.is_in_guest = is_in_guest(debugger)

    def read(self, address: int, size: int) -> bytes:
        """Return `size` bytes at a virtual address of the host; raises UnreadableError."""
        if not self.is_in_guest:
            return self._debugger.read(address, size)
        data = b""
        while len(data) < size:
            at = address + len(data)
            part = min(size - len(data), _PAGE - at % _PAGE)
            data += self._debugger.read_physical(self._physical(at), part)
        return data

    def word(self, address: int) -> int:
        """Return the 64-bit value at an address; raises UnreadableError."""
        return int.from_bytes(self.read(address, 8), "little")

    def _physical(self, address: int) -> int:
        """Translate an address by a walk of the stage-1 page tables of EL2."""
        register = self._debugger.register
        control, table = register("TCR_EL2"), register("TTBR0_EL2")
        if not (register("SCTLR_EL2") or 0) & 1:
            return address
        if control is None or table is None:
            raise UnreadableError("host memory cannot be read while the CPU is in a guest")
        shift = PAGE_SHIFTS.get(control >> 14 & 3, 12)
        bits = 64 - (control & 0x3F)
        table &= _ADDRESS_MASK & ~1
        for level in range(_LAST - (bits - shift - 1) // (shift - 3), _LAST + 1):
            low = shift + (_LAST - level) * (shift - 3)
            index = address >> low & (1 << shift - 3) - 1
            entry = int.from_bytes(self._debugger.read_physical(table + index * 8, 8), "little")
            if entry & 3 != 3 and (not entry & 1 or level == _LAST):  # noqa: PLR2004
                break
            table = entry & _ADDRESS_MASK & -(1 << shift)
            if level == _LAST or not entry & 2:
                return table & -(1 << low) | address & (1 << low) - 1
        raise UnreadableError(f"{address:#x} is not mapped on the host")


def is_in_guest(debugger: Debugger) -> bool:
    """Return whether the selected CPU is at EL1 or EL0 with stage 2 enabled."""
    level = (debugger.register("cpsr") or 0) >> 2 & 3
    return level in (0, 1) and bool((debugger.register("HCR_EL2") or 0) & 1)


class Record:
    """A structure in the host's memory, whose members are read on access."""

    def __init__(self, debugger: Debugger, memory: Memory, struct: str, address: int) -> None:
        """Refer to the structure at `address`; raises CommandError for an unknown one."""
        self.address = address
        self._memory = memory
        self._members = debugger.members(struct)

    def __contains__(self, name: str) -> bool:
        """Return whether the structure has such a member."""
        return name in self._members

    def __getitem__(self, name: str) -> int:
        """Return a member; raises CommandError, or UnreadableError for its memory."""
        return self.all(name)[0]

    def all(self, name: str) -> list[int]:
        """Return the elements of an array; raises as for one member."""
        if name not in self._members:
            raise CommandError(
                f"the structure has no member {name}: is the image of another version?"
            )
        offset, size, number = self._members[name]
        data = self._memory.read(self.address + offset, size * number)
        return [
            int.from_bytes(data[at : at + size], "little") for at in range(0, size * number, size)
        ]
