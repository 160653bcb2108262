# SPDX-License-Identifier: GPL-2.0-or-later
"""CPU interface of the GIC, and timers; columns: registers.py."""

TABLE = """
# GIC CPU interface
ICC_PMR_EL1          3:0:4:6:0      rw  -   GICv3       sre ich:TC icv01
ICC_IAR0_EL1         3:0:12:8:0     r   -   GICv3       sre ich:TALL0 icv0
ICC_EOIR0_EL1        3:0:12:8:1     w   -   GICv3       sre ich:TALL0 icv0
ICC_HPPIR0_EL1       3:0:12:8:2     r   -   GICv3       sre ich:TALL0 icv0
ICC_BPR0_EL1         3:0:12:8:3     rw  -   GICv3       sre ich:TALL0 icv0
ICC_AP0R{0-3}_EL1    3:0:12:8:4+n   rw  -   GICv3-apr   sre ich:TALL0 icv0
ICC_AP1R{0-3}_EL1    3:0:12:9:0+n   rw  -   GICv3-apr   sre ich:TALL1 icv1
ICC_DIR_EL1          3:0:12:11:1    w   -   GICv3       sre ich:TDIR ich:TC icv01
ICC_RPR_EL1          3:0:12:11:3    r   -   GICv3       sre ich:TC icv01
ICC_SGI1R_EL1        3:0:12:11:5    w   -   GICv3       sre ich:TC sgi
ICC_ASGI1R_EL1       3:0:12:11:6    w   -   GICv3       sre ich:TC sgi
ICC_SGI0R_EL1        3:0:12:11:7    w   -   GICv3       sre ich:TC sgi
ICC_IAR1_EL1         3:0:12:12:0    r   -   GICv3       sre ich:TALL1 icv1
ICC_EOIR1_EL1        3:0:12:12:1    w   -   GICv3       sre ich:TALL1 icv1
ICC_HPPIR1_EL1       3:0:12:12:2    r   -   GICv3       sre ich:TALL1 icv1
ICC_BPR1_EL1         3:0:12:12:3    rw  -   GICv3       sre ich:TALL1 icv1
ICC_CTLR_EL1         3:0:12:12:4    rw  -   GICv3       sre ich:TC icv01
ICC_SRE_EL1          3:0:12:12:5    rw  -   GICv3       iccsre
ICC_IGRPEN0_EL1      3:0:12:12:6    rw  -   GICv3       sre fgt:ICC_IGRPENn_EL1 ich:TALL0 icv0
ICC_IGRPEN1_EL1      3:0:12:12:7    rw  -   GICv3       sre fgt:ICC_IGRPENn_EL1 ich:TALL1 icv1

# timers
CNTKCTL_EL1          3:0:14:1:0     rw  -   -           -
CNTFRQ_EL0           3:3:14:0:0     r   r   -           cntfrq
CNTPCT_EL0           3:3:14:0:1     r   r   -           cntpct
CNTVCT_EL0           3:3:14:0:2     r   r   -           cntvct
CNTPCTSS_EL0         3:3:14:0:5     r   r   ECV         cntpct
CNTVCTSS_EL0         3:3:14:0:6     r   r   ECV         cntvct
CNTP_TVAL_EL0        3:3:14:2:0     rw  rw  -           cntp timer
CNTP_CTL_EL0         3:3:14:2:1     rw  rw  -           cntp timer nvmem1:0x180
CNTP_CVAL_EL0        3:3:14:2:2     rw  rw  -           cntp timer nvmem1:0x178
CNTV_TVAL_EL0        3:3:14:3:0     rw  rw  -           cntv timer
CNTV_CTL_EL0         3:3:14:3:1     rw  rw  -           cntv timer nvmem1:0x170
CNTV_CVAL_EL0        3:3:14:3:2     rw  rw  -           cntv timer nvmem1:0x168
CNTPS_TVAL_EL1       3:7:14:2:0     -   -   -           -
CNTPS_CTL_EL1        3:7:14:2:1     -   -   -           -
CNTPS_CVAL_EL1       3:7:14:2:2     -   -   -           -
"""
