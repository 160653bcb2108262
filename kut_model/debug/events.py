# SPDX-License-Identifier: GPL-2.0-or-later
"""Breakpoints, watchpoints and software step: which match, and where they are taken.

DDI 0487, D2. Non-secure, without EL3 and FEAT_SEL2, in AArch64.
"""

from dataclasses import dataclass
from typing import Final

from kut_model.traps.places import EL2

_LOAD, _STORE = 1, 2
#: DBGBCR<n>_EL1.BT of context breakpoints that others link to, and of those that match alone.
CID, CID1, VMID, VMID_CID1, CID2, CID1_CID2 = 3, 7, 9, 11, 13, 15


@dataclass(frozen=True, slots=True)
class Machine:
    """Where an instruction is executed, and what decides on debug exceptions."""

    el: int
    host: bool = False
    """Whether HCR_EL2.{E2H, TGE} is {1, 1}."""
    tde: bool = False
    """MDCR_EL2.TDE."""
    mde: bool = True
    kde: bool = True
    """MDSCR_EL1.MDE and KDE."""
    masked: bool = False
    """PSTATE.D."""
    oslk: bool = False
    """OSLSR_EL1.OSLK."""
    step: bool = False
    """MDSCR_EL1.SS."""

    @property
    def debug_target(self) -> int:
        """EL_D, that takes debug exceptions (DebugTargetFrom)."""
        return EL2 if self.tde or self.host else 1

    def generates_from(self, el: int, *, masked: bool) -> bool:
        """Whether an EL generates debug exceptions (AArch64.GenerateDebugExceptionsFrom)."""
        if self.oslk:
            return False
        if el == self.debug_target:
            return self.kde and not masked
        return el < self.debug_target

    @property
    def generates(self) -> bool:
        """Whether the EL of the instruction does."""
        return self.generates_from(self.el, masked=self.masked)

    @property
    def matches(self) -> bool:
        """Whether breakpoints and watchpoints may match (AArch64.CheckDebug)."""
        return self.generates and self.mde

    @property
    def steps(self) -> bool:
        """Whether software step is active (CheckSoftwareStep)."""
        return self.generates and self.step


@dataclass(frozen=True, slots=True)
class Levels:
    """DBGBCR<n>_EL1.HMC, SSC and PMC, or those of DBGWCR<n>_EL1; a combination that is legal."""

    hmc: int
    ssc: int
    pxc: int

    def match(self, el: int) -> bool:
        """Whether accesses of an EL match (AArch64.StateMatch)."""
        if el == EL2:
            return bool(self.hmc) or self.ssc == 0b11  # noqa: PLR2004
        return bool(self.pxc & (1 if el else 2))


#: Combinations that are not reserved (CheckValidStateMatch).
LEVELS: Final = (
    *(Levels(0, 0, pxc) for pxc in (1, 2, 3)),
    *(Levels(1, 0, pxc) for pxc in (1, 3)),
    Levels(1, 3, 0),
)
ALL_LEVELS: Final = Levels(1, 0, 3)


@dataclass(frozen=True, slots=True)
class Context:
    """A context breakpoint: its type, and whether each half of DBGBVR<n>_EL1 has the right value.

    Right is the value of the register that the type compares with; for CID that is CONTEXTIDR_EL2
    in a host, and CONTEXTIDR_EL1 elsewhere.
    """

    kind: int
    low: bool = True
    high: bool = True

    def match(self, machine: Machine) -> bool:
        """Whether the context is the breakpoint's (AArch64.BreakpointValueMatch)."""
        in_host = machine.host
        guest = machine.el < EL2 and not in_host
        low_matches = {CID: in_host or guest, CID1: guest, VMID_CID1: guest, CID1_CID2: guest}
        high_matches = {VMID: guest, VMID_CID1: guest, CID2: True, CID1_CID2: True}
        return (
            low_matches.get(self.kind, True) and (self.low or self.kind not in low_matches)
        ) and (high_matches.get(self.kind, True) and (self.high or self.kind not in high_matches))


@dataclass(frozen=True, slots=True)
class Watched:
    """DBGWVR<n>_EL1 as an offset, and DBGWCR<n>_EL1.BAS, MASK and LSC."""

    offset: int
    bas: int = 0xFF
    mask: int = 0
    lsc: int = _LOAD | _STORE

    @property
    def bytes(self) -> range:
        """Bytes that are watched (AArch64.WatchpointByteMatch)."""
        if self.mask:
            return range(self.offset, self.offset + (1 << self.mask))
        bas = self.bas & 0xF if self.offset & 4 else self.bas
        first = (bas & -bas).bit_length() - 1
        return range(self.offset + first, self.offset + bas.bit_length())

    def match(self, first: int, size: int, *, read: bool, write: bool) -> range | None:
        """Return the addresses that FAR_ELx may have, or None (AArch64.WatchpointMatch).

        From the lowest that is accessed to the highest that is accessed and watched (D2.10.5).
        """
        hit = range(max(first, self.bytes.start), min(first + size, self.bytes.stop))
        if not hit or not ((read and self.lsc & _LOAD) or (write and self.lsc & _STORE)):
            return None
        return range(first, hit.stop)

    def writes(self, *, read: bool) -> bool:
        """Return WnR of a match (AArch64.CheckWatchpoint)."""
        return not (read and self.lsc & _LOAD)
