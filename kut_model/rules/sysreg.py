# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules of accesses to system registers, and of system instructions."""

from typing import Final

from kut_model.rules.rule import Rule

_TRAP: Final = "AArch64.SystemAccessTrap"


def _trap(key: str, statement: str, section: str, function: str = _TRAP) -> Rule:
    return Rule(f"sysreg.trap.{key}", statement, section, function, "C")


RULES: Final = (
    Rule(
        key="sysreg.permitted",
        statement="An access that no control traps is made; a control traps its registers only.",
        section="D24.2, the accessibility of each register; C5.3 to C5.5",
        function="AArch64.SysRegRead, AArch64.SysRegWrite, AArch64.SysInstr",
        matrix="C",
    ),
    Rule(
        key="sysreg.undefined",
        statement="An access that an EL may never make is UNDEFINED, before any trap to EL2.",
        section="D1.3.5.1, prioritization of synchronous exceptions; D24.2",
        function="AArch64.UndefinedFault",
        matrix="C",
    ),
    Rule(
        key="sysreg.identification",
        statement="FEAT_IDST traps EL0's reads of the identification space with EC 0x18.",
        section="D24.3.2; A2.2.1, FEAT_IDST",
        function=_TRAP,
        matrix="C",
    ),
    Rule(
        key="sysreg.priority",
        statement="A trap to EL1 has priority over a trap to EL2.",
        section="D1.3.5.1, prioritization of synchronous exceptions",
        function=_TRAP,
        matrix="C",
    ),
    Rule(
        key="sysreg.aarch32",
        statement="Controls of EL1, HSTR_EL2 and those of the AArch64 register trap MRC and MCR.",
        section="G8, the accessibility of each register; D24.2, HSTR_EL2 and ESR_EL2",
        function="AArch64.AArch32SystemAccessTrap",
        matrix="C",
    ),
    Rule(
        key="sysreg.nv",
        statement="HCR_EL2.NV, NV1 and NV2 trap or redirect EL1's accesses to registers of EL2.",
        section="D8.11, nested virtualization; D24.2, HCR_EL2.NV, NV1 and NV2",
        function=_TRAP,
        matrix="N1",
    ),
    _trap(
        "hcr", "HCR_EL2 and HCRX_EL2 trap the accesses of their fields to EL2.", "D24.2, HCR_EL2"
    ),
    _trap("mdcr", "MDCR_EL2 traps debug, trace and monitors to EL2.", "D24.2, MDCR_EL2"),
    _trap(
        "cptr",
        "CPTR_EL2 traps FP, SVE, SME, activity monitors and CPACR_EL1, in both of its layouts.",
        "D24.2, CPTR_EL2",
        "AArch64.CheckFPAdvSIMDEnabled, AArch64.AdvSIMDFPAccessTrap",
    ),
    _trap(
        "cnthctl",
        "CNTHCTL_EL2 traps counters and timers to EL2, in both layouts.",
        "D24.2, CNTHCTL_EL2",
    ),
    _trap("gic", "ICH_HCR_EL2 and ICC_SRE_ELx trap the CPU interface of the GIC.", "D24.6, D24.7"),
    _trap("mpam", "MPAM2_EL2 and MPAMHCR_EL2 trap the registers of MPAM.", "D24.4"),
    _trap(
        "fgt",
        "Fine-grained traps: one field, one register or instruction, one direction.",
        "D24.2, HFGRTR_EL2",
    ),
    _trap(
        "el1",
        "A control of EL1 traps EL0 or EL1 to EL1, or to EL2 with HCR_EL2.TGE.",
        "D24.2, SCTLR_EL1",
    ),
)
