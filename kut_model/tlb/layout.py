# SPDX-License-Identifier: GPL-2.0-or-later
"""Tables and pages of programs.

All of them are *objects*, pages of the granule's size, by number. The IPA of an object is a
function of its number, and so is its PA in the model. An image adds the address of its memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from kut_model.translation import descriptors as d
from kut_model.translation.granules import LAST_LEVEL, Granule

ADDRESS_BITS: Final = 39
#: Above the largest range, so that one may begin well before an address.
IPA_BASE: Final = 1 << 36
#: Page p of it is page p of OLD, by the tables of context A.
VA_BASE: Final = 1 << 36
#: The code of accesses, by TTBR1.
CODE_VA: Final = (1 << 64) - (1 << ADDRESS_BITS)
#: First object of each part: tables, and two regions of 2 MiB, whose words say which one it is.
OLD, NEW = 512, 1024
REGION_BITS: Final = 21
TABLES: Final = 64
#: Pages of stage 1 from this one on are not EL0's.
PRIVILEGED: Final = {Granule.K4: 256, Granule.K16: 64, Granule.K64: 16}

#: Leaves without type and address.
STAGE1_LEAF: Final = d.AF | 3 << 8 | d.AP_EL0
STAGE2_LEAF: Final = d.AF | 3 << 8 | d.S2AP_READ | d.S2AP_WRITE | 0xF << 2
NOT_GLOBAL: Final = 1 << 11
PAGE: Final = d.VALID | d.TABLE
BLOCK: Final = d.VALID
TABLE: Final = d.VALID | d.TABLE
NOTHING: Final = -1


@dataclass(frozen=True, slots=True)
class Fill:
    """Descriptors of consecutive entries: to `target` and the objects after it."""

    stage: int
    table: int
    index: int
    bits: int
    target: int = NOTHING
    count: int = 1


@dataclass(frozen=True)
class Layout:
    """The tables of one granule.

    Stage 1: contexts A and B map the same addresses to OLD and NEW. Stage 2: root R maps every
    object to itself, and root Q maps OLD to NEW.
    """

    granule: Granule
    start: int
    numbers: dict[str, int] = field(default_factory=dict)

    def number(self, name: str) -> int:
        """Return the object that is a table, by its name."""
        return self.numbers.setdefault(name, len(self.numbers))

    @property
    def pages(self) -> int:
        """Pages of a region."""
        return 1 << (REGION_BITS - self.granule.bits)

    def levels(self) -> range:
        """Return the levels of both stages."""
        return range(self.start, LAST_LEVEL + 1)

    def offset(self, number: int) -> int:
        """Return the PA of an object in the model."""
        return number << self.granule.bits

    def ipa(self, number: int) -> int:
        """Return the IPA of an object."""
        return IPA_BASE + self.offset(number)

    def va(self, page: int) -> int:
        """Return the virtual address of a page of OLD."""
        return VA_BASE + self.offset(page)

    def index(self, address: int, level: int) -> int:
        """Return the index of a descriptor in its table."""
        index = (address & (1 << ADDRESS_BITS) - 1) >> self.granule.leaf_bits(level)
        return index if level == self.start else index & (1 << self.granule.stride) - 1

    def table1(self, context: str, level: int) -> int:
        """Return a table of stage 1: "a" or "b", and "u" for the code."""
        return self.number(f"{context}{level}")

    def table2(self, root: str, level: int, ipa: int) -> int:
        """Return the table of stage 2, "r" or "q", that has the descriptor of an IPA."""
        which = ipa >> self.granule.leaf_bits(level - 1) if level > self.start else 0
        return self.number(f"{root}{level}.{which:x}")

    def base(self) -> Iterator[Fill]:
        """Yield the descriptors that programs begin with."""
        yield from self._stage1("a", VA_BASE)
        yield from self._stage1("b", VA_BASE)
        yield from self._stage1("u", CODE_VA)
        low = PRIVILEGED[self.granule]
        for context, region in (("a", OLD), ("b", NEW)):
            last, leaf = self.table1(context, LAST_LEVEL), STAGE1_LEAF | PAGE | NOT_GLOBAL
            yield Fill(1, last, self.index(VA_BASE, LAST_LEVEL), leaf, region, low)
            yield Fill(
                *(1, last, self.index(self.va(low), LAST_LEVEL), leaf & ~d.AP_EL0),
                *(region + low, self.pages - low),
            )
        code = STAGE1_LEAF | d.AP_READ_ONLY | PAGE
        for index, name in enumerate(("code", "tlbi")):
            yield Fill(1, self.table1("u", LAST_LEVEL), index, code, self.number(name))
        for root in ("r", "q"):
            yield from self._stage2(root)

    def _stage1(self, context: str, va: int) -> Iterator[Fill]:
        for level in range(self.start, LAST_LEVEL):
            below = self.table1(context, level + 1)
            yield Fill(1, self.table1(context, level), self.index(va, level), TABLE, below)

    def _stage2(self, root: str) -> Iterator[Fill]:
        targets = ((0, 0, TABLES), (OLD, OLD if root == "r" else NEW, self.pages))
        for first, target, count in (*targets, (NEW, NEW, self.pages)):
            ipa = self.ipa(first)
            for level in range(self.start, LAST_LEVEL):
                below = self.table2(root, level + 1, ipa)
                yield Fill(2, self.table2(root, level, ipa), self.index(ipa, level), TABLE, below)
            last = self.table2(root, LAST_LEVEL, ipa)
            index = self.index(ipa, LAST_LEVEL)
            yield Fill(2, last, index, STAGE2_LEAF | PAGE, target, count)


@cache
def layout(granule: Granule) -> Layout:
    """Return the layout of a granule, with all its tables numbered."""
    made = Layout(granule, 2 if granule is Granule.K64 else 1)
    for context in "ab":  # the first ones: outcomes name them
        for level in made.levels():
            made.table1(context, level)
    list(made.base())
    return made
