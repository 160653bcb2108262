# SPDX-License-Identifier: GPL-2.0-or-later
"""Features that rows about system registers need: those of registers, and those of controls."""

from typing import Final

from kut_model.traps.cases import Case
from kut_model.traps.registers import Register
from kut_model.traps.result import Kind

#: Limits that count (enum sysreg_limit), by the word of the tables of registers.
LIMITS: Final = {
    "PMU-counter": "EVENT_COUNTERS",
    "PMU-event": "EVENT_COUNTERS",
    "breakpoint": "BREAKPOINTS",
    "watchpoint": "WATCHPOINTS",
    "GICv3-apr": "ACTIVE_PRIORITIES",
    "ICH-apr": "ACTIVE_PRIORITIES",
    "ICH-lr": "LIST_REGISTERS",
    "RAS-records": "ERROR_RECORDS",
    "RAS-faults": "ERROR_RECORDS",
    "PAuth": "POINTER_AUTHENTICATION",
}
#: Features behind those words.
_OF_LIMITS: Final = {
    "PMU-counter": "FEAT_PMUv3",
    "PMU-event": "FEAT_PMUv3",
    "GICv3-apr": "FEAT_GICv3",
    "ICH-apr": "FEAT_GICv3",
    "ICH-lr": "FEAT_GICv3",
    "RAS-records": "FEAT_RAS",
    "RAS-faults": "FEAT_RASv1p1",
}
#: Words for registers of which nothing can be said: Secure state, and IMPLEMENTATION DEFINED ones.
UNKNOWABLE: Final = frozenset({"secure", "reset"})

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
    "ICC_SRE_EL1": "FEAT_GICv3",
    "ICC_SRE_EL2": "FEAT_GICv3",
    "MPAM2_EL2": "FEAT_MPAM",
    "MPAMHCR_EL2": "FEAT_MPAM",
}
_OF_FIELDS: Final = {
    "HCR_EL2.NV": "FEAT_NV",
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
    "HFGITR_EL2.ATS1E1A": "FEAT_ATS1A",
    "HFGITR_EL2.COSPRCTX": "FEAT_SPECRES2",
}
#: Identification registers that a CPU may leave out of HCR_EL2.TID3 while they are 0, without FGT
_TID3_OPTIONAL: Final = (
    "ID_MMFR4_EL1 ID_MMFR5_EL1 ID_ISAR6_EL1 ID_PFR2_EL1 ID_DFR1_EL1 ID_AA64PFR2_EL1 ID_AA64ZFR0_EL1"
    " ID_AA64SMFR0_EL1 ID_AA64FPFR0_EL1 ID_AA64DFR2_EL1 ID_AA64ISAR2_EL1 ID_AA64ISAR3_EL1"
    " ID_AA64MMFR2_EL1 ID_AA64MMFR3_EL1 ID_AA64MMFR4_EL1"
)
#: Fields that an implementation may fix (RAO/WI, or RES0 by ICH_VTR_EL2.TDS).
MAY_BE_FIXED: Final = frozenset({"ICC_SRE_EL1.SRE", "ICC_SRE_EL2.Enable", "ICH_HCR_EL2.TDIR"})


def of_register(register: Register) -> tuple[str, ...]:
    """Return the features without which the encoding is UNDEFINED."""
    words = (
        _OF_LIMITS.get(word, "" if word in LIMITS else f"FEAT_{word}") for word in register.features
    )
    return tuple(filter(None, words))


def of_field(field: str) -> tuple[str, ...]:
    """Return the features without which a field is RES0."""
    of_register_ = _OF_CONTROL_REGISTERS.get(field.partition(".")[0])
    return tuple(filter(None, (of_register_, _OF_FIELDS.get(field))))


def of_changes(case: Case) -> tuple[str, ...]:
    """Return the features that the controls of a case need."""
    if len(case.changes) > 3:  # noqa: PLR2004 - all traps that the CPU has
        return ()
    names = (field for field, value in case.changes if value or field != "HCR_EL2.NV2")
    return tuple(dict.fromkeys(need for name in names for need in of_field(name)))


def of_case(case: Case) -> tuple[str, ...]:
    """Return what a case needs beyond its register and its controls."""
    register = case.register
    if register.is_identification and case.place.el == 0 and not case.write and _is_trapped(case):
        return ("FEAT_IDST",)
    fields = [field for field, _ in case.changes]
    if "HCR_EL2.TID3" in fields and register.name in _TID3_OPTIONAL.split():
        return ("FEAT_FGT",)
    if register.name == "OSDLR_EL1" and any("HDFG" in field for field in fields):
        return ("FEAT_DoubleLock",)
    return ()


def _is_trapped(case: Case) -> bool:
    return case.outcome.kind is Kind.EXCEPTION and not case.outcome.is_undefined
