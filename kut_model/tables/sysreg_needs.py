# SPDX-License-Identifier: GPL-2.0-or-later
"""Features that rows about system registers need."""

from typing import Final

from kut_model.traps.cases import Case
from kut_model.traps.registers import Register
from kut_model.traps.result import Kind

#: Limits of the number of registers (enum sysreg_limit), by FEATURES of the tables of registers.
_LIMITS: Final = {
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
#: Features that come with these.
_OF_LIMITS: Final = {
    "PMU-counter": "FEAT_PMUv3",
    "PMU-event": "FEAT_PMUv3",
    "GICv3-apr": "FEAT_GICv3",
    "ICH-apr": "FEAT_GICv3",
    "ICH-lr": "FEAT_GICv3",
    "RAS-records": "FEAT_RAS",
    "RAS-faults": "FEAT_RASv1p1",
}
#: FEATURES of registers that have no rows: those of Secure state and IMPLEMENTATION DEFINED ones.
UNKNOWABLE: Final = frozenset({"secure", "reset"})

#: Identification registers that a CPU may leave out of HCR_EL2.TID3 while they are 0, without FGT
_TID3_OPTIONAL: Final = (
    "ID_MMFR4_EL1 ID_MMFR5_EL1 ID_ISAR6_EL1 ID_PFR2_EL1 ID_DFR1_EL1 ID_AA64PFR2_EL1 ID_AA64ZFR0_EL1"
    " ID_AA64SMFR0_EL1 ID_AA64FPFR0_EL1 ID_AA64DFR2_EL1 ID_AA64ISAR2_EL1 ID_AA64ISAR3_EL1"
    " ID_AA64MMFR2_EL1 ID_AA64MMFR3_EL1 ID_AA64MMFR4_EL1"
)


def of_register(register: Register) -> tuple[str, ...]:
    """Return the features without which the encoding is UNDEFINED."""
    found = (
        _OF_LIMITS.get(name, "" if name in _LIMITS else f"FEAT_{name}")
        for name in register.features
    )
    return tuple(filter(None, found))


def limit_of(register: Register) -> str:
    """Return the limit of an array (enum sysreg_limit); empty without one."""
    return next((_LIMITS[name] for name in register.features if name in _LIMITS), "")


def of_case(case: Case) -> tuple[str, ...]:
    """Return what a case needs beyond its register and its controls."""
    register = case.register
    if register.is_identification and case.place.el == 0 and not case.write and _is_trapped(case):
        return ("FEAT_IDST",)
    fields = [field for field, _ in case.changes]
    optional = register.name.startswith("S3_0_C0") or register.name in _TID3_OPTIONAL.split()
    if "HCR_EL2.TID3" in fields and optional:
        return ("FEAT_FGT",)
    return ()


def _is_trapped(case: Case) -> bool:
    return case.outcome.kind is Kind.EXCEPTION and not case.outcome.is_undefined
