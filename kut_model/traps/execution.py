# SPDX-License-Identifier: GPL-2.0-or-later
"""An instruction at EL1 or EL0 under a state of the controls, and the exceptions it can take."""

from dataclasses import dataclass
from typing import Final

from kut_model.traps.controls import State
from kut_model.traps.outcome import ExceptionClass, Taken
from kut_model.traps.result import Kind, Outcome

#: ISS with the condition field of an AArch64 instruction, CV 1 and COND 0b1110 (ConditionSyndrome).
CONDITION_ALWAYS: Final = 1 << 24 | 0xE << 20
_VALUES_THAT_TRAP_EL0: Final = (0b00, 0b01, 0b10)


@dataclass(frozen=True, slots=True)
class Execution:
    """An instruction at EL1 or EL0, in AArch64 unless it is said otherwise."""

    el: int
    state: State

    @property
    def tge(self) -> bool:
        """Whether EL0 takes its exceptions to EL2."""
        return self.el == 0 and self.state["HCR_EL2.TGE"] == 1

    @property
    def host(self) -> bool:
        """Whether this is EL0 of a host with VHE: HCR_EL2.{E2H, TGE} is {1, 1} (ELIsInHost)."""
        return self.tge and self.state["HCR_EL2.E2H"] == 1

    def exception(
        self, el: int, ec: ExceptionClass, iss: int = 0, *, after: bool = False, il: int = 1
    ) -> Outcome:
        """Take an exception to `el`, or EL2 if EL1 takes nothing from EL0."""
        taken = Taken(2 if self.tge else el, ec, iss, after=after, il=il)
        return Outcome(Kind.EXCEPTION, taken=taken)

    def undefined(self) -> Outcome:
        """Return UNDEFINED (AArch64.UndefinedFault: to EL1, or EL2 with TGE)."""
        return self.exception(1, ExceptionClass.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Unit:
    """FP, SVE or SME: fields of CPACR_EL1 and CPTR_EL2 that enable it, and its traps."""

    field: str
    """In CPACR_EL1, and in CPTR_EL2 with E2H."""
    flag: str
    """In CPTR_EL2 without E2H, where 1 traps."""
    ec: ExceptionClass
    iss: int


FP: Final = Unit("FPEN", "TFP", ExceptionClass.FP, CONDITION_ALWAYS)
SVE: Final = Unit("ZEN", "TZ", ExceptionClass.SVE, 0)
SME: Final = Unit("SMEN", "TSM", ExceptionClass.SME, 0)


def el1_disables(execution: Execution, unit: Unit) -> Outcome | None:
    """Trap by CPACR_EL1 (AArch64.CheckFPAdvSIMDEnabled, CheckSVEEnabled, CheckSMEEnabled)."""
    value = execution.state[f"CPACR_EL1.{unit.field}"]
    if execution.host or not (value & 1 == 0 or (execution.el == 0 and value == 1)):
        return None
    if execution.tge and unit is FP:
        return execution.undefined()  # AArch64.AdvSIMDFPAccessTrap
    return execution.exception(1, unit.ec, unit.iss)


def el2_disables(execution: Execution, unit: Unit) -> Outcome | None:
    """Trap by CPTR_EL2, in the layout that HCR_EL2.E2H selects (AArch64.CheckFPAdvSIMDTrap)."""
    state = execution.state
    if state["HCR_EL2.E2H"]:
        value = state[f"CPTR_EL2.{unit.field}"]
        trapped = value & 1 == 0 or (execution.tge and value in _VALUES_THAT_TRAP_EL0)
    else:
        trapped = state[f"CPTR_EL2.{unit.flag}"] == 1
    return execution.exception(2, unit.ec, unit.iss) if trapped else None
