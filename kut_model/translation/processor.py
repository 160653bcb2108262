# SPDX-License-Identifier: GPL-2.0-or-later
"""Features of a processor that translation depends on."""

from dataclasses import dataclass

PA_BITS = (32, 36, 40, 42, 44, 48, 52)
"""Sizes of physical addresses by the encoding of ID_AA64MMFR0_EL1.PARange, TCR.IPS, VTCR.PS."""


@dataclass(frozen=True, slots=True)
class Processor:
    """What the ID registers say; the default has everything but 52-bit addresses."""

    pa_bits: int = 48  # ID_AA64MMFR0_EL1.PARange, one of PA_BITS
    lpa2: bool = False  # FEAT_LPA2: TGran4, TGran16 and their _2
    ttst: bool = True  # FEAT_TTST: ID_AA64MMFR2_EL1.ST
    xnx: bool = True  # FEAT_XNX: ID_AA64MMFR1_EL1.XNX
    haf: bool = True  # FEAT_HAFDBS, access flag: ID_AA64MMFR1_EL1.HAFDBS >= 1
    dbm: bool = True  # FEAT_HAFDBS, dirty state: ID_AA64MMFR1_EL1.HAFDBS >= 2
    fwb: bool = True  # FEAT_S2FWB: ID_AA64MMFR2_EL1.FWB
    xs: bool = True  # FEAT_XS: ID_AA64ISAR1_EL1.XS
    mte2: bool = True  # FEAT_MTE2: ID_AA64PFR1_EL1.MTE

    @property
    def lpa(self) -> bool:
        """FEAT_LPA, 52-bit physical addresses with the 64K granule."""
        return self.pa_bits == 52  # noqa: PLR2004
