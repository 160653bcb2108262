# SPDX-License-Identifier: GPL-2.0-or-later
"""Random cases from a fixed seed: states with several interrupts, and accesses in any order.

VGrp0DIE is 0 in all of them: `products` has each combination of the enables for groups.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

from kut_model.gic.cases import MAX_OPERATIONS, Builder, Case
from kut_model.gic.interface import Unpredictable, VirtualInterface
from kut_model.gic.operations import Operation, perform, read, write
from kut_model.gic.products import HW_IRQS
from kut_model.gic.registers import (
    ACTIVE,
    BOTH,
    EN,
    EOICOUNT_SHIFT,
    FIRST_LPI,
    INVALID,
    PENDING,
    VGRP0DIE,
    Controls,
    ListRegister,
)

_SEED: Final = "vgic"
_INTIDS: Final = (1, 9, 15, 16, 27, 31, 32, 100, 511, 1019, 8192, 8193, 20000, 65535)
_PRIORITIES: Final = tuple(range(0, 0x100, 8))
#: Interrupts that may run before the first access, of falling priority.
_MOST_RUNNING: Final = 3


@dataclass(frozen=True, slots=True)
class _Family:
    """Sequences of one kind."""

    name: str
    number: int
    listed: bool = True
    """Whether interrupts that run have list registers; else at least one is ended without."""
    eoimode: bool | None = None


_FAMILIES: Final = (
    _Family("listed", 1400),
    _Family("unlisted-eoimode0", 400, listed=False, eoimode=False),
    _Family("unlisted-eoimode1", 200, listed=False, eoimode=True),
)


def cases() -> Iterator[Case]:
    """Yield the sequences."""
    for family in _FAMILIES:
        for number in range(family.number):
            yield _sequence(family, number)


def _sequence(family: _Family, number: int) -> Case:
    name = f"sequence.{family.name}.{number:04}"
    random = Random(f"{_SEED}.{name}")  # noqa: S311 - reproducible, and no secret
    while True:
        state = _state(random, family)
        operations = _operations(random, state.copy())
        case = Case(name, "vgic.sequence", state, operations)
        try:
            case.outcome()
        except Unpredictable:
            continue
        if family.listed or _ends_unlisted(state, operations):
            return case


def _ends_unlisted(state: VirtualInterface, operations: tuple[Operation, ...]) -> bool:
    """Return whether an interrupt without a list register, and no LPI, is ended."""
    listed = {lr.intid for lr in state.lrs}
    return any(
        each.register.startswith("eoir") and each.value not in listed and each.value < FIRST_LPI
        for each in operations
    )


def _chance(random: Random, percent: int) -> bool:
    return random.randrange(100) < percent


def _state(random: Random, family: _Family) -> VirtualInterface:
    eoimode = _chance(random, 50) if family.eoimode is None else family.eoimode
    point = random.choice((2, 2, 3, 4, 5, 6))
    controls = Controls(
        random.choice((0xF8, 0xF8, 0xF8, *_PRIORITIES)),
        [point, point + 1],
        [_chance(random, 90), _chance(random, 90)],
        eoimode=eoimode,
        cbpr=_chance(random, 20),
    )
    hcr = EN | random.randrange(0x80) << 1 & ~VGRP0DIE | random.randrange(4) << EOICOUNT_SHIFT
    builder = Builder(controls, hcr)
    intids = random.sample(_INTIDS, len(_INTIDS))
    priorities = sorted(random.sample(_PRIORITIES[4:-1], _MOST_RUNNING), reverse=True)
    for priority in priorities[: random.randrange(_MOST_RUNNING + 1)]:
        listed = family.listed or _chance(random, 40)
        _add_running(random, builder, intids.pop(), priority, listed=listed)
    for priority in random.sample(_PRIORITIES, len(HW_IRQS) - len(builder.lrs)):
        builder.lrs.append(_waiting(random, builder, intids.pop(), priority))
    random.shuffle(builder.lrs)
    return builder.build()


def _add_running(
    random: Random, builder: Builder, intid: int, priority: int, *, listed: bool
) -> None:
    group = random.randrange(2)
    lr = ListRegister(random.choice((ACTIVE, ACTIVE, BOTH)), intid, group, priority)
    if listed and intid >= FIRST_LPI:
        return
    if builder.running and builder.group_priority(lr) >= builder.running[-1].priority:
        return
    lr.eoi = _chance(random, 50)
    builder.run(lr, listed=listed)


def _waiting(random: Random, builder: Builder, intid: int, priority: int) -> ListRegister:
    """Return a list register that is pending or invalid."""
    state = random.choice((PENDING, PENDING, PENDING, INVALID))
    kind = random.choice(("plain", "eoi") if intid >= FIRST_LPI else ("plain", "eoi", "hw"))
    hw = HW_IRQS[len(builder.lrs)] if kind == "hw" else 0
    return ListRegister(state, intid, random.randrange(2), priority, hw, eoi=kind == "eoi")


def _operations(random: Random, state: VirtualInterface) -> tuple[Operation, ...]:
    """Return accesses, none of them Unpredictable; `state` changes."""
    made = list[Operation]()
    for _ in range(random.randrange(6, MAX_OPERATIONS)):
        operation = _operation(random, state)
        before = state.copy()
        try:
            perform(state, operation)
        except Unpredictable:
            state = before
            continue
        made.append(operation)
    return tuple(made)


def _operation(random: Random, state: VirtualInterface) -> Operation:
    """Return an access, mostly one that goes on with the interrupts of the state."""
    kinds = ["acknowledge"] * 3 + ["look"] * 2 + ["control"]
    kinds += ["end"] * 3 if state.running else []
    kinds += ["deactivate"] if state.dropped else []
    match random.choice(kinds):
        case "acknowledge":
            return read(random.choice(("iar0", "iar1")))
        case "end":
            last = state.running[-1]
            return write(f"eoir{last.group}", last.intid)
        case "deactivate":
            return write("dir", random.choice(state.dropped))
        case "look":
            return read(random.choice(("isr", "hppir0", "hppir1", "rpr", "ap0r", "ap1r")))
        case _:
            return _control(random)


def _control(random: Random) -> Operation:
    return random.choice(
        (
            write("pmr", random.choice((0xF8, 0x80, 0x40))),
            write("igrpen0", random.randrange(2)),
            write("igrpen1", random.randrange(2)),
            write("bpr0", random.randrange(7)),
            write("bpr1", random.randrange(8)),
        )
    )
