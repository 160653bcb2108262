# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `tlb-el2`: TLB maintenance of the regime of EL2 itself, on one CPU.

A row has a page of the host that is accessed, changed and maintained: the next access has to be one
of the page as it is now.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import product
from typing import Final

from kut_model.rows import Area, Row
from kut_model.tables.arrays import RET, NeedsTable, array, code, designated
from kut_model.tlb.instructions import Kind, Operand, Tlbi, encode, instructions
from kut_model.traps.outcome import ExceptionClass, Taken

_EL2: Final = 2
_TRANSLATION_3, _PERMISSION_3 = 0b000111, 0b001111
_WNR: Final = 1 << 6
_HINT: Final = 3  # the level of the page

#: What happens to the page: it becomes invalid, another one, or read-only.
_CHANGES: Final = ("unmap", "remap", "protect")


def drops(tlbi: Tlbi, *, vhe: bool, global_: bool) -> bool:
    """Whether it has to drop a page of the host (D8.17; AArch64.TLBI_VA, TLBI_ALL and the like).

    Those of EL1 are for EL2&0 with HCR_EL2.{E2H, TGE} {1, 1}. The page is at the last level, and
    has the ASID 0 if it is not global.
    """
    if tlbi.kind.is_stage2 or tlbi.kind is Kind.VMALLS12:
        return False
    if tlbi.el != _EL2 and (not vhe or tlbi.kind is Kind.ALL):
        return False
    return tlbi.kind is not Kind.ASID or not global_


@dataclass(frozen=True, slots=True)
class _Case:
    """A row."""

    tlbi: Tlbi
    change: str
    global_: bool = True
    vhe: bool = True
    hint: bool = False
    """Whether the operand has the level of the page (TTL)."""

    @property
    def id(self) -> str:
        """Id without the name of the area."""
        parts = (
            f"e2h{int(self.vhe)}",
            self.change,
            self.tlbi.name,
            "" if self.global_ else "ng",
            "ttl" * self.hint,
        )
        return ".".join(filter(None, parts))

    @property
    def operand(self) -> int:
        """The operand, without the address and the granule of the host."""
        ttl = 0
        if self.hint:
            ttl = _HINT if self.tlbi.kind.is_range else 1 << 2 | _HINT
        return encode(self.tlbi, Operand(ttl=ttl))

    @property
    def taken(self) -> Taken | None:
        """The exception of the access, which is a store if the page is protected."""
        same = ExceptionClass.DATA_ABORT_SAME_EL
        iss = {"unmap": _TRANSLATION_3, "protect": _PERMISSION_3 | _WNR}.get(self.change)
        return None if iss is None else Taken(_EL2, same, iss, after=False)

    @property
    def needs(self) -> tuple[str, ...]:
        """Features of the instruction and of the hint."""
        return *self.tlbi.needs, *(("FEAT_TTL",) if self.hint else ())


def _cases(*, vhe: bool) -> Iterator[_Case]:
    for change, tlbi, global_ in product(_CHANGES, instructions().values(), (True, False)):
        if (global_ or vhe) and drops(tlbi, vhe=vhe, global_=global_):
            yield _Case(tlbi, change, global_, vhe)
            if tlbi.kind.has_address and global_:
                yield _Case(tlbi, change, vhe=vhe, hint=True)


@cache
def cases(*, vhe: bool) -> tuple[_Case, ...]:
    """Return the cases of hosts with VHE, or of those without."""
    return tuple(_cases(vhe=vhe))


def _describe(case: _Case) -> str:
    return str(case.taken) if case.taken else "the value of the other page"


def _rows(*, vhe: bool) -> Sequence[Row]:
    return [
        Row(f"tlb-el2.{case.id}", "tlb.el2", _describe(case), case.needs) for case in cases(vhe=vhe)
    ]


def _initialiser(case: _Case, needs: NeedsTable, tlbis: Sequence[Tlbi]) -> str:
    fields = {
        "name": f'"{case.id}"',
        "tlbi": tlbis.index(case.tlbi),
        "change": f"TLB_{case.change.upper()}",
        "operand": hex(case.operand),
        "address": int(case.tlbi.kind.has_address),
        "range": int(case.tlbi.kind.is_range),
        "ttl": int(case.hint),
        "ng": int(not case.global_),
        "esr": hex(case.taken.esr if case.taken else 0),
        "needs": needs.add(case.needs),
    }
    return designated(fields)


def _header(*, vhe: bool) -> str:
    needs = NeedsTable()
    tlbis = list(dict.fromkeys(case.tlbi for case in cases(vhe=vhe)))
    rows = [_initialiser(case, needs, tlbis) for case in cases(vhe=vhe)]
    return "".join(
        [
            f"#define TLB_EL2_VHE {int(vhe)}\n",
            code("TLB_EL2_CODE", ((tlbi.opcode, RET) for tlbi in tlbis)),
            needs.declaration("tlb_el2_needs"),
            array("struct tlb_el2_row", "tlb_el2_rows", rows),
        ]
    )


def area(*, vhe: bool) -> Area:
    """Return the area of hosts with VHE, or of those without."""
    title = "TLB maintenance of EL2 itself"
    return Area("tlb-el2", title, partial(_rows, vhe=vhe), partial(_header, vhe=vhe))


AREA: Final = area(vhe=True)
