# SPDX-License-Identifier: GPL-2.0-or-later
"""Registers of the CPU interfaces: ICH_*_EL2, and what ICV_* and ICC_* share (IHI 0069, 12.2-12.4).

Five bits of priority and five of preemption (ICH_VTR_EL2.PRIbits and PREbits are 4): priorities are
multiples of 8, and the minima of the binary points are 2 for group 0 and 3 for group 1.
"""

from dataclasses import dataclass, field, replace
from typing import Final

#: States of a list register, or of an interrupt.
INVALID, PENDING, ACTIVE, BOTH = range(4)
STATES: Final = ("invalid", "pending", "active", "both")

#: Interrupts from here on are LPIs; 1023 is "no interrupt".
FIRST_LPI: Final = 8192
SPURIOUS: Final = 1023

#: Priority bits that exist; ICC_RPR_EL1 without an active interrupt.
PRIORITY_MASK: Final = 0xF8
IDLE: Final = 0xFF
#: Bits of a priority below those of active priority registers.
PREEMPTION_SHIFT: Final = 3
#: Minimum of the binary point, by group, and its maximum.
MIN_BPR: Final = (2, 3)
MAX_BPR: Final = 7

#: ICH_HCR_EL2.
EN: Final = 1 << 0
UIE: Final = 1 << 1
LRENPIE: Final = 1 << 2
NPIE: Final = 1 << 3
VGRP0EIE: Final = 1 << 4
VGRP0DIE: Final = 1 << 5
VGRP1EIE: Final = 1 << 6
VGRP1DIE: Final = 1 << 7
EOICOUNT_SHIFT: Final = 27
EOICOUNT_MAX: Final = 31

#: ICC_CTLR_EL1.
CTLR_CBPR: Final = 1 << 0
CTLR_EOIMODE: Final = 1 << 1

#: ICH_VMCR_EL2. VFIQEn and VAckCtl are RES1 and RES0 where accesses are to system registers.
VMCR_VBPR1: Final = 7 << 18
VMCR_KNOWN: Final = 0xFF << 24 | 7 << 21 | VMCR_VBPR1 | 1 << 9 | 1 << 4 | 3


@dataclass(slots=True)
class ListRegister:
    """ICH_LR<n>_EL2."""

    state: int = INVALID
    intid: int = 0
    group: int = 0
    priority: int = 0
    hw: int = 0
    """INTID of the physical interrupt, with HW 1; or 0."""
    eoi: bool = False
    """Maintenance interrupt when it is deactivated; not with HW 1."""

    def copy(self) -> "ListRegister":
        """Return another one, with the same fields."""
        return ListRegister(
            self.state, self.intid, self.group, self.priority, self.hw, eoi=self.eoi
        )

    @property
    def value(self) -> int:
        """Return the register."""
        physical = 1 << 61 | self.hw << 32 if self.hw else int(self.eoi) << 41
        fields = self.state << 62 | self.group << 60 | self.priority << 48 | self.intid
        return fields | physical

    def __str__(self) -> str:
        """Return its fields, as in "40 pending, group 1, priority 0x80, EOI"."""
        more = f", HW {self.hw}" if self.hw else ", EOI" * self.eoi
        state = STATES[self.state]
        return f"{self.intid} {state}, group {self.group}, priority {self.priority:#04x}{more}"


@dataclass(slots=True)
class Controls:
    """Controls of a CPU interface, virtual or physical; lists are by group."""

    pmr: int = PRIORITY_MASK
    bpr: list[int] = field(default_factory=lambda: list(MIN_BPR))
    enabled: list[bool] = field(default_factory=lambda: [True, True])
    eoimode: bool = False
    cbpr: bool = False

    @property
    def vmcr(self) -> int:
        """Return ICH_VMCR_EL2: VPMR, VBPR0, VBPR1, VEOIM, VCBPR, VENG1 and VENG0."""
        points = self.bpr[0] << 21 | self.bpr[1] << 18
        modes = self.eoimode << 9 | self.cbpr << 4
        return self.pmr << 24 | points | modes | self.enabled[1] << 1 | self.enabled[0]

    @property
    def vmcr_known(self) -> int:
        """Return the bits of ICH_VMCR_EL2 with a defined value.

        VBPR1 is an alias of ICV_BPR1_EL1, which reads as ICV_BPR0_EL1 + 1 while CBPR is set: which
        of both the field has then is left open.
        """
        return VMCR_KNOWN & ~(VMCR_VBPR1 if self.cbpr else 0)

    @property
    def ctlr(self) -> int:
        """Return EOImode and CBPR of ICC_CTLR_EL1."""
        return self.eoimode * CTLR_EOIMODE | self.cbpr * CTLR_CBPR

    def copy(self) -> "Controls":
        """Return others, with the same values."""
        return replace(self, bpr=[*self.bpr], enabled=[*self.enabled])

    def raise_to_minima(self) -> None:
        """Do what a write of ICH_VMCR_EL2 does to binary points below their minima."""
        self.bpr = [max(point, least) for point, least in zip(self.bpr, MIN_BPR, strict=True)]

    def read_bpr(self, group: int) -> int:
        """Return ICC_BPR<group>_EL1; with CBPR that of group 1 is the other one + 1, at most 7."""
        if group and self.cbpr:
            return min(self.bpr[0] + 1, MAX_BPR)
        return self.bpr[group]

    def write_bpr(self, group: int, value: int) -> None:
        """Write ICC_BPR<group>_EL1: at least the minimum; that of group 1 not with CBPR."""
        if not (group and self.cbpr):
            self.bpr[group] = max(value & MAX_BPR, MIN_BPR[group])
