# SPDX-License-Identifier: GPL-2.0-or-later
"""Access to allocation tags, tag checks, their faults, and the choice of tags (DDI 0487, D10)."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from kut_model.traps.places import EL2

GRANULE: Final = 16
#: Bits of an address that hold its tag.
TAG_SHIFT: Final = 56
_TAGS: Final = 16
_TAG_MASK: Final = 0xF << TAG_SHIFT
_BIT_55: Final = 1 << 55


class Mode(IntEnum):
    """What a tag check fault does: SCTLR_ELx.TCF and TCF0."""

    NONE = 0
    SYNC = 1
    ASYNC = 2
    ASYMM = 3


@dataclass(frozen=True, slots=True)
class Controls:
    """Fields of SCTLR_ELx, TCR_ELx, HCR_EL2 and PSTATE for a regime."""

    ata: bool = True
    ata0: bool = True
    hcr_ata: bool = True
    """HCR_EL2.ATA."""
    tcf: Mode = Mode.NONE
    tcf0: Mode = Mode.NONE
    tco: bool = False
    """PSTATE.TCO."""
    tbi: bool = True
    """TBI0 and TBI1, or TBI."""
    tcma0: bool = False
    """TCMA0, or TCMA."""
    tcma1: bool = False

    def enables_access(self, el: int, *, host: bool) -> bool:
        """Whether an access of `el` may use tags (AArch64.AllocationTagAccessIsEnabled).

        `host`: HCR_EL2.{E2H, TGE} is {1, 1}.
        """
        if el < EL2 and not host and not self.hcr_ata:
            return False
        return self.ata if el else self.ata0

    def checks(self, address: int, el: int, *, host: bool) -> bool:
        """Whether an access is checked if its memory is tagged (AArch64.AccessIsTagChecked)."""
        high = bool(address & _BIT_55)
        is_match_all = address & _TAG_MASK == (_TAG_MASK if high else 0)
        unchecked = self.tcma1 if high else self.tcma0
        return (
            self.tbi
            and not (unchecked and is_match_all)
            and self.enables_access(el, host=host)
            and not self.tco
        )

    def mode(self, el: int) -> Mode:
        """Return what a fault of an access of `el` does (AArch64.EffectiveTCF)."""
        return self.tcf if el else self.tcf0


def is_synchronous(mode: Mode, *, read: bool) -> bool:
    """Whether a fault is an exception (AArch64.TagCheckFault); an atomic access is a read, too."""
    return mode is Mode.SYNC or (mode is Mode.ASYMM and read)


def is_recorded(mode: Mode, *, read: bool) -> bool:
    """Whether a fault is recorded in TFSR_ELx (AArch64.TagCheckFault)."""
    return mode is Mode.ASYNC or (mode is Mode.ASYMM and not read)


def tag_of(address: int) -> int:
    """Return the tag of an address (AArch64.AllocationTagFromAddress)."""
    return address >> TAG_SHIFT & 0xF


def with_tag(address: int, tag: int) -> int:
    """Return an address with a tag (AArch64.AddressWithAllocationTag)."""
    return address & ~_TAG_MASK | tag << TAG_SHIFT


def choose(tag: int, offset: int, exclude: int) -> int:
    """Return the tag that is `offset` permitted ones behind (AArch64.ChooseNonExcludedTag)."""
    if exclude == (1 << _TAGS) - 1:
        return 0
    steps = [0, *[1] * offset]
    for step in steps:
        tag = (tag + step) % _TAGS
        if offset == 0 or step:
            while exclude >> tag & 1:
                tag = (tag + 1) % _TAGS
    return tag


def random_offset(seed: int) -> tuple[int, int]:
    """Return four bits, and the seed after them (AArch64.RandomTag)."""
    offset = 0
    for position in range(4):
        bit = (seed >> 5 ^ seed >> 3 ^ seed >> 2 ^ seed) & 1
        seed = bit << 15 | seed >> 1
        offset |= bit << position
    return offset, seed
