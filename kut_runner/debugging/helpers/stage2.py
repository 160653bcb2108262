# SPDX-License-Identifier: GPL-2.0-or-later
"""Stage-2 tables in the words of `lib/arm64/stage2-print.c`, to the letter.

The shape of a tree comes from VTCR_EL2 alone, which says all of it (DDI 0487, D24.2.187); what
the library keeps beside it is its own.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from kut_runner.debugging.helpers.machine import PAGE_SHIFTS, CommandError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Read = Callable[[int, int], bytes]

_VALID, _TABLE = 1, 2
_LAST = 3
_READ, _WRITE, _AF, _DBM, _CONTIGUOUS = (1 << bit for bit in (6, 7, 10, 51, 52))
_BELOW_48 = 0x0000FFFFFFFFF000
_PARANGE_52 = 6
_GRANULES = {12: "4K", 14: "16K", 16: "64K"}
_BLOCKS = {12: (1, 0), 14: (2, 1), 16: (2, 1)}
_DEVICES = ("Device-nGnRnE", "Device-nGnRE", "Device-nGRE", "Device-GRE")
_NORMAL = {5: "Normal non-cacheable", 10: "Normal write-through", 15: "Normal write-back"}
_NORMAL_FWB = {5: "Normal non-cacheable", 6: "Normal write-back", 7: "type of stage 1"}
_EXECUTE = ("x at EL1 and EL0", "x at EL0", "never x", "x at EL1")
#: Tables of one tree that are looked at: one that is wrong may lead into itself.
_MOST_TABLES = 20_000


class Tree(NamedTuple):
    """The shape of a tree and where it is; `Tree.of` makes one."""

    page_shift: int
    ipa_bits: int
    start_level: int
    root: int
    first_block_level: int
    is_ds: bool
    """Descriptors of FEAT_LPA2."""
    is_lpa: bool
    """Descriptors of 64K with 52 bits."""
    is_fwb: bool
    has_xnx: bool
    vtcr: int
    vttbr: int

    @staticmethod
    def of(vtcr: int, vttbr: int, *, is_fwb: bool, has_xnx: bool) -> Tree:
        """Return the tree that these values put in force; Complaint when they make none."""
        page_shift = PAGE_SHIFTS.get(vtcr >> 14 & 3)
        ipa_bits = 64 - (vtcr & 0x3F)
        if page_shift is None or ipa_bits <= page_shift:
            raise CommandError(f"VTCR_EL2 {vtcr:#x} makes no tree")
        is_ds = bool(vtcr >> 32 & 1) and page_shift != 16  # noqa: PLR2004
        is_lpa = page_shift == 16 and vtcr >> 16 & 7 == _PARANGE_52  # noqa: PLR2004
        root = vttbr & (1 << 48) - 1 & ~1
        if is_ds or is_lpa:  # BADDR[51:48] is in bits 5:2
            root = root & ~0x3F | (vttbr >> 2 & 0xF) << 48
        return Tree(
            page_shift=page_shift,
            ipa_bits=ipa_bits,
            start_level=_start_level(page_shift, vtcr),
            root=root,
            first_block_level=_BLOCKS[page_shift][is_ds or is_lpa],
            is_ds=is_ds,
            is_lpa=is_lpa,
            is_fwb=is_fwb,
            has_xnx=has_xnx,
            vtcr=vtcr,
            vttbr=vttbr,
        )

    @property
    def root_entries(self) -> int:
        """Entries of the root, whose tables may be concatenated."""
        return 1 << max(self.ipa_bits - self.shift(self.start_level), 0)

    @property
    def root_tables(self) -> int:
        """Number of tables that are the root: 1 to 16."""
        return max(self.root_entries >> self.page_shift - 3, 1)

    def shift(self, level: int) -> int:
        """Return the lowest bit of an IPA that indexes a table of this level."""
        return self.page_shift + (_LAST - level) * (self.page_shift - 3)

    def entries(self, level: int) -> int:
        """Return the number of entries of a table."""
        return self.root_entries if level == self.start_level else 1 << self.page_shift - 3

    def slot(self, ipa: int, level: int) -> int:
        """Return the entry for an IPA."""
        return ipa >> self.shift(level) & self.entries(level) - 1

    def is_table(self, entry: int, level: int) -> bool:
        """Tell whether the entry leads to a table of the next level."""
        return level < _LAST and entry & 3 == _VALID | _TABLE

    def address(self, entry: int) -> int:
        """Return the address in a descriptor."""
        if self.is_ds:
            return entry & 0x0003FFFFFFFFF000 | (entry >> 8 & 3) << 50
        if self.is_lpa:
            return entry & 0x0000FFFFFFFF0000 | (entry >> 12 & 0xF) << 48
        return entry & _BELOW_48

    def bits(self, entry: int) -> int:
        """Return what is neither address nor type."""
        mask = 0x0003FFFFFFFFF300 if self.is_ds else _BELOW_48
        return entry & ~(mask | _VALID | _TABLE)

    def words(self, leaf: int) -> str:
        """Return a leaf's rights, type and state."""
        parts = [
            ("r" if leaf & _READ else "-") + ("w" if leaf & _WRITE else "-"),
            _EXECUTE[leaf >> 53 & (3 if self.has_xnx else 2)],
            self._type(leaf >> 2 & 0xF),
        ]
        if not leaf & _AF:
            parts.append("not accessed")
        if leaf & _DBM:
            parts.append("dirty is tracked")
        if leaf & _CONTIGUOUS:
            parts.append("contiguous")
        return ", ".join(parts)

    def _type(self, attributes: int) -> str:
        if attributes < len(_DEVICES):
            return _DEVICES[attributes]
        if self.is_fwb:
            return _NORMAL_FWB.get(attributes, "reserved type")
        return _NORMAL.get(attributes, "Normal, inner and outer differ")


class _Run(NamedTuple):
    """Leaves side by side that differ in nothing but their place."""

    ipa: int
    size: int
    pa: int
    bits: int
    level: int
    leaves: int


def tree_lines(tree: Tree, read: Read, is_memory: Callable[[int], bool]) -> Iterator[str]:
    """Yield what s2mmu_print() prints; `is_memory` tells where tables can be."""
    yield (
        f"{_GRANULES[tree.page_shift]} granule, {tree.ipa_bits} bits, level {tree.start_level},"
        f" {tree.root_tables} root tables, VTCR_EL2 {_hex(tree.vtcr)}, VTTBR_EL2 {_hex(tree.vttbr)}"
    )
    total = 0
    run: _Run | None = None
    for found in _Walk(tree, read, is_memory).leaves(tree.root, tree.start_level, 0):
        if isinstance(found, str):
            yield found
            continue
        total += 1
        if run and _continues(run, found):
            run = run._replace(size=run.size + found.size, leaves=run.leaves + 1)
            continue
        if run:
            yield _run_line(tree, run)
        run = found
    if run:
        yield _run_line(tree, run)
    yield f"{total} leaves"


def walk_lines(tree: Tree, read: Read, is_memory: Callable[[int], bool], ipa: int) -> Iterator[str]:
    """Yield what s2mmu_explain() prints."""
    if ipa >> tree.ipa_bits:
        yield f"IPA {_hex(ipa)} is beyond {tree.ipa_bits} bits: a translation fault, level 0"
        return
    table = tree.root
    for level in range(tree.start_level, _LAST + 1):
        index = tree.slot(ipa, level)
        entry = int.from_bytes(read(table + index * 8, 8), "little")
        yield (
            f"IPA {_hex(ipa)}, level {level}: entry {index} of the table at {_hex(table)}"
            f" is {_hex(entry)}"
        )
        if not entry & _VALID or (level == _LAST and not entry & _TABLE):
            yield f"  invalid: a translation fault, level {level}"
            return
        if not tree.is_table(entry, level):
            yield from _leaf_lines(tree, entry, level, ipa)
            return
        table = tree.address(entry)
        if not is_memory(table):
            yield f"  wrong: a table at {_hex(table)}, which is no memory"
            return


def _leaf_lines(tree: Tree, entry: int, level: int, ipa: int) -> Iterator[str]:
    size = 1 << tree.shift(level)
    kind = "page" if level == _LAST else "block"
    at = tree.address(entry) | ipa & size - 1
    yield f"  {kind} of {size >> 10} KiB, IPA {_hex(ipa)} is at {_hex(at)}"
    yield f"  {tree.words(entry)}"
    if level < tree.first_block_level:
        yield "  wrong: no blocks at this level, a translation fault"


class _Walk:
    """A walk over all of a tree."""

    def __init__(self, tree: Tree, read: Read, is_memory: Callable[[int], bool]) -> None:
        self._tree = tree
        self._read = read
        self._is_memory = is_memory
        self._left = _MOST_TABLES

    def leaves(self, table: int, level: int, base: int) -> Iterator[_Run | str]:
        """Yield each leaf in order, and words where there is something else than a table."""
        tree = self._tree
        count = tree.entries(level)
        self._left -= 1
        if self._left < 0 or not self._is_memory(table):
            why = "which is no memory" if self._left >= 0 else "and too many were before it"
            yield f"IPA {_hex(base)}: wrong: a table at {_hex(table)}, {why}"
            return
        for index, entry in enumerate(struct.unpack(f"<{count}Q", self._read(table, count * 8))):
            if not entry & _VALID:
                continue
            ipa, address = base + (index << tree.shift(level)), tree.address(entry)
            if tree.is_table(entry, level):
                yield from self.leaves(address, level + 1, ipa)
            else:
                yield _Run(ipa, 1 << tree.shift(level), address, tree.bits(entry), level, 1)


def _continues(run: _Run, one: _Run) -> bool:
    return (one.level, one.bits, one.ipa, one.pa) == (
        run.level,
        run.bits,
        run.ipa + run.size,
        run.pa + run.size,
    )


def _run_line(tree: Tree, run: _Run) -> str:
    kind = "pages" if run.level == _LAST else "blocks"
    return (
        f"{_hex(run.ipa)}..{_hex(run.ipa + run.size - 1)} -> {_hex(run.pa)}:"
        f" {run.leaves} {kind}, level {run.level}: {tree.words(run.bits)}"
    )


def _start_level(page_shift: int, vtcr: int) -> int:
    """Return the level that VTCR_EL2.SL0 and SL2 name; see sl0_of() of the library."""
    sl0 = vtcr >> 6 & 3
    if page_shift != 12:  # noqa: PLR2004 - 4K
        return _LAST - sl0
    if vtcr >> 33 & 1:
        return -1
    return _LAST if sl0 == _LAST else 2 - sl0


def _hex(value: int) -> str:
    """Return what printf's %#lx makes of it, which has no 0x for 0."""
    return f"{value:#x}" if value else "0"
