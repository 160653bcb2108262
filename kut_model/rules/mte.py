# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules of allocation tags."""

from typing import Final

from kut_model.rules.rule import Rule

RULES: Final = (
    Rule(
        key="mte.check",
        statement="An access whose address has another tag than its memory is a tag check fault:"
        " by SCTLR_ELx.TCF, TCF0 for EL0, an exception, recorded in TFSR_ELx or TFSRE0_EL1, or"
        " without effect. An atomic access counts as a read.",
        section="D10.5, PE handling of Tag Check Faults; D24.2, SCTLR_EL1.TCF, TFSR_EL1, FAR_EL1",
        function="AArch64.TagCheckFault, AArch64.FaultSyndrome",
        matrix="MTE",
    ),
    Rule(
        key="mte.unchecked",
        statement="An access is checked only with TBI, not with PSTATE.TCO, HCR_EL2.ATA 0 or"
        " SCTLR_ELx.ATA 0, nor in memory that is not Tagged, nor with the tag that TCMA exempts.",
        section="D10.4.1, tag checked memory accesses; D24.2, TCR_EL1.TCMA0, HCR_EL2.ATA",
        function="AArch64.AccessIsTagChecked, AArch64.AllocationTagAccessIsEnabled",
        matrix="MTE",
    ),
    Rule(
        key="mte.tags",
        statement="Tag instructions read and write tags of Tagged memory, and read 0 and write"
        " none elsewhere, or where HCR_EL2.ATA or SCTLR_ELx.ATA denies access. They are not"
        " checked.",
        section="C6.2, LDG, STG, STGP, LDGM, STGM, STZGM; C5.4, DC GVA, DC GZVA",
        function="AArch64.MemTag, AArch64.TagMemZero",
        matrix="MTE",
    ),
    Rule(
        key="mte.fault",
        statement="Alignment, translation and permission faults come before a tag check fault, and"
        " are those of a store for an instruction that writes tags, whether it may or not.",
        section="D1.3.5.1, prioritization of synchronous exceptions; C6.2, STG",
        function="AArch64.MemTag, AArch64.MemSingle",
        matrix="MTE",
    ),
    Rule(
        key="mte.stage2",
        statement="Memory that stage 1 makes Tagged, or HCR_EL2.DCT with stage 1 off, is Tagged"
        " only if it is Write-Back, Read and Write Allocate with stage 2.",
        section="D8.6.7, stage 2 memory attributes for tagged memory; D24.2, HCR_EL2.DCT",
        function="S2MemTagType, AArch64.S1DisabledOutput",
        matrix="MTE",
    ),
    Rule(
        key="mte.generate",
        statement="IRG, ADDG and SUBG choose a tag that GCR_EL1.Exclude permits, or 0 where tags"
        " are not accessible; with GCR_EL1.RRND 0 IRG has the sequence of RGSR_EL1.SEED.",
        section="D10.6, generation of tags; C6.2, IRG, ADDG, SUBG, GMI, SUBP",
        function="AArch64.ChooseNonExcludedTag, AArch64.RandomTag",
        matrix="MTE",
    ),
)
