# SPDX-License-Identifier: GPL-2.0-or-later
"""Exceptions, as the EL that takes them sees them."""

from dataclasses import dataclass
from enum import IntEnum

from kut_model.bits import placed


class ExceptionClass(IntEnum):
    """ESR_ELx.EC (DDI 0487, D24.2, ESR_EL2)."""

    UNKNOWN = 0x00
    FP = 0x07
    SVC64 = 0x15
    HVC64 = 0x16
    SMC64 = 0x17
    SYS64 = 0x18
    SVE = 0x19
    SME = 0x1D


@dataclass(frozen=True, slots=True)
class Taken:
    """A synchronous exception of a 32-bit instruction."""

    el: int
    """The EL that takes it, 1 or 2."""
    ec: ExceptionClass
    iss: int
    after: bool
    """Whether ELR_ELx is the address of the next instruction, not that of this one."""

    @property
    def esr(self) -> int:
        """ESR_ELx; IL is 1 (AArch64.ExceptionClass)."""
        return placed(self.ec, 26, 6) | placed(1, 25, 1) | placed(self.iss, 0, 25)

    def __str__(self) -> str:
        """Describe it for a reader, in one line."""
        name = "UNDEFINED" if self.ec is ExceptionClass.UNKNOWN else self.ec.name
        elr = "the next instruction" if self.after else "this instruction"
        return f"exception to EL{self.el}, EC {self.ec:#x} ({name}), ISS {self.iss:#x}, ELR {elr}"


#: AArch64.UndefinedFault, taken from EL0 or EL1 to EL1.
UNDEFINED = Taken(1, ExceptionClass.UNKNOWN, 0, after=False)
