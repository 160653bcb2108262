# SPDX-License-Identifier: GPL-2.0-or-later
"""Granules: sizes of pages, tables and blocks (DDI 0487, D8.2)."""

from enum import Enum

LAST_LEVEL = 3
DESCRIPTOR_BITS = 3  # log2 of the size of a descriptor


class Granule(Enum):
    """A granule; the value is log2 of its size."""

    K4 = 12
    K16 = 14
    K64 = 16

    @property
    def label(self) -> str:
        """The size as the manual writes it."""
        return f"{1 << (self.value - 10)}K"

    @property
    def stride(self) -> int:
        """Bits of address that one level resolves."""
        return self.value - DESCRIPTOR_BITS

    def leaf_bits(self, level: int) -> int:
        """Return log2 of what a descriptor at `level` maps."""
        return self.value + self.stride * (LAST_LEVEL - level)

    def contiguous_bits(self, level: int) -> int:
        """Return log2 of the entries of a contiguous set; 0: none at this level (D8.7.1)."""
        sets = {
            Granule.K4: {1: 4, 2: 4, 3: 4},
            Granule.K16: {2: 5, 3: 7},
            Granule.K64: {2: 5, 3: 5},
        }
        return sets[self].get(level, 0)
