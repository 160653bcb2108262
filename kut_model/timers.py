# SPDX-License-Identifier: GPL-2.0-or-later
"""Generic timers: counts with offsets, and the conditions of timers (DDI 0487, D12.1, D12.2).

All counts and values are unsigned integers of 64 bits, and arithmetic wraps.
"""

from typing import Final

MASK: Final = (1 << 64) - 1

#: Fields of CTL.
ENABLE: Final = 1 << 0
IMASK: Final = 1 << 1
ISTATUS: Final = 1 << 2


def condition_met(count: int, cval: int) -> bool:
    """Return whether the condition of a timer is met at `count`, which is less its offset.

    D12.2.4, Operation of the CompareValue views: Counter - Offset - CompareValue >= 0, where the
    terms are unsigned 64-bit values: no term wraps by the subtraction of CompareValue.
    """
    return count & MASK >= cval & MASK


def control(written: int, *, met: bool) -> int:
    """Return what CTL reads after a write. ISTATUS is UNKNOWN while ENABLE is 0 (CNTV_CTL_EL0)."""
    return written & (ENABLE | IMASK) | (ISTATUS if met and written & ENABLE else 0)


def control_known(written: int) -> int:
    """Return the bits of CTL that have a defined value after a write of `written`."""
    return ENABLE | IMASK | (ISTATUS if written & ENABLE else 0)


def asserted(written: int, *, met: bool) -> bool:
    """Return whether a timer asserts its interrupt (D12.2.4): enabled, not masked, met."""
    return met and written & (ENABLE | IMASK) == ENABLE


def compare_value(count: int, tval: int) -> int:
    """Return CVAL after a write of TVAL at `count` (D12.2.4, Operation of the TimerValue views).

    It is the count plus the sign-extended lower 32 bits; the upper ones are RES0.
    """
    low = tval & 0xFFFFFFFF
    return count + low - (low >> 31 << 32) & MASK
