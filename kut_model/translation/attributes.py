# SPDX-License-Identifier: GPL-2.0-or-later
"""Memory attributes: decoded, combined, and as PAR_EL1 has them (DDI 0487, D8.6)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import IntEnum

from kut_model.translation.choices import Choices, Freedom
from kut_model.translation.processor import Processor


class Device(IntEnum):
    """Device types in the encoding of MAIR_ELx and stage 2: less is stronger."""

    nGnRnE = 0  # noqa: N815 - the names of the manual
    nGnRE = 1  # noqa: N815
    nGRE = 2  # noqa: N815
    GRE = 3


class Policy(IntEnum):
    """Cacheability in the encoding of stage 2: less is weaker."""

    NC = 1
    WT = 2
    WB = 3


class Shareability(IntEnum):
    """Shareability in the encoding of descriptors."""

    NSH = 0
    OSH = 2
    ISH = 3


@dataclass(frozen=True, slots=True)
class Cacheability:
    """MemAttrHints: of one domain, inner or outer."""

    policy: Policy
    read_allocate: bool = False  # hints and transience: only where the policy is not NC
    write_allocate: bool = False
    transient: bool = False


NON_CACHEABLE = Cacheability(Policy.NC)
WRITE_THROUGH_RA = Cacheability(Policy.WT, read_allocate=True)
WRITE_BACK_RWA = Cacheability(Policy.WB, read_allocate=True, write_allocate=True)


@dataclass(frozen=True, slots=True)
class Attributes:
    """MemoryAttributes: Device when `device` is there, else Normal."""

    device: Device | None = None
    inner: Cacheability = NON_CACHEABLE
    outer: Cacheability = NON_CACHEABLE
    shareability: Shareability = Shareability.OSH
    tagged: bool = False  # Allocation Tags
    xs: bool = True

    @property
    def is_device(self) -> bool:
        """Whether it is any Device type."""
        return self.device is not None

    def is_normal(self, policy: Policy) -> bool:
        """Whether it is Normal with this policy, inner and outer."""
        return not self.is_device and self.inner.policy is self.outer.policy is policy

    def effective(self) -> "Attributes":
        """Return it Outer Shareable where the type demands it (EffectiveShareability)."""
        if self.shareability is Shareability.OSH:
            return self
        if self.is_device or self.is_normal(Policy.NC):
            return replace(self, shareability=Shareability.OSH)
        return self


def with_less_transience(attributes: Attributes) -> Iterator[Attributes]:
    """Yield what CPUs may make of it: they may ignore the transient hint of each domain."""
    for inner in dict.fromkeys((attributes.inner, replace(attributes.inner, transient=False))):
        for outer in dict.fromkeys((attributes.outer, replace(attributes.outer, transient=False))):
            yield replace(attributes, inner=inner, outer=outer)


NORMAL_NC = Attributes()
_TAGGED_MAIR = 0xF0
_NORMAL_NC_NO_XS = 0x40
_WRITE_THROUGH_NO_XS = 0xA0


def _decode_mair_half(attr: int) -> Cacheability:
    """DecodeLDFAttr: four bits of MAIR_ELx for Normal memory."""
    if attr == 0b0100:  # noqa: PLR2004
        return NON_CACHEABLE
    hints = attr & 0b11
    return Cacheability(
        Policy.WB if attr & 0b0100 else Policy.WT,
        read_allocate=bool(hints & 0b10),
        write_allocate=bool(hints & 0b01),
        transient=bool(hints) and not attr & 0b1000,
    )


def is_reserved_mair(attr: int, processor: Processor) -> bool:
    """S1ConstrainUnpredictableRESMAIR: whether an Attr field of MAIR_ELx is no encoding."""
    if attr >> 4 == 0:
        return attr & 0b11 != 0 and not (attr & 0b11 == 0b01 and processor.xs)
    if attr in {_NORMAL_NC_NO_XS, _WRITE_THROUGH_NO_XS}:
        return not processor.xs
    if attr == _TAGGED_MAIR:
        return not processor.mte2
    return attr & 0xF == 0


def decode_stage1(attr: int, shareability: Shareability) -> Attributes:
    """S1DecodeMemAttrs: an Attr field of MAIR_ELx that is not reserved, and a leaf's SH."""
    if attr >> 4 == 0:
        return Attributes(Device(attr >> 2 & 3), shareability=shareability, xs=not attr & 1)
    if attr == _NORMAL_NC_NO_XS:
        return Attributes(shareability=shareability, xs=False)
    if attr == _WRITE_THROUGH_NO_XS:
        both = WRITE_THROUGH_RA
        return Attributes(None, both, both, shareability, xs=False)
    if attr == _TAGGED_MAIR:
        both = WRITE_BACK_RWA
        return Attributes(None, both, both, shareability, tagged=True, xs=False)
    inner, outer = _decode_mair_half(attr & 0xF), _decode_mair_half(attr >> 4)
    write_back = inner.policy is outer.policy is Policy.WB
    return Attributes(None, inner, outer, shareability, xs=not write_back)


def stage1_disabled(*, fetch: bool, icache: bool, dc: bool, dct: bool) -> Attributes:
    """AArch64.S1DisabledOutput: the attributes with SCTLR_EL1.M clear."""
    if dc:
        both = WRITE_BACK_RWA
        return Attributes(None, both, both, Shareability.NSH, tagged=dct, xs=False)
    if fetch:
        both = WRITE_THROUGH_RA if icache else NON_CACHEABLE
        return Attributes(None, both, both)
    return Attributes(Device.nGnRnE)


_RESERVED_POLICY = Freedom("policy of a reserved MemAttr", (Policy.NC, Policy.WT, Policy.WB))
_RESERVED_SHAREABILITY = Freedom("shareability of a reserved SH", tuple(Shareability))


def decode_shareability(sh: int, choices: Choices) -> Shareability:
    """DecodeShareability: SH of a leaf, or of VTCR_EL2; 0b01 is reserved."""
    return choices(_RESERVED_SHAREABILITY) if sh == 1 else Shareability(sh)


def _decode_policy(bits: int, choices: Choices) -> Cacheability:
    """S2DecodeCacheability: hints come from stage 1."""
    return Cacheability(Policy(bits) if bits else choices(_RESERVED_POLICY))


def decode_stage2(memattr: int, sh: Shareability, *, fnxs: bool, choices: Choices) -> Attributes:
    """S2DecodeMemAttrs: MemAttr of a leaf, without FWB."""
    if memattr >> 2 == 0:
        return Attributes(Device(memattr & 3), shareability=sh, xs=not fnxs)
    outer = _decode_policy(memattr >> 2, choices)
    inner = _decode_policy(memattr & 3, choices)
    return Attributes(None, inner, outer, sh, xs=not fnxs)


def _combine_shareability(one: Shareability, other: Shareability) -> Shareability:
    """S2CombineS1Shareability: the wider of both."""
    for wide in (Shareability.OSH, Shareability.ISH):
        if wide in (one, other):
            return wide
    return Shareability.NSH


def _combine_cacheability(stage1: Cacheability, stage2: Cacheability) -> Cacheability:
    """S2CombineS1AttrHints: the weaker policy, the hints of stage 1."""
    policy = min(stage1.policy, stage2.policy)
    if policy is stage1.policy:
        return stage1
    return NON_CACHEABLE if policy is Policy.NC else replace(stage1, policy=policy)


def _combine_tagged(result: Attributes, stage1: Attributes, processor: Processor) -> bool:
    """S2MemTagType: tags of stage 1 survive in Write-Back, Read and Write Allocate memory only."""
    return (
        processor.mte2
        and stage1.tagged
        and not result.is_device
        and result.inner == result.outer == WRITE_BACK_RWA
    )


def _combine_type(stage1: Attributes, stage2: Attributes) -> Attributes:
    """Return the stronger type: Device over Normal (S2CombineS1Device)."""
    if stage1.device is not None and stage2.device is not None:
        return Attributes(min(stage1.device, stage2.device))
    if stage1.is_device or stage2.is_device:
        return stage1 if stage1.is_device else stage2
    return Attributes(
        None,
        _combine_cacheability(stage1.inner, stage2.inner),
        _combine_cacheability(stage1.outer, stage2.outer),
    )


def combine(stage1: Attributes, stage2: Attributes, processor: Processor) -> Attributes:
    """S2CombineS1MemAttrs: both stages, without FWB."""
    result = _combine_type(stage1, stage2)
    write_back = result.is_normal(Policy.WB)
    return Attributes(
        result.device,
        result.inner,
        result.outer,
        _combine_shareability(stage1.shareability, stage2.shareability),
        tagged=_combine_tagged(result, stage1, processor),
        xs=not write_back and stage1.xs and stage2.xs,
    ).effective()


def _force_write_back(stage1: Cacheability, *, stage1_is_device: bool) -> Cacheability:
    """Return Write-Back with the hints of stage 1, where it has any."""
    if stage1_is_device or stage1.policy is Policy.NC:
        return WRITE_BACK_RWA
    return replace(stage1, policy=Policy.WB)


def _force_type(stage1: Attributes, memattr: int) -> Attributes:
    """Return the type that MemAttr[2:0] chooses with FWB, D8.6.6: bit 3 is not decoded."""
    if not memattr & 0b100:
        device = Device(memattr & 3)
        if stage1.device is not None:
            device = min(stage1.device, device)
        return Attributes(device, xs=stage1.xs)
    if memattr & 0b11 == 0b11:  # noqa: PLR2004
        return stage1
    if memattr & 0b11 == 0b10:  # noqa: PLR2004
        return Attributes(
            None,
            _force_write_back(stage1.inner, stage1_is_device=stage1.is_device),
            _force_write_back(stage1.outer, stage1_is_device=stage1.is_device),
            xs=False,
        )
    return stage1 if stage1.is_device else Attributes(xs=stage1.xs)


def force(
    stage1: Attributes, memattr: int, sh: Shareability, *, fnxs: bool, processor: Processor
) -> Attributes:
    """AArch64.S2ApplyFWBMemAttrs: MemAttr of a leaf, with FWB; includes stage 1's attributes."""
    result = _force_type(stage1, memattr)
    return replace(
        result,
        shareability=_combine_shareability(stage1.shareability, sh),
        tagged=_combine_tagged(result, stage1, processor),
        xs=result.xs and not fnxs,
    ).effective()


def is_reserved_with_fwb(memattr: int) -> bool:
    """Whether a leaf's MemAttr has no meaning with FWB, without FEAT_MTE_PERM."""
    return memattr & 0b1000 != 0 or memattr == 0b0100  # noqa: PLR2004


def _encode_half(half: Cacheability) -> int:
    """Return four bits of an Attr field, for Normal memory."""
    if half.policy is Policy.NC:
        return 0b0100
    policy = 0b0100 if half.policy is Policy.WB else 0
    lasting = 0 if half.transient else 0b1000
    return lasting | policy | half.read_allocate << 1 | half.write_allocate


def encode_par(attributes: Attributes, processor: Processor) -> int:
    """EncodePARAttrs: PAR_EL1.ATTR, in the encoding of MAIR_ELx."""
    if attributes.tagged:
        return _TAGGED_MAIR
    if attributes.device is not None:
        no_xs = processor.xs and not attributes.xs
        return attributes.device << 2 | no_xs
    if processor.xs and not attributes.xs:
        if attributes.inner == attributes.outer == WRITE_THROUGH_RA:
            return _WRITE_THROUGH_NO_XS
        if attributes.is_normal(Policy.NC):
            return _NORMAL_NC_NO_XS
    return _encode_half(attributes.outer) << 4 | _encode_half(attributes.inner)
