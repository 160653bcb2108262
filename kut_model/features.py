# SPDX-License-Identifier: GPL-2.0-or-later
"""Features of the architecture, and the fields of ID registers that show them.

Fields and their values: DDI 0487, D24.2, the descriptions of the ID registers; A2 lists the
features.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature, present if its field has one of the values from `least` to `most`."""

    name: str
    """As in "FEAT_FGT"."""
    register: str
    """ID register, as in "ID_AA64MMFR0_EL1"."""
    field: str
    """Name of its field of four bits."""
    low: int
    """Lowest bit of the field."""
    least: int = 1
    most: int = 15

    @property
    def where(self) -> str:
        """Register and field, as in "ID_AA64MMFR0_EL1.FGT"."""
        return f"{self.register}.{self.field}"


#: op0, op1, CRn, CRm, op2 of the ID registers.
ID_REGISTERS: Final = {
    "ID_AA64PFR0_EL1": (3, 0, 0, 4, 0),
    "ID_AA64PFR1_EL1": (3, 0, 0, 4, 1),
    "ID_AA64ZFR0_EL1": (3, 0, 0, 4, 4),
    "ID_AA64SMFR0_EL1": (3, 0, 0, 4, 5),
    "ID_AA64DFR0_EL1": (3, 0, 0, 5, 0),
    "ID_AA64DFR1_EL1": (3, 0, 0, 5, 1),
    "ID_AA64ISAR0_EL1": (3, 0, 0, 6, 0),
    "ID_AA64ISAR1_EL1": (3, 0, 0, 6, 1),
    "ID_AA64ISAR2_EL1": (3, 0, 0, 6, 2),
    "ID_AA64MMFR0_EL1": (3, 0, 0, 7, 0),
    "ID_AA64MMFR1_EL1": (3, 0, 0, 7, 1),
    "ID_AA64MMFR2_EL1": (3, 0, 0, 7, 2),
    "ID_AA64MMFR3_EL1": (3, 0, 0, 7, 3),
    "ID_AA64MMFR4_EL1": (3, 0, 0, 7, 4),
}


def _table(features: Iterable[Feature]) -> dict[str, Feature]:
    return {feature.name: feature for feature in features}


FEATURES: Final = _table(
    (
        Feature("FEAT_FGT", "ID_AA64MMFR0_EL1", "FGT", 56),
        Feature("FEAT_HAFDBS", "ID_AA64MMFR1_EL1", "HAFDBS", 0),  # the access flag
        Feature("FEAT_HAFDBS_DIRTY", "ID_AA64MMFR1_EL1", "HAFDBS", 0, least=2),  # and dirty state
        Feature("FEAT_LSE", "ID_AA64ISAR0_EL1", "Atomic", 20, least=2),
        Feature("FEAT_XNX", "ID_AA64MMFR1_EL1", "XNX", 28),
    )
)
