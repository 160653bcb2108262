# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `mte`: allocation tags, their checks and faults, at EL2, EL1 and EL0."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from kut_model.mte.cases import Case, Stage2
from kut_model.mte.generation import GENERATORS
from kut_model.mte.instructions import INSTRUCTIONS, VALUE
from kut_model.mte.products import cases
from kut_model.mte.tags import Controls
from kut_model.rows import UNDEFINED, Area, Row
from kut_model.tables.arrays import RET, SVC, NeedsTable, array, code, sparse
from kut_model.traps.outcome import ExceptionClass

_NOP: Final = 0xD503201F
_SLOT: Final = 3  # instructions of a row's code, before the one that ends it
_TFSR: Final = {0: "TFSRE0_EL1", 1: "TFSR_EL1", 2: "TFSR_EL2"}
#: Fields of SCTLR_ELx: TCF0, TCF, ATA0, ATA, A; of HCR_EL2: VM, DC, FWB, ATA, DCT.
_TCF0, _TCF, _ATA0, _ATA, _A = 38, 40, 1 << 42, 1 << 43, 1 << 1
_HCR_VM, _HCR_DC, _HCR_FWB, _HCR_ATA, _HCR_DCT = 1, 1 << 12, 1 << 46, 1 << 56, 1 << 57
_NO_TBI, _TCMA0, _TCMA1 = 1, 2, 4
#: A leaf of stage 2: AF, SH, S2AP.
_AF, _ISH, _READ, _WRITE = 1 << 10, 3 << 8, 1 << 6, 1 << 7


def _describe(case: Case) -> str:
    result = case.result
    parts = [str(result.taken) if result.taken else "no exception"]
    if result.far:
        offsets = " or ".join(f"the block + {each}" for each in result.far)
        parts.append(f"FAR {offsets}")
    parts += [f"{_TFSR[el]} {value:#x}" for el, value in result.tfsr.items()]
    parts.append(f"x0 {result.state.x0:#x}")
    if case.registers:
        parts.append(f"RGSR_EL1 {result.rgsr:#x}")
    else:
        parts.append(f"tags {result.state.tags:#x}, changed words {result.state.changed:#x}")
    return ", ".join(parts)


def _needs(case: Case) -> tuple[str, ...]:
    insn = INSTRUCTIONS.get(case.insn)
    return "FEAT_MTE2", *case.needs, *(insn.needs if insn else ())


def _kind(case: Case) -> str:
    taken = case.result.taken
    return UNDEFINED if taken and taken.ec is ExceptionClass.UNKNOWN else ""


def _rows(*, vhe: bool) -> Sequence[Row]:
    return [
        Row(f"mte.{case.id}", case.rule, _describe(case), _needs(case), _kind(case))
        for case in cases(vhe=vhe)
    ]


def _sctlr(controls: Controls, *, alignment: bool) -> int:
    return (
        controls.tcf0 << _TCF0
        | controls.tcf << _TCF
        | (_ATA0 if controls.ata0 else 0)
        | (_ATA if controls.ata else 0)
        | (_A if alignment else 0)
    )


def _hcr(controls: Controls, stage2: Stage2 | None) -> int:
    hcr = _HCR_ATA if controls.hcr_ata else 0
    if stage2:
        hcr |= _HCR_VM | (_HCR_FWB if stage2.fwb else 0)
        hcr |= (_HCR_DC if stage2.dc else 0) | (_HCR_DCT if stage2.dct else 0)
    return hcr


def _leaf(stage2: Stage2 | None) -> int:
    if not stage2 or not stage2.mapped:
        return 0
    return _AF | _ISH | _READ | (_WRITE if stage2.writable else 0) | stage2.memattr << 2


def _tcr(controls: Controls) -> int:
    return (
        (0 if controls.tbi else _NO_TBI)
        | (_TCMA0 if controls.tcma0 else 0)
        | (_TCMA1 if controls.tcma1 else 0)
    )


def _initialiser(case: Case, needs: NeedsTable) -> str:
    result, controls, registers = case.result, case.controls, case.registers
    far = (*result.far, *result.far)
    fields: dict[str, object] = {
        "name": f'"{case.id}"',
        "place": f"MTE_{case.place.name}",
        "insn": list(INSTRUCTIONS | GENERATORS).index(case.insn),
        "memory": f"MTE_{case.memory.name}",
        "high": int(case.high),
        "tag": case.tag,
        "offset": case.offset,
        "tco": int(controls.tco),
        "sctlr": hex(_sctlr(controls, alignment=case.alignment_check)),
        "hcr": hex(_hcr(controls, case.stage2)),
        "leaf": hex(_leaf(case.stage2)),
        "tcr": _tcr(controls),
        "before": hex(case.before),
        "after": hex(result.state.tags),
        "changed": hex(result.state.changed),
        "x0": hex(result.state.x0),
        "esr": hex(result.taken.esr if result.taken else 0),
        "el": result.taken.el if result.taken else 0,
        "has_far": int(bool(far)),
        "iss2": int(case.iss2),
        "far": f"{{ {far[0]}, {far[1]} }}" if far else "{ 0 }",
        "tfsr": f"{{ {', '.join(str(result.tfsr.get(el, 0)) for el in _TFSR)} }}",
        "needs": needs.add(_needs(case)),
    }
    if registers:
        fields |= {
            "generates": 1,
            "x1": hex(registers.x1),
            "x2": hex(registers.x2),
            "gcr": hex(registers.exclude),
            "rgsr": hex(registers.rgsr),
            "rgsr_after": hex(result.rgsr),
        }
    return sparse(fields)


def _code(macro: str, last: int) -> str:
    """Return a macro with the code of all instructions, each of them in a slot."""
    codes = [each.code for each in INSTRUCTIONS.values()]
    codes += [each.code for each in GENERATORS.values()]
    return code(macro, ((*each, *(_NOP,) * (_SLOT - len(each)), last) for each in codes))


def _header(*, vhe: bool) -> str:
    needs = NeedsTable()
    rows = [_initialiser(case, needs) for case in cases(vhe=vhe)]
    return "".join(
        [
            f"#define MTE_VHE {int(vhe)}\n",
            f"#define MTE_VALUE UL({VALUE:#x})\n",
            _code("MTE_CODE", SVC),
            _code("MTE_EL2_CODE", RET),
            needs.declaration("mte_needs"),
            array("struct mte_row", "mte_rows", rows),
        ]
    )


def area(*, vhe: bool) -> Area:
    """Return the area of hosts with VHE, or of those without."""
    title = "allocation tags, their checks and faults"
    return Area("mte", title, partial(_rows, vhe=vhe), partial(_header, vhe=vhe))


AREA: Final = area(vhe=True)
