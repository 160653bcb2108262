# SPDX-License-Identifier: GPL-2.0-or-later
"""Permissions of a leaf at each stage (DDI 0487, D8.4)."""

from dataclasses import dataclass
from typing import Final

from kut_model.translation import descriptors
from kut_model.translation.access import Access, Kind
from kut_model.translation.choices import Choices, permitted
from kut_model.translation.controls import Stage1Control
from kut_model.translation.faults import FaultType

_DEVICE_FETCH_FAULTS = permitted("a fetch from Device memory faults")
_EL0_IC_CHECKS = permitted("IC IVAU at EL0 checks the read permission")


@dataclass(frozen=True, slots=True)
class Permissions:
    """What a leaf permits at one exception level."""

    read: bool
    write: bool
    execute: bool


def stage2_permissions(descriptor: int, el: int, *, xnx: bool, dirty: bool) -> Permissions:
    """AArch64.S2DirectBasePermissions; `dirty`: hardware manages the dirty state of the leaf."""
    xn = descriptor >> 53 & 3
    if not xnx:
        xn &= 0b10
    execute_by_el = {0b00: (True, True), 0b01: (True, False), 0b10: (False, False)}
    return Permissions(
        read=bool(descriptor & descriptors.S2AP_READ),
        write=bool(descriptor & descriptors.S2AP_WRITE) or dirty,
        execute=execute_by_el.get(xn, (False, True))[el],
    )


def _denies_maintenance(access: Access, allowed: Permissions, choices: Choices) -> bool:
    """Whether DC or IC by address lacks a permission: at EL0 it needs that of reads."""
    if access.kind is Kind.INVALIDATE:
        return not allowed.write
    if access.el or allowed.read:
        return False
    return access.kind is not Kind.INSTRUCTION_CACHE or choices(_EL0_IC_CHECKS)


#: Letters of an encoding of S2PIR_EL2: reads and writes, writes by stage-1 walks, execution at EL1
#: and at EL0. Reserved ones permit nothing.
_INDIRECT: Final = (
    *("", "", "rm", "rm", "w", "", "rm", "rm"),
    *("r", "ru", "rp", "rpu", "rwm", "rwmu", "rwmp", "rwmpu"),
)


def stage2_indirect(descriptor: int, s2pir: int, access: Access) -> Permissions:
    """AArch64.S2IndirectBasePermissions: the descriptor has an index into S2PIR_EL2."""
    index = descriptor >> 53 & 3
    index = index << 2 | (descriptor >> 51 & 1) << 1 | descriptor >> 6 & 1
    letters = _INDIRECT[s2pir >> 4 * index & 0xF]
    return Permissions(
        read="r" in letters,
        write=("m" if access.kind is Kind.WALK else "w") in letters,
        execute=("p" if access.el else "u") in letters,
    )


@dataclass(frozen=True, slots=True)
class Denial:
    """A fault that the leaf causes for an access."""

    type: FaultType
    write: bool  # WnR
    dirty: bool = False  # DirtyBit


_READ_DENIED = Denial(FaultType.PERMISSION, write=False)
_WRITE_DENIED = Denial(FaultType.PERMISSION, write=True)
#: With indirect permissions: the page may be written, but is not dirty.
NOT_DIRTY: Final = Denial(FaultType.PERMISSION, write=True, dirty=True)


def check_alignment(access: Access, *, device: bool) -> Denial | None:
    """AArch64.S1HasAlignmentFault, S2HasAlignmentFault.

    Device memory takes aligned accesses only, and no DC ZVA.
    """
    if device and (not access.aligned or access.kind is Kind.ZERO):
        return Denial(FaultType.ALIGNMENT, access.reports_write)
    return None


def check(access: Access, allowed: Permissions, *, device: bool, choices: Choices) -> Denial | None:
    """AArch64.S2CheckPermissions, S1CheckPermissions: None where the access is permitted."""
    if access.kind is Kind.FETCH:
        denied = (device and choices(_DEVICE_FETCH_FAULTS)) or not allowed.execute
        return _READ_DENIED if denied else None
    if access.kind.is_maintenance:
        return _READ_DENIED if _denies_maintenance(access, allowed, choices) else None
    if access.read and not allowed.read:
        return _READ_DENIED
    if access.write and not allowed.write:
        return _WRITE_DENIED
    return None


def stage1_permissions(
    descriptor: int, tables: int, access: Access, control: Stage1Control
) -> Permissions:
    """AArch64.S1DirectBasePermissions; `tables`: the table descriptors on the way, ORed."""
    for_el0 = bool(descriptor & descriptors.AP_EL0)
    for_el0 = for_el0 and not tables & descriptors.AP_TABLE_NOT_EL0
    managed = control.ha and control.hd and descriptor & descriptors.DBM
    writable = not descriptor & descriptors.AP_READ_ONLY or managed
    writable = bool(writable) and not tables & descriptors.AP_TABLE_READ_ONLY
    el0_executes = not (descriptor & descriptors.UXN or tables & descriptors.UXN_TABLE)
    el1_executes = not (
        descriptor & descriptors.PXN or tables & descriptors.PXN_TABLE or (for_el0 and writable)
    )
    if access.el == 0:
        allowed = Permissions(for_el0, for_el0 and writable, el0_executes)
    else:
        reached = for_el0 or (control.epan and el0_executes)
        hidden = control.pan and access.pan and reached
        allowed = Permissions(not hidden, writable and not hidden, el1_executes)
    if control.wxn and allowed.write:
        return Permissions(allowed.read, allowed.write, execute=False)
    return allowed
