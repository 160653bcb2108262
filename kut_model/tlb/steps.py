# SPDX-License-Identifier: GPL-2.0-or-later
"""Steps of a program; each names the CPU that does it."""

from dataclasses import dataclass, field

from kut_model.tlb.instructions import Operand, Tlbi
from kut_model.tlb.layout import Fill


class Step:
    """A step."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Set(Step):
    """Write descriptors, and have them visible to walks: DSB."""

    fill: Fill


@dataclass(frozen=True, slots=True)
class Enter(Step):
    """Write VTTBR_EL2 and TTBR0_EL1: VMID and root of stage 2, ASID and root of stage 1; ISB."""

    vmid: int = 1
    root: str = "r"
    asid: int = 1
    context: str = "a"
    cpu: int = 0


@dataclass(frozen=True, slots=True)
class Maintain(Step):
    """Execute TLBI at EL1 or EL2, then DSB and ISB."""

    tlbi: Tlbi
    operand: Operand = field(default_factory=Operand)
    el: int = 2
    cpu: int = 0


@dataclass(frozen=True, slots=True)
class Both(Step):
    """Have both CPUs read an address at EL1, at once."""

    address: int


@dataclass(frozen=True, slots=True)
class Loop(Step):
    """Have CPU 1 read an address at EL1 again and again, until it faults or `Join` ends it."""

    address: int


@dataclass(frozen=True, slots=True)
class Join(Step):
    """Have CPU 1 read the address of its loop once more after all steps before, and end it."""

    address: int


@dataclass(frozen=True, slots=True)
class Try(Step):
    """Access an address: "read", "write" or "exec" at an EL, with PSTATE.PAN or not."""

    address: int
    op: str = "read"
    el: int = 1
    pan: bool = False
    cpu: int = 0
