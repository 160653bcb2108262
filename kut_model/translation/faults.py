# SPDX-License-Identifier: GPL-2.0-or-later
"""MMU faults and their status codes."""

from dataclasses import dataclass
from enum import Enum


class FaultType(Enum):
    """Fault of the pseudocode."""

    ADDRESS_SIZE = "address size"
    TRANSLATION = "translation"
    ACCESS_FLAG = "access flag"
    PERMISSION = "permission"
    ALIGNMENT = "alignment"
    EXTERNAL = "synchronous external abort"
    EXTERNAL_ON_WALK = "synchronous external abort on a walk"


#: Fault status codes of level 0.
STATUS_BASES = {
    FaultType.ADDRESS_SIZE: 0x00,
    FaultType.TRANSLATION: 0x04,
    FaultType.ACCESS_FLAG: 0x08,
    FaultType.PERMISSION: 0x0C,
    FaultType.EXTERNAL_ON_WALK: 0x14,
}
_EXTERNAL = 0x10
_ALIGNMENT = 0x21
#: FEAT_LPA2; an access flag or permission fault needs a leaf, and level -1 has none.
_LEVEL_MINUS_1 = {
    FaultType.ADDRESS_SIZE: 0x29,
    FaultType.TRANSLATION: 0x2B,
    FaultType.EXTERNAL_ON_WALK: 0x13,
}


@dataclass(frozen=True, slots=True)
class Fault:
    """FaultRecord of the pseudocode."""

    type: FaultType
    stage: int
    level: int = 0  # -1..3; not for an alignment fault or an external abort of the access
    ipa: int = 0  # of stage 2: the address that it translated
    on_walk: bool = False  # of stage 2: that of a stage-1 descriptor (S1PTW)
    write: bool = False  # WnR of a data abort
    tea: bool = False  # HCR_EL2.TEA, of an external abort
    dirty: bool = False  # DirtyBit: the page is not dirty, and hardware does not make it so

    @property
    def status(self) -> int:
        """DFSC, IFSC and PAR_EL1.FST (EncodeLDFSC)."""
        if self.type is FaultType.ALIGNMENT:
            return _ALIGNMENT
        if self.type is FaultType.EXTERNAL:
            return _EXTERNAL
        if self.level < 0:
            return _LEVEL_MINUS_1[self.type]
        return STATUS_BASES[self.type] + self.level

    @property
    def is_external(self) -> bool:
        """Whether it is an external abort (IsExternalAbort)."""
        return self.type in {FaultType.EXTERNAL, FaultType.EXTERNAL_ON_WALK}

    @property
    def describes_ipa(self) -> bool:
        """Whether HPFAR_EL2 is valid (IPAValid): not for a permission fault but on a walk."""
        if self.type is FaultType.ALIGNMENT or self.is_external or self.stage == 1:
            return False
        return self.on_walk or self.type is not FaultType.PERMISSION
