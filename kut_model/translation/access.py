# SPDX-License-Identifier: GPL-2.0-or-later
"""Accesses that are translated: AccessDescriptor in the manual's pseudocode."""

from dataclasses import dataclass, replace
from enum import Enum, auto


class Kind(Enum):
    """AccessType of the pseudocode, as far as rules differ."""

    DATA = auto()
    ZERO = auto()  # DC ZVA
    FETCH = auto()
    INVALIDATE = auto()  # DC IVAC
    CLEAN = auto()  # DC CVAC, CVAU, CIVAC
    INSTRUCTION_CACHE = auto()  # IC IVAU
    TRANSLATE = auto()  # AT
    WALK = auto()  # of stage 1's tables, and their hardware update

    @property
    def is_maintenance(self) -> bool:
        """Whether it is DC by address or IC."""
        return self in {Kind.INVALIDATE, Kind.CLEAN, Kind.INSTRUCTION_CACHE}

    @property
    def sets_cm(self) -> bool:
        """Whether it is DC by address, IC or AT: CM is set in the syndrome, no data accessed."""
        return self.is_maintenance or self is Kind.TRANSLATE


@dataclass(frozen=True, slots=True)
class Access:
    """An access."""

    kind: Kind = Kind.DATA
    el: int = 1  # 0 or 1: the privilege that is checked
    read: bool = True
    write: bool = False
    pan: bool = False  # PSTATE.PAN applies
    aligned: bool = True

    def at(self, el: int) -> "Access":
        """Return the same at exception level `el`."""
        return replace(self, el=el)

    @property
    def reports_write(self) -> bool:
        """WnR of a fault that no permission decides (NoFault)."""
        return self.write and not self.read

    @property
    def updates_dirty(self) -> bool:
        """Whether it makes a page dirty: an AT, DC or IC does not."""
        return self.write and not self.kind.sets_cm

    def walk(self) -> "Access":
        """Return the read of a stage-1 descriptor (CreateAccDescS1TTW)."""
        return Access(Kind.WALK, self.el)

    def update(self) -> "Access":
        """Return the update of a stage-1 descriptor (CreateAccDescTTEUpdate)."""
        return Access(Kind.WALK, self.el, write=True)


READ = Access()
WRITE = Access(read=False, write=True)
#: By the name in tables and row ids.
OPERATIONS = {
    "read": READ,
    "write": WRITE,
    "read-unaligned": replace(READ, aligned=False),
    "write-unaligned": replace(WRITE, aligned=False),
    "atomic": Access(write=True),
    "exec": Access(Kind.FETCH),
    "dc-zva": Access(Kind.ZERO, read=False, write=True),
    "dc-ivac": Access(Kind.INVALIDATE, read=False),
    "dc-civac": Access(Kind.CLEAN, read=False),
    "dc-cvac": Access(Kind.CLEAN, read=False),
    "ic-ivau": Access(Kind.INSTRUCTION_CACHE, read=False),
    "at-read": Access(Kind.TRANSLATE),
    "at-write": Access(Kind.TRANSLATE, read=False, write=True),
}
