# SPDX-License-Identifier: GPL-2.0-or-later
"""Accesses to system registers and system instructions at EL1 and EL0 in AArch64.

The machine is Non-secure, without EL3, with EL2 and EL1 in AArch64, outside Debug state. Registers
that a missing feature makes UNDEFINED are left to the caller (`Register.features`).
"""

import re
from functools import cache
from typing import Final

from kut_model.traps.conditions import CONDITIONS, Access, Condition
from kut_model.traps.controls import State
from kut_model.traps.registers import Register
from kut_model.traps.result import Outcome

_RULE: Final = re.compile(r"([a-z0-9]+[=!]?):?(.*)")


def access(register: Register, state: State, *, write: bool, el: int) -> Outcome:
    """Return what an MRS, MSR (register) or SYS at `el` gives (the registers' accessors)."""
    this = Access(el, state, register, write)
    if not _exists(register, write=write, el=el):
        return _absent(this)
    return by_rules(this)


def by_rules(this: Access) -> Outcome:
    """Return the outcome of the first rule of the register that has one; else it is made."""
    for condition, argument in rules(this.register):
        if outcome := condition(this, argument):
            return outcome
    return this.made()


@cache
def rules(register: Register) -> tuple[tuple[Condition, str], ...]:
    """Return the rules of a register and their arguments, by priority."""
    found = (_RULE.fullmatch(rule) for rule in register.rules)
    return tuple((CONDITIONS[match[1]], match[2]) for match in found if match)


def _exists(register: Register, *, write: bool, el: int) -> bool:
    """Return whether some state permits this direction at this EL."""
    permitted = register.el1 if el else register.el0
    if permitted in {"i", "nv"}:
        return write or not register.is_instruction
    if permitted == "x":
        return write
    return ("w" if write else "r") in permitted.removeprefix("nv")


def _absent(this: Access) -> Outcome:
    """UNDEFINED, or with FEAT_IDST a trap of EL0's reads of the identification space (D24.3.2)."""
    register = this.register
    if this.el == 0 and not this.write and register.is_identification and "r" in register.el1:
        return this.trap(1)
    return this.undefined()
