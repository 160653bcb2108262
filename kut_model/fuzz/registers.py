# SPDX-License-Identifier: GPL-2.0-or-later
"""Values of the registers of a case (DDI 0487, D24.2), as `struct probe_regime` has them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from kut_model.fuzz import layout
from kut_model.fuzz.setup import Setup
from kut_model.translation.controls import Stage1Control, Stage2Control
from kut_model.translation.granules import Granule

_TG0: Final = {Granule.K4: 0, Granule.K64: 1, Granule.K16: 2}
_INNER_SHAREABLE: Final = 3
_WRITE_BACK: Final = 0b01_01  # IRGN and ORGN: Read and Write Allocate
_HCR: Final = {"s2": 0, "ptw": 2, "dc": 12, "cd": 32, "id": 33, "fwb": 46}
_SCTLR: Final = {"s1": 0, "s1.a": 1, "s1.c": 2, "s1.i": 12, "s1.wxn": 19, "s1.epan": 57}
_TCR: Final = {
    "s1.epd": 7,
    "s1.tbi": 37,
    "s1.ha": 39,
    "s1.hd": 40,
    "s1.hpd": 41,
    "s1.e0pd": 55,
    "s1.ds": 59,
}
#: Of TTBR1_EL1, for the code: 39 bits, 4K pages.
_TCR_UPPER: Final = 25 << 16 | _WRITE_BACK << 24 | _INNER_SHAREABLE << 28 | 2 << 30
_VTCR_RES1: Final = 1 << 31


@dataclass(frozen=True, slots=True)
class Registers:
    """Values; HCR_EL2 and SCTLR_EL1 without what all cases have."""

    hcr: int
    vtcr: int
    vttbr: int
    sctlr: int
    tcr: int
    ttbr0: int
    ttbr1: int
    mair: int


def of(values: Mapping[str, int], setup: Setup) -> Registers:
    """Return the registers of a case."""
    return Registers(
        hcr=_flags(values, _HCR),
        vtcr=_vtcr(setup.stage2),
        vttbr=_base(setup.stage2.root),
        sctlr=_flags(values, _SCTLR),
        tcr=_tcr(setup.stage1) | _flags(values, _TCR),
        ttbr0=_base(setup.stage1.root),
        ttbr1=layout.UPPER,
        mair=setup.stage1.mair,
    )


def _flags(values: Mapping[str, int], bits: Mapping[str, int]) -> int:
    return _any(values[name] << bit for name, bit in bits.items())


def _any(parts: Iterable[int]) -> int:
    found = 0
    for part in parts:
        found |= part
    return found


def _base(address: int) -> int:
    """Return BADDR: with addresses of 52 bits, bits 5:2 are bits 51:48."""
    return address & ((1 << 48) - 1) | address >> 48 << 2


def _vtcr(control: Stage2Control) -> int:
    return _any(
        (
            _VTCR_RES1,
            control.t0sz,
            control.sl0 << 6,
            _WRITE_BACK << 8,
            control.sh << 12,
            _TG0[control.granule] << 14,
            control.ps << 16,
            control.ha << 21,
            control.hd << 22,
            control.ds << 32,
            control.sl2 << 33,
        )
    )


def _tcr(control: Stage1Control) -> int:
    """Return the fields of TCR_EL1 that are no flags."""
    return _any(
        (
            control.t0sz,
            _WRITE_BACK << 8,
            _INNER_SHAREABLE << 12,
            _TG0[control.granule] << 14,
            _TCR_UPPER,
            control.ips << 32,
        )
    )
