# SPDX-License-Identifier: GPL-2.0-or-later
"""System registers of EL1 and EL0 but for debug, counters and the GIC; columns: registers.py."""

TABLE = """
# identification
MIDR_EL1             3:0:0:0:0      r   -   -           fgt virtual:VPIDR_EL2
MPIDR_EL1            3:0:0:0:5      r   -   -           fgt virtual:VMPIDR_EL2
REVIDR_EL1           3:0:0:0:6      r   -   -           hcr:TID1 fgt
ID_PFR{0-1}_EL1      3:0:0:1:0+n    r   -   -           hcr:TID3
ID_DFR0_EL1          3:0:0:1:2      r   -   -           hcr:TID3
ID_AFR0_EL1          3:0:0:1:3      r   -   -           hcr:TID3
ID_MMFR{0-3}_EL1     3:0:0:1:4+n    r   -   -           hcr:TID3
ID_ISAR{0-5}_EL1     3:0:0:2:0+n    r   -   -           hcr:TID3
ID_MMFR4_EL1         3:0:0:2:6      r   -   -           hcr:TID3
ID_ISAR6_EL1         3:0:0:2:7      r   -   -           hcr:TID3
MVFR{0-2}_EL1        3:0:0:3:0+n    r   -   -           hcr:TID3
ID_PFR2_EL1          3:0:0:3:4      r   -   -           hcr:TID3
ID_DFR1_EL1          3:0:0:3:5      r   -   -           hcr:TID3
ID_MMFR5_EL1         3:0:0:3:6      r   -   -           hcr:TID3
ID_AA64PFR{0-2}_EL1  3:0:0:4:0+n    r   -   -           hcr:TID3
ID_AA64ZFR0_EL1      3:0:0:4:4      r   -   -           hcr:TID3
ID_AA64SMFR0_EL1     3:0:0:4:5      r   -   -           hcr:TID3
ID_AA64FPFR0_EL1     3:0:0:4:7      r   -   -           hcr:TID3
ID_AA64DFR{0-2}_EL1  3:0:0:5:0+n    r   -   -           hcr:TID3
ID_AA64AFR{0-1}_EL1  3:0:0:5:4+n    r   -   -           hcr:TID3
ID_AA64ISAR{0-3}_EL1 3:0:0:6:0+n    r   -   -           hcr:TID3
ID_AA64MMFR{0-4}_EL1 3:0:0:7:0+n    r   -   -           hcr:TID3
# reserved for identification: RAZ until they are allocated
S3_0_C0_C3_3         3:0:0:3:3      r   -   -           hcr:TID3
S3_0_C0_C3_7         3:0:0:3:7      r   -   -           hcr:TID3
S3_0_C0_C4_3         3:0:0:4:3      r   -   -           hcr:TID3
S3_0_C0_C4_6         3:0:0:4:6      r   -   -           hcr:TID3
S3_0_C0_C5_3         3:0:0:5:3      r   -   -           hcr:TID3
S3_0_C0_C5_{6-7}     3:0:0:5:0+n    r   -   -           hcr:TID3
S3_0_C0_C6_{4-7}     3:0:0:6:0+n    r   -   -           hcr:TID3
S3_0_C0_C7_{5-7}     3:0:0:7:0+n    r   -   -           hcr:TID3

# identification of caches and the like
CCSIDR_EL1           3:1:0:0:0      r   -   -           hcr:TID2 hcr:TID4 fgt
CLIDR_EL1            3:1:0:0:1      r   -   -           hcr:TID2 hcr:TID4 fgt
CCSIDR2_EL1          3:1:0:0:2      r   -   CCIDX       hcr:TID2 hcr:TID4
GMID_EL1             3:1:0:0:4      r   -   MTE2        hcr:TID5
SMIDR_EL1            3:1:0:0:6      r   -   SME         hcr:TID1
AIDR_EL1             3:1:0:0:7      r   -   -           hcr:TID1 fgt
CSSELR_EL1           3:2:0:0:0      rw  -   -           hcr:TID2 hcr:TID4 fgt
CTR_EL0              3:3:0:0:1      r   r   -           uct hcr:TID2 fgt
DCZID_EL0            3:3:0:0:7      r   r   -           fgt

# virtual memory control
SCTLR_EL1            3:0:1:0:0      rw  -   -           vm fgt nvmem1:0x110
ACTLR_EL1            3:0:1:0:1      rw  -   -           hcr:TACR nvmem:0x118
CPACR_EL1            3:0:1:0:2      rw  -   -           cptr:TCPAC fgt nvmem1:0x100
SCTLR2_EL1           3:0:1:0:3      rw  -   SCTLR2      hcrx!SCTLR2En vm fgt:SCTLR_EL1 nvmem1:0x278
TTBR0_EL1            3:0:2:0:0      rw  -   -           vm fgt nvmem1:0x200
TTBR1_EL1            3:0:2:0:1      rw  -   -           vm fgt nvmem1:0x210
TCR_EL1              3:0:2:0:2      rw  -   -           vm fgt nvmem1:0x120
TCR2_EL1             3:0:2:0:3      rw  -   TCR2        hcrx!TCR2En vm fgt:TCR_EL1 nvmem1:0x270
AFSR0_EL1            3:0:5:1:0      rw  -   -           vm fgt nvmem1:0x128
AFSR1_EL1            3:0:5:1:1      rw  -   -           vm fgt nvmem1:0x130
ESR_EL1              3:0:5:2:0      rw  -   -           vm fgt nvmem1:0x138
FAR_EL1              3:0:6:0:0      rw  -   -           vm fgt nvmem1:0x220
PAR_EL1              3:0:7:4:0      rw  -   -           fgt
MAIR_EL1             3:0:10:2:0     rw  -   -           vm fgt nvmem1:0x140
MAIR2_EL1            3:0:10:2:1     rw  -   AIE         vm fgt0:nMAIR2_EL1 nvmem1:0x280
AMAIR2_EL1           3:0:10:3:1     rw  -   AIE         vm fgt0:nAMAIR2_EL1 nvmem1:0x288
PIRE0_EL1            3:0:10:2:2     rw  -   S1PIE       vm fgt0:nPIRE0_EL1 nvmem1:0x290
PIR_EL1              3:0:10:2:3     rw  -   S1PIE       vm fgt0:nPIR_EL1 nvmem1:0x2a0
POR_EL1              3:0:10:2:4     rw  -   S1POE       vm fgt0:nPOR_EL1 nvmem1:0x2a8
AMAIR_EL1            3:0:10:3:0     rw  -   -           vm fgt nvmem1:0x148
CONTEXTIDR_EL1       3:0:13:0:1     rw  -   -           vm fgt nvmem1:0x108
LORSA_EL1            3:0:10:4:0     rw  -   LOR         hcr:TLOR fgt
LOREA_EL1            3:0:10:4:1     rw  -   LOR         hcr:TLOR fgt
LORN_EL1             3:0:10:4:2     rw  -   LOR         hcr:TLOR fgt
LORC_EL1             3:0:10:4:3     rw  -   LOR         hcr:TLOR fgt
LORID_EL1            3:0:10:4:7     r   -   LOR         hcr:TLOR fgt
MPAM1_EL1            3:0:10:5:0     rw  -   MPAM        mpam2:TRAPMPAM1EL1 nvmem1:0x900
MPAM0_EL1            3:0:10:5:1     rw  -   MPAM        mpam2:TRAPMPAM0EL1
MPAMIDR_EL1          3:0:10:4:4     r   -   MPAM        mpamhcr:TRAP_MPAMIDR_EL1 mpam2:TIDR

# floating point and vectors
ZCR_EL1              3:0:1:2:0      rw  -   SVE         sve nvmem1:0x1e0
SMPRI_EL1            3:0:1:2:4      rw  -   SME         fgt0:nSMPRI_EL1
SMCR_EL1             3:0:1:2:6      rw  -   SME         sme nvmem1:0x1f0
SVCR                 3:3:4:2:2      rw  rw  SME         sme
FPCR                 3:3:4:4:0      rw  rw  -           fp
FPSR                 3:3:4:4:1      rw  rw  -           fp
TPIDR2_EL0           3:3:13:0:5     rw  rw  SME         entp2 fgt0:nTPIDR2_EL0

# exceptions and process state
SPSR_EL1             3:0:4:0:0      rw  -   -           nv1 nvmem1:0x160
ELR_EL1              3:0:4:0:1      rw  -   -           nv1 nvmem1:0x230
SP_EL0               3:0:4:1:0      rw  -   -           spsel
SPSel                3:0:4:2:0      rw  -   -           -
CurrentEL            3:0:4:2:2      r   -   -           currentel
PAN                  3:0:4:2:3      rw  -   PAN         -
UAO                  3:0:4:2:4      rw  -   UAO         -
ALLINT               3:0:4:3:0      rw  -   NMI         hcrxw:TALLINT
VBAR_EL1             3:0:12:0:0     rw  -   -           nv1 fgt nvmem1:0x250
RVBAR_EL1            3:0:12:0:1     -   -   -           -
RMR_EL1              3:0:12:0:2     -   -   -           -
ISR_EL1              3:0:12:1:0     r   -   -           fgt
DISR_EL1             3:0:12:1:1     rw  -   RAS         vdisr
NZCV                 3:3:4:2:0      rw  rw  -           -
DAIF                 3:3:4:2:1      rw  rw  -           uma
DIT                  3:3:4:2:5      rw  rw  DIT         -
SSBS                 3:3:4:2:6      rw  rw  SSBS        -
TCO                  3:3:4:2:7      rw  rw  MTE         -
DSPSR_EL0            3:3:4:5:0      -   -   -           -
DLR_EL0              3:3:4:5:1      -   -   -           -

# guarded control stacks
GCSCR_EL1            3:0:2:5:0      rw  -   GCS         fgt0:nGCS_EL1 nvmem1:0x8d0
GCSPR_EL1            3:0:2:5:1      rw  -   GCS         fgt0:nGCS_EL1 nvmem1:0x8c0
GCSCRE0_EL1          3:0:2:5:2      rw  -   GCS         fgt0:nGCS_EL0
GCSPR_EL0            3:3:2:5:1      rw  r   GCS         gcsntr fgt0:nGCS_EL0

# software thread registers, keys, tags, random numbers
TPIDR_EL1            3:0:13:0:4     rw  -   -           fgt
SCXTNUM_EL1          3:0:13:0:7     rw  -   CSV2_2      hcr!EnSCXT fgt nvmem1:0x188
TPIDR_EL0            3:3:13:0:2     rw  rw  -           fgt
TPIDRRO_EL0          3:3:13:0:3     rw  r   -           fgt
SCXTNUM_EL0          3:3:13:0:7     rw  rw  CSV2_2      tscxt hcr!EnSCXT fgt
APIAKeyLo_EL1        3:0:2:1:0      rw  -   PAuth       hcr!APK fgt:APIAKey
APIAKeyHi_EL1        3:0:2:1:1      rw  -   PAuth       hcr!APK fgt:APIAKey
APIBKeyLo_EL1        3:0:2:1:2      rw  -   PAuth       hcr!APK fgt:APIBKey
APIBKeyHi_EL1        3:0:2:1:3      rw  -   PAuth       hcr!APK fgt:APIBKey
APDAKeyLo_EL1        3:0:2:2:0      rw  -   PAuth       hcr!APK fgt:APDAKey
APDAKeyHi_EL1        3:0:2:2:1      rw  -   PAuth       hcr!APK fgt:APDAKey
APDBKeyLo_EL1        3:0:2:2:2      rw  -   PAuth       hcr!APK fgt:APDBKey
APDBKeyHi_EL1        3:0:2:2:3      rw  -   PAuth       hcr!APK fgt:APDBKey
APGAKeyLo_EL1        3:0:2:3:0      rw  -   PAuth       hcr!APK fgt:APGAKey
APGAKeyHi_EL1        3:0:2:3:1      rw  -   PAuth       hcr!APK fgt:APGAKey
RGSR_EL1             3:0:1:0:5      rw  -   MTE2        hcr!ATA
GCR_EL1              3:0:1:0:6      rw  -   MTE2        hcr!ATA
TFSR_EL1             3:0:5:6:0      rw  -   MTE2        nv1 hcr!ATA nvmem1:0x190
TFSRE0_EL1           3:0:5:6:1      rw  -   MTE2        hcr!ATA
RNDR                 3:3:2:4:0      r   r   RNG         -
RNDRRS               3:3:2:4:1      r   r   RNG         -

# errors
ERRIDR_EL1           3:0:5:3:0      r   -   RAS         hcr:TERR fgt
ERRSELR_EL1          3:0:5:3:1      rw  -   RAS-records hcr:TERR fgt
ERXFR_EL1            3:0:5:4:0      r   -   RAS-records hcr:TERR fgt
ERXCTLR_EL1          3:0:5:4:1      rw  -   RAS-records hcr:TERR fgt
ERXSTATUS_EL1        3:0:5:4:2      rw  -   RAS-records hcr:TERR fgt
ERXADDR_EL1          3:0:5:4:3      rw  -   RAS-records hcr:TERR fgt
ERXPFGF_EL1          3:0:5:4:4      r   -   RAS-faults  hcr!FIEN fgt
ERXPFGCTL_EL1        3:0:5:4:5      rw  -   RAS-faults  hcr!FIEN fgt
ERXPFGCDN_EL1        3:0:5:4:6      rw  -   RAS-faults  hcr!FIEN fgt
ERXMISC{0-1}_EL1     3:0:5:5:0+n    rw  -   RAS-records hcr:TERR fgt:ERXMISCn_EL1
ERXMISC{2-3}_EL1     3:0:5:5:0+n    rw  -   RAS-faults  hcr:TERR fgt:ERXMISCn_EL1

# IMPLEMENTATION DEFINED: samples of S3_<op1>_<C11, C15>_<Cm>_<op2>
S3_0_C11_C0_{0-7}    3:0:11:0:0+n   i   i   -           impdef
S3_0_C11_C5_{0-7}    3:0:11:5:0+n   i   i   -           impdef
S3_0_C15_C0_{0-7}    3:0:15:0:0+n   i   i   -           impdef
S3_0_C15_C5_{0-7}    3:0:15:5:0+n   i   i   -           impdef
S3_3_C11_C0_{0-7}    3:3:11:0:0+n   i   i   -           impdef
S3_3_C11_C5_{0-7}    3:3:11:5:0+n   i   i   -           impdef
S3_3_C15_C0_{0-7}    3:3:15:0:0+n   i   i   -           impdef
S3_3_C15_C5_{0-7}    3:3:15:5:0+n   i   i   -           impdef
S3_7_C11_C0_{0-7}    3:7:11:0:0+n   i   i   -           impdef
S3_7_C11_C5_{0-7}    3:7:11:5:0+n   i   i   -           impdef
S3_7_C15_C0_{0-7}    3:7:15:0:0+n   i   i   -           impdef
S3_7_C15_C5_{0-7}    3:7:15:5:0+n   i   i   -           impdef
"""
