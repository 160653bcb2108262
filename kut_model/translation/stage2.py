# SPDX-License-Identifier: GPL-2.0-or-later
"""Stage 2 of a translation: AArch64.S2Translate (DDI 0487, D8.2 to D8.5)."""

from dataclasses import dataclass, replace

from kut_model.translation import attributes, descriptors, permissions
from kut_model.translation.access import Access, Kind
from kut_model.translation.attributes import Attributes
from kut_model.translation.choices import Choices, permitted
from kut_model.translation.controls import Stage2Control
from kut_model.translation.descriptors import DescriptorKind
from kut_model.translation.faults import Fault, FaultType
from kut_model.translation.geometry import (
    Geometry,
    effective,
    geometry,
    pa_size,
    root_address,
)
from kut_model.translation.granules import DESCRIPTOR_BITS
from kut_model.translation.memory import Memory
from kut_model.translation.permissions import Denial
from kut_model.translation.processor import Processor

CONTIGUOUS_FAULTS = permitted("a contiguous set larger than the input size faults")
MAINTENANCE_ACCESS_FLAG = permitted("DC and IC take access flag faults")
SET_ACCESS_FLAG_OF_FAULT = permitted("a permission or alignment fault sets the access flag")
#: The pseudocode sets it; the text lets an implementation choose: D8.5.1.
SET_ACCESS_FLAG_OF_NO_ACCESS = permitted("AT, DC and IC set the access flag")


@dataclass(frozen=True, slots=True)
class Leaf:
    """The end of a walk: TTWState."""

    descriptor: int
    address: int  # of the descriptor
    level: int
    output: int


@dataclass(frozen=True, slots=True)
class Output:
    """An address and attributes that a stage gives."""

    address: int
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Stage2:
    """Stage 2 of a processor."""

    control: Stage2Control  # geometry.effective()
    processor: Processor
    memory: Memory
    choices: Choices
    geometry: Geometry | str

    def _out_of_range(self, output: int) -> bool:
        """AArch64.OAOutOfRange."""
        return output >> pa_size(self.control, self.processor) != 0

    def _leaf_fault(self, leaf: Leaf, access: Access, ipa_bits: int) -> FaultType | None:
        """Return the fault that the leaf itself causes, the first of them (AArch64.S2Walk)."""
        granule = self.control.granule
        set_bits = granule.contiguous_bits(leaf.level)
        if leaf.descriptor & descriptors.CONTIGUOUS and set_bits:
            too_large = granule.leaf_bits(leaf.level) + set_bits > ipa_bits
            if too_large and self.choices(CONTIGUOUS_FAULTS):
                return FaultType.TRANSLATION
        if self._out_of_range(leaf.output):
            return FaultType.ADDRESS_SIZE
        if leaf.descriptor & descriptors.AF or self.control.ha:
            return None
        if access.kind.is_maintenance and not self.choices(MAINTENANCE_ACCESS_FLAG):
            return None
        return FaultType.ACCESS_FLAG

    def _leaf(self, descriptor: int, address: int, level: int, ipa: int) -> Leaf:
        """AArch64.LeafBase and StageOA: a contiguous set gives the bits that select its entry."""
        granule = self.control.granule
        bits = granule.leaf_bits(level)
        if descriptor & descriptors.CONTIGUOUS:
            bits += granule.contiguous_bits(level)
        base = descriptors.address(
            descriptor, granule, ds=bool(self.control.ds), processor=self.processor, low=bits
        )
        return Leaf(descriptor, address, level, base | ipa & ((1 << bits) - 1))

    def _entry(self, base: int, index_bits: int, level: int, ipa: int) -> int:
        """AArch64.S2SLTTEntryAddress, TTEntryAddress: where the descriptor for `ipa` is."""
        index = ipa >> self.control.granule.leaf_bits(level) & ((1 << index_bits) - 1)
        return base | index << DESCRIPTOR_BITS

    def _walk(self, found: Geometry, ipa: int) -> Leaf | tuple[FaultType, int]:
        """AArch64.S2Walk: the leaf, or a fault and its level."""
        granule, ds = self.control.granule, bool(self.control.ds)
        level = found.start_level
        entry = self._entry(
            root_address(self.control, found, self.processor), found.root_bits, level, ipa
        )
        if self._out_of_range(entry):
            return FaultType.ADDRESS_SIZE, 0
        while True:
            if self.memory.aborts(entry):
                return FaultType.EXTERNAL_ON_WALK, level
            descriptor = self.memory.read(entry)
            kind = descriptors.kind(descriptor, granule, level, ds=ds, processor=self.processor)
            if kind is DescriptorKind.INVALID:
                return FaultType.TRANSLATION, level
            if kind is DescriptorKind.LEAF:
                return self._leaf(descriptor, entry, level, ipa)
            table = descriptors.address(
                descriptor, granule, ds=ds, processor=self.processor, low=granule.bits
            )
            entry = self._entry(table, granule.stride, level + 1, ipa)
            if self._out_of_range(entry):
                return FaultType.ADDRESS_SIZE, level
            level += 1

    def leaf_attributes(self, descriptor: int, stage1: Attributes) -> Attributes:
        """Return a leaf's attributes; with FWB they include stage 1's."""
        memattr = descriptor >> 2 & 0xF
        sh = attributes.decode_shareability(
            self.control.sh if self.control.ds else descriptor >> 8 & 3, self.choices
        )
        fnxs = bool(descriptor & descriptors.FNXS)
        if self.control.fwb:
            return attributes.force(stage1, memattr, sh, fnxs=fnxs, processor=self.processor)
        return attributes.decode_stage2(memattr, sh, fnxs=fnxs, choices=self.choices)

    def combine(self, access: Access, stage1: Attributes, stage2: Attributes) -> Attributes:
        """Return both stages' attributes: HCR_EL2.CD, ID and PTW change those of stage 2."""
        control, fetch = self.control, access.kind is Kind.FETCH
        if fetch:
            uncached = stage2.is_device or control.id
        elif stage2.is_device:
            uncached = access.kind is Kind.WALK and not control.ptw
        else:
            uncached = control.cd
        if uncached:
            stage2 = replace(attributes.NORMAL_NC, xs=stage2.xs)
        if control.fwb:
            return stage2
        return attributes.combine(stage1, stage2, self.processor)

    def _permissions(self, leaf: Leaf, access: Access) -> permissions.Permissions:
        """AArch64.S2ComputePermissions."""
        if self.control.s2pie:
            return permissions.stage2_indirect(leaf.descriptor, self.control.s2pir, access)
        return permissions.stage2_permissions(
            leaf.descriptor, access.el, xnx=self.processor.xnx, dirty=self._manages_dirty(leaf)
        )

    def _manages_dirty(self, leaf: Leaf) -> bool:
        """Whether hardware makes the page dirty: with direct permissions by DBM."""
        by_leaf = self.control.s2pie or bool(leaf.descriptor & descriptors.DBM)
        return self.control.ha and self.control.hd and by_leaf

    def _is_clean(self, leaf: Leaf, access: Access) -> bool:
        """Whether a write is denied for the dirty state, which is that of the leaf's bit 7."""
        if not self.control.s2pie or not access.write or self._manages_dirty(leaf):
            return False
        return not leaf.descriptor & descriptors.S2AP_WRITE

    def _check(self, leaf: Leaf, access: Access, *, device: bool) -> Denial | None:
        """AArch64.S2HasAlignmentFault, S2CheckPermissions."""
        if denied := permissions.check_alignment(access, device=device):
            return denied
        if access.kind is Kind.WALK and self.control.ptw and device:
            return Denial(FaultType.PERMISSION, access.reports_write)
        allowed = self._permissions(leaf, access)
        denied = permissions.check(access, allowed, device=device, choices=self.choices)
        if not denied and self._is_clean(leaf, access):
            return permissions.NOT_DIRTY
        return denied

    def _update(self, leaf: Leaf, access: Access, denied: Denial | None) -> None:
        """Set the access flag and the dirty state, as hardware does with HA and HD."""
        new = leaf.descriptor
        if self.control.ha and sets_access_flag(access, denied, self.choices):
            new |= descriptors.AF
        if not denied and access.updates_dirty and self._manages_dirty(leaf):
            new |= descriptors.S2AP_WRITE
        self.memory.update(leaf.address, leaf.descriptor, new)

    def translate(self, ipa: int, stage1: Attributes, access: Access) -> Output | Fault:
        """AArch64.S2Translate; `stage1`: the attributes that stage 1 gives."""
        if not self.control.enabled:
            return Output(ipa, stage1)
        on_walk = access.kind is Kind.WALK
        write = access.reports_write
        found = self.geometry
        if isinstance(found, str) or ipa >> found.ipa_bits:
            return Fault(FaultType.TRANSLATION, 2, 0, ipa, on_walk, write)
        leaf = self._walk(found, ipa)
        if not isinstance(leaf, Leaf):
            return Fault(leaf[0], 2, leaf[1], ipa, on_walk, write)
        early = self._leaf_fault(leaf, access, found.ipa_bits)
        if early:
            return Fault(early, 2, leaf.level, ipa, on_walk, write)
        stage2 = self.leaf_attributes(leaf.descriptor, stage1)
        denied = self._check(leaf, access, device=stage2.is_device)
        self._update(leaf, access, denied)
        if denied:
            return Fault(denied.type, 2, leaf.level, ipa, on_walk, denied.write, dirty=denied.dirty)
        return Output(leaf.output, self.combine(access, stage1, stage2))


def stage2(
    control: Stage2Control, processor: Processor, memory: Memory, choices: Choices
) -> Stage2:
    """Return stage 2 with the fields of `control` that take part on `processor`."""
    control = effective(control, processor)
    return Stage2(control, processor, memory, choices, geometry(control, processor, choices))


def sets_access_flag(access: Access, denied: Denial | None, choices: Choices) -> bool:
    """AArch64.SettingAccessFlagPermitted: whether hardware sets it, with HA, at either stage."""
    if denied:
        return choices(SET_ACCESS_FLAG_OF_FAULT)
    return not access.kind.sets_cm or choices(SET_ACCESS_FLAG_OF_NO_ACCESS)
