# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules of stage-2 translation."""

from typing import Final

from kut_model.rules.rule import Rule

RULES: Final = (
    Rule(
        key="s2.perm.data",
        statement="S2AP[0] permits reads and S2AP[1] writes; an atomic access needs both, and a"
        " missing read permission is reported first.",
        section="D8.4.2, Stage 2 data accesses permissions",
        function="AArch64.S2CheckPermissions",
        matrix="P1",
    ),
    Rule(
        key="s2.perm.execute",
        statement="XN[1:0] permits execution at EL1 and EL0 (0b00), EL0 only (0b01), neither (0b10)"
        " or EL1 only (0b11), whatever S2AP is.",
        section="D8.4.2, Stage 2 instruction execution permissions",
        function="AArch64.S2DirectBasePermissions",
        matrix="P2",
    ),
    Rule(
        key="s2.perm.indirect",
        statement="With VTCR_EL2.S2PIE a leaf has an index into S2PIR_EL2, whose fields say what"
        " may be read, written, and executed at EL1 and EL0, and what stage-1 walks may write; a"
        " page that is not dirty is not written, unless hardware makes it dirty.",
        section="D8.4.2, Stage 2 indirect permissions; D24.2, S2PIR_EL2",
        function="AArch64.S2IndirectBasePermissions, AArch64.S2CheckPermissions",
        matrix="P5",
    ),
    Rule(
        key="s2.perm.maintenance",
        statement="DC IVAC needs the write permission; the other DC by address and IC IVAU need the"
        " read permission at EL0 and none at EL1; WnR and CM are set. DC ZVA is a write.",
        section="D8.4.4, Permissions of cache maintenance instructions",
        function="AArch64.S2CheckPermissions",
        matrix="P1",
    ),
    Rule(
        key="s2.perm.at",
        statement="AT S12E* checks the permissions of stage 2, and makes no page dirty.",
        section="D8.5.2; C5.4, AT S12E1R and AT S12E1W",
        function="AArch64.AT",
        matrix="AT",
    ),
    Rule(
        key="s2.perm.walk",
        statement="A stage-1 walk needs the read permission of stage 2, and with HCR_EL2.PTW memory"
        " that is not Device: else it is a permission fault with S1PTW, at the level of the stage-2"
        " leaf, HPFAR_EL2 with the IPA of the table, and WnR of the access.",
        section="D8.4.5; D24.2, HCR_EL2.PTW",
        function="AArch64.S2CheckPermissions",
        matrix="F10",
    ),
    Rule(
        key="s2.update",
        statement="The hardware update of a stage-1 descriptor is a read and a write of stage 2: it"
        " makes its page dirty or, where it may not write, is a permission fault with S1PTW.",
        section="D8.5.1, Hardware management of the Access flag; D8.5.2, of dirty state",
        function="AArch64.S1Translate, AArch64.S2Translate",
        matrix="F12",
    ),
    Rule(
        key="s2.access-flag",
        statement="A leaf without the access flag is an access flag fault, before permissions are"
        " checked; with VTCR_EL2.HA an access sets the flag.",
        section="D8.5.1, The Access flag",
        function="AArch64.S2Walk, AArch64.SettingAccessFlagPermitted",
        matrix="F4",
    ),
    Rule(
        key="s2.walk.type",
        statement="Bit 0 clear is invalid, and so is a block at a level that has none: translation"
        " fault of its level. Bit 1 is a table, at level 3 a page. Ignored bits change nothing.",
        section="D8.3.1, VMSAv8-64 descriptor formats",
        function="AArch64.DecodeDescriptorType, AArch64.BlockDescSupported",
    ),
    Rule(
        key="s2.walk.address-size",
        statement="An address of a table or leaf above VTCR_EL2.PS, or above PARange if that is"
        " less, is an address size fault at the level of its descriptor, before the access flag.",
        section="D8.2.3, Output address size; D24.2, VTCR_EL2.PS",
        function="AArch64.OAOutOfRange, AArch64.PhysicalAddressSize",
        matrix="F6",
    ),
    Rule(
        key="s2.walk.root",
        statement="VTTBR_EL2.BADDR above VTCR_EL2.PS, or above PARange if that is less, is an"
        " address size fault at level 0 of every address, whatever the start level is.",
        section="D8.2.3, Output address size; D24.2, VTTBR_EL2.BADDR",
        function="AArch64.S2Walk, AArch64.S2TTBaseAddress, AArch64.OAOutOfRange",
        matrix="F7",
    ),
    Rule(
        key="s2.walk.contiguous",
        statement="The contiguous bit of an entry whose neighbours agree with it changes nothing.",
        section="D8.7.1, The Contiguous bit",
        function="AArch64.ContiguousBit",
        matrix="H5",
    ),
    Rule(
        key="s2.walk.output-size",
        statement="The size of IPAs may exceed VTCR_EL2.PS, which limits output addresses only.",
        section="D8.2.5, Intermediate physical address size; D24.2, VTCR_EL2.PS",
        function="AArch64.S2MinTxSZ",
        matrix="F9",
    ),
    Rule(
        key="s2.geometry",
        statement="T0SZ out of range, a reserved start level, or one that leaves fewer than 2"
        " entries or more than 16 tables to the root is a translation fault at level 0.",
        section="D8.2.5, Intermediate physical address size; D8.2.6 to D8.2.8, start levels",
        function="AArch64.S2TxSZFaults, AArch64.S2InvalidSL, AArch64.S2InconsistentSL",
        matrix="G1",
    ),
    Rule(
        key="s2.geometry.ipa-size",
        statement="An address that T0SZ does not have is a translation fault at level 0; one above"
        " PARange, with stage 1 off, an address size fault at level 0 of stage 1.",
        section="D8.2.5, Intermediate physical address size; D8.2.9, with stage 1 disabled",
        function="AArch64.IPAIsOutOfRange, AArch64.S1DisabledOutput",
        matrix="F2",
    ),
    Rule(
        key="s1.fault",
        statement="A fault of stage 1 is taken to EL1, with the level of its descriptor.",
        section="D8.1.5, D8.15, Memory aborts; D8.4.1, Stage 1 permissions",
        function="AArch64.S1Translate",
    ),
    Rule(
        key="s1.indirect",
        statement="With TCR2_EL1.PIE an index in the descriptor chooses fields of PIR_EL1 and"
        " PIRE0_EL1: permissions of EL1 and EL0, none where EL1 may execute what EL0 may write;"
        " a write of a page with nDirty is a permission fault with DirtyBit, or clears it.",
        section="D8.4.1, stage 1 indirect permissions; D24.2, PIR_EL1, ESR_EL1, ISS2",
        function="AArch64.S1IndirectBasePermissions, AArch64.S1CheckPermissions",
        matrix="P5",
    ),
    Rule(
        key="s1s2.walk",
        statement="A stage-2 fault on a stage-1 walk is taken to EL2 with S1PTW, stage 2's level,"
        " FAR_EL2 with the VA and HPFAR_EL2 with the IPA of the table. By AT at EL1 too, with CM"
        " and WnR; by AT at EL2 it is PAR_EL1 with S and PTW.",
        section="D8.15; D24.2, ESR_EL2, ISS encoding for a data abort; C5.4, AT S1E1R",
        function="AArch64.S1Walk, AArch64.AT, AArch64.FaultSyndrome",
        matrix="F10",
    ),
    Rule(
        key="s1s2.output",
        statement="A stage-2 fault of the output of stage 1 is taken to EL2 without S1PTW;"
        " HPFAR_EL2 has the IPA, except for a permission or alignment fault.",
        section="D8.15; D24.2, HPFAR_EL2",
        function="AArch64.S2Translate, IPAValid",
    ),
    Rule(
        key="s1s2.priority",
        statement="Faults come in the order of the walk: stage 2 of each stage-1 table, the stage-1"
        " descriptor there, stage-1 alignment and permissions, stage 2 of the output.",
        section="D8.15.5, Prioritization of synchronous aborts from a single stage of translation",
        function="AArch64.FullTranslate",
        matrix="F13",
    ),
    Rule(
        key="abort.crossing",
        statement="An access that crosses a page is one access to each of both: a fault is that of"
        " a page, FAR_ELx is the first byte of the access in it, and HPFAR_EL2 has its IPA.",
        section="B2.2.1, Single-copy atomicity; D8.15, Memory aborts; D24.2, FAR_EL2",
        function="AArch64.MemSingle",
    ),
    Rule(
        key="external.walk",
        statement="An external abort on a stage-2 walk is taken to EL2, with S1PTW where it was for"
        " a stage-1 walk; one on a stage-1 walk is taken to EL1, with HCR_EL2.TEA to EL2. DFSC or"
        " IFSC has the level of the table that was read.",
        section="D8.15, Memory aborts; D24.2, ESR_EL2, DFSC; HCR_EL2.TEA",
        function="HandleExternalTTWAbort, AArch64.SyncExternalAbortTarget",
        matrix="F14",
    ),
    Rule(
        key="external.access",
        statement="An external abort of an access by EL1 or EL0 is taken to EL1, with HCR_EL2.TEA"
        " to EL2, also where stage 2 has translated the address.",
        section="D1.3.6, External aborts; D24.2, HCR_EL2.TEA",
        function="HandleExternalAbort, AArch64.SyncExternalAbortTarget",
    ),
    Rule(
        key="s2.attributes",
        statement="Without FWB the weaker type of both stages is the result: Device over Normal, NC"
        " over WT over WB, with the hints of stage 1; the wider shareability of both.",
        section="D8.6.5, Combining memory attributes",
        function="AArch64.S2DecodeMemAttrs, S2CombineS1MemAttrs, EncodePARAttrs",
        matrix="A1",
    ),
    Rule(
        key="s2.attributes.fwb",
        statement="With FWB MemAttr[2:0] is the type: Device, not weaker than stage 1's, Normal NC"
        " unless stage 1 is Device, Normal WB whatever stage 1 is, or stage 1's.",
        section="D8.6.6, Stage 2 memory type when FEAT_S2FWB is implemented",
        function="AArch64.S2ApplyFWBMemAttrs",
        matrix="A1",
    ),
    Rule(
        key="s2.attributes.xs",
        statement="The XS attribute of stage 1 is cleared by FnXS of stage 2 and by Write-Back of"
        " both domains; PAR_EL1.ATTR has encodings of its own for memory without it.",
        section="D8.6.7; D24.2, PAR_EL1.ATTR",
        function="S2CombineS1MemAttrs, EncodePARAttrs",
    ),
    Rule(
        key="s1.alignment",
        statement="With stage 1 off and HCR_EL2.DC clear data is Device-nGnRnE: an unaligned access"
        " and DC ZVA are alignment faults of stage 1, taken to EL1, before stage 2 translates.",
        section="D8.2.9, stage 1 disabled; B2.8.2, Device memory; C6.2, DC ZVA",
        function="AArch64.S1DisabledOutput, AArch64.S1HasAlignmentFault",
        matrix="A5",
    ),
    Rule(
        key="s2.syndrome",
        statement="A data abort at stage 2 has ISV, SAS, SSE, SRT, SF and AR for a load or store of"
        " one general-purpose register without writeback that is not exclusive; else ISV is 0.",
        section="D24.2, ESR_EL2, ISS encoding for an exception from a Data Abort",
        function="LSInstructionSyndrome",
    ),
    Rule(
        key="s2.syndrome.walk",
        statement="A stage-2 fault on a stage-1 walk has S1PTW and no instruction syndrome: ISV and"
        " ISS[23:14] are 0, whatever the load or store is.",
        section="D24.2, ESR_EL2, ISS encoding for an exception from a Data Abort, ISV",
        function="AArch64.FaultSyndrome",
        matrix="M5",
    ),
    Rule(
        key="s2.emulation",
        statement="SAS, SSE, SRT and SF are enough to emulate a load or store: the register that"
        " SRT names has the value stored, or gets the value loaded, extended as they say; ELR_EL2"
        " is the address of the instruction, and the guest resumes at the one after it.",
        section="D24.2, ESR_EL2, ISS encoding for an exception from a Data Abort; D1.3.3, ELR_ELx",
        function="LSInstructionSyndrome, AArch64.TakeException",
        matrix="M7",
    ),
    Rule(
        key="random.case",
        statement="A random case: both stages as the model has them.",
        section="D8, The AArch64 Virtual Memory System Architecture",
        function="AArch64.FullTranslate, AArch64.AT",
    ),
)
