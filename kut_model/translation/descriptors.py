# SPDX-License-Identifier: GPL-2.0-or-later
"""Kinds and fields of 64-bit descriptors (DDI 0487, D8.3)."""

from enum import Enum, auto

from kut_model.translation.granules import LAST_LEVEL, Granule
from kut_model.translation.processor import Processor

VALID = 1 << 0
TABLE = 1 << 1  # and a page at level 3
AF = 1 << 10
CONTIGUOUS = 1 << 52
DBM = 1 << 51
# Stage 2
S2AP_READ = 1 << 6
S2AP_WRITE = 1 << 7
FNXS = 1 << 11
# Stage 1
AP_EL0 = 1 << 6  # AP[1]
AP_READ_ONLY = 1 << 7  # AP[2]
PXN = 1 << 53
UXN = 1 << 54
PXN_TABLE = 1 << 59
UXN_TABLE = 1 << 60
AP_TABLE_NOT_EL0 = 1 << 61
AP_TABLE_READ_ONLY = 1 << 62


class DescriptorKind(Enum):
    """DescriptorType of the pseudocode."""

    INVALID = auto()
    TABLE = auto()
    LEAF = auto()


def has_blocks(granule: Granule, level: int, *, ds: bool, processor: Processor) -> bool:
    """AArch64.BlockDescSupported."""
    if level == 2:  # noqa: PLR2004
        return True
    return {
        (Granule.K4, 1): True,
        (Granule.K4, 0): ds,
        (Granule.K16, 1): ds,
        (Granule.K64, 1): processor.lpa,
    }.get((granule, level), False)


def kind(
    descriptor: int, granule: Granule, level: int, *, ds: bool, processor: Processor
) -> DescriptorKind:
    """AArch64.DecodeDescriptorType."""
    if not descriptor & VALID:
        return DescriptorKind.INVALID
    if descriptor & TABLE:
        return DescriptorKind.LEAF if level == LAST_LEVEL else DescriptorKind.TABLE
    supported = has_blocks(granule, level, ds=ds, processor=processor)
    return DescriptorKind.LEAF if supported else DescriptorKind.INVALID


def _bits(value: int, high: int, low: int) -> int:
    return value >> low & ((1 << (high - low + 1)) - 1)


def address(descriptor: int, granule: Granule, *, ds: bool, processor: Processor, low: int) -> int:
    """AArch64.LeafBase, NextTableBase: the address, aligned to `low` bits."""
    base = _bits(descriptor, 47, low) << low
    if granule is Granule.K64:
        return base | _bits(descriptor, 15, 12) << 48 if processor.lpa else base
    if ds:
        return base | _bits(descriptor, 9, 8) << 50 | _bits(descriptor, 49, 48) << 48
    return base
