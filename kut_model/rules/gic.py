# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules of the virtual CPU interface of GIC version 3."""

from typing import Final

from kut_model.rules.rule import Rule

RULES: Final = (
    Rule(
        key="vgic.list-register",
        statement="ICH_ELRSR_EL2, ICH_EISR_EL2 and ICH_MISR_EL2 show the list registers without an"
        " interrupt, and those with an EOI maintenance interrupt.",
        section="12.4, ICH_LR<n>_EL2, ICH_ELRSR_EL2 and ICH_EISR_EL2",
        function="ICH_EISR_EL2",
        matrix="V4",
        document="IHI 0069",
    ),
    Rule(
        key="vgic.maintenance",
        statement="The maintenance interrupt is asserted while the interface is enabled and a bit"
        " of ICH_MISR_EL2 is set.",
        section="6, Maintenance interrupts; 12.4, ICH_MISR_EL2",
        function="ICH_MISR_EL2",
        matrix="V4",
        document="IHI 0069",
    ),
    Rule(
        key="vgic.acknowledge",
        statement="ICV_IAR<n>_EL1 acknowledges the pending interrupt of highest priority if its"
        " group is <n> and enabled, and its priority above the mask and the running priority.",
        section="4.8, Interrupt prioritization; 12.3, ICV_IAR0_EL1",
        function="CanSignalVirtualInterrupt",
        matrix="V4",
        document="IHI 0069",
    ),
    Rule(
        key="vgic.priority",
        statement="An interrupt preempts the one that runs if its group priority, by the binary"
        " point of its group, is above the running priority.",
        section="4.8, Priority grouping, Preemption; 12.3, ICV_BPR0_EL1 and ICV_BPR1_EL1",
        function="CanSignalVirtualInterrupt",
        matrix="V4",
        document="IHI 0069",
    ),
    Rule(
        key="vgic.end",
        statement="ICV_EOIR<n>_EL1 drops the priority, and with EOImode 0 deactivates the"
        " interrupt; ICV_DIR_EL1 deactivates it with EOImode 1; ICH_HCR_EL2.EOIcount counts"
        " deactivations without a list register.",
        section="12.3, ICV_EOIR0_EL1 and ICV_DIR_EL1; 12.4, ICH_HCR_EL2.EOIcount",
        function="VirtualWriteEOIR0",
        matrix="V4",
        document="IHI 0069",
    ),
    Rule(
        key="vgic.control",
        statement="ICV_PMR_EL1, ICV_BPR<n>_EL1, ICV_IGRPEN<n>_EL1 and ICV_CTLR_EL1 are aliases of"
        " fields of ICH_VMCR_EL2.",
        section="12.3; 12.4, ICH_VMCR_EL2",
        function="ICH_VMCR_EL2",
        matrix="V5",
        document="IHI 0069",
    ),
    Rule(
        key="vgic.routing",
        statement="At EL1 HCR_EL2.IMO and FMO select the virtual interface for registers of group 1"
        " and 0, and either of them for those of both; EL2 accesses the physical one.",
        section="12.3; accessors of the registers",
        function="ICC_PMR_EL1",
        matrix="V5",
        document="IHI 0069",
    ),
    Rule(
        key="vgic.sequence",
        statement="Accesses in sequence have the effects of each one.",
        section="4.1, Interrupt lifecycle; 12.3",
        function="CanSignalVirtualInterrupt",
        matrix="V4",
        document="IHI 0069",
    ),
)
