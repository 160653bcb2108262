# SPDX-License-Identifier: GPL-2.0-or-later
"""Permissions of stage 1 by index into PIR_ELx and PIRE0_ELx (FEAT_S1PIE; DDI 0487, D8.4.1).

Without FEAT_S1POE: no overlay. At EL1&0, without HCR_EL2.NV1.
"""

from dataclasses import dataclass, replace
from typing import Final

_RW_WXN: Final = 0b0110


@dataclass(frozen=True, slots=True)
class Base:
    """Permissions of one Exception level; gcs: to the Guarded Control Stack."""

    r: bool = False
    w: bool = False
    x: bool = False
    gcs: bool = False


NONE: Final = Base()
#: Values without a meaning: they permit nothing; whether PSTATE.PAN takes them for permissions of
#: EL0 is not clear.
RESERVED: Final = frozenset((0b0100, 0b1011, 0b1101, 0b1111))
#: By value of a field; 0 and those that are reserved are none.
_VALUES: Final = {
    0b0001: Base(r=True),
    0b0010: Base(x=True),
    0b0011: Base(r=True, x=True),
    0b0101: Base(r=True, w=True),
    0b0110: Base(r=True, w=True, x=True),
    0b0111: Base(r=True, w=True, x=True),
    0b1000: Base(r=True),
    0b1001: Base(r=True, gcs=True),
    0b1010: Base(r=True, x=True),
    0b1100: Base(r=True, w=True),
    0b1110: Base(r=True, w=True, x=True),
}


def base(value: int) -> Base:
    """Return what a field of PIR_ELx or PIRE0_ELx permits, on its own."""
    return _VALUES.get(value, NONE)


def permissions(ppi: int, upi: int, el: int, *, pan: bool) -> Base:
    """Return what fields of PIR_EL1 and PIRE0_EL1 permit together.

    AArch64.S1IndirectBasePermissions, and WXN of AArch64.S1ComputePermissions.
    """
    privileged, user = base(ppi), base(upi)
    if (privileged.x or privileged.gcs) and (user.w or user.gcs):
        return NONE
    if el == 0:
        return replace(user, x=user.x and upi != _RW_WXN)
    if pan and upi:
        privileged = replace(privileged, r=False, w=False)
    return replace(privileged, x=privileged.x and ppi != _RW_WXN)
