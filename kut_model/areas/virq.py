# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `virq`: virtual interrupts and SErrors, and physical interrupts, at EL1 and EL0.

A row enters EL1 or EL0 with interrupts pending, and compares the exception that is taken, or that
none is, ISR_EL1, and HCR_EL2.VSE afterwards.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import combinations, product
from typing import Final

from kut_model.interrupts import (
    FIQ,
    IRQ,
    KINDS,
    SERROR,
    Machine,
    Taken,
    deferred,
    isr,
    isr_at_el2,
    may_take,
    serror_syndrome,
    wakes,
)
from kut_model.rows import Area, Row
from kut_model.tables.arrays import NeedsTable, array, designated

_LETTERS: Final = {IRQ: "i", FIQ: "f", SERROR: "a"}
#: Bits of HCR_EL2: VI and IMO, VF and FMO, VSE and AMO; of SPSR: I, F and A.
_PENDING_BITS: Final = {IRQ: 1 << 7, FIQ: 1 << 6, SERROR: 1 << 8}
_ROUTED_BITS: Final = {IRQ: 1 << 4, FIQ: 1 << 3, SERROR: 1 << 5}
_MASK_BITS: Final = {IRQ: 1 << 7, FIQ: 1 << 6, SERROR: 1 << 8}
_TGE: Final = 1 << 27
_ALLINT: Final = 1 << 13
_SCTLR_NMI, _SCTLR_SPINTMASK = 1 << 61, 1 << 62
_HCRX_BITS: Final = {IRQ: 1 << 7, FIQ: 1 << 8}

#: VSESR_EL2 of rows that are not about it.
_VSESR: Final = 0x15A_5A5A
_VSESRS: Final = (0, 0x1FF_FFFF, 0x100_0000, 0x000_1234, 0x0FF_FFFF, 0x0AA_AAAA, 0x155_5555)

_NONE: Final = frozenset[str]()
_RAS: Final = ("FEAT_RAS",)
_NMI: Final = ("FEAT_NMI", "FEAT_HCX")


@dataclass(frozen=True, slots=True)
class _Case:
    """A row."""

    name: str
    rule: str
    machine: Machine
    place: str = ""
    """EL2 for ISR_EL1 read at EL2; else where the machine is."""
    vsesr: int = _VSESR
    compares_syndrome: bool = False
    code: str = "PLAIN"
    """ESB: it comes first, and VDISR_EL2 is compared; UNMASK: PSTATE.A, I and F are cleared first;
    WFI: it comes first."""
    needs: tuple[str, ...] = ()

    @property
    def taken(self) -> frozenset[Taken]:
        """Return the exceptions of which one is taken, or none for none."""
        return frozenset() if self.place == "EL2" else may_take(self.unmasked)

    @property
    def unmasked(self) -> Machine:
        """Return the machine when its code has cleared masks."""
        return replace(self.machine, masks=_NONE) if self.code == "UNMASK" else self.machine

    @property
    def isr(self) -> int | None:
        """Return ISR_EL1 if it is read."""
        if self.place == "EL2":
            return isr_at_el2(self.machine)
        if self.taken or self.machine.el == 0:
            return None
        value = isr(self.machine)
        return value & ~(1 << 8) if self.vdisr else value

    @property
    def matrix(self) -> tuple[str, ...]:
        """Return V2 where a source is not routed, beside the id of the rule."""
        machine = self.machine
        unrouted = (machine.pending | machine.signalled) - machine.routed
        return ("V2",) if unrouted else ()

    @property
    def vdisr(self) -> int:
        """Return VDISR_EL2 afterwards."""
        return deferred(self.machine, self.vsesr) if self.code == "ESB" else 0


def _subsets(kinds: Sequence[str]) -> Iterator[frozenset[str]]:
    for number in range(len(kinds) + 1):
        yield from map(frozenset, combinations(kinds, number))


def _text(kinds: Iterable[str]) -> str:
    """Return a set of kinds for an id, as in "ia", or "none"."""
    return "".join(_LETTERS[kind] for kind in KINDS if kind in kinds) or "none"


#: Kinds that HCR_EL2 makes pending, and those that the virtual CPU interface signals.
_SOURCES: Final = (
    *((kinds, _NONE) for kinds in _subsets(KINDS)),
    *((_NONE, frozenset([kind])) for kind in (IRQ, FIQ)),
    *((frozenset([kind]), frozenset([other])) for kind in KINDS for other in (IRQ, FIQ)),
)


def _pending_text(pending: frozenset[str], signalled: frozenset[str]) -> str:
    listed = f"-lr-{_text(signalled)}" if signalled else ""
    return f"v{_text(pending)}{listed}"


def _virtual() -> Iterator[_Case]:
    """Yield all sources, routings and masks at EL1 and EL0."""
    for el, (pending, signalled), routed, masks in product(
        (1, 0), _SOURCES, list(_subsets(KINDS)), list(_subsets(KINDS))
    ):
        yield _Case(
            f"el{el}.{_pending_text(pending, signalled)}.mo-{_text(routed)}.masks-{_text(masks)}",
            "virq.virtual",
            Machine(el, masks, routed, pending, signalled),
        )


def _host(*, e2h: bool) -> Iterator[_Case]:
    """Yield the same sources at EL0 of a host, and at EL2."""
    for (pending, signalled), routed, masks in product(
        _SOURCES, (_NONE, frozenset(KINDS)), list(_subsets(KINDS))
    ):
        text = f"{_pending_text(pending, signalled)}.mo-{_text(routed)}"
        machine = Machine(0, masks, routed, pending, signalled, tge=True, e2h=e2h)
        yield _Case(f"host-el0.{text}.masks-{_text(masks)}", "virq.host", machine)
        if not masks:
            machine = Machine(1, masks, routed, pending, signalled)
            yield _Case(f"el2.{text}.isr", "virq.host", machine, "EL2")


def _physical(*, e2h: bool) -> Iterator[_Case]:
    """Yield physical interrupts at EL1, at EL0, and at EL0 of a host; virtual ones beside them."""
    kinds = (IRQ, FIQ)
    for kind, place, routed, masks, pending in product(
        kinds, ("el1", "el0", "host-el0"), list(_subsets(kinds)), list(_subsets(kinds)), (0, 1)
    ):
        machine = Machine(
            int(place == "el1"),
            masks | {SERROR},
            routed,
            frozenset([kind] if pending else []),
            physical=frozenset([kind]),
            tge=place == "host-el0",
            e2h=e2h and place == "host-el0",
        )
        beside = f"-v{_text(machine.pending)}" if pending else ""
        yield _Case(
            f"{place}.physical-{_text([kind])}{beside}.mo-{_text(routed)}.masks-{_text(masks)}",
            *("virq.physical", machine),
        )


def _syndromes() -> Iterator[_Case]:
    """Yield values of VSESR_EL2, with the SError taken, and deferred by ESB."""
    for el, vsesr in product((1, 0), _VSESRS):
        machine = Machine(el, frozenset([IRQ, FIQ]), pending=frozenset([SERROR]))
        yield _Case(
            f"el{el}.vsesr-{vsesr:07x}.taken",
            *("virq.syndrome", machine, "", vsesr),
            compares_syndrome=True,
            needs=_RAS,
        )
        yield _Case(
            f"el{el}.vsesr-{vsesr:07x}.esb",
            "virq.esb",
            replace(machine, masks=frozenset(KINDS)),
            vsesr=vsesr,
            code="ESB",
            needs=_RAS,
        )
    for el, pending, routed, masks in product(
        (1, 0), list(_subsets((IRQ, SERROR))), list(_subsets((IRQ, SERROR))), (KINDS, (SERROR,))
    ):
        machine = Machine(el, frozenset(masks), routed, pending)
        if not may_take(machine):
            yield _Case(
                f"el{el}.v{_text(pending)}.mo-{_text(routed)}.masks-{_text(masks)}.esb",
                *("virq.esb", machine),
                code="ESB",
                needs=_RAS,
            )


def _at_el1() -> Iterator[_Case]:
    """Yield all sources and routings, with the masks cleared at EL1, and with WFI."""
    for (pending, signalled), routed in product(_SOURCES, list(_subsets(KINDS))):
        machine = Machine(1, frozenset(KINDS), routed, pending, signalled)
        name = f"el1.{_pending_text(pending, signalled)}.mo-{_text(routed)}"
        yield _Case(f"{name}.unmask", "virq.unmask", machine, code="UNMASK")
        if wakes(machine):
            yield _Case(f"{name}.wfi", "virq.wfi", machine, code="WFI")
    for kind in (IRQ, FIQ):
        machine = Machine(1, frozenset(KINDS), _NONE, physical=frozenset([kind]))
        yield _Case(f"el1.physical-{_text([kind])}.unmask", "virq.unmask", machine, code="UNMASK")
        yield _Case(f"el1.physical-{_text([kind])}.wfi", "virq.wfi", machine, code="WFI")


def _nmi() -> Iterator[_Case]:
    """Yield superpriority, ALLINT and SPINTMASK."""
    kinds = (IRQ, FIQ)
    for el, pending, urgent, masks, nmi, spintmask, allint in product(
        (1, 0),
        [each for each in _subsets(kinds) if each],
        list(_subsets(kinds)),
        list(_subsets(kinds)),
        *((False, True),) * 3,
    ):
        machine = Machine(
            *(el, masks | {SERROR}),
            pending=pending,
            nmi=nmi,
            spintmask=spintmask,
            allint=allint,
            superpriority=urgent,
        )
        yield _Case(
            f"el{el}.nmi{int(nmi)}.spintmask{int(spintmask)}.v{_text(pending)}"
            f".super-{_text(urgent)}.masks-{_text(masks)}.allint{int(allint)}",
            *("virq.nmi", machine),
            needs=_NMI,
        )


@cache
def _cases(*, vhe: bool) -> list[_Case]:
    return [
        *_virtual(),
        *_host(e2h=vhe),
        *_physical(e2h=vhe),
        *_syndromes(),
        *_at_el1(),
        *_nmi(),
    ]


def _describe(case: _Case) -> str:
    taken = sorted(map(str, case.taken))
    parts = [" or ".join(taken) or "no interrupt"]
    if case.compares_syndrome:
        parts.append(f"ESR_EL1 {serror_syndrome(case.vsesr):#x}")
    if case.isr is not None:
        parts.append(f"ISR_EL1 {case.isr:#x}")
    if case.code == "ESB":
        parts.append(f"VDISR_EL2 {case.vdisr:#x}")
    return ", ".join(parts)


def _rows(*, vhe: bool) -> Sequence[Row]:
    return [
        Row(f"virq.{case.name}", case.rule, _describe(case), case.needs, matrix=case.matrix)
        for case in _cases(vhe=vhe)
    ]


def _bits(kinds: Iterable[str], bits: dict[str, int]) -> int:
    return sum(bits[kind] for kind in kinds)


def _place(case: _Case) -> str:
    if case.place:
        return case.place
    return "HOST_EL0" if case.machine.tge else f"EL{case.machine.el}"


def _initialiser(case: _Case, needs: NeedsTable) -> str:
    machine = case.machine
    hcr = _bits(machine.pending, _PENDING_BITS) | _bits(machine.routed, _ROUTED_BITS)
    sctlr = (_SCTLR_NMI if machine.nmi else 0) | (_SCTLR_SPINTMASK if machine.spintmask else 0)
    taken = sum(1 << KINDS.index(each.kind) + 3 * (each.el - 1) for each in case.taken)
    fields = {
        "name": f'"{case.name}"',
        "place": f"VIRQ_{_place(case)}",
        "hcr": hex(hcr | (_TGE if machine.tge else 0)),
        "spsr": hex(_bits(machine.masks, _MASK_BITS) | (_ALLINT if machine.allint else 0)),
        "sctlr": hex(sctlr),
        "hcrx": hex(_bits(machine.superpriority, _HCRX_BITS)),
        "vsesr": hex(case.vsesr),
        "lr_irq": int(IRQ in machine.signalled),
        "lr_fiq": int(FIQ in machine.signalled),
        "irq": int(IRQ in machine.physical),
        "fiq": int(FIQ in machine.physical),
        "code": f"VIRQ_{case.code}",
        "taken": hex(taken),
        "esr": hex(serror_syndrome(case.vsesr) if case.compares_syndrome else 0),
        "isr": hex(case.isr or 0),
        "reads_isr": int(case.isr is not None),
        "vse": int(SERROR in machine.pending and not case.vdisr),
        "vdisr": hex(case.vdisr),
        "needs": needs.add(case.needs),
    }
    return designated(fields)


def _header(*, vhe: bool) -> str:
    needs = NeedsTable()
    rows = [_initialiser(case, needs) for case in _cases(vhe=vhe)]
    return "".join(
        [
            f"#define VIRQ_VHE {int(vhe)}\n",
            needs.declaration("virq_needs"),
            array("struct virq_row", "virq_rows", rows),
        ]
    )


def area(*, vhe: bool) -> Area:
    """Return the area of hosts with VHE, or of those without."""
    title = "virtual interrupts and their routing"
    return Area("virq", title, partial(_rows, vhe=vhe), partial(_header, vhe=vhe))


AREA: Final = area(vhe=True)
