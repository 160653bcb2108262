# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `s2perm`: the permissions of a stage-2 page, for every access and every use of the page.

A row is a descriptor, the controls that matter for it, and an access. Kinds:

    plain   stage 1 off, so that data is Device-nGnRnE; the access is to the page itself
    dc      HCR_EL2.DC: the same, and data is Normal
    walk    the page has stage 1's level-3 table
    af      the same, and hardware has to set the access flag of the descriptor there
    dirty   the same, and a write has to clear its AP[2]
    pie     VTCR_EL2.S2PIE: XN, DBM and S2AP[0] are an index into S2PIR_EL2, S2AP[1] the dirty state
    pie-walk, pie-af, pie-dirty   the same of the page of stage 1's table
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Final

from kut_model.rows import Area, Row
from kut_model.tables.arrays import NeedsTable, OutcomeTable, array, initialiser, names
from kut_model.translation import descriptors
from kut_model.translation.access import OPERATIONS, Access, Kind
from kut_model.translation.codes import Scene, codes_of_access, codes_of_at, describe_all
from kut_model.translation.controls import Stage1Control, Stage2Control
from kut_model.translation.coverage import covered, taken_to
from kut_model.translation.processor import Processor
from kut_model.translation.tables import STAGE1_LEAF, STAGE2_LEAF
from kut_model.translation.translate import Machine, alternatives

KINDS: Final = (
    *("plain", "dc", "walk", "af", "dirty"),
    *("pie", "pie-walk", "pie-af", "pie-dirty"),
)
#: S2PIR_EL2: every encoding once. Index 1 permits everything: it is that of the other pages.
S2PIR: Final = sum((7 * index + 8) % 16 << 4 * index for index in range(16))
#: In the order of enum probe_op, without those of other areas; then AT at EL2.
OPS: Final = (
    *("read", "write", "atomic", "exec", "dc-zva", "dc-ivac", "dc-civac", "dc-cvac", "ic-ivau"),
    *("read-unaligned", "write-unaligned", "at-read", "at-write"),
)
_EL1_ONLY: Final = {"dc-ivac"}
_AT: Final = {"at-read", "at-write"}
_NORMAL, _DEVICE = 0b1111, 0b0001

# Physical addresses of the model's tables; the image has its own.
_ROOT, _LEVEL_2, _LEVEL_3, _STAGE1 = 0x40500000, 0x40510000, 0x40520000, 0x40530000
_PAGE, _OUT = 0x40610000, 0x40620000
#: IPAs, and the VA of walks; those of the image too.
PAGE_IPA: Final = 0x8000_0000
OUT_IPA: Final = 0xC000_0000
STAGE1_IPA: Final = 0x1_0000_0000
WALK_VA: Final = 0x8000_0000
_PAGE_NAMES: Final = ("the page", "the output page of stage 1")
_BLOCK_S2: Final = STAGE2_LEAF & ~descriptors.TABLE


@dataclass(frozen=True, slots=True)
class _Case:
    """A row."""

    kind: str
    op: str
    el: int
    s2ap: int
    xn: int
    af: int
    dbm: int
    ha: int
    hd: int
    normal: int
    ptw: int

    @property
    def id(self) -> str:
        """Its id; the image builds the same."""
        memory = "normal" if self.normal else "device"
        return (
            f"s2perm.{self.kind}.{self.op}.el{self.el}.ap{self.s2ap}.xn{self.xn}.af{self.af}"
            f".dbm{self.dbm}.ha{self.ha}.hd{self.hd}.{memory}.ptw{self.ptw}"
        )

    @property
    def walks(self) -> bool:
        """Whether stage 1 is on, with its level-3 table in the page."""
        return self.kind not in {"plain", "dc", "pie"}

    @property
    def is_indirect(self) -> bool:
        """Whether permissions are those of S2PIR_EL2."""
        return self.kind.startswith("pie")

    @property
    def updated(self) -> str:
        """What hardware has to change in stage 1's descriptor: "af", "dirty" or neither."""
        found = self.kind.removeprefix("pie-")
        return found if found in {"af", "dirty"} else ""

    @property
    def bits(self) -> int:
        """The descriptor without its address."""
        memattr = _NORMAL if self.normal else _DEVICE
        return (
            0x303 | memattr << 2 | self.s2ap << 6 | self.af << 10 | self.dbm << 51 | self.xn << 53
        )

    @property
    def needs(self) -> tuple[str, ...]:
        """Features without which a control or a bit has no effect."""
        found = []
        if self.is_indirect:
            found.append("FEAT_S2PIE")
        if self.updated or self.ha:
            found.append("FEAT_HAFDBS")
        if self.hd or self.updated == "dirty":
            found.append("FEAT_HAFDBS_DIRTY")
        if self.xn & 1 and not self.is_indirect:
            found.append("FEAT_XNX")
        if self.op == "atomic":
            found.append("FEAT_LSE")
        return tuple(found)

    @property
    def rule(self) -> str:
        """Key of the rule that decides most of its rows."""
        by_kind = {"af": "s2.update", "dirty": "s2.update", "walk": "s2.perm.walk"}
        if self.is_indirect:
            return "s2.perm.indirect"
        if self.kind in by_kind:
            return by_kind[self.kind]
        if self.kind == "plain" and self.op in _MISALIGNED:
            return "s1.alignment"
        return _RULES.get(OPERATIONS[self.op].kind, "s2.perm.data") if self.af else "s2.access-flag"


_RULES: Final = {
    Kind.FETCH: "s2.perm.execute",
    Kind.ZERO: "s2.perm.maintenance",
    Kind.INVALIDATE: "s2.perm.maintenance",
    Kind.CLEAN: "s2.perm.maintenance",
    Kind.INSTRUCTION_CACHE: "s2.perm.maintenance",
    Kind.TRANSLATE: "s2.perm.at",
}
#: AF, DBM, HA and HD.
_HARDWARE: Final = tuple(product((0, 1), (0, 1), (0, 1), (0, 1)))
#: Stage 1 alone decides these; a few descriptors of stage 2 show that it comes first.
_MISALIGNED: Final = {"dc-zva", "read-unaligned", "write-unaligned"}


def _cases_of(kind: str, op: str, xns: tuple[int, ...], ptws: tuple[int, ...]) -> Iterator[_Case]:
    """Yield the rows of a kind and an access."""
    states = _HARDWARE
    if kind == "plain" and op in _MISALIGNED:
        states = tuple((af, dbm, ha, hd) for af, dbm, ha, hd in _HARDWARE if not dbm and not hd)
    els = (1,) if op in _EL1_ONLY else (1, 0)
    for el, s2ap, xn, state, normal, ptw in product(els, range(4), xns, states, (1, 0), ptws):
        yield _Case(kind, op, el, s2ap, xn, *state, normal, ptw)


#: AF, HA and HD of rows with indirect permissions.
_INDIRECT_STATES: Final = ((1, 0, 0), (1, 1, 0), (1, 1, 1), (0, 1, 1))


def _indirect() -> Iterator[_Case]:
    """Yield the rows with indirect permissions."""
    ops = {
        "pie": (("read", "write", "atomic", "exec", "at-read", "at-write"), (1, 0)),
        "pie-walk": (("read", "write", "exec", "at-read"), (1,)),
        "pie-af": (("read", "exec"), (1,)),
        "pie-dirty": (("write", "at-write"), (1,)),
    }
    for kind, (names_of, els) in ops.items():
        for op, el, xn, dbm, s2ap in product(names_of, els, range(4), (0, 1), range(4)):
            for af, ha, hd in _INDIRECT_STATES:
                yield _Case(kind, op, el, s2ap, xn, af, dbm, ha, hd, normal=1, ptw=0)


def _all_cases() -> Iterator[_Case]:
    for op in OPS:
        if op not in _AT:
            yield from _cases_of("plain", op, (0, 1, 2, 3) if op == "exec" else (0,), (0,))
    for op in ("read", "write", "dc-zva", "read-unaligned", "write-unaligned"):
        yield from _cases_of("dc", op, (2,), (0,))
    for op in ("read", "write", "exec", *sorted(_AT)):
        yield from _cases_of("walk", op, (0,), (0, 1))
    for kind in ("af", "dirty"):
        for op in ("read", "write", "at-write") if kind == "dirty" else ("read", "exec"):
            yield from _cases_of(kind, op, (0,), (0, 1))
    yield from _indirect()
    # Last, as there are emulators that abort at hundreds of them.
    for op in sorted(_AT):
        yield from _cases_of("plain", op, (0,), (0,))


@cache
def _cases() -> tuple[_Case, ...]:
    return tuple(_all_cases())


def _machine(case: _Case) -> tuple[Machine, int]:
    """Return the model's machine and the address of the access."""
    updates = bool(case.updated)
    stage2 = Stage2Control(
        ps=2,
        root=_ROOT,
        ha=bool(case.ha),
        hd=bool(case.hd),
        ptw=bool(case.ptw),
        s2pie=case.is_indirect,
        s2pir=S2PIR,
    )
    leaf = STAGE1_LEAF
    if case.updated == "af":
        leaf &= ~descriptors.AF
    if case.updated == "dirty":
        leaf |= descriptors.DBM | descriptors.AP_READ_ONLY
    if case.op == "exec":
        leaf |= descriptors.AP_READ_ONLY  # what EL0 can write, EL1 cannot execute
    tables = {
        _ROOT + 2 * 8: _LEVEL_2 | 3,
        _LEVEL_2: _LEVEL_3 | 3,
        _LEVEL_3: _PAGE | case.bits,
        _ROOT + 3 * 8: _OUT | _BLOCK_S2,  # blocks: of the model, enough for what is reached
        _ROOT + 4 * 8: _STAGE1 >> 30 << 30 | _BLOCK_S2,
        _PAGE: OUT_IPA | leaf,
    }
    stage1_tables = STAGE1_IPA | _STAGE1 & 0x3FFFFFFF
    tables[_STAGE1 + 2 * 8] = stage1_tables + 0x1000 | 3
    tables[_STAGE1 + 0x1000] = PAGE_IPA | 3
    stage1 = Stage1Control(
        enabled=case.walks,
        root=stage1_tables,
        mair=0xFF,
        ha=updates,
        hd=updates,
        dc=case.kind == "dc",
    )
    va = WALK_VA if case.walks else PAGE_IPA
    return Machine(Processor(), stage1, stage2, tables), va


def _scene(case: _Case) -> Scene:
    pages = ((PAGE_IPA, _PAGE), (OUT_IPA, _OUT >> 30 << 30))
    return Scene(pages, stage1=_PAGE if case.walks else -1, stage2=_LEVEL_3)


def _access(case: _Case) -> Access:
    return OPERATIONS[case.op].at(case.el)


def _codes(case: _Case) -> tuple[int, ...]:
    """Return the permitted outcomes."""
    machine, va = _machine(case)
    access, scene = _access(case), _scene(case)
    found = alternatives(machine, va, access)
    if case.op in _AT:
        return codes_of_at(found, machine, scene, is_ipa=False)
    return codes_of_access(found, access, machine, scene)


@cache
def _outcomes() -> tuple[tuple[int, ...], ...]:
    return tuple(map(_codes, _cases()))


def _matrix(case: _Case, codes: tuple[int, ...]) -> tuple[str, ...]:
    """Return the ids of the coverage table beside that of the rule."""
    access, updates = _access(case), case.ha and case.hd
    is_leaf = not case.walks
    is_direct = is_leaf and not case.is_indirect
    found = {
        "F11": case.ptw and not case.normal and "F10" in covered(codes),
        "F19": case.op == "dc-zva" and taken_to(2, codes),
        "P3": access.kind is Kind.FETCH and is_direct and case.af and not case.s2ap & 1,
        "A2": case.kind == "dc",
        "A4": case.kind == "plain" and case.op.endswith("unaligned"),
        "AT": case.op in _AT,
        "H1": case.ha and not case.af,
        "H2": updates and case.af and is_leaf and access.write and case.op not in _AT,
        "H3": updates and case.dbm and case.op in _AT,
        "H4": case.dbm and case.af and not updates and access.write and not case.is_indirect,
    }
    return (*covered(codes), *(key for key, applies in found.items() if applies))


def _rows() -> list[Row]:
    return [
        Row(
            case.id,
            case.rule,
            describe_all(codes, _PAGE_NAMES),
            case.needs,
            matrix=_matrix(case, codes),
        )
        for case, codes in zip(_cases(), _outcomes(), strict=True)
    ]


def _header() -> str:
    """Return the tables in C."""
    table, needs = OutcomeTable(), NeedsTable()
    rows = [
        initialiser(
            *(KINDS.index(case.kind), OPS.index(case.op), case.el, case.s2ap, case.xn, case.af),
            *(case.dbm, case.ha, case.hd, case.normal, case.ptw),
            *(needs.add(case.needs), table.add(codes)),
        )
        for case, codes in zip(_cases(), _outcomes(), strict=True)
    ]
    return "".join(
        [
            f"#define S2PERM_S2PIR UL({S2PIR:#x})\n",
            names("s2perm_kinds", KINDS),
            names("s2perm_ops", OPS),
            table.declaration("s2perm_outcomes"),
            needs.declaration("s2perm_needs"),
            array("struct s2perm_row", "s2perm_rows", rows),
        ]
    )


AREA: Final = Area(
    "s2perm", "permissions of stage 2, by access and use of the page", _rows, _header
)
