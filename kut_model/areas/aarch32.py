# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `aarch32`: EL1 and EL0 in AArch32: syndromes of loads and stores, calls, and registers."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from kut_model.rows import Area, Row
from kut_model.tables.arrays import RET, NeedsTable, array, code, designated
from kut_model.translation.faults import Fault, FaultType
from kut_model.translation.load_store32 import (
    A32,
    ABT,
    FIQ,
    IRQ,
    SVC,
    SYS,
    T16,
    T32,
    UND,
    USR,
    Form,
)
from kut_model.traps.outcome import ExceptionClass, Taken
from kut_model.traps.registers import by_name

_HVC, _BKPT = 0xE14FFF7F, 0xBE00  # HVC #0xffff in A32, BKPT in T32
#: First halfword of T32 instructions of 32 bits: from 0xE800 on.
_WIDE: Final = 0xE800
_WNR: Final = 1 << 6
_EL1: Final = ("FEAT_AA32EL1",)
_EL0: Final = ("FEAT_AA32EL0",)
#: Modes by name: M[4:0], and whether EL1 uses AArch32, too.
_MODES: Final = {
    "el0": (USR, False),
    "usr": (USR, True),
    "svc": (SVC, True),
    "abt": (ABT, True),
    "und": (UND, True),
    "irq": (IRQ, True),
    "fiq": (FIQ, True),
    "sys": (SYS, True),
}
_FORMS: Final = {"a32": A32, "t16": T16, "t32": T32}
#: Registers, of forms that are tried with all of them, and of the others.
_EVERY: Final = {"a32": tuple(range(15)), "t16": (0, 3, 7), "t32": (0, 3, 8, 12, 14)}
_SOME: Final = {"a32": (0, 3, 8, 14), "t16": (0, 3, 7), "t32": (0, 8, 14)}
_FEW_MODES: Final = ("el0", "usr", "svc", "fiq")
#: Vectors of AArch32 at EL1 (G1.12.1).
_UNDEFINED_VECTOR, _SVC_VECTOR = 1, 2
#: HVC, SMC, SVC, BKPT and UDF with an immediate of 0; T32 in the order of memory.
_CALLS: Final = {
    "a32": {"hvc": 0xE1400070, "svc": 0xEF000000, "bkpt": 0xE1200070, "udf": 0xE7F000F0},
    "t32": {"hvc": 0x8000F7E0, "svc": 0xDF00, "bkpt": 0xBE00, "udf": 0xDE00},
}
_SHARED: Final = {
    "dacr": ("DACR32_EL2", 0xEE130F10, 0xEE030F10, 0xFFFFFFFF),
    "ifsr": ("IFSR32_EL2", 0xEE150F30, 0xEE050F30, 0xF),
    "fpexc": ("FPEXC32_EL2", 0xEEF80A10, 0xEEE80A10, 1 << 30),
    "spsr_irq": ("SPSR_irq", 0xE1400300, 0xE160F300, 0xF00001C0),
    "spsr_fiq": ("SPSR_fiq", 0xE14E0200, 0xE16EF200, 0xF00001C0),
    "spsr_abt": ("SPSR_abt", 0xE1440300, 0xE164F300, 0xF00001C0),
    "spsr_und": ("SPSR_und", 0xE1460300, 0xE166F300, 0xF00001C0),
}


@dataclass(frozen=True, slots=True)
class _Case:
    """A row."""

    name: str
    rule: str
    state: str
    insn: int
    mode: str
    taken: Taken | None = None
    after: int = 0
    """ELR_EL2 less the address of the instruction, or what LR of EL1's mode is."""
    vector: int = 0
    """Of EL1 in AArch32; 0: EL2 takes the exception."""
    el2: tuple[int, int] = (0, 0)
    """A read and a write of EL2's register."""
    mask: int = 0
    action: str = "CALL"

    @property
    def needs(self) -> tuple[str, ...]:
        """Features of the row."""
        return _EL1 if _MODES[self.mode][1] else _EL0

    @property
    def matrix(self) -> tuple[str, ...]:
        """Ids of the coverage table beside that of the rule."""
        return ("E5",) if self.mode == "el0" else ()


def _abort(form: Form, mode: str, rt: int) -> Taken:
    status = Fault(FaultType.TRANSLATION, stage=2, level=3).status
    iss = form.syndrome(_MODES[mode][0], rt) | (_WNR if form.write else 0) | status
    return Taken(2, ExceptionClass.DATA_ABORT_LOWER_EL, iss, after=False, il=form.il)


def _accesses() -> Iterator[_Case]:
    for state, forms in _FORMS.items():
        for name, form in forms.items():
            every = name in {"ldr", "str"}
            registers = (_EVERY if every else _SOME)[state] if form.isv else (3,)
            for mode in _MODES if every else _FEW_MODES:
                for rt in registers:
                    which = f"r{rt}." if form.isv else ""
                    yield _Case(
                        f"access.{state}.{name}.{which}{mode}",
                        "aarch32.syndrome",
                        state,
                        form.instruction(rt if form.isv else form.rt),
                        mode,
                        _abort(form, mode, rt),
                        action="ACCESS",
                    )


def _calls() -> Iterator[_Case]:
    """Yield calls of AArch32 at EL1, and at EL0 below it."""
    for state, opcodes in _CALLS.items():
        short = 2 if state == "t32" else 4
        for imm in (0, 1, 0x5A) if state == "t32" else (0, 1, 0x5A5, 0xFFFF):
            wide = imm >> 4 << 8 | imm & 0xF
            hvc = imm << 16 if state == "t32" else wide
            taken = Taken(2, ExceptionClass.HVC32, imm, after=True)
            yield _Case(
                f"call.{state}.hvc.{imm:#06x}.svc",
                *("aarch32.call", state, opcodes["hvc"] | hvc, "svc", taken, 4),
            )
            taken = Taken(2, ExceptionClass.BKPT32, imm, after=False, il=int(state == "a32"))
            for mode in ("svc", "usr"):
                bkpt = opcodes["bkpt"] | (imm if state == "t32" else wide)
                name = f"call.{state}.bkpt.{imm:#06x}.{mode}"
                yield _Case(name, "aarch32.call", state, bkpt, mode, taken)
        for mode in ("svc", "usr", "und", "sys"):
            name = f"call.{state}.{{}}.{mode}"
            vectors = (("svc", _SVC_VECTOR), ("udf", _UNDEFINED_VECTOR))
            for insn, vector in vectors:
                yield _Case(
                    name.format(insn),
                    *("aarch32.call", state, opcodes[insn], mode),
                    after=short,
                    vector=vector,
                )
        yield _Case(
            f"call.{state}.hvc.usr",
            *("aarch32.call", state, opcodes["hvc"], "usr"),
            after=short,
            vector=_UNDEFINED_VECTOR,
        )


def _shared() -> Iterator[_Case]:
    for name, (el2, read, write, mask) in _SHARED.items():
        register = by_name()[el2]
        both = register.opcode(write=False), register.opcode(write=True)
        for action, insn in (("EL1_READS", read), ("EL1_WRITES", write)):
            yield _Case(
                f"register.{name}.{action.lower().replace('_', '-')}",
                *("aarch32.register", "a32", insn, "svc"),
                el2=both,
                mask=mask,
                action=action,
            )


@cache
def cases() -> tuple[_Case, ...]:
    """Return the cases."""
    return (*_accesses(), *_calls(), *_shared())


def _describe(case: _Case) -> str:
    if case.taken:
        return str(case.taken)
    if case.vector:
        return f"exception of EL1, vector {case.vector * 4:#x}, LR {case.after} behind"
    return f"the register is {case.el2[0]:#x}'s at EL2 (bits {case.mask:#x})"


def _rows() -> list[Row]:
    return [
        Row(f"aarch32.{case.name}", case.rule, _describe(case), case.needs, matrix=case.matrix)
        for case in cases()
    ]


def _instruction(case: _Case) -> tuple[int, int]:
    """Return two words: the instruction, and what follows it."""
    if case.state == "a32":
        return case.insn, _HVC
    is_wide = case.insn & 0xFFFF >= _WIDE
    return case.insn if is_wide else case.insn | _BKPT << 16, _BKPT << 16 | _BKPT


def _initialiser(case: _Case, needs: NeedsTable) -> str:
    mode, el1 = _MODES[case.mode]
    fields = {
        "name": f'"{case.name}"',
        "action": f"AARCH32_{case.action}",
        "needs": needs.add(case.needs),
        "mode": f"{mode:#x}",
        "el1": int(el1),
        "t32": int(case.state != "a32"),
        "after": case.after,
        "vector": case.vector,
        "mask": f"{case.mask:#x}",
        "esr": f"{case.taken.esr:#x}" if case.taken else 0,
    }
    return designated(fields)


def _header() -> str:
    needs = NeedsTable()
    rows = [_initialiser(case, needs) for case in cases()]
    shared = [case for case in cases() if any(case.el2)]
    return "".join(
        [
            code("AARCH32_CODE", (_instruction(case) for case in cases())),
            code("AARCH32_EL2_CODE", ((insn, RET) for case in shared for insn in case.el2)),
            f"#define AARCH32_FIRST_REGISTER {cases().index(shared[0])}\n",
            needs.declaration("aarch32_needs"),
            array("struct aarch32_row", "aarch32_rows", rows),
        ]
    )


AREA: Final = Area("aarch32", "EL1 and EL0 in AArch32", _rows, _header)
