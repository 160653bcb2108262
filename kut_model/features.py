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
    "DCZID_EL0": (3, 3, 0, 0, 7),
    "GMID_EL1": (3, 1, 0, 0, 4),
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
        Feature("FEAT_AA32EL0", "ID_AA64PFR0_EL1", "EL0", 0, 2),
        Feature("FEAT_AA32EL1", "ID_AA64PFR0_EL1", "EL1", 4, 2),
        Feature("EL1_without_AArch32", "ID_AA64PFR0_EL1", "EL1", 4, 0, 1),
        Feature("without_EL3", "ID_AA64PFR0_EL1", "EL3", 12, 0, 0),
        Feature("FEAT_GICv3", "ID_AA64PFR0_EL1", "GIC", 24),
        Feature("FEAT_RAS", "ID_AA64PFR0_EL1", "RAS", 28),
        Feature("FEAT_RASv1p1", "ID_AA64PFR0_EL1", "RAS", 28, 2),
        Feature("FEAT_SVE", "ID_AA64PFR0_EL1", "SVE", 32),
        Feature("FEAT_MPAM", "ID_AA64PFR0_EL1", "MPAM", 40),
        Feature("FEAT_AMUv1", "ID_AA64PFR0_EL1", "AMU", 44),
        Feature("FEAT_AMUv1p1", "ID_AA64PFR0_EL1", "AMU", 44, 2),
        Feature("FEAT_DIT", "ID_AA64PFR0_EL1", "DIT", 48),
        Feature("FEAT_CSV2_2", "ID_AA64PFR0_EL1", "CSV2", 56, 2),
        Feature("FEAT_BTI", "ID_AA64PFR1_EL1", "BT", 0),
        Feature("FEAT_SSBS", "ID_AA64PFR1_EL1", "SSBS", 4, 2),
        Feature("FEAT_MTE", "ID_AA64PFR1_EL1", "MTE", 8),
        Feature("FEAT_MTE2", "ID_AA64PFR1_EL1", "MTE", 8, 2),
        Feature("FEAT_MTE3", "ID_AA64PFR1_EL1", "MTE", 8, 3),
        Feature("FEAT_MTE_ASYNC", "ID_AA64PFR1_EL1", "MTE_frac", 40, 0, 0),  # with FEAT_MTE2
        Feature("DC_ZVA_64", "DCZID_EL0", "BS", 0, 4, 4),  # bytes of a block
        Feature("LDGM_256", "GMID_EL1", "BS", 0, 6, 6),  # a register of FEAT_MTE2
        Feature("FEAT_SME", "ID_AA64PFR1_EL1", "SME", 24),
        Feature("FEAT_GCS", "ID_AA64PFR1_EL1", "GCS", 44),
        Feature("FEAT_NMI", "ID_AA64PFR1_EL1", "NMI", 36),
        Feature("FEAT_PMUv3", "ID_AA64DFR0_EL1", "PMUVer", 8, 1, 14),
        Feature("FEAT_PMUv3p4", "ID_AA64DFR0_EL1", "PMUVer", 8, 5, 14),
        Feature("FEAT_SPE", "ID_AA64DFR0_EL1", "PMSVer", 32),
        Feature("FEAT_DoubleLock", "ID_AA64DFR0_EL1", "DoubleLock", 36, 0, 0),
        Feature("FEAT_TRF", "ID_AA64DFR0_EL1", "TraceFilt", 40),
        Feature("FEAT_LSE", "ID_AA64ISAR0_EL1", "Atomic", 20, least=2),
        Feature("FEAT_TLBIOS", "ID_AA64ISAR0_EL1", "TLB", 56),
        Feature("FEAT_TLBIRANGE", "ID_AA64ISAR0_EL1", "TLB", 56, 2),
        Feature("FEAT_RNG", "ID_AA64ISAR0_EL1", "RNDR", 60),
        Feature("FEAT_LRCPC2", "ID_AA64ISAR1_EL1", "LRCPC", 20, 2),
        Feature("FEAT_LRCPC", "ID_AA64ISAR1_EL1", "LRCPC", 20),
        Feature("FEAT_DPB", "ID_AA64ISAR1_EL1", "DPB", 0),
        Feature("FEAT_DPB2", "ID_AA64ISAR1_EL1", "DPB", 0, 2),
        Feature("FEAT_XS", "ID_AA64ISAR1_EL1", "XS", 56),
        Feature("FEAT_SPECRES", "ID_AA64ISAR1_EL1", "SPECRES", 40),
        Feature("FEAT_SPECRES2", "ID_AA64ISAR1_EL1", "SPECRES", 40, 2),
        Feature("FEAT_WFxT", "ID_AA64ISAR2_EL1", "WFxT", 0, 2),
        Feature("FEAT_ATS1A", "ID_AA64ISAR2_EL1", "ATS1A", 60),
        Feature("FEAT_FGT", "ID_AA64MMFR0_EL1", "FGT", 56),
        Feature("FEAT_ECV", "ID_AA64MMFR0_EL1", "ECV", 60),
        Feature("FEAT_ECV_POFF", "ID_AA64MMFR0_EL1", "ECV", 60, 2),
        Feature("FEAT_HAFDBS", "ID_AA64MMFR1_EL1", "HAFDBS", 0),  # the access flag
        Feature("FEAT_HAFDBS_DIRTY", "ID_AA64MMFR1_EL1", "HAFDBS", 0, least=2),  # and dirty state
        Feature("FEAT_VHE", "ID_AA64MMFR1_EL1", "VH", 8),
        Feature("FEAT_VMID16", "ID_AA64MMFR1_EL1", "VMIDBits", 4, 2),
        Feature("FEAT_LOR", "ID_AA64MMFR1_EL1", "LO", 16),
        Feature("FEAT_PAN", "ID_AA64MMFR1_EL1", "PAN", 20),
        Feature("FEAT_PAN2", "ID_AA64MMFR1_EL1", "PAN", 20, 2),
        Feature("FEAT_PAN3", "ID_AA64MMFR1_EL1", "PAN", 20, 3),
        Feature("FEAT_HPDS", "ID_AA64MMFR1_EL1", "HPDS", 12),
        Feature("FEAT_XNX", "ID_AA64MMFR1_EL1", "XNX", 28),
        Feature("FEAT_HCX", "ID_AA64MMFR1_EL1", "HCX", 40),
        Feature("FEAT_UAO", "ID_AA64MMFR2_EL1", "UAO", 4),
        Feature("FEAT_CCIDX", "ID_AA64MMFR2_EL1", "CCIDX", 20),
        Feature("FEAT_NV", "ID_AA64MMFR2_EL1", "NV", 24),
        Feature("FEAT_NV2", "ID_AA64MMFR2_EL1", "NV", 24, 2),
        Feature("FEAT_LSE2", "ID_AA64MMFR2_EL1", "AT", 32),
        Feature("without_FEAT_LSE2", "ID_AA64MMFR2_EL1", "AT", 32, 0, 0),
        Feature("FEAT_IDST", "ID_AA64MMFR2_EL1", "IDS", 36),
        Feature("FEAT_E0PD", "ID_AA64MMFR2_EL1", "E0PD", 60),
        Feature("FEAT_TTL", "ID_AA64MMFR2_EL1", "TTL", 48),
        Feature("FEAT_EVT", "ID_AA64MMFR2_EL1", "EVT", 56),
        Feature("FEAT_EVT2", "ID_AA64MMFR2_EL1", "EVT", 56, 2),
        Feature("FEAT_TCR2", "ID_AA64MMFR3_EL1", "TCRX", 0),
        Feature("FEAT_SCTLR2", "ID_AA64MMFR3_EL1", "SCTLRX", 4),
        Feature("FEAT_S1PIE", "ID_AA64MMFR3_EL1", "S1PIE", 8),
        Feature("FEAT_S2PIE", "ID_AA64MMFR3_EL1", "S2PIE", 12),
        Feature("FEAT_AIE", "ID_AA64MMFR3_EL1", "AIE", 24),
        Feature("FEAT_S1POE", "ID_AA64MMFR3_EL1", "S1POE", 16),
        Feature("FEAT_LPA", "ID_AA64MMFR0_EL1", "PARange", 0, least=6),
        Feature("FEAT_LPA2_4K", "ID_AA64MMFR0_EL1", "TGran4_2", 40, least=3),
        Feature("FEAT_LPA2_16K", "ID_AA64MMFR0_EL1", "TGran16_2", 32, least=3),
        Feature("TGran16", "ID_AA64MMFR0_EL1", "TGran16", 20, most=14),  # pages of 16K at stage 1
        Feature("TGran64", "ID_AA64MMFR0_EL1", "TGran64", 24, least=0, most=14),
        Feature("TGran16_2", "ID_AA64MMFR0_EL1", "TGran16_2", 32, least=2),  # and at stage 2
        Feature("TGran64_2", "ID_AA64MMFR0_EL1", "TGran64_2", 36, least=2),
        Feature("FEAT_S2FWB", "ID_AA64MMFR2_EL1", "FWB", 40),
        Feature("FEAT_TTST", "ID_AA64MMFR2_EL1", "ST", 28),
        Feature("PARange_42", "ID_AA64MMFR0_EL1", "PARange", 0, least=3),  # bits of addresses
        Feature("PARange_44", "ID_AA64MMFR0_EL1", "PARange", 0, least=4),
        Feature("PARange_to_48", "ID_AA64MMFR0_EL1", "PARange", 0, least=0, most=5),
        Feature("PARange_is_40", "ID_AA64MMFR0_EL1", "PARange", 0, least=2, most=2),
        Feature("PARange_is_44", "ID_AA64MMFR0_EL1", "PARange", 0, least=4, most=4),
        Feature("PARange_48", "ID_AA64MMFR0_EL1", "PARange", 0, least=5),
    )
)
