# SPDX-License-Identifier: GPL-2.0-or-later
"""AArch32 at EL0 below an EL1 in AArch64: coprocessors 14 and 15, and other instructions.

The table has the columns of registers.py, with the coprocessor as op0 and the rules of the
register's AArch64 counterpart. Accesses that EL0 may never make are left out: it is IMPLEMENTATION
DEFINED whether they are UNDEFINED or HSTR_EL2 traps them.

Sources: DDI 0487, G8, the accessibility of each register; D24.2, ESR_EL2, ISS of EC 0x03 and 0x05.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from kut_model.bits import placed
from kut_model.traps.access import by_rules
from kut_model.traps.conditions import Access
from kut_model.traps.execution import CONDITION_ALWAYS, FP, Execution
from kut_model.traps.instructions import Instruction, Wait, brk, svc, undefined, vectors, wait
from kut_model.traps.outcome import ExceptionClass
from kut_model.traps.registers import Register, parse
from kut_model.traps.result import Kind, Outcome

_TABLE: Final = """
TPIDRURW    15:0:13:0:2   -  rw  -      hstr:T13 fgt:TPIDR_EL0
TPIDRURO    15:0:13:0:3   -  r   -      hstr:T13 fgt:TPIDRRO_EL0
PMCR        15:0:9:12:0   -  rw  PMUv3  pmu hstr:T9 dfgtw:PMCR_EL0 mdcr:TPM mdcr:TPMCR
PMCNTENSET  15:0:9:12:1   -  rw  PMUv3  pmu hstr:T9 dfgt:PMCNTEN mdcr:TPM
PMCNTENCLR  15:0:9:12:2   -  rw  PMUv3  pmu hstr:T9 dfgt:PMCNTEN mdcr:TPM
PMOVSR      15:0:9:12:3   -  rw  PMUv3  pmu hstr:T9 dfgt:PMOVS mdcr:TPM
PMSWINC     15:0:9:12:4   -  w   PMUv3  pmu:SW hstr:T9 dfgt:PMSWINC_EL0 mdcr:TPM
PMSELR      15:0:9:12:5   -  rw  PMUv3  pmu:ER hstr:T9 dfgt:PMSELR_EL0 mdcr:TPM
PMCEID0     15:0:9:12:6   -  r   PMUv3  pmu hstr:T9 dfgt:PMCEIDn_EL0 mdcr:TPM
PMCCNTR     15:0:9:13:0   -  rw  PMUv3  pmur:CR hstr:T9 dfgt:PMCCNTR_EL0 mdcr:TPM
PMUSERENR   15:0:9:14:0   -  r   PMUv3  hstr:T9 dfgt:PMUSERENR_EL0 mdcr:TPM
PMOVSSET    15:0:9:14:3   -  rw  PMUv3  pmu hstr:T9 dfgt:PMOVS mdcr:TPM
CNTFRQ      15:0:14:0:0   -  r   -      cntfrq
CNTP_TVAL   15:0:14:2:0   -  rw  -      cntp
CNTP_CTL    15:0:14:2:1   -  rw  -      cntp
CNTV_TVAL   15:0:14:3:0   -  rw  -      cntv
CNTV_CTL    15:0:14:3:1   -  rw  -      cntv
CP15ISB     15:0:7:5:4    -  w   -      cp15ben hstr:T7
CP15DSB     15:0:7:10:4   -  w   -      cp15ben hstr:T7
CP15DMB     15:0:7:10:5   -  w   -      cp15ben hstr:T7
DBGDSCRint  14:0:0:1:0    -  r   -      tdcc mdcr:TDCC tda
DBGDTRRXint 14:0:0:5:0    -  r   -      tdcc mdcr:TDCC tda
DBGDTRTXint 14:0:0:5:0    -  w   -      tdcc mdcr:TDCC tda
"""
_RT: Final = 3
_AA32: Final = "FEAT_AA32EL0"
_FUTURE: Final = ("CNTP_TVAL", "CNTV_TVAL")


@dataclass(frozen=True, slots=True)
class _Access(Access):
    """An MRC or MCR of a coprocessor: `register` with its number as op0."""

    def trap(self, el: int) -> Outcome:
        """Trap it to `el` (AArch64.AArch32SystemAccessTrap)."""
        ec = ExceptionClass.CP15_32 if self.register.op0 == 15 else ExceptionClass.CP14_32  # noqa: PLR2004
        return self.exception(el, ec, _iss(self.register, write=self.write))

    def made(self, name: str = "") -> Outcome:  # noqa: ARG002 - no rule here has one
        """Return that it is executed: the rows do not compare values."""
        return Outcome(Kind.EXECUTE)


def _iss(register: Register, *, write: bool) -> int:
    """Return the ISS of a trapped MCR or MRC."""
    fields = ((register.op2, 17, 3), (register.op1, 14, 3), (register.crn, 10, 4))
    last = placed(_RT, 5, 5) | placed(register.crm, 1, 4) | placed(int(not write), 0, 1)
    return CONDITION_ALWAYS | sum(placed(*field) for field in fields) | last


def _opcode(register: Register, *, write: bool) -> int:
    """Return the MRC or MCR with r3 (F5.1, MRC)."""
    fields = ((register.op1, 21, 3), (register.crn, 16, 4), (_RT, 12, 4), (register.op0, 8, 4))
    base = 0xEE000010 | placed(int(not write), 20, 1) | placed(register.op2, 5, 3) | register.crm
    return base | sum(placed(*field) for field in fields)


def _access(execution: Execution, register: Register, *, write: bool) -> Outcome:
    return by_rules(_Access(execution.el, execution.state, register, write))


def aarch32() -> Iterator[Instruction]:
    """Yield the instructions of AArch32, at EL0 of a guest."""
    yield from _coprocessors()
    bkpt32 = partial(brk, ec=ExceptionClass.BKPT32)
    svc32 = partial(svc, ec=ExceptionClass.SVC32)
    for imm in (0, 1, 0x5A5A, 0xFFFF):
        bkpt = 0xE1200070 | imm >> 4 << 8 | imm & 0xF
        yield _a32(f"bkpt.{imm:#06x}", bkpt, "insn.brk", partial(bkpt32, imm=imm))
        yield _a32(f"svc.{imm:#06x}", 0xEF000000 | imm, "insn.svc", partial(svc32, imm=imm))
    for imm in (0, 1, 0x5A, 0xFF):
        yield _t32(f"bkpt.{imm:#04x}", 0xBE00 | imm, "insn.brk", partial(bkpt32, imm=imm, il=0))
        yield _t32(f"svc.{imm:#04x}", 0xDF00 | imm, "insn.svc", partial(svc32, imm=imm, il=0))
    yield _a32("udf", 0xE7F000F0, "insn.undefined", undefined)
    yield _t32("udf", 0xDE00, "insn.undefined", undefined)
    yield _a32("hvc", 0xE1400070, "insn.undefined", undefined)
    yield _a32("smc", 0xE1600070, "insn.undefined", undefined)
    yield _a32("vmov", 0xEE103A10, "insn.vectors", partial(vectors, units=(FP,)))
    for kind, opcode in ((Wait.WFI, 0xE320F003), (Wait.WFE, 0xE320F002)):
        outcome = partial(wait, kind=kind, rt=0)
        name = kind.name.lower()
        yield _a32(name, opcode, "insn.wait", outcome, value="EVENT", may_execute=True)


def registers() -> Iterator[Register]:
    """Yield the registers of coprocessors, with the coprocessor as op0."""
    yield from parse(_TABLE)


def _coprocessors() -> Iterator[Instruction]:
    for register in registers():
        for direction in register.el0:
            write = direction == "w"
            yield _a32(
                f"{register.name.lower()}.{'write' if write else 'read'}",
                _opcode(register, write=write),
                "sysreg.aarch32",
                partial(_access, register=register, write=write),
                value="FUTURE" if register.name in _FUTURE else "ZERO",
                more=tuple(f"FEAT_{name}" for name in register.features),
            )


def _a32(  # noqa: PLR0913 - named ones
    name: str,
    opcode: int,
    rule: str,
    outcome: Callable[[Execution], Outcome],
    *,
    value: str = "ZERO",
    may_execute: bool = False,
    more: tuple[str, ...] = (),
) -> Instruction:
    return Instruction(
        *(name, opcode, rule, outcome, (0,), (_AA32, *more)),
        value=value,
        may_execute=may_execute,
        state="a32",
    )


def _t32(name: str, opcode: int, rule: str, outcome: Callable[[Execution], Outcome]) -> Instruction:
    """Return a 16-bit instruction, followed by SVC."""
    return Instruction(name, 0xDF00 << 16 | opcode, rule, outcome, (0,), (_AA32,), state="t32")
