# SPDX-License-Identifier: GPL-2.0-or-later
"""Translations of an address that tables and entries permit."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from kut_model.tlb.entries import Entry
from kut_model.tlb.layout import NOT_GLOBAL, Fill, Layout
from kut_model.tlb.steps import Enter
from kut_model.translation import descriptors as d
from kut_model.translation.access import OPERATIONS
from kut_model.translation.faults import Fault, FaultType
from kut_model.translation.granules import LAST_LEVEL


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf of stage 2, or the part of it at an address."""

    address: int
    level: int
    writable: bool
    bits: int


@dataclass(frozen=True, slots=True)
class Walker:
    """A CPU in a context: its tables in memory, and the entries that its TLB may hold.

    `learn` is called with each entry that a walk or a combination gives.
    """

    layout: Layout
    memory: Callable[[int, int], Fill | None]
    """The descriptor of a table at an index."""
    context: Enter
    entries: frozenset[Entry]
    learn: Callable[[Entry], None]
    _walked: dict[tuple[int, str, int, int], tuple[int | Fault, ...]] = field(default_factory=dict)
    _stage2: dict[int, tuple["Leaf | Fault", ...]] = field(default_factory=dict)
    """Results of walks: many of them meet."""

    def translate(self, va: int, op: str) -> frozenset[int | Fault]:
        """Return the permitted results: a PA, or a fault."""
        return frozenset(self._translate(va, op))

    def _translate(self, va: int, op: str) -> Iterator[int | Fault]:
        start = self.layout.start
        root = self.layout.ipa(self.layout.table1(self.context.context, start))
        for table in self._tables(root, op):
            yield from self._walk1(va, op, start, table)
        for entry in self._matching(va, (1, 12)):
            at = entry.target + va - entry.first
            if not entry.leaf and entry.stage == 1:
                for table in self._tables(entry.target, op):
                    yield from self._walk1(va, op, entry.level + 1, table)
            elif not entry.leaf:
                yield from self._walk1(va, op, entry.level + 1, entry.target)
            elif entry.stage == 1:
                yield from self._output(va, op, entry, at)
            else:
                leaf = Leaf(at, entry.level2, entry.writable2, entry.bits)
                yield self._permitted(op, entry, 0, leaf)

    def _matching(self, address: int, stages: tuple[int, ...]) -> list[Entry]:
        """Return the entries that this context may use for an address."""
        return [
            each
            for each in self.entries
            if each.stage in stages and each.covers(address) and each.used_by(self.context)
        ]

    def _tables(self, ipa: int, op: str) -> Iterator[int | Fault]:
        """Yield where a table of stage 1 may be: its PA, or the fault of the walk."""
        for found in self.stage2(ipa):
            if isinstance(found, Fault):
                write = OPERATIONS[op].reports_write
                yield Fault(found.type, 2, found.level, ipa, on_walk=True, write=write)
            else:
                yield found.address

    def _walk1(self, va: int, op: str, level: int, table: int | Fault) -> Iterator[int | Fault]:
        """Yield the results of a walk of stage 1 from the table of a level on."""
        if isinstance(table, Fault):
            yield table
            return
        key = (va, op, level, table)
        if key not in self._walked:
            self._walked[key] = tuple(set(self._walk1_on(va, op, level, table)))
        yield from self._walked[key]

    def _walk1_on(self, va: int, op: str, level: int, table: int) -> Iterator[int | Fault]:
        descriptor = self._descriptor(table, va, level)
        write = OPERATIONS[op].reports_write
        if not descriptor:
            yield Fault(FaultType.TRANSLATION, 1, level, write=write)
            return
        target = self.layout.ipa(descriptor.target)
        if descriptor.bits & d.TABLE and level < LAST_LEVEL:
            entry = self._entry1(va, level, descriptor, target)
            self.learn(entry)
            for below in self._tables(target, op):
                if not isinstance(below, Fault):
                    self.learn(_combined_table(entry, below))
                yield from self._walk1(va, op, level + 1, below)
            return
        if not descriptor.bits & d.AF:
            yield Fault(FaultType.ACCESS_FLAG, 1, level, write=write)
            return
        entry = self._entry1(va, level, descriptor, target)
        self.learn(entry)
        yield from self._output(va, op, entry, target + va - entry.first)

    def _entry1(self, va: int, level: int, descriptor: Fill, target: int) -> Entry:
        """Return the entry of a descriptor of stage 1."""
        bits = self.layout.granule.leaf_bits(level)
        leaf = level == LAST_LEVEL or not descriptor.bits & d.TABLE
        is_global = leaf and not descriptor.bits & NOT_GLOBAL
        return Entry(
            1,
            self.context.vmid,
            None if is_global else self.context.asid,
            level,
            va >> bits << bits,
            bits,
            leaf,
            target,
            not descriptor.bits & d.AP_READ_ONLY,
        )

    def _output(self, va: int, op: str, entry: Entry, ipa: int) -> Iterator[int | Fault]:
        """Yield stage 2 of the output of a leaf of stage 1, unless that denies the access."""
        for found in self.stage2(ipa):
            if isinstance(found, Leaf):
                self.learn(_combined_leaf(entry, va, found))
            yield self._permitted(op, entry, ipa, found)

    @staticmethod
    def _permitted(op: str, entry: Entry, ipa: int, found: "Leaf | Fault") -> int | Fault:
        """Return the result with the permissions of both leaves: stage 1 first."""
        write = OPERATIONS[op].write
        if write and not entry.writable:
            return Fault(FaultType.PERMISSION, 1, entry.level, write=True)
        if isinstance(found, Fault):
            return Fault(found.type, 2, found.level, ipa, write=write)
        if write and not found.writable:
            return Fault(FaultType.PERMISSION, 2, found.level, ipa, write=True)
        return found.address

    def stage2(self, ipa: int) -> tuple["Leaf | Fault", ...]:
        """Return the permitted results of stage 2."""
        if ipa not in self._stage2:
            self._stage2[ipa] = tuple(set(self._stage2_of(ipa)))
        return self._stage2[ipa]

    def _stage2_of(self, ipa: int) -> Iterator["Leaf | Fault"]:
        start = self.layout.start
        root = self.layout.table2(self.context.root, start, ipa)
        yield from self._walk2(ipa, start, self.layout.offset(root))
        for entry in self._matching(ipa, (2,)):
            if entry.leaf:
                at = entry.target + ipa - entry.first
                yield Leaf(at, entry.level, entry.writable, entry.bits)
            else:
                yield from self._walk2(ipa, entry.level + 1, entry.target)

    def _walk2(self, ipa: int, level: int, table: int) -> Iterator["Leaf | Fault"]:
        """Yield the result of a walk of stage 2 from the table of a level on."""
        descriptor = self._descriptor(table, ipa, level)
        if not descriptor:
            yield Fault(FaultType.TRANSLATION, 2, level, ipa)
            return
        bits = self.layout.granule.leaf_bits(level)
        target = self.layout.offset(descriptor.target)
        leaf = level == LAST_LEVEL or not descriptor.bits & d.TABLE
        if leaf and not descriptor.bits & d.AF:
            yield Fault(FaultType.ACCESS_FLAG, 2, level, ipa)
            return
        writable = bool(descriptor.bits & d.S2AP_WRITE)
        first = ipa >> bits << bits
        vmid = self.context.vmid
        self.learn(Entry(2, vmid, None, level, first, bits, leaf, target, writable or not leaf))
        if leaf:
            yield Leaf(target + ipa - first, level, writable, bits)
        else:
            yield from self._walk2(ipa, level + 1, target)

    def _descriptor(self, table: int, address: int, level: int) -> Fill | None:
        """Return the descriptor in memory, None if it is not valid."""
        number = table >> self.layout.granule.bits
        found = self.memory(number, self.layout.index(address, level))
        return found if found and found.bits & d.VALID else None


def _combined_table(entry: Entry, table: int) -> Entry:
    """Return the entry of a table descriptor of stage 1 with the PA of the next table."""
    return Entry(
        12, entry.vmid, entry.asid, entry.level, entry.first, entry.bits, leaf=False, target=table
    )


def _combined_leaf(entry: Entry, va: int, found: Leaf) -> Entry:
    """Return the entry of both stages for a leaf: of the size of the smaller one."""
    bits = min(entry.bits, found.bits)
    return Entry(
        12,
        entry.vmid,
        entry.asid,
        entry.level,
        va >> bits << bits,
        bits,
        leaf=True,
        target=found.address >> bits << bits,
        writable=entry.writable,
        level2=found.level,
        writable2=found.writable,
    )
