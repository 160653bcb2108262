# SPDX-License-Identifier: GPL-2.0-or-later
"""Dump of stage-2 page tables, in exactly the format of `lib/arm64/stage2-print.c`.

The geometry is taken from VTCR_EL2 alone, which defines all of it (DDI 0487, D24.2.187), and not
from the structures of the library.
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
#: Tables to visit at most: wrong ones may form a loop.
_MOST_TABLES = 20_000


class Tables(NamedTuple):
    """Geometry and location of stage-2 page tables; `Tables.of` creates it."""

    page_shift: int
    ipa_bits: int
    start_level: int
    root: int
    first_block_level: int
    is_ds: bool
    """Whether descriptors have the format of FEAT_LPA2."""
    is_lpa: bool
    """Whether descriptors have 52-bit addresses with the 64K granule."""
    is_fwb: bool
    """Whether HCR_EL2.FWB is set."""
    has_xnx: bool
    """Whether the CPU has FEAT_XNX."""
    vtcr: int
    vttbr: int

    @staticmethod
    def of(vtcr: int, vttbr: int, *, is_fwb: bool, has_xnx: bool) -> Tables:
        """Return the page tables for these registers; raises CommandError for invalid values."""
        page_shift = PAGE_SHIFTS.get(vtcr >> 14 & 3)
        ipa_bits = 64 - (vtcr & 0x3F)
        if page_shift is None or ipa_bits <= page_shift:
            raise CommandError(f"VTCR_EL2 {vtcr:#x} is not valid")
        is_ds = bool(vtcr >> 32 & 1) and page_shift != 16  # noqa: PLR2004
        is_lpa = page_shift == 16 and vtcr >> 16 & 7 == _PARANGE_52  # noqa: PLR2004
        root = vttbr & (1 << 48) - 1 & ~1
        if is_ds or is_lpa:  # BADDR[51:48] is in bits 5:2
            root = root & ~0x3F | (vttbr >> 2 & 0xF) << 48
        return Tables(
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
        """Number of entries of the root, over all concatenated tables."""
        return 1 << max(self.ipa_bits - self.shift(self.start_level), 0)

    @property
    def root_tables(self) -> int:
        """Number of concatenated root tables, 1 to 16."""
        return max(self.root_entries >> self.page_shift - 3, 1)

    def shift(self, level: int) -> int:
        """Return the lowest bit of the IPA that indexes a table of this level."""
        return self.page_shift + (_LAST - level) * (self.page_shift - 3)

    def entries(self, level: int) -> int:
        """Return the number of entries of a table of this level."""
        return self.root_entries if level == self.start_level else 1 << self.page_shift - 3

    def entry_index(self, ipa: int, level: int) -> int:
        """Return the index of the entry for an IPA."""
        return ipa >> self.shift(level) & self.entries(level) - 1

    def is_table(self, entry: int, level: int) -> bool:
        """Return whether the entry is a table descriptor."""
        return level < _LAST and entry & 3 == _VALID | _TABLE

    def address(self, entry: int) -> int:
        """Return the output address of a descriptor."""
        if self.is_ds:
            return entry & 0x0003FFFFFFFFF000 | (entry >> 8 & 3) << 50
        if self.is_lpa:
            return entry & 0x0000FFFFFFFF0000 | (entry >> 12 & 0xF) << 48
        return entry & _BELOW_48

    def bits(self, entry: int) -> int:
        """Return the bits of a descriptor without address and type: the attributes."""
        mask = 0x0003FFFFFFFFF300 if self.is_ds else _BELOW_48
        return entry & ~(mask | _VALID | _TABLE)

    def describe(self, leaf: int) -> str:
        """Return the permissions, memory type and state of a leaf as text."""
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
    """Contiguous leaves with the same attributes."""

    ipa: int
    size: int
    pa: int
    bits: int
    level: int
    leaves: int


def leaf_lines(tables: Tables, read: Read, is_memory: Callable[[int], bool]) -> Iterator[str]:
    """Yield the lines of s2mmu_print(); `is_memory` returns whether an address is in memory."""
    yield (
        f"{_GRANULES[tables.page_shift]} granule, {tables.ipa_bits} bits,"
        f" level {tables.start_level}, {tables.root_tables} root tables,"
        f" VTCR_EL2 {_hex(tables.vtcr)}, VTTBR_EL2 {_hex(tables.vttbr)}"
    )
    total = 0
    run: _Run | None = None
    for found in _Walk(tables, read, is_memory).leaves(tables.root, tables.start_level, 0):
        if isinstance(found, str):
            yield found
            continue
        total += 1
        if run and _continues(run, found):
            run = run._replace(size=run.size + found.size, leaves=run.leaves + 1)
            continue
        if run:
            yield _run_line(tables, run)
        run = found
    if run:
        yield _run_line(tables, run)
    yield f"{total} leaves"


def walk_lines(
    tables: Tables, read: Read, is_memory: Callable[[int], bool], ipa: int
) -> Iterator[str]:
    """Yield the lines of s2mmu_explain()."""
    if ipa >> tables.ipa_bits:
        yield f"IPA {_hex(ipa)} is beyond {tables.ipa_bits} bits: a translation fault, level 0"
        return
    table = tables.root
    for level in range(tables.start_level, _LAST + 1):
        index = tables.entry_index(ipa, level)
        entry = int.from_bytes(read(table + index * 8, 8), "little")
        yield (
            f"IPA {_hex(ipa)}, level {level}: entry {index} of the table at {_hex(table)}"
            f" is {_hex(entry)}"
        )
        if not entry & _VALID or (level == _LAST and not entry & _TABLE):
            yield f"  invalid: a translation fault, level {level}"
            return
        if not tables.is_table(entry, level):
            yield from _entry_lines(tables, entry, level, ipa)
            return
        table = tables.address(entry)
        if not is_memory(table):
            yield f"  wrong: a table at {_hex(table)}, which is no memory"
            return


def _entry_lines(tables: Tables, entry: int, level: int, ipa: int) -> Iterator[str]:
    size = 1 << tables.shift(level)
    kind = "page" if level == _LAST else "block"
    at = tables.address(entry) | ipa & size - 1
    yield f"  {kind} of {size >> 10} KiB, IPA {_hex(ipa)} is at {_hex(at)}"
    yield f"  {tables.describe(entry)}"
    if level < tables.first_block_level:
        yield "  wrong: no blocks at this level, a translation fault"


class _Walk:
    """Walk over all leaves."""

    def __init__(self, tables: Tables, read: Read, is_memory: Callable[[int], bool]) -> None:
        self._tables = tables
        self._read = read
        self._is_memory = is_memory
        self._left = _MOST_TABLES

    def leaves(self, table: int, level: int, base: int) -> Iterator[_Run | str]:
        """Yield each leaf in order, and a message for each entry that points to no table."""
        tables = self._tables
        count = tables.entries(level)
        self._left -= 1
        if self._left < 0 or not self._is_memory(table):
            reason = "which is no memory" if self._left >= 0 else "and too many were before it"
            yield f"IPA {_hex(base)}: wrong: a table at {_hex(table)}, {reason}"
            return
        for index, entry in enumerate(struct.unpack(f"<{count}Q", self._read(table, count * 8))):
            if not entry & _VALID:
                continue
            ipa, address = base + (index << tables.shift(level)), tables.address(entry)
            if tables.is_table(entry, level):
                yield from self.leaves(address, level + 1, ipa)
            else:
                yield _Run(ipa, 1 << tables.shift(level), address, tables.bits(entry), level, 1)


def _continues(run: _Run, one: _Run) -> bool:
    return (one.level, one.bits, one.ipa, one.pa) == (
        run.level,
        run.bits,
        run.ipa + run.size,
        run.pa + run.size,
    )


def _run_line(tables: Tables, run: _Run) -> str:
    kind = "pages" if run.level == _LAST else "blocks"
    return (
        f"{_hex(run.ipa)}..{_hex(run.ipa + run.size - 1)} -> {_hex(run.pa)}:"
        f" {run.leaves} {kind}, level {run.level}: {tables.describe(run.bits)}"
    )


def _start_level(page_shift: int, vtcr: int) -> int:
    """Return the start level for VTCR_EL2.SL0 and SL2, the inverse of sl0_of() in the library."""
    sl0 = vtcr >> 6 & 3
    if page_shift != 12:  # noqa: PLR2004 - 4K
        return _LAST - sl0
    if vtcr >> 33 & 1:
        return -1
    return _LAST if sl0 == _LAST else 2 - sl0


def _hex(value: int) -> str:
    """Return a number as %#lx of printf formats it: 0 has no 0x."""
    return f"{value:#x}" if value else "0"
