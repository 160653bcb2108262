# SPDX-License-Identifier: GPL-2.0-or-later
"""A stopped machine as a debugger shows it, and its memory as the host at EL2 sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

_ADDRESS_MASK = (1 << 48) - 1
_PAGE = 0x1000
_LAST = 3
#: Page shift by the granule field of TCR_EL2 and VTCR_EL2.
PAGE_SHIFTS = {0: 12, 1: 16, 2: 14}


class CommandError(Exception):
    """A command cannot do what it is asked for; the text says why."""


class UnreadableError(CommandError):
    """Memory that cannot be read."""


class Value(NamedTuple):
    """What an expression stands for."""

    number: int
    """Its value; of a structure its address."""
    struct: str = ""
    """Name of the structure that it is or points to, "" for any other value."""


class Member(NamedTuple):
    """A number or pointer, or an array of them, inside a structure."""

    offset: int
    size: int
    """Bytes of one."""
    number: int = 1


class Debugger(Protocol):
    """What the helpers ask of a debugger."""

    def evaluate(self, expression: str) -> Value:
        """Return what an expression of the program's language stands for; raises Complaint."""

    def find_local(self, struct: str) -> int:
        """Return the nearest variable that points to such a structure, 0 where there is none."""

    def members(self, struct: str) -> Mapping[str, Member]:
        """Return the members by name, inner ones as in "geometry.ds"; raises Complaint."""

    def enumerators(self, enum: str) -> Mapping[int, str]:
        """Return the names of an enumeration by value, the first of several; raises Complaint."""

    def register(self, name: str) -> int | None:
        """Return a register of the CPU that is looked at, None when it is not given."""

    def read(self, address: int, size: int) -> bytes:
        """Return memory as the CPU that is looked at sees it; raises UnreadableError."""

    def read_physical(self, address: int, size: int) -> bytes:
        """Return physical memory; raises UnreadableError."""

    def symbol(self, address: int) -> str:
        """Return the symbol that has an address, as "name+0x10"; "" for none."""


class Memory:
    """The host's memory, whatever the CPU that is looked at is doing: it may be in a guest."""

    def __init__(self, debugger: Debugger) -> None:
        """Find out where that CPU is."""
        self._debugger = debugger
        self.is_in_guest = is_in_guest(debugger)

    def read(self, address: int, size: int) -> bytes:
        """Return bytes; raises UnreadableError."""
        if not self.is_in_guest:
            return self._debugger.read(address, size)
        data = b""
        while len(data) < size:
            at = address + len(data)
            part = min(size - len(data), _PAGE - at % _PAGE)
            data += self._debugger.read_physical(self._physical(at), part)
        return data

    def word(self, address: int) -> int:
        """Return 64 bits; raises UnreadableError."""
        return int.from_bytes(self.read(address, 8), "little")

    def _physical(self, address: int) -> int:
        """Walk the tables of EL2's own stage 1."""
        register = self._debugger.register
        control, table = register("TCR_EL2"), register("TTBR0_EL2")
        if not (register("SCTLR_EL2") or 0) & 1:
            return address
        if control is None or table is None:
            raise UnreadableError("the host's memory cannot be seen from inside a guest here")
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
        raise UnreadableError(f"the host has no memory at {address:#x}")


def is_in_guest(debugger: Debugger) -> bool:
    """Tell whether the CPU that is looked at is below EL2, behind a stage 2."""
    level = (debugger.register("cpsr") or 0) >> 2 & 3
    return level in (0, 1) and bool((debugger.register("HCR_EL2") or 0) & 1)


class Record:
    """A structure in the host's memory, read when it is asked for."""

    def __init__(self, debugger: Debugger, memory: Memory, struct: str, address: int) -> None:
        """Look at the structure at `address`; raises Complaint for an unknown one."""
        self.address = address
        self._memory = memory
        self._members = debugger.members(struct)

    def __contains__(self, name: str) -> bool:
        """Tell whether there is such a member."""
        return name in self._members

    def __getitem__(self, name: str) -> int:
        """Return a number; raises UnreadableError."""
        return self.all(name)[0]

    def all(self, name: str) -> list[int]:
        """Return the numbers of an array; raises Complaint."""
        if name not in self._members:
            raise CommandError(
                f"the structure has no member {name}: is the image of another version?"
            )
        offset, size, number = self._members[name]
        data = self._memory.read(self.address + offset, size * number)
        return [
            int.from_bytes(data[at : at + size], "little") for at in range(0, size * number, size)
        ]
