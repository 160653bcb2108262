# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `mmio`: loads and stores that the host emulates with nothing but their syndrome.

Those of area `s2iss` that have one. The host takes the register from SRT for a store, puts a value
into it for a load, and resumes the guest at the next instruction.
"""

from collections.abc import Iterator
from functools import cache
from typing import Final

from kut_model.areas.s2iss import ADDRESS, OFFSET, Case, accesses
from kut_model.rows import Area, Row
from kut_model.tables.arrays import HVC, NeedsTable, array, code, initialiser
from kut_model.translation.load_store import is_store, loaded, transfer_bits

#: Of the access; x1 has it.
IPA: Final = 0x8000_0000
#: What the device has there: each part of it is negative.
_DEVICE: Final = 0x8182_8384_8586_8788
_XZR: Final = 31


@cache
def _cases() -> tuple[Case, ...]:
    return tuple(case for case in accesses() if case.syndrome)


def _register(number: int) -> int:
    """Return what a register has before the access."""
    fixed = {ADDRESS: IPA, OFFSET: 0, _XZR: 0}
    return fixed.get(number, (0xC0 + number) * 0x0101_0101_0101_0101)


def _value(case: Case) -> int:
    """Return what is stored, or what the register has after the load."""
    if not is_store(case.insn):
        return loaded(case.syndrome, _DEVICE)
    return _register(_rt(case)) & ((1 << transfer_bits(case.syndrome)) - 1)


def _rt(case: Case) -> int:
    return case.insn & _XZR


def _describe(case: Case) -> str:
    bits = transfer_bits(case.syndrome)
    if is_store(case.insn):
        return f"{bits} bits stored: {_value(case):#x}"
    if _rt(case) == _XZR:
        return f"{bits} bits loaded: no register changes"
    return f"{bits} bits loaded: x{_rt(case)} is {_value(case):#x}, no other register changes"


def _rows() -> list[Row]:
    return [
        Row(f"mmio.{case.name}", "s2.emulation", _describe(case), case.needs) for case in _cases()
    ]


def _header() -> Iterator[str]:
    """Yield the tables in C: instructions, each before an HVC, and their values."""
    needs = NeedsTable()
    rows = [
        initialiser(
            *(f'"{case.name}"', f"UL({_value(case):#x})", transfer_bits(case.syndrome), _rt(case)),
            *(str(is_store(case.insn)).lower(), needs.add(case.needs)),
        )
        for case in _cases()
    ]
    yield f"#define MMIO_IPA UL({IPA:#x})\n#define MMIO_DEVICE UL({_DEVICE:#x})\n"
    yield code("MMIO_CODE", ((case.insn, HVC) for case in _cases()))
    yield array("u64", "mmio_registers", (f"UL({_register(number):#x})" for number in range(31)))
    yield needs.declaration("mmio_needs")
    yield array("struct mmio_row", "mmio_rows", rows)


AREA: Final = Area(
    "mmio",
    "emulation of loads and stores by their syndrome",
    _rows,
    lambda: "".join(_header()),
)
