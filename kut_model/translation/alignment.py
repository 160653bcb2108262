# SPDX-License-Identifier: GPL-2.0-or-later
"""Alignment faults of loads and stores (DDI 0487, B2.5.2; D8.16, Device memory)."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

_QUANTITY: Final = 16  # bytes that FEAT_LSE2 accesses at once


class Kind(Enum):
    """What a load or store asks of its address."""

    PLAIN = "plain"
    ORDERED = "ordered"
    """With acquire or release semantics."""
    ATOMIC = "atomic"
    """An atomic instruction, or an exclusive one."""


@dataclass(frozen=True, slots=True)
class Controls:
    """SCTLR_ELx.A and nAA of the Exception level that makes the access."""

    a: bool = False
    naa: bool = False


def faults(  # noqa: PLR0913 - named ones
    kind: Kind, address: int, size: int, *, device: bool, controls: Controls, lse2: bool, pair: bool
) -> bool:
    """Return whether an access of `size` bytes is an alignment fault.

    Of memory that is not Device only Normal Write-Back is in the model: elsewhere it is open
    whether a misaligned access within 16 bytes can be atomic (AArch64.UnalignedAccessFaults,
    AArch64.S1HasAlignmentFault).
    """
    if address % (size // 2 if pair else size) == 0:
        return False
    if controls.a or device:
        return True
    within = address % _QUANTITY + size <= _QUANTITY
    if kind is Kind.ATOMIC:
        return not (lse2 and within)
    if kind is Kind.ORDERED:
        return not lse2 or not (controls.naa or within)
    return False
