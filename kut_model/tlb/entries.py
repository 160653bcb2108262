# SPDX-License-Identifier: GPL-2.0-or-later
"""Entries that a TLB may hold, and the TLBI that drop them (DDI 0487, D8.17)."""

from dataclasses import dataclass

from kut_model.tlb.instructions import Kind, Operand, Tlbi, hint, range_of
from kut_model.tlb.steps import Enter
from kut_model.translation.granules import Granule


@dataclass(frozen=True, slots=True)
class Entry:
    """A descriptor, or a combination of both stages, for the addresses [first, first + 2^bits)."""

    stage: int
    """1, 2, or 12: stage 1 with the addresses that stage 2 gave."""
    vmid: int
    asid: int | None
    """None: global, or of stage 2. Only a leaf is global."""
    level: int
    """Of the descriptor; of a combined entry that of stage 1."""
    first: int
    bits: int
    leaf: bool
    target: int
    """IPA of stage 1, else PA: of the leaf, or of the next table."""
    writable: bool = True
    level2: int = 0
    """Of a combined leaf: level and permission of the leaf of stage 2."""
    writable2: bool = True

    def covers(self, address: int) -> bool:
        """Return whether it translates an address."""
        return self.first <= address < self.first + (1 << self.bits)

    def used_by(self, context: Enter) -> bool:
        """Return whether a CPU may use it: VMID, and ASID unless it is global."""
        return self.vmid == context.vmid and self.asid in {None, context.asid}


def drops(tlbi: Tlbi, operand: Operand, vmid: int, entry: Entry, granule: Granule) -> bool:
    """Return whether a TLBI of EL1&0 has to drop an entry (C5.5, the text of each instruction).

    `vmid` is the current one. An entry that combines both stages is one of stage 1: an operation by
    IPA need not drop it (D8.17.6.1).
    """
    kind = tlbi.kind
    if kind is Kind.ALL:
        return True
    if kind is Kind.VMALLS12:
        return entry.vmid == vmid
    stage2 = entry.stage == 2  # noqa: PLR2004
    return (
        entry.vmid == vmid
        and kind.is_stage2 == stage2
        and (not kind.has_asid or _has_asid(kind, operand.asid, entry))
        and (not kind.has_address or _has_address(tlbi, operand, entry, granule))
    )


def _has_asid(kind: Kind, asid: int, entry: Entry) -> bool:
    """Whether the ASID matches; one by ASID alone spares global entries, others do not."""
    return entry.asid == asid or (entry.asid is None and kind is not Kind.ASID)


def _has_address(tlbi: Tlbi, operand: Operand, entry: Entry, granule: Granule) -> bool:
    return _levels(tlbi, operand, entry, granule) and _overlaps(tlbi.kind, operand, entry, granule)


def _levels(tlbi: Tlbi, operand: Operand, entry: Entry, granule: Granule) -> bool:
    """Whether the last-level form and the TTL hint include the entry."""
    if tlbi.last and not entry.leaf:
        return False
    if not operand.ttl:
        return True
    wanted = operand.ttl if tlbi.kind.is_range else operand.ttl & 3
    if not tlbi.kind.is_range and operand.ttl != hint(granule, wanted):
        return operand.ttl >> 2 == 0  # no granule: the hint is ignored
    return entry.leaf and entry.level == wanted


def _overlaps(kind: Kind, operand: Operand, entry: Entry, granule: Granule) -> bool:
    """Whether the operand has an address of the descriptor that the entry is a copy of.

    That of stage 1 in a combined entry, which may be a part of a block only.
    """
    bits = granule.leaf_bits(entry.level)
    first = entry.first >> bits << bits
    every = range_of(operand, granule) if kind.is_range else [operand.address]
    return bool(every) and first < every[-1] + 1 and every[0] < first + (1 << bits)
