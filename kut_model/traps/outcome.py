# SPDX-License-Identifier: GPL-2.0-or-later
"""Exceptions, as the EL that takes them sees them."""

from dataclasses import dataclass
from enum import IntEnum

from kut_model.bits import placed


class ExceptionClass(IntEnum):
    """ESR_ELx.EC (DDI 0487, D24.2, ESR_EL2)."""

    UNKNOWN = 0x00
    WFX = 0x01
    CP15_32 = 0x03
    CP14_32 = 0x05
    FP = 0x07
    PAC = 0x09
    ILLEGAL_STATE = 0x0E
    SVC32 = 0x11
    HVC32 = 0x12
    SVC64 = 0x15
    HVC64 = 0x16
    SMC64 = 0x17
    SYS64 = 0x18
    SVE = 0x19
    ERET = 0x1A
    SME = 0x1D
    INSTRUCTION_ABORT_LOWER_EL = 0x20
    INSTRUCTION_ABORT_SAME_EL = 0x21
    PC_ALIGNMENT = 0x22
    DATA_ABORT_LOWER_EL = 0x24
    DATA_ABORT_SAME_EL = 0x25
    SP_ALIGNMENT = 0x26
    BREAKPOINT_LOWER_EL = 0x30
    BREAKPOINT_SAME_EL = 0x31
    STEP_LOWER_EL = 0x32
    STEP_SAME_EL = 0x33
    WATCHPOINT_LOWER_EL = 0x34
    WATCHPOINT_SAME_EL = 0x35
    BKPT32 = 0x38
    BRK64 = 0x3C


@dataclass(frozen=True, slots=True)
class Taken:
    """A synchronous exception."""

    el: int
    """The EL that takes it, 1 or 2."""
    ec: ExceptionClass
    iss: int
    after: bool
    """Whether ELR_ELx is the address of the next instruction, not that of this one."""
    il: int = 1
    """ESR_ELx.IL: 0 where a 16-bit instruction of T32 causes it (AArch64.ExceptionClass)."""

    @property
    def esr(self) -> int:
        """ESR_ELx."""
        return placed(self.ec, 26, 6) | placed(self.il, 25, 1) | placed(self.iss, 0, 25)

    def __str__(self) -> str:
        """Describe it for a reader, in one line."""
        name = "UNDEFINED" if self.ec is ExceptionClass.UNKNOWN else self.ec.name
        elr = "the next instruction" if self.after else "this instruction"
        return f"exception to EL{self.el}, EC {self.ec:#x} ({name}), ISS {self.iss:#x}, ELR {elr}"


#: AArch64.UndefinedFault, taken from EL0 or EL1 to EL1.
UNDEFINED = Taken(1, ExceptionClass.UNKNOWN, 0, after=False)
