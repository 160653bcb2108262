# SPDX-License-Identifier: GPL-2.0-or-later
"""Rows about instructions that controls trap, or that are exceptions."""

from collections.abc import Iterator
from functools import cache

from kut_model.rows import UNDEFINED, Area, Row
from kut_model.tables import control_needs
from kut_model.tables.probes import Entry, Insn, header, set_name
from kut_model.traps.aarch32 import aarch32
from kut_model.traps.instruction_cases import InstructionCase, instruction_cases
from kut_model.traps.instructions import instructions
from kut_model.traps.result import Kind


def area(name: str, title: str, *, e2h: int) -> Area:
    """Return the area of all instructions below a host with HCR_EL2.E2H."""
    return Area(name, title, lambda: _rows(name, e2h), lambda: header(_entries(e2h), e2h=e2h))


@cache
def cases_of(*, e2h: int) -> tuple[InstructionCase, ...]:
    """Return the cases of an area, in the order of its rows."""
    every = (*instructions(), *aarch32())
    return tuple(case for insn in every for case in instruction_cases(insn, e2h=e2h))


def _rows(name: str, e2h: int) -> list[Row]:
    return [
        Row(
            id=f"{name}.{set_name(case.changes)}.{case.instruction.name}.{case.place}",
            rule=case.instruction.rule,
            expected=_expected(case),
            needs=(*case.instruction.features, *_needs(case)),
            kind=UNDEFINED if case.outcome.is_undefined else "",
            matrix=_matrix(case),
        )
        for case in cases_of(e2h=e2h)
    ]


def _matrix(case: InstructionCase) -> tuple[str, ...]:
    """Return the ids of the coverage table beside that of the rule."""
    found = ["E5"] if case.place.state in {"a32", "t32"} else []
    is_trapped = any(name.startswith("HFGITR_EL2") for name, _ in case.changes)
    if case.instruction.rule == "insn.svc" and case.place.el == 0 and not is_trapped:
        found.append("E4")
    return tuple(found)


def _expected(case: InstructionCase) -> str:
    may_execute = case.instruction.may_execute and case.outcome.kind is Kind.EXCEPTION
    return f"{case.outcome}, or it executes" if may_execute else str(case.outcome)


def _needs(case: InstructionCase) -> tuple[str, ...]:
    own = case.instruction.features
    return tuple(need for need in control_needs.of_changes(case.changes) if need not in own)


def _entries(e2h: int) -> Iterator[Entry]:
    for case in cases_of(e2h=e2h):
        instruction = case.instruction
        insn = Insn(
            *(instruction.name, instruction.opcode, instruction.features),
            value=instruction.value,
            limit=instruction.limit,
            state=instruction.state,
            has_rt=False,
        )
        yield Entry(
            *(insn, case.place, case.changes, set_name(case.changes), _needs(case), case.outcome),
            may_execute=instruction.may_execute,
        )
