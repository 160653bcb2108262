# SPDX-License-Identifier: GPL-2.0-or-later
"""Exception returns of EL2: which SPSR_EL2.M are legal (DDI 0487, D1.4.5).

There is no EL3; EL1 and EL0 can use AArch32.
"""

from dataclasses import dataclass
from typing import Final

#: Modes of AArch32 by M[4:0], and the Exception level of each (ELFromM32).
_AARCH32_MODES: Final = {
    0x10: 0,
    0x1A: 2,
    **dict.fromkeys((0x11, 0x12, 0x13, 0x17, 0x1B, 0x1F), 1),
}
_EL1, _EL2, _EL3 = 1, 2, 3
_RESERVED: Final = 1 << 1
_EL0_WITH_SP_EL1: Final = 0b00001


@dataclass(frozen=True, slots=True)
class Below:
    """Fields of HCR_EL2: the Execution state of EL1, and whether EL2 has EL0's exceptions."""

    rw: bool = True
    tge: bool = False
    e2h: bool = False

    @property
    def el1_uses_aarch32(self) -> bool:
        """ELStateUsingAArch32K of EL1: RW has no effect on a host with VHE."""
        return not self.rw and not (self.tge and self.e2h)


def is_aarch32(mode: int) -> bool:
    """Return whether M[4:0] selects AArch32."""
    return bool(mode >> 4)


def target(mode: int) -> int | None:
    """Return the Exception level that M[4:0] selects, None if it selects none (ELFromSPSR)."""
    if is_aarch32(mode):
        return _AARCH32_MODES.get(mode)
    el = mode >> 2
    return None if mode & _RESERVED or el == _EL3 or mode == _EL0_WITH_SP_EL1 else el


def is_illegal(mode: int, below: Below) -> bool:
    """Return whether ERET at EL2 with SPSR_EL2.M is illegal (IllegalExceptionReturn)."""
    el = target(mode)
    if el is None or (el == _EL1 and below.tge):
        return True
    if el == _EL2:
        return is_aarch32(mode)
    if el == _EL1 or below.el1_uses_aarch32:
        return is_aarch32(mode) != below.el1_uses_aarch32
    return False  # EL0 may use either
