# SPDX-License-Identifier: GPL-2.0-or-later
"""The model of the virtual CPU interface, against the manual's text (IHI 0069)."""

from functools import cache
from itertools import islice

import pytest
from hypothesis import given
from hypothesis.strategies import booleans, integers, sampled_from

from kut_model.areas import vgic
from kut_model.gic import interface, maintenance, operations, products, registers, sequences
from kut_model.gic.cases import MAX_OPERATIONS, Builder, Case
from kut_model.gic.interface import Unpredictable, VirtualInterface
from kut_model.gic.operations import is_virtual, perform, read, write
from kut_model.gic.registers import (
    ACTIVE,
    BOTH,
    EN,
    EOICOUNT_SHIFT,
    INVALID,
    NPIE,
    PENDING,
    UIE,
    Controls,
    ListRegister,
)

PRIORITIES = integers(0, 31).map(lambda level: level << 3)


def interface_of(*lrs: ListRegister, controls: Controls | None = None) -> VirtualInterface:
    """An interface that is enabled, with these list registers."""
    return VirtualInterface(list(lrs), controls=controls or Controls())


def pending(intid: int = 40, priority: int = 0x80) -> ListRegister:
    """A list register with an interrupt of group 1 that is pending."""
    return ListRegister(PENDING, intid, 1, priority)


def test_the_fields_of_a_list_register() -> None:
    assert ListRegister(PENDING, 40, 1, 0x80, eoi=True).value == 0x5080_0200_0000_0028
    assert ListRegister(ACTIVE, 8200, 0, 0xF8, hw=250).value == 0xA0F8_00FA_0000_2008
    assert str(ListRegister(BOTH, 3, 0, 8)) == "3 both, group 0, priority 0x08"


def test_the_fields_of_vmcr() -> None:
    controls = Controls(0x50, [4, 6], [True, False], eoimode=True, cbpr=True)
    assert controls.vmcr == 0x50980211
    assert not controls.vmcr_known & 7 << 18
    assert Controls().vmcr_known & 7 << 18


@pytest.mark.parametrize(
    ("group", "bpr", "cbpr", "mask"),
    [
        (0, [2, 3], False, 0xF8),
        (0, [6, 3], False, 0x80),
        (1, [6, 3], False, 0xF8),
        (1, [2, 7], False, 0x80),
        (1, [4, 7], True, 0xE0),
    ],
)
def test_the_group_priority(group: int, bpr: list[int], cbpr: bool, mask: int) -> None:  # noqa: FBT001
    assert interface_of(controls=Controls(bpr=bpr, cbpr=cbpr)).group_mask(group) == mask


@given(PRIORITIES, PRIORITIES)
def test_an_interrupt_is_signalled_if_its_priority_is_above_the_mask(at: int, pmr: int) -> None:
    state = interface_of(pending(priority=at), controls=Controls(pmr=pmr))
    assert state.signalled() == (0x80 if at < pmr else 0)
    assert state.read_hppir(1) == 40
    assert state.read_iar(1) == (40 if at < pmr else 1023)


@given(PRIORITIES, PRIORITIES, integers(2, 6))
def test_an_interrupt_preempts_by_its_group_priority(running: int, at: int, point: int) -> None:
    builder = Builder(Controls(pmr=0xF8, bpr=[point, point + 1]))
    builder.run(ListRegister(ACTIVE, 40, 1, running))
    builder.lrs.append(pending(41, priority=at))
    mask = 0xFF << point + 1 & 0xFF
    higher = at & mask < running & mask and at < 0xF8
    assert builder.build().signalled() == (0x80 if higher else 0)


def test_priority_bits_below_the_group_priority_are_open() -> None:
    state = interface_of(pending(priority=0x58), controls=Controls(bpr=[4, 5]))
    assert state.read_iar(1) == 40
    assert (state.running_priority, state.running_priority_known) == (0x40, 0xE7)
    assert not state.active_priorities_known
    state.lrs.append(pending(41, priority=0x40))
    assert state.signalled() == 0
    state.write_eoir(1, 40)
    assert state.active_priorities_known


@given(sampled_from((0, 1)), booleans(), booleans(), sampled_from((40, 8200)))
def test_the_end_of_an_interrupt(group: int, eoimode: bool, listed: bool, intid: int) -> None:  # noqa: FBT001
    builder = Builder(Controls(eoimode=eoimode))
    builder.run(ListRegister(ACTIVE, intid, group, 0x40, hw=250), listed=listed)
    state = builder.build()
    assert state.active_priorities(group) == 1 << 8
    state.write_eoir(group, intid)
    split = eoimode and intid == 40
    assert (state.running_priority, state.active_priorities(group)) == (0xFF, 0)
    assert state.lrs[0].state == (ACTIVE if split and listed else INVALID)
    assert state.eoicount == (not listed and not split and intid == 40)
    assert state.deactivated == ([250] if listed and not split else [])
    if split:
        state.write_dir(intid)
        assert state.lrs[0].state == INVALID
        assert state.eoicount == (not listed)


def test_the_end_of_an_interrupt_that_is_pending_and_active() -> None:
    builder = Builder()
    builder.run(ListRegister(BOTH, 40, 1, 0x40, eoi=True))
    state = builder.build()
    state.write_eoir(1, 40)
    assert (state.lrs[0].state, maintenance.eisr(state)) == (PENDING, 0)
    assert state.read_iar(1) == 40


@pytest.mark.parametrize(
    ("lr", "eisr", "elrsr"),
    [
        (ListRegister(), 0, 1),
        (ListRegister(eoi=True), 1, 0),
        (ListRegister(hw=250), 0, 1),
        (ListRegister(PENDING, eoi=True), 0, 0),
        (ListRegister(ACTIVE), 0, 0),
    ],
)
def test_the_status_of_list_registers(lr: ListRegister, eisr: int, elrsr: int) -> None:
    state = interface_of(lr)
    assert (maintenance.eisr(state), maintenance.elrsr(state)) == (eisr, elrsr)


def test_the_maintenance_interrupt() -> None:
    state = interface_of(pending(), ListRegister(eoi=True))
    state.hcr = EN | 0xFE | 2 << EOICOUNT_SHIFT
    assert maintenance.describe(maintenance.misr(state)) == "EOI U LRENP VGrp0E VGrp1E"
    state.controls.enabled = [False, True]
    assert maintenance.describe(maintenance.misr(state)) == "EOI U LRENP VGrp0D VGrp1E"
    state.lrs[0].state = BOTH
    assert not maintenance.misr_known(state) & NPIE
    state.hcr &= ~EN
    assert not maintenance.line(state)
    assert maintenance.line_known(state)


def test_the_controls() -> None:
    state = interface_of(controls=Controls(bpr=[7, 3]))
    for register, value in {"pmr": 0xA5, "bpr0": 0, "bpr1": 0, "igrpen0": 0}.items():
        perform(state, write(register, value))
    assert state.controls.vmcr == 0xA04C0002
    perform(state, write("ctlr", 3))
    perform(state, write("bpr1", 7))
    assert perform(state, read("bpr1")).value == 3
    perform(state, write("bpr0", 7))
    assert perform(state, read("bpr1")).value == 7
    assert perform(state, read("ctlr")).value == 3


def test_the_interface_of_an_access() -> None:
    for register in (*operations.READS, "eoir0", "eoir1", "dir"):
        both = (
            is_virtual(register, imo=True, fmo=False),
            is_virtual(register, imo=False, fmo=True),
        )
        group = operations.group_of(register)
        assert both == {0: (False, True), 1: (True, False), None: (True, True)}[group]
        assert not is_virtual(register, imo=False, fmo=False)


@pytest.mark.parametrize(
    "access",
    [write("eoir1", 41), write("eoir0", 40), write("dir", 40), write("bpr0", 5), write("ctlr", 0)],
)
def test_what_software_may_not_do(access: operations.Operation) -> None:
    state = interface_of(pending(), controls=Controls(eoimode=True))
    assert state.read_iar(1) == 40
    with pytest.raises(Unpredictable):
        perform(state, access)


def test_what_depends_on_the_implementation() -> None:
    with pytest.raises(Unpredictable, match="same priority"):
        interface_of(pending(40), pending(41)).signalled()
    with pytest.raises(Unpredictable, match="BPR0 of 7"):
        interface_of(controls=Controls(bpr=[7, 3])).group_mask(0)
    state = interface_of(pending(8200))
    assert state.read_iar(1) == 8200
    with pytest.raises(Unpredictable, match="LPI"):
        state.require_settled()


def test_a_row_says_what_it_does() -> None:
    expected = {row.id: row.expected for row in vgic.AREA.rows()}
    assert expected["vgic.end.group1.spi.eoi.pending.eoimode1.eoir"] == (
        "IAR1 0x28; EOIR1 = 0x28; RPR 0xff; ISR 0x0; LR0 40 active, group 1, priority 0x80, EOI;"
        " MISR U NP (from ICH_HCR_EL2 0xf; ICH_VMCR_EL2 0xf84c0203; ICH_AP0R0_EL2 0x0;"
        " ICH_AP1R0_EL2 0x0; LR0 40 pending, group 1, priority 0x80, EOI)"
    )


def test_sequences_are_those_of_the_seed() -> None:
    first, second = (list(map(text_of, islice(sequences.cases(), 100))) for _ in range(2))
    assert first == second
    assert len(set(first)) == len(first)
    assert all(len(case.operations) <= MAX_OPERATIONS for case in islice(sequences.cases(), 100))


def text_of(case: Case) -> str:
    """All that the image compares with, or the reason why there is no row."""
    try:
        outcome = case.outcome()
    except Unpredictable as reason:
        return str(reason)
    row = vgic._initialiser(case, outcome, 0)
    return "\n".join([row, *vgic._operations(case, outcome)])


def ignoring_the_mask(self: VirtualInterface, lr: ListRegister) -> bool:
    """Preemption alone."""
    return not self.running or lr.priority & self.group_mask(lr.group) < self.running_priority


FLIPS: list[tuple[object, str, object]] = [
    (VirtualInterface, "can_signal", ignoring_the_mask),
    (VirtualInterface, "can_signal", lambda self, lr: lr.priority < self.controls.pmr),
    (VirtualInterface, "group_mask", lambda _self, _group: 0xF8),
    (VirtualInterface, "group_mask", lambda self, group: 0xFF << self.controls.bpr[group] & 0xFF),
    (VirtualInterface, "highest", lambda self: next(iter(self.lrs), None)),
    (VirtualInterface, "_deactivate", lambda _self, lr: setattr(lr, "state", INVALID)),
    (VirtualInterface, "_count_end", lambda _self: None),
    (VirtualInterface, "_end", lambda _self, _intid: None),
    (interface, "FIRST_LPI", 1 << 24),
    (interface, "SPURIOUS", 1022),
    (interface, "ISR_BITS", (1 << 7, 1 << 6)),
    (maintenance, "_ended", lambda lr: lr.state == INVALID and lr.eoi and not lr.intid),
    (maintenance, "PENDING", ACTIVE),
    (maintenance, "UIE", NPIE),
    (maintenance, "NPIE", UIE),
    (Controls, "read_bpr", lambda self, group: self.bpr[group]),
    (Controls, "write_bpr", lambda self, group, value: self.bpr.__setitem__(group, value)),
    (registers, "MIN_BPR", (0, 1)),
    (operations, "PRIORITY_MASK", 0xF0),
    (operations, "group_of", lambda register: 1 if register == "pmr" else None),
]


@cache
def rows() -> list[tuple[Case, str]]:
    """The systematic cases, and what the image compares with."""
    return [(case, text_of(case)) for case in products.cases()]


@pytest.mark.parametrize(("owner", "name", "flip"), FLIPS)
def test_rows_depend_on_the_rule(
    owner: object, name: str, flip: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = rows()
    monkeypatch.setattr(owner, name, flip)
    assert any(text_of(case) != text for case, text in expected)
