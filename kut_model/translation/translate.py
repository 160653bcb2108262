# SPDX-License-Identifier: GPL-2.0-or-later
"""Both stages: AArch64.FullTranslate and, for AT, AArch64.AT."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from kut_model.translation.access import Access, Kind
from kut_model.translation.choices import Choices, outcomes, permitted
from kut_model.translation.controls import Stage1Control, Stage2Control
from kut_model.translation.faults import Fault, FaultType
from kut_model.translation.memory import Memory
from kut_model.translation.processor import Processor
from kut_model.translation.stage1 import Stage1, stage1
from kut_model.translation.stage2 import Output, stage2

_INSTRUCTION_CACHE_TRANSLATES = permitted("IC IVAU translates")


@dataclass(frozen=True, slots=True)
class Machine:
    """A processor, its registers and its tables."""

    processor: Processor
    stage1: Stage1Control
    stage2: Stage2Control
    descriptors: Mapping[int, int]  # by physical address
    holes: frozenset[int] = frozenset()  # pages where accesses are external aborts


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a translation gives, and the descriptors that it changed, by address."""

    result: Output | Fault | None  # None: not translated
    changes: tuple[tuple[int, int], ...] = ()


def translate(machine: Machine, va: int, access: Access, choices: Choices) -> Outcome:
    """Return what one implementation does: AArch64.FullTranslate, AT S12E1R and the like."""
    if access.kind is Kind.INSTRUCTION_CACHE and not choices(_INSTRUCTION_CACHE_TRANSLATES):
        return Outcome(None)
    first = _stage1(machine, choices)
    result = first.translate(va, access)
    if isinstance(result, Output):
        result = first.stage2.translate(result.address, result.attributes, access)
    if isinstance(result, Output) and first.stage2.memory.aborts(result.address):
        result = _abort_of_access(access)
    if isinstance(result, Fault) and result.is_external:
        result = replace(result, tea=machine.stage2.tea)
    return Outcome(result, first.stage2.memory.changes)


def _abort_of_access(access: Access) -> Fault:
    """Return the abort of an access to memory that reports it synchronously; not of AT."""
    return Fault(FaultType.EXTERNAL, stage=1, write=access.reports_write)


def translate_stage1(machine: Machine, va: int, access: Access, choices: Choices) -> Outcome:
    """Return the same of AT S1E1R and the like: the walk goes through stage 2, the output not."""
    first = _stage1(machine, choices)
    return Outcome(first.translate(va, access), first.stage2.memory.changes)


def _stage1(machine: Machine, choices: Choices) -> Stage1:
    """Return stage 1 on its stage 2."""
    memory = Memory(machine.descriptors, machine.holes)
    return stage1(machine.stage1, stage2(machine.stage2, machine.processor, memory, choices))


def alternatives(machine: Machine, va: int, access: Access) -> tuple[Outcome, ...]:
    """Return what any implementation may do."""
    return outcomes(lambda choices: translate(machine, va, access, choices))


def stage1_alternatives(machine: Machine, va: int, access: Access) -> tuple[Outcome, ...]:
    """Return what any implementation may do, of AT S1E1R and the like."""
    return outcomes(lambda choices: translate_stage1(machine, va, access, choices))
