# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules of TLB maintenance."""

from typing import Final

from kut_model.rules.rule import Rule

RULES: Final = (
    Rule(
        key="tlb.vmid",
        statement="An entry is used in its VMID only, of 8 bits or, with VTCR_EL2.VS, of 16; with"
        " 8 bits the upper half of VTTBR_EL2.VMID is ignored.",
        section="D8.16.1, VMIDs; D24.2, VTCR_EL2.VS",
        function="TLBContext",
        matrix="T1",
    ),
    Rule(
        key="tlb.asid",
        statement="An entry that is not global is used in its ASID only.",
        section="D8.16.3, ASIDs",
        function="TLBContext",
    ),
    Rule(
        key="tlb.root",
        statement="After a change of the root of a VMID or ASID old entries may be used, until TLBI"
        " drops them.",
        section="D8.17, TLB maintenance",
        function="AArch64.TLBI_VMALLS12, AArch64.TLBI_ASID",
        matrix="T2",
    ),
    Rule(
        key="tlb.ipa",
        statement="TLBI IPAS2E1 drops entries of stage 2 of the current VMID. Those that combine"
        " both stages remain until a TLBI of stage 1, which has to come after it.",
        section="D8.17.6.1; C5.5, TLBI IPAS2E1",
        function="AArch64.TLBI_IPAS2",
        matrix="T3",
    ),
    Rule(
        key="tlb.kinds",
        statement="Once a TLBI that covers it and DSB have completed, no access uses an old entry:"
        " by address, ASID or VMID, the last level or all, in each shareability domain.",
        section="D8.17.5, TLB maintenance instructions; C5.5",
        function="AArch64.TLBI_VA, AArch64.TLBI_ASID, AArch64.TLBI_VMALL, AArch64.TLBI_ALL",
        matrix="T4",
    ),
    Rule(
        key="tlb.hint",
        statement="A TTL hint that has the granule and the level of the leaf drops it; without a"
        " granule the hint is ignored; with another level nothing need be dropped.",
        section="C5.5, TLBI VAE1, TTL",
        function="AArch64.TLBI_VA, AArch64.TLBI_IPAS2",
        matrix="T4",
    ),
    Rule(
        key="tlb.walk",
        statement="Stage-2 entries of stage-1 tables are entries of stage 2: a TLBI of stage 1 does"
        " not drop them.",
        section="D8.17.6.1; C5.5, TLBI IPAS2E1",
        function="AArch64.TLBI_IPAS2",
        matrix="T5",
    ),
    Rule(
        key="tlb.valid",
        statement="No entry is made of what gives a translation, address size or access flag fault:"
        " a descriptor that becomes valid needs no TLBI.",
        section="D8.17.1, General TLB maintenance requirements",
        function="AArch64.S1Walk, AArch64.S2Walk",
        matrix="T6",
    ),
    Rule(
        key="tlb.permission",
        statement="An entry may have old permissions, until TLBI drops it.",
        section="D8.17.1, General TLB maintenance requirements",
        function="AArch64.TLBI_VA, AArch64.TLBI_IPAS2",
        matrix="T7",
    ),
    Rule(
        key="tlb.range",
        statement="A range has (NUM + 1) * 2^(5 * SCALE + 1) pages of TG from BaseADDR on; with the"
        " TG of another granule, or a reserved one, nothing need be dropped.",
        section="C5.5, TLBI RVAE1 and TLBI RIPAS2E1",
        function="TLBIRange",
        matrix="T8",
    ),
    Rule(
        key="tlb.block",
        statement="An address in a block, or in a page larger than 4K, stands for all of it.",
        section="D8.17.5; D8.16.4, break-before-make",
        function="AArch64.TLBI_VA, AArch64.TLBI_IPAS2",
        matrix="T10",
    ),
    Rule(
        key="tlb.contiguous",
        statement="Entries of a contiguous run are dropped by their own addresses.",
        section="D8.7.1, The Contiguous bit; D8.17.5",
        function="AArch64.ContiguousBit",
        matrix="H5",
    ),
    Rule(
        key="tlb.broadcast",
        statement="TLBI with IS or OS drops entries of all CPUs of the domain, another one those of"
        " its own CPU only.",
        section="D8.17.5, Scope of TLB maintenance; C5.5",
        function="Broadcast",
        matrix="T9",
    ),
    Rule(
        key="tlb.forced",
        statement="With HCR_EL2.FB a TLBI at EL1 is broadcast in the Inner Shareable domain.",
        section="D24.2, HCR_EL2.FB",
        function="Broadcast",
        matrix="T11",
    ),
    Rule(
        key="tlb.vcpu-blocks",
        statement="After break-before-make with broadcast TLBI another vCPU sees a table instead of"
        " a block, and a block instead of a table.",
        section="D8.16.4, break-before-make",
        function="Broadcast",
        matrix="T10",
    ),
    Rule(
        key="tlb.vcpus",
        statement="Two vCPUs of one VMID on two CPUs have stage-1 entries of their own.",
        section="D8.16, Translation Lookaside Buffers",
        function="TLBContext",
        matrix="S1",
    ),
    Rule(
        key="tlb.moves",
        statement="Entries of a vCPU stay on a CPU that it leaves: TLBI for them is broadcast, or"
        " is executed there.",
        section="D8.17.5, Scope of TLB maintenance",
        function="Broadcast",
        matrix="S2",
    ),
    Rule(
        key="tlb.at-once",
        statement="CPUs that use a descriptor at once have the outcomes of one after the other.",
        section="D8.17.1, General TLB maintenance requirements",
        function="AArch64.S2Walk",
        matrix="S3",
    ),
    Rule(
        key="tlb.running",
        statement="Once broadcast TLBI and DSB have completed, a guest that runs has no old entry"
        " either.",
        section="D8.17.5, Completion of TLB maintenance",
        function="Broadcast",
        matrix="S4",
    ),
    Rule(
        key="tlb.random",
        statement="After any sequence of changes, contexts and TLBI an access has the outcome of"
        " the tables, or of an entry that no TLBI has had to drop.",
        section="D8.16; D8.17",
        function="TLBContext, Broadcast",
    ),
    Rule(
        key="tlb.guest",
        statement="TLBI at EL1 is for the current VMID.",
        section="D8.17.5; C5.5, TLBI VMALLE1",
        function="AArch64.TLBI_VMALL",
        matrix="T11",
    ),
    Rule(
        key="tlb.el2",
        statement="TLBI of EL2, and with HCR_EL2.{E2H, TGE} {1, 1} those of EL1, drop translations"
        " of EL2 itself: of the address, the ASID or all.",
        section="D8.17, TLB maintenance; C5.5, TLBI VAE2, ALLE2, RVAE2, VAE1 and the like",
        function="AArch64.TLBI_VA, AArch64.TLBI_RVA, AArch64.TLBI_ALL",
        matrix="T12",
    ),
)
