# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules of EL2 itself: its exception returns, PSTATE and registers."""

from typing import Final

from kut_model.rules.rule import Rule

RULES: Final = (
    Rule(
        key="pstate.eret",
        statement="ERET at EL2 returns to the Exception level and state of SPSR_EL2.M, with the"
        " other fields of SPSR_EL2.",
        section="D1.4.4, exception return; C5.2, SPSR_EL2",
        function="AArch64.ExceptionReturn, SetPSTATEFromPSR",
        matrix="E2",
    ),
    Rule(
        key="pstate.eret.illegal",
        statement="An illegal return stays at EL2 with PSTATE.IL set, and with NZCV, PAN, ALLINT"
        " and DAIF of SPSR_EL2.",
        section="D1.4.5, illegal exception returns from AArch64 state",
        function="IllegalExceptionReturn, SetPSTATEFromPSR",
        matrix="E2",
    ),
    Rule(
        key="pstate.exception",
        statement="An exception to EL2 saves PSTATE in SPSR_EL2, keeps DIT and PAN, sets TCO and"
        " DAIF, clears UAO, BTYPE, SS and IL; SCTLR_EL2 has SSBS, ALLINT and, for a host, PAN.",
        section="D1.3.5, exception entry; C5.2, SPSR_EL2; D24.2, SCTLR_EL2.SPAN, DSSBS, SPINTMASK",
        function="AArch64.TakeException, GetPSRFromPSTATE",
        matrix="PS",
    ),
    Rule(
        key="el2.names",
        statement="Names with _EL12 and _EL02 are UNDEFINED at EL2 while HCR_EL2.E2H is 0.",
        section="D24.2, accessibility of SCTLR_EL1 and the other registers",
        function="AArch64.UndefinedFault",
        matrix="E1",
    ),
    Rule(
        key="el2.redirect",
        statement="With HCR_EL2.E2H the names of EL1 access registers of EL2 at EL2, and those with"
        " _EL12 access registers of EL1; without it the names of EL1 access those of EL1.",
        section="D8.9, the effect of HCR_EL2.E2H on registers; D24.2, the registers",
        function="AArch64.SysRegRead, AArch64.SysRegWrite",
        matrix="E6",
    ),
    Rule(
        key="el2.dcc",
        statement="Registers of the Debug Communications Channel are accessible at EL2.",
        section="D24.3, MDCCINT_EL1, MDCCSR_EL0, DBGDTR_EL0 and DBGDTRRX_EL0",
        function="AArch64.SysRegRead",
        matrix="B1",
    ),
    Rule(
        key="el2.aarch32",
        statement="Registers of AArch32 at EL1 are accessible at EL2 where EL1 can use AArch32;"
        " elsewhere DACR32_EL2, IFSR32_EL2, FPEXC32_EL2 and DBGVCR32_EL2 are UNDEFINED.",
        section="D24.2, DACR32_EL2, IFSR32_EL2, FPEXC32_EL2 and SPSR_abt; D24.3, DBGVCR32_EL2",
        function="AArch64.SysRegRead, AArch64.SysRegWrite",
    ),
    Rule(
        key="el2.abort",
        statement="An abort of EL2 itself is of its own class, and has no instruction syndrome.",
        section="D24.2, ESR_EL2, ISS of EC 0x25: ISV",
        function="AArch64.DataAbort, AArch64.FaultSyndrome",
        matrix="M4",
    ),
    Rule(
        key="el2.pc",
        statement="A misaligned PC is a PC alignment fault, before any instruction abort.",
        section="D1.3.5.1, prioritization of synchronous exceptions",
        function="AArch64.CheckPCAlignment",
        matrix="E3",
    ),
    Rule(
        key="align.fault",
        statement="A misaligned access is an alignment fault with SCTLR_ELx.A, in Device memory,"
        " which stage 1 off makes of all data, and of atomic, exclusive and ordered instructions"
        " unless FEAT_LSE2 permits it.",
        section="B2.5.2, alignment of data accesses; D8.2.12, stage 1 off; D24.2, SCTLR_EL1.A, nAA",
        function="AArch64.UnalignedAccessFaults, AArch64.S1HasAlignmentFault",
        matrix="A4",
    ),
    Rule(
        key="aarch32.syndrome",
        statement="A load or store of AArch32 has the syndrome of one of AArch64, with the register"
        " as AArch64 numbers it; IL is the instruction's length with ISV, 1 without.",
        section="D24.2, ESR_EL2, IL, and ISS of EC 0x24; D1.6.4, mapping of registers",
        function="AArch64.ExceptionClass, LSInstructionSyndrome",
        matrix="M6",
    ),
    Rule(
        key="aarch32.call",
        statement="HVC and BKPT of AArch32 have their length in IL; SVC and UNDEFINED are taken to"
        " EL1 in AArch32, with LR behind the instruction.",
        section="G1.12, exceptions in AArch32; D24.2, ESR_EL2, IL",
        function="AArch32.TakeSVCException, AArch32.TakeUndefInstrException,"
        " AArch64.CallHypervisor",
    ),
    Rule(
        key="aarch32.register",
        statement="DACR32_EL2, IFSR32_EL2, FPEXC32_EL2 and SPSR_irq and the like are registers of"
        " EL1 in AArch32.",
        section="D24.2, DACR32_EL2 and the others; D1.6.4",
        function="AArch64.SysRegRead, AArch64.SysRegWrite",
    ),
)
