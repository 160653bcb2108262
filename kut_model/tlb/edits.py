# SPDX-License-Identifier: GPL-2.0-or-later
"""Changes of the descriptors of one page, block or table, as steps."""

from dataclasses import dataclass, replace
from functools import cache

from kut_model.tlb.layout import (
    BLOCK,
    NOT_GLOBAL,
    NOTHING,
    OLD,
    STAGE1_LEAF,
    STAGE2_LEAF,
    Fill,
    layout,
)
from kut_model.tlb.steps import Set
from kut_model.translation.granules import LAST_LEVEL, Granule


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A descriptor of the base of a layout, at either stage."""

    fill: Fill
    address: int
    """VA or IPA that it is for: of the page, or the first one of the block or table."""

    @property
    def stage(self) -> int:
        """Stage of the table that has it."""
        return self.fill.stage

    def unmap(self) -> Set:
        """Return the step that makes it invalid."""
        return Set(replace(self.fill, bits=0, target=NOTHING))

    def write(self, *, set_bits: int = 0, clear: int = 0, target: int | None = None) -> Set:
        """Return the step that writes it, with bits set and cleared, to another object or not."""
        bits = self.fill.bits & ~clear | set_bits
        return Set(
            replace(self.fill, bits=bits, target=self.fill.target if target is None else target)
        )


@cache
def page1(granule: Granule, page: int, context: str = "a") -> Descriptor:
    """Return the descriptor of a page at stage 1."""
    here = layout(granule)
    va = here.va(page)
    return _of_base(granule, here.table1(context, LAST_LEVEL), va, LAST_LEVEL)


@cache
def page2(granule: Granule, number: int, root: str = "r") -> Descriptor:
    """Return the descriptor of an object at stage 2."""
    here = layout(granule)
    ipa = here.ipa(number)
    return _of_base(granule, here.table2(root, LAST_LEVEL, ipa), ipa, LAST_LEVEL)


def page(granule: Granule, number: int, stage: int) -> Descriptor:
    """Return the descriptor of a page of OLD at stage 1 or 2."""
    return page1(granule, number) if stage == 1 else page2(granule, OLD + number)


@cache
def table1(granule: Granule, level: int, context: str = "a") -> Descriptor:
    """Return the descriptor of a table at stage 1, at a level above the last."""
    here = layout(granule)
    va = here.va(0)
    return _of_base(granule, here.table1(context, level), va, level)


@cache
def table2(granule: Granule, level: int, number: int, root: str = "r") -> Descriptor:
    """Return the descriptor of a table at stage 2: of the one that maps an object."""
    here = layout(granule)
    ipa = here.ipa(number)
    return _of_base(granule, here.table2(root, level, ipa), ipa, level)


def table_of_old(stage: int) -> Descriptor:
    """Return the descriptor of the last table of OLD at stage 1 or 2, 4K granule."""
    return table1(Granule.K4, 2) if stage == 1 else table2(Granule.K4, 2, OLD)


def block1(level: int = 2) -> Descriptor:
    """Return a block of stage 1, 4K granule, in the place of a table: of 2M, or of 1G."""
    place = table1(Granule.K4, level)
    bits, first = STAGE1_LEAF | NOT_GLOBAL | BLOCK, OLD if level > 1 else 0
    return replace(place, fill=replace(place.fill, bits=bits, target=first))


def block2() -> Descriptor:
    """Return a block of stage 2, 4K granule, that maps OLD."""
    place = table2(Granule.K4, 2, OLD)
    return replace(place, fill=replace(place.fill, bits=STAGE2_LEAF | BLOCK, target=OLD))


@cache
def _fills(granule: Granule) -> dict[tuple[int, int], Fill]:
    return {(fill.table, fill.index): fill for fill in layout(granule).base()}


def _of_base(granule: Granule, table: int, address: int, level: int) -> Descriptor:
    index = layout(granule).index(address, level)
    for (number, first), fill in _fills(granule).items():
        if number == table and first <= index < first + fill.count:
            single = replace(fill, index=index, count=1, target=fill.target + index - first)
            return Descriptor(single, address)
    raise ValueError(f"the base has no descriptor {index} in table {table}")
