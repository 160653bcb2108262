# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `s1s2`: both stages, with something wrong at either of them or at both.

Each table of stage 1 and the page that it maps have a page of stage 2 of their own: L1, L2, L3 and
OUT. A row is what is wrong at stage 1, what is wrong at stage 2 and for which page, and an access.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import cache
from typing import Final

from kut_model.rows import Area, Row
from kut_model.tables.arrays import NeedsTable, OutcomeTable, array, initialiser, names
from kut_model.translation import descriptors as d
from kut_model.translation.access import OPERATIONS, Access
from kut_model.translation.codes import (
    Scene,
    codes_of_access,
    codes_of_at,
    codes_of_at_el1,
    describe_all,
)
from kut_model.translation.controls import Stage1Control, Stage2Control
from kut_model.translation.coverage import covered, taken_to
from kut_model.translation.processor import Processor
from kut_model.translation.tables import STAGE1_LEAF, STAGE2_LEAF
from kut_model.translation.translate import (
    Machine,
    alternatives,
    stage1_alternatives,
)

#: IPAs of L1, L2, L3 and OUT, each in a 1G entry of its own; the image has them too.
IPAS: Final = (0x1_0000_0000, 0x1_4000_0000, 0x1_8000_0000, 0x1_C000_0000)
_PAS: Final = (0x40611000, 0x40612000, 0x40613000, 0x40614000)
_ROOT: Final = 0x40500000
_VA: Final = 0x4000_0000
_ADDRESS: Final = 1 << 40  # above PS and IPS
_ALL: Final = (1 << 64) - 1
_BLOCK: Final = IPAS[3] | STAGE1_LEAF & ~d.TABLE
_PROCESSOR: Final = Processor()
_PAGE_NAMES: Final = (
    *(f"the level-{level} table of stage 1" for level in (1, 2, 3)),
    "the output page",
)
PAGES: Final = ("l1", "l2", "l3", "out")


@dataclass(frozen=True, slots=True)
class _Edit:
    """A change of a descriptor: what is wrong."""

    name: str
    level: int = 0  # 0: nothing is
    clear: int = 0
    set: int = 0
    page: int = 0  # of stage 2: whose entry

    @property
    def denies(self) -> bool:
        """Whether it takes away a permission."""
        return self.name.removeprefix("out-").startswith(_DENIALS)

    @property
    def initialiser(self) -> str:
        """That of a `struct s1s2_edit`."""
        return initialiser(f"UL({self.clear:#x})", f"UL({self.set:#x})", self.level, self.page)


#: What edits that take away a permission are named after.
_DENIALS: Final = (
    *("read-only", "el1-only", "el1-read-only", "execute-never", "uxn", "pxn", "table"),
    *("block-read-only", "no-read", "no-write"),
)
_NOTHING: Final = _Edit("none")
STAGE_1: Final = (
    _NOTHING,
    *(_Edit(f"translation-{level}", level, clear=1) for level in (1, 2, 3)),
    *(_Edit(f"address-size-{level}", level, set=_ADDRESS) for level in (1, 2, 3)),
    _Edit("access-flag-3", 3, clear=d.AF),
    _Edit("read-only-3", 3, set=d.AP_READ_ONLY),
    _Edit("el1-only-3", 3, clear=d.AP_EL0),
    _Edit("el1-read-only-3", 3, clear=d.AP_EL0, set=d.AP_READ_ONLY),
    _Edit("execute-never-3", 3, set=d.PXN | d.UXN | d.AP_READ_ONLY),
    _Edit("uxn-3", 3, set=d.UXN | d.AP_READ_ONLY),
    _Edit("pxn-3", 3, set=d.PXN | d.AP_READ_ONLY),
    _Edit("device-3", 3, set=1 << 2),
    *(_Edit(f"table-read-only-{level}", level, set=d.AP_TABLE_READ_ONLY) for level in (1, 2)),
    *(_Edit(f"table-el1-only-{level}", level, set=d.AP_TABLE_NOT_EL0) for level in (1, 2)),
    *(_Edit(f"table-uxn-{level}", level, set=d.UXN_TABLE) for level in (1, 2)),
    *(_Edit(f"block-{level}", level, _ALL, _BLOCK) for level in (1, 2)),
    *(
        _Edit(
            f"block-read-only-{level}",
            level,
            _ALL,
            _BLOCK | d.AP_READ_ONLY,
        )
        for level in (1, 2)
    ),
)
_STAGE_2_KINDS: Final = (
    *((f"translation-{level}", level, 1, 0) for level in (1, 2, 3)),
    *((f"address-size-{level}", level, 0, _ADDRESS) for level in (1, 2, 3)),
    ("access-flag-3", 3, d.AF, 0),
    ("no-read-3", 3, d.S2AP_READ, 0),
    ("no-write-3", 3, d.S2AP_WRITE, 0),
    ("execute-never-3", 3, 0, 1 << 54),
    ("device-3", 3, 0x3C, 0x04),
)
STAGE_2: Final = (
    _NOTHING,
    *(
        _Edit(f"{page}-{name}", level, clear, bits, number)
        for number, page in enumerate(PAGES)
        for name, level, clear, bits in _STAGE_2_KINDS
    ),
)


class _At(Enum):
    """AT instructions: the stages that they translate by, and the EL that executes them."""

    S12_EL2 = auto()
    S1_EL2 = auto()
    S1_EL1 = auto()


@dataclass(frozen=True, slots=True)
class _Op:
    """An access, or an AT instruction."""

    name: str
    access: Access
    at: _At | None = None
    everywhere: bool = False  # with everything that is wrong at stage 1
    needs: tuple[str, ...] = ()
    probe: str = "READ"  # enum probe_op
    offset: int = 0
    pan: bool = False
    tag: int = 0  # bits 63:56 of the address

    @property
    def initialiser(self) -> str:
        """That of a `struct s1s2_op`."""
        if self.at in {_At.S12_EL2, _At.S1_EL2}:
            way = self.name.removeprefix("at-").upper()
            return initialiser(".at_el2 = true", f".at = PROBE_{way}")
        tag, offset = f"{self.tag:#x}", f"{self.offset:#x}"
        fields = (f"PROBE_{self.probe}", self.access.el, int(self.pan), tag, offset)
        return initialiser(*fields, "false", 0)


_DATA: Final = 0x100  # offset of accesses that change what they reach
#: enum probe_op and the offset of accesses.
_PROBES: Final = {
    "read": ("READ", 0),
    "write": ("WRITE", _DATA),
    "exec": ("EXECUTE", 0),
    "atomic": ("ATOMIC", _DATA),
    "read-unaligned": ("READ", _DATA + 1),
    "write-unaligned": ("WRITE", _DATA + 1),
    "dc-zva": ("DC_ZVA", 0x800),
    "dc-cvac": ("DC_CVAC", 0),
}


def _ops() -> Iterator[_Op]:
    for el in (1, 0):
        for name, (probe, offset) in _PROBES.items():
            yield _Op(
                f"{name}.el{el}",
                OPERATIONS[name].at(el),
                everywhere=name == "read" or (el == 1 and name in {"write", "exec"}),
                needs=("FEAT_LSE",) if name == "atomic" else (),
                probe=probe,
                offset=offset,
            )
            if name in {"read", "write"}:
                access = OPERATIONS[name].at(el)
                yield _Op(f"{name}-tagged.el{el}", access, probe=probe, offset=offset, tag=0x5A)
        for name in ("at-read", "at-write"):
            access, letter = OPERATIONS[name].at(el), name[3]
            everywhere = el == 1 and name == "at-read"
            yield _Op(f"at-s12e{el}{letter}", access, _At.S12_EL2, everywhere=everywhere)
            yield _Op(f"at-s1e{el}{letter}", access, _At.S1_EL2)
    for name in ("at-read", "at-write"):
        yield _Op(
            *(f"at-s1e1{name[3]}.el1", OPERATIONS[name], _At.S1_EL1),
            everywhere=name == "at-read",
            probe=name.upper().replace("-", "_"),
        )
    for name in ("read", "write"):
        access = replace(OPERATIONS[name], pan=True)
        probe, offset = _PROBES[name]
        needs = ("FEAT_PAN",)
        yield _Op(f"{name}-pan.el1", access, needs=needs, probe=probe, offset=offset, pan=True)
    yield _Op("dc-ivac.el1", OPERATIONS["dc-ivac"], probe="DC_IVAC", offset=_DATA)


OPS: Final = tuple(_ops())


@dataclass(frozen=True, slots=True)
class _Case:
    """A row."""

    stage1: _Edit
    stage2: _Edit
    op: _Op
    ptw: int

    @property
    def id(self) -> str:
        """Its id; the image builds the same."""
        return f"s1s2.{self.stage1.name}.{self.stage2.name}.ptw{self.ptw}.{self.op.name}"

    @property
    def rule(self) -> str:
        """Key of its rule."""
        if self.stage2 is _NOTHING:
            return "s1.fault"
        if self.stage1 is not _NOTHING:
            return "s1s2.priority"
        return "s1s2.output" if self.stage2.page == PAGES.index("out") else "s1s2.walk"


@cache
def _cases() -> tuple[_Case, ...]:
    return tuple(
        _Case(stage1, stage2, op, ptw)
        for stage1 in STAGE_1
        for stage2 in STAGE_2
        for op in OPS
        if op.everywhere or _NOTHING in (stage1, stage2)
        for ptw in ((0, 1) if "device" in stage2.name else (0,))
    )


def _tables(case: _Case) -> dict[int, int]:
    """Return the descriptors of both stages."""
    found: dict[int, int] = {}
    for number, (ipa, pa) in enumerate(zip(IPAS, _PAS, strict=True)):
        level2 = 0x40700000 + 0x10000 * number
        entries = {_ROOT + (ipa >> 30) * 8: level2 | 3, level2: level2 + 0x1000 | 3}
        entries[level2 + 0x1000] = pa | STAGE2_LEAF
        if case.stage2.page == number:
            _change(entries, case.stage2)
        found |= entries
    stage1 = {_PAS[0] + 8: IPAS[1] | 3, _PAS[1]: IPAS[2] | 3, _PAS[2]: IPAS[3] | STAGE1_LEAF}
    _change(stage1, case.stage1)
    return found | stage1


def _change(entries: dict[int, int], edit: _Edit) -> None:
    """Make an edit: the entries are in the order of levels."""
    if edit.level:
        address = list(entries)[edit.level - 1]
        entries[address] = entries[address] & ~edit.clear | edit.set


def _codes(case: _Case) -> tuple[int, ...]:
    """Return the permitted outcomes."""
    stage1 = Stage1Control(enabled=True, root=IPAS[0], mair=0x04FF, pan=case.op.pan)
    stage2 = Stage2Control(ps=2, root=_ROOT, ptw=bool(case.ptw))
    machine = Machine(_PROCESSOR, stage1, stage2, _tables(case))
    scene = Scene(tuple(zip(IPAS, _PAS, strict=True)))
    access, at = case.op.access, case.op.at
    stage1_only = at in {_At.S1_EL2, _At.S1_EL1}
    translate = stage1_alternatives if stage1_only else alternatives
    found = translate(machine, _VA, access)
    if not at:
        return codes_of_access(found, access, machine, scene)
    if at is _At.S1_EL1:
        return codes_of_at_el1(found, access, machine, scene)
    return codes_of_at(found, machine, scene, is_ipa=stage1_only)


@cache
def _outcomes() -> tuple[tuple[int, ...], ...]:
    return tuple(map(_codes, _cases()))


def _matrix(case: _Case, codes: tuple[int, ...]) -> tuple[str, ...]:
    """Return the ids of the coverage table beside that of the rule."""
    op, edits = case.op, (case.stage1, case.stage2)
    is_device = "device-3" in {case.stage1.name, case.stage2.name.removeprefix("out-")}
    found = {
        "AT": op.at,
        "F11": case.ptw and "F10" in covered(codes),
        "F17": op.tag and (taken_to(1, codes) or taken_to(2, codes)),
        "F19": op.probe == "DC_ZVA" and taken_to(2, codes),
        "P4": any(edit.denies for edit in edits)
        and all(edit.denies or edit is _NOTHING for edit in edits),
        "A4": is_device and not op.access.aligned and _NOTHING in edits,
    }
    return (*covered(codes), *(key for key, applies in found.items() if applies))


def _rows() -> list[Row]:
    return [
        Row(
            case.id,
            case.rule,
            describe_all(codes, _PAGE_NAMES),
            case.op.needs,
            matrix=_matrix(case, codes),
        )
        for case, codes in zip(_cases(), _outcomes(), strict=True)
    ]


def _header() -> str:
    """Return the tables in C."""
    outcomes, needs = OutcomeTable(), NeedsTable()
    rows = [
        initialiser(
            *(STAGE_1.index(case.stage1), STAGE_2.index(case.stage2), OPS.index(case.op)),
            *(case.ptw, needs.add(case.op.needs), outcomes.add(codes)),
        )
        for case, codes in zip(_cases(), _outcomes(), strict=True)
    ]
    return "".join(
        [
            names("s1s2_stage1_names", [edit.name for edit in STAGE_1]),
            names("s1s2_stage2_names", [edit.name for edit in STAGE_2]),
            names("s1s2_op_names", [op.name for op in OPS]),
            array("struct s1s2_edit", "s1s2_stage1", [edit.initialiser for edit in STAGE_1]),
            array("struct s1s2_edit", "s1s2_stage2", [edit.initialiser for edit in STAGE_2]),
            array("struct s1s2_op", "s1s2_ops", [op.initialiser for op in OPS]),
            outcomes.declaration("s1s2_outcomes"),
            needs.declaration("s1s2_needs"),
            array("struct s1s2_row", "s1s2_rows", rows),
        ]
    )


AREA: Final = Area(
    "s1s2", "faults of both stages: which of them, where, taken to which EL", _rows, _header
)
