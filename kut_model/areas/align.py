# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `align`: alignment faults, with stage 1 on and off, at EL2, EL1 and EL0."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from typing import Final

from kut_model.rows import Area, Row
from kut_model.tables.arrays import BRK, RET, NeedsTable, array, code, designated, names
from kut_model.translation.alignment import Controls, Kind, faults
from kut_model.traps.outcome import ExceptionClass, Taken

_LSE2, _NO_LSE2 = "FEAT_LSE2", "without_FEAT_LSE2"
_ALIGNMENT: Final = 0b100001
_WNR: Final = 1 << 6


@dataclass(frozen=True, slots=True)
class _Insn:
    """A load or store of x3, and what follows it, at x1."""

    opcode: int
    size: int
    kind: Kind = Kind.PLAIN
    write: bool = False
    pair: bool = False
    needs: tuple[str, ...] = ()


_LSE, _RCPC, _RCPC2 = ("FEAT_LSE",), ("FEAT_LRCPC",), ("FEAT_LRCPC2",)
_INSNS: Final = {
    "ldrh": _Insn(0x79400023, 2),
    "ldr-w": _Insn(0xB9400023, 4),
    "ldr-x": _Insn(0xF9400023, 8),
    "ldtr-x": _Insn(0xF8400823, 8),
    "ldp-w": _Insn(0x29401023, 8, pair=True),
    "ldp-x": _Insn(0xA9401023, 16, pair=True),
    "strh": _Insn(0x79000023, 2, write=True),
    "str-w": _Insn(0xB9000023, 4, write=True),
    "str-x": _Insn(0xF9000023, 8, write=True),
    "sttr-x": _Insn(0xF8000823, 8, write=True),
    "stp-x": _Insn(0xA9001023, 16, write=True, pair=True),
    "ldarh": _Insn(0x48DFFC23, 2, Kind.ORDERED),
    "ldar-w": _Insn(0x88DFFC23, 4, Kind.ORDERED),
    "ldar-x": _Insn(0xC8DFFC23, 8, Kind.ORDERED),
    "stlrh": _Insn(0x489FFC23, 2, Kind.ORDERED, write=True),
    "stlr-w": _Insn(0x889FFC23, 4, Kind.ORDERED, write=True),
    "stlr-x": _Insn(0xC89FFC23, 8, Kind.ORDERED, write=True),
    "ldapr-x": _Insn(0xF8BFC023, 8, Kind.ORDERED, needs=_RCPC),
    "ldapur-x": _Insn(0xD9400023, 8, Kind.ORDERED, needs=_RCPC2),
    "stlur-x": _Insn(0xD9000023, 8, Kind.ORDERED, write=True, needs=_RCPC2),
    "ldxrh": _Insn(0x485F7C23, 2, Kind.ATOMIC),
    "ldxr-w": _Insn(0x885F7C23, 4, Kind.ATOMIC),
    "ldxr-x": _Insn(0xC85F7C23, 8, Kind.ATOMIC),
    "ldaxr-x": _Insn(0xC85FFC23, 8, Kind.ATOMIC),
    "ldxp-x": _Insn(0xC87F1023, 16, Kind.ATOMIC),
    "ldaddh": _Insn(0x78230023, 2, Kind.ATOMIC, needs=_LSE),
    "ldadd-w": _Insn(0xB8230023, 4, Kind.ATOMIC, needs=_LSE),
    "ldadd-x": _Insn(0xF8230023, 8, Kind.ATOMIC, needs=_LSE),
    "swp-x": _Insn(0xF8238023, 8, Kind.ATOMIC, needs=_LSE),
    "cas-x": _Insn(0xC8A37C23, 8, Kind.ATOMIC, needs=_LSE),
}
#: Memory: HCR_EL2.DC, or the attribute in MAIR_ELx that stage 1 uses, if it is on.
_MEMORY: Final = {
    "off": None,
    "dc": None,
    "normal": 0xFF,
    "device-ngnrne": 0x00,
    "device-gre": 0x0C,
}
_NORMAL: Final = ("dc", "normal")
_CONTROLS: Final = {
    "base": Controls(),
    "a": Controls(a=True),
    "naa": Controls(naa=True),
    "a.naa": Controls(a=True, naa=True),
}


@dataclass(frozen=True, slots=True)
class _Case:
    """A row."""

    el: int
    memory: str
    name: str
    offset: int
    control: str
    lse2: bool | None = None
    """Whether the CPU has FEAT_LSE2, where that makes a difference."""

    @property
    def insn(self) -> _Insn:
        """The instruction."""
        return _INSNS[self.name]

    @property
    def id(self) -> str:
        """Id without the name of the area."""
        lse2 = {None: "", True: ".lse2", False: ".without-lse2"}[self.lse2]
        return f"{self.name}.{self.offset}.{self.memory}.el{self.el}.{self.control}{lse2}"

    @property
    def needs(self) -> tuple[str, ...]:
        """Features of the row; those of SCTLR_ELx.nAA are FEAT_LSE2's."""
        if self.lse2 or _CONTROLS[self.control].naa:
            return (*self.insn.needs, _LSE2)
        return self.insn.needs if self.lse2 is None else (*self.insn.needs, _NO_LSE2)

    def is_fault(self, *, lse2: bool) -> bool:
        """Return whether it is an alignment fault on a CPU with FEAT_LSE2, or without."""
        insn = self.insn
        return faults(
            *(insn.kind, self.offset, insn.size),
            device=self.memory not in _NORMAL,
            controls=_CONTROLS[self.control],
            lse2=lse2,
            pair=insn.pair,
        )

    @property
    def taken(self) -> Taken | None:
        """The exception; None if the access is made."""
        if not self.is_fault(lse2=self.lse2 is not False):
            return None
        same = ExceptionClass.DATA_ABORT_SAME_EL
        ec = same if self.el else ExceptionClass.DATA_ABORT_LOWER_EL
        iss = _ALIGNMENT | (_WNR if self.insn.write else 0)
        return Taken(max(self.el, 1), ec, iss, after=False)


def _offsets(insn: _Insn, *, device: bool) -> tuple[int, ...]:
    """Return offsets in 16 bytes: aligned, within, and across their end.

    Aligned atomic instructions are open for Device memory.
    """
    aligned = () if device and insn.kind is Kind.ATOMIC else (0,)
    step = insn.size // 2
    return tuple(dict.fromkeys((*aligned, 1, step, 16 - insn.size + 1, 16 - step)))


@cache
def cases() -> tuple[_Case, ...]:
    """Return the cases."""
    return tuple(_cases())


def _cases() -> Iterator[_Case]:
    for el, memory, control in product((2, 1, 0), _MEMORY, _CONTROLS):
        if el == 2 and memory not in {"off", "normal"}:  # noqa: PLR2004
            continue
        for name, insn in _INSNS.items():
            if _CONTROLS[control].naa and insn.kind is not Kind.ORDERED:
                continue
            for offset in _offsets(insn, device=memory not in _NORMAL):
                yield from _by_lse2(_Case(el, memory, name, offset, control))


def _by_lse2(case: _Case) -> tuple[_Case, ...]:
    """Return a row for CPUs with FEAT_LSE2 and one for those without, or one for both."""
    if _CONTROLS[case.control].naa or case.is_fault(lse2=True) == case.is_fault(lse2=False):
        return (case,)
    return replace(case, lse2=True), replace(case, lse2=False)


def _describe(case: _Case) -> str:
    taken = case.taken
    return f"{taken}, FAR the address" if taken else "no exception"


def _matrix(case: _Case) -> tuple[str, ...]:
    """Return the ids of the coverage table beside that of the rule."""
    return ("A5",) if case.memory == "off" and case.el < 2 else ()  # noqa: PLR2004


def _rows() -> list[Row]:
    return [
        Row(
            f"align.{case.id}",
            "align.fault",
            _describe(case),
            case.needs,
            matrix=_matrix(case),
        )
        for case in cases()
    ]


def _initialiser(case: _Case, needs: NeedsTable) -> str:
    controls, taken = _CONTROLS[case.control], case.taken
    memory = _MEMORY[case.memory]
    fields = {
        "insn": list(_INSNS).index(case.name),
        "needs": needs.add(case.needs),
        "control": list(_CONTROLS).index(case.control),
        "memory": list(_MEMORY).index(case.memory),
        "offset": case.offset,
        "el": case.el,
        "mmu": int(memory is not None),
        "dc": int(case.memory == "dc"),
        "attribute": f"{memory or 0:#x}",
        "a": int(controls.a),
        "naa": int(controls.naa),
        "suffix": {None: 0, True: 1, False: 2}[case.lse2],
        "atomic": int(case.insn.kind is Kind.ATOMIC),
        "esr": f"{taken.esr:#x}" if taken else 0,
    }
    return designated(fields)


def _header() -> str:
    needs = NeedsTable()
    rows = [_initialiser(case, needs) for case in cases()]
    return "".join(
        [
            code("ALIGN_CODE", ((insn.opcode, BRK) for insn in _INSNS.values())),
            code("ALIGN_EL2_CODE", ((insn.opcode, RET) for insn in _INSNS.values())),
            names("align_insns", _INSNS),
            names("align_memory", _MEMORY),
            names("align_controls", _CONTROLS),
            needs.declaration("align_needs"),
            array("struct align_row", "align_rows", rows),
        ]
    )


AREA: Final = Area("align", "alignment faults, with stage 1 on and off", _rows, _header)
