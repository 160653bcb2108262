# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules of instructions that are exceptions, or that controls trap."""

from typing import Final

from kut_model.rules.rule import Rule

RULES: Final = (
    Rule(
        key="insn.svc",
        statement="SVC is taken to EL1, to EL2 with HCR_EL2.TGE; HFGITR_EL2 traps it to EL2.",
        section="C6.2, SVC; D24.2, HFGITR_EL2.SVC_EL0 and SVC_EL1",
        function="AArch64.CallSupervisor, AArch64.CheckForSVCTrap",
        matrix="C",
    ),
    Rule(
        key="insn.smc",
        statement="Without EL3, HCR_EL2.TSC traps SMC at EL1 with NV; at EL0 it is UNDEFINED.",
        section="C6.2, SMC; D24.2, HCR_EL2.TSC",
        function="AArch64.CheckForSMCUndefOrTrap",
        matrix="C",
    ),
    Rule(
        key="insn.brk",
        statement="BRK is taken to EL1, or EL2 with MDCR_EL2.TDE or TGE; ELR is its address.",
        section="D2.8, breakpoint instruction exceptions; D24.2, MDCR_EL2.TDE",
        function="AArch64.SoftwareBreakpoint",
        matrix="B1",
    ),
    Rule(
        key="insn.wait",
        statement="SCTLR_ELx.nTWI and nTWE trap WFI and WFE at EL0 before HCR_EL2.TWI and TWE do.",
        section="D1.6, mechanisms for entering a low-power state; D24.2, HCR_EL2.TWI and TWE",
        function="AArch64.CheckForWFxTrap",
        matrix="C",
    ),
    Rule(
        key="insn.eret",
        statement="HCR_EL2.NV and HFGITR_EL2.ERET trap ERET, ERETAA and ERETAB at EL1.",
        section="D24.2, HCR_EL2.NV, HFGITR_EL2.ERET",
        function="AArch64.CheckForERetTrap",
        matrix="N1",
    ),
    Rule(
        key="insn.undefined",
        statement="UDF, and HVC at EL0, are UNDEFINED: EC 0, to EL1, or to EL2 with HCR_EL2.TGE.",
        section="C6.2, UDF and HVC",
        function="AArch64.UndefinedFault",
        matrix="C",
    ),
    Rule(
        key="insn.illegal",
        statement="With PSTATE.IL set every instruction is an Illegal Execution state exception.",
        section="D1.3.4, illegal exception returns; D1.3.5.1, prioritization",
        function="AArch64.CheckIllegalState",
    ),
    Rule(
        key="insn.alignment",
        statement="A misaligned PC is a PC alignment fault; a misaligned SP is an SP alignment"
        " fault with SCTLR_ELx.SA, or SA0 at EL0.",
        section="D1.3.5.1, prioritization; D24.2, SCTLR_EL1.SA and SA0",
        function="AArch64.CheckPCAlignment, CheckSPAlignment",
    ),
    Rule(
        key="insn.vectors",
        statement="CPACR_EL1 traps FP, SVE and SME before CPTR_EL2 does; in each of them the trap"
        " of SVE or SME comes before that of FP.",
        section="D24.2, CPACR_EL1 and CPTR_EL2",
        function="CheckSVEEnabled, CheckSMEAccess, AArch64.CheckFPAdvSIMDEnabled",
        matrix="C",
    ),
    Rule(
        key="insn.pauth",
        statement="HCR_EL2.API traps PACGA, and PAC and AUT instructions whose key SCTLR_EL1"
        " enables.",
        section="D24.2, HCR_EL2.API",
        function="AddPACIA and the like, TrapPACUse",
        matrix="C",
    ),
)
