# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules of virtual interrupts, and of the routing of interrupts."""

from typing import Final

from kut_model.rules.rule import Rule

RULES: Final = (
    Rule(
        key="virq.virtual",
        statement="At EL1 and EL0 a virtual IRQ, FIQ or SError is taken to EL1 if HCR_EL2.IMO, FMO"
        " or AMO is set and PSTATE does not mask it.",
        section="D1.3.6, Asynchronous exceptions; D24.2, HCR_EL2 and ISR_EL1",
        function="AArch64.PendingUnmaskedVirtualInterrupts",
        matrix="V1",
    ),
    Rule(
        key="virq.unmask",
        statement="An interrupt that is pending is taken when PSTATE no longer masks it.",
        section="D1.3.6, Asynchronous exceptions",
        function="AArch64.PendingUnmaskedVirtualInterrupts",
        matrix="V1",
    ),
    Rule(
        key="virq.wfi",
        statement="WFI at EL1 completes while a virtual interrupt is pending, masked or not.",
        section="D1.6, Wait for Interrupt",
        function="InterruptPending",
        matrix="V1",
    ),
    Rule(
        key="virq.host",
        statement="Nothing is a virtual interrupt with HCR_EL2.TGE set, nor at EL2.",
        section="D1.3.6; D24.2, HCR_EL2.TGE and ISR_EL1",
        function="AArch64.PendingUnmaskedVirtualInterrupts",
        matrix="V2",
    ),
    Rule(
        key="virq.physical",
        statement="HCR_EL2.IMO, FMO and TGE route physical interrupts to EL2, where PSTATE of EL1"
        " and EL0 does not mask them, except at EL0 of a host with VHE.",
        section="D1.3.6; D24.2, HCR_EL2",
        function="AArch64.PendingUnmaskedPhysicalInterrupts",
        matrix="V2",
    ),
    Rule(
        key="virq.syndrome",
        statement="ESR_EL1 of a virtual SError has IDS and ISS of VSESR_EL2.",
        section="D24.2, VSESR_EL2",
        function="AArch64.TakeVirtualSErrorException",
        matrix="V1",
    ),
    Rule(
        key="virq.esb",
        statement="ESB defers a virtual SError that is pending and masked: to VDISR_EL2, and"
        " HCR_EL2.VSE becomes 0.",
        section="C6.2, ESB; D24.2, VDISR_EL2",
        function="AArch64.vESBOperation",
        matrix="V1",
    ),
    Rule(
        key="virq.nmi",
        statement="With SCTLR_EL1.NMI set, HCRX_EL2.VINMI and VFNMI override PSTATE.I and F, and"
        " PSTATE.ALLINT or SPINTMASK masks all interrupts at EL1.",
        section="D1.3.6, Asynchronous exceptions; D24.2, SCTLR_EL1.NMI and HCRX_EL2.VINMI",
        function="AArch64.PendingUnmaskedVirtualInterrupts",
        matrix="V3",
    ),
)
