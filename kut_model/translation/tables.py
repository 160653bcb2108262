# SPDX-License-Identifier: GPL-2.0-or-later
"""Stage-2 tables for one address: what areas give the model, as images build it too."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Final

from kut_model.translation.controls import Stage2Control
from kut_model.translation.geometry import MAX_T0SZ_WITHOUT_TTST, START_LEVELS
from kut_model.translation.granules import DESCRIPTOR_BITS, LAST_LEVEL, Granule

#: Bits of an IPA above the leaf, so that no index is 0 or repeats.
_PATTERN: Final = 0x0005_A5A5_A5A5_A000
ROOT: Final = 0x4050_0000
_TABLES: Final = 0x4070_0000  # table of level n: + 0x10000 * n
DATA: Final = 0x4061_0000  # the page that leaves map
LEAF: Final = 0x4FF  # a page: AF, read and write, Normal
#: A page that EL1 and EL0 may read and write, Inner Shareable, AttrIndx 0 at stage 1, Normal at 2.
STAGE1_LEAF: Final = 0x743
STAGE2_LEAF: Final = 0x7FF


@dataclass(frozen=True, slots=True)
class Shape:
    """A stage 2 that translates."""

    granule: Granule
    ipa_bits: int
    start: int
    ds: int = 0

    @property
    def name(self) -> str:
        """Part of ids: "4k.ipa39.start1"."""
        lpa2 = "-lpa2" if self.ds else ""
        return f"{self.granule.label.lower()}{lpa2}.ipa{self.ipa_bits}.start{self.start}"

    @property
    def needs(self) -> tuple[str, ...]:
        """Features without which it does not translate; images check the granule itself."""
        found = []
        if self.ds:
            found.append(f"FEAT_LPA2_{self.granule.label}")
        starts_at_3 = (self.granule, self.start) == (Granule.K4, 3)
        if 64 - self.ipa_bits > MAX_T0SZ_WITHOUT_TTST or starts_at_3:
            found.append("FEAT_TTST")
        return (*found, *needs_pa_bits(self.least_pa_bits))

    @property
    def least_pa_bits(self) -> int:
        """The least PARange: that of the IPAs, and of the start level (AArch64.S2InvalidSL)."""
        least = {(Granule.K4, 0): 44, (Granule.K16, 1): 42, (Granule.K64, 1): 44}
        return max(self.ipa_bits, least.get((self.granule, self.start), 0))

    @property
    def fields(self) -> tuple[int, ...]:
        """Those of a `struct s2_shape`."""
        return self.granule.bits, 64 - self.ipa_bits, *self.encoded_start, self.ds, self.start

    @property
    def encoded_start(self) -> tuple[int, int]:
        """SL0 and SL2."""
        (code,) = (
            code for code, level in START_LEVELS[self.granule].items() if level == self.start
        )
        return code & 3, code >> 2

    def control(self, ps: int, *, ha: bool) -> Stage2Control:
        """Return the registers."""
        sl0, sl2 = self.encoded_start
        return Stage2Control(
            self.granule, 64 - self.ipa_bits, sl0, sl2, self.ds, ps, ha=ha, root=ROOT
        )

    def ipa(self, leaf: int) -> int:
        """Return the IPA whose leaf at level `leaf` maps DATA: in the upper half of the space.

        Its low bits are those of DATA, also where a contiguous set is that of the leaf.
        """
        top = 1 << (self.ipa_bits - 1)
        bits = self.granule.leaf_bits(leaf) + self.granule.contiguous_bits(leaf)
        low = (1 << min(bits, self.ipa_bits - 1)) - 1
        return top | _PATTERN & ~low & (top - 1) | DATA & low

    def tables(self, ipa: int) -> dict[int, int]:
        """Return tables that map `ipa` to DATA by a page: descriptors in the order of levels."""
        leaf = DATA >> self.granule.bits << self.granule.bits | LEAF
        return walk(self.granule, self.start, ipa, leaf)


_PA_SIZES: Final = ((40, ""), (42, "PARange_42"), (44, "PARange_44"), (48, "PARange_48"))
_PA_NEEDS: Final = (*(name for _, name in _PA_SIZES[1:]), "FEAT_LPA")


def strongest(needs: Iterable[str]) -> tuple[str, ...]:
    """Return features without repetition, and of those of PARange only the one with the most."""
    found = dict.fromkeys(needs)
    sizes = [name for name in _PA_NEEDS if name in found]
    return tuple(name for name in found if name not in sizes[:-1])


def needs_pa_bits(bits: int) -> tuple[str, ...]:
    """Return the feature that gives physical addresses of `bits`; every CPU has 40."""
    for least, name in _PA_SIZES:
        if bits <= least:
            return (name,) if name else ()
    return ("FEAT_LPA",)


def walk(granule: Granule, start: int, ipa: int, leaf: int, *, offset: int = 0) -> dict[int, int]:
    """Return the descriptors for `ipa` from the start level on, by address: tables, and `leaf`.

    `offset` is added to the addresses of the tables below the root.
    """
    found = {}
    base = ROOT
    for level in range(start, LAST_LEVEL + 1):
        index = ipa >> granule.leaf_bits(level)
        if level > start:
            index &= (1 << granule.stride) - 1
        below = table(level + 1) + offset
        found[base | index << DESCRIPTOR_BITS] = leaf if level == LAST_LEVEL else below | 3
        base = below
    return found


def table(level: int) -> int:
    """Return the address of the table of a level below the root."""
    return _TABLES + 0x10000 * level


def _sizes(granule: Granule, start: int, *, ds: bool) -> list[int]:
    """Return sizes for a start level: the smallest, one whole table, and most concatenated."""
    limit = 52 if ds or granule is Granule.K64 else 48
    smallest_space = 17 if granule is Granule.K64 else 16
    below = granule.leaf_bits(start)
    return sorted(
        {
            min(max(below + bits, smallest_space), limit)
            for bits in (1, granule.stride, granule.stride + 4)
            if below < limit
        }
    )


@cache
def shapes() -> tuple[Shape, ...]:
    """Return stage 2s of every granule, descriptor format and start level."""
    return tuple(
        Shape(granule, ipa_bits, start, ds)
        for granule in Granule
        for ds in ((0, 1) if granule is not Granule.K64 else (0,))
        for start in sorted(START_LEVELS[granule].values(), reverse=True)
        if ds or (granule, start) not in {(Granule.K4, -1), (Granule.K16, 0)}
        for ipa_bits in _sizes(granule, start, ds=bool(ds))
    )
