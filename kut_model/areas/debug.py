# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `debug`: breakpoints, watchpoints and software step at EL2, EL1 and EL0."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from kut_model.debug.cases import Case, Outcome
from kut_model.debug.events import VMID, VMID_CID1
from kut_model.debug.instructions import INSTRUCTIONS
from kut_model.debug.products import cases
from kut_model.rows import Area, Row
from kut_model.tables.arrays import RET, SVC, NeedsTable, array, code, designated, sparse

_END: Final = 0x5EED  # of the SVC after an instruction
_E, _PXC, _BAS, _LBN, _TYPE = 1, 1, 5, 16, 20
_HMC, _SSC, _LSC, _MASK = 13, 14, 3, 24
_WHOLE: Final = 0xF


def _describe(case: Case) -> str:
    return " or ".join(dict.fromkeys(map(str, case.outcomes)))


def _rows(*, vhe: bool) -> Sequence[Row]:
    return [
        Row(f"debug.{case.name}", case.rule, _describe(case), case.needs) for case in cases(vhe=vhe)
    ]


def _levels(case: Case) -> int:
    levels = case.levels
    return levels.pxc << _PXC | levels.hmc << _HMC | levels.ssc << _SSC


def _breakpoint(case: Case) -> int:
    """DBGBCR<n>_EL1, without LBN: of an address, or of a context on its own."""
    if not case.breaks:
        return 0
    control = _levels(case) | _WHOLE << _BAS | int(case.enabled)
    if case.context and not case.linked:
        return control | (case.context.kind - 1) << _TYPE
    return control | int(case.linked) << _TYPE


def _watchpoint(case: Case) -> int:
    """DBGWCR<n>_EL1, without LBN."""
    watched = case.watched
    if not watched:
        return 0
    return (
        _levels(case)
        | watched.bas << _BAS
        | watched.lsc << _LSC
        | watched.mask << _MASK
        | int(case.linked) << _TYPE
        | int(case.enabled)
    )


def _context(case: Case) -> int:
    """DBGBCR<n>_EL1 of a context that others link to: all levels, which do not count."""
    if not case.context or not case.linked:
        return 0
    return case.context.kind << _TYPE | _WHOLE << _BAS | _E


def _outcome(outcome: Outcome) -> str:
    return designated(
        {
            "esr": hex(outcome.esr),
            "el": outcome.el,
            "at": f"DEBUG_AT_{outcome.at.name}",
            "ss": int(outcome.ss),
            "far_first": outcome.far.start if outcome.far else 0,
            "far_end": outcome.far.stop if outcome.far else 0,
        }
    )


def _initialiser(case: Case, needs: NeedsTable) -> str:
    machine, context = case.machine, case.context
    outcomes = [*case.outcomes, case.outcomes[-1]][:2]
    fields: dict[str, object] = {
        "name": f'"{case.name}"',
        "place": f"DEBUG_{case.place.name}",
        "insn": list(INSTRUCTIONS).index(case.insn),
        "offset": case.offset,
        "tde": int(machine.tde),
        "mde": int(machine.mde),
        "kde": int(machine.kde),
        "masked": int(machine.masked),
        "oslk": int(machine.oslk),
        "step": int(machine.step),
        "ss": int(case.ss),
        "el1_ss": int(case.el1_ss),
        "state": f"DEBUG_{case.state.name}",
        "bcr": hex(_breakpoint(case)),
        "wcr": hex(_watchpoint(case)),
        "watched": case.watched.offset if case.watched else 0,
        "other_address": int(case.other_address),
        "context": hex(_context(case)),
        "alone": int(context is not None and not case.linked),
        "vmid": int(context is not None and context.kind in {VMID, VMID_CID1}),
        "low_wrong": int(context is not None and not context.low),
        "high_wrong": int(context is not None and not context.high),
        "outcomes": f"{{ {', '.join(map(_outcome, outcomes))} }}",
        "needs": needs.add(case.needs),
    }
    return sparse(fields)


def _header(*, vhe: bool) -> str:
    needs = NeedsTable()
    rows = [_initialiser(case, needs) for case in cases(vhe=vhe)]
    opcodes = [insn.opcode for insn in INSTRUCTIONS.values()]
    return "".join(
        [
            f"#define DEBUG_VHE {int(vhe)}\n",
            f"#define DEBUG_END {_END:#x}\n",
            code("DEBUG_CODE", ((opcode, SVC | _END << 5) for opcode in opcodes)),
            code("DEBUG_EL2_CODE", ((opcode, RET) for opcode in opcodes)),
            needs.declaration("debug_needs"),
            array("struct debug_row", "debug_rows", rows),
        ]
    )


def area(*, vhe: bool) -> Area:
    """Return the area of hosts with VHE, or of those without."""
    title = "breakpoints, watchpoints and software step"
    return Area("debug", title, partial(_rows, vhe=vhe), partial(_header, vhe=vhe))


AREA: Final = area(vhe=True)
