# SPDX-License-Identifier: GPL-2.0-or-later
"""Tables of a case in memory: both stages, and the pages that they map.

The memory is that of the image's initrd, whose address is fixed: descriptors have addresses in it.
"""

from dataclasses import dataclass, field
from typing import Final

from kut_model.fuzz.fields import PAGES, CaseError
from kut_model.translation import attributes
from kut_model.translation import descriptors as d
from kut_model.translation.granules import DESCRIPTOR_BITS, LAST_LEVEL, Granule

#: Where QEMU's virt machine puts the initrd of an image with 256 MiB of memory; a multiple of 128M.
ARENA: Final = 0x4800_0000
ARENA_BYTES: Final = 0x40_0000
CODE: Final = ARENA  # the accesses' instructions: a copy that the image makes
UPPER: Final = ARENA + 0x1000  # stage-1 table of the code, by TTBR1_EL1
OUT: Final = ARENA + 0x1_0000  # what accesses reach
TABLES: Final = ARENA + 0x2_0000
#: Index of the code in UPPER, a table of 1G blocks for 39 bits.
_UPPER_ENTRY: Final = UPPER + (CODE >> 30) * 8
_UPPER_LEAF: Final = CODE >> 30 << 30 | d.AF | d.AP_EL0 | d.AP_READ_ONLY | d.VALID

#: A leaf that both exception levels may read and write, without type and address.
STAGE_1_LEAF: Final = d.AF | d.AP_EL0
STAGE_2_LEAF: Final = d.AF | d.S2AP_READ | d.S2AP_WRITE
_SH: Final = 3 << 8
_NORMAL: Final = 0xF << 2  # MemAttr of stage 2
_NORMAL_FWB: Final = 0x6 << 2
_IPA_PATTERN: Final = 0x9E37_79B9_7F4A_7C15
_ALL: Final = (1 << 64) - 1
_BITS_48: Final = 48
_IPS_52: Final = 6


class Words(dict[int, int]):
    """Descriptors by address; a walk outside of the tables' memory makes a case unusable."""

    def get(self, address: int, default: int = 0) -> int:  # type: ignore[override]
        """Return the descriptor at an address."""
        found = super().get(address)
        if found is None and not TABLES <= address < ARENA + ARENA_BYTES:
            raise CaseError(f"a walk reads {address:#x}, which is no table's memory")
        return default if found is None else found

    def put(self, address: int, value: int) -> None:
        """Write a descriptor that nothing else needs to be another one."""
        if self.setdefault(address, value) != value:
            raise CaseError("two pages need different descriptors in one entry of a table")


@dataclass(slots=True)
class Allocator:
    """Memory for tables, one behind the other."""

    at: int = TABLES

    def take(self, align_bits: int) -> int:
        """Return an aligned table."""
        size = 1 << align_bits
        found = (self.at + size - 1) // size * size
        self.at = found + size
        if self.at > ARENA + ARENA_BYTES:
            raise CaseError("the tables are too large")
        return found


def low_bits(value: int, bits: int) -> int:
    """Return `value` modulo 2 ** `bits`."""
    return value & ((1 << bits) - 1)


def kind_bits(level: int) -> int:
    """Return bits 1:0 of a leaf."""
    return d.VALID | d.TABLE if level == LAST_LEVEL else d.VALID


@dataclass(slots=True)
class Stage2Tables:
    """Tables of stage 2, which grow."""

    granule: Granule
    start: int
    ipa_bits: int
    leaf: int  # a leaf without type and address
    words: Words
    memory: Allocator
    root: int = 0
    _tables: dict[tuple[int, int], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Allocate the root: up to 16 tables."""
        entries = self.ipa_bits - self.granule.leaf_bits(self.start)
        if not 1 <= entries <= self.granule.stride + 4:
            raise CaseError("s2.start and s2.t0sz do not agree")
        self.root = self.memory.take(max(6, entries + DESCRIPTOR_BITS))

    def map(self, ipa: int, pa: int, level: int, flips: dict[int, int]) -> int:
        """Map a page by a leaf at `level`; return the leaf's address. `flips`: by level."""
        if not self.start <= level:
            raise CaseError("a leaf of stage 2 is above the start level")
        if ipa >> self.ipa_bits:
            raise CaseError("a page of stage 2 is above the input size")
        base = entry = self.root
        for each in range(self.start, level + 1):
            bits = self.granule.leaf_bits(each)
            index = ipa >> bits
            if each > self.start:
                index = low_bits(index, self.granule.stride)
            entry = base | index << DESCRIPTOR_BITS
            if each == level:
                value = pa >> bits << bits | self.leaf | kind_bits(level)
            else:
                base = self._below(each, ipa >> bits)
                value = base | d.VALID | d.TABLE
            self.words.put(entry, value ^ flips.get(each, 0))
        return entry

    def _below(self, level: int, index: int) -> int:
        """Return the table that the entry of `level` with this index points to."""
        if (level, index) not in self._tables:
            self._tables[level, index] = self.memory.take(self.granule.bits)
        return self._tables[level, index]


def page_ipa(page: str, pattern: int, ipa_bits: int, fixed_bits: int, pa: int) -> int:
    """Return the IPA of a page: its low `fixed_bits` are those of the physical address."""
    factor = 2 * PAGES.index(page) + 1
    mixed = (_IPA_PATTERN * factor ^ pattern * factor) & _ALL
    mixed = low_bits(mixed ^ mixed >> 27, ipa_bits)
    return mixed >> fixed_bits << fixed_bits | low_bits(pa, fixed_bits)


def stage2_leaf(*, ds: int, fwb: int) -> int:
    """Return a leaf of Normal memory that permits everything, without type and address."""
    return STAGE_2_LEAF | (0 if ds else _SH) | (_NORMAL_FWB if fwb else _NORMAL)


def stage1_leaf(*, ds: int) -> int:
    """Return a leaf with the first attribute of MAIR_EL1, without type and address."""
    return STAGE_1_LEAF | (0 if ds else _SH)


def has_reserved_type(descriptor: int, *, fwb: int) -> bool:
    """Whether MemAttr of a leaf of stage 2 is reserved with FWB."""
    return bool(fwb) and attributes.is_reserved_with_fwb(descriptor >> 2 & 0xF)


def encode(address: int, granule: Granule, *, ds: bool, ips: int) -> int:
    """Return an address as a stage-1 descriptor has it (D8.3.1)."""
    high = address >> _BITS_48
    if not high:
        return address
    if granule is Granule.K64 and ips == _IPS_52:
        return low_bits(address, _BITS_48) | high << 12
    if ds:
        return low_bits(address, 50) | high >> 2 << 8
    raise CaseError("an IPA has more bits than stage 1 can give")


def upper_table(*, ds: int) -> tuple[int, int]:
    """Return the descriptor of the code: address and value."""
    return _UPPER_ENTRY, _UPPER_LEAF | (0 if ds else _SH)
