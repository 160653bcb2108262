# SPDX-License-Identifier: GPL-2.0-or-later
"""Features without which a field of a control register is RES0."""

from typing import Final

from kut_model.traps.cases import Changes

#: Features of fields, by register and by field.
_OF_CONTROL_REGISTERS: Final = {
    "HCRX_EL2": "FEAT_HCX",
    "HFGRTR_EL2": "FEAT_FGT",
    "HFGWTR_EL2": "FEAT_FGT",
    "HFGITR_EL2": "FEAT_FGT",
    "HDFGRTR_EL2": "FEAT_FGT",
    "HDFGWTR_EL2": "FEAT_FGT",
    "HAFGRTR_EL2": "FEAT_AMUv1",
    "PMUSERENR_EL0": "FEAT_PMUv3",
    "AMUSERENR_EL0": "FEAT_AMUv1",
    "ICH_HCR_EL2": "FEAT_GICv3",
    "GCSCRE0_EL1": "FEAT_GCS",
    "ICC_SRE_EL1": "FEAT_GICv3",
    "ICC_SRE_EL2": "FEAT_GICv3",
    "MPAM2_EL2": "FEAT_MPAM",
    "MPAMHCR_EL2": "FEAT_MPAM",
}
_OF_FIELDS: Final = {
    "HCR_EL2.NV": "FEAT_NV",
    "HCRX_EL2.FGTnXS": "FEAT_XS",
    "HCR_EL2.AT": "FEAT_NV",
    "HCR_EL2.NV2": "FEAT_NV2",
    "HCR_EL2.TLOR": "FEAT_LOR",
    "HCR_EL2.TERR": "FEAT_RAS",
    "HCR_EL2.FIEN": "FEAT_RASv1p1",
    "HCR_EL2.TID4": "FEAT_EVT",
    "HCR_EL2.TICAB": "FEAT_EVT",
    "HCR_EL2.TOCU": "FEAT_EVT",
    "HCR_EL2.TTLBIS": "FEAT_EVT2",
    "HCR_EL2.TTLBOS": "FEAT_EVT2",
    "HCR_EL2.EnSCXT": "FEAT_CSV2_2",
    "HCR_EL2.ATA": "FEAT_MTE2",
    "HCR_EL2.TID5": "FEAT_MTE2",
    "MDCR_EL2.TTRF": "FEAT_TRF",
    "MDCR_EL2.TPM": "FEAT_PMUv3",
    "MDCR_EL2.TPMCR": "FEAT_PMUv3",
    "MDCR_EL2.TPMS": "FEAT_SPE",
    "MDCR_EL2.E2PB": "FEAT_SPE",
    "MDCR_EL2.TDCC": "FEAT_FGT",
    "CPTR_EL2.TAM": "FEAT_AMUv1",
    "CPTR_EL2.TZ": "FEAT_SVE",
    "CPTR_EL2.ZEN": "FEAT_SVE",
    "CPTR_EL2.TSM": "FEAT_SME",
    "CPTR_EL2.SMEN": "FEAT_SME",
    "CPACR_EL1.ZEN": "FEAT_SVE",
    "CPACR_EL1.SMEN": "FEAT_SME",
    "CNTHCTL_EL2.EL1TVT": "FEAT_ECV",
    "CNTHCTL_EL2.EL1TVCT": "FEAT_ECV",
    "CNTHCTL_EL2.EL1NVPCT": "FEAT_ECV",
    "CNTHCTL_EL2.EL1NVVCT": "FEAT_ECV",
    "SCTLR_EL1.EnTP2": "FEAT_SME",
    "SCTLR_EL2.EnTP2": "FEAT_SME",
    "SCTLR_EL1.TSCXT": "FEAT_CSV2_2",
    "SCTLR_EL2.TSCXT": "FEAT_CSV2_2",
    "SCTLR_EL1.EnRCTX": "FEAT_SPECRES",
    "SCTLR_EL2.EnRCTX": "FEAT_SPECRES",
    "HDFGRTR_EL2.OSDLR_EL1": "FEAT_DoubleLock",
    "HDFGWTR_EL2.OSDLR_EL1": "FEAT_DoubleLock",
    "HFGITR_EL2.ATS1E1A": "FEAT_ATS1A",
    "HFGITR_EL2.COSPRCTX": "FEAT_SPECRES2",
}
#: Fields that an implementation may fix (RAO/WI; TDIR is RES0 by ICH_VTR_EL2.TDS).
MAY_BE_FIXED: Final = frozenset(
    {"ICC_SRE_EL1.SRE", "ICC_SRE_EL2.Enable", "ICH_HCR_EL2.TDIR", "SCTLR_EL1.CP15BEN"}
)


def of_field(field: str) -> tuple[str, ...]:
    """Return the features without which a field is RES0."""
    of_register_ = _OF_CONTROL_REGISTERS.get(field.partition(".")[0])
    return tuple(filter(None, (of_register_, _OF_FIELDS.get(field))))


def of_changes(changes: Changes) -> tuple[str, ...]:
    """Return the features that changes need; a field that stays 0 needs none."""
    names = (field for field, value in changes if value or field != "HCR_EL2.NV2")
    return tuple(dict.fromkeys(need for name in names for need in of_field(name)))
