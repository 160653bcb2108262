# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `s2attr`: memory attributes of both stages, as AT S12E1R reports them in PAR_EL1.

PAR_EL1.ATTR may be that of the descriptors, or what configuration bits and permitted choices of the
implementation make of it (D24.2, PAR_EL1). So a row permits the result with HCR_EL2.CD and
SCTLR_EL1.C and the one without, the XS attribute (FEAT_XS) encoded or not, and transient memory or
not; not another type, policy, allocation hint or shareability.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Final

from kut_model.rows import Area, Row
from kut_model.tables.arrays import NeedsTable, OutcomeTable, array, initialiser, names
from kut_model.translation import attributes
from kut_model.translation.access import OPERATIONS
from kut_model.translation.choices import Choices, outcomes
from kut_model.translation.controls import Stage1Control, Stage2Control
from kut_model.translation.descriptors import FNXS
from kut_model.translation.memory import Memory
from kut_model.translation.processor import Processor
from kut_model.translation.stage1 import Stage1
from kut_model.translation.stage2 import Output, stage2
from kut_model.translation.syndromes import par_of_output

#: Attr fields of MAIR_EL1: Device types, and Normal with each policy, hints and transience.
_MAIRS: Final = (
    *(0x00, 0x04, 0x08, 0x0C, 0x44, 0xBB, 0xFF, 0x33, 0x77, 0x88, 0x99, 0xAA, 0xCC, 0xDD, 0xEE),
    *(0x3B, 0x4F, 0xF4, 0x4B, 0xB4, 0xBF, 0xFB, 0x7F, 0xF7, 0x47, 0x74),
)
_MAIRS_XS: Final = (0x01, 0x05, 0x09, 0x0D, 0x40, 0xA0)
_MAIR_TAGGED: Final = 0xF0
_SHAREABILITIES: Final = (0, 2, 3)
_ISH: Final = 3
_UNCACHED: Final = (0x00, 0x44, 0xBB, 0xFF)  # with SCTLR_EL1.C clear
_RESERVED: Final = 0b0100  # has a meaning with FEAT_MTE_PERM
_OUTER_SHAREABLE: Final = {0x40, 0x44}  # ATTR of Normal Non-cacheable memory
_WITH_ALL, _WITHOUT_XS, _WITHOUT_MTE = Processor(), Processor(xs=False), Processor(mte2=False)


@dataclass(frozen=True, slots=True)
class _Stage1:
    """Stage 1: off, off with HCR_EL2.DC, or a leaf."""

    mair: int = 0
    sh: int = 0
    c: bool = True
    on: bool = True
    dc: bool = False

    @property
    def name(self) -> str:
        """Its part of ids."""
        if not self.on:
            return "dc" if self.dc else "off"
        return f"mair{self.mair:02x}-sh{self.sh}{'' if self.c else '-uncached'}"

    @property
    def needs(self) -> tuple[str, ...]:
        """Features that give the Attr field a meaning."""
        if attributes.is_reserved_mair(self.mair, _WITHOUT_MTE):
            return ("FEAT_MTE2",)
        return ("FEAT_XS",) if attributes.is_reserved_mair(self.mair, _WITHOUT_XS) else ()

    @property
    def initialiser(self) -> str:
        """That of a `struct s2attr_stage1`."""
        return initialiser(f"{self.mair:#x}", self.sh, int(self.c), int(self.on), int(self.dc))


@dataclass(frozen=True, slots=True)
class _Case:
    """A row."""

    stage1: _Stage1
    memattr: int
    sh: int
    fwb: int
    cd: int = 0
    nxs: int = 0

    @property
    def id(self) -> str:
        """Its id; the image builds the same."""
        return (
            f"s2attr.{self.stage1.name}.fwb{self.fwb}.memattr{self.memattr}.sh{self.sh}"
            f".cd{self.cd}.nxs{self.nxs}"
        )

    @property
    def rule(self) -> str:
        """Key of its rule."""
        if "FEAT_XS" in self.needs:
            return "s2.attributes.xs"
        return "s2.attributes.fwb" if self.fwb else "s2.attributes"

    @property
    def needs(self) -> tuple[str, ...]:
        """Features without which it means nothing."""
        found = (*self.stage1.needs, *(("FEAT_S2FWB",) if self.fwb else ()))
        return tuple(dict.fromkeys((*found, *(("FEAT_XS",) if self.nxs else ()))))


@cache
def _stage1s() -> tuple[_Stage1, ...]:
    return (
        _Stage1(on=False),
        _Stage1(on=False, dc=True),
        *(_Stage1(mair, sh) for mair in (*_MAIRS, _MAIR_TAGGED) for sh in _SHAREABILITIES),
        *(_Stage1(mair, _ISH) for mair in _MAIRS_XS),
        *(_Stage1(mair, _ISH, c=False) for mair in _UNCACHED),
    )


def _all_cases() -> Iterator[_Case]:
    for stage1 in _stage1s():
        for fwb in (0, 1):
            for memattr in range(16):
                if memattr == _RESERVED or (fwb and attributes.is_reserved_with_fwb(memattr)):
                    continue
                for sh in _SHAREABILITIES if stage1.mair not in _MAIRS_XS else (_ISH,):
                    yield _Case(stage1, memattr, sh, fwb)
                yield _Case(stage1, memattr, _ISH, fwb, cd=1)
                if stage1.sh == _ISH:
                    yield _Case(stage1, memattr, _ISH, fwb, nxs=1)


@cache
def _cases() -> tuple[_Case, ...]:
    return tuple(_all_cases())


def _attributes(case: _Case, choices: Choices) -> attributes.Attributes:
    """Return the attributes of both stages, of a read."""
    access = OPERATIONS["read"]
    control = Stage2Control(fwb=bool(case.fwb), cd=bool(case.cd))
    second = stage2(control, _WITH_ALL, Memory({}), choices)
    one = case.stage1
    if one.on:
        first = Stage1(Stage1Control(enabled=True, mair=one.mair, c=one.c), second)
        found = first.output_attributes(first.leaf_attributes(one.sh << 8), access)
    else:
        found = attributes.stage1_disabled(fetch=False, icache=True, dc=one.dc, dct=False)
    leaf = case.memattr << 2 | case.sh << 8 | (FNXS if case.nxs else 0)
    return second.combine(access, found, second.leaf_attributes(leaf, found))


def _reported(case: _Case) -> Iterator[attributes.Attributes]:
    """Yield the attributes that PAR_EL1 may show (D24.2, PAR_EL1.ATTR)."""
    plain = replace(case, cd=0, stage1=replace(case.stage1, c=True))
    for each in dict.fromkeys((case, plain)):
        for found in outcomes(partial(_attributes, each)):
            yield from attributes.with_less_transience(found)


def _code(par: int) -> int:
    """Return PAR_EL1's ATTR and SH as ATTR << 2 | SH."""
    return par >> 56 << 2 | par >> 7 & 3


def _codes(case: _Case) -> tuple[int, ...]:
    """Return the permitted outcomes."""
    return tuple(
        sorted(
            {
                _code(par_of_output(Output(0, each), processor))
                for each in _reported(case)
                for processor in (_WITH_ALL, _WITHOUT_XS)
            }
        )
    )


def _describe(codes: tuple[int, ...]) -> str:
    return ", or ".join(f"PAR_EL1.ATTR {code >> 2:#04x}, SH {code & 3}" for code in codes)


@cache
def _outcomes() -> tuple[tuple[int, ...], ...]:
    """Return what each row permits."""
    return tuple(map(_codes, _cases()))


def _matrix(case: _Case, codes: tuple[int, ...]) -> tuple[str, ...]:
    """Return the ids of the coverage table beside that of the rule."""
    found = {
        "A1": True,
        "A2": case.stage1.dc,
        "A6": "FEAT_XS" in case.needs and all(code >> 2 not in _MAIRS_XS for code in codes),
        "A3": all(code >> 2 in _OUTER_SHAREABLE or code >> 6 == 0 for code in codes),
        "A5": not case.stage1.on,
        "MTE": case.stage1.mair == _MAIR_TAGGED,
    }
    return tuple(key for key, applies in found.items() if applies)


def _rows() -> list[Row]:
    return [
        Row(
            case.id,
            case.rule,
            _describe(codes),
            case.needs,
            matrix=_matrix(case, codes),
        )
        for case, codes in zip(_cases(), _outcomes(), strict=True)
    ]


def _header() -> str:
    """Return the tables in C."""
    table, needs = OutcomeTable(), NeedsTable()
    numbers = {stage1: number for number, stage1 in enumerate(_stage1s())}
    rows = [
        initialiser(
            *(numbers[case.stage1], case.memattr, case.sh, case.fwb, case.cd, case.nxs),
            *(needs.add(case.needs), table.add(codes)),
        )
        for case, codes in zip(_cases(), _outcomes(), strict=True)
    ]
    stage1s = [stage1.initialiser for stage1 in _stage1s()]
    return "".join(
        [
            names("s2attr_stage1_names", [stage1.name for stage1 in _stage1s()]),
            array("struct s2attr_stage1", "s2attr_stage1s", stage1s),
            table.declaration("s2attr_outcomes"),
            needs.declaration("s2attr_needs"),
            array("struct s2attr_row", "s2attr_rows", rows),
        ]
    )


AREA: Final = Area("s2attr", "memory attributes of both stages by PAR_EL1", _rows, _header)
