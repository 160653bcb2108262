# SPDX-License-Identifier: GPL-2.0-or-later
"""Registers of self-hosted debug, trace, the performance and activity monitors, and SPE."""

TABLE = """
# debug
OSDTRRX_EL1          2:0:0:0:2      rw  -   -           mdcr:TDCC tda
DBGBVR{0-15}_EL1     2:0:0:0+n:4    rw  -   breakpoint  dfgt:DBGBVRn_EL1 tda
DBGBCR{0-15}_EL1     2:0:0:0+n:5    rw  -   breakpoint  dfgt:DBGBCRn_EL1 tda
DBGWVR{0-15}_EL1     2:0:0:0+n:6    rw  -   watchpoint  dfgt:DBGWVRn_EL1 tda
DBGWCR{0-15}_EL1     2:0:0:0+n:7    rw  -   watchpoint  dfgt:DBGWCRn_EL1 tda
MDCCINT_EL1          2:0:0:2:0      rw  -   -           mdcr:TDCC tda
MDSCR_EL1            2:0:0:2:2      rw  -   -           dfgt tda nvmem:0x158
OSDTRTX_EL1          2:0:0:3:2      rw  -   -           mdcr:TDCC tda
OSECCR_EL1           2:0:0:6:2      rw  -   -           dfgt tda
MDRAR_EL1            2:0:1:0:0      r   -   -           tdra
OSLAR_EL1            2:0:1:0:4      w   -   -           dfgt tdosa
OSLSR_EL1            2:0:1:1:4      r   -   -           dfgt tdosa
OSDLR_EL1            2:0:1:3:4      rw  -   -           dfgt tdosa
DBGPRCR_EL1          2:0:1:4:4      rw  -   -           dfgt tdosa
DBGCLAIMSET_EL1      2:0:7:8:6      rw  -   -           dfgt:DBGCLAIM tda
DBGCLAIMCLR_EL1      2:0:7:9:6      rw  -   -           dfgt:DBGCLAIM tda
DBGAUTHSTATUS_EL1    2:0:7:14:6     r   -   -           dfgt tda
MDCCSR_EL0           2:3:0:1:0      r   r   -           tdcc mdcr:TDCC tda
DBGDTR_EL0           2:3:0:4:0      rw  rw  -           tdcc mdcr:TDCC tda
DBGDTRRX_EL0         2:3:0:5:0      r   r   -           tdcc mdcr:TDCC tda
DBGDTRTX_EL0         2:3:0:5:0      w   w   -           tdcc mdcr:TDCC tda
TRFCR_EL1            3:0:1:2:1      rw  -   TRF         dfgtw mdcr:TTRF nvmem1:0x880

# performance monitors
PMINTENSET_EL1       3:0:9:14:1     rw  -   PMUv3       dfgt:PMINTEN mdcr:TPM
PMINTENCLR_EL1       3:0:9:14:2     rw  -   PMUv3       dfgt:PMINTEN mdcr:TPM
PMMIR_EL1            3:0:9:14:6     r   -   PMUv3p4     dfgt mdcr:TPM
PMCR_EL0             3:3:9:12:0     rw  rw  PMUv3       pmu dfgtw mdcr:TPM mdcr:TPMCR
PMCNTENSET_EL0       3:3:9:12:1     rw  rw  PMUv3       pmu dfgt:PMCNTEN mdcr:TPM
PMCNTENCLR_EL0       3:3:9:12:2     rw  rw  PMUv3       pmu dfgt:PMCNTEN mdcr:TPM
PMOVSCLR_EL0         3:3:9:12:3     rw  rw  PMUv3       pmu dfgt:PMOVS mdcr:TPM
PMSWINC_EL0          3:3:9:12:4     w   w   PMUv3       pmu:SW dfgt mdcr:TPM
PMSELR_EL0           3:3:9:12:5     rw  rw  PMUv3       pmu:ER dfgt mdcr:TPM
PMCEID{0-1}_EL0      3:3:9:12:6+n   r   r   PMUv3       pmu dfgt:PMCEIDn_EL0 mdcr:TPM
PMCCNTR_EL0          3:3:9:13:0     rw  rw  PMUv3       pmur:CR dfgt mdcr:TPM
PMXEVTYPER_EL0       3:3:9:13:1     rw  rw  PMU-event   pmu dfgt:PMEVTYPERn_EL0 mdcr:TPM
PMXEVCNTR_EL0        3:3:9:13:2     rw  rw  PMU-event   pmur:ER dfgt:PMEVCNTRn_EL0 mdcr:TPM
PMUSERENR_EL0        3:3:9:14:0     rw  r   PMUv3       dfgt mdcr:TPM
PMOVSSET_EL0         3:3:9:14:3     rw  rw  PMUv3       pmu dfgt:PMOVS mdcr:TPM
PMEVCNTR{0-30}_EL0   3:3:14:8:0+n   rw  rw  PMU-counter pmur:ER dfgt:PMEVCNTRn_EL0 mdcr:TPM
PMEVTYPER{0-30}_EL0  3:3:14:12:0+n  rw  rw  PMU-counter pmu dfgt:PMEVTYPERn_EL0 mdcr:TPM
PMCCFILTR_EL0        3:3:14:15:7    rw  rw  PMUv3       pmu dfgt mdcr:TPM

# statistical profiling
PMSCR_EL1            3:0:9:9:0      rw  -   SPE         dfgt mdcr:TPMS nvmem1:0x828
PMSICR_EL1           3:0:9:9:2      rw  -   SPE         dfgt mdcr:TPMS nvmem:0x838
PMSIRR_EL1           3:0:9:9:3      rw  -   SPE         dfgt mdcr:TPMS nvmem:0x840
PMSFCR_EL1           3:0:9:9:4      rw  -   SPE         dfgt mdcr:TPMS
PMSEVFR_EL1          3:0:9:9:5      rw  -   SPE         dfgt mdcr:TPMS nvmem:0x830
PMSLATFR_EL1         3:0:9:9:6      rw  -   SPE         dfgt mdcr:TPMS nvmem:0x848
PMSIDR_EL1           3:0:9:9:7      r   -   SPE         dfgt mdcr:TPMS
PMBLIMITR_EL1        3:0:9:10:0     rw  -   SPE         dfgt e2pb nvmem:0x800
PMBPTR_EL1           3:0:9:10:1     rw  -   SPE         dfgt e2pb nvmem:0x810
PMBSR_EL1            3:0:9:10:3     rw  -   SPE         dfgt e2pb nvmem:0x820
PMBIDR_EL1           3:0:9:10:7     r   -   SPE         -

# activity monitors
AMCR_EL0             3:3:13:2:0     r   r   AMUv1       amu cptr:TAM
AMCFGR_EL0           3:3:13:2:1     r   r   AMUv1       amu cptr:TAM
AMCGCR_EL0           3:3:13:2:2     r   r   AMUv1       amu cptr:TAM
AMUSERENR_EL0        3:3:13:2:3     rw  r   AMUv1       cptr:TAM
AMCNTENCLR0_EL0      3:3:13:2:4     r   r   AMUv1       amu cptr:TAM afgt:AMCNTEN0
AMCNTENSET0_EL0      3:3:13:2:5     r   r   AMUv1       amu cptr:TAM afgt:AMCNTEN0
AMCG1IDR_EL0         3:3:13:2:6     r   r   AMUv1       amu cptr:TAM
AMCNTENCLR1_EL0      3:3:13:3:0     r   r   AMUv1       amu cptr:TAM afgt:AMCNTEN1
AMCNTENSET1_EL0      3:3:13:3:1     r   r   AMUv1       amu cptr:TAM afgt:AMCNTEN1
AMEVCNTR0{0-3}_EL0   3:3:13:4:0+n   r   r   AMUv1       amu cptr:TAM afgt:AMEVCNTR0{n}_EL0
AMEVCNTR0{4-15}_EL0  3:3:13:4:0+n   -   -   AMUv1       -
AMEVTYPER0{0-15}_EL0 3:3:13:6:0+n   r   r   AMUv1       amu cptr:TAM
AMEVCNTR1{0-15}_EL0  3:3:13:12:0+n  r   r   AMUv1       amu cptr:TAM afgt:AMEVCNTR1{n}_EL0
AMEVTYPER1{0-15}_EL0 3:3:13:14:0+n  r   r   AMUv1       amu cptr:TAM afgt:AMEVTYPER1{n}_EL0
"""
