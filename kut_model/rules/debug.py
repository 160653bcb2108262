# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules of breakpoints, watchpoints and software step."""

from typing import Final

from kut_model.rules.rule import Rule

RULES: Final = (
    Rule(
        key="debug.enabled",
        statement="Breakpoints and watchpoints of lower Exception levels than EL_D, which is EL2"
        " with MDCR_EL2.TDE or HCR_EL2.TGE and EL1 otherwise, match with MDSCR_EL1.MDE; those of"
        " EL_D itself need KDE and PSTATE.D 0 as well; none match with the OS Lock.",
        section="D2.4, enabling debug exceptions; D2.5, routing debug exceptions",
        function="AArch64.GenerateDebugExceptionsFrom, AArch64.CheckDebug",
        matrix="B1",
    ),
    Rule(
        key="debug.levels",
        statement="HMC, SSC and PMC or PAC choose Exception levels; LDTR and STTR at EL1, and at"
        " EL2 of a host, are accesses of EL0.",
        section="D2.8.3, D2.9.3; D24.3, DBGBCR<n>_EL1 and DBGWCR<n>_EL1",
        function="AArch64.StateMatch",
        matrix="B1",
    ),
    Rule(
        key="debug.watched",
        statement="A watchpoint matches an access of a byte that BAS or MASK chooses, if LSC"
        " chooses reads or writes. FAR is from the lowest address that is accessed to the highest"
        " one that is accessed and watched; WnR is 0 for an access that LSC matches as a read.",
        section="D2.9, watchpoint exceptions; D2.9.5, the location that caused it",
        function="AArch64.WatchpointMatch, AArch64.WatchpointByteMatch, AArch64.CheckWatchpoint",
        matrix="B1",
    ),
    Rule(
        key="debug.context",
        statement="A context breakpoint, alone or linked to, compares CONTEXTIDR_EL1 and the VMID"
        " at EL1 and EL0 below a host, and CONTEXTIDR_EL2 in DBGBVR<n>_EL1[63:32], or in bits 31:0"
        " for the type that compares CONTEXTIDR_EL1 elsewhere.",
        section="D2.8.4, context breakpoints; D24.3, DBGBCR<n>_EL1.BT",
        function="AArch64.BreakpointValueMatch",
        matrix="B1",
    ),
    Rule(
        key="debug.step",
        statement="With MDSCR_EL1.SS, an exception return to where debug exceptions are enabled,"
        " from where they are not, steps one instruction if SPSR_ELx.SS is 1, and none if it is 0;"
        " ISV says whether one was, EX whether it was a Load-Exclusive. SPSR_ELx.SS is 0 once the"
        " instruction is executed.",
        section="D2.11, software step exceptions; D24.2, ESR_EL2, ISS of EC 0x32",
        function="CheckSoftwareStep, SSAdvance, DebugExceptionReturnSS,"
        " AArch64.SoftwareStepException",
        matrix="B1",
    ),
    Rule(
        key="debug.priority",
        statement="Software step comes before an instruction abort, that before a breakpoint, and"
        " that before other exceptions of the instruction; alignment and MMU faults come before a"
        " watchpoint.",
        section="D1.3.5.1, prioritization of synchronous exceptions",
        function="AArch64.CheckDebug, AArch64.TranslateAddress",
        matrix="B1",
    ),
)
