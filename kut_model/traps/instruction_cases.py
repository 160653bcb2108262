# SPDX-License-Identifier: GPL-2.0-or-later
"""Enumeration of instructions: each with all combinations of the fields that it looks at."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

from kut_model.traps.cases import PLACES, Changes, Place, fields_read, state_of
from kut_model.traps.controls import FIELDS, State, base
from kut_model.traps.execution import Execution
from kut_model.traps.instructions import Instruction
from kut_model.traps.result import Kind, Outcome

#: Ends WFI: a virtual interrupt, which PSTATE.I masks.
_VIRTUAL_IRQ: Final = (("HCR_EL2.IMO", 1), ("HCR_EL2.VI", 1))


@dataclass(frozen=True, slots=True)
class InstructionCase:
    """An instruction with its outcome."""

    instruction: Instruction
    place: Place
    changes: Changes
    outcome: Outcome


def instruction_cases(instruction: Instruction, *, e2h: int) -> Iterator[InstructionCase]:
    """Yield the cases of an instruction below a host with HCR_EL2.E2H."""
    for place in _places(instruction):
        for changes in _combinations(instruction, place, e2h):
            outcome = instruction.outcome(Execution(place.el, state_of(place, changes, e2h)))
            case = InstructionCase(instruction, place, changes, outcome)
            if ended := _that_ends(case):
                yield ended


def _places(instruction: Instruction) -> tuple[Place, ...]:
    if instruction.state in {"a32", "t32"}:
        return (Place(0, 0, instruction.state),)
    if instruction.state:
        return tuple(Place(place.el, place.tge, instruction.state) for place in PLACES)
    hosts = (0, 1) if instruction.host else (0,)
    return tuple(place for place in PLACES if place.el in instruction.els and place.tge in hosts)


def _that_ends(case: InstructionCase) -> InstructionCase | None:
    """Return the case, with what ends WFI; None if its outcome is open or nothing ends it."""
    instruction, outcome = case.instruction, case.outcome
    if instruction.name.startswith("smc") and case.place.el and not _is_trapped(case):
        return None  # IMPLEMENTATION DEFINED, or firmware answers
    executes = outcome.kind is Kind.EXECUTE
    if executes and instruction.name.startswith("aut") and _is_enabled(case):
        return None  # the address is not authentic
    if executes and instruction.name == "wfi":
        return None if case.place.tge else replace(case, changes=case.changes + _VIRTUAL_IRQ)
    return case


def _is_trapped(case: InstructionCase) -> bool:
    """Whether an SMC at EL1 is trapped on every CPU."""
    return not case.outcome.is_undefined and not case.outcome.or_undefined


def _is_enabled(case: InstructionCase) -> bool:
    return any(name.startswith("SCTLR_EL1.En") and value for name, value in case.changes)


def _combinations(instruction: Instruction, place: Place, e2h: int) -> Iterator[Changes]:
    fields = _relevant(instruction, place, e2h)
    values = [range(1 << FIELDS[e2h][field][1]) for field in fields]
    permitted = base(e2h=e2h)
    for chosen in product(*values):
        yield tuple(
            (field, value)
            for field, value in zip(fields, chosen, strict=True)
            if value != permitted[field]
        )


def _relevant(instruction: Instruction, place: Place, e2h: int) -> tuple[str, ...]:
    """Return the fields that the instruction looks at, in the order of FIELDS."""

    def look(place: Place, state: State) -> None:
        instruction.outcome(Execution(place.el, state))

    return fields_read((place,), look, e2h)
