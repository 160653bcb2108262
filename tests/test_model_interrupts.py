# SPDX-License-Identifier: GPL-2.0-or-later
"""The model of virtual interrupts and routing, against the pseudocode (DDI 0487, D1.3.6)."""

from dataclasses import replace

import pytest

from kut_model import interrupts
from kut_model.areas import virq
from kut_model.interrupts import FIQ, IRQ, KINDS, SERROR, Machine, may_take

ALL = frozenset(KINDS)
NONE = frozenset[str]()


def taken(machine: Machine) -> set[str]:
    """What may be taken, as text."""
    return set(map(str, may_take(machine)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_virtual_exception_needs_its_routing_and_no_mask(kind: str) -> None:
    one = frozenset([kind])
    for el in (0, 1):
        machine = Machine(el, pending=one)
        assert taken(machine) == {f"virtual {kind} to EL1"}
        assert not taken(replace(machine, masks=one))
        assert not taken(replace(machine, routed=ALL - one))
        assert not taken(replace(machine, tge=True))
        assert taken(replace(machine, masks=ALL - one)) == taken(machine)


def test_any_of_several_may_come_first() -> None:
    assert len(may_take(Machine(1, pending=ALL))) == 3
    assert len(may_take(Machine(1, pending=ALL, masks=frozenset([IRQ])))) == 2


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        (Machine(1, physical=frozenset([IRQ]), masks=ALL), {"physical IRQ to EL2"}),
        (Machine(1, physical=frozenset([IRQ]), routed=NONE), {"physical IRQ to EL1"}),
        (Machine(0, physical=frozenset([FIQ]), routed=NONE, masks=ALL), set()),
        (Machine(0, physical=frozenset([FIQ]), tge=True, masks=ALL), {"physical FIQ to EL2"}),
        (Machine(0, physical=frozenset([FIQ]), tge=True, e2h=True, masks=ALL), set()),
        (Machine(0, physical=frozenset([FIQ]), tge=True, e2h=True), {"physical FIQ to EL2"}),
    ],
)
def test_physical_interrupts(machine: Machine, expected: set[str]) -> None:
    assert taken(machine) == expected


def test_isr() -> None:
    machine = Machine(1, pending=ALL, routed=frozenset([IRQ, SERROR]))
    assert interrupts.isr(machine) == 0x180
    assert interrupts.isr(replace(machine, physical=frozenset([FIQ, IRQ]))) == 0x1C0
    assert interrupts.isr_at_el2(replace(machine, physical=frozenset([FIQ]))) == 0x40
    urgent = replace(machine, routed=ALL, superpriority=frozenset([IRQ, FIQ]))
    assert interrupts.isr(urgent) == 0x7C0


def test_superpriority() -> None:
    machine = Machine(1, masks=ALL, pending=frozenset([IRQ]), superpriority=frozenset([IRQ]))
    assert not taken(machine)
    machine = replace(machine, nmi=True)
    assert taken(machine) == {"virtual IRQ to EL1"}
    assert not taken(replace(machine, allint=True))
    assert not taken(replace(machine, spintmask=True))
    assert taken(replace(machine, el=0, allint=True)) == {"virtual IRQ to EL1"}
    assert not taken(replace(machine, superpriority=NONE))
    assert not taken(replace(machine, superpriority=NONE, masks=NONE, allint=True))
    assert taken(replace(machine, nmi=False, masks=NONE, allint=True))


def test_wfi_completes_while_an_interrupt_is_pending() -> None:
    assert interrupts.wakes(Machine(1, ALL, pending=frozenset([SERROR])))
    assert interrupts.wakes(Machine(1, ALL, NONE, physical=frozenset([FIQ])))
    assert not interrupts.wakes(Machine(1, NONE, NONE, ALL, frozenset([IRQ])))


def test_syndromes_of_serrors() -> None:
    assert interrupts.serror_syndrome(0xFFFF_FFFF) == 0xBFFF_FFFF
    assert interrupts.serror_syndrome(0x1234) == 0xBE00_1234
    machine = Machine(1, masks=ALL, pending=frozenset([SERROR]))
    assert interrupts.deferred(machine, 0x3FF_FFFF) == 0x81FF_FFFF
    assert interrupts.deferred(replace(machine, routed=NONE), 1) == 0
    assert interrupts.deferred(replace(machine, masks=NONE), 1) == 0


FLIPS = [
    ("_virtual_masks", lambda machine: machine.masks),
    ("_virtual_masks", lambda _machine: NONE),
    ("_physical", lambda _machine: frozenset()),
    ("isr", interrupts.isr_at_el2),
    ("wakes", lambda _machine: False),
    ("isr_at_el2", lambda machine: 1 << 7 if machine.pending else 0),
    ("serror_syndrome", lambda vsesr: 0xBE00_0000 | vsesr & 0xFF_FFFF),
    ("deferred", lambda _machine, _vsesr: 0),
]


@pytest.mark.parametrize(("name", "flip"), FLIPS)
def test_rows_depend_on_the_rule(name: str, flip: object, monkeypatch: pytest.MonkeyPatch) -> None:
    before = header()
    rule = getattr(interrupts, name)
    for module in (interrupts, virq):
        if getattr(module, name, None) is rule:
            monkeypatch.setattr(module, name, flip)
    assert header() != before


def header() -> str:
    """All that the image compares with, made anew."""
    virq._cases.cache_clear()
    try:
        return virq.AREA.header()
    finally:
        virq._cases.cache_clear()
