# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `s2iss`: the instruction syndrome of loads and stores that fault at stage 2.

Every form of A64 load and store, with registers 0 to 31 where the syndrome has the register. x1 is
the address, x2 an offset of 0. Rows `walk` have the fault on the stage-1 walk instead: there ISV is
0 for all of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from kut_model.rows import Area, Row
from kut_model.tables.arrays import BRK, NeedsTable, array, code, initialiser
from kut_model.translation.access import READ
from kut_model.translation.faults import Fault, FaultType
from kut_model.translation.load_store import instruction_syndrome, is_store
from kut_model.translation.syndromes import abort

ADDRESS, OFFSET = 1, 2  # registers
#: Size and opc of loads and stores of one register.
_SIZES: Final = {
    "strb": (0, 0),
    "ldrb": (0, 1),
    "ldrsb-x": (0, 2),
    "ldrsb-w": (0, 3),
    "strh": (1, 0),
    "ldrh": (1, 1),
    "ldrsh-x": (1, 2),
    "ldrsh-w": (1, 3),
    "str-w": (2, 0),
    "ldr-w": (2, 1),
    "ldrsw": (2, 2),
    "str-x": (3, 0),
    "ldr-x": (3, 1),
}
#: Addressing modes: bits beside size, opc and registers (C4.1, Loads and stores).
_MODES: Final = {
    "unsigned": 0x39000000,
    "unscaled": 0x38000000,
    "unprivileged": 0x38000800,
    "register": 0x38206800 | OFFSET << 16,
}
_WRITEBACK: Final = {"post": 0x38000400, "pre": 0x38000C00}
_REGISTERS: Final = tuple(range(32))
_XZR: Final = 31
_SOME: Final = (0, 3, 30, 31)


@dataclass(frozen=True, slots=True)
class Case:
    """A row."""

    name: str
    insn: int
    needs: tuple[str, ...] = ()
    on_walk: bool = False

    @property
    def iss(self) -> int:
        """ISS: the fault is of translation, at level 3."""
        fault = Fault(FaultType.TRANSLATION, 2, 3, on_walk=self.on_walk, write=is_store(self.insn))
        return abort(fault, READ, READ.el).iss | (0 if self.on_walk else self.syndrome)

    @property
    def syndrome(self) -> int:
        """ISS[24:14] where the fault is not that of a walk."""
        return instruction_syndrome(self.insn)


def _single() -> Iterator[Case]:
    """Yield loads and stores of one register."""
    for name, (size, opc) in _SIZES.items():
        for mode, bits in _MODES.items():
            insn = size << 30 | opc << 22 | bits | ADDRESS << 5
            for register in _REGISTERS:
                yield Case(f"{name}.{mode}.r{register}", insn | register)
        for mode, bits in _WRITEBACK.items():
            insn = size << 30 | opc << 22 | bits | ADDRESS << 5
            for register in _SOME:
                yield Case(f"{name}.{mode}.r{register}", insn | register)


def _ordered() -> Iterator[Case]:
    """Yield LDAR, STLR, LDAPR, LDAPUR and STLUR.

    Not LDLAR and STLLR: the manual does not say whether ordering in a LORegion counts for AR.
    """
    forms = (
        ("ldar", 0x08DFFC00, ()),
        ("stlr", 0x089FFC00, ()),
        ("ldapr", 0x38BFC000, ("FEAT_LRCPC",)),
    )
    for name, bits, needs in forms:
        for size in range(4):
            for register in _REGISTERS:
                insn = size << 30 | bits | ADDRESS << 5 | register
                yield Case(f"{name}-{8 << size}.r{register}", insn, needs)
    for name, (size, opc) in _SIZES.items():
        for register in _SOME:
            insn = size << 30 | opc << 22 | 0x19000000 | ADDRESS << 5 | register
            yield Case(f"rcpc-{name}.unscaled.r{register}", insn, ("FEAT_LRCPC2",))


def _others() -> Iterator[Case]:
    """Yield those without a syndrome: exclusive, pairs, SIMD and FP."""
    for size in range(4):
        for name, bits in (("ldxr", 0x085F7C00), ("ldaxr", 0x085FFC00)):
            yield Case(f"{name}-{8 << size}", size << 30 | bits | ADDRESS << 5 | 3)
    pairs = {"stp-w": 0x29000000, "ldp-w": 0x29400000, "ldpsw": 0x69400000, "stp-x": 0xA9000000}
    pairs |= {"ldp-x": 0xA9400000, "stnp-x": 0xA8000000, "ldnp-x": 0xA8400000}
    pairs |= {"ldp-x-post": 0xA8C00000, "stp-x-pre": 0xA9800000, "ldp-q": 0xAD400000}
    for name, bits in pairs.items():
        yield Case(name, bits | 4 << 10 | ADDRESS << 5 | 3)
    for size in range(4):
        for name, opc in (("str", 0), ("ldr", 1)):
            insn = size << 30 | opc << 22 | 0x3D000000 | ADDRESS << 5 | 3
            yield Case(f"{name}-v{8 << size}", insn)
    yield Case("str-v128", 0x3D800000 | ADDRESS << 5 | 3)
    yield Case("ldr-v128", 0x3DC00000 | ADDRESS << 5 | 3)
    yield Case("ld1", 0x4C407000 | ADDRESS << 5 | 3)
    yield Case("st1", 0x4C007000 | ADDRESS << 5 | 3)


@cache
def accesses() -> tuple[Case, ...]:
    """Return the loads and stores, faults of the access itself."""
    return (*_single(), *_ordered(), *_others())


def _walks() -> Iterator[Case]:
    """Yield each form once, with the fault on the walk."""
    for case in accesses():
        form, _, register = case.name.rpartition(".r")
        if not form or register == "3":
            yield replace(case, name=f"walk.{case.name}", on_walk=True)


@cache
def _cases() -> tuple[Case, ...]:
    return (*accesses(), *_walks())


def _describe(iss: int) -> str:
    bits = f"ISV 0, S1PTW {iss >> 7 & 1}, WnR {iss >> 6 & 1}"
    if iss >> 24:
        bits = (
            f"ISV 1, SAS {iss >> 22 & 3}, SSE {iss >> 21 & 1}, SRT {iss >> 16 & 31},"
            f" SF {iss >> 15 & 1}, AR {iss >> 14 & 1}, WnR {iss >> 6 & 1}"
        )
    return f"data abort to EL2, EC 0x24, ISS {iss:#x} ({bits})"


def _matrix(case: Case) -> tuple[str, ...]:
    """Return the ids of the coverage table."""
    iss = case.iss
    if case.on_walk:
        return ("F10", "M5")
    if not iss >> 24:
        return ("M2",)
    return ("M1", "M3") if iss >> 14 & 1 or iss >> 16 & 31 == _XZR else ("M1",)


def _rows() -> list[Row]:
    return [
        Row(
            f"s2iss.{case.name}",
            "s2.syndrome.walk" if case.on_walk else "s2.syndrome",
            _describe(case.iss),
            case.needs,
            matrix=_matrix(case),
        )
        for case in _cases()
    ]


def _header() -> str:
    """Return the tables in C: instructions, each before a BRK, and what they give."""
    needs = NeedsTable()
    rows = [
        initialiser(f'"{case.name}"', f"{case.iss:#x}", needs.add(case.needs), int(case.on_walk))
        for case in _cases()
    ]
    return "".join(
        [
            code("S2ISS_CODE", ((case.insn, BRK) for case in _cases())),
            needs.declaration("s2iss_needs"),
            array("struct s2iss_row", "s2iss_rows", rows),
        ]
    )


AREA: Final = Area("s2iss", "instruction syndromes of loads and stores at stage 2", _rows, _header)
