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

    def __init__(self, bits: int) -> None:
        """Compute sizes once: walks ask for them all the time."""
        self.bits = bits
        self.stride = bits - DESCRIPTOR_BITS  # bits of address that one level resolves
        self._leaf_bits = {
            level: bits + self.stride * (LAST_LEVEL - level) for level in range(-1, LAST_LEVEL + 1)
        }
        self._contiguous_bits = {12: {1: 4, 2: 4, 3: 4}, 14: {2: 5, 3: 7}, 16: {2: 5, 3: 5}}[bits]

    @property
    def label(self) -> str:
        """The size as the manual writes it."""
        return f"{1 << (self.bits - 10)}K"

    def leaf_bits(self, level: int) -> int:
        """Return log2 of what a descriptor at `level` maps."""
        return self._leaf_bits[level]

    def contiguous_bits(self, level: int) -> int:
        """Return log2 of the entries of a contiguous set; 0: none at this level (D8.7.1)."""
        return self._contiguous_bits.get(level, 0)
