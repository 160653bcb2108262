# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules of HVC, SMC and SVC."""

from typing import Final

from kut_model.rules.rule import Rule

RULES: Final = (
    Rule(
        key="call.hvc",
        statement="HVC at EL1 is taken to EL2 with its immediate; ELR_EL2 is the next instruction.",
        section="C6.2, HVC; D24.2, ESR_EL2, ISS encoding for HVC or SVC",
        function="AArch64.CallHypervisor",
        matrix="C",
    ),
    Rule(
        key="call.hvc.undefined",
        statement="HVC is UNDEFINED at EL0, and at EL1 with HCR_EL2.HCD set where there is no EL3.",
        section="C6.2, HVC; D24.2, HCR_EL2.HCD",
        function="AArch64.UndefinedFault",
        matrix="C",
    ),
    Rule(
        key="call.smc.trap",
        statement="Without EL3, HCR_EL2.TSC may trap SMC at EL1, and ELR_EL2 is its own address;"
        " otherwise it is UNDEFINED.",
        section="C6.2, SMC; D24.2, HCR_EL2.TSC",
        function="AArch64.CheckForSMCUndefOrTrap",
        matrix="C",
    ),
    Rule(
        key="call.smc.undefined",
        statement="SMC is UNDEFINED at EL0, also with HCR_EL2.TSC set.",
        section="C6.2, SMC",
        function="AArch64.CheckForSMCUndefOrTrap",
        matrix="C",
    ),
    Rule(
        key="call.svc",
        statement="SVC is taken to EL1 with its immediate; ELR_EL1 is the next instruction.",
        section="C6.2, SVC; D24.2, ESR_EL1, ISS encoding for HVC or SVC",
        function="AArch64.CallSupervisor",
    ),
    Rule(
        key="call.svc.trap",
        statement="SVC that HFGITR_EL2 traps is taken to EL2 with the EC of SVC; ELR_EL2 is its own"
        " address.",
        section="D24.2, HFGITR_EL2.SVC_EL0 and SVC_EL1",
        function="AArch64.CheckForSVCTrap",
        matrix="C",
    ),
)
