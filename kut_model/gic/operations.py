# SPDX-License-Identifier: GPL-2.0-or-later
"""Accesses of a guest to the registers of its CPU interface, by name.

An access is to the virtual interface by HCR_EL2.IMO for registers of group 1, by FMO for those of
group 0, and by either for those of both. Otherwise, and at EL2, it is to the physical one.

ICV_AP0R0_EL1 and ICV_AP1R0_EL1 are IMPLEMENTATION DEFINED, but for 0 where nothing is active: they
are compared as 0 or 1.
"""

from dataclasses import dataclass
from typing import Final

from kut_model.gic.interface import Unpredictable, VirtualInterface
from kut_model.gic.registers import (
    CTLR_CBPR,
    CTLR_EOIMODE,
    IDLE,
    PRIORITY_MASK,
    SPURIOUS,
    Controls,
)

READS: Final = (
    *("iar0", "iar1", "hppir0", "hppir1", "bpr0", "bpr1", "igrpen0", "igrpen1", "ap0r", "ap1r"),
    *("pmr", "rpr", "ctlr"),
)
#: ISR_EL1, which is no register of the GIC.
ISR: Final = "isr"
#: Registers whose controls a write changes, and no interrupt.
CONTROLS: Final = ("bpr0", "bpr1", "igrpen0", "igrpen1", "pmr", "ctlr")

_ALL: Final = 0xFFFFFFFF
_ISR_KNOWN: Final = 3 << 6


@dataclass(frozen=True, slots=True)
class Operation:
    """A read, or a write of `value`."""

    register: str
    write: bool = False
    value: int = 0

    @property
    def name(self) -> str:
        """As in "write_eoir1"."""
        return f"{'write' if self.write else 'read'}_{self.register}"


@dataclass(frozen=True, slots=True)
class Result:
    """A value that was read, in the bits that are known; a write has none."""

    value: int = 0
    known: int = 0


def read(register: str) -> Operation:
    """Return a read of a register, as in "iar1"."""
    return Operation(register)


def write(register: str, value: int) -> Operation:
    """Return a write of a register, as in "eoir1"."""
    return Operation(register, write=True, value=value)


def group_of(register: str) -> int | None:
    """Return the group that a register belongs to, or None if it is that of both."""
    return next((int(each) for each in register if each.isdigit()), None)


def is_virtual(register: str, *, imo: bool, fmo: bool) -> bool:
    """Return whether an access at EL1 is to the virtual interface."""
    return {0: fmo, 1: imo, None: imo or fmo}[group_of(register)]


def perform(state: VirtualInterface, operation: Operation) -> Result:
    """Make an access to the virtual interface."""
    if operation.write:
        _write(state, operation)
        return Result()
    return _read(state, operation.register)


def _read(state: VirtualInterface, register: str) -> Result:
    group = group_of(register)
    if register == ISR:
        return Result(state.signalled(), _ISR_KNOWN)
    if register == "rpr":
        return Result(state.running_priority, ~0xFF & _ALL | state.running_priority_known)
    if group is not None and register.startswith("iar"):
        return Result(state.read_iar(group), _ALL)
    if group is not None and register.startswith("hppir"):
        return Result(state.read_hppir(group), _ALL)
    if group is not None and register.startswith("ap"):
        return Result(int(state.active_priorities(group) > 0), _ALL)
    return _read_control(state.controls, register)


def _read_control(controls: Controls, register: str) -> Result:
    group = group_of(register)
    if register == "pmr":
        return Result(controls.pmr, _ALL)
    if group is None:
        return Result(controls.ctlr, CTLR_EOIMODE | CTLR_CBPR)
    if register.startswith("bpr"):
        return Result(controls.read_bpr(group), _ALL)
    return Result(int(controls.enabled[group]), _ALL)


def _write(state: VirtualInterface, operation: Operation) -> None:
    group, value = group_of(operation.register), operation.value
    if operation.register == "dir":
        state.write_dir(value)
    elif group is not None and operation.register.startswith("eoir"):
        state.write_eoir(group, value)
    else:
        if operation.register.startswith(("bpr", "ctlr")):
            state.require_idle()
        _write_control(state.controls, operation)


def _write_control(controls: Controls, operation: Operation) -> None:
    group, value = group_of(operation.register), operation.value
    if operation.register == "pmr":
        controls.pmr = value & PRIORITY_MASK
    elif operation.register == "ctlr":
        controls.eoimode, controls.cbpr = bool(value & CTLR_EOIMODE), bool(value & CTLR_CBPR)
    elif group is not None and operation.register.startswith("bpr"):
        controls.write_bpr(group, value)
    elif group is not None:
        controls.enabled[group] = bool(value & 1)


def perform_physical(controls: Controls, operation: Operation) -> Result:
    """Make an access to the physical interface, where nothing is pending or active."""
    if operation.write and operation.register not in CONTROLS:
        raise Unpredictable("the end of a physical interrupt that is not active")
    if operation.write:
        _write_control(controls, operation)
        return Result()
    if operation.register in CONTROLS:
        return _read_control(controls, operation.register)
    if operation.register == "rpr":
        return Result(IDLE, _ALL)
    return Result(0 if operation.register.startswith("ap") else SPURIOUS, _ALL)
