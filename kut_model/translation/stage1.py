# SPDX-License-Identifier: GPL-2.0-or-later
"""Stage 1 of the EL1&0 regime, by TTBR0_EL1: AArch64.S1Translate (DDI 0487, D8)."""

from dataclasses import dataclass, replace

from kut_model.translation import attributes, descriptors, permissions
from kut_model.translation.access import Access, Kind
from kut_model.translation.attributes import Attributes, Shareability
from kut_model.translation.choices import permitted
from kut_model.translation.controls import Stage1Control
from kut_model.translation.descriptors import DescriptorKind
from kut_model.translation.faults import Fault, FaultType
from kut_model.translation.geometry import physical_address_size
from kut_model.translation.granules import DESCRIPTOR_BITS, LAST_LEVEL, Granule
from kut_model.translation.permissions import Denial
from kut_model.translation.processor import Processor
from kut_model.translation.stage2 import (
    MAINTENANCE_ACCESS_FLAG,
    Leaf,
    Output,
    Stage2,
    sets_access_flag,
)

_EFFECTIVE_SHAREABILITY = permitted("stage 1 gives stage 2 the effective shareability")
#: Bits of an address without the tag (AArch64.AddrTop).
_UNTAGGED = (1 << 56) - 1
#: Attributes of the walk itself: TCR_EL1.IRGN0, ORGN0 and SH0 for what is cached everywhere.
_WALK = Attributes(
    None, attributes.WRITE_BACK_RWA, attributes.WRITE_BACK_RWA, Shareability.ISH, xs=False
)


def start_level(granule: Granule, t0sz: int) -> int:
    """AArch64.S1StartLevel."""
    return LAST_LEVEL - (64 - t0sz - 1 - granule.bits) // granule.stride


def effective(control: Stage1Control, processor: Processor) -> Stage1Control:
    """Return the fields that take part; those that are RES0 as 0 (AArch64.S1TTWParamsEL10)."""
    ds = control.ds and processor.lpa2
    if processor.haf and processor.dbm and ds == control.ds:
        return control
    ha, hd = control.ha and processor.haf, control.hd and processor.dbm
    return replace(control, ds=ds, ha=ha, hd=hd)


def stage1(control: Stage1Control, second: Stage2) -> "Stage1":
    """Return stage 1 with the fields of `control` that take part on the processor of stage 2."""
    return Stage1(effective(control, second.processor), second)


@dataclass(frozen=True, slots=True)
class Stage1:
    """Stage 1, on a stage 2 through which its walks go."""

    control: Stage1Control  # effective()
    stage2: Stage2

    @property
    def _out_bits(self) -> int:
        """Return the bits of an output address, by TCR_EL1.IPS."""
        control = self.control
        return physical_address_size(control.ips, control.granule, self.stage2.processor)

    def _address(self, descriptor: int, low: int) -> int:
        """AArch64.LeafBase, NextTableBase: the address in a descriptor, aligned to `low` bits."""
        granule, ds, processor = self.control.granule, self.control.ds, self.stage2.processor
        return descriptors.address(descriptor, granule, ds=ds, processor=processor, low=low)

    def _fetch(self, entry: int, access: Access) -> tuple[int, int] | Fault:
        """Return a descriptor and its physical address, through stage 2."""
        found = self.stage2.translate(entry, _WALK, access.walk())
        if isinstance(found, Fault):
            return self._of_walk(found, access)
        return self.stage2.memory.read(found.address), found.address

    @staticmethod
    def _of_walk(fault: Fault, access: Access) -> Fault:
        """Return the fault with WnR of the access: the walk has none of its own."""
        return replace(fault, write=access.reports_write)

    def _walk(self, va: int, access: Access) -> tuple[Leaf, int, int] | Fault:
        """AArch64.S1Walk: the leaf, the tables' descriptors ORed, and the leaf's IPA."""
        granule, tables = self.control.granule, 0
        level = start_level(granule, self.control.t0sz)
        index_bits = 64 - self.control.t0sz - granule.leaf_bits(level)
        base = self.control.root
        fault = Fault(FaultType.ADDRESS_SIZE, stage=1, write=access.reports_write)
        if base >> self._out_bits:
            return fault
        while True:
            index = va >> granule.leaf_bits(level) & ((1 << index_bits) - 1)
            entry = base | index << DESCRIPTOR_BITS
            fetched = self._fetch(entry, access)
            if isinstance(fetched, Fault):
                return fetched
            descriptor, address = fetched
            if self.stage2.memory.aborts(address):
                return replace(fault, type=FaultType.EXTERNAL_ON_WALK, level=level)
            kind = self._kind(descriptor, level)
            if kind is DescriptorKind.INVALID:
                return replace(fault, type=FaultType.TRANSLATION, level=level)
            if kind is DescriptorKind.LEAF:
                bits = granule.leaf_bits(level)
                output = self._address(descriptor, bits) | va & ((1 << bits) - 1)
                return Leaf(descriptor, address, level, output), tables, entry
            tables |= 0 if self.control.hpd else descriptor
            base = self._address(descriptor, granule.bits)
            if base >> self._out_bits:
                return replace(fault, level=level)
            level, index_bits = level + 1, granule.stride

    def _kind(self, descriptor: int, level: int) -> DescriptorKind:
        """AArch64.DecodeDescriptorType."""
        granule, ds, processor = self.control.granule, self.control.ds, self.stage2.processor
        return descriptors.kind(descriptor, granule, level, ds=ds, processor=processor)

    def _leaf_fault(self, leaf: Leaf, access: Access) -> FaultType | None:
        """Return the fault that the leaf itself causes."""
        if leaf.output >> self._out_bits:
            return FaultType.ADDRESS_SIZE
        if leaf.descriptor & descriptors.AF or self.control.ha:
            return None
        if access.kind.is_maintenance and not self.stage2.choices(MAINTENANCE_ACCESS_FLAG):
            return None
        return FaultType.ACCESS_FLAG

    def leaf_attributes(self, descriptor: int) -> Attributes:
        """Return those of a leaf, by AttrIndx and SH."""
        index = descriptor >> 2 & 7
        sh = attributes.decode_shareability(descriptor >> 8 & 3, self.stage2.choices)
        return attributes.decode_stage1(self.control.mair >> 8 * index & 0xFF, sh)

    def output_attributes(self, found: Attributes, access: Access) -> Attributes:
        """Return them with SCTLR_EL1.C and I applied."""
        if access.kind is Kind.FETCH:
            uncached = found.is_device or not self.control.i
        else:
            uncached = not found.is_device and not self.control.c
        if uncached:
            found = replace(attributes.NORMAL_NC, shareability=found.shareability, xs=found.xs)
        return found.effective() if self.stage2.choices(_EFFECTIVE_SHAREABILITY) else found

    def _check(self, leaf: Leaf, tables: int, access: Access, *, device: bool) -> Denial | None:
        """AArch64.S1HasAlignmentFault, S1CheckPermissions."""
        if denied := permissions.check_alignment(access, device=device):
            return denied
        allowed = permissions.stage1_permissions(leaf.descriptor, tables, access, self.control)
        return permissions.check(access, allowed, device=device, choices=self.stage2.choices)

    def _update(self, leaf: Leaf, ipa: int, access: Access, denied: Denial | None) -> Fault | None:
        """Update the leaf's descriptor, through stage 2, where hardware does."""
        new = leaf.descriptor
        control = self.control
        if control.ha and sets_access_flag(access, denied, self.stage2.choices):
            new |= descriptors.AF
        if (
            control.ha
            and control.hd
            and not denied
            and access.updates_dirty
            and leaf.descriptor & descriptors.DBM
        ):
            new &= ~descriptors.AP_READ_ONLY
        if new == leaf.descriptor:
            return None
        found = self.stage2.translate(ipa, _WALK, access.update())
        if isinstance(found, Fault):
            return self._of_walk(found, access)
        self.stage2.memory.update(leaf.address, leaf.descriptor, new)
        return None

    def _disabled(self, va: int, access: Access) -> Output | Fault:
        """AArch64.S1DisabledOutput."""
        control = self.control
        found = attributes.stage1_disabled(
            fetch=access.kind is Kind.FETCH, icache=control.i, dc=control.dc, dct=control.dct
        )
        fault = Fault(FaultType.ADDRESS_SIZE, stage=1, write=access.reports_write)
        if va >> self.stage2.processor.pa_bits:
            return fault
        if denied := permissions.check_alignment(access, device=found.is_device):
            return replace(fault, type=denied.type)
        return Output(va, found)

    def translate(self, va: int, access: Access) -> Output | Fault:
        """AArch64.CheckAlignment and S1Translate, for an address of TTBR0_EL1."""
        control = self.control
        fault = Fault(FaultType.TRANSLATION, stage=1, write=access.reports_write)
        if control.a and not access.aligned:
            return replace(fault, type=FaultType.ALIGNMENT)
        if control.tbi:
            va &= _UNTAGGED
        if not control.enabled:
            return self._disabled(va, access)
        if va >> (64 - control.t0sz) or control.epd or (control.e0pd and not access.el):
            return fault
        walked = self._walk(va, access)
        if isinstance(walked, Fault):
            return walked
        return self._use(*walked, access)

    def _use(self, leaf: Leaf, tables: int, ipa: int, access: Access) -> Output | Fault:
        """Return the output of a leaf, checked and updated; `ipa`: of its descriptor."""
        fault = Fault(FaultType.TRANSLATION, stage=1, write=access.reports_write)
        early = self._leaf_fault(leaf, access)
        if early:
            return replace(fault, type=early, level=leaf.level)
        found = self.leaf_attributes(leaf.descriptor)
        denied = self._check(leaf, tables, access, device=found.is_device)
        failed = self._update(leaf, ipa, access, denied)
        if failed:
            return failed
        if denied:
            return replace(fault, type=denied.type, level=leaf.level, write=denied.write)
        return Output(leaf.output, self.output_attributes(found, access))
