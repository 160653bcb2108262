# SPDX-License-Identifier: GPL-2.0-or-later
"""Systematic cases: products of states, controls and accesses."""

from collections.abc import Iterator
from itertools import product
from typing import Final

from kut_model.gic.cases import LRS, Builder, Case
from kut_model.gic.interface import VirtualInterface
from kut_model.gic.operations import CONTROLS, READS, Operation, group_of, read, write
from kut_model.gic.registers import (
    ACTIVE,
    BOTH,
    EN,
    EOICOUNT_SHIFT,
    FIRST_LPI,
    INVALID,
    LRENPIE,
    MAX_BPR,
    NPIE,
    PENDING,
    STATES,
    UIE,
    VGRP0EIE,
    VGRP1DIE,
    Controls,
    ListRegister,
)

_SGI, _PPI, _SPI, _LPI = 3, 27, 40, 8200
#: Physical interrupts of list registers with HW 1: SPIs that nothing asserts.
HW_IRQS: Final = (248, 249, 250, 251)
_KINDS: Final = ("plain", "eoi", "hw")


def _lr(state: int, kind: str, number: int = 0, **fields: int) -> ListRegister:
    """Return a list register with EOI or HW, by its kind."""
    hw = HW_IRQS[number] if kind == "hw" else 0
    return ListRegister(
        state,
        fields.get("intid", _SPI + number),
        fields.get("group", 1),
        fields.get("priority", 0x80),
        hw,
        eoi=kind == "eoi",
    )


def list_registers() -> Iterator[Case]:
    """Yield all states of one list register, and mixtures of four."""
    for number, state, kind, group in product(range(LRS), range(4), _KINDS, (0, 1)):
        if (state, kind) == (BOTH, "hw"):
            continue
        lrs = [ListRegister() for _ in range(LRS)]
        lrs[number] = _lr(state, kind, number, group=group)
        name = f"lr.lr{number}.{STATES[state]}.{kind}.group{group}"
        yield Case(name, "vgic.list-register", VirtualInterface(lrs, EN | UIE | NPIE))
    flavours = {
        "none": (INVALID, "plain"),
        "end": (INVALID, "eoi"),
        "hw": (INVALID, "hw"),
        "pending": (PENDING, "plain"),
        "active": (ACTIVE, "eoi"),
    }
    for names in product(flavours, repeat=LRS):
        lrs = [_lr(*flavours[name], number) for number, name in enumerate(names)]
        mixed = VirtualInterface(lrs, EN | UIE | NPIE)
        yield Case(f"lr.all.{'-'.join(names)}", "vgic.list-register", mixed)


def maintenance() -> Iterator[Case]:
    """Yield the causes of the maintenance interrupt, each enabled or not."""
    for bits, group0, group1, en in product(range(16), (False, True), (False, True), (0, EN)):
        name = f"misr.groups-{bits:x}.eng{int(group0)}{int(group1)}.en{en}"
        controls = Controls(enabled=[group0, group1])
        state = Builder(controls, en | bits << 4, [_lr(PENDING, "plain")]).build()
        yield Case(name, "vgic.maintenance", state)
    for enable, count, en in product((0, LRENPIE), (0, 1, 2, 15, 16, 31), (0, EN)):
        state = Builder(hcr=en | enable | count << EOICOUNT_SHIFT).build()
        yield Case(f"misr.lrenpie{enable >> 2}.count{count}.en{en}", "vgic.maintenance", state)
    for enables, valid, what, en in product(range(4), range(LRS + 1), (1, 2), (0, EN)):
        lrs = [_lr(what, "plain", number) for number in range(valid)]
        hcr = en | (UIE if enables & 1 else 0) | (NPIE if enables & 2 else 0)
        name = f"misr.uie{enables & 1}.npie{enables >> 1}.{STATES[what]}{valid}.en{en}"
        yield Case(name, "vgic.maintenance", Builder(hcr=hcr, lrs=lrs).build())


def _looks(group: int) -> tuple[Operation, ...]:
    """Return reads of an interrupt that is pending, its acknowledgement, and reads after it."""
    before = (read("isr"), read("hppir0"), read("hppir1"), read(f"iar{1 - group}"))
    after = (read("isr"), read("rpr"), read("ap0r"), read("ap1r"))
    return (*before, read(f"iar{group}"), *after)


#: Priorities of interrupts, and priority masks: edges, and one beside the other.
_PRIORITIES: Final = (0, 8, 0x50, 0x78, 0x80, 0xF0, 0xF8)


def acknowledges() -> Iterator[Case]:
    """Yield the acknowledgement of one interrupt, by priority, mask and enables."""
    for group, priority, pmr, name in product(
        (0, 1), _PRIORITIES, _PRIORITIES, ("both", "own", "other")
    ):
        own, other = name != "other", name != "own"
        controls = Controls(pmr=pmr, enabled=[other, own] if group else [own, other])
        lr = _lr(PENDING, "plain", group=group, priority=priority)
        yield Case(
            f"ack.group{group}.priority{priority:02x}.pmr{pmr:02x}.{name}",
            *("vgic.acknowledge", Builder(controls, lrs=[lr]).build(), _looks(group)),
        )
    for group, priority in product((0, 1), _PRIORITIES):
        lr = _lr(PENDING, "plain", group=group, priority=priority)
        state = Builder(hcr=0, lrs=[lr]).build()
        name = f"ack.disabled.group{group}.priority{priority:02x}"
        reads = (read("isr"), read("iar0"), read("iar1"), read("rpr"))
        yield Case(name, "vgic.acknowledge", state, reads)


def acknowledges_of_two() -> Iterator[Case]:
    """Yield the acknowledgement of two interrupts, by group, priority and enables."""
    for groups, *priorities, enabled in product(
        product((0, 1), repeat=2), (8, 0x50, 0x80), (0x48, 0x88), ((1, 1), (1, 0), (0, 1))
    ):
        lrs = [
            _lr(PENDING, "plain", number, group=groups[number], priority=priorities[number])
            for number in (0, 1)
        ]
        controls = Controls(enabled=[bool(each) for each in enabled])
        pair = [f"group{groups[number]}-{priorities[number]:02x}" for number in (0, 1)]
        yield Case(
            f"ack.two.{pair[0]}.{pair[1]}.eng{enabled[0]}{enabled[1]}",
            *("vgic.acknowledge", Builder(controls, lrs=lrs).build()),
            (
                *(read("isr"), read("hppir0"), read("hppir1")),
                *(read("iar0"), read("iar1"), read("iar0"), read("rpr")),
            ),
        )


def preemptions() -> Iterator[Case]:
    """Yield one that runs and one that is pending, by group, priority and binary points."""
    points = ((2, 3), (3, 4), (4, 5), (5, 6), (6, 7), (2, 6), (5, 3), (7, 3))
    pending = (0, 0x18, 0x20, 0x40, 0x48, 0x50, 0x58, 0x80)
    for run, at, group, priority, point, cbpr in product(
        (0, 1), (0x20, 0x48, 0x50, 0x90), (0, 1), pending, points, (False, True)
    ):
        builder = Builder(Controls(bpr=list(point), cbpr=cbpr))
        if point[0] == MAX_BPR and (cbpr or 0 in (run, group)):
            continue  # there is no group priority
        builder.run(_lr(ACTIVE, "plain", group=run, priority=at))
        builder.lrs.append(_lr(PENDING, "plain", 1, group=group, priority=priority))
        yield Case(
            f"preempt.run{run}-{at:02x}.group{group}-{priority:02x}"
            f".bpr{point[0]}{point[1]}.cbpr{int(cbpr)}",
            *("vgic.priority", builder.build()),
            (read("isr"), read(f"hppir{group}"), read(f"iar{group}"), read("rpr"), read("isr")),
        )


_INTIDS: Final = {"sgi": _SGI, "ppi": _PPI, "spi": _SPI, "lpi": _LPI}


def ends() -> Iterator[Case]:
    """Yield ends of interrupts: in list registers of all kinds, or in none."""
    for group, (intid_name, intid), mode in product((0, 1), _INTIDS.items(), (False, True)):
        is_lpi = intid >= FIRST_LPI
        states = ("pending",) if is_lpi else ("pending", "active", "both")
        for kind, state_name in product(("plain", "eoi") if is_lpi else _KINDS, states):
            if (kind, state_name) != ("hw", "both"):
                yield from _end(group, intid_name, kind, state_name, eoimode=mode)
        yield from _unlisted_end(group, intid_name, eoimode=mode)


def _stages(group: int, intid: int, *, eoimode: bool) -> dict[str, tuple[Operation, ...]]:
    """Return the operations that end an interrupt, by the last one."""
    end = (write(f"eoir{group}", intid), read("rpr"), read("isr"))
    if eoimode and intid < FIRST_LPI:
        return {"eoir": end, "dir": (*end, write("dir", intid), read("isr"))}
    return {"eoir": end}


def _end(group: int, name: str, kind: str, state: str, *, eoimode: bool) -> Iterator[Case]:
    intid = _INTIDS[name]
    for stage, operations in _stages(group, intid, eoimode=eoimode).items():
        builder = Builder(Controls(eoimode=eoimode), EN | UIE | NPIE | LRENPIE)
        lr = _lr(STATES.index(state), kind, intid=intid, group=group)
        if state == "pending":
            builder.lrs.append(lr)
            first: tuple[Operation, ...] = (read(f"iar{group}"),)
        else:
            builder.run(lr)
            first = ()
        yield Case(
            f"end.group{group}.{name}.{kind}.{state}.eoimode{int(eoimode)}.{stage}",
            *("vgic.end", builder.build(), (*first, *operations)),
        )


def _unlisted_end(group: int, name: str, *, eoimode: bool) -> Iterator[Case]:
    intid = _INTIDS[name]
    for (stage, operations), count in product(
        _stages(group, intid, eoimode=eoimode).items(), (0, 1, 15)
    ):
        builder = Builder(Controls(eoimode=eoimode), EN | LRENPIE | count << EOICOUNT_SHIFT)
        builder.run(_lr(ACTIVE, "plain", intid=intid, group=group), listed=False)
        builder.lrs.append(_lr(PENDING, "plain", 1, group=group, priority=0x90))
        yield Case(
            f"end.group{group}.{name}.unlisted.count{count}.eoimode{int(eoimode)}.{stage}",
            *("vgic.end", builder.build(), operations),
        )


def nested_ends() -> Iterator[Case]:
    """Yield two interrupts that run, with both groups, deactivated in either order."""
    for groups, mode, listed, reverse in product(
        product((0, 1), repeat=2), (False, True), product((False, True), repeat=2), (False, True)
    ):
        if reverse and not mode:
            continue
        builder = Builder(Controls(eoimode=mode), EN | UIE | LRENPIE)
        intids = (_SPI, _SPI + 1)
        for number, priority in enumerate((0x80, 0x40)):
            lr = _lr(ACTIVE, "eoi", number, group=groups[number], priority=priority)
            builder.run(lr, listed=listed[number])
        operations = [read("rpr"), read("ap0r"), read("ap1r")]
        for number in (1, 0):
            operations += [write(f"eoir{groups[number]}", intids[number]), read("rpr")]
        if mode:
            order = intids if reverse else intids[::-1]
            operations += [write("dir", intid) for intid in order]
        yield Case(
            f"end.nested.group{groups[0]}{groups[1]}.listed{int(listed[0])}{int(listed[1])}"
            f".eoimode{int(mode)}{'.oldest-first' if reverse else ''}",
            *("vgic.end", builder.build(), tuple(operations)),
        )


def controls() -> Iterator[Case]:
    """Yield the controls as ICV_* and as ICH_VMCR_EL2."""
    for point0, point1, cbpr in product(range(8), range(8), (False, True)):
        yield Case(
            f"control.vmcr.bpr{point0}{point1}.cbpr{int(cbpr)}",
            "vgic.control",
            Builder(Controls(bpr=[point0, point1], cbpr=cbpr)).build(),
            (read("bpr0"), read("bpr1"), read("ctlr")),
        )
    for group, value, cbpr in product((0, 1), range(8), (False, True)):
        yield Case(
            f"control.bpr{group}.write{value}.cbpr{int(cbpr)}",
            "vgic.control",
            Builder(Controls(bpr=[4, 6], cbpr=cbpr)).build(),
            (write(f"bpr{group}", value), read("bpr0"), read("bpr1")),
        )
    for value in (0, 1, 7, 8, 0x80, 0xA5, 0xF0, 0xF8, 0xFF):
        yield Case(
            f"control.pmr.write{value:02x}",
            "vgic.control",
            Builder(lrs=[_lr(PENDING, "plain")]).build(),
            (write("pmr", value), read("pmr"), read("isr"), read("iar1")),
        )
    for before, after in product(range(4), repeat=2):
        enables = Controls(eoimode=bool(before & 2), cbpr=bool(before & 1))
        yield Case(
            f"control.ctlr.from{before}.write{after}",
            "vgic.control",
            Builder(enables).build(),
            (read("ctlr"), write("ctlr", after), read("ctlr"), read("bpr1")),
        )
    for group, before, after in product((0, 1), (False, True), (0, 1)):
        enabled = [True, True]
        enabled[group] = before
        lr = _lr(PENDING, "plain", group=group)
        hcr = EN | VGRP0EIE | VGRP1DIE
        yield Case(
            f"control.igrpen{group}.from{int(before)}.write{after}",
            "vgic.control",
            Builder(Controls(enabled=enabled), hcr, [lr]).build(),
            (
                *(read("isr"), write(f"igrpen{group}", after), read("igrpen0"), read("igrpen1")),
                *(read("isr"), read(f"iar{group}")),
            ),
        )


def routing() -> Iterator[Case]:
    """Yield each access at EL1 and EL2 with HCR_EL2.IMO and FMO: to which interface it is."""
    written = {"bpr0": 6, "bpr1": 5, "igrpen0": 1, "igrpen1": 0, "pmr": 0x60, "ctlr": 2}
    for at_el2, imo, fmo in product((False, True), (False, True), (False, True)):
        place = f"{'el2' if at_el2 else 'el1'}.imo{int(imo)}.fmo{int(fmo)}"
        for register in READS:
            yield Case(
                f"route.{place}.read.{register}",
                *("vgic.routing", _routed(register), (read(register),), imo, fmo, at_el2),
            )
        for register in CONTROLS:
            operation = write(register, written[register])
            state = Builder(Controls(0x50, [4, 4], [False, True])).build()
            yield Case(
                f"route.{place}.write.{register}",
                *("vgic.routing", state, (operation,), imo, fmo, at_el2),
            )


def routed_ends() -> Iterator[Case]:
    """Yield ends of virtual interrupts at EL1; to the physical interface they are Unpredictable."""
    for register, imo, fmo in product(("eoir0", "eoir1", "dir"), (False, True), (False, True)):
        builder = Builder(Controls(eoimode=register == "dir"))
        active = _lr(ACTIVE, "eoi", group=group_of(register) or 0)
        if register == "dir":
            builder.lrs.append(active)
            builder.dropped.append(active.intid)
        else:
            builder.run(active)
        yield Case(
            f"route.el1.imo{int(imo)}.fmo{int(fmo)}.write.{register}",
            *("vgic.routing", builder.build(), (write(register, active.intid),), imo, fmo),
        )


def _routed(register: str) -> VirtualInterface:
    """Return a state in which each register reads as something that the physical one does not."""
    virtual = Controls(0x50, [4, 4], [True, register != "igrpen1"], eoimode=True, cbpr=True)
    builder = Builder(virtual)
    group = group_of(register)
    if register.startswith(("rpr", "ap")):
        builder.run(_lr(ACTIVE, "plain", group=group or 0, priority=0x40))
    else:
        builder.lrs.append(_lr(PENDING, "plain", group=group or 0, priority=0x40))
    return builder.build()


def cases() -> Iterator[Case]:
    """Yield all of them; some may be Unpredictable."""
    yield from list_registers()
    yield from maintenance()
    yield from acknowledges()
    yield from acknowledges_of_two()
    yield from preemptions()
    yield from ends()
    yield from nested_ends()
    yield from controls()
    yield from routing()
    yield from routed_ends()
