# SPDX-License-Identifier: GPL-2.0-or-later
"""Stacks of a stopped machine: of the host, of a guest, and of the handler of a guest's exit.

While a guest runs, and in the vectors for its exits, SP_EL2 points to its struct guest. That
contains the guest's registers, a dispatch table whose entries hold the address of a frame record,
and this record, which is of the host's code that runs the guest. The stack of a handler leads to
the same record.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from kut_runner.process.snapshot import GuestPlace
from kut_runner.targets.remote import Steps, Stub

#: Most frames of a stack.
_MOST_FRAMES: Final = 32
_ADDRESS_BITS: Final = 48
_WORD: Final = 8
#: Members of struct guest, in words; lib/arm64/asm-offsets.c asserts them.
_X29, _X30, _ELR, _SPSR, _ESR = 29, 30, 31, 33, 34
_DISPATCH_FRAMES: Final = range(39, 55, 2)
_HOST_FRAME: Final = 55
_AARCH32: Final = 1 << 4


@dataclass(frozen=True, slots=True)
class Stacks:
    """Stacks of a CPU at EL2."""

    stack: tuple[int, ...] = ()
    """Return addresses, up to the code that runs the guest."""
    host_stack: tuple[int, ...] = ()
    """Return addresses of that code."""
    guest: GuestPlace | None = None
    """Place of the guest, for a handler."""
    is_between: bool = False
    """Whether the CPU is in the vectors."""


def unwind(stub: Stub, frame: int) -> Steps[tuple[int, ...]]:
    """Return the return addresses of a chain of frame records (AAPCS64)."""
    return tuple((yield from _records(stub, frame)).values())


def host_of_guest(stub: Stub, guest: int) -> Steps[tuple[int, ...]]:
    """Return the return addresses of the code that runs the guest at `guest`; () without one.

    The CPU must be at EL2.
    """
    if (yield from _read_guest(stub, guest)):
        return (yield from unwind(stub, guest + _HOST_FRAME * _WORD))
    return ()


def at_el2(stub: Stub, registers: Mapping[str, int]) -> Steps[Stacks]:
    """Return the stacks of a CPU at EL2 whose stage 2 is enabled."""
    if host := (yield from host_of_guest(stub, registers["sp"])):
        return Stacks(host_stack=host, is_between=True)
    records = yield from _records(stub, registers["x29"])
    addresses = tuple(records.values())
    for number, record in enumerate(records):
        guest = yield from _read_guest(stub, record - _HOST_FRAME * _WORD)
        if guest:
            place = yield from _place(stub, guest, registers["cpsr"])
            return Stacks(addresses[:number], addresses[number:], place)
    return Stacks(addresses)


def _read_guest(stub: Stub, address: int) -> Steps[tuple[int, ...]]:
    """Return the words of a struct guest up to its frame record; () if there is none."""
    if address < 0 or address % _WORD:
        return ()
    words = tuple(_words((yield from stub.memory(address, _HOST_FRAME * _WORD))))
    frame = address + _HOST_FRAME * _WORD
    is_guest = len(words) == _HOST_FRAME and all(words[at] == frame for at in _DISPATCH_FRAMES)
    return words if is_guest else ()


def _place(stub: Stub, guest: tuple[int, ...], state: int) -> Steps[GuestPlace]:
    """Return the place of a guest, whose memory is read in its state; `state` is the CPU's."""
    stack: tuple[int, ...] = ()
    if not guest[_SPSR] & _AARCH32:
        yield from stub.write_state(guest[_SPSR])
        stack = yield from unwind(stub, guest[_X29])
        yield from stub.write_state(state)
    return GuestPlace(guest[_ELR], guest[_ESR], _strip_pac(guest[_X30]), stack)


def _records(stub: Stub, frame: int) -> Steps[dict[int, int]]:
    """Return the return addresses of a chain by the addresses of their records."""
    found: dict[int, int] = {}
    while frame and frame % _WORD == 0 and frame not in found and len(found) < _MOST_FRAMES:
        record = tuple(_words((yield from stub.memory(frame, 2 * _WORD))))
        if len(record) < 2 or not record[1]:  # noqa: PLR2004 - the next record, and an address
            break
        found[frame] = _strip_pac(record[1])
        frame = record[0]
    return found


def _words(data: bytes) -> Iterator[int]:
    for at in range(0, len(data), _WORD):
        yield int.from_bytes(data[at : at + _WORD], "little")


def _strip_pac(address: int) -> int:
    """Return a return address without its pointer authentication code."""
    return address & (1 << _ADDRESS_BITS) - 1
