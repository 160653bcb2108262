# SPDX-License-Identifier: GPL-2.0-or-later
"""Stage-2 geometry: input size, start level and root table (DDI 0487, D8.2).

In the order of AArch64.S2Translate: T0SZ, then the start level, then its agreement with T0SZ. Each
failure is a level 0 translation fault of every IPA.
"""

from dataclasses import dataclass, replace

from kut_model.translation.choices import Choices, permitted
from kut_model.translation.controls import Stage2Control
from kut_model.translation.granules import DESCRIPTOR_BITS, Granule
from kut_model.translation.processor import PA_BITS, Processor

_LOW_T0SZ_FAULTS = permitted("T0SZ below the minimum faults")
_HIGH_T0SZ_FAULTS = permitted("T0SZ above the maximum faults")
MAX_T0SZ_WITHOUT_TTST = 39
_MAX_CONCATENATED_BITS = 4  # log2 of the tables at the start level, 16

START_LEVELS = {
    Granule.K4: {0b000: 2, 0b001: 1, 0b010: 0, 0b011: 3, 0b100: -1},
    Granule.K16: {0b00: 3, 0b01: 2, 0b10: 1, 0b11: 0},
    Granule.K64: {0b00: 3, 0b01: 2, 0b10: 1},
}
"""Start level by SL2:SL0, where the encoding is not reserved."""

_ROOT_FIELD_52 = 6  # VTTBR_EL2.BADDR[5:2] are bits 51:48: the root is aligned to 64 bytes


@dataclass(frozen=True, slots=True)
class Geometry:
    """A stage 2 that translates."""

    t0sz: int  # the one that is used
    start_level: int
    ipa_bits: int
    root_bits: int  # log2 of the entries of the root, concatenated tables together

    def concatenated(self, granule: Granule) -> int:
        """Return the number of tables at the start level."""
        return 1 << max(0, self.root_bits - granule.stride)

    @property
    def root_align(self) -> int:
        """log2 of the root's alignment: its size, where BADDR has 48 bits."""
        return self.root_bits + DESCRIPTOR_BITS


def has_lpa2_format(control: Stage2Control, processor: Processor) -> bool:
    """Whether VTCR_EL2.DS has an effect: FEAT_LPA2, and not the 64K granule."""
    return bool(control.ds) and processor.lpa2 and control.granule is not Granule.K64


def effective(control: Stage2Control, processor: Processor) -> Stage2Control:
    """Return the fields that take part; those that are RES0 as 0 (AArch64.NSS2TTWParams)."""
    ds = has_lpa2_format(control, processor)
    if processor.haf and processor.dbm and processor.fwb and ds == control.ds and not control.sl2:
        return control
    return replace(
        control,
        ds=int(ds),
        sl2=control.sl2 if ds and control.granule is Granule.K4 else 0,
        ha=control.ha and processor.haf,
        hd=control.hd and processor.dbm,
        fwb=control.fwb and processor.fwb,
    )


def min_t0sz(control: Stage2Control, processor: Processor) -> int:
    """AArch64.S2MinTxSZ: by the size of physical addresses."""
    if control.granule is not Granule.K64 and not control.ds:
        return 64 - min(48, processor.pa_bits)
    return 64 - processor.pa_bits


def max_t0sz(granule: Granule, processor: Processor) -> int:
    """AArch64.MaxTxSZ."""
    if processor.ttst:
        return 47 if granule is Granule.K64 else 48
    return MAX_T0SZ_WITHOUT_TTST


def _used_t0sz(control: Stage2Control, processor: Processor, choices: Choices) -> int | None:
    """AArch64.S2TxSZFaults: None, or the nearest legal value."""
    low = min_t0sz(control, processor)
    high = max_t0sz(control.granule, processor)
    if control.t0sz < low:
        return None if processor.lpa or choices(_LOW_T0SZ_FAULTS) else low
    if control.t0sz > high:
        return None if choices(_HIGH_T0SZ_FAULTS) else high
    return control.t0sz


def start_level(control: Stage2Control, processor: Processor) -> int | None:
    """AArch64.S2StartLevel and S2InvalidSL: None where SL0 and SL2 are reserved."""
    level = START_LEVELS[control.granule].get(control.sl2 << 2 | control.sl0)
    if level is None:
        return None
    needed = {
        (Granule.K4, 3): processor.ttst,
        (Granule.K4, 0): processor.pa_bits >= 44,  # noqa: PLR2004
        (Granule.K16, 0): bool(control.ds),
        (Granule.K16, 1): processor.pa_bits >= 42,  # noqa: PLR2004
        (Granule.K64, 1): processor.pa_bits >= 44,  # noqa: PLR2004
    }
    return level if needed.get((control.granule, level), True) else None


def _is_inconsistent(granule: Granule, level: int, ipa_bits: int) -> bool:
    """AArch64.S2InconsistentSL: fewer than 2 entries or more than 16 tables at the start level."""
    below = granule.leaf_bits(level)
    most = granule.stride + _MAX_CONCATENATED_BITS
    return not below + 1 <= ipa_bits <= below + most


def geometry(control: Stage2Control, processor: Processor, choices: Choices) -> Geometry | str:
    """Return the geometry; a string, the field that is wrong: translation fault at level 0.

    `control` is `effective()`.
    """
    t0sz = _used_t0sz(control, processor, choices)
    if t0sz is None:
        return "T0SZ"
    level = start_level(control, processor)
    if level is None:
        return "SL0"
    ipa_bits = 64 - t0sz
    if _is_inconsistent(control.granule, level, ipa_bits):
        return "SL0 inconsistent with T0SZ"
    return Geometry(t0sz, level, ipa_bits, ipa_bits - control.granule.leaf_bits(level))


def physical_address_size(encoded: int, granule: Granule, processor: Processor) -> int:
    """AArch64.PhysicalAddressSize: bits of an output address, by PS or IPS and PARange."""
    is_wide = granule is Granule.K64 or processor.lpa2
    limit = processor.pa_bits if is_wide else min(48, processor.pa_bits)
    return min(PA_BITS[min(encoded, 6)], limit)


def pa_size(control: Stage2Control, processor: Processor) -> int:
    """Return the bits of an output address of stage 2."""
    return physical_address_size(control.ps, control.granule, processor)


def root_address(control: Stage2Control, found: Geometry, processor: Processor) -> int:
    """AArch64.S2TTBaseAddress: VTTBR_EL2.BADDR, aligned to the size of the root."""
    align = found.root_align
    wide = processor.lpa and control.granule is Granule.K64 and control.ps == 0b110  # noqa: PLR2004
    if wide or control.ds:
        align = max(align, _ROOT_FIELD_52)
        root = control.root & ((1 << 52) - 1)
    else:
        root = control.root & ((1 << 48) - 1)
    return root >> align << align
