# SPDX-License-Identifier: GPL-2.0-or-later
"""Random programs of `tlb-random` as cases: drawn, read from texts, and as data for the image.

The initrd is little-endian: a header, then arrays of the structures of `arm/conform-tlb.c`.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from kut_model.fuzz.fields import CaseError
from kut_model.tables import tlb_random, tlb_text
from kut_model.tables.arrays import OutcomeTable
from kut_model.tables.programs import Program
from kut_model.tlb.instructions import encode, instructions
from kut_model.tlb.layout import NOTHING, Fill, layout
from kut_model.tlb.steps import Enter, Maintain, Set, Step, Try

RULE: Final = "tlb.random"
_MAGIC: Final = int.from_bytes(b"kuttlb01", "little")
#: struct tlb_initrd: magic, hash of the rows, rows, steps, fills, outcomes, label
_HEADER: Final = struct.Struct("<2Q4I32s")
#: struct tlb_row without a name: first step, steps, needs
_ROW: Final = struct.Struct("<QIHB9x")
#: struct tlb_step: kind, CPU, EL, PAN, index, root, table, VMID, ASID, value, first outcome, number
_STEP: Final = struct.Struct("<4B5H2xQHB5x")
#: struct tlb_fill: stage, table, index, count, target, bits
_FILL: Final = struct.Struct("<Bx4H6xQ")
_NO_OBJECT: Final = 0xFFFF
#: enum tlb_kind
_SET, _BEGIN, _ENTER, _MAINTAIN, _TRY = range(5)
#: enum probe_op
_OPS: Final = {"read": 0, "write": 1}
#: Features that programs need, by bit.
_NEEDS: Final = ("FEAT_TLBIOS", "FEAT_TLBIRANGE")


def draw(count: int, seed: int) -> Iterator[Program]:
    """Yield programs: those of the rows with the seeds from `seed` on."""
    return (tlb_random.program(seed + number) for number in range(count))


def take(text: str) -> Program:
    """Return the program of a text; raises CaseError for one that cannot run."""
    try:
        steps = tlb_text.parse(text)
    except ValueError as error:
        raise CaseError(f'"{text}": {error}') from None
    if not tlb_text.is_legal(steps):
        raise CaseError(
            f'"{text}": a CPU has no context, there is no access, or break-before-make is broken'
        )
    return Program("case", RULE, steps, tlb_text.CONFIG)


def smaller(text: str) -> list[str]:
    """Return the smaller variants of a program."""
    return [tlb_text.text(steps) for steps in tlb_text.variants(tlb_text.parse(text))]


@dataclass(slots=True)
class _Data:
    """Arrays, each element of which is written once."""

    steps: list[bytes] = field(default_factory=list)
    fills: dict[Fill, int] = field(default_factory=dict)
    outcomes: OutcomeTable = field(default_factory=OutcomeTable)
    tlbis: tuple[str, ...] = field(default_factory=lambda: tuple(instructions()))

    def add(self, program: Program) -> bytes:
        """Add the steps of a program; return its row."""
        first, entered = len(self.steps), set[int]()
        for step, codes in zip(program.steps, program.codes, strict=True):
            begins = isinstance(step, Enter) and step.cpu not in entered
            if isinstance(step, Enter):
                entered.add(step.cpu)
            self.steps.append(self._step(step, codes, begins=begins))
        needs = sum(1 << _NEEDS.index(each) for each in program.needs)
        return _ROW.pack(0, first, len(program.steps), needs)

    def _step(self, step: Step, codes: tuple[int, ...], *, begins: bool) -> bytes:
        match step:
            case Set(fill):
                index = self.fills.setdefault(fill, len(self.fills))
                return _STEP.pack(_SET, 0, 0, 0, index, *[0] * 7)
            case Enter(vmid, root, asid, context, cpu):
                here = layout(tlb_text.CONFIG.granule)
                tables = here.table2(root, here.start, 0), here.table1(context, here.start)
                kind = _BEGIN if begins else _ENTER
                return _STEP.pack(kind, cpu, 0, 0, 0, *tables, vmid, asid, 0, 0, 0)
            case Maintain(tlbi, operand, el, cpu):
                index = self.tlbis.index(tlbi.name)
                return _STEP.pack(
                    *(_MAINTAIN, cpu, el, 0, index, 0, 0, 0, 0, encode(tlbi, operand), 0, 0)
                )
            case Try(address, op, el, pan, cpu):
                permitted = self.outcomes.first(codes), len(codes)
                return _STEP.pack(*(_TRY, cpu, el, pan, _OPS[op], 0, 0, 0, 0, address, *permitted))
        raise TypeError(step)


def initrd(programs: Sequence[Program], table_hash: int, label: str) -> bytes:
    """Return the file; `label` is part of the ids of the rows."""
    data = _Data()
    rows = [data.add(program) for program in programs]
    outcomes = data.outcomes.numbers
    counts = len(rows), len(data.steps), len(data.fills), len(outcomes)
    return b"".join(
        [
            _HEADER.pack(_MAGIC, table_hash, *counts, label.encode()),
            *rows,
            *data.steps,
            *map(_fill, data.fills),
            struct.pack(f"<{len(outcomes)}I", *outcomes),
        ]
    )


def _fill(fill: Fill) -> bytes:
    target = _NO_OBJECT if fill.target == NOTHING else fill.target
    return _FILL.pack(fill.stage, fill.table, fill.index, fill.count, target, fill.bits)
