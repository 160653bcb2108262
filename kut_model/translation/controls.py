# SPDX-License-Identifier: GPL-2.0-or-later
"""System registers that control the EL1&0 translation regime, field by field."""

from dataclasses import dataclass

from kut_model.translation.granules import Granule


@dataclass(frozen=True, slots=True)
class Stage2Control:
    """VTCR_EL2, VTTBR_EL2 and HCR_EL2 (AArch64.NSS2TTWParams)."""

    granule: Granule = Granule.K4
    t0sz: int = 25
    sl0: int = 1
    sl2: int = 0
    ds: int = 0
    ps: int = 0b110
    ha: bool = False
    hd: bool = False
    sh: int = 3  # VTCR_EL2.SH0: of every leaf with DS
    root: int = 0  # VTTBR_EL2.BADDR as an address
    enabled: bool = True  # HCR_EL2.VM, or DC
    ptw: bool = False  # HCR_EL2
    fwb: bool = False
    s2pie: bool = False  # VTCR_EL2; S2PIR_EL2 has the permissions
    s2pir: int = 0
    tea: bool = False
    cd: bool = False
    id: bool = False


@dataclass(frozen=True, slots=True)
class Stage1Control:
    """TCR_EL1, TTBR0_EL1, MAIR_EL1, SCTLR_EL1, PSTATE.PAN, and HCR_EL2.DC, DCT."""

    enabled: bool = False  # SCTLR_EL1.M
    granule: Granule = Granule.K4  # TCR_EL1.TG0
    t0sz: int = 25  # one that does not fault
    ds: bool = False
    ips: int = 0b010
    tbi: bool = False  # TBI0
    epd: bool = False  # EPD0
    e0pd: bool = False  # E0PD0
    hpd: bool = False  # HPD0
    ha: bool = False
    hd: bool = False
    root: int = 0  # TTBR0_EL1.BADDR as an address
    mair: int = 0x04FF
    c: bool = True  # SCTLR_EL1
    i: bool = True
    a: bool = False
    wxn: bool = False
    epan: bool = False
    pan: bool = False  # PSTATE
    dc: bool = False  # HCR_EL2
    dct: bool = False
