# SPDX-License-Identifier: GPL-2.0-or-later
"""HVC, SMC and SVC at EL1 and EL0 in AArch64, on a machine with EL2 and without EL3.

EL1 is in AArch64, and HCR_EL2.TGE and NV are 0.
"""

from kut_model.traps.outcome import UNDEFINED, ExceptionClass, Taken


def hvc(el: int, imm: int, *, hcd: bool = False) -> Taken:
    """HVC: AArch64.CallHypervisor, C6.2 "HVC"; `hcd` is HCR_EL2.HCD, which EL3 would make RES0."""
    if el == 0 or hcd:
        return UNDEFINED
    return Taken(2, ExceptionClass.HVC64, imm, after=True)


def smc(el: int, imm: int) -> Taken:
    """SMC with HCR_EL2.TSC set, which traps: AArch64.CheckForSMCUndefOrTrap, C6.2 "SMC".

    At EL1 it may be UNDEFINED as well. Without EL3 and with HCR_EL2.NV 0 it is IMPLEMENTATION
    DEFINED whether TSC has an effect (D24.2, HCR_EL2.TSC); the pseudocode has none.
    """
    if el == 0:
        return UNDEFINED
    return Taken(2, ExceptionClass.SMC64, imm, after=False)


def svc(imm: int, *, trapped: bool = False) -> Taken:
    """SVC: AArch64.CallSupervisor, C6.2 "SVC".

    `trapped` is HFGITR_EL2.SVC_EL0 or SVC_EL1, that of the EL (AArch64.CheckForSVCTrap).
    """
    return Taken(2 if trapped else 1, ExceptionClass.SVC64, imm, after=not trapped)
